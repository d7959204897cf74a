"""The detector service: a video segment in, every person's 2D keypoints out."""
