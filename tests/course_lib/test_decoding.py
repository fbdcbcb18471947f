"""Decoding: a model whose probabilities are written by hand, exhaustive search, and real Transformers."""

import itertools
import math

import numpy as np
import pytest
import torch
from pytorch_modules import randomized, tensor
from torch import nn

from course_lib.decoding import beam, greedy, greedy_without_cache, sampled
from course_lib.transformer import Sizes, Transformer

BEGIN, END, A, B, C = range(5)


class Table:
    """A model whose next token depends on the last one alone; each row of `probabilities` belongs to a last token."""

    def __init__(self, probabilities):
        self.logits = torch.tensor(probabilities, dtype=torch.float64).log()

    def begin(self, source, lengths=None):
        return TableState(0)

    def step(self, tokens, state):
        return self.logits[tokens], TableState(state.length + 1), None


class TableState:
    def __init__(self, length):
        self.length = length

    def select(self, index):
        return self


# Greedy takes A (0.5), then C (0.4), then END (1): 0.2. The best is B (0.4), then END (0.9): 0.36.
TRAP = [
    [0.0, 0.1, 0.5, 0.4, 0.0],  # BEGIN
    [0.0, 1.0, 0.0, 0.0, 0.0],  # END
    [0.0, 0.3, 0.0, 0.3, 0.4],  # A
    [0.0, 0.9, 0.1, 0.0, 0.0],  # B
    [0.0, 1.0, 0.0, 0.0, 0.0],  # C
]
ONE = torch.zeros(1, 3, dtype=torch.long)  # one input; a table does not read it
WRITE = dict(begin=BEGIN, end=END)


def log_probability(model, tokens, max_len):
    """Return the log probability of a decoded sequence under a table, its END included where it has one."""
    path = [BEGIN, *tokens, *([END] if len(tokens) < max_len else [])]
    return sum(model.logits[a, b].item() for a, b in itertools.pairwise(path))


def random_table(rng, vocabulary=4):
    return Table(rng.dirichlet([0.7] * vocabulary, size=vocabulary).tolist())


# By hand


def test_greedy_by_hand():
    assert greedy(Table(TRAP), ONE, **WRITE, max_len=9) == [[A, C]]
    assert greedy(Table(TRAP), ONE, **WRITE, max_len=1) == [[A]]
    assert greedy(Table(TRAP), torch.zeros(3, 2), **WRITE, max_len=9) == [[A, C]] * 3
    assert greedy(Table(TRAP), ONE, **WRITE, max_len=0) == [[]]


def test_beam_finds_what_greedy_misses():
    model = Table(TRAP)
    assert beam(model, ONE, **WRITE, max_len=9, width=1) == [[A, C]]
    assert beam(model, ONE, **WRITE, max_len=9, width=2) == [[B]]
    assert math.isclose(math.exp(log_probability(model, [A, C], 9)), 0.2)
    assert math.isclose(math.exp(log_probability(model, [B], 9)), 0.36)
    assert beam(model, ONE, **WRITE, max_len=1, width=2) == [[A]]  # unfinished: 0.5
    assert beam(model, ONE, **WRITE, max_len=0, width=2) == [[]]


def test_beam_keeps_what_ended():
    # END at once has 0.5; A has 0.4 and then goes on with 0.9, 0.9, ...: 0.36 after a step, never above 0.5.
    model = Table([[0.0, 0.5, 0.4, 0.1], [0.0, 1.0, 0.0, 0.0], [0.0, 0.1, 0.9, 0.0], [0.0, 0.0, 0.0, 1.0]])
    for width in (1, 2, 3):
        assert beam(model, ONE, **WRITE, max_len=7, width=width) == [[]]


def test_who_ended_keeps_its_place_in_the_beam():
    # With two places: A (0.7) and END (0.25). One place is left, and C (0.7 * 0.52) takes it: 0.2184 with its END.
    # With three there is room for B, too: A, B, END has 0.7 * 0.48 = 0.336.
    model = Table(
        [
            [0.0, 0.25, 0.7, 0.05, 0.0],  # BEGIN
            [0.0, 1.0, 0.0, 0.0, 0.0],  # END
            [0.0, 0.0, 0.0, 0.48, 0.52],  # A
            [0.0, 1.0, 0.0, 0.0, 0.0],  # B
            [0.0, 0.6, 0.4, 0.0, 0.0],  # C
        ]
    )
    found = [beam(model, ONE, **WRITE, max_len=9, width=width) for width in (1, 2, 3)]
    assert found == [[[A, C]], [[]], [[A, B]]]


def test_nothing_comes_from_an_empty_batch():
    none, drawn = torch.zeros(0, 3, dtype=torch.long), torch.Generator().manual_seed(3)
    for lengths in (None, torch.zeros(0, dtype=torch.long)):
        assert greedy(Table(TRAP), none, lengths, **WRITE, max_len=9) == []
        assert sampled(Table(TRAP), none, lengths, **WRITE, max_len=9, generator=drawn) == []
        assert beam(Table(TRAP), none, lengths, **WRITE, max_len=9, width=2) == []
    model = Transformer(SIZES, nn.Embedding(9, 12), 11)
    for decode in (greedy, greedy_without_cache, lambda *given, **names: beam(*given, **names, width=2)):
        assert decode(model, none, **WRITE, max_len=3) == []


# Against exhaustive search


def test_wide_beam_is_exhaustive(rng):
    for _ in range(20):
        model = random_table(rng)
        candidates = [
            tokens for n in range(4) for tokens in itertools.product((BEGIN, A, B), repeat=n) if END not in tokens
        ]
        best = max(log_probability(model, tokens, 3) for tokens in candidates)
        (found,) = beam(model, ONE, **WRITE, max_len=3, width=64)
        assert math.isclose(log_probability(model, found, 3), best, rel_tol=1e-9)


def test_beam_of_width_one_is_greedy(rng):
    for _ in range(20):
        model = random_table(rng, 6)
        assert beam(model, ONE, **WRITE, max_len=7, width=1) == greedy(model, ONE, **WRITE, max_len=7)


def test_beam_of_two_is_not_worse_than_greedy_on_the_trap():
    rng = np.random.default_rng(5)
    better = 0
    for _ in range(50):
        model = Table((np.array(TRAP) * rng.uniform(0.95, 1.05, (5, 5))).tolist())
        scores = [
            log_probability(model, tokens[0], 9)
            for tokens in (greedy(model, ONE, **WRITE, max_len=9), beam(model, ONE, **WRITE, max_len=9, width=2))
        ]
        assert scores[1] >= scores[0]
        better += scores[1] > scores[0]
    assert better == 50


# Sampling


def generator(seed=3):
    return torch.Generator().manual_seed(seed)


def test_sampling_repeats_from_a_seed(rng):
    model, source = random_table(rng, 6), torch.zeros(40, 2)
    write = dict(**WRITE, max_len=7)
    first, second, other = (sampled(model, source, **write, generator=generator(seed)) for seed in (3, 3, 4))
    assert first == second
    assert first != other


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sampling_follows_the_probabilities(temperature):
    row = np.array([0.0, 0.1, 0.6, 0.3]) ** (1 / temperature)  # softmax of log p / T is p^(1/T), normalized
    expected = row / row.sum()
    model = Table([[0.0, 0.1, 0.6, 0.3], *[[0.0, 1.0, 0.0, 0.0]] * 3])
    drawn = sampled(model, torch.zeros(20_000, 1), **WRITE, max_len=3, generator=generator(), temperature=temperature)
    counts = [drawn.count([]), drawn.count([A]), drawn.count([B])]
    assert sum(counts) == 20_000
    np.testing.assert_allclose(np.array(counts) / 20_000, expected[1:], atol=5 * 0.5 / math.sqrt(20_000))


def test_cold_sampling_is_greedy(rng):
    model, source = random_table(rng, 6), torch.zeros(5, 2)
    cold = sampled(model, source, **WRITE, max_len=7, generator=generator(), temperature=1e-6)
    assert cold == greedy(model, source, **WRITE, max_len=7)


def test_errors_teach(rng):
    model = Table(TRAP)
    for temperature in (0, -1.0):
        with pytest.raises(ValueError, match=f"must be above 0, not {temperature}; at 0 use greedy"):
            sampled(model, ONE, **WRITE, max_len=3, generator=generator(), temperature=temperature)
    with pytest.raises(ValueError, match="at least 1 beginning, not width=0"):
        beam(model, ONE, **WRITE, max_len=3, width=0)


# Real models, untrained: drawn until one writes different tokens for different inputs.

SIZES = Sizes(d_model=12, num_heads=3, d_ff=10, num_layers=2)
LENGTHS = torch.tensor([7, 4, 2, 1, 5])


@pytest.fixture(params=["tokens", "frames"])
def model_and_source(request, rng):
    for _ in range(200):
        source = nn.Embedding(9, 12) if request.param == "tokens" else nn.Linear(6, 12)
        model = randomized(Transformer(SIZES, source, 11), rng).eval()
        with torch.no_grad():
            model.W_vocabulary.bias.zero_()
            for name, parameter in model.named_parameters():
                parameter *= 4 if "W_o" in name or "W_2" in name or "target" in name else 1
        inputs = torch.tensor(rng.integers(9, size=(5, 7))) if request.param == "tokens" else tensor(rng, 5, 7, 6)
        rows = greedy_without_cache(model, inputs, LENGTHS, begin=0, end=10_000, max_len=12)
        if len(set(map(tuple, rows))) >= 3 and len({token for row in rows for token in row}) >= 4:
            return model, inputs.detach()
    raise AssertionError("no model drawn writes different tokens")


def cut(rows, end):
    return [list(itertools.takewhile(lambda token: token != end, row)) for row in rows]


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
def test_cached_decoding_equals_uncached(model_and_source, lengths):
    model, source = model_and_source
    never = 10_000
    whole = greedy_without_cache(model, source, lengths, begin=0, end=never, max_len=12)
    assert [len(row) for row in whole] == [12] * 5
    assert greedy(model, source, lengths, begin=0, end=never, max_len=12) == whole
    assert beam(model, source, lengths, begin=0, end=never, max_len=12, width=1) == whole
    for end in {token for row in whole for token in row}:  # ENDs at different times, and in some rows never
        for write in (greedy, greedy_without_cache):
            assert write(model, source, lengths, begin=0, end=end, max_len=12) == cut(whole, end)
        assert beam(model, source, lengths, begin=0, end=end, max_len=12, width=1) == cut(whole, end)


@pytest.mark.parametrize("width", [1, 3])
def test_batch_rows_are_independent(model_and_source, width):
    model, source = model_and_source
    for decode in (greedy, lambda *args, **names: beam(*args, **names, width=width)):
        together = decode(model, source, LENGTHS, begin=0, end=1, max_len=8)
        alone = [
            decode(model, source[i : i + 1, :length], begin=0, end=1, max_len=8)[0]
            for i, length in enumerate(LENGTHS.tolist())
        ]
        assert together == alone


def test_beam_scores_are_those_of_the_whole_model(model_and_source):
    model, source = model_and_source

    def score(i, tokens, max_len=4):
        path = torch.tensor([[0, *tokens, *([1] if len(tokens) < max_len else [])]])
        logits = model(source[i : i + 1], path[:, :-1], LENGTHS[i : i + 1])
        return torch.log_softmax(logits, dim=-1).gather(2, path[:, 1:, None]).sum().item()

    one = beam(model, source, LENGTHS, begin=0, end=1, max_len=4, width=1)
    wide = beam(model, source, LENGTHS, begin=0, end=1, max_len=4, width=11**3)  # as good as exhaustive
    for i in range(5):
        assert score(i, wide[i]) >= score(i, one[i]) - 1e-9


def test_cached_decoding_computes_each_position_once(model_and_source):
    model, source = model_and_source
    counts = []
    hook = model.target.register_forward_hook(lambda module, inputs, output: counts.append(inputs[0].shape[1]))
    greedy(model, source, begin=0, end=10_000, max_len=6)
    assert counts == [1] * 6
    counts.clear()
    greedy_without_cache(model, source, begin=0, end=10_000, max_len=6)
    assert counts == [1, 2, 3, 4, 5, 6]
    hook.remove()


def test_decoding_stops_when_all_have_ended_once():
    # After END this table goes on, so that the rows are never all at END together.
    model = Table([[0.0, 0.5, 0.5], [0.0, 0.0, 1.0], [0.0, 0.5, 0.5]])
    steps, step = [], model.step
    model.step = lambda tokens, state: steps.append(1) or step(tokens, state)
    rows = sampled(model, torch.zeros(20, 1), **WRITE, max_len=200, generator=generator())
    assert len(steps) == max(map(len, rows)) + 1 < 200


def test_decoding_without_cache_stops_when_all_have_ended(model_and_source):
    model, source = model_and_source
    lengths = []
    hook = model.target.register_forward_hook(lambda module, inputs, output: lengths.append(inputs[0].shape[1]))
    for end in range(11):
        rows = greedy_without_cache(model, source, begin=0, end=end, max_len=12)
        assert lengths[-1] == min(12, max(map(len, rows)) + 1)
    hook.remove()


@pytest.mark.usefixtures("cuda")
def test_decoding_on_a_gpu(model_and_source):
    model, source = model_and_source
    write = dict(begin=0, end=1, max_len=6)
    expected = [greedy(model, source, LENGTHS, **write), beam(model, source, LENGTHS, **write, width=3)]
    model, source, lengths = model.to("cuda"), source.to("cuda"), LENGTHS.to("cuda")
    assert greedy(model, source, lengths, **write) == expected[0]
    assert greedy_without_cache(model, source, lengths, **write) == expected[0]
    assert beam(model, source, lengths, **write, width=3) == expected[1]
    drawn = torch.Generator("cuda").manual_seed(3)
    assert len(sampled(model, source, lengths, **write, generator=drawn)) == 5
