"""04.padding_mask: which keys of each sequence are real, in a shape that serves every query."""

import math

import numpy as np
import torch

from course_lib import padding_mask as reference
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def lengths_below_the_maximum(rng, batch, max_len):
    """Every sequence has padding, and at least one is shorter than another."""
    lengths = rng.integers(1, max_len, size=batch)
    lengths[:2] = rng.permutation([2, max_len - 2])
    return {"lengths": lengths, "max_len": max_len}


def empty_and_full(rng, batch, max_len):
    lengths = rng.integers(1, max_len, size=batch)
    lengths[:2] = rng.permutation([0, max_len])
    return {"lengths": lengths, "max_len": max_len}


def of_the_text(rng, batch, max_len):
    return {"lengths": np.array([2, 3]), "max_len": max_len}


def of_one_sequence(rng, batch, max_len):
    return {"lengths": rng.integers(2, max_len - 1, size=batch), "max_len": max_len}


@Stage
def taken(lengths):
    return lengths  # (batch,)


@taken.slip
def shortest_for_all(lengths):
    """Every sequence is taken to be as long as the shortest of the batch. Each has a length of its own."""
    return lengths.min().expand_as(lengths)


@taken.slip
def longest_for_all(lengths):
    """Every sequence is taken to be as long as the longest of the batch. Each has a length of its own."""
    return lengths.max().expand_as(lengths)


@taken.slip
def first_for_all(lengths):
    """The length of the first sequence serves for all of them. Each has its own."""
    return lengths[:1].expand_as(lengths)


@taken.slip
def last_for_all(lengths):
    """The length of the last sequence serves for all of them. Each has its own."""
    return lengths[-1:].expand_as(lengths)


@taken.slip
def sequences_in_reverse(lengths):
    """The sequences come back in reverse order: row 0 belongs to the last length."""
    return lengths.flip(0)


@taken.slip
def as_many_as_the_padding(lengths, max_len):
    """Each sequence begins with as many True as it has padding. It is the real positions that stand in front, and they
    that are True."""
    return max_len - lengths


@Stage
def positions(max_len):
    return torch.arange(max_len)


@positions.slip
def counted_from_the_end(max_len):
    """The real positions stand at the end here. These sequences are padded at the end: the first positions are real."""
    return torch.arange(max_len).flip(0)


@positions.slip
def only_as_long_as_the_longest(lengths):
    """The mask is as long as the longest sequence here, but the batch was padded to max_len: use that size."""
    return torch.arange(int(lengths.max()))


@positions.slip
def one_position_more(max_len):
    """The mask has one position too many: max_len + 1 of them."""
    return torch.arange(max_len + 1)


@positions.slip
def one_position_fewer(max_len):
    """The mask has one position too few: max_len - 1 of them."""
    return torch.arange(max_len - 1)


@positions.slip
def four_positions():
    """The mask has 4 positions, as in the example, whatever max_len is."""
    return torch.arange(4)


@positions.slip
def as_many_as_sequences(lengths):
    """The mask has as many positions as there are sequences. It needs max_len of them."""
    return torch.arange(len(lengths))


@Stage
def real(positions, taken):
    return positions < taken[:, None]  # (batch, max_len)


@real.slip
def inverted(positions, taken):
    """This mask is True on the padding. In this course True means may attend, so it belongs on the real positions."""
    return positions >= taken[:, None]


@real.slip
def behind_the_length(positions, taken):
    """This mask is True behind the position whose number is the length: on padding. A position is real where its number
    is smaller than the length."""
    return positions > taken[:, None]


@real.slip
def one_too_many(positions, taken):
    """Each sequence has one real position too many, unless it is full. Positions count from 0, so the last real one is
    length - 1."""
    return positions <= taken[:, None]


@real.slip
def one_too_few(positions, taken):
    """The last real position of each sequence is hidden. Positions count from 0, so the last real one is length - 1."""
    return positions < taken[:, None] - 1


@real.slip
def one_allowed_position(positions, taken):
    """Only one position of each sequence is True, the one whose number is the length. All positions before it are
    real."""
    return positions == taken[:, None]


@real.slip
def one_blocked_position(positions, taken):
    """Only one position of each sequence is False, the one whose number is the length. All positions behind it are
    padding as well."""
    return positions != taken[:, None]


@real.slip
def last_real_position_alone(positions, taken):
    """Only the last real position of each sequence is True. All before it are real as well."""
    return positions == taken[:, None] - 1


@real.slip
def first_position_hidden(positions, taken):
    """The first position of each sequence is hidden. Positions count from 0, and position 0 is real, too."""
    return (positions < taken[:, None]) & (positions > 0)


@real.slip
def one_place_further_on(positions, taken):
    """Everything stands one place too far: the first position is hidden, and the one behind the last real one is
    shown. Positions count from 0."""
    return (positions <= taken[:, None]) & (positions > 0)


@real.slip
def nothing_hidden(positions, taken):
    """Every position is True: the lengths have no effect on the mask."""
    return torch.ones(len(taken), len(positions), dtype=torch.bool)


@real.slip
def nothing_real(positions, taken):
    """Every position is False: no key may be attended to."""
    return torch.zeros(len(taken), len(positions), dtype=torch.bool)


@real.slip
def lengths_without_axes(positions, taken):
    """PyTorch cannot line up max_len positions with the lengths of the batch: both are rows of numbers. Give the
    lengths axes of size 1 behind their own, so that every length meets every position."""
    return positions < taken


@Stage
def keys(real):
    return real[:, None, :]  # (batch, 1, max_len)


@keys.slip
def no_axis_for_the_queries(real):
    """The axis for the queries is missing: against scores of shape (batch, q_len, k_len), PyTorch would take the
    batch for the queries. The shape should be (batch, 1, max_len)."""
    return real


@keys.slip
def batch_in_place_of_the_queries(real):
    """The sequences stand on the axis of the queries. The batch comes first: (batch, 1, max_len)."""
    return real[None]


@keys.slip
def mask_on_the_queries(real):
    """The axis of size 1 comes last, so this mask blocks padded queries and leaves every padded key visible. Keys are
    the last axis; the axis of size 1 stands for the queries, before it."""
    return real[:, :, None]


@keys.slip
def repeated_for_every_query(real):
    """The mask is written out for every query. Which keys are real does not depend on the query, so one row per
    sequence is enough: the axis of the queries has size 1, and broadcasting repeats it."""
    return real[:, None, :].expand(-1, real.shape[1], -1)


@keys.slip
def padded_queries_blocked_too(real):
    """The mask is a square that also blocks the padded queries. Keys alone are hidden, and one row per sequence is
    enough: (batch, 1, max_len)."""
    return real[:, :, None] & real[:, None, :]


@keys.slip
def an_axis_for_the_heads(real):
    """There are two axes of size 1, as for a batch with several heads. Here there are no heads: (batch, 1, max_len)."""
    return real[:, None, None, :]


@keys.slip
def axes_swapped(real):
    """The axes stand in the wrong order: positions first, then sequences. The batch comes first: (batch, 1,
    max_len)."""
    return real.T


@keys.slip
def rows_filled_in_the_wrong_order(real):
    """The shape is right, but the numbers were laid out position by position, and now they are read sequence by
    sequence. A reshape does not swap axes."""
    return real.T.reshape(real.shape[0], 1, real.shape[1])


@keys.slip
def flattened(real):
    """All sequences stand in one row. The shape should be (batch, 1, max_len)."""
    return real.reshape(-1)


@keys.slip
def one_sequence_alone(real):
    """The result holds the mask of the last sequence alone. Every sequence of the batch needs its own row."""
    return real[-1:, None, :]


@keys.slip
def everything_in_the_first_row(real):
    """All sequences are written into the row of the first one, and the other rows stay False."""
    mask = torch.zeros(real.shape[0], 1, real.shape[1], dtype=torch.bool)
    mask[0, 0] = real.any(dim=0)
    return mask


@Stage
def result(keys):
    return keys


@result.slip
def ones_and_zeros(keys):
    """The mask holds the integers 1 and 0. A mask of this course is boolean: a comparison gives True and False."""
    return keys.long()


@result.slip
def floating_point_ones(keys):
    """The mask holds the floating-point numbers 1.0 and 0.0. A mask of this course is boolean: a comparison gives True
    and False, and torch.zeros and torch.ones do with dtype=torch.bool."""
    return keys.float()


@result.slip
def zeros_and_minus_infinity(keys):
    """This is what one would add to the scores: 0 where the mask is True, minus infinity where it is False. The mask
    itself is boolean; masked_softmax makes the rest of it."""
    return torch.zeros(keys.shape).masked_fill(~keys, -math.inf)


@known.mistake
def counts_of_real_positions(lengths, max_len):
    """These are numbers of real positions, the lengths again. The mask says of each position whether it is real."""
    return _right(lengths, max_len).sum(dim=-1)


def _right(lengths, max_len):
    return torch.arange(max_len) < lengths[:, None, None]


@known.mistake
def one_value_alone(lengths, max_len):
    """A single True came back. The mask has a value for every position of every sequence."""
    return True


@known.mistake
def slice_by_all_lengths(lengths, max_len):
    """A slice takes one number as its end, and `lengths` holds one for each sequence. Take them one after another, or
    compare all positions with all lengths."""
    mask = torch.zeros(len(lengths), 1, max_len, dtype=torch.bool)
    mask[:, :, :lengths] = True
    return mask


@known.mistake
def a_position_too_many(lengths, max_len):
    """The loop over the positions goes one too far, and a full sequence has no such position: the last real one is
    length - 1."""
    mask = torch.zeros(len(lengths), 1, max_len, dtype=torch.bool)
    for b in range(len(lengths)):
        for j in range(lengths[b] + 1):
            mask[b, 0, j] = True
    return mask


@known.mistake
def full_sequences_hidden(lengths, max_len):
    """A sequence without padding is hidden altogether; the others are right. A slice from -0 on is everything, as
    `[-(max_len - length):]` is for a full sequence."""
    return _right(lengths, max_len) & (lengths < max_len)[:, None, None]


@known.mistake
def empty_sequences_shown(lengths, max_len):
    """A sequence of length 0 is treated as one without padding: all of it is True. Nothing of it is real."""
    return _right(lengths, max_len) | (lengths == 0)[:, None, None]


@known.mistake
def one_position_at_least(lengths, max_len):
    """A sequence of length 0 has one True. Nothing of it is real; the others are right."""
    return _right(lengths.clamp(min=1), max_len)


@known.mistake
def loop_over_a_number(lengths, max_len):
    """max_len is one number, and a loop wants several: range(max_len) gives the positions."""
    for j in max_len:
        return j
    return None


@known.mistake
def a_range_of_all_lengths(lengths, max_len):
    """range takes one number, and `lengths` holds one for each sequence. Take them one after another, or let a
    comparison broadcast."""
    return range(lengths)


@known.mistake
def positions_of_numpy(lengths, max_len):
    """The positions are a NumPy array and the lengths a tensor, and the two do not compare. torch.arange(max_len) makes
    the positions as a tensor."""
    return np.arange(max_len) < lengths[:, None, None]


@known.mistake
def positions_up_to_all_lengths(lengths, max_len):
    """torch.arange takes one number, and `lengths` holds one for each sequence. Number the positions once, up to
    max_len, and compare them with all the lengths."""
    return torch.arange(lengths)


@known.mistake
def a_method_of_arrays(lengths, max_len):
    """`astype` is NumPy's. PyTorch says .to(dtype), or .bool(); a comparison gives booleans at once."""
    return _right(lengths, max_len).astype(bool)


@known.probe
def three_sequences(rng):
    yours = yield {"lengths": np.array([1, 4, 3]), "max_len": 6}
    for row, length in zip(yours[:, 0], (1, 4, 3), strict=True):
        where = np.flatnonzero(row)
        if not np.array_equal(where, np.arange(length)):
            should = "position 0" if length == 1 else f"positions 0 to {length - 1}"
            return (
                f"With lengths 1, 4 and 3, padded to 6, the sequence of length {length} should be True at {should}; "
                f"yours is True at {', '.join(map(str, where)) or 'none'}."
            )
    return None


@known.probe
def empty_and_full_sequence(rng):
    yours = yield {"lengths": np.array([0, 5]), "max_len": 5}
    if yours[0].any():
        return f"With lengths 0 and 5, padded to 5, the empty sequence has {np.count_nonzero(yours[0])} True."
    if not yours[1].all():
        return f"With lengths 0 and 5, padded to 5, the full sequence has {np.count_nonzero(~yours[1])} False."
    return None


@known.probe
def one_length_changed(rng):
    before = yield {"lengths": np.array([2, 3]), "max_len": 6}
    after = yield {"lengths": np.array([2, 5]), "max_len": 6}
    if not np.array_equal(before[0], after[0]):
        return "When the second length changes from 3 to 5, your mask of the first sequence changes too."
    if np.array_equal(before[1], after[1]):
        return "When the second length changes from 3 to 5, your mask of that sequence stays as it was."
    return None


@known.always
def as_many_as_the_sequence_is_long(inputs, output):
    """Each sequence should have as many True as it is long."""
    return np.array_equal(output.sum(axis=(-2, -1)), inputs["lengths"])


@known.legal
def with_loops(lengths, max_len):
    mask = torch.zeros(len(lengths), 1, max_len, dtype=torch.bool)
    for sequence, length in enumerate(lengths):
        mask[sequence, 0, :length] = True
    return mask


@known.legal
def row_by_row(lengths, max_len):
    return torch.tensor([[[True] * n + [False] * (max_len - n)] for n in lengths.tolist()])


@known.legal
def one_sequence_after_another(lengths, max_len):
    return torch.stack([(torch.arange(max_len) < length).unsqueeze(0) for length in lengths])


@known.legal
def from_a_triangle(lengths, max_len):
    return torch.ones(max_len + 1, max_len, dtype=torch.bool).tril(-1)[lengths].unsqueeze(1)


@known.borrowed
def by_course_lib(lengths, max_len):
    import course_lib

    return course_lib.padding_mask(lengths, max_len)


TASK = Task(
    id="04.padding_mask",
    title="Which keys are real",
    difficulty=1,
    minutes=5,
    reference=reference,
    draw=lengths_below_the_maximum,
    cases=(
        Case("the example of the text", dict(batch=2, max_len=4), draw=of_the_text),
        Case("2 sequences, padded to 5", dict(batch=2, max_len=5)),
        Case("3 sequences, padded to 8", dict(batch=3, max_len=8)),
        Case("an empty sequence and a full one", dict(batch=4, max_len=6), draw=empty_and_full),
        Case("one sequence alone", dict(batch=1, max_len=7), draw=of_one_sequence),
    ),
    part=True,
    finished=("course_lib.padding_mask",),
    library="torch",
    hints=(
        (
            "Which positions of a sequence of length 3 are real, if positions count from 0? What do their numbers have "
            "in common?"
        ),
        "`torch.arange(max_len)` numbers the positions. Compare them with the lengths: a comparison gives booleans.",
        (
            "To compare every position with every length, the lengths need axes of their own: (batch,) becomes (batch, "
            "1, 1) by `lengths[:, None, None]`."
        ),
        (
            "Position j of sequence b is real where j < lengths[b]; shapes (max_len,) and (batch, 1, 1) broadcast to "
            "(batch, 1, max_len)."
        ),
    ),
    stages=(taken, positions, real, keys, result),
    coincidences={
        "as_many_as_the_padding + counted_from_the_end": "inverted",
        "as_many_as_the_padding + inverted": "counted_from_the_end",
        "counted_from_the_end + inverted": "as_many_as_the_padding",
    },
    **known.ways,
)
