"""Angles between arrows, and on which side of an arrow its name finds room."""

import math

import numpy as np


def angle(a, b):
    """Return the angle between two arrows in whole degrees."""
    return round(math.degrees(math.atan2(abs(cross(a, b)), a @ b)))


def cross(a, b):
    return a[0] * b[1] - a[1] * b[0]


def aside(vectors, i):
    """Where an arrow's name goes: beyond its tip, or beside it where a longer arrow runs on."""
    length = np.hypot(*vectors[i])
    if length == 0:
        return (-0.7, -0.7)
    x, y = vectors[i] / length
    if any(angle(vectors[i], other) <= 12 for other in vectors if np.hypot(*other) > length):
        return (-y, x) if x >= 0 else (y, -x)
    return (x, y)
