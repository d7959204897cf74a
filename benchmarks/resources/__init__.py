"""What work costs: memory, processor time and bytes of one thing at a time."""
