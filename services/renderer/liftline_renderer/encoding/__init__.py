"""Drawn frames to files: `encode` a segment, `mux` segments and sound into the mp4, `gif` of that."""
