"""What is done to clean motion so that it looks like a detector's: noise, occlusion, other bodies."""
