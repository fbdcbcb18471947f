"""04.causal_mask: position i attends to itself and the past (Vaswani et al. 2017, section 3.2.3)."""

import math

import numpy as np
import torch

import course_lib
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def only_the_length(rng, length):
    return {"length": length}


def reference(length):
    return course_lib.causal_mask(length, like=torch.empty(0))


def _lower(count, diagonal=0):
    return torch.ones(count, count, dtype=torch.bool).tril(diagonal)


@Stage
def count(length):
    return length


@count.slip
def one_position_more(length):
    """The mask has one position too many: length + 1 of them."""
    return length + 1


@count.slip
def one_position_fewer(length):
    """The mask has one position too few: length - 1 of them."""
    return length - 1


@count.slip
def two_positions():
    """The mask has 2 positions, as in the example, whatever the length is."""
    return 2


@Stage
def triangle(count):
    return _lower(count)  # (length, length)


@triangle.slip
def future_instead_of_past(count):
    """This mask is upside down: position i sees itself and the future. Rows are queries and columns are keys, so the
    past of a query lies to the left of the diagonal."""
    return _lower(count).T


@triangle.slip
def true_means_blocked(count):
    """This mask is True where a position may not attend. In this course, True means may attend."""
    return ~_lower(count)


@triangle.slip
def diagonal_missing(count):
    """Each position sees the past but not itself, so the first one sees nothing at all. The diagonal belongs to the
    mask."""
    return _lower(count, -1)


@triangle.slip
def past_alone_but_for_the_first(count):
    """Each position sees the past but not itself; the first one alone sees itself. The diagonal belongs to the mask in
    every row."""
    mask = _lower(count, -1)
    mask[:1, :1] = True
    return mask


@triangle.slip
def one_step_ahead(count):
    """Each position sees one step into the future: the very word it should predict. The mask ends at the diagonal."""
    return _lower(count, 1)


@triangle.slip
def one_before_missing_too(count):
    """Each position sees neither itself nor the one before it, only what is older. The mask ends at the diagonal."""
    return _lower(count, -2)


@triangle.slip
def only_itself(count):
    """Each position sees itself alone. It should see the whole past as well: everything below the diagonal."""
    return torch.eye(count, dtype=torch.bool)


@triangle.slip
def all_but_itself(count):
    """Each position sees all the others, the future too, and not itself. It should see itself and the past."""
    return ~torch.eye(count, dtype=torch.bool)


@triangle.slip
def everything(count):
    """Every value of this mask is True, so that each position may attend to all, the future too. Row i should be
    True in columns 0 to i alone."""
    return torch.ones(count, count, dtype=torch.bool)


@triangle.slip
def nothing(count):
    """This mask allows nothing: every value is False. Position i may attend to itself and to all before it."""
    return torch.zeros(count, count, dtype=torch.bool)


@triangle.slip
def from_the_last_column(count):
    """The triangle leans the wrong way: rows grow from the last column. Position i sees the first keys, from column 0
    to column i."""
    return _lower(count).flip(1)


@triangle.slip
def fewer_in_each_row(count):
    """The first row allows everything and each further row one key fewer, counted from column 0. It is the other way
    round: the first row allows one key, the last one all."""
    return _lower(count).flip(0)


@triangle.slip
def a_band_of_two(count):
    """Each position sees itself and the one before it alone. The past goes back to the beginning: compare positions
    with <= or >=, not by a fixed distance."""
    return _lower(count) & ~_lower(count, -2)


@triangle.slip
def a_band_of_three(count):
    """Each position sees itself and the two before it alone. The past goes back to the beginning."""
    return _lower(count) & ~_lower(count, -3)


@triangle.slip
def the_one_before_alone(count):
    """Each position sees the one before it alone. It should see itself, and the past back to the beginning."""
    return _lower(count, -1) & ~_lower(count, -2)


@triangle.slip
def neighbors(count):
    """Each position sees itself and its neighbors on both sides. It should see nothing after it, and all before it."""
    return _lower(count, 1) & _lower(count, 1).T


@triangle.slip
def first_key_and_itself(count):
    """Each position sees the first one and itself; what lies between them is missing. Position i sees all keys from
    column 0 to column i."""
    mask = torch.eye(count, dtype=torch.bool)
    mask[:, :1] = True
    return mask


@triangle.slip
def last_row_missing(count):
    """The last row allows nothing; the others are right. Rows go from 0 to length - 1."""
    mask = _lower(count)
    mask[-1:] = False
    return mask


@triangle.slip
def first_row_missing(count):
    """The first row allows nothing; the others are right. Rows count from 0, and the first position sees itself."""
    mask = _lower(count)
    mask[:1] = False
    return mask


@triangle.slip
def first_column_missing(count):
    """No position sees the first one; the rest is right. Columns count from 0, and column 0 is everyone's past."""
    mask = _lower(count)
    mask[:, :1] = False
    return mask


@Stage
def square(triangle):
    return triangle


@square.slip
def an_axis_for_the_batch(triangle):
    """There is an axis of size 1 in front. The mask has shape (length, length); it broadcasts to a batch as it is."""
    return triangle[None]


@square.slip
def axes_for_batch_and_heads(triangle):
    """There are two axes of size 1 in front. The mask has shape (length, length); it broadcasts to a batch and its
    heads as it is."""
    return triangle[None, None]


@square.slip
def an_axis_at_the_end(triangle):
    """There is an axis of size 1 at the end. The mask has shape (length, length)."""
    return triangle[..., None]


@square.slip
def flattened(triangle):
    """All rows stand one behind the other on a single axis. The mask has shape (length, length): one row a query."""
    return triangle.reshape(-1)


@square.slip
def last_row_alone(triangle):
    """There is one row for all queries, that of the last position. Each query needs a row of its own: a column of
    positions against a row of positions."""
    return triangle[-1:]


@square.slip
def last_row_without_its_axis(triangle):
    """The result has one axis: the row of the last position. The mask is a square: a column of positions against a row
    of positions."""
    return triangle[-1]


@Stage
def result(square):
    return square


@result.slip
def floating_point_ones(square):
    """The mask holds the floating-point numbers 1.0 and 0.0. A mask of this course is boolean: torch.ones
    takes dtype=torch.bool, and a comparison gives booleans."""
    return square.float()


@result.slip
def integer_ones(square):
    """The mask holds the integers 1 and 0. A mask of this course is boolean: dtype=torch.bool, or a
    comparison."""
    return square.long()


@result.slip
def zeros_and_minus_infinity(square):
    """This is what one would add to the scores: 0 where the mask is True and minus infinity where it is False. The mask
    itself is boolean, True = may attend."""
    return torch.zeros(square.shape).masked_fill(~square, -math.inf)


@result.slip
def zeros_and_a_large_number(square):
    """This is what one would add to the scores: 0 where the mask is True and -1e9 where it is False. The mask itself is
    boolean, True = may attend."""
    return torch.zeros(square.shape).masked_fill(~square, -1e9)


@result.slip
def shares_of_each_row(square):
    """Each row holds equal weights that sum to 1, as a softmax of equal scores gives. The mask itself is boolean,
    True = may attend."""
    return square / square.sum(dim=-1, keepdim=True).clamp(min=1)


@known.mistake
def one_value_alone(length):
    """A single True came back. The mask has a value for every query and every key."""
    return True


@known.mistake
def one_column_of_true(length):
    """There is one column alone, and all of it is True. The mask has a column for each key: position i may attend to
    columns 0 to i, and to no others."""
    return torch.ones(length, 1, dtype=torch.bool)


@known.mistake
def numbers_of_keys(length):
    """These are numbers of keys, one a row. The mask says of each key whether it may be attended to."""
    return _lower(length).sum(dim=-1)


@known.mistake
def numbers_turned_around(length):
    """~ turns booleans around, and torch.ones makes floating-point numbers: give it dtype=torch.bool, or compare."""
    return ~torch.triu(torch.ones(length, length), diagonal=1)


@known.mistake
def a_row_too_many(length):
    """The rows are counted one too far. They count from 0, so the last one is length - 1, and range(length) gives them
    all."""
    mask = torch.zeros(length, length, dtype=torch.bool)
    for i in range(length + 1):
        for j in range(i):
            mask[i, j] = True
    return mask


@known.mistake
def a_column_too_many(length):
    """The loop over the columns goes one too far in the last row: its last column is length - 1."""
    mask = torch.zeros(length, length, dtype=torch.bool)
    for i in range(length):
        for j in range(i + 2):
            mask[i, j] = True
    return mask


@known.mistake
def length_of_a_number(length):
    """`length` is a number already; only lists and tensors have a len()."""
    return len(length)


@known.mistake
def loop_over_a_number(length):
    """`length` is one number, and a loop wants several: range(length) gives the positions."""
    for i in length:
        return i
    return None


@known.mistake
def shape_of_a_number(length):
    """`length` is a number, and a number of Python has no shape: it is the number of positions itself."""
    return _lower(length.shape[-1])


@known.mistake
def triangle_of_a_number(length):
    """torch.tril takes a tensor and keeps its lower triangle; `length` is a number. Make a square of True first:
    torch.ones(length, length, dtype=torch.bool)."""
    return torch.tril(length)


@known.mistake
def triangle_of_a_row(length):
    """torch.tril takes a square, and this is one row of numbers. torch.ones takes two sizes: (length, length)."""
    return torch.tril(torch.ones(length, dtype=torch.bool))


@known.mistake
def places_of_the_triangle(length):
    """These are the row and column numbers of the triangle, as torch.tril_indices gives them. The mask has a True or
    False for every query and every key."""
    return torch.tril_indices(length, length)


@known.mistake
def a_method_of_arrays(length):
    """`astype` is NumPy's. PyTorch says .bool(), or takes dtype=torch.bool where a tensor is made."""
    return torch.ones(length, length).tril().astype(bool)


@known.probe
def row_by_row(rng):
    yours = yield {"length": 4}
    if yours.dtype != bool:
        return None
    for i, row in enumerate(yours):
        where = np.flatnonzero(row)
        if not np.array_equal(where, np.arange(i + 1)):
            should = "key 0" if i == 0 else f"keys 0 to {i}"
            return (
                f"Of 4 positions, query {i}, counted from 0, should see {should}; in your mask it sees "
                f"{', '.join(map(str, where)) or 'none'}."
            )
    return None


@known.probe
def one_position(rng):
    yours = yield {"length": 1}
    if yours.dtype == bool and not yours.all():
        return "With a single position, your mask is False: nobody sees anything. It should see itself."
    return None


@known.probe
def longer_by_one(rng):
    short = yield {"length": 3}
    long = yield {"length": 4}
    if not np.array_equal(short, long[:3, :3]):
        return "Your mask of 3 positions is not the top left corner of your mask of 4; one more word changes no past."
    return None


@known.always
def one_more_key_in_each_row(inputs, output):
    """Row i should allow i keys, counted from 1: the first row one, each further row one more."""
    return np.array_equal(output.sum(axis=-1), np.arange(1, inputs["length"] + 1))


@known.legal
def from_positions(length):
    return torch.arange(length)[None, :] <= torch.arange(length)[:, None]


@known.legal
def lower_triangle(length):
    return torch.tril(torch.ones(length, length, dtype=torch.bool))


@known.legal
def with_loops(length):
    return torch.tensor([[j <= i for j in range(length)] for i in range(length)])


@known.legal
def row_after_row(length):
    mask = torch.zeros(length, length, dtype=torch.bool)
    for i in range(length):
        mask[i, : i + 1] = True
    return mask


@known.legal
def not_the_future(length):
    return ~torch.triu(torch.ones(length, length), diagonal=1).bool()


@known.borrowed
def by_course_lib(length):
    import course_lib

    return torch.from_numpy(course_lib.causal_mask(length))


TASK = Task(
    id="04.causal_mask",
    title="Not from the future",
    difficulty=1,
    minutes=5,
    reference=reference,
    draw=only_the_length,
    cases=(
        Case("the example of the text", dict(length=2)),
        Case("one position", dict(length=1)),
        Case("3 positions", dict(length=3)),
        Case("5 positions", dict(length=5)),
        Case("8 positions", dict(length=8)),
    ),
    part=True,
    finished=("course_lib.causal_mask",),
    library="torch",
    hints=(
        (
            "Draw the mask for three positions on paper. Which keys may the first query see, which the second, which "
            "the third?"
        ),
        "Row i is a query and column j a key. What is true of i and j exactly where the query may attend?",
        (
            "A column of positions compared with a row of positions broadcasts to a square. PyTorch also has a "
            "function for triangles, torch.tril; what it is given should be boolean."
        ),
        (
            "positions = torch.arange(length). Then positions[:, None] is i, and positions[None, :] is j; a query may "
            "see j where j is at most i."
        ),
    ),
    stages=(count, triangle, square, result),
    **known.ways,
)
