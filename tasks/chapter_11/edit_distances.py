"""11.edit_distances: the table of edits between all beginnings of two texts (Wagner and Fischer 1974)."""

import collections
import functools

import numpy as np

from grader.known import Known
from grader.stages import Stage
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
    written, target = (rng.integers(0, 3, size=length) for length in (written_len, target_len))
    written[0] = target[0]
    return {"written": written, "target": target}


def nothing_written(rng, target_len):
    return {"written": np.zeros(0, dtype=np.int64), "target": 1 + rng.permutation(TOKENS)[:target_len]}


def nothing_said(rng, written_len):
    return {"written": 1 + rng.permutation(TOKENS)[:written_len], "target": np.zeros(0, dtype=np.int64)}


def one_too_many_and_one_missing(rng, length):
    target = 1 + rng.permutation(TOKENS)[:length]
    written = np.concatenate([target[:3], [0], target[3:-2], target[-1:]])
    return {"written": written, "target": target}


def one_token_each(rng):
    written, target = rng.permutation(TOKENS)[:2]
    return {"written": np.array([written]), "target": np.array([target])}


def the_example(rng):
    return {"written": np.array([3, 4]), "target": np.array([3, 1, 4])}


def reference(written, target):
    table = np.add.outer(np.arange(len(written) + 1), np.arange(len(target) + 1))
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            replaced = table[row - 1, column - 1] + (token != wanted)
            table[row, column] = min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table


@Stage
def borders(written, target):
    return list(range(len(target) + 1)), list(range(len(written) + 1))


@borders.slip
def first_row_of_zeros(written, target):
    """The first row is 0 throughout: as if a text came from nothing without a single insertion. It counts 0, 1, 2, ...,
    one insertion for each token."""
    return [0] * (len(target) + 1), list(range(len(written) + 1))


@borders.slip
def first_column_of_zeros(written, target):
    """The first column is 0 throughout: as if a text became nothing without a single deletion. It counts 0, 1, 2, ...,
    one deletion for each token."""
    return list(range(len(target) + 1)), [0] * (len(written) + 1)


@borders.slip
def borders_of_zeros(written, target):
    """The first row and the first column are 0 throughout. From nothing every token is inserted, to nothing every token
    is deleted: both count 0, 1, 2, ..."""
    return [0] * (len(target) + 1), [0] * (len(written) + 1)


@borders.slip
def borders_from_one(written, target):
    """The first row and the first column count 1, 2, 3, .... They begin with 0: from nothing to nothing it takes no
    edit."""
    return list(range(1, len(target) + 2)), list(range(1, len(written) + 2))


@borders.slip
def borders_of_ones(written, target):
    """The first row and the first column begin with 0, and behind it they are 1 throughout. They count 0, 1, 2, ...,
    one edit for each token."""
    return [min(column, 1) for column in range(len(target) + 1)], [min(row, 1) for row in range(len(written) + 1)]


@Stage
def replaced(written, target):
    """What the step from the diagonal costs, for each two tokens."""
    return (written[:, None] != target).astype(int).tolist()


@replaced.slip
def replacement_costs_two(written, target):
    """A replacement counts as two edits here, as if it were a deletion and an insertion, or it is no choice at all.
    It is one edit of its own: one more than the entry diagonally above."""
    return (2 * (written[:, None] != target)).tolist()


@replaced.slip
def replacement_for_free(written, target):
    """It is as if the two tokens were always equal: the step from the diagonal costs nothing even where they differ. A
    replacement costs one edit; equal tokens cost none."""
    return np.zeros((len(written), len(target)), dtype=int).tolist()


@replaced.slip
def equal_tokens_cost_one(written, target):
    """It is as if the two tokens always differed: the step from the diagonal costs one edit even where they are equal.
    Then nothing has to be done: the entry diagonally above, as it is."""
    return np.ones((len(written), len(target)), dtype=int).tolist()


@replaced.slip
def one_more_on_the_diagonal(written, target):
    """The step from the diagonal costs one edit more than it should: 1 where the tokens are equal, 2 where they differ.
    It is 0 and 1."""
    return (1 + (written[:, None] != target)).tolist()


@replaced.slip
def condition_upside_down(written, target):
    """Equal tokens cost one edit, different ones none. It is the other way round."""
    return (written[:, None] == target).astype(int).tolist()


@replaced.slip
def difference_of_the_tokens(written, target):
    """A replacement costs the difference of the tokens' numbers. Any token replaces any other for one edit."""
    return np.abs(written[:, None] - target).tolist()


@replaced.slip
def next_tokens_compared(written, target):
    """The tokens are compared one place too late. Row 1 and column 1 are about token number 0 of each text."""
    return (np.roll(written, -1)[:, None] != np.roll(target, -1)).astype(int).tolist()


@replaced.slip
def tokens_from_the_end(written, target):
    """Both texts are gone through from their ends: row i is about the last i tokens. It is about the first i."""
    return (written[::-1, None] != target[::-1]).astype(int).tolist()


@Stage
def deleted():
    return 1


@deleted.slip
def deletion_for_free():
    """A deletion costs nothing: the entry above is taken over as it is. It is one edit."""
    return 0


@deleted.slip
def deletion_costs_two():
    """A deletion costs two edits. It is one: the entry above, plus 1."""
    return 2


@deleted.slip
def no_deletions():
    """Deletions are missing: no entry comes from above. All three ways count, and the least of them is taken."""
    return None


@Stage
def inserted():
    return 1


@inserted.slip
def insertion_for_free():
    """An insertion costs nothing: the entry on the left is taken over as it is. It is one edit."""
    return 0


@inserted.slip
def insertion_costs_two():
    """An insertion costs two edits. It is one: the entry on the left, plus 1."""
    return 2


@inserted.slip
def no_insertions():
    """Insertions are missing: no entry comes from the left. All three ways count, and the least of them is taken."""
    return None


@Stage
def table(borders, replaced, deleted, inserted):
    return _fill(borders, replaced, deleted, inserted)


def _fill(borders, replaced, deleted, inserted, least=min):
    """Fill in a table from its first row and column; what a way costs that is not gone is None."""

    def entry(cost, up, left, diagonal):
        three = (up, deleted), (left, inserted), (diagonal, cost)
        return least(start + way for start, way in three if way is not None)

    return _filled_by(entry, borders, replaced)


def _filled_by(entry, borders, costs):
    """Fill in a table by a function of (what stands in `costs`, above, left, diagonal)."""
    row, column = borders
    rows = [row]
    for of_row, start in zip(costs, column[1:], strict=True):
        above, current = rows[-1], [start]
        for place, cost in enumerate(of_row):
            current.append(entry(cost, above[place + 1], current[-1], above[place]))
        rows.append(current)
    return np.array(rows)


def _by_neighbors(entry, borders, written, target):
    """Fill in a table by a function of (whether the tokens are equal, above, left, diagonal)."""
    return _filled_by(entry, borders, (written[:, None] == target).tolist())


@table.slip
def row_plus_column(borders, replaced, deleted, inserted):
    """It is as if everything written had to be deleted and all of the target inserted: the largest of the three ways is
    taken, or the diagonal is no choice. Take the least of all three."""
    return _fill(borders, replaced, deleted, inserted, max)


@table.slip
def last_ones_left_out(borders, replaced, deleted, inserted):
    """The last row and the last column were never reached: apart from their borders they are still 0. Rows and
    columns count up to the number of tokens, that number too; range leaves its end out."""
    found = _fill(borders, replaced, deleted, inserted)
    if min(found.shape) > 1:
        found[-1, 1:] = found[1:, -1] = 0
    return found


@table.slip
def sum_of_all_three(borders, replaced, deleted, inserted):
    """The three ways are added up. The least of them is taken."""
    return _fill(borders, replaced, deleted, inserted, sum)


@table.slip
def equal_tokens_make_all_free(borders, written, target):
    """Where the two tokens are equal, the least of all three neighbors is taken over without an edit. That is right for
    the diagonal alone: an insertion or a deletion is one edit whatever the tokens are."""
    return _by_neighbors(lambda equal, *three: min(three) + (not equal), borders, written, target)


@table.slip
def zeros_inside(borders, replaced):
    """All entries behind the borders are 0. Each is the least of three ways, and each way costs one edit, but for equal
    tokens on the diagonal."""
    return _filled_by(lambda *_: 0, borders, replaced)


@table.slip
def zero_where_equal(borders, written, target):
    """Where the two tokens are equal, the entry is 0. It is the entry diagonally above: what came before them still has
    to be edited."""
    return _by_neighbors(lambda equal, *three: 0 if equal else 1 + min(three), borders, written, target)


@table.slip
def most_where_they_differ(borders, written, target):
    """Where the tokens differ, the most expensive of the three ways is taken, and the diagonal where they are equal.
    The distance is the least number of edits: take the least."""
    return _by_neighbors(lambda equal, *three: three[-1] if equal else 1 + max(three), borders, written, target)


@table.slip
def step_from_the_diagonal_alone(borders, replaced):
    """Every entry comes from the one diagonally above: tokens are compared place by place, and one too many in front
    spoils all that follow. Insertions and deletions count as well: take the least of all three ways."""
    return _fill(borders, replaced, None, None)


@Stage
def laid(table):
    return table


@laid.slip
def written_in_columns(table):
    """The table is turned around. One row for each beginning of what was written, one column for each of the target."""
    return table.T


@laid.slip
def borders_missing(table):
    """The row and the column of the empty beginnings are missing. The table has one row more than tokens written, and
    one column more than the target has."""
    return table[1:, 1:]


@laid.slip
def distance_alone(table):
    """This is one number, the last entry alone. The task asks for the whole table, whose last entry is the distance."""
    return table[-1, -1]


@laid.slip
def last_row_alone(table):
    """This is the last row of the table alone. The task asks for all rows."""
    return table[-1]


@laid.slip
def first_row_dropped(table):
    """The first row is missing, that of nothing written. The table has one row more than tokens written."""
    return table[1:]


@laid.slip
def first_column_dropped(table):
    """The first column is missing, that of an empty target. The table has one column more than the target has
    tokens."""
    return table[:, 1:]


@laid.slip
def numbers_with_a_point(table):
    """The table holds floating-point numbers: np.zeros makes those unless told otherwise. Edits are counted in
    integers: dtype=int."""
    return table.astype(np.float64)


@laid.slip
def divided_by_the_longer(table, written, target):
    """All entries are divided by the length of the longer text. The table holds the numbers of edits themselves."""
    return table / max(len(written), len(target), 1)


@laid.slip
def divided_by_the_target(table, target):
    """All entries are divided by the length of the target. The table holds the numbers of edits themselves."""
    return table / max(len(target), 1)


@known.mistake
def swap_counts_once(written, target):
    """Two neighbors written the wrong way round count as one edit here. That is a distance of its own; this one knows
    insertion, deletion and replacement, and a swap takes two of them."""
    table = np.add.outer(np.arange(len(written) + 1), np.arange(len(target) + 1))
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
    """This is how many tokens both have in common in the same order, whether or not others stand between them: it grows
    where tokens are equal. The distance counts what has to be done where they differ."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            table[row, column] = max(
                table[row - 1, column], table[row, column - 1], table[row - 1, column - 1] + (token == wanted)
            )
    return table


@known.mistake
def equal_runs(written, target):
    """This is the length of the run of equal tokens that ends at each place. The distance counts what has to be done
    where they differ."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    for row, column in np.ndindex(len(written), len(target)):
        if written[row] == target[column]:
            table[row + 1, column + 1] = table[row, column] + 1
    return table


@known.mistake
def whether_they_differ(written, target):
    """Each entry says whether the two tokens differ, by 1 or 0, and nothing is added up. It is the least of three: the
    entry above plus 1, the one on the left plus 1, and the one diagonally above plus that."""
    table = np.add.outer(np.arange(len(written) + 1), np.arange(len(target) + 1))
    table[1:, 1:] = written[:, None] != target
    return table


@known.mistake
def place_by_place(written, target):
    """Each entry counts the places at which the two beginnings differ, and what the one is longer than the other. One
    token too many in front spoils all places behind it: take the least of all three ways."""
    table = np.abs(np.subtract.outer(np.arange(len(written) + 1), np.arange(len(target) + 1)))
    for row, column in np.ndindex(*table.shape):
        shorter = min(row, column)
        table[row, column] += np.count_nonzero(written[:shorter] != target[:shorter])
    return table


@known.mistake
def tokens_counted(written, target):
    """Each entry counts which tokens one text has more than the other, wherever they stand. Their order counts, too."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    for row, column in np.ndindex(*table.shape):
        one, other = (collections.Counter(text.tolist()) for text in (written[:row], target[:column]))
        table[row, column] = max((one - other).total(), (other - one).total())
    return table


def _empty_table(written, target):
    """Return the table with its borders filled in."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    table[0], table[:, 0] = np.arange(len(target) + 1), np.arange(len(written) + 1)
    return table


@known.mistake
def all_zeros(written, target):
    """The table is 0 throughout. The first row and the first column count 0, 1, 2, ..., and every other entry is the
    least of three."""
    return np.zeros((len(written) + 1, len(target) + 1), dtype=int)


@known.mistake
def last_column_left_out(written, target):
    """The last column was never reached: apart from its border it is still 0. The columns count up to the number of
    tokens, that number too; range leaves its end out."""
    table = _empty_table(written, target)
    table[:, : max(1, len(target))] = reference(written, target[:-1])
    return table


@known.mistake
def last_row_left_out(written, target):
    """The last row was never reached: apart from its border it is still 0. The rows count up to the number of tokens,
    that number too; range leaves its end out."""
    table = _empty_table(written, target)
    table[: max(1, len(written))] = reference(written[:-1], target)
    return table


@known.mistake
def first_token_alone(written, target):
    """Row 1 alone is filled in: behind it all but the border is still 0. Every row is gone through before the table is
    returned."""
    table = _empty_table(written, target)
    table[:2] = reference(written[:1], target)
    return table


@known.mistake
def one_place_early(written, target):
    """The entries are written one place too early: the first row and the first column are written over, and the last
    ones stay 0. Token number 0 belongs to row 1 and column 1."""
    table = _empty_table(written, target)
    for i, j in np.ndindex(len(written), len(target)):
        three = table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (written[i] != target[j])
        table[i, j] = min(three)
    return table


@known.mistake
def no_room_for_the_borders(written, target):
    """The table has no row and no column for the empty beginnings, and what would come from there is looked up at place
    -1, the last one. It has one row more than tokens written, and one column more than the target has."""
    table = np.zeros((len(written), len(target)), dtype=int)
    for i, j in np.ndindex(*table.shape):
        three = table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (written[i] != target[j])
        table[i, j] = min(three)
    return table


@known.mistake
def equal_tokens_from_the_left(written, target):
    """Where the two tokens are equal, the entry on the left is taken over. It is the one diagonally above."""
    return _from_a_neighbor(written, target, lambda up, left: left)


@known.mistake
def equal_tokens_from_above(written, target):
    """Where the two tokens are equal, the entry above is taken over. It is the one diagonally above."""
    return _from_a_neighbor(written, target, lambda up, left: up)


def _from_a_neighbor(written, target, equal):
    table = _empty_table(written, target)
    for i, j in np.ndindex(len(written), len(target)):
        up, left, diagonal = table[i, j + 1], table[i + 1, j], table[i, j]
        table[i + 1, j + 1] = equal(up, left) if written[i] == target[j] else 1 + min(up, left, diagonal)
    return table


@known.mistake
def whole_texts_compared(written, target):
    """The whole texts are compared where two tokens should be: the last of what is written so far, and of the
    target."""
    table = _empty_table(written, target)
    for i in range(1, len(written) + 1):
        for j in range(1, len(target) + 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (written != target))
    return table


@known.mistake
def borders_exchanged(written, target):
    """The numbers that count one text are put into the border of the other, and they do not fit. The first row counts
    the tokens of the target, the first column what was written."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    table[0] = np.arange(len(written) + 1)
    table[:, 0] = np.arange(len(target) + 1)
    return _go_through(table, written, target)


@known.mistake
def row_not_filled_yet(written, target):
    """The entries on the left are looked up while they are still 0: the row is computed all at once. Each entry needs
    the one on its left first."""
    table = _empty_table(written, target)
    for row, token in enumerate(written, start=1):
        above = table[row - 1]
        table[row, 1:] = np.minimum.reduce([above[1:] + 1, table[row, :-1] + 1, above[:-1] + (token != target)])
    return table


@known.mistake
def number_for_an_empty_text(written, target):
    """Where one of the texts is empty, what comes back is the length of the other. The table is asked for there, too:
    one row, or one column."""
    if not len(written) or not len(target):
        return max(len(written), len(target))
    return reference(written, target)


@known.mistake
def one_list_for_all_rows(written, target):
    """All rows of the table are one and the same list, so what is written into one is written into all, the borders
    too. Make a new list for each row, or take np.zeros."""
    table = [[0] * (len(target) + 1)] * (len(written) + 1)
    for row in range(len(written) + 1):
        table[row][0] = row
    for column in range(len(target) + 1):
        table[0][column] = column
    return np.array(_go_through(table, written, target))


@known.mistake
def one_list_for_all_rows_row_first(written, target):
    """What is written into one row of the table is written into all of them, because they are one and the same list.
    Make a new list for each row, or take np.zeros."""
    table = [[0] * (len(target) + 1)] * (len(written) + 1)
    for column in range(len(target) + 1):
        table[0][column] = column
    for row in range(len(written) + 1):
        table[row][0] = row
    return np.array(_go_through(table, written, target))


@known.mistake
def one_list_for_all_rows_one_by_one(written, target):
    """The rows of the table are one and the same list, and each row is written over the one before. Make a new list for
    each row, or take np.zeros."""
    table = [[0] * (len(target) + 1)] * (len(written) + 1)
    for column in range(len(target) + 1):
        table[0][column] = column
    for row, token in enumerate(written, start=1):
        table[row][0] = row
        _go_through(table, [token], target, row)
    return np.array(table)


def _go_through(table, written, target, first=1):
    for row, token in enumerate(written, start=first):
        for column, wanted in enumerate(target, start=1):
            table[row][column] = min(
                table[row - 1][column] + 1,
                table[row][column - 1] + 1,
                table[row - 1][column - 1] + int(token != wanted),
            )
    return table


@known.mistake
def least_by_numpy(written, target):
    """Python's min takes several numbers, np.min one array, np.minimum two."""
    table = _empty_table(written, target)
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            replaced = table[row - 1, column - 1] + (token != wanted)
            table[row, column] = np.min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table


@known.mistake
def least_by_numpy_of_tokens(written, target):
    """np.min takes the least of one array, and its second argument is an axis. Python's min takes several numbers."""
    table = _empty_table(written, target)
    for i in range(1, len(written) + 1):
        for j in range(1, len(target) + 1):
            table[i, j] = np.min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (written[i - 1] != target[j - 1])
            )
    return table


@known.mistake
def one_token_late(written, target):
    """A token is looked up one place behind the end of its text. Row 1 is about token 0: row i looks at written[i - 1],
    column j at target[j - 1], and the last row and column are number len(written) and len(target)."""
    table = _empty_table(written, target)
    for row in range(1, len(written) + 1):
        for column in range(1, len(target) + 1):
            replaced = table[row - 1, column - 1] + (written[row] != target[column])
            table[row, column] = min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table


@known.mistake
def target_by_the_row(written, target):
    """The token of the target is looked up by the number of the row. Rows belong to what was written, columns to the
    target."""
    table = _empty_table(written, target)
    for row in range(1, len(written) + 1):
        for column in range(1, len(target) + 1):
            replaced = table[row - 1, column - 1] + (written[row - 1] != target[row - 1])
            table[row, column] = min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table


@known.mistake
def tokens_of_the_other_text(written, target):
    """The tokens are looked up crosswise: what was written by the column, the target by the row. Rows belong to what
    was written, columns to the target."""
    table = _empty_table(written, target)
    for row in range(1, len(written) + 1):
        for column in range(1, len(target) + 1):
            replaced = table[row - 1, column - 1] + (written[column - 1] != target[row - 1])
            table[row, column] = min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table


@known.mistake
def table_too_small(written, target):
    """The table has one row and one column too few, and the last entries have no place in it. It has one row more than
    tokens written, and one column more than the target has."""
    table = np.zeros((len(written), len(target)), dtype=int)
    table[0] = np.arange(len(target) + 1)
    return table


@known.mistake
def table_too_small_column_first(written, target):
    """The table has a row and a column too few, and the numbers of the first column do not fit. It has one row more
    than tokens written, and one column more than the target has."""
    table = np.zeros((len(written), len(target)), dtype=int)
    table[:, 0] = np.arange(len(written) + 1)
    return table


@known.mistake
def first_row_too_short(written, target):
    """The first row has a column more than the target has tokens, and one number too few is there to fill it. It counts
    from 0 up to the number of tokens, that number too."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    table[0] = np.arange(len(target))
    table[:, 0] = np.arange(len(written) + 1)
    return _go_through(table, written, target)


@known.mistake
def first_column_too_short(written, target):
    """The first column has a row more than tokens were written, and one number too few is there to fill it. It counts
    from 0 up to the number of tokens, that number too."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    table[:, 0] = np.arange(len(written))
    table[0] = np.arange(len(target) + 1)
    return _go_through(table, written, target)


@known.mistake
def borders_too_short(written, target):
    """The first row and the first column are one longer than the texts, and one number too few is there to fill each.
    They count from 0 up to the number of tokens, that number too."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    table[0] = np.arange(len(target))
    table[:, 0] = np.arange(len(written))
    return _go_through(table, written, target)


@known.mistake
def borders_too_short_column_first(written, target):
    """The first column and the first row are one longer than the texts: numbers up to the number of tokens fill them,
    that number too. Here one is missing in each."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    table[:, 0] = np.arange(len(written))
    table[0] = np.arange(len(target))
    return _go_through(table, written, target)


@known.mistake
def square_table(written, target):
    """The table has as many columns as rows, and the first row has no place in it. It has one row more than tokens
    written, and one column more than the target has."""
    table = np.zeros((len(written) + 1, len(written) + 1), dtype=int)
    table[0] = np.arange(len(target) + 1)
    table[:, 0] = np.arange(len(written) + 1)
    return np.array(_go_through(table, written, target))


@known.mistake
def rows_and_columns_exchanged(written, target):
    """The numbers for one text are put into the border of the other, and the texts differ in length. Rows belong to
    what was written, columns to the target: the first column counts what was written, the first row the target."""
    table = np.zeros((len(target) + 1, len(written) + 1), dtype=int)
    table[0] = np.arange(len(target) + 1)
    table[:, 0] = np.arange(len(written) + 1)
    return np.array(_go_through(table, written, target))


@known.mistake
def rows_and_columns_exchanged_in_loops(written, target):
    """The table has a row for each token of the target and a column for each that was written. Rows belong to what was
    written: (len(written) + 1, len(target) + 1)."""
    table = np.zeros((len(target) + 1, len(written) + 1), dtype=int)
    for row in range(len(written) + 1):
        table[row, 0] = row
    for column in range(len(target) + 1):
        table[0, column] = column
    return np.array(_go_through(table, written, target))


@known.mistake
def borders_exchanged_in_loops(written, target):
    """The first column is filled in as far as the target has tokens, the first row as far as tokens were written. It is
    the other way round: rows belong to what was written, columns to the target."""
    table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)
    for row in range(len(target) + 1):
        table[row, 0] = row
    for column in range(len(written) + 1):
        table[0, column] = column
    return np.array(_go_through(table, written, target))


@known.mistake
def zeros_left_out(written, target):
    """The token 0 is left out of both texts, as if it were filling. Here it is a token like any other."""
    return reference(written[written != 0], target[target != 0])


@known.mistake
def cut_off_at_zero(written, target):
    """Both texts end before their first 0, as if it were their END. Here 0 is a token like any other, and all tokens
    count."""
    return reference(*(text[: np.append(text == 0, True).argmax()] for text in (written, target)))


@known.mistake
def shape_in_two_arguments(written, target):
    """np.zeros, like np.ones and np.empty, takes the shape as one argument, in brackets of its own; the second argument
    is the dtype."""
    m, n = len(written), len(target)
    return np.zeros(m + 1, n + 1)


@known.mistake
def shape_in_two_arguments_at_once(written, target):
    """The second argument of np.zeros is a dtype, as it is of np.ones and np.empty. The shape is one argument, in
    brackets of its own."""
    return np.zeros(len(written) + 1, len(target) + 1)


@known.probe
def a_table_by_hand(rng):
    yours = yield {"written": np.array([5]), "target": np.array([5, 7])}
    return _told(yours, [[0, 1, 2], [1, 0, 1]], "5 was written, and 5 7 said")


@known.probe
def nothing_in_common(rng):
    yours = yield {"written": np.array([1, 2]), "target": np.array([3, 4, 5])}
    return _told(yours, [[0, 1, 2, 3], [1, 1, 2, 3], [2, 2, 2, 3]], "1 2 was written, and 3 4 5 said")


@known.probe
def all_right(rng):
    text = np.array([2, 6, 4, 8])
    yours = yield {"written": text, "target": text.copy()}
    if yours[-1, -1] != 0:
        return f"When exactly the target is written, your last entry is {yours[-1, -1]}; it takes no edit."
    return None


@known.probe
def both_ways(rng):
    one, other = 1 + rng.permutation(TOKENS)[:4], 1 + rng.permutation(TOKENS)[:6]
    there = yield {"written": one, "target": other}
    back = yield {"written": other, "target": one}
    if not np.array_equal(there, back.T):
        return (
            "What is a deletion on the way from one text to another is an insertion on the way back, so the tables of "
            "the two ways should be each other's transposes. Yours are not: their last entries are "
            f"{there[-1, -1]} and {back[-1, -1]}."
        )
    return None


def _told(yours, expected, texts):
    if np.array_equal(yours, expected):
        return None
    row, column = map(int, np.argwhere(yours != np.array(expected))[0])
    return (
        f"Where {texts}, your table holds {yours[row, column]} at [{row}, {column}]; it takes {expected[row][column]} "
        f"to turn the first {row} written into the first {column} of the target."
    )


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
    optional=True,
    reference=reference,
    draw=swapped_and_repeated,
    cases=(
        Case("the example of the text", {}, draw=the_example),
        Case("4 tokens written, 3 said", dict(written_len=4, target_len=3)),
        Case("5 tokens written, 7 said", dict(written_len=5, target_len=7)),
        Case("few different tokens", dict(written_len=8, target_len=6), draw=few_different_tokens),
        Case("one token too many, one missing", dict(length=7), draw=one_too_many_and_one_missing),
        Case("one token each", {}, draw=one_token_each),
        Case("nothing written", dict(target_len=4), draw=nothing_written),
        Case("nothing said", dict(written_len=3), draw=nothing_said),
    ),
    finished=("course_lib.evaluation.edit_distance", "course_lib.evaluation.character_error_rate"),
    hints=(
        "Fill in the table of the example with a pencil, its borders first. What turns nothing into 3 1 4?",
        (
            "In row i and column j, the last tokens are written[i - 1] and target[j - 1]. Delete the one, insert the "
            "other, or turn the one into the other: which entry of the table is the step before, in each of the three?"
        ),
        (
            "The borders: `table = np.zeros((len(written) + 1, len(target) + 1), dtype=int)`, then np.arange into "
            "`table[0]` and into `table[:, 0]`. Two loops from 1 fill in the rest, row by row."
        ),
        (
            "In the inner loop, `written[i - 1] != target[j - 1]` is True or False, and in a sum it counts as 1 or 0: "
            "add it to the entry diagonally above. Python's min takes that and the other two numbers."
        ),
    ),
    stages=(borders, replaced, deleted, inserted, table, laid),
    coincidences={
        "no_deletions + no_insertions": "step_from_the_diagonal_alone",
        "borders_of_zeros + replacement_for_free": "all_zeros",
        "borders_of_zeros + deletion_for_free": "all_zeros",
        "borders_of_zeros + insertion_for_free": "all_zeros",
        "borders_of_zeros + zeros_inside": "all_zeros",
    },
    **known.ways,
)
