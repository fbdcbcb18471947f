"""Mask makers: drawn by hand, and what the masks do to attention is in test_attention.py."""

import numpy as np
import pytest
import torch

from course_lib import causal_mask, combine_masks, padding_mask


def test_padding_mask_by_hand(backend):
    # Lengths 3, 1 and 0, padded to 4: one row for all queries of each sequence.
    expected = [[[1, 1, 1, 0]], [[1, 0, 0, 0]], [[0, 0, 0, 0]]]
    backend.assert_same_mask(padding_mask(backend.integers([3, 1, 0]), 4), expected)


def test_padding_mask_is_as_long_as_the_longest(backend):
    backend.assert_same_mask(padding_mask(backend.integers([1, 3])), [[[1, 0, 0]], [[1, 1, 1]]])


def test_padding_mask_follows_leading_axes(backend):
    lengths = np.array([[1, 4, 2], [0, 3, 4]])
    mask = padding_mask(backend.integers(lengths), max_len=5)
    assert tuple(mask.shape) == (2, 3, 1, 5)
    np.testing.assert_array_equal(backend.numpy(mask).sum(axis=(-2, -1)), lengths)
    backend.assert_same_mask(padding_mask(backend.integers(2), 3), [[1, 1, 0]])


def test_padding_mask_of_nothing(backend):
    backend.assert_same_mask(padding_mask(backend.integers([0, 0])), np.ones((2, 1, 0)))
    backend.assert_same_mask(padding_mask(backend.integers(np.zeros(0)), 3), np.ones((0, 1, 3)))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64"])
def test_padding_mask_takes_any_integers(dtype):
    expected = np.array([[[True, True, False]], [[True, True, True]]])
    np.testing.assert_array_equal(padding_mask(np.array([2, 3], dtype=dtype)), expected, strict=True)
    mask = padding_mask(torch.tensor([2, 3], dtype=getattr(torch, dtype)))
    np.testing.assert_array_equal(mask.numpy(), expected, strict=True)


def test_causal_mask_by_hand(backend):
    # Row i is a query: it sees itself and what came before.
    expected = [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    backend.assert_same_mask(causal_mask(3, like=backend.array([0.0])), expected)


@pytest.mark.parametrize("length", [0, 1, 7])
def test_causal_mask_is_a_numpy_array_unless_told(length):
    mask = causal_mask(length)
    assert type(mask) is np.ndarray
    for i, j in np.ndindex(length, length):
        assert mask[i, j] == (j <= i)
    assert mask.shape == (length, length)


def test_combine_masks_by_hand(backend):
    causal = causal_mask(3, like=backend.array([0.0]))
    padding = padding_mask(backend.integers([3, 2]))  # (2, 1, 3)
    # Each causal row, cut off at the sequence's length.
    expected = [[[1, 0, 0], [1, 1, 0], [1, 1, 1]], [[1, 0, 0], [1, 1, 0], [1, 1, 0]]]
    backend.assert_same_mask(combine_masks(causal, padding), expected)
    backend.assert_same_mask(combine_masks(padding, causal), expected)


def test_combine_one_mask_and_three(backend, rng):
    a, b, c = rng.random((2, 1, 5)) < 0.7, rng.random((3, 5)) < 0.7, rng.random((1, 3, 1)) < 0.7
    one, two, three = (backend.booleans(mask) for mask in (a, b, c))
    backend.assert_same_mask(combine_masks(two), b)
    expected = [[[a[i, 0, k] and b[j, k] and c[0, j, 0] for k in range(5)] for j in range(3)] for i in range(2)]
    backend.assert_same_mask(combine_masks(one, two, three), expected)
    for mask, numbers in ((one, a), (two, b), (three, c)):
        np.testing.assert_array_equal(backend.numpy(mask), numbers)  # none was written into
