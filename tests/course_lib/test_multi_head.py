"""Multi-head attention: splitting by hand, equality with PyTorch's module, positions inside attention, properties."""

import numpy as np
import pytest
import torch
from pytorch_modules import (
    assert_equal,
    assert_equal_gradients,
    assert_finite_gradients,
    copy_weights,
    lower_triangle,
    randomized,
    reach,
    tensor,
    unchanged,
)
from torch import nn

from course_lib.masks import combine_masks, padding_mask
from course_lib.multi_head import KeysAndValues, MultiHeadAttention, merge_heads, split_heads
from course_lib.positional_encoding import AlibiPositions, RelativePositions, RotaryPositions
from course_lib.self_attention import SelfAttention

# d_model 12 in 3 heads, so d_k = 4; batch 2, q_len 5, k_len 7.
POSITIONS = {
    "none": lambda: None,
    "rotary": RotaryPositions,
    "alibi": AlibiPositions,
    "relative": lambda: RelativePositions(4, 2),
}
with_all_positions = pytest.mark.parametrize("make", POSITIONS.values(), ids=POSITIONS.keys())
in_both_libraries = pytest.mark.parametrize("array", [np.array, torch.tensor], ids=["numpy", "torch"])


@pytest.fixture
def layer(rng):
    return randomized(MultiHeadAttention(12, 3), rng)


# Splitting and merging


@in_both_libraries
def test_split_heads_by_hand(array):
    # Two positions, two heads of three: each head takes its three columns of every position.
    x = array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]])
    heads = [[[1, 2, 3], [10, 20, 30]], [[4, 5, 6], [40, 50, 60]]]
    assert split_heads(x, 2).tolist() == heads
    assert split_heads(x, 2).tolist() != x.reshape(2, 2, 3).tolist()  # this would be positions, not heads
    assert merge_heads(array(heads)).tolist() == x.tolist()


@in_both_libraries
@pytest.mark.parametrize("leading", [(), (2,), (2, 7)], ids=str)
def test_merge_is_the_inverse_of_split(array, leading):
    x = array(np.arange(np.prod(leading, dtype=int) * 60.0).reshape(*leading, 5, 12).tolist())
    heads = split_heads(x, 3)
    assert tuple(heads.shape) == (*leading, 3, 5, 4)
    assert merge_heads(heads).tolist() == x.tolist()
    for head in range(3):
        assert heads[..., head, :, :].tolist() == x[..., 4 * head : 4 * head + 4].tolist()


def test_d_model_must_be_divisible():
    message = "d_model=10 is not divisible by num_heads=3"
    with pytest.raises(ValueError, match=message):
        split_heads(np.ones((5, 10)), 3)
    with pytest.raises(ValueError, match=message):
        MultiHeadAttention(10, 3)
    for num_heads in (0, -3):
        for make in (lambda n: split_heads(np.ones((5, 12)), n), lambda n: MultiHeadAttention(12, n)):
            with pytest.raises(ValueError, match=f"at least 1 head, not num_heads={num_heads}"):
                make(num_heads)
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., length, d_model\)"):
        split_heads(np.ones(12), 3)
    with pytest.raises(ValueError, match="heads must have shape"):
        merge_heads(np.ones((5, 4)))


# Equality with PyTorch


def causal_and_padding():
    return combine_masks(padding_mask(torch.tensor([5, 3]), 5), torch.from_numpy(lower_triangle(5)))


SELF_MASKS = {
    "none": (None, False),
    "padding": (padding_mask(torch.tensor([5, 3]), 5), False),
    "causal": (None, True),
    "causal mask": (torch.from_numpy(lower_triangle(5)), False),
    "causal and padding": (padding_mask(torch.tensor([5, 3]), 5), True),
    "one for each sequence": (causal_and_padding(), False),
}


def pytorch_mask(allowed, leading, q_len, k_len):
    """Return a mask as PyTorch's module wants it: (batch * heads, q_len, k_len), True = hidden."""
    return None if allowed is None else ~allowed.expand(leading, q_len, k_len).repeat_interleave(3, dim=0)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("return_weights", [False, True], ids=["fused", "formula"])
@pytest.mark.parametrize(("mask", "is_causal"), SELF_MASKS.values(), ids=SELF_MASKS.keys())
def test_self_attention_equals_pytorch(rng, place, training, return_weights, mask, is_causal):
    pytorch = randomized(nn.MultiheadAttention(12, 3, batch_first=True), rng, **place).train(training)
    ours = MultiHeadAttention(12, 3).to(**place).train(training)
    copy_weights(ours, pytorch)
    x = tensor(rng, 2, 5, 12, **place)
    mask = None if mask is None else mask.to(place["device"])
    allowed = combine_masks(
        *(m for m in (mask, torch.from_numpy(lower_triangle(5)).to(place["device"])) if m is not None)
    )
    hidden = pytorch_mask(allowed if is_causal else mask, 2, 5, 5)
    expected, expected_weights = pytorch(x, x, x, attn_mask=hidden, average_attn_weights=False)
    output, weights = ours(x, mask=mask, is_causal=is_causal, return_weights=return_weights)
    assert_equal(output, expected)
    if return_weights:
        assert_equal(weights, expected_weights)
    else:
        assert weights is None
    assert_equal_gradients(ours, pytorch, (output, expected), [x], rng)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("return_weights", [False, True], ids=["fused", "formula"])
@pytest.mark.parametrize("padded", [False, True])
def test_cross_attention_equals_pytorch(rng, place, training, return_weights, padded):
    pytorch = randomized(nn.MultiheadAttention(12, 3, batch_first=True), rng, **place).train(training)
    ours = MultiHeadAttention(12, 3).to(**place).train(training)
    copy_weights(ours, pytorch)
    x, memory = tensor(rng, 2, 5, 12, **place), tensor(rng, 2, 7, 12, **place)
    mask = padding_mask(torch.tensor([4, 7], device=place["device"])) if padded else None
    hidden = ~mask[:, 0] if padded else None
    expected, expected_weights = pytorch(x, memory, memory, key_padding_mask=hidden, average_attn_weights=False)
    output, weights = ours(x, memory, mask, return_weights=return_weights)
    assert_equal(output, expected)
    if return_weights:
        assert_equal(weights, expected_weights)
    assert_equal_gradients(ours, pytorch, (output, expected), [x, memory], rng)


def test_without_bias_equals_pytorch(rng):
    pytorch = randomized(nn.MultiheadAttention(12, 3, bias=False, batch_first=True), rng)
    ours = MultiHeadAttention(12, 3, bias=False).double()
    with torch.no_grad():
        for linear, weight in zip((ours.W_q, ours.W_k, ours.W_v), pytorch.in_proj_weight.chunk(3), strict=True):
            linear.weight.copy_(weight)
        ours.W_o.weight.copy_(pytorch.out_proj.weight)
    x = tensor(rng, 2, 5, 12)
    assert_equal(ours(x)[0], pytorch(x, x, x, need_weights=False)[0])
    assert len(list(ours.parameters())) == 4


def test_one_head_is_self_attention(rng):
    one, many = randomized(SelfAttention(6), rng), MultiHeadAttention(6, 1).double()
    many.load_state_dict(one.state_dict())
    x = tensor(rng, 2, 5, 6)
    output, weights = many(x, return_weights=True)
    expected, expected_weights = one(x, return_weights=True)
    assert_equal(output, expected)
    assert_equal(weights[:, 0], expected_weights)


# Positions inside attention


@with_all_positions
@pytest.mark.parametrize(("mask", "is_causal"), SELF_MASKS.values(), ids=SELF_MASKS.keys())
def test_output_does_not_depend_on_whether_weights_are_asked(rng, make, mask, is_causal):
    layer = randomized(MultiHeadAttention(12, 3, positions=make()), rng)
    x = tensor(rng, 2, 5, 12)
    with unchanged(layer):
        output, nothing = layer(x, mask=mask, is_causal=is_causal)
        same, weights = layer(x, mask=mask, is_causal=is_causal, return_weights=True)
    assert nothing is None
    assert_equal(output, same)
    assert weights.shape == (2, 3, 5, 5)
    assert_equal(weights.sum(dim=-1), torch.ones(2, 3, 5, dtype=torch.float64))
    allowed = torch.ones(2, 5, 5, dtype=torch.bool) if mask is None else mask.expand(2, 5, 5)
    allowed = allowed & torch.from_numpy(lower_triangle(5)) if is_causal else allowed
    assert torch.equal(weights > 0, allowed[:, None].expand(2, 3, 5, 5))


@with_all_positions
@pytest.mark.parametrize("first", [1, 3])
def test_steps_with_cached_keys_equal_the_whole_sequence(rng, make, first):
    layer = randomized(MultiHeadAttention(12, 3, positions=make()), rng)
    x = tensor(rng, 2, 7, 12)
    whole, weights = layer(x, is_causal=True, return_weights=True)
    offered = layer.keys_and_values(x[:, :first])
    output, _ = layer.gather(x[:, :first], offered, is_causal=True)
    assert_equal(output, whole[:, :first])
    for i in range(first, 7):
        assert offered.length == i
        offered = offered.followed_by(layer.keys_and_values(x[:, i : i + 1], start=i))
        output, row = layer.gather(x[:, i : i + 1], offered, start=i, return_weights=True)
        assert_equal(output, whole[:, i : i + 1])
        assert_equal(row, weights[:, :, i : i + 1, : i + 1])
    whole = layer.keys_and_values(x)
    assert_equal(offered.key, whole.key)
    assert_equal(offered.value, whole.value)


@with_all_positions
def test_equivariant_under_permutation_without_positions_alone(rng, make):
    layer = randomized(MultiHeadAttention(12, 3, positions=make()), rng)
    x, order = tensor(rng, 2, 5, 12), torch.tensor([3, 0, 4, 1, 2])
    moved, kept = layer(x[:, order])[0], layer(x)[0][:, order]
    if make() is None:
        assert_equal(moved, kept)
    else:
        assert (moved - kept).abs().max() > 1e-4


@with_all_positions
def test_values_have_no_positions(rng, make):
    layer = randomized(MultiHeadAttention(12, 3, positions=make()), rng)
    x = tensor(rng, 2, 5, 12)
    expected = split_heads(layer.W_v(x), 3)
    for start in (0, 11):
        assert_equal(layer.keys_and_values(x, start).value, expected)


@with_all_positions
def test_empty_row_has_finite_gradients(rng, make):
    for return_weights in (False, True):
        layer = randomized(MultiHeadAttention(12, 3, positions=make()), rng)
        x = tensor(rng, 2, 5, 12)
        mask = padding_mask(torch.tensor([0, 3]), 5)
        output, weights = layer(x, mask=mask, return_weights=return_weights)
        assert_finite_gradients(output, layer, x)
        if return_weights:
            assert not weights[0].any()


@with_all_positions
def test_causal_attention_sees_no_future(rng, make):
    layer = randomized(MultiHeadAttention(12, 3, positions=make()), rng)
    seen = reach(lambda x: layer(x, is_causal=True)[0], tensor(rng, 1, 5, 12), to=5)
    np.testing.assert_array_equal(seen, lower_triangle(5))
    seen = reach(lambda x: layer(x)[0], tensor(rng, 1, 5, 12), to=5)
    assert seen.all()


@with_all_positions
@pytest.mark.parametrize("return_weights", [False, True])
def test_causal_attention_to_another_length_is_an_error(rng, make, return_weights):
    layer = randomized(MultiHeadAttention(12, 3, positions=make()), rng)
    with pytest.raises(ValueError, match="q_len and k_len must agree, but q_len is 5, k_len is 7"):
        layer(tensor(rng, 2, 5, 12), tensor(rng, 2, 7, 12), is_causal=True, return_weights=return_weights)


# Properties


def test_memory_is_a_set(layer, rng):
    x, memory, order = tensor(rng, 2, 5, 12), tensor(rng, 2, 7, 12), torch.tensor([6, 2, 0, 5, 1, 4, 3])
    assert_equal(layer(x, memory[:, order])[0], layer(x, memory)[0])
    assert_equal(layer(x[:, order[order < 5]], memory)[0], layer(x, memory)[0][:, order[order < 5]])


def test_batch_rows_are_independent(layer, rng):
    x, memory = tensor(rng, 2, 5, 12), tensor(rng, 2, 7, 12)
    mask = padding_mask(torch.tensor([7, 4]), 7)
    changed = memory.detach().clone()
    changed[0], changed[1, 4:] = 7.0, -9.0  # another row, and this row's padding
    assert_equal(layer(x, changed, mask)[0][1], layer(x, memory, mask)[0][1])


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)], ids=str)
def test_leading_axes(layer, rng, leading):
    x = tensor(rng, *leading, 5, 12)
    output, weights = layer(x, mask=torch.from_numpy(lower_triangle(5)), return_weights=True)
    assert (output.shape, weights.shape) == (x.shape, (*leading, 3, 5, 5))
    one, _ = layer(x.reshape(-1, 5, 12)[-1], is_causal=True)
    assert_equal(output.reshape(-1, 5, 12)[-1], one)


def test_mask_over_keys_alone(layer, rng):
    x, mask = tensor(rng, 2, 5, 12), torch.tensor([True, False, True, True, False])
    assert_equal(layer(x, mask=mask)[0], layer(x, x[:, mask])[0])


def test_keys_and_values_of_some_sequences(rng):
    key, value = torch.arange(24.0).reshape(3, 2, 2, 2), -torch.arange(24.0).reshape(3, 2, 2, 2)
    chosen = KeysAndValues(key, value).select(torch.tensor([2, 0, 2]))
    assert chosen.key.tolist() == [key[2].tolist(), key[0].tolist(), key[2].tolist()]
    assert chosen.value.tolist() == (-chosen.key).tolist()


@pytest.mark.parametrize("return_weights", [False, True])
def test_mask_must_be_boolean(layer, rng, return_weights):
    with pytest.raises(TypeError, match="mask must be boolean, True = may attend"):
        layer(tensor(rng, 2, 5, 12), mask=torch.ones(2, 5, 5), return_weights=return_weights)
