"""The delta rule: by hand, step by step against all at once, and what it stores."""

import math

import numpy as np
import pytest
import torch

from course_lib.relatives.delta_rule import delta_rule, delta_rule_step
from course_lib.relatives.linear_attention import causal_linear_attention

# phi(0) = 1, phi(2) = 3, so (2, 0) has the features 3/4, 1/4 after they are made to sum to one; (0, 0) has 1/2, 1/2.
QUERY = np.array([[2.0, 0.0], [0.0, 0.0], [0.0, 2.0]])  # 3/4, 1/4;  1/2, 1/2;  1/4, 3/4
KEY = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 0.0]])  # 1/2, 1/2;  3/4, 1/4;  3/4, 1/4
VALUE = np.array([[8.0], [4.0], [0.0]])
BETA = np.array([1.0, 0.5, 1.0])
# Step 0 writes 8: S = (4, 4). The query reads 3 + 1 = 4.
# Step 1: the key reads 3 + 1 = 4, which is the value: nothing is written. The query reads 2 + 2 = 4.
# Step 2: the key reads 4 where 0 is wanted: -4 is written, S = (4 - 3, 4 - 1) = (1, 3). The query reads 1/4 + 9/4.
STATES = np.array([[[4.0], [4.0]], [[4.0], [4.0]], [[1.0], [3.0]]])
OUTPUT = np.array([[4.0], [4.0], [2.5]])

LEADING_AXES = [
    ((), (), (), ()),
    ((2,), (2,), (2,), (2,)),
    ((2, 4), (4,), (2, 1), ()),
    ((), (2,), (4, 1), (3, 1, 1)),
]


def in_steps(query, key, value, beta):
    """Return the outputs of all steps, stacked, and the last state."""
    outputs, S = [], None
    for i in range(query.shape[-2]):
        output, S = delta_rule_step(query[..., i, :], key[..., i, :], value[..., i, :], beta[..., i], S)
        outputs.append(output)
    return (torch.stack if isinstance(query, torch.Tensor) else np.stack)(outputs, -2), S


@pytest.fixture
def draw(rng):
    """Return random query, key, value and beta as float64 arrays."""

    def draw(leading=((2,),) * 4, length=7, d_k=3, d_v=5):
        sizes = (length, d_k), (length, d_k), (length, d_v)
        arrays = [rng.standard_normal(axes + size) for axes, size in zip(leading[:3], sizes, strict=True)]
        return [*arrays, rng.random((*leading[3], length))]

    return draw


def test_steps_by_hand(backend):
    S = None
    for i in range(3):
        arrays = (backend.array(array[i]) for array in (QUERY, KEY, VALUE, BETA))
        before = None if S is None else backend.numpy(S).copy()
        output, later = delta_rule_step(*arrays, S)
        backend.assert_close(output, OUTPUT[i])
        backend.assert_close(later, STATES[i])
        if S is not None:
            np.testing.assert_array_equal(backend.numpy(S), before)  # a state stays as it is
        S = later


def test_all_at_once_by_hand(backend):
    arrays = [backend.array(array) for array in (QUERY, KEY, VALUE, BETA)]
    if backend.dtype not in ("float32", "float64"):
        with pytest.raises((TypeError, RuntimeError), match=r"(?i)float16|half|precision"):
            delta_rule(*arrays)
        return
    backend.assert_close(delta_rule(*arrays), OUTPUT)
    for array, numbers in zip(arrays, (QUERY, KEY, VALUE, BETA), strict=True):
        np.testing.assert_array_equal(backend.numpy(array), backend.rounded(numbers))


@pytest.mark.parametrize("leading", LEADING_AXES, ids=str)
def test_all_at_once_equals_the_steps(draw, leading):
    arrays = draw(leading)
    expected, _ = in_steps(*arrays)
    np.testing.assert_allclose(delta_rule(*arrays), expected, rtol=1e-12, atol=1e-12, strict=True)
    tensors = delta_rule(*map(torch.from_numpy, arrays))
    np.testing.assert_allclose(tensors.numpy(), expected, rtol=1e-12, atol=1e-12, strict=True)


def test_as_many_values_as_positions_and_batches(draw):
    # Sizes at which a right-hand side could be taken for a row of vectors: batch 3, length 3, d_v 3.
    arrays = draw(((3,), (3,), (), ()), length=3, d_k=2, d_v=3)
    expected, _ = in_steps(*arrays)
    np.testing.assert_allclose(delta_rule(*map(torch.from_numpy, arrays)).numpy(), expected, rtol=1e-12, atol=1e-12)


def test_gradients_equal_those_of_the_steps(draw, rng):
    arrays = [torch.from_numpy(array).requires_grad_() for array in draw()]
    upstream = torch.from_numpy(rng.standard_normal((2, 7, 5)))
    expected = torch.autograd.grad(in_steps(*arrays)[0], arrays, upstream)
    torch.testing.assert_close(torch.autograd.grad(delta_rule(*arrays), arrays, upstream), expected)


def test_gradients_equal_finite_differences(draw):
    arrays = [torch.from_numpy(array).requires_grad_() for array in draw(length=4, d_v=2)]
    assert torch.autograd.gradcheck(delta_rule, arrays)


def test_one_position(draw):
    query, key, value, beta = draw(length=1)
    q, k = (np.where(x > 0, x + 1, np.exp(np.minimum(x, 0))) for x in (query, key))
    match = (q / q.sum(-1, keepdims=True) * k / k.sum(-1, keepdims=True)).sum(-1, keepdims=True)
    np.testing.assert_allclose(delta_rule(query, key, value, beta), match * beta[..., None] * value, rtol=1e-12)


def test_no_positions():
    empty = np.ones((2, 0, 3))
    assert delta_rule(empty, empty, np.ones((2, 0, 5)), np.ones((2, 0))).shape == (2, 0, 5)


def test_beta_zero_writes_nothing(draw, rng):
    query, key, value, beta = draw()
    beta[:, 3] = 0
    output = delta_rule(query, key, value, beta)
    value[:, 3] = 1000 * rng.standard_normal((2, 5))
    np.testing.assert_array_equal(delta_rule(query, key, value, beta), output)
    assert (delta_rule(query, key, value, np.zeros((2, 7))) == 0).all()


def test_a_value_written_anew_replaces_the_old_one():
    # Keys so far apart that their features are one-hot: what is stored comes back, and the second value under a key
    # replaces the first. Linear attention gives the average of the two.
    far = 1000.0 * np.eye(3) - 1000.0  # phi: e^-1000 = 0 beside phi(0) = 1
    key, value = far[[0, 1, 0, 2]], np.array([[1.0], [2.0], [5.0], [7.0]])
    query = far[[0, 1, 0, 1]]
    np.testing.assert_allclose(delta_rule(query, key, value, np.ones(4)), [[1.0], [2.0], [5.0], [2.0]])
    np.testing.assert_allclose(causal_linear_attention(query, key, value), [[1.0], [2.0], [3.0], [2.0]])


def test_future_does_not_reach_the_past(draw):
    arrays = [torch.from_numpy(array).requires_grad_() for array in draw()]
    output = delta_rule(*arrays)
    for gradient in torch.autograd.grad(output[:, 3].sum(), arrays):
        assert (gradient[:, 4:] == 0).all()
        assert (gradient[:, 3] != 0).any()


def test_features_that_are_all_zero_read_and_write_nothing():
    nothing = np.full((2, 3), -1e4)
    assert (delta_rule(nothing, nothing, np.ones((2, 4)), np.ones(2)) == 0).all()


def test_errors_say_what_came():
    ones = np.ones
    with pytest.raises(ValueError, match="number of betas is 2"):
        delta_rule(ones((3, 4)), ones((3, 4)), ones((3, 5)), ones(2))
    with pytest.raises(ValueError, match=r"beta must have shape \(\.\.\., length\)"):
        delta_rule(ones((3, 4)), ones((3, 4)), ones((3, 5)), ones(()))
    with pytest.raises(TypeError, match="beta is float32"):
        delta_rule(ones((3, 4)), ones((3, 4)), ones((3, 5)), ones(3, dtype=np.float32))
    with pytest.raises(ValueError, match=r"S must end in \(4, 5\), but its shape is \(5, 4\)"):
        delta_rule_step(ones(4), ones(4), ones(5), ones(()), ones((5, 4)))
    with pytest.raises(ValueError, match="leading axes"):
        delta_rule_step(ones((2, 4)), ones((2, 4)), ones((2, 5)), ones(3))


def test_long_and_repetitive_sequences_stay_finite():
    # One key again and again: the matrix of the equations is full. 300 values in turn, and the last one is read.
    query = key = np.full((300, 3), math.log(2))
    value = np.tile([[1.0], [-1.0]], (150, 1))
    expected, _ = in_steps(query, key, value, np.full(300, 0.9))
    np.testing.assert_allclose(delta_rule(query, key, value, np.full(300, 0.9)), expected, rtol=1e-10)
