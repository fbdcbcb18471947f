"""The recurrent encoder-decoder: its formulas written out in NumPy, and what may pass through a single vector."""

import numpy as np
import pytest
import torch
from pytorch_modules import assert_equal, randomized, tensor, unchanged
from torch import nn

from course_lib.decoding import beam, greedy
from course_lib.relatives.bottleneck import RecurrentBottleneck
from course_lib.training import Plan, teacher_forced, train

LENGTHS = torch.tensor([4, 6, 1])


@pytest.fixture(params=[1, 2], ids="{} layers".format)
def model(rng, request):
    return randomized(RecurrentBottleneck(5, nn.Embedding(9, 4), 4, target_size=7, num_layers=request.param), rng)


@pytest.fixture
def source(rng):
    return torch.from_numpy(rng.integers(1, 9, (3, 6)))


@pytest.fixture
def target(rng):
    return torch.from_numpy(rng.integers(1, 7, (3, 8)))


def gru(layer, number, inputs, hidden):
    """Return the states of one layer of a GRU after each of its inputs, and so on up (Cho et al. 2014, eq. 5 to 8).

    PyTorch's update gate is one less the paper's, and its reset gate comes behind the product (as in cuDNN).
    """
    W, U, b, c = (getattr(layer, f"{name}_l{number}").detach().numpy() for name in _NAMES)
    states = []
    for x in inputs:
        (r, z, n), (s, y, m) = np.split(W @ x + b, 3), np.split(U @ hidden + c, 3)
        reset, update = 1 / (1 + np.exp(-r - s)), 1 / (1 + np.exp(-z - y))
        hidden = (1 - update) * np.tanh(n + reset * m) + update * hidden
        states.append(hidden)
    return states


_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def logits_by_hand(model, source, target):
    """Return the logits for one source and one target, both real all through."""
    states, started = list(model.source.weight.detach().numpy()[source]), []
    for number in range(model.reader.num_layers):
        states = gru(model.reader, number, states, np.zeros(5))
        started.append(states[-1])
    context = states[-1]
    states = [np.concatenate([x, context]) for x in model.target.weight.detach().numpy()[target]]
    for number, hidden in enumerate(started):
        states = gru(model.writer, number, states, hidden)
    W, b = (parameter.detach().numpy() for parameter in model.W_vocabulary.parameters())
    return np.stack(states) @ W.T + b


def test_forward_by_its_formulas(model, source, target):
    logits = model(source, target, LENGTHS)
    assert logits.shape == (3, 8, 7)
    for row, length in enumerate(LENGTHS):
        expected = logits_by_hand(model, source[row, :length].numpy(), target[row].numpy())
        np.testing.assert_allclose(logits[row].detach().numpy(), expected, rtol=1e-10, atol=1e-10)
    assert_equal(model(source, target), model(source, target, torch.tensor([6, 6, 6])))


def test_forward_equals_step_by_step(model, source, target):
    whole, state = model(source, target, LENGTHS), model.begin(source, LENGTHS)
    for i in range(8):
        logits, state, weights = model.step(target[:, i], state)
        assert_equal(logits, whole[:, i])
        assert weights is None


def test_padding_has_no_influence(rng, place, source, target):
    model = randomized(RecurrentBottleneck(5, nn.Embedding(9, 4), 4, target_size=7), rng, **place)
    source, target = source.to(place["device"]), target.to(place["device"])
    together = model(source, target, LENGTHS.to(place["device"]))
    for row, length in enumerate(LENGTHS.tolist()):
        alone = model(source[row : row + 1, :length], target[row : row + 1])
        assert_equal(together[row], alone[0])
        other = source.clone()
        other[row, length:] = 8
        assert_equal(model(other, target, LENGTHS.to(place["device"])), together)


def test_every_real_position_of_the_source_is_read_and_no_other(rng, model, target):
    frames = tensor(rng, 3, 6, 4)
    model.source = nn.Identity()
    logits = model(frames, target, LENGTHS)
    for row in range(3):
        (gradient,) = torch.autograd.grad(logits[row].square().sum(), frames, retain_graph=True)
        moved = (gradient != 0).any(dim=-1)
        expected = torch.zeros(3, 6, dtype=torch.bool)
        expected[row, : LENGTHS[row]] = True
        assert torch.equal(moved, expected)


def test_gradients_reach_every_weight(model, source, target):
    model(source, target, LENGTHS).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad != 0).any(), name


def test_no_position_sees_what_comes_later(model, source, target):
    other = target.clone()
    other[:, 5:] = 7 - other[:, 5:]
    assert_equal(model(source, other, LENGTHS)[:, :5], model(source, target, LENGTHS)[:, :5])


def test_the_source_passes_through_one_vector(model, source, target):
    long, short = model.begin(source), model.begin(source[:, :2])
    assert long.context.shape == short.context.shape == (3, 5)
    assert long.hidden.shape == short.hidden.shape == (model.reader.num_layers, 3, 5)
    assert_equal(long.context, long.hidden[-1])
    _, after, _ = model.step(target[:, 0], long)
    assert after.context is long.context, "it stays as it is while the writer writes"


def test_nothing_is_kept_on_the_module(model, source, target):
    with unchanged(model):
        model(source, target, LENGTHS)


@pytest.mark.parametrize("decode", [greedy, lambda *given, **names: beam(*given, **names, width=3)])
def test_decodes_as_a_transformer_does(model, source, decode):
    write = dict(begin=0, end=1, max_len=7)
    together = decode(model, source, LENGTHS, **write)
    alone = [decode(model, source[i : i + 1, :length], **write)[0] for i, length in enumerate(LENGTHS.tolist())]
    assert together == alone
    never = decode(model, source, LENGTHS, begin=0, end=99, max_len=7)
    assert [len(row) for row in never] == [7, 7, 7]


def test_greedy_writes_what_the_whole_model_finds_most_probable(model, source):
    written = torch.tensor(greedy(model, source, LENGTHS, begin=0, end=99, max_len=7))
    given = torch.cat([torch.zeros(3, 1, dtype=torch.long), written[:, :-1]], dim=1)
    assert torch.equal(model(source, given, LENGTHS).argmax(dim=-1), written)


def test_a_beam_finds_what_is_at_least_as_probable(model, source):
    def score(row, tokens):
        path = torch.tensor([[0, *tokens, *([1] if len(tokens) < 3 else [])]])
        log_p = model(source[row : row + 1], path[:, :-1], LENGTHS[row : row + 1]).log_softmax(dim=-1)
        return log_p.gather(2, path[:, 1:, None]).sum().item()

    one, wide = (beam(model, source, LENGTHS, begin=0, end=1, max_len=3, width=width) for width in (1, 7**2))
    for row in range(3):  # 49 places for two tokens of seven: nothing is missed
        assert score(row, wide[row]) >= score(row, one[row]) - 1e-9


def test_states_are_selected_along_the_batch(model, source):
    state = model.begin(source, LENGTHS)
    chosen = state.select(torch.tensor([2, 0]))
    assert_equal(chosen.context, state.context[[2, 0]])
    assert_equal(chosen.hidden, torch.stack([state.hidden[:, 2], state.hidden[:, 0]], dim=1))


def test_trains_in_the_same_loop():
    model = RecurrentBottleneck(6, nn.Embedding(5, 4), 4, target_size=5)
    batch = teacher_forced([[3, 4], [4, 3, 3]], [[4, 3], [3]], begin=1, end=2)
    losses = train(model, lambda step: batch, Plan(steps=40, peak_rate=0.03, warmup=5), progress=False).losses
    assert losses[-1] < losses[0] / 2
