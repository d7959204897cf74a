"""How weights of detectors that come with Liftline were made of published ones."""
