"""Linear attention in three forms: by hand, against loops over pairs, against each other in values and gradients."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
import torch

from course_lib import causal_mask, padding_mask
from course_lib.relatives.linear_attention import (
    LinearState,
    causal_linear_attention,
    feature_map,
    linear_attention,
    linear_attention_step,
    linear_attention_weights,
)

# phi(0) = 1, phi(1) = 2, phi(2) = 3, phi(-ln 2) = 1/2. Two queries, three keys, d_k = 2.
HALF = -math.log(2)
QUERY = np.array([[0.0, 1.0], [HALF, 2.0], [1.0, 0.0]])  # phi: (1, 2), (1/2, 3), (2, 1)
KEY = np.array([[0.0, 0.0], [1.0, HALF], [HALF, 2.0]])  # phi: (1, 1), (2, 1/2), (1/2, 3)
VALUE = np.array([[1.0], [10.0], [100.0]])
# phi(q) . phi(k): 1 + 2, 2 + 1, 1/2 + 6;   1/2 + 3, 1 + 3/2, 1/4 + 9;   2 + 1, 4 + 1/2, 1 + 3
SIMILARITIES = np.array([[3.0, 3.0, 6.5], [3.5, 2.5, 9.25], [3.0, 4.5, 4.0]])
WEIGHTS = SIMILARITIES / [[12.5], [15.25], [11.5]]
OUTPUT = np.array([[683 / 12.5], [953.5 / 15.25], [448 / 11.5]])
# Position 0 reads itself alone; position 1 has 3.5 and 2.5, in all 6; position 2 reads everything.
CAUSAL_WEIGHTS = np.array([[1.0, 0.0, 0.0], [3.5 / 6, 2.5 / 6, 0.0], [3 / 11.5, 4.5 / 11.5, 4 / 11.5]])
CAUSAL_OUTPUT = np.array([[1.0], [28.5 / 6], [448 / 11.5]])

LEADING_AXES = [
    ((), (), ()),
    ((2,), (2,), (2,)),
    ((2, 4), (2, 4), (2, 4)),
    ((2, 4), (4,), (2, 1)),
    ((), (2,), (4, 1)),
]
CHUNK_SIZES = [1, 2, 3, 7, 64]  # for 7 positions: one each, a rest of 1 in the last chunk, a rest of 1, all, more


@pytest.fixture
def draw(backend, rng):
    """Return random query, key and value in the backend's library, then the same numbers as float64 arrays."""

    def draw(leading=((2,), (2,), (2,)), *, q_len=7, k_len=7, d_k=3, d_v=5):
        sizes = (q_len, d_k), (k_len, d_k), (k_len, d_v)
        numbers = [rng.standard_normal(axes + size) for axes, size in zip(leading, sizes, strict=True)]
        return *(backend.array(n) for n in numbers), *(backend.rounded(n) for n in numbers)

    return draw


def by_pairs(query, key, value, mask):
    """Return linear attention, pair by pair, with PyTorch's elu in float64."""
    q, k = (torch.nn.functional.elu(torch.from_numpy(array)).numpy() + 1 for array in (query, key))
    leading = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], value.shape[:-2])
    output = np.zeros((*leading, q.shape[-2], value.shape[-1]))
    for i in range(q.shape[-2]):
        total = np.zeros((*leading, 1))
        for j in np.flatnonzero(mask[i]):
            similarity = np.einsum("...d,...d->...", q[..., i, :], k[..., j, :])[..., None]
            output[..., i, :] += similarity * value[..., j, :]
            total += similarity
        output[..., i, :] /= total
    return output


def in_steps(query, key, value):
    """Return the outputs of all steps, stacked by NumPy or PyTorch, and the last state."""
    outputs, state = [], None
    for i in range(query.shape[-2]):
        output, state = linear_attention_step(query[..., i, :], key[..., i, :], value[..., i, :], state)
        outputs.append(output)
    stack = torch.stack if isinstance(query, torch.Tensor) else np.stack
    return stack(outputs, -2), state


# The feature map


def test_feature_map_by_hand(backend):
    numbers = [[-math.log(4), HALF, 0.0], [0.5, 1.0, 7.0]]
    backend.assert_close(feature_map(backend.array(numbers)), np.array([[0.25, 0.5, 1.0], [1.5, 2.0, 8.0]]))


def test_feature_map_equals_pytorch(backend, rng):
    numbers = backend.rounded(4 * rng.standard_normal((3, 5, 7)))
    expected = torch.nn.functional.elu(torch.from_numpy(numbers)).numpy() + 1
    backend.assert_close(feature_map(backend.array(numbers)), expected)


def test_feature_map_of_far_numbers(backend):
    # Warnings are errors: nothing may overflow on the way. Below zero phi(x) is e^x, with all its digits.
    far = backend.array([-math.inf, -10_000.0, 10_000.0, math.inf])
    backend.assert_close(feature_map(far)[:3], backend.rounded([0.0, 0.0, 10_001.0]))
    assert backend.numpy(feature_map(far))[3] == math.inf
    small = backend.numpy(feature_map(backend.array([-6.0])))
    np.testing.assert_allclose(small, np.exp(backend.rounded([-6.0])), rtol=4 * backend.eps)


def test_feature_map_is_smooth_at_zero():
    x = torch.tensor([-2.0, -1e-9, 0.0, 1e-9, 2.0], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(feature_map(x).sum(), x)
    torch.testing.assert_close(gradient, torch.tensor([math.exp(-2), 1, 1, 1, 1], dtype=torch.float64))


# Weights and outputs


def test_weights_and_output_by_hand(backend):
    query, key, value = backend.array(QUERY), backend.array(KEY), backend.array(VALUE)
    backend.assert_close(linear_attention_weights(query, key), WEIGHTS)
    backend.assert_close(linear_attention(query, key, value), OUTPUT)


def test_causal_forms_by_hand(backend):
    query, key, value = backend.array(QUERY), backend.array(KEY), backend.array(VALUE)
    backend.assert_close(linear_attention_weights(query, key, causal_mask(3, like=query)), CAUSAL_WEIGHTS)
    for chunk_size in (1, 2, 3, 4):
        backend.assert_close(causal_linear_attention(query, key, value, chunk_size), CAUSAL_OUTPUT)


def test_steps_by_hand(backend):
    query, key, value = backend.array(QUERY), backend.array(KEY), backend.array(VALUE)
    first, state = linear_attention_step(query[0, :], key[0, :], value[0, :])
    backend.assert_close(first, CAUSAL_OUTPUT[0])
    backend.assert_close(state.S, np.array([[1.0], [1.0]]))
    backend.assert_close(state.z, np.array([1.0, 1.0]))
    second, later = linear_attention_step(query[1, :], key[1, :], value[1, :], state)
    backend.assert_close(second, CAUSAL_OUTPUT[1])
    backend.assert_close(later.S, np.array([[21.0], [6.0]]))  # 1 + 2 * 10, 1 + 1/2 * 10
    backend.assert_close(later.z, np.array([3.0, 1.5]))
    third, last = linear_attention_step(query[2, :], key[2, :], value[2, :], later)
    backend.assert_close(third, CAUSAL_OUTPUT[2])
    backend.assert_close(last.S, np.array([[71.0], [306.0]]))  # 21 + 1/2 * 100, 6 + 3 * 100
    backend.assert_close(state.S, np.array([[1.0], [1.0]]))  # a state stays as it is


@pytest.mark.parametrize("leading", LEADING_AXES, ids=str)
def test_linear_attention_equals_the_loop_over_pairs(backend, draw, leading):
    query, key, value, *numbers = draw(leading, q_len=4)
    expected = by_pairs(*numbers, np.ones((4, 7), dtype=bool))
    backend.assert_close(linear_attention(query, key, value), expected, roundings=32)
    backend.assert_close(linear_attention_weights(query, key) @ value, expected, roundings=32)


@pytest.mark.parametrize("leading", LEADING_AXES, ids=str)
def test_causal_linear_attention_equals_the_loop_over_pairs(backend, draw, leading):
    query, key, value, *numbers = draw(leading)
    expected = by_pairs(*numbers, np.tri(7, dtype=bool))
    for chunk_size in CHUNK_SIZES:
        backend.assert_close(causal_linear_attention(query, key, value, chunk_size), expected, roundings=64)
    backend.assert_close(causal_linear_attention(query, key, value), expected, roundings=64)


@pytest.mark.parametrize("leading", LEADING_AXES, ids=str)
def test_steps_equal_the_loop_over_pairs(rng, leading):
    numbers = [rng.standard_normal((*axes, 7, d)) for axes, d in zip(leading, (3, 3, 5), strict=True)]
    expected = by_pairs(*numbers, np.tri(7, dtype=bool))
    np.testing.assert_allclose(in_steps(*numbers)[0], expected, rtol=1e-12, atol=1e-12, strict=True)
    tensors, _ = in_steps(*map(torch.from_numpy, numbers))
    np.testing.assert_allclose(tensors.numpy(), expected, rtol=1e-12, atol=1e-12, strict=True)


def test_masked_weights(backend, draw, rng):
    query, key, value, *numbers = draw(((2, 4), (2, 4), (2, 4)), q_len=3)
    mask = rng.random((3, 7)) < 0.5
    mask[:, 2], mask[1, 3] = True, False
    weights = linear_attention_weights(query, key, backend.booleans(mask))
    backend.assert_close(weights @ value, by_pairs(*numbers, mask), roundings=32)
    assert (backend.numpy(weights)[..., ~mask] == 0).all()


def test_padding_mask_is_a_shorter_sequence(backend, draw):
    query, key, value, *_ = draw()
    weights = linear_attention_weights(query, key, padding_mask(backend.integers([4, 7]), 7))
    expected = backend.numpy(linear_attention(query[:1, ...], key[:1, :4, :], value[:1, :4, :]))
    backend.assert_close((weights @ value)[:1, ...], expected, roundings=32)


def test_length_1_gives_its_value(backend, draw):
    query, key, value, _, _, v = draw(q_len=1, k_len=1)
    backend.assert_close(linear_attention_weights(query, key), np.ones((2, 1, 1)))
    backend.assert_close(linear_attention(query, key, value), v)
    backend.assert_close(causal_linear_attention(query, key, value), v)
    backend.assert_close(linear_attention_step(query[:, 0, :], key[:, 0, :], value[:, 0, :])[0], v[:, 0])


def test_no_positions(backend, draw):
    query, key, value, *_ = draw(q_len=3, k_len=0)
    backend.assert_close(linear_attention(query, key, value), np.zeros((2, 3, 5)))
    backend.assert_close(linear_attention_weights(query, key), np.zeros((2, 3, 0)))
    backend.assert_close(causal_linear_attention(query[:, :0, :], key, value), np.zeros((2, 0, 5)))


def test_row_that_may_attend_to_nothing_is_zero(backend, draw):
    query, key, *_ = draw(q_len=3)
    mask = backend.booleans([[True] * 7, [False] * 7, [True] * 7])
    weights = backend.numpy(linear_attention_weights(query, key, mask))
    assert (weights[:, 1] == 0).all()
    np.testing.assert_allclose(weights[:, [0, 2]].sum(-1), 1, rtol=16 * backend.eps)


def test_features_that_are_all_zero_read_nothing(backend):
    # e^-10000 is 0 in every dtype: the query's features are 0, and so is its normalizer.
    query, key, value = backend.array([[-1e4], [0.0]]), backend.array([[0.0], [1.0]]), backend.array([[3.0], [6.0]])
    backend.assert_close(linear_attention(query, key, value), np.array([[0.0], [5.0]]))
    backend.assert_close(causal_linear_attention(query, key, value), np.array([[0.0], [5.0]]))
    backend.assert_close(linear_attention_step(query[0, :], key[0, :], value[0, :])[0], np.array([0.0]))


# Properties


def test_weights_sum_to_one(backend, draw):
    query, key, *_ = draw()
    weights = backend.numpy(linear_attention_weights(query, key))
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=16 * backend.eps)
    assert (weights > 0).all()


def test_future_does_not_reach_the_past(backend, draw, rng):
    # Not by a rounding either: the future is much larger, and the past stays the same to the last bit.
    query, key, value, q, k, v = draw()
    for chunk_size in (2, 4, 64):
        before = backend.numpy(causal_linear_attention(query, key, value, chunk_size))
        scale = 10 if backend.dtype == "float16" else 1e6
        changed = [np.concatenate([n[:, :5], scale * rng.random(n[:, 5:].shape)], axis=1) for n in (q, k, v)]
        after = backend.numpy(causal_linear_attention(*map(backend.array, changed), chunk_size))
        np.testing.assert_array_equal(after[:, :5], before[:, :5])
        assert (after[:, 5:] != before[:, 5:]).any(axis=-1).all(), "the future itself changes"


def test_the_state_does_not_depend_on_the_order(rng):
    query, key, value = (rng.standard_normal((7, d)) for d in (3, 3, 5))
    order = rng.permutation(7)
    _, state = in_steps(query, key, value)
    _, other = in_steps(query, key[order], value[order])
    np.testing.assert_allclose(other.S, state.S, rtol=1e-12)
    np.testing.assert_allclose(other.z, state.z, rtol=1e-12)
    assert state.S.shape == (3, 5)
    assert state.z.shape == (3,)


def test_inputs_stay_as_they_were(backend, draw):
    query, key, value, *before = draw()
    linear_attention(query, key, value)
    causal_linear_attention(query, key, value, 3)
    linear_attention_weights(query, key, causal_mask(7, like=query))
    for array, numbers in zip((query, key, value), before, strict=True):
        np.testing.assert_array_equal(backend.numpy(array), numbers)


def test_no_array_of_length_times_length(rng):
    # A quarter of a million positions: an array of all pairs would take 275 GB.
    query, key, value = (rng.standard_normal((2**18, 1), dtype=np.float32) for _ in range(3))
    everything, causal = linear_attention(query, key, value), causal_linear_attention(query, key, value)
    np.testing.assert_allclose(causal[-1], everything[-1], rtol=1e-3, atol=1e-4)


def test_memory_grows_with_the_length_and_not_with_its_square(rng):
    peaks = []
    for length in (4096, 8192, 16_384):
        arrays = [rng.standard_normal((length, 8)) for _ in range(3)]
        tracemalloc.start()
        causal_linear_attention(*arrays)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    for shorter, longer in itertools.pairwise(peaks):
        assert 1.9 < longer / shorter < 2.1


def test_float32_keeps_its_digits_over_long_sequences(rng):
    numbers = [rng.standard_normal((16_384, d)) + mean for d, mean in ((32, 0), (32, 0), (3, 5))]
    short = [array.astype(np.float32) for array in numbers]
    expected = causal_linear_attention(*(array.astype(np.float64) for array in short))
    np.testing.assert_allclose(causal_linear_attention(*short), expected, rtol=4e-6)


# Gradients


def test_three_forms_have_equal_gradients(rng):
    arrays = [torch.from_numpy(rng.standard_normal((2, 7, d))).requires_grad_() for d in (3, 3, 5)]
    upstream = torch.from_numpy(rng.standard_normal((2, 7, 5)))
    mask = causal_mask(7, like=arrays[0])
    expected = torch.autograd.grad(linear_attention_weights(*arrays[:2], mask) @ arrays[2], arrays, upstream)
    forms = [in_steps(*arrays)[0], *(causal_linear_attention(*arrays, size) for size in CHUNK_SIZES)]
    for output in forms:
        torch.testing.assert_close(torch.autograd.grad(output, arrays, upstream), expected)
    everything = torch.autograd.grad(linear_attention_weights(*arrays[:2]) @ arrays[2], arrays, upstream)
    torch.testing.assert_close(torch.autograd.grad(linear_attention(*arrays), arrays, upstream), everything)


def test_gradients_equal_finite_differences(rng):
    arrays = [torch.from_numpy(rng.standard_normal((2, 5, d))).requires_grad_() for d in (3, 3, 4)]
    assert torch.autograd.gradcheck(linear_attention, arrays)
    assert torch.autograd.gradcheck(lambda *qkv: causal_linear_attention(*qkv, chunk_size=2), arrays)
    assert torch.autograd.gradcheck(lambda *qkv: in_steps(*qkv)[0], arrays)


def test_gradients_of_rows_that_read_nothing():
    query, key = torch.zeros(2, 3, requires_grad=True), torch.zeros(4, 3, requires_grad=True)
    mask = torch.tensor([[False] * 4, [True, True, False, False]])
    with torch.autograd.set_detect_anomaly(True):
        linear_attention_weights(query, key, mask).square().sum().backward()
    assert query.grad.isfinite().all()
    assert key.grad.isfinite().all()
    assert (key.grad[2:] == 0).all()


# Errors


def test_errors_say_what_came():
    ones = np.ones
    with pytest.raises(ValueError, match="number of queries is 2, number of keys is 3"):
        causal_linear_attention(ones((2, 4)), ones((3, 4)), ones((3, 5)))
    with pytest.raises(ValueError, match="chunk_size=0"):
        causal_linear_attention(ones((3, 4)), ones((3, 4)), ones((3, 5)), chunk_size=0)
    with pytest.raises(ValueError, match="d_k of query is 4, d_k of key is 6"):
        linear_attention_step(ones(4), ones(6), ones(5))
    with pytest.raises(ValueError, match=r"S must end in \(4, 5\), but its shape is \(4, 6\)"):
        linear_attention_step(ones(4), ones(4), ones(5), LinearState(ones((4, 6)), ones(4)))
    with pytest.raises(ValueError, match=r"z must end in \(4,\), but its shape is \(3,\)"):
        linear_attention_step(ones(4), ones(4), ones(5), LinearState(ones((4, 5)), ones(3)))
    with pytest.raises(TypeError, match="boolean"):
        linear_attention_weights(ones((2, 4)), ones((3, 4)), ones((2, 3)))
    integers = np.ones((2, 3), dtype=int)
    for call in (feature_map, lambda x: linear_attention(x, x, x), lambda x: linear_attention_step(x, x, x)):
        with pytest.raises(TypeError, match="floating-point"):
            call(integers)
