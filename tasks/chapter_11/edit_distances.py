"""11.edit_distances: the table of edits between all beginnings of two texts (Wagner and Fischer 1974)."""

import functools

import numpy as np

from grader.known import Known
from grader.task import Case, Task

known = Known()

TOKENS = 9


def swapped_and_repeated(rng, written_len, target_len):
    """The first two tokens are written the wrong way round, the first of the target twice; no other token repeats."""
    target = 1 + rng.permutation(TOKENS)[:target_len]
    written = target[[1, 0, 0, *range(2, target_len)]]
    return {"written": written[:written_len], "target": target}


def few_different_tokens(rng, written_len, target_len):
    """So few that many of them are equal by chance, and the first ones always are."""
    written, target = (rng.integers(1, 4, size=length) for length in (written_len, target_len))
    written[0] = target[0]
    return {"written": written, "target": target}


def nothing_written(rng, written_len, target_len):
    return {"written": np.zeros(0, dtype=np.int64), "target": 1 + rng.permutation(TOKENS)[:target_len]}


def reference(written, target):
    return _fill(written, target, _borders(written, target))


def _borders(written, target):
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=np.int64)
    table[:, 0] = np.arange(len(written) + 1)
    table[0] = np.arange(len(target) + 1)
    return table


def _fill(written, target, table, least=min, replaced=1):
    """Fill in a table whose first row and column are given; `replaced` is what a replacement costs."""
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            table[row, column] = least(
                table[row - 1, column] + 1,
                table[row, column - 1] + 1,
                table[row - 1, column - 1] + replaced * (token != wanted),
            )
    return table


@known.mistake
def first_row_of_zeros(written, target):
    """The first row is 0 throughout: as if a text came from nothing without a single insertion. It counts 0, 1, 2, ...,
    one insertion for each token."""
    table = _borders(written, target)
    table[0] = 0
    return _fill(written, target, table)


@known.mistake
def first_column_of_zeros(written, target):
    """The first column is 0 throughout: as if a text became nothing without a single deletion. It counts 0, 1, 2, ...,
    one deletion for each token."""
    table = _borders(written, target)
    table[:, 0] = 0
    return _fill(written, target, table)


@known.mistake
def borders_of_zeros(written, target):
    """The first row and the first column are 0 throughout. From nothing every token is inserted, to nothing every token
    is deleted: both count 0, 1, 2, ..."""
    return _fill(written, target, np.zeros_like(_borders(written, target)))


@known.mistake
def replacement_costs_two(written, target):
    """A replacement counts as two edits here, as if it were a deletion and an insertion, or it is no choice at all.
    It is one edit of its own: one more than the entry diagonally above."""
    return _fill(written, target, _borders(written, target), replaced=2)


@known.mistake
def replacement_for_free(written, target):
    """The entry diagonally above is taken over even where the two tokens differ, so that a replacement costs nothing.
    It costs one edit; equal tokens cost none."""
    return _fill(written, target, _borders(written, target), replaced=0)


@known.mistake
def equal_tokens_cost_one(written, target):
    """Every step costs one edit, even where the two tokens are equal. Then nothing has to be done: the entry diagonally
    above, as it is."""
    table = _borders(written, target)
    for row in range(1, len(written) + 1):
        for column in range(1, len(target) + 1):
            table[row, column] = 1 + min(table[row - 1, column], table[row, column - 1], table[row - 1, column - 1])
    return table


@known.mistake
def equal_tokens_make_all_free(written, target):
    """Where the two tokens are equal, the least of all three neighbors is taken over without an edit. That is right for
    the diagonal alone: an insertion or a deletion is one edit whatever the tokens are."""
    table = _borders(written, target)
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            neighbors = table[row - 1, column], table[row, column - 1], table[row - 1, column - 1]
            table[row, column] = min(neighbors) + (token != wanted)
    return table


@known.mistake
def condition_upside_down(written, target):
    """The condition is upside down: equal tokens cost one edit, different ones none."""
    table = _borders(written, target)
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            replaced = table[row - 1, column - 1] + (token == wanted)
            table[row, column] = min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table


@known.mistake
def row_plus_column(written, target):
    """Each entry is row plus column, as if everything written were deleted and all of the target inserted. Either the
    diagonal is missing, or max stands where min belongs. Take the least of all three ways."""
    return _fill(written, target, _borders(written, target), least=max)


@known.mistake
def insertions_missing(written, target):
    """Insertions are missing: an entry comes from above or diagonally, never from the left. All three ways count, and
    the least of them is taken."""
    return _fill(written, target, _borders(written, target), least=lambda up, _, diagonal: min(up, diagonal))


@known.mistake
def deletions_missing(written, target):
    """Deletions are missing: an entry comes from the left or diagonally, never from above. All three ways count, and
    the least of them is taken."""
    return _fill(written, target, _borders(written, target), least=lambda _, left, diagonal: min(left, diagonal))


@known.mistake
def positions_that_differ(written, target):
    """Every entry comes from the one diagonally above: tokens are compared place by place, and one too many in front
    spoils all that follow. Insertions and deletions count as well: take the least of all three ways."""
    return _fill(written, target, _borders(written, target), least=lambda up, left, diagonal: diagonal)


@known.mistake
def swap_counts_once(written, target):
    """Two neighbors written the wrong way round count as one edit here. That is a distance of its own; this one knows
    insertion, deletion and replacement, and a swap takes two of them."""
    table = _borders(written, target)
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            table[row, column] = min(
                table[row - 1, column] + 1,
                table[row, column - 1] + 1,
                table[row - 1, column - 1] + (token != wanted),
            )
            if row > 1 and column > 1 and token == target[column - 2] and written[row - 2] == wanted:
                table[row, column] = min(table[row, column], table[row - 2, column - 2] + 1)
    return table


@known.mistake
def tokens_in_common(written, target):
    """This is the length of the longest row of tokens that both have in common: it grows where tokens are equal. The
    distance counts what has to be done where they differ."""
    table = np.zeros_like(_borders(written, target))
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            table[row, column] = max(
                table[row - 1, column], table[row, column - 1], table[row - 1, column - 1] + (token == wanted)
            )
    return table


@known.mistake
def most_where_they_differ(written, target):
    """Equal tokens are right; where the tokens differ, the most expensive of the three ways is taken. The distance is
    the least number of edits: min, not max."""
    table = _borders(written, target)
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            neighbors = table[row - 1, column], table[row, column - 1], table[row - 1, column - 1]
            table[row, column] = neighbors[-1] if token == wanted else 1 + max(neighbors)
    return table


@known.mistake
def one_list_for_all_rows(written, target):
    """All rows of the table are one and the same list, so what is written into one is written into all:
    [[0] * columns] * rows holds the same list many times. Make a new list for each row, or take np.zeros."""
    table = [[0] * (len(target) + 1)] * (len(written) + 1)
    for row in range(len(written) + 1):
        table[row][0] = row
    for column in range(len(target) + 1):
        table[0][column] = column
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            table[row][column] = min(
                table[row - 1][column] + 1,
                table[row][column - 1] + 1,
                table[row - 1][column - 1] + int(token != wanted),
            )
    return np.array(table)


@known.mistake
def least_by_numpy(written, target):
    """Python's min takes several numbers, np.min one array, np.minimum two."""
    table = _borders(written, target)
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            replaced = table[row - 1, column - 1] + (token != wanted)
            table[row, column] = np.min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table


@known.mistake
def one_token_late(written, target):
    """The tokens are looked up at the number of the row and the column, and the last one does not exist. Row 1 is about
    token 0: look one place before."""
    table = _borders(written, target)
    for row in range(1, len(written) + 1):
        for column in range(1, len(target) + 1):
            replaced = table[row - 1, column - 1] + (written[row] != target[column])
            table[row, column] = min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table


@known.mistake
def last_ones_left_out(written, target):
    """The last row and the last column were never reached: apart from their borders they are still 0. The loops run
    from 1 to the number of tokens, and range leaves its end out."""
    table = _borders(written, target)
    _fill(written[:-1], target[:-1], table)
    return table


@known.mistake
def borders_missing(written, target):
    """The row and the column of the empty beginnings are missing. The table has one row more than tokens written, and
    one column more than the target has."""
    return reference(written, target)[1:, 1:]


@known.mistake
def written_in_columns(written, target):
    """The table is right but turned around: one row for each beginning of what was written, one column for each of the
    target."""
    return reference(written, target).T


@known.mistake
def distance_alone(written, target):
    """This is the distance alone. It is right; the task asks for the whole table, whose last entry it is."""
    return reference(written, target)[-1, -1]


@known.mistake
def numbers_with_a_point(written, target):
    """The numbers are right, but they are floating-point numbers: np.zeros makes those unless told otherwise. Edits are
    counted in integers: dtype=int."""
    return reference(written, target).astype(np.float64)


@known.always
def rows_differ(inputs, output):
    """All rows of your table are equal. If it was made by [[0] * columns] * rows, they are one and the same list: make
    a new one for each row."""
    return len(output) < 2 or not (output == output[0]).all()


@known.always
def borders_count_up(inputs, output):
    """The first row and the first column should count 0, 1, 2, ...: from nothing every token is inserted, to nothing
    every token is deleted."""
    return all(np.array_equal(border, np.arange(len(border))) for border in (output[0], output[:, 0]))


@known.always
def never_more_than_the_longer(inputs, output):
    """No entry can exceed the longer of its two beginnings: replace tokens one by one and insert or delete the rest."""
    rows, columns = np.indices(output.shape)
    return bool((output <= np.maximum(rows, columns)).all())


@known.legal
def by_recursion(written, target):
    @functools.cache
    def distance(row, column):
        if not row or not column:
            return row + column
        if written[row - 1] == target[column - 1]:
            return distance(row - 1, column - 1)
        return 1 + min(distance(row - 1, column), distance(row, column - 1), distance(row - 1, column - 1))

    return np.array([[distance(row, column) for column in range(len(target) + 1)] for row in range(len(written) + 1)])


@known.legal
def row_by_row(written, target):
    rows = [list(range(len(target) + 1))]
    for token in written:
        current = [rows[-1][0] + 1]
        for column, wanted in enumerate(target):
            current.append(min(rows[-1][column] + (token != wanted), rows[-1][column + 1] + 1, current[-1] + 1))
        rows.append(current)
    return np.array(rows)


@known.legal
def a_row_at_once(written, target):
    """Insertions along a row by a running minimum: what comes from the left costs one more for each column."""
    columns = np.arange(len(target) + 1)
    table = [columns]
    for token in written:
        above = table[-1]
        best = np.minimum(above + 1, np.append(above[0] + 1, above[:-1] + (target != token)))
        table.append(np.minimum.accumulate(best - columns) + columns)
    return np.stack(table)


@known.legal
def equal_tokens_first(written, target):
    table = np.add.outer(np.arange(len(written) + 1), np.arange(len(target) + 1))
    for row in range(1, len(written) + 1):
        for column in range(1, len(target) + 1):
            if written[row - 1] == target[column - 1]:
                table[row, column] = table[row - 1, column - 1]
            else:
                table[row, column] = 1 + table[row - 1 : row + 1, column - 1 : column + 1].ravel()[:3].min()
    return table


@known.borrowed
def by_course_lib(written, target):
    from course_lib.evaluation import edit_distance

    return np.array(
        [
            [edit_distance(written[:row], target[:column]) for column in range(len(target) + 1)]
            for row in range(len(written) + 1)
        ]
    )


TASK = Task(
    id="11.edit_distances",
    title="How many edits",
    difficulty=2,
    minutes=15,
    reference=reference,
    draw=swapped_and_repeated,
    cases=(
        Case("4 tokens written, 3 said", dict(written_len=4, target_len=3), points=2),
        Case("5 tokens written, 7 said", dict(written_len=5, target_len=7), points=2),
        Case("few different tokens", dict(written_len=8, target_len=6), draw=few_different_tokens),
        Case("nothing written", dict(written_len=0, target_len=4), draw=nothing_written),
    ),
    finished=("course_lib.evaluation.edit_distance", "course_lib.evaluation.character_error_rate"),
    hints=(
        "Fill in the table of the example with a pencil, its borders first. What turns nothing into 3 1 4?",
        (
            "In row i and column j, the last tokens are written[i - 1] and target[j - 1]. Delete the one, insert the "
            "other, or turn the one into the other: which entry of the table is the step before, in each of the three?"
        ),
        (
            "Delete: the entry above, plus 1. Insert: the entry on the left, plus 1. Replace: the entry diagonally "
            "above, plus 1 if the two tokens differ, plus 0 if they are equal. The least of the three is the entry."
        ),
        (
            "Start with `table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)`, then fill `table[0]` and "
            "`table[:, 0]` by np.arange. Two loops from 1 fill in the rest."
        ),
    ),
    **known.ways,
)
