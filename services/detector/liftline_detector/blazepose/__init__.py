"""BlazePose for several people at once (Bazarevsky et al., 2020), on LiteRT.

Read `session.py` first; `search.py` says where it looks, `persons.py` and `landmarks.py` hold the two models.
"""
