"""Softmax and masked softmax: worked by hand, against PyTorch, and by their properties."""

import math

import array_api_compat.torch
import numpy as np
import pytest
import torch

from course_lib import masked_softmax, softmax
from course_lib.softmax import softmax_formula

# exp(ln n) = n, so the scores ln 1, ln 2, ln 5 have the weights 1/8, 2/8, 5/8.
SCORES = np.log([[1.0, 2.0, 5.0], [6.0, 3.0, 1.0]])
WEIGHTS = np.array([[0.125, 0.25, 0.625], [0.6, 0.3, 0.1]])


def test_softmax_by_hand(backend):
    backend.assert_close(softmax(backend.array(SCORES)), WEIGHTS)


def test_softmax_by_hand_along_another_axis(backend):
    # Columns now: 1 and 6, 2 and 3, 5 and 1.
    expected = np.array([[1 / 7, 2 / 5, 5 / 6], [6 / 7, 3 / 5, 1 / 6]])
    backend.assert_close(softmax(backend.array(SCORES), axis=0), expected)
    backend.assert_close(softmax(backend.array(SCORES), axis=-2), expected)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_softmax_equals_pytorch(backend, rng, axis):
    scores = 3 * rng.standard_normal((2, 3, 5))
    expected = torch.softmax(torch.from_numpy(backend.rounded(scores)), axis).numpy()
    backend.assert_close(softmax(backend.array(scores), axis=axis), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("axis", [0, -1])
def test_fused_softmax_equals_the_formula(rng, dtype, axis):
    scores = torch.from_numpy(3 * rng.standard_normal((2, 3, 5))).to(dtype)
    formula, tolerance = softmax_formula(array_api_compat.torch, scores, axis), 8 * torch.finfo(dtype).eps
    torch.testing.assert_close(softmax(scores, axis), formula, rtol=tolerance, atol=tolerance)


def test_weights_sum_to_one(backend, rng):
    weights = backend.numpy(softmax(backend.array(rng.standard_normal((2, 3, 7)))))
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=7 * backend.eps)


def test_softmax_is_shift_invariant(backend, rng):
    scores = rng.integers(-3, 4, size=(2, 5))  # small integers: their sums with 16 are exact in every dtype
    shift = np.array([[16], [-16]])
    expected = backend.numpy(softmax(backend.array(scores)))
    backend.assert_close(softmax(backend.array(scores + shift)), expected)


def test_logits_of_ten_thousand(backend):
    # The two largest are equal and far above the rest: one half each. exp(10000) itself would be infinite.
    scores = backend.array([[1e4, -1e4, 1e4], [-1e4, -1e4, 0.0]])
    backend.assert_close(softmax(scores), np.array([[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]]))


def test_one_score_has_weight_one(backend):
    backend.assert_close(softmax(backend.array([-7.0])), np.array([1.0]))


def test_no_scores_have_no_weights(backend):
    backend.assert_close(softmax(backend.array(np.zeros((2, 0)))), np.zeros((2, 0)))
    backend.assert_close(softmax(backend.array(np.zeros((0, 2)))), np.zeros((0, 2)))
    mask = backend.booleans(np.ones((2, 0)))
    backend.assert_close(masked_softmax(backend.array(np.zeros((2, 0))), mask), np.zeros((2, 0)))


def test_masked_softmax_by_hand(backend):
    mask = [[True, True, False], [True, False, True]]
    # 1 and 2 share 1/3 and 2/3; 6 and 1 share 6/7 and 1/7.
    expected = np.array([[1 / 3, 2 / 3, 0], [6 / 7, 0, 1 / 7]])
    weights = masked_softmax(backend.array(SCORES), backend.booleans(mask))
    backend.assert_close(weights, expected)
    assert (backend.numpy(weights)[~np.array(mask)] == 0).all(), "a masked weight is zero, not nearly zero"


def test_masked_softmax_equals_softmax_of_the_allowed(backend, rng):
    scores, mask = 2 * rng.standard_normal((2, 3, 7)), rng.random((2, 3, 7)) < 0.6
    mask[..., 4] = True
    expected = np.zeros(scores.shape)
    for row in np.ndindex(2, 3):
        allowed = torch.from_numpy(backend.rounded(scores)[row][mask[row]])
        expected[row][mask[row]] = torch.softmax(allowed, 0).numpy()
    backend.assert_close(masked_softmax(backend.array(scores), backend.booleans(mask)), expected)


def test_mask_that_allows_everything_changes_nothing(backend, rng):
    scores = backend.array(rng.standard_normal((2, 3, 5)))
    expected = backend.numpy(softmax(scores))
    backend.assert_close(masked_softmax(scores, backend.booleans(np.ones((2, 3, 5)))), expected)


@pytest.mark.parametrize(
    "shape",
    [(5,), (1,), (3, 5), (3, 1), (1, 5), (1, 1), (2, 1, 5), (1, 3, 5), (2, 3, 1), (1, 1, 1), (2, 3, 5)],
    ids=str,
)
def test_mask_broadcasts(backend, rng, shape):
    scores, mask = rng.standard_normal((2, 3, 5)), rng.random(shape) < 0.5
    mask.flat[0] = True  # something is allowed, and with more than one entry something is not
    mask.flat[-1] &= mask.size == 1
    full = backend.booleans(np.broadcast_to(mask, (2, 3, 5)))
    expected = backend.numpy(masked_softmax(backend.array(scores), full))
    backend.assert_close(masked_softmax(backend.array(scores), backend.booleans(mask)), expected)


def test_scores_far_below_a_magic_number(backend):
    # All allowed scores lie below -1e9, in float16 at its very end. A mask that writes -1e9 over the forbidden score
    # would hand that key all the weight; minus infinity does not.
    lowest = -65504.0 if backend.dtype == "float16" else -3e9
    scores, mask = backend.array([[lowest, lowest, 0.0]]), backend.booleans([[True, True, False]])
    backend.assert_close(masked_softmax(scores, mask), np.array([[0.5, 0.5, 0.0]]))


def test_forbidden_scores_may_be_anything(backend):
    scores = backend.array([[0.0, math.inf, 0.0], [math.nan, 0.0, -math.inf], [math.nan, math.inf, -math.inf]])
    mask = backend.booleans([[True, False, True], [False, True, False], [False, False, False]])
    expected = np.array([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    backend.assert_close(masked_softmax(scores, mask), expected)


def test_row_that_may_attend_to_nothing_has_weights_zero(backend):
    mask = backend.booleans([[False, False, False], [True, True, True]])
    backend.assert_close(masked_softmax(backend.array(SCORES), mask), np.array([[0, 0, 0], [0.6, 0.3, 0.1]]))
    nothing = backend.booleans([[False]])
    backend.assert_close(masked_softmax(backend.array(SCORES), nothing), np.zeros((2, 3)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_gradient_of_a_row_that_may_attend_to_nothing_is_zero(rng, dtype):
    scores = torch.from_numpy(rng.uniform(-1, 1, (2, 3))).to(dtype).requires_grad_()
    mask = torch.tensor([[False, False, False], [True, False, True]])
    upstream = torch.tensor([[1.0, 2.0, 4.0], [3.0, 5.0, 7.0]], dtype=dtype)
    with torch.autograd.set_detect_anomaly(True):
        masked_softmax(scores, mask).backward(upstream)
    assert scores.grad.isfinite().all()
    assert (scores.grad[~mask] == 0).all(), "neither the empty row nor a forbidden score gets a gradient"
    assert (scores.grad[mask] != 0).all(), "an allowed score gets one"


def test_gradient_by_hand():
    # The Jacobian of softmax is diag(p) - p p^T. With p = (1/8, 2/8, 5/8), the gradient of the first weight is
    # 1/8 - 1/64 = 7/64,  -1/8 * 2/8 = -2/64,  -1/8 * 5/8 = -5/64.
    scores = torch.tensor(SCORES[0], requires_grad=True)
    softmax(scores)[0].backward()
    torch.testing.assert_close(scores.grad, torch.tensor([7.0, -2.0, -5.0], dtype=torch.float64) / 64)


def test_gradients_equal_finite_differences(rng):
    scores = torch.from_numpy(rng.standard_normal((2, 3, 5))).requires_grad_()
    mask = torch.from_numpy(rng.random((2, 3, 5)) < 0.6)
    mask[0, 1] = False
    mask[1, 2] = True
    assert torch.autograd.gradcheck(lambda x: softmax(x, 1), scores)
    assert torch.autograd.gradcheck(lambda x: masked_softmax(x, mask), scores)


def test_inputs_stay_as_they_were(backend, rng):
    numbers, allowed = rng.standard_normal((2, 3)), np.array([[True, False, True], [False, False, False]])
    scores, mask = backend.array(numbers), backend.booleans(allowed)
    softmax(scores)
    masked_softmax(scores, mask)
    np.testing.assert_array_equal(backend.numpy(scores), backend.rounded(numbers))
    np.testing.assert_array_equal(backend.numpy(mask), allowed)
