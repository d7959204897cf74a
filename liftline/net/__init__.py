"""What everything that talks over a network shares.

`addresses` checks host and port as settings give them, `https` makes connections that are encrypted.
"""
