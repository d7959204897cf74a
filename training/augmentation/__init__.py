"""What makes clean motion look like a detector's view of it: cameras, noise, occlusion, other bodies."""
