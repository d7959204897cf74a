"""What the commands that talk to a gateway share."""
