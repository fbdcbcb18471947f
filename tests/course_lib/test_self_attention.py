"""One head of self-attention: on the toy sentence by hand, both paths against each other, and its properties."""

import math

import numpy as np
import pytest
import torch
from pytorch_modules import (
    assert_equal,
    assert_finite_gradients,
    lower_triangle,
    randomized,
    reach,
    tensor,
    unchanged,
)

from course_lib.attention import scaled_dot_product_attention
from course_lib.data import toy
from course_lib.masks import causal_mask, combine_masks, padding_mask
from course_lib.self_attention import SelfAttention, attend

MASKS = {
    "none": lambda: None,
    "padding": lambda: padding_mask(torch.tensor([5, 3]), 5),
    "causal": lambda: torch.from_numpy(lower_triangle(5)),
    "both": lambda: combine_masks(padding_mask(torch.tensor([5, 3]), 5), torch.from_numpy(lower_triangle(5))),
    "keys": lambda: torch.tensor([True, False, True, True, False]),
}


@pytest.fixture
def layer(rng):
    return randomized(SelfAttention(6, 4), rng)


def test_toy_sentence_by_hand():
    # "it" asks for an animal: scores 0 4 2 0 0 0, divided by sqrt(4). The pronoun takes the animals' feature.
    layer = SelfAttention(4, bias=False).double()
    with torch.no_grad():
        for linear, matrix in ((layer.W_q, toy.W_q), (layer.W_k, toy.W_k), (layer.W_o, np.eye(4))):
            linear.weight.copy_(torch.tensor(matrix).T)
        layer.W_v.weight.zero_()
        layer.W_v.weight[:3] = torch.tensor(toy.W_v).T  # value columns: animal, action, glue
        output, weights = layer(torch.tensor(toy.X), return_weights=True)
    total = math.exp(2) + math.exp(1) + 4
    expected = np.array([1, math.exp(2), math.exp(1), 1, 1, 1]) / total
    np.testing.assert_allclose(weights[4].numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(output[4, 0], (2 * math.exp(2) + math.exp(1)) / total, rtol=1e-12)  # cat 2, purred 1
    np.testing.assert_allclose(
        output[4, 1], (2 * math.exp(1) + 1 + 2) / total, rtol=1e-12
    )  # purred 2, because 1, ate 2


def test_layer_is_attention_between_linear_maps(layer, rng):
    x = tensor(rng, 2, 5, 6)
    maps = ((linear.weight.T, linear.bias) for linear in (layer.W_q, layer.W_k, layer.W_v))
    expected = scaled_dot_product_attention(*(x @ weight + bias for weight, bias in maps))
    assert_equal(layer(x)[0], expected @ layer.W_o.weight.T + layer.W_o.bias)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_fused_kernel_equals_the_formula(rng, place, mask, is_causal):
    arrays = [tensor(rng, 2, 3, 5, size, **place) for size in (4, 4, 7)]
    mask = mask()
    if mask is not None:
        mask = mask.to(place["device"])
        mask = mask[:, None] if mask.ndim == 3 else mask
    results = []
    for return_weights in (False, True):
        output, weights = attend(*arrays, mask, is_causal=is_causal, return_weights=return_weights)
        assert (weights is not None) == return_weights
        output.square().sum().backward()
        results.append([output, *(array.grad for array in arrays)])
        for array in arrays:
            array.grad = None
    for fused, formula in zip(*results, strict=True):
        assert_equal(fused, formula)
    allowed = np.ones((2, 3, 5, 5), dtype=bool) if mask is None else mask.expand(2, 3, 5, 5).cpu().numpy()
    np.testing.assert_array_equal(weights.detach().cpu() > 0, allowed & lower_triangle(5) if is_causal else allowed)


def test_layer_gives_weights_only_when_asked(layer, rng):
    x = tensor(rng, 2, 5, 6)
    with unchanged(layer):
        output, nothing = layer(x)
        same, weights = layer(x, return_weights=True)
    assert nothing is None
    assert weights.shape == (2, 5, 5)
    assert_equal(output, same)
    assert_equal(weights.sum(dim=-1), torch.ones(2, 5, dtype=torch.float64))


def test_sizes():
    shapes = [tuple(parameter.shape) for parameter in SelfAttention(6, 4).parameters()]
    assert shapes == [(4, 6), (4,), (4, 6), (4,), (4, 6), (4,), (6, 4), (6,)]
    assert [tuple(p.shape) for p in SelfAttention(5, bias=False).parameters()] == [(5, 5)] * 4


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("length", [1, 5])
def test_leading_axes_and_length_one(layer, rng, leading, length):
    x = tensor(rng, *leading, length, 6)
    output, _ = layer(x)
    assert output.shape == x.shape
    one = layer(x.reshape(-1, length, 6)[-1])[0]
    assert_equal(output.reshape(-1, length, 6)[-1], one)


def test_equivariant_under_permutation(layer, rng):
    x, order = tensor(rng, 2, 5, 6), torch.tensor([3, 0, 4, 1, 2])
    assert_equal(layer(x[:, order])[0], layer(x)[0][:, order])


def test_batch_rows_are_independent(layer, rng):
    x = tensor(rng, 2, 5, 6)
    mask = padding_mask(torch.tensor([5, 3]), 5)
    changed = x.detach().clone()
    changed[0] = 7.0  # another row
    changed[1, 3:] = -9.0  # this row's padding
    assert_equal(layer(changed, mask)[0][1, :3], layer(x, mask)[0][1, :3])


@pytest.mark.parametrize("return_weights", [False, True])
def test_causal_mask_hides_the_future(layer, rng, return_weights):
    mask = causal_mask(5, like=torch.empty(0))
    seen = reach(lambda x: layer(x, mask, return_weights=return_weights)[0], tensor(rng, 1, 5, 6), to=5)
    np.testing.assert_array_equal(seen, lower_triangle(5))


@pytest.mark.parametrize("return_weights", [False, True])
def test_empty_row_is_the_bias_and_has_finite_gradients(rng, place, return_weights):
    layer = randomized(SelfAttention(6, 4), rng, **place)
    x = tensor(rng, 2, 5, 6, **place)
    mask = padding_mask(torch.tensor([0, 3], device=place["device"]), 5)
    output, _ = layer(x, mask, return_weights=return_weights)
    assert_equal(output[0], layer.W_o.bias.expand(5, 6))
    assert_finite_gradients(output, layer, x)


@pytest.mark.parametrize("return_weights", [False, True])
@pytest.mark.parametrize("mask", [torch.ones(5, 5), torch.ones(5, 5, dtype=torch.int64)], ids=["floats", "integers"])
def test_mask_must_be_boolean(layer, rng, mask, return_weights):
    with pytest.raises(TypeError, match="mask must be boolean, True = may attend, not torch"):
        layer(tensor(rng, 2, 5, 6), mask, return_weights=return_weights)


# Bias and causality


@pytest.mark.parametrize("shape", [(5, 5), (3, 5, 5), (2, 1, 1, 5), (1, 1), (5,)], ids=str)
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_bias_is_added_to_the_scores(rng, mask, is_causal, shape):
    query, key, value, bias = (tensor(rng, *size) for size in ((2, 3, 5, 4), (2, 3, 5, 4), (2, 3, 5, 7), shape))
    mask = mask()
    mask = mask[:, None] if mask is not None and mask.ndim == 3 else mask
    allowed = torch.ones(2, 3, 5, 5, dtype=torch.bool) if mask is None else mask.expand(2, 3, 5, 5)
    allowed = allowed & torch.from_numpy(lower_triangle(5)) if is_causal else allowed
    exponentials = torch.exp(torch.einsum("bhid,bhjd->bhij", query, key) / 2 + bias) * allowed
    expected = exponentials / exponentials.sum(dim=-1, keepdim=True) @ value
    inputs = (query, key, value, bias)
    gradients = torch.autograd.grad(expected.square().sum(), inputs)
    for return_weights in (False, True):
        output, _ = attend(query, key, value, mask, bias=bias, is_causal=is_causal, return_weights=return_weights)
        assert_equal(output, expected)
        for actual, gradient in zip(torch.autograd.grad(output.square().sum(), inputs), gradients, strict=True):
            assert_equal(actual, gradient)


@pytest.mark.parametrize("return_weights", [False, True])
def test_bias_in_an_empty_row(rng, return_weights):
    arrays = [tensor(rng, 2, 5, 4) for _ in range(3)] + [tensor(rng, 5, 5)]
    mask = torch.from_numpy(lower_triangle(5)) & (torch.arange(5) != 2)[:, None]
    output, _ = attend(*arrays[:3], mask, bias=arrays[3], return_weights=return_weights)
    assert (output[:, 2] == 0).all()
    output.square().sum().backward()
    assert all(array.grad.isfinite().all() for array in arrays)
    assert (arrays[3].grad[2] == 0).all()
    assert (arrays[3].grad[4, [0, 1, 3, 4]] != 0).all()


@pytest.mark.parametrize("return_weights", [False, True])
@pytest.mark.parametrize(("q_len", "k_len"), [(3, 5), (5, 3), (1, 4)])
def test_causal_attention_to_another_length_is_an_error(rng, q_len, k_len, return_weights):
    arrays = tensor(rng, 2, q_len, 4), tensor(rng, 2, k_len, 4), tensor(rng, 2, k_len, 7)
    with pytest.raises(ValueError, match=f"must agree, but q_len is {q_len}, k_len is {k_len}.*a mask can say"):
        attend(*arrays, is_causal=True, return_weights=return_weights)


@pytest.mark.parametrize("return_weights", [False, True])
def test_what_does_not_fit_is_told_alike_on_both_paths(rng, return_weights):
    query, key, value = tensor(rng, 2, 5, 4), tensor(rng, 2, 7, 4), tensor(rng, 2, 7, 3)
    with pytest.raises(ValueError, match="every key has one value, but number of keys is 7, number of values is 6"):
        attend(query, key, value[:, :6], return_weights=return_weights)
    with pytest.raises(ValueError, match=r"the mask must broadcast to the scores' shape .* = \(2, 5, 7\)"):
        attend(query, key, value, torch.ones(5, 6, dtype=torch.bool), return_weights=return_weights)
    with pytest.raises(
        ValueError, match=r"the bias is added to the scores.* = \(2, 5, 7\), but its shape is \(3, 5, 7\)"
    ):
        attend(query, key, value, bias=tensor(rng, 3, 5, 7), return_weights=return_weights)
    with pytest.raises(TypeError, match=r"bias is torch.float32"):
        attend(query, key, value, bias=torch.zeros(5, 7), return_weights=return_weights)
