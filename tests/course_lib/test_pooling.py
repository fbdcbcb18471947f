"""Pooling: weights and penalties worked by hand, PyTorch as the oracle, and that padding counts for nothing."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib import additive_scores, padding_mask, softmax
from course_lib.relatives.pooling import (
    ClassTokenPooling,
    LastStatePooling,
    MaxPooling,
    MeanPooling,
    StructuredSelfAttention,
    hop_weights,
    overlap_penalty,
)

# tanh(ln 2) = (2 - 1/2) / (2 + 1/2) = 3/5, tanh(ln 3) = (3 - 1/3) / (3 + 1/3) = 4/5, tanh(0) = 0.
STATES = np.log([[2.0, 1.0], [1.0, 3.0], [1.0, 1.0]])
W_S1 = np.array([[1.0, 0.0], [0.0, 1.0]])
# Scores of the first hop: 5 ln 2 * 3/5 = ln 8, 5/4 ln 3 * 4/5 = ln 3, 0; of the second: -ln 2, ln 16, 0.
W_S2 = np.array([[5 * math.log(2), 5 / 4 * math.log(3)], [-5 / 3 * math.log(2), 5 * math.log(2)]])
WEIGHTS = np.array([[8 / 12, 3 / 12, 1 / 12], [1 / 35, 32 / 35, 2 / 35]])
MASKED = np.array([[8 / 11, 3 / 11, 0.0], [1 / 33, 32 / 33, 0.0]])  # without the third position

LENGTHS = torch.tensor([5, 3, 1])
POOLINGS = {
    "structured": lambda: StructuredSelfAttention(6, 4, 2),
    "mean": MeanPooling,
    "max": MaxPooling,
    "last state": LastStatePooling,
    "class token": lambda: ClassTokenPooling(6),
}
with_every_pooling = pytest.mark.parametrize("name", list(POOLINGS))


def made(name, dtype=torch.float64):
    torch.manual_seed(3)
    return POOLINGS[name]().to(dtype)


@pytest.fixture
def states(rng):
    return torch.from_numpy(rng.standard_normal((3, 5, 6)))


# Hops


def test_hops_by_hand(backend):
    weights = hop_weights(backend.array(STATES), backend.array(W_S1), backend.array(W_S2))
    backend.assert_close(weights, WEIGHTS)


def test_masked_hops_by_hand(backend):
    mask = backend.booleans([[True, True, False]])
    weights = hop_weights(backend.array(STATES), backend.array(W_S1), backend.array(W_S2), mask)
    backend.assert_close(weights, MASKED)


def test_hops_are_those_of_each_sequence_alone(backend, rng):
    states, W_s1, W_s2 = (rng.standard_normal(shape) for shape in ((2, 3, 7, 5), (4, 5), (6, 4)))
    lengths = np.array([[7, 1, 4], [2, 7, 0]])
    mask = padding_mask(lengths, 7)  # (2, 3, 1, 7)
    arrays = [backend.array(states), backend.array(W_s1), backend.array(W_s2)]
    weights = hop_weights(*arrays, backend.booleans(mask))
    expected = np.zeros((2, 3, 6, 7))
    states, W_s1, W_s2 = (backend.rounded(each) for each in (states, W_s1, W_s2))
    for i, j in np.ndindex(2, 3):
        for hop in range(6):
            n = lengths[i, j]
            scores = [sum(W_s2[hop] * np.tanh([row @ h for row in W_s1])) for h in states[i, j, :n]]
            expected[i, j, hop, :n] = np.exp(scores) / np.exp(scores).sum()
    backend.assert_close(weights, expected, roundings=32)


def test_a_hop_is_additive_attention_with_nothing_to_ask(backend, rng):
    states, W_s1, W_s2 = (backend.array(rng.standard_normal(shape)) for shape in ((2, 5, 6), (4, 6), (1, 4)))
    nobody = backend.array(np.zeros((1, 3)))
    scores = additive_scores(nobody, states, backend.array(np.zeros((3, 4))), W_s1.mT, W_s2[0, ...])
    backend.assert_close(hop_weights(states, W_s1, W_s2), backend.numpy(softmax(scores)), roundings=32)


def test_one_position_gets_all_the_weight(backend, rng):
    arrays = [backend.array(rng.standard_normal(shape)) for shape in ((2, 1, 6), (4, 6), (3, 4))]
    backend.assert_close(hop_weights(*arrays), np.ones((2, 3, 1)), roundings=0)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((6,), (4, 6), (3, 4)), r"states must have shape \(..., n, d_states\)"),
        (((5, 6), (6, 4), (3, 4)), "W_s1 takes states, but d_states of states is 6, columns of W_s1 is 4"),
        (((5, 6), (4, 6), (4, 3)), "W_s2 takes what W_s1 gives, but rows of W_s1 is 4, columns of W_s2 is 3"),
        (((5, 6), (4, 6), (4,)), r"W_s2 must have shape \(hops, d_a\)"),
    ],
)
def test_sizes_that_do_not_fit_are_told(shapes, message):
    with pytest.raises(ValueError, match=message):
        hop_weights(*(np.zeros(shape) for shape in shapes))


def test_a_mask_that_does_not_fit_is_told():
    states, W_s1, W_s2 = np.zeros((2, 5, 6)), np.zeros((4, 6)), np.zeros((3, 4))
    with pytest.raises(ValueError, match=r"\(2, 3, 5\), but its shape is \(2, 5\)"):
        hop_weights(states, W_s1, W_s2, np.ones((2, 5), dtype=bool))
    with pytest.raises(TypeError, match="mask must be boolean"):
        hop_weights(states, W_s1, W_s2, np.ones((2, 1, 5)))
    with pytest.raises(TypeError, match="floating-point"):
        hop_weights(states.astype(int), W_s1, W_s2)


# The penalty


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([[1, 0, 0], [0, 1, 0]], 0),
        ([[1, 0, 0], [1, 0, 0]], 2),  # A A^T is 1 throughout: 0 on the diagonal, 1 beside it, twice
        ([[0.5, 0.5, 0], [0.5, 0.5, 0]], 1),  # 1/2 throughout: four times (1/2)^2
        ([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]], 0.5),  # they do not overlap, and yet each looks at two: twice (1/2)^2
        ([[0.25, 0.25, 0.25, 0.25]], 0.5625),  # (1/4 - 1)^2
        ([[1]], 0),
    ],
)
def test_penalty_by_hand(backend, weights, expected):
    backend.assert_close(overlap_penalty(backend.array(weights)), np.asarray(float(expected)))


def test_penalty_of_many_is_that_of_each(backend, rng):
    weights = backend.rounded(rng.dirichlet(np.ones(5), size=(2, 4, 3)))
    expected = np.empty((2, 4))
    for i, j in np.ndindex(2, 4):
        A = weights[i, j]
        expected[i, j] = np.linalg.norm(A @ A.T - np.eye(3), "fro") ** 2
    backend.assert_close(overlap_penalty(backend.array(weights)), expected, roundings=32)


def test_penalty_needs_hops_and_positions():
    with pytest.raises(ValueError, match=r"weights must have shape \(..., hops, n\)"):
        overlap_penalty(np.ones(3))
    with pytest.raises(TypeError, match="floating-point"):
        overlap_penalty(np.eye(3, dtype=int))


# Modules


def test_structured_self_attention_is_its_two_formulas(states):
    model = made("structured")
    embedding, weights = model(states, LENGTHS)
    W_s1, W_s2 = model.W_s1.weight.detach().numpy(), model.W_s2.weight.detach().numpy()
    assert {tuple(p.shape) for p in model.parameters()} == {(4, 6), (2, 4)}
    for i, n in enumerate(LENGTHS.tolist()):
        H = states[i, :n].numpy()
        scores = np.exp(W_s2 @ np.tanh(W_s1 @ H.T))
        A = scores / scores.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(weights[i, :, :n].detach(), A, rtol=1e-12)
        np.testing.assert_allclose(embedding[i].detach(), A @ H, rtol=1e-12, atol=1e-14)
        assert (weights[i, :, n:] == 0).all()


def test_mean_and_max_are_those_of_the_real_states(states):
    mean, weights = made("mean")(states, LENGTHS)
    largest, none = made("max")(states, LENGTHS)
    assert none is None
    for i, n in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(mean[i, 0], states[i, :n].mean(dim=0))
        torch.testing.assert_close(largest[i, 0], nn.functional.adaptive_max_pool1d(states[i, :n].T, 1)[:, 0])
        assert weights[i, 0].tolist() == pytest.approx([1 / n] * n + [0] * (5 - n))


def test_last_states_are_those_that_the_lstm_ends_with():
    torch.manual_seed(5)
    lstm = nn.LSTM(4, 3, batch_first=True, bidirectional=True).double()
    inputs = torch.randn(3, 5, 4, dtype=torch.float64)
    packed, (last, _) = lstm(pack_padded_sequence(inputs, LENGTHS, batch_first=True, enforce_sorted=False))
    states, _ = pad_packed_sequence(packed, batch_first=True)
    ends, none = LastStatePooling()(states, LENGTHS)
    assert none is None
    torch.testing.assert_close(ends, torch.cat([last[0], last[1]], dim=-1)[:, None])


def test_class_token_is_pytorch_s_attention_with_one_query(states):
    model = made("class token")
    embedding, weights = model(states, LENGTHS)
    oracle = nn.functional.scaled_dot_product_attention
    mask = (torch.arange(5) < LENGTHS[:, None])[:, None]
    torch.testing.assert_close(embedding, oracle(model.query.expand(3, 1, 6), states, states, mask))
    assert weights.shape == (3, 1, 5)
    torch.testing.assert_close(weights @ states, embedding)


@with_every_pooling
def test_padding_counts_for_nothing(name, states):
    model, other = made(name), states.clone()
    other[1, 3:], other[2, 1:] = 77.0, -99.0
    states.requires_grad_()
    embedding, _ = model(states, LENGTHS)
    torch.testing.assert_close(model(other, LENGTHS)[0], embedding, rtol=0, atol=0)
    torch.testing.assert_close(model(states[:2, :, :], LENGTHS[:2])[0], embedding[:2])
    embedding.square().sum().backward()
    assert (states.grad[1, 3:] == 0).all()
    assert (states.grad[2, 1:] == 0).all()
    assert (states.grad[2, 0] != 0).all()


@with_every_pooling
def test_one_size_whatever_the_length(name, states):
    hops = 2 if name == "structured" else 1
    assert made(name)(states, LENGTHS)[0].shape == (3, hops, 6)
    one, _ = made(name)(states[:, :1], torch.tensor([1, 1, 1]))
    torch.testing.assert_close(one, states[:, :1].expand(3, hops, 6))  # of one state, every pooling is that state


@with_every_pooling
def test_nothing_read_gives_zeros_and_finite_gradients(name, states):
    states.requires_grad_()
    embedding, weights = made(name)(states, torch.tensor([5, 0, 2]))
    assert (embedding[1] == 0).all()
    assert weights is None or (weights[1] == 0).all()
    embedding.sum().backward()
    assert states.grad.isfinite().all()
    assert (states.grad[1] == 0).all()


@with_every_pooling
def test_float32_stays_float32(name, states):
    embedding, weights = made(name, torch.float32)(states.float(), LENGTHS)
    assert embedding.dtype == torch.float32
    assert weights is None or weights.dtype == torch.float32


def test_what_cannot_be_pooled_is_told(states):
    with pytest.raises(ValueError, match="at least 1 hop, not hops=0"):
        StructuredSelfAttention(6, 4, 0)
    with pytest.raises(ValueError, match="d_states must be even, not 5"):
        LastStatePooling()(states[..., :5], LENGTHS)
    with pytest.raises(ValueError, match="between 0 and max_len=5"):
        MeanPooling()(states, torch.tensor([5, 6, 1]))
