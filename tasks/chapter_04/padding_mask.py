"""04.padding_mask: which keys of each sequence are real, in a shape that serves every query."""

import numpy as np

from course_lib import padding_mask as reference
from grader.known import Known
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


@known.mistake
def inverted(lengths, max_len):
    """This mask is True on the padding. In this course True means may attend, so it belongs on the real positions."""
    return np.arange(max_len) >= lengths[:, None, None]


@known.mistake
def turned_around(lengths, max_len):
    """This mask is True behind the position whose number is the length: on padding. A position is real where its number
    is smaller than the length."""
    return np.arange(max_len) > lengths[:, None, None]


@known.mistake
def one_too_many(lengths, max_len):
    """Each sequence has one real position too many. Positions count from 0, so the last real one is length - 1."""
    return np.arange(max_len) <= lengths[:, None, None]


@known.mistake
def one_too_few(lengths, max_len):
    """The last real position of each sequence is hidden. Positions count from 0, so the last real one is length - 1."""
    return np.arange(max_len) < lengths[:, None, None] - 1


@known.mistake
def no_axis_for_the_queries(lengths, max_len):
    """The numbers are right, but the axis for the queries is missing: against scores of shape (batch, q_len, k_len),
    NumPy would take your batch for the queries. The shape should be (batch, 1, max_len)."""
    return np.arange(max_len) < lengths[:, None]


@known.mistake
def lengths_without_axes(lengths, max_len):
    """NumPy cannot line up max_len positions with the lengths of the batch: both are rows of numbers. Give the lengths
    axes of size 1 behind their own, so that every length meets every position."""
    return np.arange(max_len) < lengths


@known.mistake
def batch_in_place_of_the_queries(lengths, max_len):
    """The sequences stand on the axis of the queries. The batch comes first: (batch, 1, max_len)."""
    return (np.arange(max_len) < lengths[:, None])[None]


@known.mistake
def mask_on_the_queries(lengths, max_len):
    """The axis of size 1 comes last, so this mask blocks padded queries and leaves every padded key visible. Keys are
    the last axis; the axis of size 1 stands for the queries, before it."""
    return (np.arange(max_len) < lengths[:, None])[:, :, None]


@known.mistake
def repeated_for_every_query(lengths, max_len):
    """The mask is written out for every query. Which keys are real does not depend on the query, so one row per
    sequence is enough: the axis of the queries has size 1, and broadcasting repeats it."""
    return np.repeat(np.arange(max_len) < lengths[:, None, None], max_len, axis=1)


@known.mistake
def only_as_long_as_the_longest(lengths, max_len):
    """The mask is as long as the longest sequence here, but the batch was padded to max_len: use that size."""
    return np.arange(lengths.max()) < lengths[:, None, None]


@known.mistake
def ones_and_zeros(lengths, max_len):
    """The mask holds ones and zeros. A mask of this course is boolean: a comparison such as < gives True and False."""
    return (np.arange(max_len) < lengths[:, None, None]).astype(int)


@known.mistake
def zeros_and_minus_infinity(lengths, max_len):
    """This is what one would add to the scores: 0 and minus infinity. The mask itself is boolean, True = may attend;
    masked_softmax makes the rest of it."""
    return np.where(np.arange(max_len) < lengths[:, None, None], 0.0, -np.inf)


@known.mistake
def padded_on_the_left(lengths, max_len):
    """The real positions stand at the end here. These sequences are padded at the end: the first positions are real."""
    return np.arange(max_len) >= max_len - lengths[:, None, None]


@known.mistake
def one_allowed_position(lengths, max_len):
    """Only one position of each sequence is True, the one at its length. All positions before its length are real:
    compare with < instead of ==."""
    return np.arange(max_len) == lengths[:, None, None]


@known.always
def as_many_as_the_sequence_is_long(inputs, output):
    """Each sequence should have as many True as it is long."""
    return np.array_equal(output.sum(axis=(-2, -1)), inputs["lengths"])


@known.legal
def with_loops(lengths, max_len):
    mask = np.zeros((len(lengths), 1, max_len), dtype=bool)
    for sequence, length in enumerate(lengths):
        mask[sequence, 0, :length] = True
    return mask


@known.legal
def row_by_row(lengths, max_len):
    return np.array([[[True] * int(length) + [False] * (max_len - int(length))] for length in lengths])


@known.legal
def from_a_triangle(lengths, max_len):
    return np.tri(max_len + 1, max_len, k=-1, dtype=bool)[lengths][:, None]


@known.legal
def with_torch(lengths, max_len):
    import torch

    return torch.arange(max_len)[None, None, :] < torch.from_numpy(lengths)[:, None, None]


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
        Case("2 sequences, padded to 5", dict(batch=2, max_len=5)),
        Case("3 sequences, padded to 8", dict(batch=3, max_len=8)),
        Case("an empty sequence and a full one", dict(batch=4, max_len=6), draw=empty_and_full),
    ),
    finished=("course_lib.padding_mask",),
    hints=(
        (
            "Which positions of a sequence of length 3 are real, if positions count from 0? What do their numbers have "
            "in common?"
        ),
        "`np.arange(max_len)` numbers the positions. Compare them with the lengths: a comparison gives booleans.",
        (
            "To compare every position with every length, the lengths need axes of their own: (batch,) becomes (batch, "
            "1, 1) by `lengths[:, None, None]`."
        ),
        (
            "Position j of sequence b is real where j < lengths[b]; shapes (max_len,) and (batch, 1, 1) broadcast to "
            "(batch, 1, max_len)."
        ),
    ),
    **known.ways,
)
