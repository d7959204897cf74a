"""`liftline process FOLDER`: every video below it, each in a process of its own, and a summary of all."""
