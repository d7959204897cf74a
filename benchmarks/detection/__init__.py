"""Detectors against labelled pictures, triangulated feet and each other."""
