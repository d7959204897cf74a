"""The 3D view beside the video: `view` is where to begin, then `room` (its frame and camera) and `figures`."""
