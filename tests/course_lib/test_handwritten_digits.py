"""The handwritten digits: what there is, where it is cut, and what is drawn of it."""

import numpy as np
import pytest
from sklearn.datasets import load_digits as load

from course_lib.data.digits import Digits, draw_digits, load_digits


def test_every_digit_of_the_file_is_on_one_side():
    training, test = load_digits()
    pixels = np.concatenate([training.images, test.images])
    assert (len(training.labels), len(test.labels)) == (1297, 500)
    np.testing.assert_array_equal(pixels[..., 0] * 16, load().images)
    np.testing.assert_array_equal(np.concatenate([training.labels, test.labels]), load().target)


def test_pictures_are_channels_last_and_go_from_paper_to_ink():
    for digits in load_digits():
        assert digits.images.shape[1:] == (8, 8, 1)
        assert digits.images.dtype == np.float32
        assert (digits.images.min(), digits.images.max()) == (0, 1)


def test_every_class_is_in_the_test():
    counts = np.bincount(load_digits()[1].labels)
    assert len(counts) == 10
    assert counts.min() >= 45


def numbered(n):
    return Digits(np.arange(float(n)).reshape(n, 1, 1, 1), np.arange(n))


def test_drawing_takes_each_once_and_leaves_the_others():
    drawn, left = draw_digits(numbered(9), 4, seed=3)
    assert len(drawn.labels) == 4
    assert sorted([*drawn.labels, *left.labels]) == list(range(9))
    for part in (drawn, left):
        np.testing.assert_array_equal(part.images[:, 0, 0, 0], part.labels)


def test_a_seed_draws_the_same_and_another_others():
    orders = [draw_digits(numbered(50), 20, seed)[0].labels.tolist() for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_more_than_there_are_cannot_be_drawn():
    assert draw_digits(numbered(3), 3, seed=0)[1].labels.size == 0
    with pytest.raises(ValueError, match="there are 3 digits, so 4 cannot be drawn"):
        draw_digits(numbered(3), 4, seed=0)
