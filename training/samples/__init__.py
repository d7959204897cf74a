"""What the network is shown: windows to train on (`windows`), whole clips (`sequences`), and what is held out."""
