"""Norms, feed-forward networks and frames: numbers worked by hand, PyTorch's own modules, and the written formulas."""

import math

import numpy as np
import pytest
import torch
from pytorch_modules import (
    assert_equal,
    assert_equal_gradients,
    copy_weights,
    randomized,
    tensor,
)
from torch import nn

from course_lib.layers import FeedForward, FrameEmbedding, LayerNorm, RMSNorm, SwiGLU, layer_norm, rms_norm
from course_lib.training import teacher_forced
from course_lib.transformer import Sizes, Transformer

in_both_libraries = pytest.mark.parametrize("array", [np.array, torch.tensor], ids=["numpy", "torch"])


def set_weights(linear, rows, bias=None):
    """Set the matrix of `x W + b`, as the formula writes it."""
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(rows).T)
        if bias is not None:
            linear.bias.copy_(torch.tensor(bias))


@in_both_libraries
def test_layer_norm_by_hand(array):
    # Row 1: mean 4, squares 4 0 0 4, biased variance 2; with eps = 2 inside the root the divisor is sqrt(4) = 2.
    # Row 2: mean 1, squares 5 5 9 9, variance 7, divisor sqrt(9) = 3.
    x = array([[2.0, 4.0, 4.0, 6.0], [1 + 5**0.5, 1 - 5**0.5, 1 + 3.0, 1 - 3.0]])
    expected = np.array([[-1.0, 0.0, 0.0, 1.0], [5**0.5 / 3, -(5**0.5) / 3, 1.0, -1.0]])
    weight, bias = np.array([1.0, 2.0, 10.0, -1.0]), np.array([0.5, 0.0, 3.0, 0.0])
    actual = layer_norm(x, array([1.0, 2.0, 10.0, -1.0]), array([0.5, 0.0, 3.0, 0.0]), eps=2.0)
    np.testing.assert_allclose(np.asarray(actual), expected * weight + bias, rtol=1e-6, atol=1e-6)


@in_both_libraries
def test_rms_norm_by_hand(array):
    # (1 + 49) / 2 = 25; with eps = 11 inside the root the divisor is sqrt(36) = 6.
    x, weight = array([[1.0, -7.0]]), array([3.0, 2.0])
    np.testing.assert_allclose(np.asarray(rms_norm(x, weight, eps=0.0)), [[3 / 5, -14 / 5]], rtol=1e-6)
    np.testing.assert_allclose(np.asarray(rms_norm(x, weight, eps=11.0)), [[3 / 6, -14 / 6]], rtol=1e-6)


@pytest.mark.parametrize("leading", [(), (3,), (2, 3)], ids=str)
@pytest.mark.parametrize(
    ("make", "make_pytorch", "formula"), [(LayerNorm, nn.LayerNorm, layer_norm), (RMSNorm, nn.RMSNorm, rms_norm)]
)
def test_norms_equal_pytorch_and_the_formula(rng, place, leading, make, make_pytorch, formula):
    pytorch, ours = randomized(make_pytorch(5, eps=0.1), rng, **place), make(5, eps=0.1).to(**place)
    copy_weights(ours, pytorch)
    x = tensor(rng, *leading, 5, **place)
    outputs = ours(x), pytorch(x)
    assert_equal(*outputs)
    assert_equal(outputs[0], formula(x, *ours.parameters(), eps=0.1))
    assert_equal_gradients(ours, pytorch, outputs, [x], rng)
    arrays = [each.detach().cpu().numpy() for each in (x, *ours.parameters(), outputs[0])]
    tolerance = 8 * torch.finfo(x.dtype).eps
    in_numpy = formula(*arrays[:-1], eps=0.1)
    assert in_numpy.dtype == arrays[-1].dtype
    np.testing.assert_allclose(in_numpy, arrays[-1], rtol=tolerance, atol=4 * tolerance)


@pytest.mark.parametrize(("make", "make_pytorch"), [(LayerNorm, nn.LayerNorm), (RMSNorm, nn.RMSNorm)])
def test_fresh_norms_scale_nothing(rng, make, make_pytorch):
    x = tensor(rng, 3, 5)
    assert_equal(make(5).double()(x), make_pytorch(5, eps=1e-5).double()(x))


def test_norms_of_constant_and_large_vectors():
    constant, large = torch.full((2, 3), 4.0), torch.tensor([1e15, -1e15, 0.0])
    assert LayerNorm(3)(constant).tolist() == [[0.0] * 3] * 2
    assert RMSNorm(3)(torch.zeros(2, 3)).tolist() == [[0.0] * 3] * 2
    for norm in (LayerNorm(3), RMSNorm(3)):
        torch.testing.assert_close(norm(large), torch.tensor([1.5**0.5, -(1.5**0.5), 0.0]))


def test_feed_forward_by_hand():
    layer = FeedForward(2, 3)
    set_weights(layer.W_1, [[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]], [0.0, -5.0, 1.0])
    set_weights(layer.W_2, [[1.0, 10.0], [2.0, 20.0], [3.0, -1.0]], [0.5, 0.0])
    # x = (2, 3): hidden 2, 3 - 5, 4 - 3 + 1 = 2, -2, 2; after max(0, .): 2, 0, 2
    # out: 2 + 6 + 0.5, 20 - 2.   x = (0, 7): hidden 0, 2, -6; after: 0, 2, 0; out: 4 + 0.5, 40
    assert layer(torch.tensor([[2.0, 3.0], [0.0, 7.0]])).tolist() == [[8.5, 18.0], [4.5, 40.0]]


def test_swiglu_by_hand():
    layer = SwiGLU(2, 3)
    set_weights(layer.W_1, [[math.log(3), 0.0, 0.0], [0.0, 0.0, -math.log(3)]])
    set_weights(layer.W_3, [[4.0, 1.0, 0.0], [0.0, 1.0, 8.0]])
    set_weights(layer.W_2, [[1.0, 0.0], [5.0, 7.0], [0.0, 1.0]])
    # x = (1, 1): gates silu(ln 3), silu(0), silu(-ln 3) = 3/4 ln 3, 0, -1/4 ln 3; times 4, 2, 8: 3 ln 3, 0, -2 ln 3
    output = layer(torch.tensor([[1.0, 1.0]]))
    torch.testing.assert_close(output, torch.tensor([[3 * math.log(3), -2 * math.log(3)]]))
    assert [name for name, _ in layer.named_parameters()] == ["W_1.weight", "W_2.weight", "W_3.weight"]


@pytest.mark.parametrize("make", [FeedForward, SwiGLU])
def test_every_position_by_itself(rng, make):
    layer, x = randomized(make(3, 7), rng), tensor(rng, 2, 5, 3)
    for i in range(5):
        assert_equal(layer(x)[:, i], layer(x[:, i]))


# Frames ---------------------------------------------------------------------------------------------------------------


def gelu(x):
    """x times the probability that a standard normal number is below it."""
    return x * (1 + math.erf(x / 2**0.5)) / 2


def test_frame_embedding_by_hand():
    layer = FrameEmbedding(2, 1)
    set_weights(layer.W, [[1.0], [2.0]])
    with torch.no_grad():
        layer.neighbors.weight.copy_(torch.tensor([[[5.0, 10.0, 100.0]]]))  # the one before, itself, the one behind
        layer.neighbors.bias.copy_(torch.tensor([0.5]))
    # The frames come to 1, 2 and 0 by the linear map, and gelu(0) = 0.
    one, two = gelu(1), gelu(2)
    expected = [one + 10 * one + 100 * two + 0.5, two + 5 * one + 10 * two + 0.5, 5 * two + 0.5]
    actual = layer(torch.tensor([[[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]]]))
    torch.testing.assert_close(actual, torch.tensor([[[each] for each in expected]]))


@pytest.mark.parametrize("width", [1, 3, 5])
def test_frame_embedding_equals_loops(rng, width):
    layer, frames = randomized(FrameEmbedding(4, 3, width), rng), tensor(rng, 2, 7, 4)
    W, kernel, bias = (parameter.detach().numpy() for parameter in layer.parameters())
    x = np.vectorize(gelu)(frames.detach().numpy() @ W.T)
    expected = x + bias
    for row, i, j in np.ndindex(2, 7, width):
        if 0 <= (other := i + j - width // 2) < 7:
            expected[row, i] += kernel[:, :, j] @ x[row, other]
    np.testing.assert_allclose(layer(frames).detach().numpy(), expected, rtol=1e-10, atol=1e-10)


def test_frames_alone_and_beside_longer_ones(rng, place):
    # Behind a shorter utterance the rectangle holds zeros, where the shorter one alone has nothing.
    sizes = Sizes(d_model=8, num_heads=2, d_ff=11, num_layers=2)
    model = randomized(Transformer(sizes, FrameEmbedding(5, 8), target_size=7), rng, **place).eval()
    utterances, targets = [rng.standard_normal((length, 5)) for length in (4, 9, 1)], [[3, 4], [5], [6, 3, 4]]
    batch = teacher_forced(utterances, targets, begin=1, end=2).to(place["device"])
    together = model(batch.source.to(place["dtype"]), batch.inputs, batch.source_lengths)
    for row, (utterance, target) in enumerate(zip(utterances, targets, strict=True)):
        alone = teacher_forced([utterance], [target], begin=1, end=2).to(place["device"])
        assert_equal(together[row, : len(target) + 1], model(alone.source.to(place["dtype"]), alone.inputs)[0])


def test_an_even_width_has_no_middle():
    with pytest.raises(ValueError, match="width must be odd, not 4"):
        FrameEmbedding(5, 8, width=4)
