"""Evaluation: a model that says what it is told to, and the edit distance as its recursive definition."""

import functools
import itertools

import numpy as np
import pytest
import torch
from pytorch_modules import randomized
from torch import nn

from course_lib.decoding import beam, greedy
from course_lib.evaluation import character_error_rate, edit_distance, exact_match, forced, free_running
from course_lib.training import in_order
from course_lib.transformer import Sizes, Transformer

BEGIN, END = 1, 2
MARKS = {"begin": BEGIN, "end": END}


class Parrot(nn.Module):
    """A model that predicts its source, position by position."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.given = []

    def forward(self, source, inputs, source_lengths):
        assert not torch.is_grad_enabled()
        self.given.append((inputs.tolist(), source_lengths.tolist()))
        return nn.functional.one_hot(source, 7) * self.weight


# What is asked for is the target and END; what is said is the source. Nine tokens are asked for; those that are wrong
# are the 4 of the second and the missing END of the third. What the second says behind its end is asked by nobody.
SAID = [[3, 4, 5, END], [4, END, 6, 6], [4, 4, 5]]
TARGETS = [[3, 4, 5], [3], [4, 4]]


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_forced_by_hand(batch_size):
    said = [row[: len(target) + 1] if batch_size == 1 else row for row, target in zip(SAID, TARGETS, strict=True)]
    tokens, sequences = forced(Parrot(), iter(in_order(said, TARGETS, batch_size=batch_size, **MARKS)))
    assert tokens == pytest.approx(7 / 9)
    assert sequences == pytest.approx(1 / 3)


def test_forced_names_its_shares_and_gives_the_right_beginning():
    model = Parrot()
    shares = forced(model, in_order(SAID, TARGETS, batch_size=3, **MARKS))
    assert (shares.tokens, shares.sequences) == shares
    assert model.given == [([[1, 3, 4, 5], [1, 3, 0, 0], [1, 4, 4, 0]], [4, 4, 3])]


def test_forced_counts_the_end():
    assert forced(Parrot(), in_order([[3, 4], [END, 4]], [[3], [4]], batch_size=2, **MARKS)) == (0.25, 0.0)
    assert forced(Parrot(), in_order([[END]], [[]], batch_size=2, **MARKS)) == (1.0, 1.0)
    assert forced(Parrot(), in_order([[END], [3, 4, END]], [[], [3, 4]], batch_size=2, **MARKS)) == (1.0, 1.0)


def test_padding_that_is_predicted_is_wrong():
    assert forced(Parrot(), in_order([[0, END]], [[3]], batch_size=1, **MARKS)) == (0.5, 0.0)


def test_free_running_equals_decoding(rng):
    sizes = Sizes(d_model=8, num_heads=2, d_ff=12, num_layers=1)
    model = randomized(Transformer(sizes, nn.Embedding(7, 8), target_size=6), rng, dtype=torch.float64).eval()
    sources = [rng.integers(3, 7, length).tolist() for length in (4, 1, 6, 2, 3)]
    write = dict(begin=BEGIN, end=END, max_len=8)
    batches = in_order(sources, [[3]] * 5, batch_size=2, **MARKS)
    (whole,) = in_order(sources, [[3]] * 5, batch_size=5, **MARKS)
    written = free_running(model, iter(batches), **write)
    assert written == greedy(model, whole.source, whole.source_lengths, **write)
    assert written == [greedy(model, torch.tensor([source]), **write)[0] for source in sources]
    by_beam = functools.partial(beam, width=3)
    expected = beam(model, whole.source, whole.source_lengths, **write, width=3)
    assert free_running(model, batches, decode=by_beam, **write) == expected
    assert free_running(model, [], **write) == []


def test_free_running_tells_how_long_the_sources_are():
    def decode(model, source, lengths, *, begin, end, max_len):
        assert (begin, end, max_len) == (BEGIN, END, 8)
        return [row[:length] for row, length in zip(source.tolist(), lengths.tolist(), strict=True)]

    batches = in_order(SAID, TARGETS, batch_size=2, **MARKS)
    assert free_running(Parrot(), batches, decode=decode, **MARKS, max_len=8) == SAID


def test_exact_match_by_hand():
    assert exact_match(["ab", "", "abc", "c"], ["ab", "a", "abd", "c"]) == 0.5
    assert exact_match([[1, 2], [3]], [[1, 2], [3]]) == 1
    assert exact_match([[1, 2, 3], [3]], [[1, 2], [4]]) == 0


@functools.cache
def distance(a, b):
    """The edit distance as it is defined: the cheapest of all that one may do first."""
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return distance(a[1:], b[1:])
    return 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))


def words(longest):
    return ["".join(letters) for length in range(longest + 1) for letters in itertools.product("ab", repeat=length)]


def test_edit_distance_equals_its_definition():
    for a, b in itertools.product(words(5), repeat=2):
        assert edit_distance(a, b) == distance(a, b), (a, b)


def test_edit_distance_is_a_distance():
    table = {(a, b): edit_distance(a, b) for a, b in itertools.product(words(3), repeat=2)}
    for (a, b), apart in table.items():
        assert apart == table[b, a]
        assert (apart == 0) == (a == b)
        assert all(apart <= table[a, c] + table[c, b] for c in words(3))


@pytest.mark.parametrize(
    ("written", "target", "expected"),
    [("sitting", "kitten", 3), ("三四", "三一四", 1), ("", "abc", 3), ("abcd", "", 4), ([7, 8, 9], (7, 9), 1)],
)
def test_edit_distance_by_hand(written, target, expected):
    assert edit_distance(written, target) == expected


def test_character_error_rate_by_hand():
    # One is missing, one is wrong, all is right: 2 edits for 3 + 2 + 1 characters. Not the mean of 1/3, 1/2 and 0.
    assert character_error_rate(["三四", "二五", "九"], ["三一四", "二六", "九"]) == pytest.approx(2 / 6)
    assert character_error_rate(["一一一一一"], ["二二"]) == 2.5
    assert character_error_rate([[5, 6], []], [[5, 6], []]) == 0


def test_nothing_to_measure_is_told():
    with pytest.raises(ValueError, match="no character"):
        character_error_rate(["三"], [""])
    with pytest.raises(ValueError, match="no target"):
        exact_match([], [])
    batches = iter(in_order(SAID, TARGETS, batch_size=3, **MARKS))
    forced(Parrot(), batches)
    with pytest.raises(ValueError, match=r"no batch .* used up"):
        forced(Parrot(), batches)
    for measure in (exact_match, character_error_rate):
        with pytest.raises(ValueError, match="argument 2 is longer"):
            measure(["三"], ["三", "一"])


@pytest.mark.usefixtures("cuda")
def test_on_a_gpu():
    assert forced(Parrot().to("cuda"), in_order(SAID, TARGETS, batch_size=2, **MARKS)) == pytest.approx((7 / 9, 1 / 3))
    model = Transformer(Sizes(d_model=8, num_heads=2, d_ff=12, num_layers=1), nn.Embedding(7, 8), 6).to("cuda").eval()
    written = free_running(model, in_order(SAID, TARGETS, batch_size=2, **MARKS), **MARKS, max_len=4)
    assert np.shape(written)[0] == 3
