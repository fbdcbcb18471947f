"""Positions: numbers by hand, the written sums as loops, NumPy against PyTorch, and what each encoding promises."""

import cmath
import math

import numpy as np
import pytest
import torch
from pytorch_modules import FLOAT64, assert_equal, randomized, tensor

from course_lib.multi_head import MultiHeadAttention
from course_lib.positional_encoding import (
    AlibiPositions,
    LearnedPositions,
    RelativePositions,
    SinusoidalPositions,
    alibi_slopes,
    relative_index,
    relative_scores,
    relative_scores_naive,
    rotate,
    sinusoidal_encoding,
)

# Sines and cosines


def test_sinusoidal_encoding_by_hand():
    # d_model = 4: wavelengths 2 pi and 2 pi * 10000^(2/4) = 2 pi * 100
    expected = [
        [0.0, 1.0, 0.0, 1.0],
        [0.841471, 0.540302, 0.0099998, 0.99995],
        [0.909297, -0.416147, 0.0199987, 0.9998],
    ]
    np.testing.assert_allclose(sinusoidal_encoding(3, 4), expected, atol=1e-6)
    np.testing.assert_allclose(sinusoidal_encoding(1, 4, start=2), expected[2:], atol=1e-6)


def test_encoding_of_a_later_position_is_a_linear_map():
    encoding = sinusoidal_encoding(40, 6)
    for k in (1, 7):
        shift, *_ = np.linalg.lstsq(encoding[:20], encoding[k : 20 + k], rcond=None)  # found on positions 0 to 19
        np.testing.assert_allclose(encoding[20 : 40 - k] @ shift, encoding[20 + k :], atol=1e-9)
        np.testing.assert_allclose(shift @ shift.T, np.eye(6), atol=1e-9)  # a rotation


def test_product_of_two_encodings_falls_with_distance_alone():
    encoding = sinusoidal_encoding(30, 16)
    products = encoding @ encoding.T
    for distance in range(30):
        diagonal = np.diag(products, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-12)
    assert products[0, 0] == 8  # eight pairs, each sin^2 + cos^2
    assert (np.diff(products[0, :4]) < 0).all()


def test_sinusoidal_encoding_follows_its_input(place):
    like = torch.empty(0, **place)
    encoding = sinusoidal_encoding(5, 6, start=3, like=like)
    assert (encoding.dtype, encoding.device) == (like.dtype, like.device)
    np.testing.assert_allclose(encoding.cpu(), sinusoidal_encoding(8, 6)[3:], atol=torch.finfo(like.dtype).eps)
    assert sinusoidal_encoding(5, 6, like=np.empty(0, dtype=np.float32)).dtype == np.float32


def test_sinusoidal_positions(rng):
    x = tensor(rng, 2, 5, 6)
    expected = x.detach().numpy() + sinusoidal_encoding(5, 6)
    np.testing.assert_allclose(SinusoidalPositions()(x).detach(), expected, rtol=1e-12)
    assert_equal(SinusoidalPositions()(x[:, 2:], start=2), SinusoidalPositions()(x)[:, 2:])


def test_pairs_need_an_even_size():
    with pytest.raises(ValueError, match="d_model must be even, not 5"):
        sinusoidal_encoding(3, 5)
    with pytest.raises(ValueError, match="d_k must be even, not 5"):
        rotate(np.ones((3, 5)))


def test_integers_are_not_truncated():
    for ones in (np.ones((3, 4), dtype=np.int64), torch.ones(3, 4, dtype=torch.int64)):
        with pytest.raises(TypeError, match=r"x must hold floating-point numbers, not .*int64"):
            rotate(ones)
    tokens = torch.ones(3, 4, dtype=torch.int64)
    for positions in (SinusoidalPositions(), LearnedPositions(5, 4)):
        with pytest.raises(TypeError, match=r"x must hold floating-point numbers, not torch.int64"):
            positions(tokens)


def test_encoding_like_integers_is_of_the_default_dtype():
    expected = sinusoidal_encoding(5, 6)
    in_numpy = sinusoidal_encoding(5, 6, like=np.zeros(2, dtype=np.int32))
    np.testing.assert_array_equal(in_numpy, expected, strict=True)
    encoding = sinusoidal_encoding(5, 6, like=torch.zeros(2, dtype=torch.int64))
    assert encoding.dtype == torch.float32
    np.testing.assert_allclose(encoding, expected, atol=1e-7)


# Learned positions


def test_learned_positions_by_hand():
    positions = LearnedPositions(4, 2)
    with torch.no_grad():
        positions.vectors.copy_(torch.arange(8.0).reshape(4, 2))
    x = torch.full((3, 2, 2), 10.0)
    assert positions(x)[2].tolist() == [[10, 11], [12, 13]]
    assert positions(x, start=2)[0].tolist() == [[14, 15], [16, 17]]
    positions(x, start=1).sum().backward()
    assert positions.vectors.grad.tolist() == [[0, 0], [3, 3], [3, 3], [0, 0]]


def test_learned_positions_do_not_extend():
    positions = LearnedPositions(4, 2)
    assert positions(torch.zeros(1, 4, 2)).shape == (1, 4, 2)
    for length, start in ((5, 0), (2, 3)):
        with pytest.raises(ValueError, match="there are 4 learned positions, but the input reaches to position 5"):
            positions(torch.zeros(1, length, 2), start)


# Rotary positions


@pytest.mark.parametrize("array", [np.array, torch.tensor], ids=["numpy", "torch"])
def test_rotation_by_hand(array):
    # base 4 and d_k = 4: the second pair turns by t / 4^(2/4) = t / 2. A half turn is no whole position, so sines stay.
    rotated = rotate(array([[1.0, 0.0, 0.0, 1.0]] * 3), base=4.0)
    expected = [[math.cos(t), math.sin(t), -math.sin(t / 2), math.cos(t / 2)] for t in range(3)]
    np.testing.assert_allclose(rotated, expected, atol=1e-6)


def test_rotation_is_a_product_of_complex_numbers(rng, place):
    x = tensor(rng, 2, 3, 5, 6, **place)
    numbers = x.detach().cpu().double().numpy()
    expected = np.empty_like(numbers)
    for t in range(5):
        for pair in range(3):
            turn = cmath.exp(1j * (4 + t) / 10000 ** (2 * pair / 6))
            turned = (numbers[..., t, 2 * pair] + 1j * numbers[..., t, 2 * pair + 1]) * turn
            expected[..., t, 2 * pair], expected[..., t, 2 * pair + 1] = turned.real, turned.imag
    assert_equal(rotate(x, start=4), torch.from_numpy(expected).to(**place))
    in_numpy = rotate(x.detach().cpu().numpy(), start=4)
    np.testing.assert_allclose(in_numpy, expected, atol=16 * torch.finfo(x.dtype).eps)


def test_rotated_products_depend_on_the_offset_alone(rng):
    query, key = rng.standard_normal((2, 1, 8))
    near = [rotate(query, start=t + 3) @ rotate(key, start=t).T for t in (0, 1, 5, 100)]
    np.testing.assert_allclose(near, np.broadcast_to(near[0], (4, 1, 1)), atol=1e-10)
    others = [rotate(query, start=t) @ rotate(key, start=0).T for t in (0, 1, 2, 4, 5)]
    assert max(abs(other - near[0]) for other in others) > 1e-3
    np.testing.assert_allclose(np.linalg.norm(rotate(query, start=9)), np.linalg.norm(query))


# ALiBi


def test_alibi_slopes_by_hand():
    assert alibi_slopes(8).tolist() == [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256]
    assert alibi_slopes(2).tolist() == [1 / 16, 1 / 256]


def test_alibi_attention_by_hand():
    # Queries are zero, so that the weights come from distances alone; two heads with slopes 1/16 and 1/256.
    layer = MultiHeadAttention(4, 2, positions=AlibiPositions()).double()
    torch.nn.init.zeros_(layer.W_q.weight)
    torch.nn.init.zeros_(layer.W_q.bias)
    _, weights = layer(torch.randn(1, 3, 4, dtype=torch.float64), return_weights=True)
    for head, slope in enumerate((1 / 16, 1 / 256)):
        e = [math.exp(-slope * distance) for distance in range(3)]
        for row, distances in enumerate(([0, 1, 2], [1, 0, 1], [2, 1, 0])):
            expected = np.array([e[distance] for distance in distances])
            np.testing.assert_allclose(weights[0, head, row].detach(), expected / expected.sum(), rtol=1e-12)


def test_heads_are_counted_from_one():
    for num_heads in (0, -2):
        with pytest.raises(ValueError, match=f"at least 1 head, not num_heads={num_heads}"):
            alibi_slopes(num_heads)


# Relative positions


def test_relative_index_by_hand():
    assert relative_index(4, 5, 2).tolist() == [[2, 3, 4, 4, 4], [1, 2, 3, 4, 4], [0, 1, 2, 3, 4], [0, 0, 1, 2, 3]]
    assert relative_index(1, 5, 2, start=3).tolist() == [[0, 0, 1, 2, 3]]
    assert relative_index(2, 3, 1).tolist() == [[1, 2, 2], [0, 1, 2]]
    assert relative_index(2, 3, 0).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize("leading", [(), (3,), (2, 3)], ids=str)
def test_efficient_relative_scores_equal_naive_and_loop(rng, place, leading):
    query, relative_key = tensor(rng, *leading, 5, 4, **place), tensor(rng, 5, 7, 4, **place)
    naive, efficient = relative_scores_naive(query, relative_key), relative_scores(query, relative_key)
    loop = [torch.stack([(query[..., i, :] * relative_key[i, j]).sum(-1) for j in range(7)], -1) for i in range(5)]
    results = []
    for scores in (naive, efficient, torch.stack(loop, dim=-2)):
        query.grad = relative_key.grad = None
        scores.square().sum().backward()
        results.append((scores, query.grad, relative_key.grad))
    for of_naive, of_efficient, of_loop in zip(*results, strict=True):
        assert_equal(of_naive, of_loop)
        assert_equal(of_efficient, of_loop)


@pytest.mark.parametrize("is_causal", [False, True])
def test_relative_attention_equals_the_sums_of_the_paper(rng, is_causal):
    # Shaw et al. 2018, eq. 3 and 4, one pair of positions at a time.
    positions = RelativePositions(4, 2)
    layer = randomized(MultiHeadAttention(12, 3, positions=positions), rng)
    x = tensor(rng, 2, 6, 12)
    output, weights = layer(x, is_causal=is_causal, return_weights=True)
    query, key, value = (linear(x).detach() for linear in (layer.W_q, layer.W_k, layer.W_v))
    merged = torch.zeros(2, 6, 12, **FLOAT64)
    for batch, head, i in np.ndindex(2, 3, 6):
        own = slice(4 * head, 4 * head + 4)
        seen = range(i + 1 if is_causal else 6)
        clipped = [max(-2, min(2, j - i)) + 2 for j in seen]
        a_key, a_value = (
            [table[row].detach() for row in clipped] for table in (positions.key_vectors, positions.value_vectors)
        )
        scores = [query[batch, i, own] @ (key[batch, j, own] + a_key[j]) / math.sqrt(4) for j in seen]
        exponentials = [math.exp(score) for score in scores]
        for j in seen:
            weight = exponentials[j] / sum(exponentials)
            assert math.isclose(weights[batch, head, i, j].item(), weight, rel_tol=1e-9)
            merged[batch, i, own] += weight * (value[batch, j, own] + a_value[j])
    assert_equal(output, layer.W_o(merged))


def test_far_positions_share_one_vector(rng):
    layer = randomized(MultiHeadAttention(12, 3, positions=RelativePositions(4, 2)), rng)
    x = tensor(rng, 1, 7, 12)
    order = torch.tensor([2, 0, 1, 3, 4, 5, 6])  # all of these stand two or more before position 4
    _, weights = layer(x, return_weights=True)
    _, moved = layer(x[:, order], return_weights=True)
    assert_equal(moved[:, :, 4:], weights[:, :, 4:, order])


def test_first_relative_vectors_are_about_one_long():
    # 30,000 components of variance 1 / d_k: their mean square is within 5 standard errors, 5 * sqrt(2 / 30,000) = 4 %.
    torch.manual_seed(11)
    positions = RelativePositions(100, 149)
    for vectors in (positions.key_vectors, positions.value_vectors):
        assert vectors.shape == (299, 100)
        assert vectors.square().sum(dim=-1).mean().item() == pytest.approx(1, rel=0.05)
        assert abs(vectors.mean().item()) < 0.1 / 30
