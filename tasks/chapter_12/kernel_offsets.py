"""12.kernel_offsets: where the weights of a K x K kernel look, seen from the pixel in the middle."""

import itertools

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def only_the_size(rng, kernel_size):
    return {"kernel_size": kernel_size}


def reference(kernel_size):
    return np.argwhere(np.ones((kernel_size, kernel_size), dtype=bool)) - kernel_size // 2


@Stage
def reach(kernel_size):
    return kernel_size // 2


@reach.slip
def reach_of_the_whole_size(kernel_size):
    """The offsets reach kernel_size to every side. The middle pixel has half of the others on each side of it."""
    return kernel_size


@reach.slip
def reach_one_below_the_size(kernel_size):
    """The offsets reach kernel_size - 1 to every side, from one edge of the kernel to the other. They reach from its
    middle to its edges."""
    return kernel_size - 1


@reach.slip
def reach_rounded_up(kernel_size):
    """The offsets reach one too far to every side: kernel_size / 2 is rounded up. A kernel of 3 x 3 reaches 1."""
    return (kernel_size + 1) // 2


@reach.slip
def reach_one_too_short(kernel_size):
    """The offsets end one too early on every side: the outermost rows and columns of the kernel are missing."""
    return kernel_size // 2 - 1


@reach.slip
def reach_of_the_example(kernel_size):
    """The offsets reach 1 to every side, as in the example, whatever the kernel's size."""
    return 1


@Stage
def steps(reach):
    return np.arange(-reach, reach + 1)  # (K,)


@steps.slip
def end_left_out(reach):
    """The last step is left out: a range ends before its end. The steps go up to K // 2, and that one counts."""
    return np.arange(-reach, reach)


@steps.slip
def start_left_out(reach):
    """The first step is left out: the smallest one is -(K // 2), as far to that side as to the other."""
    return np.arange(-reach + 1, reach + 1)


@steps.slip
def counted_from_zero(kernel_size):
    """The pixels of the kernel are counted from its upper left corner, from 0. An offset is counted from the middle, so
    that half of them are negative."""
    return np.arange(kernel_size)


@steps.slip
def counted_from_one(kernel_size):
    """The pixels of the kernel are counted from 1. An offset is counted from the middle, so that half of them are
    negative, and the middle has 0."""
    return np.arange(1, kernel_size + 1)


@steps.slip
def one_subtracted_from_all(kernel_size):
    """1 is subtracted, as is right for the kernel of the example, whatever the size. The middle is K // 2 pixels from
    the edge."""
    return np.arange(kernel_size) - 1


@steps.slip
def from_minus_one_to_one(kernel_size):
    """The offsets run from -1 to 1, in parts of the kernel. They count whole pixels from the middle."""
    return np.linspace(-1, 1, kernel_size)


@steps.slip
def steps_backward(reach):
    """Each offset has the opposite sign of the one that belongs there, as if the list ran backward, from below on the
    right. Up and left are negative, and the reading order begins there."""
    return np.arange(reach, -reach - 1, -1)


@steps.slip
def lower_end_rounded_down(kernel_size):
    """The steps begin one too far to the left, and there are K + 1 of them. Python's // rounds down, and the minus
    comes first: -3 // 2 is -2, and -(3 // 2) is -1."""
    return np.arange(-kernel_size // 2, kernel_size // 2 + 1)


@steps.slip
def everything_one_too_low(kernel_size):
    """All steps are one too low: they go from -(K // 2) - 1 to K // 2 - 1. Python's // rounds down, and the minus comes
    first: -3 // 2 is -2, and -(3 // 2) is -1."""
    return np.arange(-(kernel_size // 2) - 1, kernel_size // 2)


@steps.slip
def everything_one_too_high(kernel_size):
    """All steps are one too high: they go from -(K // 2) + 1 to K // 2 + 1. The middle of the kernel has offset 0."""
    return np.arange(-(kernel_size // 2) + 1, kernel_size // 2 + 2)


@steps.slip
def half_a_pixel_off(kernel_size):
    """K / 2 is subtracted where K // 2 should be: all offsets lie between the pixels, at -1.5, -0.5 and so on."""
    return np.arange(kernel_size) - kernel_size / 2


@steps.slip
def without_signs(reach):
    """All offsets are distances, without a sign. Left and right are told apart, and so are above and below."""
    return np.abs(np.arange(-reach, reach + 1))


@steps.slip
def not_to_the_left(reach):
    """There are no negative steps, only those from 0 to K // 2. A kernel reaches to all sides of its middle."""
    return np.arange(reach + 1)


@steps.slip
def middle_step_left_out(reach):
    """The step 0 is left out, so that no offset lies in the query's own row or column. Those count as well."""
    return np.array([step for step in range(-reach, reach + 1) if step], dtype=int)


@Stage
def offsets(steps):
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)  # (K*K, 2)


@offsets.slip
def columns_first(steps):
    """Rows and columns are exchanged: either each pair is (column, row), or the list goes down the columns. It goes
    along the first row first, and each pair is (row, column)."""
    return np.stack(np.meshgrid(steps, steps, indexing="xy"), axis=-1).reshape(-1, 2)


@offsets.slip
def grid_kept(steps):
    """The offsets stand in a grid of K rows and K columns. They are a list: one row for every pixel of the kernel."""
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)


@offsets.slip
def rows_and_columns_apart(steps):
    """All rows stand in one line and all columns in another, (2, K * K). One offset is one row: (K * K, 2)."""
    return np.stack(np.meshgrid(steps, steps, indexing="ij")).reshape(2, -1)


@offsets.slip
def columns_and_rows_apart(steps):
    """All columns stand in one line and all rows in another, (2, K * K). One offset is one row of the result, (row,
    column): (K * K, 2)."""
    return np.stack(np.meshgrid(steps, steps, indexing="xy")).reshape(2, -1)


@offsets.slip
def tables_kept(steps):
    """The table of all rows and that of all columns stand one behind the other, (2, K, K). One offset is one row of the
    result, (row, column): (K * K, 2)."""
    return np.stack(np.meshgrid(steps, steps, indexing="ij"))


@offsets.slip
def tables_kept_columns_first(steps):
    """The table of all columns and that of all rows stand one behind the other, (2, K, K). One offset is one row of the
    result, the row of the pixel first: (K * K, 2)."""
    return np.stack(np.meshgrid(steps, steps, indexing="xy"))


@offsets.slip
def tables_cut_into_pairs(steps):
    """The table of all rows is cut into pairs, and the table of all columns after it. A pair takes one number of each:
    put the two side by side on a last axis before you make a list."""
    return np.stack(np.meshgrid(steps, steps, indexing="ij")).reshape(-1, 2)


@offsets.slip
def tables_cut_into_pairs_columns_first(steps):
    """The table of all columns is cut into pairs, and the table of all rows after it. A pair takes one number of each,
    the row first: put the two side by side on a last axis before you make a list."""
    return np.stack(np.meshgrid(steps, steps, indexing="xy")).reshape(-1, 2)


@offsets.slip
def diagonal_alone(steps):
    """Each step meets itself alone, which gives the diagonal of the kernel. Every row meets every column."""
    return np.stack([steps, steps], axis=-1)


@offsets.slip
def rows_twice(steps):
    """The row stands in both places of each pair, as with np.repeat for the two of them. The row stays the same along a
    line of the kernel, and the column goes on with each entry."""
    return np.stack([np.repeat(steps, len(steps))] * 2, axis=-1)


@offsets.slip
def columns_twice(steps):
    """The column stands in both places of each pair, as with np.tile for the two of them. The column goes on with each
    entry, and the row stays the same along a line of the kernel."""
    return np.stack([np.tile(steps, len(steps))] * 2, axis=-1)


@offsets.slip
def one_axis_alone(steps):
    """These are the steps along one axis, one number each. An offset is a pair, and every row meets every column."""
    return steps


@offsets.slip
def cross_alone(steps):
    """These are the offsets in the query's own row and its own column, a cross. Every row meets every column: K * K of
    them."""
    grid = offsets(steps)
    return grid[(grid == 0).any(axis=-1)]


@offsets.slip
def edge_alone(steps):
    """These are the offsets at the edge of the kernel alone. Those inside count as well: K * K of them."""
    grid = offsets(steps)
    return grid[(np.abs(grid) == np.abs(steps).max(initial=0)).any(axis=-1)]


@offsets.slip
def middle_row_alone(steps):
    """These are the offsets of the middle row alone. Every row meets every column: K * K of them."""
    return np.stack([np.zeros_like(steps), steps], axis=-1)


@offsets.slip
def middle_column_alone(steps):
    """These are the offsets of the middle column alone. Every row meets every column: K * K of them."""
    return np.stack([steps, np.zeros_like(steps)], axis=-1)


@offsets.slip
def first_row_alone(steps):
    """These are the offsets of the kernel's first row alone, as when the result is returned before the second row has
    been gone through. All rows count."""
    return offsets(steps)[: len(steps)]


@offsets.slip
def last_column_alone(steps):
    """These are the offsets of the kernel's last column alone, as when only the last of each row is kept. All columns
    count."""
    return offsets(steps)[len(steps) - 1 :: len(steps)]


@offsets.slip
def columns_from_zero(steps):
    """The rows are counted from the middle and the columns from 0, at the left edge. Both are counted from the
    middle."""
    return offsets(steps) + np.array([0, len(steps) // 2])


@offsets.slip
def rows_from_zero(steps):
    """The columns are counted from the middle and the rows from 0, at the top. Both are counted from the middle."""
    return offsets(steps) + np.array([len(steps) // 2, 0])


@offsets.slip
def query_left_out(steps):
    """The offset (0, 0) is missing. A kernel has a weight for the pixel itself as well."""
    grid = offsets(steps)
    return grid[(grid != 0).any(axis=-1)]


@offsets.slip
def one_number_each(steps):
    """Each offset is one number, counted through the kernel. It is a pair: how many rows down, how many columns to the
    right."""
    return np.arange(len(steps) ** 2) - len(steps) ** 2 // 2


@offsets.slip
def each_two_once(steps):
    """Of (a, b) and (b, a) there is only one. They are two pixels of the kernel: above and left are not the same."""
    return np.array(list(itertools.combinations_with_replacement(steps, 2)), dtype=steps.dtype).reshape(-1, 2)


@offsets.slip
def never_twice_the_same(steps):
    """Offsets whose row and column are the same number are missing, as in the permutations of the steps. Every row
    meets every column: their product."""
    return np.array(list(itertools.permutations(steps, 2)), dtype=steps.dtype).reshape(-1, 2)


@offsets.slip
def rows_upward(steps):
    """The rows run upward, from the last one to the first. Row numbers grow downward, as in the array."""
    return np.stack(np.meshgrid(steps[::-1], steps, indexing="ij"), axis=-1).reshape(-1, 2)


@offsets.slip
def columns_leftward(steps):
    """The columns run from right to left. Reading order goes to the right, from the negative ones on."""
    return np.stack(np.meshgrid(steps, steps[::-1], indexing="ij"), axis=-1).reshape(-1, 2)


@offsets.slip
def nearest_first(steps):
    """The offsets are sorted by their distance from the middle. The order is that of reading: along the first row, then
    along the next."""
    grid = offsets(steps)
    return grid[np.argsort((grid**2).sum(axis=-1), kind="stable")]


@known.mistake
def end_left_out_of_a_list(kernel_size):
    """Each range ends one too early, so that the last row and the last column are missing, and a 1 x 1 kernel has
    nothing at all. The end of a range does not count: let it be K // 2 + 1."""
    reach = kernel_size // 2
    return np.array([[row, column] for row in range(-reach, reach) for column in range(-reach, reach)])


@known.mistake
def last_column_left_out_of_a_list(kernel_size):
    """The last column of the kernel is missing, and a 1 x 1 kernel has nothing at all. The end of a range does not
    count: let it be K // 2 + 1 for the columns as well."""
    reach = kernel_size // 2
    return np.array([[row, column] for row in range(-reach, reach + 1) for column in range(-reach, reach)])


@known.mistake
def last_row_left_out_of_a_list(kernel_size):
    """The last row of the kernel is missing, and a 1 x 1 kernel has nothing at all. The end of a range does not count:
    let it be K // 2 + 1 for the rows as well."""
    reach = kernel_size // 2
    return np.array([[row, column] for row in range(-reach, reach) for column in range(-reach, reach + 1)])


@known.mistake
def query_left_out_of_a_list(kernel_size):
    """The offset (0, 0) is missing, which leaves nothing of a 1 x 1 kernel. A kernel has a weight for the pixel itself
    as well."""
    return np.array([[row, column] for row, column in with_loops(kernel_size) if row or column])


@known.mistake
def lines_of_three(kernel_size):
    """The places are numbered through and their numbers divided by 3, as fits the kernel of the example, whatever the
    size. A line of the kernel has K of them."""
    return np.stack(np.divmod(np.arange(kernel_size**2), 3), axis=-1) - kernel_size // 2


@known.mistake
def half_of_all_subtracted(kernel_size):
    """Half of K * K is subtracted from rows and columns. There are only K of each, and the middle one has number
    K // 2."""
    return reference(kernel_size) + kernel_size // 2 - kernel_size**2 // 2


@known.mistake
def rows_then_columns(kernel_size):
    """All rows stand in one long line, and all columns after them. One offset is one row of the result: (K * K, 2)."""
    return reference(kernel_size).T.ravel()


@known.mistake
def appended_to_one_axis(kernel_size):
    """np.array([]) has one axis, and a row of two does not fit behind it along axis 0. A list collects the pairs, and
    np.array makes an array of it at the end."""
    offsets = np.array([])
    return np.append(offsets, [[-(kernel_size // 2), 0]], axis=0)


@known.mistake
def an_iterator_for_a_list(kernel_size):
    """The array holds Python objects and no numbers, as when an iterator is put into it whole. list(...) around the
    iterator makes it a list of pairs, and np.array takes that."""
    return np.array(itertools.product(range(kernel_size), repeat=2))


@known.mistake
def range_of_a_half(kernel_size):
    """`/` gives a floating-point number, even of whole ones, and a range takes integers: `//` stays with them."""
    return np.array([(i, j) for i in range(kernel_size) for j in range(-(kernel_size / 2), kernel_size / 2)])


@known.mistake
def sizes_not_in_brackets(kernel_size):
    """np.zeros takes the shape as one argument; the second one is the dtype. Put the sizes into brackets."""
    return np.zeros(kernel_size**2, 2)


@known.mistake
def two_names_for_one_number(kernel_size):
    """A range gives one number at a time, and there are two names for it. Two loops, one inside the other, give all
    pairs; so does itertools.product."""
    return np.array([[i, j] for i, j in range(kernel_size)])


@known.mistake
def list_minus_a_number(kernel_size):
    """A number is subtracted from a Python list or tuple, which cannot do that. An array can: np.array(...)."""
    pairs = [(i, j) for i in range(kernel_size) for j in range(kernel_size)]
    return pairs - kernel_size // 2


@known.mistake
def list_minus_a_number_pair_by_pair(kernel_size):
    """A number is subtracted from a pair, which cannot do that. Subtract it from each of the two, or from the finished
    array."""
    return np.array([(i, j) - kernel_size // 2 for i in range(kernel_size) for j in range(kernel_size)])


@known.probe
def the_middle(rng):
    yours = yield {"kernel_size": 5}
    if (yours[12] == 0).all():
        return None
    return f"Row 12 of a 5 x 5 kernel is its middle, the query itself, at (0, 0); yours is {_pair(yours[12])}."


@known.probe
def one_to_the_right(rng):
    yours = yield {"kernel_size": 3}
    step = yours[1] - yours[0]
    if (step == [0, 1]).all():
        return None
    return (
        f"From one entry of the list to the next it is one to the right, (0, 1); from your first to your second it is "
        f"{_pair(step)}."
    )


@known.probe
def one_row_down(rng):
    yours = yield {"kernel_size": 3}
    step = yours[3] - yours[0]
    if (step == [1, 0]).all():
        return None
    return (
        f"With a 3 x 3 kernel, entry 3 stands right below entry 0: (1, 0) from there. Yours is {_pair(step)} from "
        f"there."
    )


def _pair(pair):
    return f"({pair[0]}, {pair[1]})"


@known.always
def as_far_to_every_side(inputs, output):
    """A kernel reaches as far up as down, and as far left as right: in each of the two columns, the smallest number is
    minus the largest."""
    return bool((output.min(axis=0) == -output.max(axis=0)).all())


@known.legal
def with_loops(kernel_size):
    reach, rows = kernel_size // 2, []
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            rows.append([row, column])
    return np.array(rows)


@known.legal
def by_division(kernel_size):
    numbers = np.arange(kernel_size**2)
    return np.stack(np.divmod(numbers, kernel_size), axis=-1) - (kernel_size - 1) // 2


@known.legal
def by_repeating(kernel_size):
    line = np.arange(kernel_size) - kernel_size // 2
    return np.column_stack([np.repeat(line, kernel_size), np.tile(line, kernel_size)])


@known.legal
def by_product(kernel_size):
    line = range(-(kernel_size // 2), kernel_size // 2 + 1)
    return np.array(list(itertools.product(line, repeat=2)), dtype=np.int32)


@known.legal
def by_indices(kernel_size):
    return np.moveaxis(np.indices((kernel_size, kernel_size)), 0, -1).reshape(kernel_size**2, 2) - kernel_size // 2


TASK = Task(
    id="12.kernel_offsets",
    title="Where a kernel looks",
    difficulty=1,
    minutes=8,
    reference=reference,
    draw=only_the_size,
    cases=(
        Case("the example of the text", dict(kernel_size=3), points=2),
        Case("a 5 x 5 kernel", dict(kernel_size=5), points=2),
        Case("a 1 x 1 kernel", dict(kernel_size=1)),
        Case("a 7 x 7 kernel", dict(kernel_size=7)),
    ),
    finished=("course_lib.relatives.convolution.kernel_offsets",),
    hints=(
        "Along one axis alone: which steps does a kernel of 3 pixels take from its middle? And one of 5?",
        "The steps go from -(K // 2) to K // 2, both included. Mind the brackets: -3 // 2 is not -(3 // 2).",
        (
            'Every row meets every column. Two loops do it, the row outside; or np.meshgrid with indexing="ij", whose '
            "two tables you put side by side on a last axis."
        ),
        (
            '`np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)` has shape (K, K, 2). One reshape makes a '
            "list of pairs of it."
        ),
    ),
    stages=(reach, steps, offsets),
    coincidences={
        "reach_one_below_the_size + not_to_the_left": "counted_from_zero",
        "reach_rounded_up + end_left_out": "lower_end_rounded_down",
        "steps_backward + rows_upward": "columns_leftward",
        "steps_backward + columns_leftward": "rows_upward",
    },
    **known.ways,
)
