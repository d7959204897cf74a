"""Motion capture as training sees it: clips, bones, windows, cameras, what is held out."""
