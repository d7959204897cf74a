"""What everything that talks over a network shares.

`retrying` says how long, how often and with which pauses what failed is attempted again, for all of Liftline. `https`
makes requests, `download` fetches a file by them, continued from its `part` where a connection broke off. `addresses`
checks host and port as settings give them.
"""
