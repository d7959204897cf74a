"""Model files: which there are (`catalogue`), how they come here (`fetching`), on which device they run (`devices`)."""
