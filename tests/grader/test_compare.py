"""Comparison is strict, and every difference is a sentence."""

import numpy as np
import pytest

from grader.compare import close, difference
from grader.reply import Reply


def returned(value, **fields):
    dtype = str(value.dtype) if isinstance(value, np.ndarray) else ""
    return Reply("returned", **{"value": value, "kind": "ndarray", "dtype": dtype} | fields)


EXPECTED = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_the_expected_array_passes(dtype):
    expected = EXPECTED.astype(dtype)
    assert difference(returned(expected.copy()), expected) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (EXPECTED.T, "shape (3, 2); expected (2, 3)"),
        (EXPECTED[None], "shape (1, 2, 3); expected (2, 3)"),
        (EXPECTED.astype(int), "integers; expected floating-point numbers"),
        (EXPECTED > 2, "booleans"),
        (EXPECTED.astype(np.float32), "dtype is float32; expected float64"),
        (np.where(EXPECTED == 5, np.nan, EXPECTED), "1 NaN (the first at [1, 1])"),
        (np.where(EXPECTED == 3, 3.001, EXPECTED), "1 of 6 numbers differ, first at [0, 2]: yours 3.001, expected 3"),
        (EXPECTED + 1, "Every number differs"),
        (np.where(EXPECTED == 3, np.inf, EXPECTED), "first at [0, 2]: yours inf"),
    ],
)
def test_a_difference_is_named(value, words):
    assert words in difference(returned(value), EXPECTED)


def test_nan_passes_nowhere_even_if_expected_is_infinite():
    expected = np.array([1.0, -np.inf])
    assert difference(returned(np.array([1.0, np.nan])), expected) is not None
    assert difference(returned(np.array([1.0, np.inf])), expected) is not None
    assert difference(returned(np.array([1.0, -np.inf])), expected) is None


@pytest.mark.parametrize(
    ("kind", "dtype", "words"),
    [
        ("NoneType", "", "is the `return` missing?"),
        ("list", "", "returned a list"),
        ("tuple", "", "If one of them is the result, return it alone"),
        ("str", "", "returned a str; expected one array"),
        ("ndarray", "object", "Rows of different length?"),
    ],
)
def test_what_is_no_array_is_named(kind, dtype, words):
    assert words in difference(returned(None, kind=kind, dtype=dtype), EXPECTED)


def test_numbers_are_held_to_their_own_size():
    expected = np.array([1e6, 1.0])
    assert close(np.array([1e6 + 1e-4, 1.0]), expected).tolist() == [True, True]
    assert close(np.array([1e6, 1.0 + 1e-6]), expected).tolist() == [True, False]


def test_what_should_be_zero_may_be_nearly_so():
    assert close(np.array([1e-17, 0.5]), np.array([0.0, 0.5])).all()
    assert not close(np.array([1e-6, 0.5]), np.array([0.0, 0.5])).all()


def test_where_all_should_be_zero_nearly_so_is_enough():
    assert close(np.array([1e-18, -1e-12]), np.zeros(2)).all()
    assert not close(np.array([1e-18, 1e-6]), np.zeros(2)).all()


def test_small_numbers_are_held_to_the_largest_of_them():
    assert close(np.array([1e-6, 2e-6 + 1e-16]), np.array([1e-6, 2e-6])).all()
    assert close(np.array([1e-6, 2e-6 + 1e-11]), np.array([1e-6, 2e-6])).tolist() == [True, False]


@pytest.mark.parametrize(("dtype", "near", "far"), [("float16", 0.004, 0.04), ("bfloat16", 0.03, 0.3)])
def test_half_a_dtype_is_not_half_the_strictness(dtype, near, far):
    expected = np.array([1.0, 2.0, 3.0], dtype=np.float16 if dtype == "float16" else np.float32)
    for off, is_near in ((near, True), (far, False)):
        value = expected + np.array([0, off, 0], dtype=expected.dtype)
        assert close(value, expected, dtype).tolist() == [True, is_near, True]


def test_a_result_that_came_as_its_shape_alone_is_told_by_it():
    assert "has shape (9, 9); expected (2, 3)" in difference(returned(None, shape=(9, 9)), EXPECTED)


def test_the_coarser_dtype_sets_the_tolerance():
    expected = np.array([1 / 3, 0.5])
    coarse = expected.astype(np.float32)
    assert difference(returned(coarse), expected, same_dtype=False) is None
    assert difference(returned(coarse), expected, same_dtype=True) is not None
    assert not close(coarse.astype(np.float64), expected).all()


def test_integers_of_another_width_are_the_same_numbers():
    assert difference(returned(np.array([1, 2], dtype=np.int32)), np.array([1, 2])) is None


def test_a_lone_number_is_shown_as_such():
    assert difference(returned(np.array(2.5)), np.array(3.5)) == "Your result is 2.5; expected 3.5."


def test_numbers_are_shown_with_the_digits_it_takes_to_tell_them_apart():
    sentence = difference(returned(np.array([0.735612, 1.0])), np.array([0.735612004, 1.0]))
    assert "yours 0.735612, expected 0.735612004" in sentence
    assert "yours 0.5, expected 0.25" in difference(returned(np.array([1.0, 0.5])), np.array([1.0, 0.25]))
