"""What a person sees: progress (`reporting`), errors and closing lines (`session`), Ctrl-C (`interrupts`), logs."""
