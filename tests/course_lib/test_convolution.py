"""Convolution by attention: numbers by hand, PyTorch's conv2d, the written sums as loops, and what alpha promises."""

import math

import numpy as np
import pytest
import torch
from pytorch_modules import assert_equal, assert_finite_gradients, randomized, tensor, unchanged
from torch import nn

from course_lib.relatives.convolution import (
    QuadraticAttention2d,
    RelativeAttention2d,
    convolution_by_attention,
    grid_offsets,
    heads_from_kernel,
    kernel_offsets,
    quadratic_scores,
)

# Offsets


def test_offsets_of_a_kernel_in_reading_order():
    assert kernel_offsets(1).tolist() == [[0, 0]]
    row = [[-1, 0, 1]] * 3
    assert kernel_offsets(3)[:, 1].reshape(3, 3).tolist() == row
    assert kernel_offsets(3)[:, 0].reshape(3, 3).T.tolist() == row
    assert kernel_offsets(5)[7].tolist() == [-1, 0]
    assert kernel_offsets(3).dtype.kind == "i"


@pytest.mark.parametrize(("kernel_size", "way_out"), [(4, "Take 5"), (0, "Take 1"), (-2, "Take 1")])
def test_kernels_without_a_middle(kernel_size, way_out):
    with pytest.raises(ValueError, match=f"odd size, but kernel_size is {kernel_size}. {way_out}"):
        kernel_offsets(kernel_size)


def test_offsets_of_a_grid_by_hand():
    # Pixels (0, 0), (0, 1), (0, 2); from the middle one, the last is one to the right.
    assert grid_offsets(1, 3)[1].tolist() == [[0, -1], [0, 0], [0, 1]]
    assert grid_offsets(2, 3).shape == (6, 6, 2)
    assert grid_offsets(2, 3)[5, 0].tolist() == [-1, -2]  # from the last pixel to the first


def test_a_ring_answers_and_does_not_ask():
    offsets = grid_offsets(2, 3, border=1)
    assert offsets.shape == (6, 4 * 5, 2)
    assert offsets[0, 0].tolist() == [-1, -1]  # the ring's corner lies beyond the first pixel
    inside = [r * 5 + c for r in (1, 2) for c in (1, 2, 3)]
    np.testing.assert_array_equal(offsets[:, inside], grid_offsets(2, 3))


# Scores


def test_quadratic_scores_by_hand(backend):
    centers = backend.array([[0, 1], [-1, 0.5]])
    offsets = np.array([[[0, 1], [0, 0], [2, 1]]])  # (1, 3, 2)
    # Squared distances: 0, 1, 4 from (0, 1); 1.25, 1.25, 9.25 from (-1, 0.5).
    expected = -0.5 * np.array([[[0, 1, 4]], [[1.25, 1.25, 9.25]]])
    backend.assert_close(quadratic_scores(offsets, centers, 0.5), expected)
    alphas = backend.array([1, 2])
    backend.assert_close(quadratic_scores(offsets, centers, alphas), expected * [[[2]], [[4]]])


def test_offsets_of_any_leading_shape():
    centers = np.array([[0.0, 1.0], [2.0, 2.0], [-1.0, 0.0]])
    assert quadratic_scores(np.array([1, 1]), centers, 2.0).tolist() == [-2, -4, -10]
    assert quadratic_scores(np.zeros((4, 5, 6, 2)), centers, 2.0).shape == (3, 4, 5, 6)


def test_the_papers_encoding_gives_the_same_weights(rng):
    """Eq. 9: -alpha (1, -2 Delta_1, -2 Delta_2) times (||delta||^2, delta_1, delta_2)."""
    offsets, centers, alpha = grid_offsets(3, 4).astype(float), rng.standard_normal((5, 2)), 0.7
    encoded = np.concatenate([(offsets**2).sum(axis=-1, keepdims=True), offsets], axis=-1)
    v = -alpha * np.concatenate([np.ones((5, 1)), -2 * centers], axis=-1)
    in_the_paper = np.einsum("hp,qkp->hqk", v, encoded)
    ours = quadratic_scores(offsets, centers, alpha)
    apart = ours - in_the_paper
    np.testing.assert_allclose(apart, np.broadcast_to(apart[:, :1, :1], apart.shape), atol=1e-12)


def test_wrong_centers_and_alphas_are_told():
    offsets, centers = np.zeros((3, 2)), np.zeros((4, 2))
    with pytest.raises(ValueError, match="numbers of center is 3"):
        quadratic_scores(offsets, np.zeros((4, 3)), 1.0)
    with pytest.raises(ValueError, match="numbers of offset is 4"):
        quadratic_scores(np.zeros((3, 4)), centers, 1.0)
    with pytest.raises(ValueError, match="alphas is 3, heads is 4"):
        quadratic_scores(offsets, centers, np.ones(3))
    with pytest.raises(TypeError, match="centers must hold floating-point numbers"):
        quadratic_scores(offsets, np.zeros((4, 2), dtype=int), 1.0)


# The construction


def test_heads_of_a_kernel_by_hand():
    weight = np.arange(2 * 3 * 9.0).reshape(2, 3, 3, 3)
    heads = heads_from_kernel(weight)
    assert heads.shape == (9, 3, 2)
    assert heads[5, 2, 1] == weight[1, 2, 1, 2]  # head 5 looks one to the right: row 1, column 2 of the kernel
    assert heads[0, 0].tolist() == [0, 27]


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (2, 3, 3, 5), (2, 3, 3)], ids=str)
def test_kernels_that_are_no_heads(shape):
    with pytest.raises(ValueError, match=r"odd size|square|must have shape"):
        heads_from_kernel(np.ones(shape))


def conv2d(image, weight, bias, mode="zeros"):
    """PyTorch's convolution of a NumPy image, channels last."""
    image, weight, bias = (torch.from_numpy(array) for array in (image, weight, bias))
    edge = (weight.shape[-1] // 2,) * 4
    padded = nn.functional.pad(image.movedim(-1, 1), edge, "constant" if mode == "zeros" else mode)
    return nn.functional.conv2d(padded, weight, bias).movedim(1, -1).numpy()


def case(rng, kernel_size, batch=2, height=6, width=7, d_in=3, d_out=4):
    image = rng.standard_normal((batch, height, width, d_in))
    return image, rng.standard_normal((d_out, d_in, kernel_size, kernel_size)), rng.standard_normal(d_out)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("size", [(6, 7), (1, 1), (1, 4), (2, 3)], ids=str)
@pytest.mark.parametrize(("border", "padding"), [("zeros", "zeros"), ("renormalized", "replicate")])
def test_sharp_heads_are_a_convolution(rng, kernel_size, size, border, padding):
    image, weight, bias = case(rng, kernel_size, height=size[0], width=size[1])
    output = convolution_by_attention(image, weight, bias, alpha=45.0, border=border)
    np.testing.assert_allclose(output, conv2d(image, weight, bias, padding), atol=1e-12)


def test_every_library_and_dtype(rng, backend):
    arrays = case(rng, 3)
    output = convolution_by_attention(*(backend.array(array) for array in arrays), alpha=40.0)
    backend.assert_close(output, conv2d(*map(backend.rounded, arrays)), roundings=100)


def test_blurred_heads_as_the_sum_over_all_pixels(rng):
    """The whole formula as loops, at an alpha where the softmax shows."""
    image, weight, bias = case(rng, 3, batch=1, height=2, width=3, d_in=2, d_out=2)
    expected = np.zeros((1, 2, 3, 2)) + bias
    for r, c, i, j in np.ndindex(2, 3, 3, 3):
        shares, found = [], []
        for row, column in np.ndindex(2, 3):
            away = (row - r - (i - 1)) ** 2 + (column - c - (j - 1)) ** 2
            shares.append(math.exp(-0.8 * away))
            found.append(weight[:, :, i, j] @ image[0, row, column])
        expected[0, r, c] += np.array(shares) @ np.array(found) / sum(shares)
    output = convolution_by_attention(image, weight, bias, alpha=0.8, border="renormalized")
    np.testing.assert_allclose(output, expected, atol=1e-12)


def test_the_error_falls_as_the_next_pixels_weight_does(rng):
    image, weight, bias = case(rng, 3, batch=1)
    expected = conv2d(image, weight, bias)
    off = [np.abs(convolution_by_attention(image, weight, bias, alpha=a) - expected).max() for a in (6, 8, 10)]
    np.testing.assert_allclose(np.diff(np.log(off)), -2, atol=0.1)  # e^-alpha: a head's four neighbors


def test_without_a_bias_and_without_a_batch(rng):
    image, weight, bias = case(rng, 3)
    with_bias = convolution_by_attention(image, weight, bias, alpha=3.0)
    without = convolution_by_attention(image[0], weight, alpha=3.0)
    np.testing.assert_allclose(without + bias, with_bias[0], atol=1e-12)


def test_what_does_not_fit_is_told(rng):
    image, weight, bias = case(rng, 3)
    with pytest.raises(ValueError, match="border must be one of 'zeros', 'renormalized', not 'reflect'"):
        convolution_by_attention(image, weight, bias, alpha=1.0, border="reflect")
    with pytest.raises(ValueError, match="channels of image is 7, channels of weight is 3"):
        convolution_by_attention(image.swapaxes(-1, -2), weight, bias, alpha=1.0)
    with pytest.raises(TypeError, match="must hold floating-point numbers"):
        convolution_by_attention(image.astype(int), weight, bias, alpha=1.0)


# The modules


def by_loops(pixels, weights, W_o):
    """Return sum_h sum_k weights[h, q, k] pixels[k] W_h + b for one image: (q_len, d_out)."""
    num_heads, _, _ = weights.shape
    d_in = pixels.shape[-1]
    output = W_o.bias.detach().numpy()
    for h in range(num_heads):
        W_h = W_o.weight.detach().numpy()[:, h * d_in : (h + 1) * d_in].T
        output = output + weights[h] @ pixels @ W_h
    return output


def test_quadratic_attention_as_written_sums(rng):
    layer, image = randomized(QuadraticAttention2d(3, 4, 5), rng), tensor(rng, 2, 6, 7, 3)
    centers, alpha = layer.centers.detach().numpy(), np.exp(layer.log_alpha.detach().numpy())
    weights = np.empty((5, 42, 42))
    for h, q, k in np.ndindex(5, 42, 42):
        weights[h, q, k] = -alpha[h] * np.sum((np.array(divmod(k, 7)) - divmod(q, 7) - centers[h]) ** 2)
    weights = np.exp(weights) / np.exp(weights).sum(axis=-1, keepdims=True)
    with unchanged(layer):
        output = layer(image)
    for i in range(2):
        expected = by_loops(image[i].detach().numpy().reshape(42, 3), weights, layer.W_o)
        np.testing.assert_allclose(output[i].detach().reshape(42, 4), expected, atol=1e-10)
    np.testing.assert_allclose(layer.weights(6, 7).detach(), weights, atol=1e-12)
    assert_finite_gradients(output, layer, image)


def test_quadratic_attention_can_be_a_convolution(rng):
    image, weight, bias = case(rng, 3)
    layer = QuadraticAttention2d(3, 4, 9).double()
    with torch.no_grad():
        layer.centers.copy_(torch.from_numpy(kernel_offsets(3)))
        layer.log_alpha.fill_(math.log(45))
        layer.W_o.weight.copy_(torch.from_numpy(weight).flatten(2).mT.flatten(1))
        layer.W_o.bias.copy_(torch.from_numpy(bias))
    expected = torch.from_numpy(conv2d(image, weight, bias, "replicate"))
    assert_equal(layer(torch.from_numpy(image)).detach(), expected)


def test_centers_start_around_the_query():
    torch.manual_seed(0)
    layer = QuadraticAttention2d(1, 1, 4000)
    assert abs(layer.centers.mean().item()) < 0.05
    assert abs(layer.centers.std().item() - 1) < 0.05
    assert (layer.alpha == 1).all()


def test_relative_attention_as_written_sums(rng):
    layer, image = randomized(RelativeAttention2d(3, 4, 2, 5, 3, 4), rng), tensor(rng, 2, 3, 4, 3)
    output, weights = layer(image, return_weights=True)
    assert_equal(layer(image), output)  # the fused kernel
    assert weights.shape == (2, 2, 12, 12)
    pixels = image.detach().reshape(2, 12, 3)
    query, key = (W(pixels).detach().reshape(2, 12, 2, 5) for W in (layer.W_q, layer.W_k))
    for i, h in np.ndindex(2, 2):
        scores = np.empty((12, 12))
        for q, k in np.ndindex(12, 12):
            rows, columns = k // 4 - q // 4, k % 4 - q % 4
            place = layer.rows[rows + 2] + layer.columns[columns + 3]
            scores[q, k] = query[i, q, h] @ (key[i, k, h] + place.detach()) / math.sqrt(5)
        expected = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(weights[i, h].detach(), expected, atol=1e-12)
    expected = by_loops(pixels[1].numpy(), weights[1].detach().numpy(), layer.W_o)
    np.testing.assert_allclose(output[1].detach().reshape(12, 4), expected, atol=1e-10)
    assert_finite_gradients(output, layer, image)
    assert all(parameter.grad.abs().max() > 0 for parameter in layer.parameters())


def test_relative_attention_is_made_for_one_size():
    layer = RelativeAttention2d(3, 4, 2, 5, height=3, width=4)
    for shape, axis in (
        ((1, 4, 4, 3), "height of image is 4, height of offsets is 3"),
        ((1, 3, 3, 3), "width of image is 3, width of offsets is 4"),
    ):
        with pytest.raises(ValueError, match=axis):
            layer(torch.zeros(shape))


@pytest.mark.parametrize("make", [lambda: QuadraticAttention2d(3, 4, 0), lambda: RelativeAttention2d(3, 4, 0, 5, 3, 4)])
def test_attention_needs_a_head(make):
    with pytest.raises(ValueError, match="at least 1 head"):
        make()


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1)], ids=str)
def test_images_of_one_row_or_column(rng, size):
    for layer in (QuadraticAttention2d(3, 4, 5), RelativeAttention2d(3, 4, 2, 5, *size)):
        image = tensor(rng, 2, *size, 3)
        assert randomized(layer, rng)(image).shape == (2, *size, 4)
