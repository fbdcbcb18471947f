"""The toy sentence holds what its story says; numbers worked with pencil."""

import numpy as np
import pytest

from course_lib.data import toy

CAT, PURRED, IT = toy.TOKENS.index("cat"), toy.TOKENS.index("purred"), toy.TOKENS.index("it")


def test_every_word_and_every_feature_has_its_place():
    n, d_model = len(toy.TOKENS), len(toy.FEATURES)
    assert toy.X.shape == (n, d_model) == (6, 4)
    assert toy.W_q.shape == toy.W_k.shape == (4, 4)
    assert toy.W_v.shape == (d_model, len(toy.VALUE_FEATURES)) == (4, 3)


def test_queries_keys_and_values_as_worked_by_hand():
    # purred = 1 animal + 2 actions: the animal asks for an action (1), the actions ask for an animal (2).
    assert toy.Q[PURRED].tolist() == [0, 2, 1, 0]
    # it = 2 pointers: each asks for an animal and against a pointer; each answers as an animal and as a pointer.
    assert toy.Q[IT].tolist() == [0, 2, 0, -2]
    assert toy.K[IT].tolist() == [0, 2, 0, 2]
    assert toy.K[CAT].tolist() == [0, 2, 0, 0]
    assert toy.V.tolist() == [[0, 0, 1], [2, 0, 0], [1, 2, 0], [0, 1, 2], [0, 0, 0], [0, 2, 0]]


def test_it_asks_for_the_animal():
    assert (toy.K @ toy.Q[IT]).tolist() == [0, 4, 2, 0, 0, 0]
    # e^2 = 7.389, e^1 = 2.718, four times e^0 = 1: the sum is 14.107.
    exponentials = np.array([1, 7.389, 1, 1, 1, 1]) + np.array([0, 0, 1.718, 0, 0, 0])
    np.testing.assert_allclose(exponentials / 14.107, [0.071, 0.524, 0.193, 0.071, 0.071, 0.071], atol=5e-4)


def test_it_means_an_animal_only_after_it_has_attended():
    weights = np.array([0.0709, 0.5238, 0.1927, 0.0709, 0.0709, 0.0709])
    assert toy.V[IT].tolist() == [0, 0, 0]
    # animal: 2 x 0.524 from the cat and 0.193 from purred.
    assert (weights @ toy.V)[0] == pytest.approx(1.24, abs=5e-3)


@pytest.mark.parametrize("name", ["X", "W_q", "W_k", "W_v", "Q", "K", "V"])
def test_no_chapter_can_change_the_arrays(name):
    array = getattr(toy, name)
    assert array.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 7
