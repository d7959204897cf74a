"""What makes a process of a service: `bootstrap` wires it, `grpc` serves it, `tokens` says whose requests are taken.

`early_sigterm` comes before all other imports; so this package imports nothing by itself.
"""
