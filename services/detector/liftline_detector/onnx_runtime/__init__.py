"""What detectors with networks in ONNX share: `devices` and `network` run them, `pictures` and `boxes` are their
borders, `person_finder` finds people, `top_down` reads each of them, `colours` settles which colour order a file wants.

The detectors themselves are in folders beside this one: `rtmpose`, `vitpose`, `rtmo`.
"""
