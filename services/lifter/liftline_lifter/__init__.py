"""The lifter service: who is who over the whole video, then 2D keypoints to 3D poses."""
