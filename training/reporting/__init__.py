"""What is told of trained weights: the model card (`card`) and its pictures (`plots`)."""
