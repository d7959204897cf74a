"""What is told of trained weights: scores, plots, the model card."""
