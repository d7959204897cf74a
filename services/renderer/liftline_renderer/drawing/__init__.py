"""People drawn over the video: `overlay` is where to begin; `body`, `labels`, `lettering`, `palette` and `strokes` are
what it draws with.
"""
