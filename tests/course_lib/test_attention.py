"""Attention and its scores: worked by hand, against loops and PyTorch, and by their properties."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as pytorch_attention

from course_lib import (
    additive_scores,
    attention_weights,
    causal_mask,
    combine_masks,
    dot_product_scores,
    padding_mask,
    scaled_dot_product_attention,
)

# Two queries, three keys, d_k = 4, so the scores are divided by sqrt(4) = 2. Raw scores of the first query, whose only
# component is 2: 2 ln 1, 2 ln 2, 2 ln 5; scaled: ln 1, ln 2, ln 5; weights 1/8, 2/8, 5/8, because exp(ln n) = n.
# The second query has components 2 and 4: 2 ln 1 + 4 * 1/2 ln 6, 2 ln 2 - 4 * 1/2 ln 2/3, 2 ln 5 - 4 * 1/2 ln 5;
# scaled: ln 6, ln 3, ln 1; weights 6/10, 3/10, 1/10.
QUERY = np.array([[2.0, 0.0, 0.0, 0.0], [2.0, 4.0, 0.0, 0.0]])
KEY = np.array(
    [
        [math.log(1), math.log(6) / 2, 3.0, 0.0],
        [math.log(2), math.log(3 / 2) / 2, -1.0, 0.0],
        [math.log(5), -math.log(5) / 2, 0.0, 7.0],
    ]
)
SCORES = 2 * np.log([[1.0, 2.0, 5.0], [6.0, 3.0, 1.0]])
WEIGHTS = np.array([[0.125, 0.25, 0.625], [0.6, 0.3, 0.1]])
# 1/8 * 8 + 2/8 * 4 + 5/8 * 16 = 1 + 1 + 10;   6/10 * 8 + 3/10 * 4 + 1/10 * 16 = 4.8 + 1.2 + 1.6
VALUE = np.array([[8.0], [4.0], [16.0]])
OUTPUT = np.array([[12.0], [7.6]])

# (leading axes of query, key, value); the sizes that follow are q_len 3, k_len 5, d_k 7, d_v 11.
LEADING_AXES = [
    ((), (), ()),
    ((2,), (2,), (2,)),
    ((2, 4), (2, 4), (2, 4)),
    ((2, 4), (4,), (2, 1)),
    ((), (2,), (4, 1)),
    ((2, 1), (1, 4), (4,)),
]


@pytest.fixture
def draw(backend, rng):
    """Return random query, key and value in the backend's library, then the same numbers as float64 tensors."""

    def draw(leading=((2,), (2,), (2,)), *, q_len=3, k_len=5, d_k=7, d_v=11):
        sizes = (q_len, d_k), (k_len, d_k), (k_len, d_v)
        numbers = [rng.standard_normal(axes + size) for axes, size in zip(leading, sizes, strict=True)]
        ours = [backend.array(n) for n in numbers]
        return *ours, *(torch.from_numpy(backend.rounded(n)) for n in numbers)

    return draw


def expanded(*tensors):
    """Return the tensors with their leading axes broadcast, as PyTorch's attention wants them."""
    leading = torch.broadcast_shapes(*(tensor.shape[:-2] for tensor in tensors))
    return [tensor.expand(*leading, *tensor.shape[-2:]) for tensor in tensors]


# Scores


def test_dot_product_scores_by_hand(backend):
    backend.assert_close(dot_product_scores(backend.array(QUERY), backend.array(KEY)), SCORES)


@pytest.mark.parametrize("leading", LEADING_AXES, ids=str)
def test_dot_product_scores_equal_the_double_loop(backend, draw, leading):
    query, key, _, q, k, _ = draw(leading)
    q, k = expanded(q, k)
    rows = [torch.stack([(q[..., i, :] * k[..., j, :]).sum(-1) for j in range(5)], -1) for i in range(3)]
    backend.assert_close(dot_product_scores(query, key), torch.stack(rows, -2).numpy(), roundings=32)


def test_additive_scores_by_hand(backend):
    # d_q = 1, d_k = 2, d_hidden = 3; tanh(ln 2) = (2 - 1/2) / (2 + 1/2) = 3/5, tanh(ln 3) = (3 - 1/3) / (3 + 1/3) = 4/5
    # Query ln 2 becomes (ln 2, 0, 0); key (0, ln 3) becomes (0, ln 3, 0), key (0, 0) nothing. With v = (1, 10, 100):
    # tanh(ln 2) + 10 tanh(ln 3) = 3/5 + 8;   tanh(ln 2) = 3/5
    scores = additive_scores(
        backend.array([[math.log(2)]]),
        backend.array([[0.0, math.log(3)], [0.0, 0.0]]),
        backend.array([[1.0, 0.0, 0.0]]),
        backend.array([[0.0, 0.0, 5.0], [0.0, 1.0, 0.0]]),
        backend.array([1.0, 10.0, 100.0]),
    )
    backend.assert_close(scores, np.array([[8.6, 0.6]]))


@pytest.mark.parametrize("leading", LEADING_AXES, ids=str)
def test_additive_scores_equal_the_double_loop(backend, rng, leading):
    shapes = leading[0] + (3, 4), leading[1] + (5, 7), (4, 6), (7, 6), (6,)
    numbers = [rng.standard_normal(shape) / math.sqrt(shape[-1]) for shape in shapes]
    q, k, W_q, W_k, v = (backend.rounded(n) for n in numbers)
    expected = np.empty((*np.broadcast_shapes(leading[0], leading[1]), 3, 5))
    for i, j in np.ndindex(3, 5):
        hidden = np.einsum("...d,dh->...h", q[..., i, :], W_q) + np.einsum("...d,dh->...h", k[..., j, :], W_k)
        expected[..., i, j] = sum(v[h] * np.tanh(hidden[..., h]) for h in range(6))
    backend.assert_close(additive_scores(*(backend.array(n) for n in numbers)), expected)


# Attention


def test_attention_by_hand(backend):
    query, key, value = backend.array(QUERY), backend.array(KEY), backend.array(VALUE)
    backend.assert_close(attention_weights(query, key), WEIGHTS)
    backend.assert_close(scaled_dot_product_attention(query, key, value), OUTPUT)


def test_masked_attention_by_hand(backend):
    query, key, value = backend.array(QUERY), backend.array(KEY), backend.array(VALUE)
    mask = backend.booleans([[True, True, False], [False, True, True]])
    # 1 and 2 share 1/3, 2/3: 8/3 + 8/3;   3 and 1 share 3/4, 1/4: 3 + 4.
    backend.assert_close(attention_weights(query, key, mask), np.array([[1 / 3, 2 / 3, 0], [0, 3 / 4, 1 / 4]]))
    backend.assert_close(scaled_dot_product_attention(query, key, value, mask), np.array([[16 / 3], [7.0]]))


@pytest.mark.parametrize("leading", LEADING_AXES, ids=str)
def test_attention_equals_pytorch(backend, draw, leading):
    query, key, value, q, k, v = draw(leading)
    expected = pytorch_attention(*expanded(q, k, v)).numpy()
    backend.assert_close(scaled_dot_product_attention(query, key, value), expected)
    identity = torch.eye(5, dtype=torch.float64)  # one-hot values: the output is the weights
    backend.assert_close(attention_weights(query, key), pytorch_attention(*expanded(q, k, identity)).numpy())


@pytest.mark.parametrize("leading", LEADING_AXES, ids=str)
def test_masked_attention_equals_pytorch(backend, draw, rng, leading):
    query, key, value, q, k, v = draw(leading)
    mask = rng.random((3, 5)) < 0.5
    mask[:, 2], mask[1, 3] = True, False
    expected = pytorch_attention(*expanded(q, k, v), attn_mask=torch.from_numpy(mask)).numpy()
    backend.assert_close(scaled_dot_product_attention(query, key, value, backend.booleans(mask)), expected)


@pytest.mark.parametrize(
    "shape", [(5,), (1,), (3, 5), (3, 1), (4, 1, 5), (4, 3, 1), (2, 1, 1, 5), (2, 4, 3, 5), (1, 1, 1, 1)], ids=str
)
def test_mask_broadcasts_as_in_pytorch(backend, draw, rng, shape):
    query, key, value, q, k, v = draw(((2, 4), (2, 4), (2, 4)))
    mask = rng.random(shape) < 0.5
    mask[..., 0] = True
    attn_mask = torch.from_numpy(np.broadcast_to(mask, (2, 4, 3, 5)).copy())
    expected = pytorch_attention(q, k, v, attn_mask=attn_mask).numpy()
    backend.assert_close(scaled_dot_product_attention(query, key, value, backend.booleans(mask)), expected)


def test_causal_and_padding_masks_equal_pytorch(backend, draw):
    query, key, value, q, k, v = draw(((2, 4), (2, 4), (2, 4)), q_len=5)
    causal = causal_mask(5, like=query)
    backend.assert_close(
        scaled_dot_product_attention(query, key, value, causal), pytorch_attention(q, k, v, is_causal=True).numpy()
    )
    padding = padding_mask(backend.integers([[3], [5]]))  # (2, 1, 1, 5): per sequence, for all heads and queries
    cut = pytorch_attention(q[:1], k[:1, :, :3], v[:1, :, :3]), pytorch_attention(q[1:], k[1:], v[1:])
    backend.assert_close(scaled_dot_product_attention(query, key, value, padding), torch.cat(cut).numpy())


def test_one_key_gives_its_value(backend, draw):
    query, key, value, _, _, v = draw(q_len=1, k_len=1)
    backend.assert_close(attention_weights(query, key), np.ones((2, 1, 1)))
    backend.assert_close(scaled_dot_product_attention(query, key, value, causal_mask(1, like=query)), v.numpy())


def test_no_keys_give_zeros(backend, draw):
    query, key, value, *_ = draw(k_len=0)
    backend.assert_close(scaled_dot_product_attention(query, key, value), np.zeros((2, 3, 11)))
    mask = backend.booleans(np.ones((3, 0)))
    backend.assert_close(scaled_dot_product_attention(query, key, value, mask), np.zeros((2, 3, 11)))


def test_no_queries_give_no_output(backend, draw):
    query, key, value, *_ = draw(q_len=0)
    backend.assert_close(scaled_dot_product_attention(query, key, value), np.zeros((2, 0, 11)))


def test_scores_of_ten_thousand(backend):
    # d_k = 1: nothing is scaled. The first query finds two equal best keys, the second the one that is opposite.
    query, key = backend.array([[100.0], [-100.0]]), backend.array([[100.0], [-100.0], [100.0]])
    value = backend.array([[1.0], [2.0], [5.0]])
    backend.assert_close(attention_weights(query, key), np.array([[0.5, 0, 0.5], [0, 1, 0]]))
    backend.assert_close(scaled_dot_product_attention(query, key, value), np.array([[3.0], [2.0]]))


def test_products_beyond_float16_are_scaled_in_time(backend):
    # d_k = 100: the raw score 100 * 30 * 30 = 90,000 is infinite in float16, the scaled one is 9,000.
    query, key = backend.array(np.full((1, 100), 30.0)), backend.array(np.full((3, 100), 30.0))
    backend.assert_close(attention_weights(query, key), np.full((1, 3), 1 / 3))


def test_scores_below_a_magic_number(backend):
    # Scores of the allowed keys: -1e10, in float16 -255 * 255, close to its end. The forbidden key's score is 0: a mask
    # that writes -1e9 over it would hand it all the weight.
    size = 255.0 if backend.dtype == "float16" else 1e5
    query, key = backend.array([[size]]), backend.array([[-size], [0.0], [-size]])
    value, mask = backend.array([[1.0], [100.0], [2.0]]), backend.booleans([[True, False, True]])
    backend.assert_close(attention_weights(query, key, mask), np.array([[0.5, 0, 0.5]]))
    backend.assert_close(scaled_dot_product_attention(query, key, value, mask), np.array([[1.5]]))


def test_row_that_may_attend_to_nothing_is_zero(backend, draw):
    query, key, value, q, k, v = draw()
    mask = backend.booleans([[True] * 5, [False] * 5, [True] * 5])
    expected = pytorch_attention(q, k, v).numpy()
    expected[:, 1] = 0
    output = scaled_dot_product_attention(query, key, value, mask)
    backend.assert_close(output, expected)
    assert (backend.numpy(output)[:, 1] == 0).all()
    assert (backend.numpy(attention_weights(query, key, mask))[:, 1] == 0).all()


def test_bias_by_hand(backend):
    # The scores are ln 1, ln 2, ln 5 and ln 6, ln 3, ln 1; a bias of ln 4 makes the weight of a key fourfold.
    bias = backend.array([[math.log(4), 0.0, 0.0], [0.0, 0.0, math.log(4)]])
    query, key, value = backend.array(QUERY), backend.array(KEY), backend.array(VALUE)
    expected = np.array([[4 / 11, 2 / 11, 5 / 11], [6 / 13, 3 / 13, 4 / 13]])
    backend.assert_close(attention_weights(query, key, bias=bias), expected)
    backend.assert_close(scaled_dot_product_attention(query, key, value, bias=bias), expected @ VALUE)
    mask = backend.booleans([[True, True, False], [True, False, True]])
    expected = np.array([[4 / 6, 2 / 6, 0], [6 / 10, 0, 4 / 10]])
    backend.assert_close(attention_weights(query, key, mask, bias=bias), expected)


# Properties


def test_weights_sum_to_one(backend, draw):
    query, key, *_ = draw()
    np.testing.assert_allclose(backend.numpy(attention_weights(query, key)).sum(-1), 1, rtol=8 * backend.eps)


def test_order_of_the_keys_does_not_matter(backend, draw, rng):
    query, key, value, *_ = draw()
    mask, order = rng.random((3, 5)) < 0.7, rng.permutation(5)
    expected = backend.numpy(scaled_dot_product_attention(query, key, value, backend.booleans(mask)))
    permuted = [backend.array(backend.numpy(array)[:, order]) for array in (key, value)]
    backend.assert_close(scaled_dot_product_attention(query, *permuted, backend.booleans(mask[:, order])), expected)


def test_order_of_the_queries_is_the_order_of_the_outputs(backend, draw, rng):
    query, key, value, *_ = draw()
    order = rng.permutation(3)
    expected = backend.numpy(scaled_dot_product_attention(query, key, value))[:, order]
    backend.assert_close(
        scaled_dot_product_attention(backend.array(backend.numpy(query)[:, order]), key, value), expected
    )


def test_one_vector_added_to_every_key_changes_nothing(backend, rng):
    # It adds the same q . c to every score of query q. Small integers, so that the sums are exact in every dtype.
    q, k, c = (rng.integers(-1, 2, size=size).astype(float) for size in ((3, 4), (5, 4), (1, 4)))
    expected = backend.numpy(attention_weights(backend.array(q), backend.array(k)))
    backend.assert_close(attention_weights(backend.array(q), backend.array(k + c)), expected)


def test_equal_values_come_out_as_they_are(backend, draw):
    query, key, *_ = draw()
    value = backend.array(np.broadcast_to([1.0, -2.0, 0.5], (5, 3)))
    backend.assert_close(scaled_dot_product_attention(query, key, value), np.tile([1.0, -2.0, 0.5], (2, 3, 1)))


def test_padding_may_hold_anything(backend, draw, rng):
    query, key, value, *_ = draw(q_len=4)
    mask = padding_mask(backend.integers([3, 5]))
    expected = backend.numpy(scaled_dot_product_attention(query, key, value, mask))
    new_key, new_value = backend.numpy(key).copy(), backend.numpy(value).copy()
    new_key[0, 3:] += rng.standard_normal((2, 7))
    new_value[0, 3:] += 1000
    changed = query, backend.array(new_key), backend.array(new_value)
    np.testing.assert_array_equal(backend.numpy(scaled_dot_product_attention(*changed, mask)), expected)
    unmasked = backend.numpy(scaled_dot_product_attention(*changed))
    assert (unmasked[0] != expected[0]).any(), "without the mask the change is seen"


def test_future_does_not_reach_the_past(backend, rng):
    numbers, future = rng.standard_normal((5, 3)), 3
    mask = causal_mask(5, like=backend.array(numbers))
    expected = backend.numpy(scaled_dot_product_attention(*[backend.array(numbers)] * 3, mask))
    numbers[future:] = 10 * rng.standard_normal((2, 3))
    output = backend.numpy(scaled_dot_product_attention(*[backend.array(numbers)] * 3, mask))
    np.testing.assert_array_equal(output[:future], expected[:future])
    assert (output[future:] != expected[future:]).any(axis=-1).all(), "the future itself changes"


def test_inputs_stay_as_they_were(backend, draw):
    query, key, value, *before = draw(q_len=5)
    mask = causal_mask(5, like=query)
    scaled_dot_product_attention(query, key, value, mask)
    additive_scores(query[..., :5], key[..., :5], query[0, ...], key[1, ...], key[0, 0, :])
    for array, numbers in zip((query, key, value), before, strict=True):
        np.testing.assert_array_equal(backend.numpy(array), numbers.numpy())
    np.testing.assert_array_equal(backend.numpy(mask), np.tri(5, dtype=bool))


# Gradients


@pytest.fixture
def leaf(rng):
    """Return random float64 tensors that collect gradients."""
    return lambda *shape: torch.from_numpy(rng.standard_normal(shape)).requires_grad_()


def test_gradients_equal_finite_differences(leaf):
    mask = torch.tensor([[True, False, True, True], [False] * 4, [True, True, False, True]])
    arrays = leaf(2, 3, 5), leaf(2, 4, 5), leaf(2, 4, 6)
    assert torch.autograd.gradcheck(scaled_dot_product_attention, arrays)
    assert torch.autograd.gradcheck(lambda *qkv: scaled_dot_product_attention(*qkv, mask), arrays)
    assert torch.autograd.gradcheck(additive_scores, (leaf(2, 3, 4), leaf(2, 5, 3), leaf(4, 6), leaf(3, 6), leaf(6)))


def test_gradients_equal_pytorch(leaf):
    arrays, mask = (leaf(2, 3, 5), leaf(2, 4, 5), leaf(2, 4, 6)), causal_mask(4, like=torch.empty(0))[1:]
    upstream = torch.randn(2, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    expected = torch.autograd.grad(pytorch_attention(*arrays, attn_mask=mask), arrays, upstream)
    actual = torch.autograd.grad(scaled_dot_product_attention(*arrays, mask), arrays, upstream)
    torch.testing.assert_close(actual, expected)


def test_causality_by_gradient_in_both_directions(leaf):
    x, W_q, W_k, W_v = leaf(5, 3), leaf(3, 4), leaf(3, 4), leaf(3, 6)
    mask = combine_masks(causal_mask(5, like=x))
    output = scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask)
    for i in range(5):
        (gradient,) = torch.autograd.grad(output[i].sum(), x, retain_graph=True)
        assert (gradient[i + 1 :] == 0).all(), f"output {i} depends on its future"
        assert (gradient[: i + 1] != 0).any(dim=-1).all(), f"output {i} does not depend on all of its past"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_gradients_of_a_row_that_may_attend_to_nothing(leaf, dtype):
    query, key, value = (array.detach().to(dtype).requires_grad_() for array in (leaf(3, 5), leaf(4, 5), leaf(4, 6)))
    mask = torch.tensor([[True, False, True, False], [False] * 4, [True, True, False, False]])
    with torch.autograd.set_detect_anomaly(True):
        scaled_dot_product_attention(query, key, value, mask).sum().backward()
    assert all(array.grad.isfinite().all() for array in (query, key, value))
    assert (query.grad[1] == 0).all(), "the query that may attend to nothing"
    assert (query.grad[[0, 2]] != 0).any(dim=-1).all()
    assert (key.grad[3] == 0).all(), "the key that nobody may attend to"
    assert (value.grad[3] == 0).all(), "its value"
    assert (value.grad[:3] != 0).all()
