"""04.causal_mask: position i attends to itself and the past (Vaswani et al. 2017, section 3.2.3)."""

import numpy as np

from course_lib import causal_mask as reference
from grader.known import Known
from grader.task import Case, Task

known = Known()


def only_the_length(rng, length):
    return {"length": length}


@known.mistake
def future_instead_of_past(length):
    """This mask is upside down: position i sees itself and the future. Rows are queries and columns are keys, so the
    past of a query lies to the left of the diagonal."""
    return np.triu(np.ones((length, length), dtype=bool))


@known.mistake
def true_means_blocked(length):
    """This mask is True where a position may not attend. In this course, True means may attend."""
    return np.triu(np.ones((length, length), dtype=bool), k=1)


@known.mistake
def diagonal_missing(length):
    """Each position sees the past but not itself, so the first one sees nothing at all. The diagonal belongs to the
    mask."""
    return np.tri(length, k=-1, dtype=bool)


@known.mistake
def one_step_ahead(length):
    """Each position sees one step into the future: the very word it should predict. The mask ends at the diagonal."""
    return np.tri(length, k=1, dtype=bool)


@known.mistake
def only_itself(length):
    """Each position sees itself alone. It should see the whole past as well: everything below the diagonal."""
    return np.eye(length, dtype=bool)


@known.mistake
def everything(length):
    """This mask allows everything, the future too. Position i may attend to no position after i."""
    return np.ones((length, length), dtype=bool)


@known.mistake
def ones_and_zeros(length):
    """The pattern is right, but the mask holds the numbers 1.0 and 0.0. A mask of this course is boolean: see the
    argument dtype, or compare."""
    return np.tril(np.ones((length, length)))


@known.mistake
def zeros_and_minus_infinity(length):
    """This is what one would add to the scores: 0 and minus infinity. The mask itself is boolean, True = may attend."""
    return np.where(np.tri(length, dtype=bool), 0.0, -np.inf)


@known.mistake
def numbers_turned_around(length):
    """~ turns booleans around, and np.ones makes floating-point numbers: give it dtype=bool, or compare."""
    return ~np.triu(np.ones((length, length)), k=1)


@known.mistake
def from_the_last_column(length):
    """The triangle leans the wrong way: rows grow from the last column. Position i sees the first keys, from column 0
    to column i."""
    return np.fliplr(np.tri(length, dtype=bool))


@known.mistake
def a_band_of_two(length):
    """Each position sees itself and the one before it alone. The past goes back to the beginning: use >= or <=, not
    a fixed distance."""
    return np.tri(length, dtype=bool) & ~np.tri(length, k=-2, dtype=bool)


@known.always
def one_more_key_in_each_row(inputs, output):
    """Row i should allow i keys, counted from 1: the first row one, each further row one more."""
    return np.array_equal(output.sum(axis=-1), np.arange(1, inputs["length"] + 1))


@known.legal
def from_positions(length):
    return np.arange(length)[None, :] <= np.arange(length)[:, None]


@known.legal
def lower_triangle(length):
    return np.tril(np.ones((length, length), dtype=bool))


@known.legal
def with_loops(length):
    return np.array([[j <= i for j in range(length)] for i in range(length)])


@known.legal
def not_the_future(length):
    return ~np.triu(np.ones((length, length)), k=1).astype(bool)


@known.legal
def with_torch(length):
    import torch

    return torch.ones(length, length).tril().bool()


@known.borrowed
def by_course_lib(length):
    import course_lib

    return course_lib.causal_mask(length)


TASK = Task(
    id="04.causal_mask",
    title="Not from the future",
    difficulty=1,
    minutes=5,
    reference=reference,
    draw=only_the_length,
    cases=(
        Case("3 positions", dict(length=3)),
        Case("5 positions", dict(length=5)),
        Case("8 positions", dict(length=8)),
    ),
    finished=("course_lib.causal_mask",),
    hints=(
        (
            "Draw the mask for three positions on paper. Which keys may the first query see, which the second, which "
            "the third?"
        ),
        "Row i is a query and column j a key. What is true of i and j exactly where the query may attend?",
        (
            "j <= i. Compare a column of positions with a row of positions, and broadcasting gives the square. NumPy "
            "also has a function for triangles: np.tri."
        ),
        (
            "positions = np.arange(length); then compare positions[:, None] with positions[None, :]. Which of the two "
            "is i?"
        ),
    ),
    **known.ways,
)
