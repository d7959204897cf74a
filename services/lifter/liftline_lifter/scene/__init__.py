"""The scene around the people: which way is up, where the floor is, how tall everyone is.

Begin with `estimation`, which puts the `Scene` together. `vertical` finds up from bodies in balance; `_ground` refines
it and finds the floor from everyone's feet; `person_height` scales people to the heights that are known.
"""
