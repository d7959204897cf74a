"""What makes motion better before and after the network: every step can be switched off in `LiftSettings`."""
