"""Motion capture as it is on disk (`data`) and as bones that can be given other lengths (`bones`)."""
