"""Handwritten digits: 1,797 pictures of 8 by 8 pixels, written by 13 people, as scikit-learn ships them.

Who wrote which picture is not on record. Whoever writes several digits writes them alike, and pictures that stand near
each other in the file look alike, so the people seem to come one after another. The test pictures are therefore the
file's last 500: few hands, if any, should be on both sides. Split at random, most hands would be on both, and the
pictures of a known hand are easier.

Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (its test
set), through `sklearn.datasets.load_digits`.
"""

from typing import NamedTuple

import numpy as np

BRIGHTEST = 16  # a pixel counts the dark ones among 4 by 4 of the scan
TEST_SIZE = 500
TRAIN_SIZE = 1297


class Digits(NamedTuple):
    """Pictures and what is written on them.

    Attributes:
        images: (n, 8, 8, 1) float32, from 0 (paper) to 1 (ink).
        labels: (n,) integers from 0 to 9.
    """

    images: np.ndarray
    labels: np.ndarray


def load_digits():
    """Return (training, test): the first 1,297 digits of the file, and the last 500."""
    from sklearn.datasets import load_digits as load

    pixels, labels = load(return_X_y=True)
    images = (pixels / BRIGHTEST).astype(np.float32).reshape(-1, 8, 8, 1)
    return Digits(images[:TRAIN_SIZE], labels[:TRAIN_SIZE]), Digits(images[TRAIN_SIZE:], labels[TRAIN_SIZE:])


def draw_digits(digits, size, seed):
    """Return `size` of the digits, drawn at random without drawing one twice, and all the others.

    Raises:
        ValueError: there are fewer.
    """
    n = len(digits.labels)
    if not 0 <= size <= n:
        raise ValueError(f"there are {n} digits, so {size} cannot be drawn.")
    order = np.random.default_rng(seed).permutation(n)
    return tuple(Digits(digits.images[chosen], digits.labels[chosen]) for chosen in (order[:size], order[size:]))
