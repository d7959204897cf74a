"""Telling clients' servers that jobs have ended: `notices` decides and remembers, `sender` posts to an `address`."""
