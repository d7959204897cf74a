"""Reading video with PyAV: exact timestamps, upright square pixels, bounded memory, hostile files kept in check."""
