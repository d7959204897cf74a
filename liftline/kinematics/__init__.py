"""What a body does, from its joints: `angles` are those that people publish, with their definitions."""
