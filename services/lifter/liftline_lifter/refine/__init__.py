"""What makes motion better before and after the network: every step can be switched off in `LiftSettings`.

Before it, `keypoint_cleaning`: `_side_repair` undoes swapped limbs, `_outliers` replaces keypoints that jump. After it,
`bone_lengths`, then `feet` with `_contacts`, which keep standing feet in place.
"""
