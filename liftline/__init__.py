"""Liftline: videos of people in, 3D human poses and a rendered video out."""

__version__ = "0.1.0"
