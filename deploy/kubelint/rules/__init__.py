"""One module a kind of mistake. Each yields findings about rendered documents."""
