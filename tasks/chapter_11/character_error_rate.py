"""11.character_error_rate: the edits that all texts need, divided by the characters of all targets."""

import functools

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()

TOKENS = 9


def a_few_edits(rng, batch, written_len, target_len):
    """The first text ends too early, the second has a token too many in front, the others start with a wrong one. END
    is none of the numbers that an answer might take for it: 0, 1, and that of the example."""
    end = int(rng.integers(3, TOKENS + 1))
    tokens = np.setdiff1d(np.arange(TOKENS + 1), [end])
    written, targets = (np.full((batch, length), end) for length in (written_len, target_len))
    for number in range(batch):
        target, other = np.split(rng.permutation(tokens), [target_len - 1 - number])
        match number:
            case 0:
                text = target[: len(target) // 2]
            case 1:
                text = [other[0], *target]
            case _:
                text = [other[0], *target[1:]]
        written[number, : len(text)] = text
        targets[number, : len(target)] = target
    return {"written": written, "targets": targets, "end": end}


def cut_off(rng, batch, written_len, target_len):
    """The second text was cut off at the largest length, before its END; the last one is empty, and so is the target of
    the one before."""
    inputs = a_few_edits(rng, batch, target_len, target_len)
    inputs["written"][-1] = inputs["targets"][-2] = inputs["end"]
    return {**inputs, "written": inputs["written"][:, :written_len]}


def far_too_much(rng, batch, written_len, target_len):
    """A model that does not find the end: it writes more wrong tokens than there are right ones."""
    inputs = a_few_edits(rng, batch, written_len, target_len)
    inputs["written"][:, :-1] = rng.choice(
        np.setdiff1d(np.arange(TOKENS + 1), [inputs["end"]]), size=(batch, written_len - 1)
    )
    return inputs


def full_rows(rng, batch, written_len, target_len):
    """The longest target fills its row, and so does what was written for the one before. Tokens repeat."""
    inputs = a_few_edits(rng, batch, written_len, target_len)
    others = np.setdiff1d(np.arange(TOKENS + 1), [inputs["end"]])
    inputs["targets"][-1] = rng.choice(others[:4], size=target_len)
    inputs["written"][-1, :-1] = rng.choice(others[:4], size=written_len - 1)
    inputs["written"][-2] = rng.choice(others, size=written_len)
    return inputs


def nearly_right(rng, batch, target_len):
    """One text needs two edits, the others none."""
    inputs = a_few_edits(rng, batch, target_len, target_len)
    written = inputs["targets"].copy()
    written[-1, :2] = inputs["targets"][0, :2]
    return {**inputs, "written": written}


def the_example(rng):
    return {
        "written": np.array([[3, 4, 2, 2], [5, 2, 2, 2]]),
        "targets": np.array([[3, 1, 4, 2], [5, 2, 2, 2]]),
        "end": 2,
    }


def one_text(rng):
    return {"written": np.array([[6, 2, 0, 5]]), "targets": np.array([[6, 0, 8, 5, 5]]), "end": 5}


def reference(written, targets, end):
    return sum(_edits(written, targets, end)) / sum(map(len, _texts(targets, end)))


def _texts(rows, end):
    """Return what stands before the first END of each row."""
    return [_before(row, end) for row in rows]


def _before(row, end):
    return row[: (row == end).argmax()] if end in row else row


def _edits(written, targets, end):
    return [_distance(a, b) for a, b in zip(_texts(written, end), _texts(targets, end), strict=True)]


def _distance(written, target):
    return int(_table(written, target)[-1, -1])


def _table(written, target, replacement=1):
    """Return the table of two texts; most of them are asked for many times."""
    return np.array(_rows(*(tuple(np.asarray(text).tolist()) for text in (written, target)), replacement))


@functools.lru_cache(maxsize=10_000)
def _rows(written, target, replacement):
    rows = [list(range(len(target) + 1))]
    for token in written:
        above, current = rows[-1], [rows[-1][0] + 1]
        for column, wanted in enumerate(target):
            replaced = above[column] + replacement * (token != wanted)
            current.append(min(above[column + 1] + 1, current[-1] + 1, replaced))
        rows.append(current)
    return rows


def _characters(rows, end):
    return sum(map(len, _texts(rows, end)))


@Stage
def cut(end):
    """How a row becomes a text."""
    return lambda row: _before(row, end)


@cut.slip
def whole_rows():
    """Whole rows are taken for the texts, filling included. A text is what stands before the first END of its row."""
    return lambda row: row


@cut.slip
def end_kept(end):
    """END is kept in all texts. As a character of the target it makes the rate look better, and a text cut off before
    its END gets an edit for it. What stands before END is the text."""
    return lambda row: row[: len(_before(row, end)) + 1]


@cut.slip
def last_character_lost(end):
    """The texts lose their last character: they are cut off one place before END."""
    return lambda row: row[: max(0, len(_before(row, end)) - 1)]


@cut.slip
def not_cut_off_counts_as_empty(end):
    """A row without END counts as empty: where nothing is True, argmax says 0. Such a row is text throughout."""
    return lambda row: row[: (row == end).argmax()]


@cut.rare
def last_token_of_the_row_lost():
    """Each row loses its last token, and nothing else. What stands before the first END is the text: often less than
    that, and in a row without END all of it."""
    return lambda row: row[:-1]


@cut.rare
def last_one_lost_without_end(end):
    """A row without END loses its last token. Such a row is text throughout."""
    return lambda row: _before(row, end) if end in row else row[:-1]


@cut.slip
def end_taken_as_zero():
    """0 is taken for END and left out. END is `end`, and here 0 is a token like any other."""
    return lambda row: row[row != 0]


@cut.slip
def end_of_the_example():
    """The rows are cut off at the token 2, which is END in the example. END is `end`."""
    return lambda row: _before(row, 2)


@Stage
def heard(written, cut):
    return [cut(row) for row in written]


@heard.slip
def written_not_cut_off(written):
    """What was written is not cut off, so each END in it counts as a character too many. Cut off both, what was written
    and the targets."""
    return list(written)


@heard.slip
def written_cut_at_the_target(written, targets, cut):
    """What was written is cut off at the length of its target, so that what is written too much does not count. Its own
    END says where it ends."""
    return [cut(row)[: len(cut(target))] for row, target in zip(written, targets, strict=True)]


@heard.rare
def rows_cut_at_the_target(written, targets, cut):
    """Of each row written so many tokens are taken as its target has characters, END or not. Its own END says where it
    ends."""
    return [row[: len(cut(target))] for row, target in zip(written, targets, strict=True)]


@Stage
def said(targets, cut):
    return [cut(row) for row in targets]


@said.slip
def targets_not_cut_off(targets):
    """The targets are not cut off, so each END in them counts as a character. Cut off both, what was written and the
    targets."""
    return list(targets)


@said.slip
def targets_cut_at_the_written(targets, cut, heard):
    """The targets are cut off at the length of what was written, so that missing characters do not count. Their own END
    says where they end."""
    return [cut(row)[: len(text)] for row, text in zip(targets, heard, strict=True)]


@said.rare
def targets_as_rows_cut_at_the_written(targets, heard):
    """Of each target so many tokens are taken as characters were written, END or not. Its own END says where it
    ends."""
    return [row[: len(text)] for row, text in zip(targets, heard, strict=True)]


@Stage
def pairs(heard, said):
    return list(zip(heard, said, strict=True))


@pairs.slip
def first_text_alone(heard, said):
    """The first text alone counts. Add up over all of them before the division."""
    return [(heard[0], said[0])]


@pairs.slip
def last_text_alone(heard, said):
    """The last text alone counts. The sums begin at 0 once, before the first text."""
    return [(heard[-1], said[-1])]


@pairs.rare
def last_text_left_out(heard, said):
    """The last text is left out, if there are several. All of them count."""
    return list(zip(heard, said, strict=True))[: max(1, len(said) - 1)]


@pairs.slip
def empty_targets_left_out(heard, said):
    """Texts whose target is empty are left out. What is written there must be deleted, and these edits count."""
    return [(text, target) for text, target in zip(heard, said, strict=True) if len(target)]


@pairs.rare
def empty_texts_left_out(heard, said):
    """Texts of which nothing was written are left out. All characters of their targets are missing, and these edits
    count."""
    return [(text, target) for text, target in zip(heard, said, strict=True) if len(text)]


@pairs.slip
def cut_off_texts_left_out(heard, said, written, end):
    """Texts that were cut off before their END are left out. Such a row is text throughout, and counts."""
    return [(text, target) for text, target, row in zip(heard, said, written, strict=True) if end in row] or [
        (heard[0], said[0])
    ]


@pairs.slip
def strung_together(heard, said):
    """All texts are strung together and compared as one. Then an error in one text can make up for one in the next:
    take the distance of each text to its own target, and add up."""
    return [(np.concatenate(heard), np.concatenate(said))]


@Stage
def edits(pairs):
    return [_distance(*pair) for pair in pairs]


@edits.slip
def tokens_that_differ(pairs):
    """Token is held against token at the same position, and what one text is longer than the other does not count. One
    token too many in front spoils all positions behind it: count edits."""
    return [sum(int(a != b) for a, b in zip(*pair, strict=False)) for pair in pairs]


@edits.slip
def tokens_that_differ_and_the_rest(pairs):
    """Token is held against token at the same position, and the rest of the longer text is added. One token too many in
    front spoils all positions behind it: count edits."""
    return [sum(int(a != b) for a, b in zip(*pair, strict=False)) + abs(len(pair[0]) - len(pair[1])) for pair in pairs]


@edits.slip
def tables_summed(pairs):
    """All entries of each table are added up. edit_distances gives a table: the distance is its last entry."""
    return [int(_table(*pair).sum()) for pair in pairs]


@edits.slip
def least_of_the_last_row(pairs):
    """The least entry of a table's last row is taken for the distance. It is the last entry, whatever stands before
    it."""
    return [int(_table(*pair)[-1].min()) for pair in pairs]


@edits.rare
def largest_of_the_table(pairs):
    """The largest entry of a table is taken for the distance. It is the last entry."""
    return [int(_table(*pair).max()) for pair in pairs]


@edits.rare
def at_most_the_target(pairs):
    """Each text counts at most as many edits as its target has characters. Nothing keeps a model from writing too much,
    and every edit counts."""
    return [min(_distance(*pair), len(pair[1])) for pair in pairs]


@edits.rare
def at_most_a_whole_target(pairs):
    """Each text counts at most as many edits as its target has characters, or one if it has none. Nothing keeps a model
    from writing too much, and every edit counts."""
    return [min(_distance(*pair), max(1, len(pair[1]))) for pair in pairs]


@edits.rare
def differences_of_the_lengths(pairs):
    """What counts is how much one text is longer than the other. Tokens that are wrong count as well: take the
    distance."""
    return [abs(len(a) - len(b)) for a, b in pairs]


@edits.slip
def replacements_count_twice(pairs):
    """A replacement counts as two edits. It is one."""
    return [int(_table(text, target, 2)[-1, -1]) for text, target in pairs]


@edits.slip
def one_for_each_text_with_an_error(pairs):
    """A text with an error counts once, however many edits it needs. Add up the edits."""
    return [int(_distance(*pair) > 0) for pair in pairs]


@Stage
def lengths(pairs):
    return [len(target) for _, target in pairs]


@lengths.slip
def divided_by_the_written(pairs):
    """The edits are divided by the characters that were written, so that a model could improve its figure by writing
    more. Divide by those of the targets."""
    return [len(text) for text, _ in pairs]


@lengths.slip
def divided_by_the_longer(pairs):
    """The edits are divided by the longer of the two texts, which keeps the figure at 1 or below. Divide by the
    characters of the targets, whatever was written."""
    return [max(len(text), len(target)) for text, target in pairs]


@lengths.rare
def divided_by_both(pairs):
    """The edits are divided by the characters of both, what was written and the targets. Divide by those of the
    targets."""
    return [len(text) + len(target) for text, target in pairs]


@lengths.slip
def end_counted(pairs):
    """END counts as a character of each target here, which makes the rate look better. It is no character: what stands
    before it is the text."""
    return [len(target) + 1 for _, target in pairs]


@lengths.slip
def divided_by_the_rectangle(pairs, targets):
    """The edits are divided by the size of the rectangle, filling included. Divide by the characters that stand before
    END."""
    return [targets.shape[1]] * len(pairs)


@lengths.rare
def divided_by_the_written_rectangle(pairs, written):
    """The edits are divided by the size of the rectangle that was written. Divide by the characters of the targets,
    those that stand before END."""
    return [written.shape[1]] * len(pairs)


@lengths.slip
def edits_in_each_text(pairs):
    """The edits are divided by the number of texts. Divide by the number of characters in all targets."""
    return [1] * len(pairs)


@Stage
def rate(edits, lengths):
    return sum(edits) / sum(lengths)


@rate.slip
def mean_of_the_rates(edits, lengths):
    """This is the mean of the texts' own rates: an edit in a short text weighs more than one in a long text. Add up
    first, the edits of all texts and the characters of all targets, and divide once."""
    return np.mean(np.divide(edits, lengths))


@rate.slip
def mean_of_the_rates_there_are(edits, lengths, pairs, end):
    """This is the mean of the rates of all texts whose target is not empty. Add up first, the edits of all texts and
    the characters of all targets, and divide once: then the others count as well."""
    there = [len(_before(target, end)) > 0 for _, target in pairs]
    rates = [one / length for one, length, is_there in zip(edits, lengths, there, strict=True) if is_there]
    return sum(rates) / len(rates)


@rate.slip
def mean_of_the_rates_by_one_at_least(edits, lengths):
    """This is the mean of the texts' own rates, none of them divided by less than 1. Add up first, the edits of all
    texts and the characters of all targets, and divide once: then empty targets need no care."""
    return np.mean(np.divide(edits, np.maximum(lengths, 1)))


@rate.rare
def mean_of_the_rates_zero_where_empty(edits, lengths):
    """This is the mean of the texts' own rates, that of an empty target counted as 0. Add up first, the edits of all
    texts and the characters of all targets, and divide once: then empty targets need no care."""
    return sum(one / length if length else 0.0 for one, length in zip(edits, lengths, strict=True)) / len(edits)


@rate.rare
def sum_of_the_rates(edits, lengths):
    """The texts' own rates are added up, an empty target counted as one character. Add up first, the edits of all texts
    and the characters of all targets, and divide once."""
    return float(np.sum(np.divide(edits, np.maximum(lengths, 1))))


@rate.rare
def median_of_the_rates(edits, lengths):
    """This is the median of the texts' own rates, an empty target counted as one character. Add up first, the edits of
    all texts and the characters of all targets, and divide once."""
    return float(np.median(np.divide(edits, np.maximum(lengths, 1))))


@rate.rare
def worst_of_the_rates(edits, lengths):
    """This is the largest of the texts' own rates, an empty target counted as one character. Add up first, the edits of
    all texts and the characters of all targets, and divide once."""
    return float(np.max(np.divide(edits, np.maximum(lengths, 1))))


@rate.rare
def mean_of_the_rates_up_to_one(edits, lengths):
    """This is the mean of the texts' own rates, each at most 1. Add up first, the edits of all texts and the characters
    of all targets, and divide once."""
    return float(np.mean(np.minimum(1, np.divide(edits, np.maximum(lengths, 1)))))


@rate.rare
def divided_by_the_longest_target(edits, lengths):
    """The edits are divided by the characters of the longest target. Divide by those of all targets."""
    return sum(edits) / max(lengths)


@rate.rare
def divided_by_edits_and_characters(edits, lengths):
    """The edits are divided by edits and characters together. Divide by the characters of the targets alone."""
    return sum(edits) / (sum(edits) + sum(lengths))


@rate.rare
def one_character_at_least(edits, lengths):
    """An empty target counts as one character. It has none, and what is written there counts as edits alone."""
    return sum(edits) / sum(max(length, 1) for length in lengths)


@rate.slip
def not_divided(edits):
    """This is the number of edits in all texts, not divided. Divide it by the number of characters in all targets."""
    return float(sum(edits))


@rate.slip
def rounded_down(edits, lengths):
    """The quotient is rounded down to a whole number. What stands behind the point counts."""
    return float(sum(edits) // sum(lengths))


@rate.slip
def a_rate_for_each_text(edits, lengths):
    """These are the texts' own rates, one for each. The task asks for one number: the edits of all texts, divided by
    the characters of all targets."""
    return np.divide(edits, lengths)


@rate.rare
def a_rate_for_each_text_by_one_at_least(edits, lengths):
    """These are the texts' own rates, one for each, an empty target counted as one character. The task asks for one
    number: the edits of all texts, divided by the characters of all targets."""
    return np.divide(edits, np.maximum(lengths, 1))


@Stage
def given(rate):
    return rate


@given.slip
def share_of_right_ones(rate):
    """This is 1 minus the rate. The rate counts errors: 0 is the best there is."""
    return 1 - rate


@given.slip
def in_percent(rate):
    """The rate is given in percent. Give the plain share: 0.05, not 5."""
    return 100 * rate


@given.slip
def share_of_right_ones_in_percent(rate):
    """This is 100 minus the rate in percent: how much is right. The rate counts errors, as a plain share: 0.05, not
    95."""
    return 100 * (1 - rate)


@given.slip
def at_most_one(rate):
    """The rate stops at 1. It may exceed 1: nothing keeps a model from writing too much."""
    return np.minimum(1.0, rate)


@given.slip
def in_float32(rate):
    """The number is rounded to float32, as torch.tensor(...) does unless told otherwise. Return the quotient as it
    is."""
    return np.float32(rate)


STAGES = (cut, heard, said, pairs, edits, lengths, rate, given)


@known.mistake
def rectangles_place_by_place(written, targets, end):
    """The two rectangles are compared place by place. Their widths may differ, and even if they do not, one token too
    many in front would spoil all behind it. Count the edits of each text."""
    return np.sum(written != targets) / np.sum(targets != end)


@known.mistake
def rows_place_by_place(written, targets, end):
    """Each row is compared with its target place by place. Their widths may differ, and even if they do not, one token
    too many in front would spoil all behind it. Count the edits of each text."""
    return sum(np.sum(row != target) for row, target in zip(written, targets, strict=True)) / np.sum(targets != end)


@known.mistake
def texts_place_by_place(written, targets, end):
    """Each text is compared with its target place by place, which NumPy refuses where one is longer than the other.
    And one token too many in front would spoil all behind it. Count the edits."""
    pairs = zip(_texts(written, end), _texts(targets, end), strict=True)
    return sum(np.sum(text != target) for text, target in pairs) / _characters(targets, end)


@known.mistake
def tables_added(written, targets, end):
    """Whole tables are added to each other. edit_distances gives a table: the distance is its last entry."""
    edits = 0
    for text, target in zip(_texts(written, end), _texts(targets, end), strict=True):
        edits += _table(text, target)
    return edits / _characters(targets, end)


@known.mistake
def tables_added_by_sum(written, targets, end):
    """sum adds whole tables to each other. edit_distances gives a table: add up the last entries."""
    pairs = zip(_texts(written, end), _texts(targets, end), strict=True)
    return sum(_table(*pair) for pair in pairs) / _characters(targets, end)


@known.mistake
def both_batches_at_once(written, targets, end):
    """edit_distances is given all texts at once, and it compares two texts. Go through the rows, one text with its
    target at a time."""
    return _whole_table(written, targets)[-1, -1] / np.sum(targets != end)


def _whole_table(written, target):
    d = np.add.outer(np.arange(len(written) + 1), np.arange(len(target) + 1))
    for i, j in np.ndindex(len(written), len(target)):
        replaced = d[i, j] + int(written[i] != target[j])
        d[i + 1, j + 1] = min(d[i, j + 1] + 1, d[i + 1, j] + 1, replaced)
    return d


@known.mistake
def both_batches_at_once_by_comparison(written, targets, end):
    """edit_distances is given whole batches, whose rows it takes for tokens. Give it one text and its target at a
    time."""
    d = np.add.outer(np.arange(len(written) + 1), np.arange(len(targets) + 1))
    for i, j in np.ndindex(len(written), len(targets)):
        replaced = d[i, j] + (written[i] != targets[j])
        d[i + 1, j + 1] = min(d[i, j + 1] + 1, d[i + 1, j] + 1, replaced)
    return d[-1, -1] / np.sum(targets != end)


@known.mistake
def a_number_taken_for_a_table(written, targets, end):
    """edit_distance of the course gives the distance itself, a number, which has no entries. It is edit_distances that
    gives a table."""
    w, t = (_texts(rows, end)[0] for rows in (written, targets))
    return len(list(map(_distance(w.tolist(), t.tolist())[-1, -1], w, t)))


@known.mistake
def mean_of_the_rates_by_division(written, targets, end):
    """Each text gets a rate of its own, and one whose target is empty has none. Nor is a mean of rates what is asked
    for: add up first, the edits of all texts and the characters of all targets, and divide once."""
    lengths = map(len, _texts(targets, end))
    rates = [edits / length for edits, length in zip(_edits(written, targets, end), lengths, strict=True)]
    return sum(rates) / len(rates)


@known.mistake
def no_end_in_the_list(written, targets, end):
    """list.index raises an error where there is no END in a row: that text was cut off at the largest length, and the
    whole row is text."""
    cut = [[row[: row.index(end)] for row in rows.tolist()] for rows in (written, targets)]
    return sum(map(_distance, *cut)) / sum(map(len, cut[1]))


@known.mistake
def no_end_in_the_row_as_a_list(written, targets, end):
    """Not every row holds END, and .index raises an error where it does not. That text was cut off at the largest
    length, and the whole row is text."""
    cut = [[row[: row.tolist().index(end)] for row in rows] for rows in (written, targets)]
    return sum(map(_distance, *cut)) / sum(map(len, cut[1]))


@known.mistake
def no_end_at_any_place(written, targets, end):
    """The first place of END is looked up where there is none: that text was cut off at the largest length, and the
    whole row is text."""
    cut = [[row[: np.where(row == end)[0][0]] for row in rows] for rows in (written, targets)]
    return sum(map(_distance, *cut)) / sum(map(len, cut[1]))


@known.mistake
def one_question_about_a_row(written, targets, end):
    """A whole row is compared with END, and `if` takes a single True or False. Compare token by token, or take those
    that are not END."""
    count = 0
    for row in written:
        if row == end:
            break
        count += 1
    return count


@known.mistake
def columns_for_rows(written, targets, end):
    """The texts are read down the columns. Each row is a text."""
    pairs = [(_before(a, end), _before(b, end)) for a, b in zip(written.T, targets.T, strict=False)]
    return sum(_distance(*pair) for pair in pairs) / max(1, sum(len(target) for _, target in pairs))


@known.mistake
def filling_compared(written, targets, end):
    """The edits are those between whole rows, filling included: each END that one row has more than the other counts.
    Cut both texts off before their first END."""
    return sum(map(_distance, written, targets)) / _characters(targets, end)


@known.mistake
def a_share_of_no_quotient(written, targets, end):
    """This is the number of edits in all texts, an integer. The rate is that number divided by the number of characters
    in all targets."""
    return sum(_edits(written, targets, end))


@known.mistake
def whole_quotient(written, targets, end):
    """The quotient is a whole number, as // gives it: what stands behind the point is dropped. / keeps it."""
    return sum(_edits(written, targets, end)) // _characters(targets, end)


@known.mistake
def at_most_a_whole_one(written, targets, end):
    """Up to 1 the rate is right, and there it stops, at the integer 1. It may exceed 1: nothing keeps a model from
    writing too much."""
    return min(1, reference(written, targets, end))


@known.mistake
def texts_with_an_error(written, targets, end):
    """This is the share of texts that are not written without a mistake. The rate counts edits, in characters."""
    return float(np.mean([edits > 0 for edits in _edits(written, targets, end)]))


@known.mistake
def texts_without_an_error(written, targets, end):
    """This is the share of texts that are written without a mistake. The rate counts edits, in characters."""
    return float(np.mean([edits == 0 for edits in _edits(written, targets, end)]))


@known.probe
def nothing_wrong(rng):
    inputs = a_few_edits(rng, batch=3, written_len=6, target_len=6)
    yours = yield {**inputs, "written": inputs["targets"].copy()}
    if abs(float(yours)) > 1e-9:
        return f"When exactly the targets are written, your rate is {float(yours):.4g}; it should be 0."
    return None


@known.probe
def nothing_written(rng):
    inputs = a_few_edits(rng, batch=3, written_len=6, target_len=6)
    yours = yield {**inputs, "written": np.full((3, 6), inputs["end"])}
    if not np.isclose(float(yours), 1):
        return (
            f"When nothing is written at all, every character is missing, and the rate should be 1; yours is "
            f"{float(yours):.4g}."
        )
    return None


@known.probe
def one_token_too_many(rng):
    """Each text has a token too many in front, and the fillings differ."""
    targets = np.array([[1, 2, 3, 4, 9, 9], [5, 6, 9, 9, 9, 9]])
    written = np.array([[7, 1, 2, 3, 4, 9, 9, 9], [7, 5, 6, 9, 9, 9, 9, 9]])
    yours = yield {"written": written, "targets": targets, "end": 9}
    if not np.isclose(float(yours), 2 / 6):
        return (
            f"Two texts of 4 and 2 characters, each with one token too many in front, need 2 edits for 6 characters; "
            f"your rate is {float(yours):.4g}, it should be {2 / 6:.4g}."
        )
    return None


@known.probe
def an_empty_target(rng):
    targets = np.array([[1, 2, 3, 4], [9, 9, 9, 9]])
    yours = yield {"written": np.array([[1, 2, 3, 4, 9], [5, 6, 9, 9, 9]]), "targets": targets, "end": 9}
    if not np.isclose(float(yours), 0.5):
        return (
            f"One text of 4 characters is right, and 2 tokens are written where the target is empty: 2 edits for 4 "
            f"characters. Your rate is {float(yours):.4g}, it should be 0.5."
        )
    return None


@known.always
def a_whole_number_of_edits(inputs, output):
    """Your number times the characters of all targets should be the number of edits, and that is a whole number."""
    edits = float(output) * _characters(inputs["targets"], inputs["end"])
    return abs(edits - round(edits)) < 1e-6 if np.isfinite(edits) else False


@known.always
def not_negative(inputs, output):
    """There cannot be fewer than no edits, so the rate cannot be negative."""
    return float(output) >= 0


@known.legal
def by_filtering(written, targets, end):
    """Behind the first END there is nothing but END, so all of them can go."""
    written, targets = ([row[row != end] for row in rows] for rows in (written, targets))
    return sum(map(_distance, written, targets)) / sum(map(len, targets))


@known.legal
def with_lists(written, targets, end):
    edits = characters = 0
    for row, target in zip(written.tolist(), targets.tolist(), strict=True):
        row, target = (tokens[: [*tokens, end].index(end)] for tokens in (row, target))
        edits += _distance(row, target)
        characters += len(target)
    return edits / characters


@known.legal
def counted_by_comparison(written, targets, end):
    written_lengths, target_lengths = ((rows != end).sum(axis=1) for rows in (written, targets))
    edits = [
        _distance(row[:length], target[:target_length])
        for row, length, target, target_length in zip(written, written_lengths, targets, target_lengths, strict=True)
    ]
    return np.sum(edits) / target_lengths.sum()


@known.legal
def with_the_course_s_distance(written, targets, end):
    from course_lib.evaluation import edit_distance

    written, targets = (["".join(map(str, row[row != end])) for row in rows] for rows in (written, targets))
    return sum(map(edit_distance, written, targets)) / len("".join(targets))


@known.borrowed
def by_course_lib(written, targets, end):
    from course_lib import evaluation

    return evaluation.character_error_rate(*([row[row != end].tolist() for row in rows] for rows in (written, targets)))


TASK = Task(
    id="11.character_error_rate",
    title="The character error rate",
    difficulty=2,
    minutes=10,
    reference=reference,
    draw=a_few_edits,
    cases=(
        Case("the example of the text", {}, draw=the_example),
        Case("2 texts", dict(batch=2, written_len=4, target_len=3)),
        Case("3 texts", dict(batch=3, written_len=7, target_len=6)),
        Case("one text cut off, one target empty", dict(batch=4, written_len=5, target_len=7), draw=cut_off),
        Case("far too much is written", dict(batch=2, written_len=11, target_len=5), draw=far_too_much),
        Case("a text and a target without END", dict(batch=4, written_len=8, target_len=6), draw=full_rows),
        Case("5 texts, 4 of them right", dict(batch=5, target_len=8), draw=nearly_right),
        Case("one text", {}, draw=one_text),
    ),
    finished=("course_lib.evaluation.character_error_rate",),
    hints=(
        "Which tokens of a row are its text? What if a row holds no END at all?",
        "A row's text is all of it that is not END. How does a comparison pick these tokens out of the row?",
        "Add up two numbers over all texts: the edits of each, and the characters of each target. Divide in the end.",
        (
            "`row[row != end]` cuts a row off, of `written` as of `targets`. `edit_distance(a, b)` gives the edits of "
            "two texts, and len(...) the characters of one."
        ),
    ),
    stages=STAGES,
    coincidences={
        "written_not_cut_off + targets_not_cut_off": "whole_rows",
        "empty_targets_left_out + mean_of_the_rates": "mean_of_the_rates_there_are",
        "empty_targets_left_out + mean_of_the_rates_by_one_at_least": "mean_of_the_rates_there_are",
        "one_for_each_text_with_an_error + edits_in_each_text": "texts_with_an_error",
    },
    **known.ways,
)
