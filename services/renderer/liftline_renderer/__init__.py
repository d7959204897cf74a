"""The renderer: draws 3D poses over and beside a video, encodes and joins the result."""
