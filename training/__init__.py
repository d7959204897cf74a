"""How the bundled lifter weights are made and measured. See README.md."""
