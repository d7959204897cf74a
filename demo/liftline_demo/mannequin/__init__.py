"""A procedurally animated, shaded human figure with exact 3D ground truth: the demo's and the tests' own video.

It needs no assets: a body of signed-distance primitives walks in a circle and is ray-marched in numpy. It is a smoke
and regression clip; it says nothing about accuracy on real people.
"""
