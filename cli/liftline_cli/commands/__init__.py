"""The commands of `liftline`, each a thin translation of its options into a call."""
