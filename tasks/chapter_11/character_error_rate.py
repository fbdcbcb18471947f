"""11.character_error_rate: the edits that all texts need, divided by the characters of all targets."""

import numpy as np

from grader.known import Known
from grader.task import Case, Task

known = Known()

TOKENS = 9


def a_few_edits(rng, batch, written_len, target_len):
    """The first text ends too early, the second has a token too many in front, the others start with a wrong one."""
    end = int(rng.integers(1, TOKENS + 1))
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


def reference(written, targets, end):
    return sum(_edits(written, targets, end)) / sum(map(len, _texts(targets, end)))


def _texts(rows, end):
    """Return what stands before the first END of each row."""
    return [row[: (row == end).argmax()] if end in row else row for row in rows]


def _edits(written, targets, end):
    return [_distance(a, b) for a, b in zip(_texts(written, end), _texts(targets, end), strict=True)]


def _distance(written, target):
    return int(_table(written, target)[-1, -1])


def _table(written, target):
    table = np.add.outer(np.arange(len(written) + 1), np.arange(len(target) + 1))
    for row, token in enumerate(written, start=1):
        for column, wanted in enumerate(target, start=1):
            replaced = table[row - 1, column - 1] + (token != wanted)
            table[row, column] = min(table[row - 1, column] + 1, table[row, column - 1] + 1, replaced)
    return table


def _characters(rows, end):
    return sum(map(len, _texts(rows, end)))


@known.mistake
def tokens_that_differ(written, targets, end):
    """Token is held against token at the same position, and what one text is longer than the other does not count. One
    token too many in front spoils all positions behind it: count edits."""
    pairs = zip(_texts(written, end), _texts(targets, end), strict=True)
    return sum(int(a != b) for pair in pairs for a, b in zip(*pair, strict=False)) / _characters(targets, end)


@known.mistake
def tokens_that_differ_and_the_rest(written, targets, end):
    """Token is held against token at the same position, and the rest of the longer text is added. One token too many in
    front spoils all positions behind it: count edits."""
    pairs = list(zip(_texts(written, end), _texts(targets, end), strict=True))
    wrong = sum(int(a != b) for pair in pairs for a, b in zip(*pair, strict=False))
    return (wrong + sum(abs(len(a) - len(b)) for a, b in pairs)) / _characters(targets, end)


@known.mistake
def rectangles_place_by_place(written, targets, end):
    """The two rectangles are compared place by place. Their widths differ, and even if they did not, one token too many
    in front would spoil all behind it. Count the edits of each text."""
    return np.sum(written != targets) / np.sum(targets != end)


@known.mistake
def rows_place_by_place(written, targets, end):
    """Each row is compared with its target place by place. Their widths differ, and even if they did not, one token too
    many in front would spoil all behind it. Count the edits of each text."""
    return sum(np.sum(row != target) for row, target in zip(written, targets, strict=True)) / np.sum(targets != end)


@known.mistake
def texts_place_by_place(written, targets, end):
    """Each text is compared with its target place by place, which NumPy refuses where one is longer than the other.
    And one token too many in front would spoil all behind it. Count the edits."""
    pairs = zip(_texts(written, end), _texts(targets, end), strict=True)
    return sum(np.sum(text != target) for text, target in pairs) / _characters(targets, end)


@known.mistake
def tables_summed(written, targets, end):
    """All entries of each table are added up. edit_distances gives a table: the distance is its last entry."""
    pairs = zip(_texts(written, end), _texts(targets, end), strict=True)
    return sum(_table(*pair).sum() for pair in pairs) / _characters(targets, end)


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
def empty_targets_left_out(written, targets, end):
    """Texts whose target is empty are left out. What is written there must be deleted, and these edits count."""
    lengths = map(len, _texts(targets, end))
    edits = [edits for edits, length in zip(_edits(written, targets, end), lengths, strict=True) if length]
    return sum(edits) / _characters(targets, end)


@known.mistake
def divided_by_the_written(written, targets, end):
    """The edits are divided by the characters that were written, so that a model could improve its figure by writing
    more. Divide by those of the targets."""
    return sum(_edits(written, targets, end)) / _characters(written, end)


@known.mistake
def divided_by_the_longer(written, targets, end):
    """The edits are divided by the longer of the two texts, which keeps the figure below 1. Divide by the characters of
    the targets, whatever was written."""
    pairs = zip(_texts(written, end), _texts(targets, end), strict=True)
    return sum(_edits(written, targets, end)) / sum(max(len(a), len(b)) for a, b in pairs)


@known.mistake
def mean_of_the_rates(written, targets, end):
    """This is the mean of the texts' own rates: an edit in a short text weighs more than one in a long text. Add up
    first, the edits of all texts and the characters of all targets, and divide once."""
    lengths = [len(text) for text in _texts(targets, end)]
    return np.mean(np.divide(_edits(written, targets, end), lengths))


@known.mistake
def mean_of_the_rates_by_division(written, targets, end):
    """Each text gets a rate of its own, and one whose target is empty has none. Nor is a mean of rates what is asked
    for: add up first, the edits of all texts and the characters of all targets, and divide once."""
    lengths = map(len, _texts(targets, end))
    rates = [edits / length for edits, length in zip(_edits(written, targets, end), lengths, strict=True)]
    return sum(rates) / len(rates)


@known.mistake
def mean_of_the_rates_there_are(written, targets, end):
    """This is the mean of the rates of all texts whose target is not empty. Add up first, the edits of all texts and
    the characters of all targets, and divide once: then the others count as well."""
    lengths = map(len, _texts(targets, end))
    rates = [edits / length for edits, length in zip(_edits(written, targets, end), lengths, strict=True) if length]
    return sum(rates) / len(rates)


@known.mistake
def mean_of_the_rates_by_one_at_least(written, targets, end):
    """This is the mean of the texts' own rates, an empty target counted as one character. Add up first, the edits of
    all texts and the characters of all targets, and divide once: then empty targets need no care."""
    lengths = [max(1, len(text)) for text in _texts(targets, end)]
    return np.mean(np.divide(_edits(written, targets, end), lengths))


@known.mistake
def end_taken_as_zero(written, targets, end):
    """END is `end`, not 0. Here 0 is a token like any other."""
    written, targets = ([row[row != 0] for row in rows] for rows in (written, targets))
    return sum(map(_distance, written, targets)) / sum(map(len, targets))


@known.mistake
def first_zero_looked_up(written, targets, end):
    """The first 0 is looked up, but not every row has one. END is `end`, and a row may lack that as well: then all
    of it is text."""
    cut = [[row[: np.where(row == 0)[0][0]] for row in rows] for rows in (written, targets)]
    return sum(map(_distance, *cut)) / sum(map(len, cut[1]))


@known.mistake
def end_counted(written, targets, end):
    """END counts as a character of each target here, which makes the rate look better. It is no character: what stands
    before it is the text."""
    return sum(_edits(written, targets, end)) / (_characters(targets, end) + len(targets))


@known.mistake
def end_kept(written, targets, end):
    """END is kept in all texts. As a character of the target it makes the rate look better, and a text cut off before
    its END gets an edit for it. What stands before END is the text."""
    texts = [
        [row[: len(text) + 1] for row, text in zip(rows, _texts(rows, end), strict=True)] for rows in (written, targets)
    ]
    return sum(map(_distance, *texts)) / sum(map(len, texts[1]))


@known.mistake
def divided_by_the_rectangle(written, targets, end):
    """The edits are right, but they are divided by the size of the rectangle, filling included. Divide by the
    characters that stand before END."""
    return sum(_edits(written, targets, end)) / targets.size


@known.mistake
def filling_compared(written, targets, end):
    """The edits are those between whole rows, filling included: each END that one row has more than the other counts.
    Cut both texts off before their first END."""
    return sum(map(_distance, written, targets)) / _characters(targets, end)


@known.mistake
def written_not_cut_off(written, targets, end):
    """The targets are cut off at END, what was written is not, so each END in it counts as a character too many. Cut
    both off."""
    return sum(map(_distance, written, _texts(targets, end))) / _characters(targets, end)


@known.mistake
def strung_together(written, targets, end):
    """All texts are strung together and compared as one. Then an error in one text can make up for one in the next:
    take the distance of each text to its own target, and add up."""
    one, other = (np.concatenate(_texts(rows, end)) for rows in (written, targets))
    return _distance(one, other) / len(other)


@known.mistake
def whole_rows(written, targets, end):
    """Whole rows are compared and counted, filling included. A text is what stands before the first END of its row."""
    return sum(map(_distance, written, targets)) / targets.size


@known.mistake
def not_cut_off_counts_as_empty(written, targets, end):
    """Right wherever a row holds END. In a row without END, argmax looks for the first True, finds none and says 0, so
    that this text counts as empty. Such a row is text throughout."""
    cut = [[row[: (row == end).argmax()] for row in rows] for rows in (written, targets)]
    return sum(map(_distance, *cut)) / sum(map(len, cut[1]))


@known.mistake
def no_end_in_the_list(written, targets, end):
    """list.index raises an error where there is no END in a row: that text was cut off at the largest length, and the
    whole row is text."""
    cut = [[row[: row.index(end)] for row in rows.tolist()] for rows in (written, targets)]
    return sum(map(_distance, *cut)) / sum(map(len, cut[1]))


@known.mistake
def no_end_at_any_place(written, targets, end):
    """The first place of END is looked up where there is none: that text was cut off at the largest length, and the
    whole row is text."""
    cut = [[row[: np.where(row == end)[0][0]] for row in rows] for rows in (written, targets)]
    return sum(map(_distance, *cut)) / sum(map(len, cut[1]))


@known.mistake
def share_of_right_ones(written, targets, end):
    """This is 1 minus the rate. The rate counts errors: 0 is the best there is."""
    return 1 - reference(written, targets, end)


@known.mistake
def in_percent(written, targets, end):
    """This is the rate in percent. Give the plain share: 0.05, not 5."""
    return 100 * reference(written, targets, end)


@known.mistake
def not_divided(written, targets, end):
    """This is the number of edits in all texts. Divide it by the number of characters in all targets."""
    return sum(_edits(written, targets, end))


@known.mistake
def not_divided_but_a_float(written, targets, end):
    """These are the edits of all texts. The division by the characters of all targets is missing."""
    return float(sum(_edits(written, targets, end)))


@known.mistake
def whole_quotient(written, targets, end):
    """// drops what is behind the point. Divide with /."""
    return sum(_edits(written, targets, end)) // _characters(targets, end)


@known.mistake
def in_float32(written, targets, end):
    """The number is right, but it is rounded to float32, as torch.tensor(...) does unless told otherwise. Return the
    quotient as it is."""
    return np.float32(reference(written, targets, end))


@known.mistake
def edits_in_each_text(written, targets, end):
    """The edits are divided by the number of texts. Divide by the number of characters in all targets."""
    return sum(_edits(written, targets, end)) / len(targets)


@known.mistake
def texts_with_an_error(written, targets, end):
    """This is the share of texts that are not written without a mistake. The rate counts edits, in characters."""
    return float(np.mean([edits > 0 for edits in _edits(written, targets, end)]))


@known.mistake
def at_most_one(written, targets, end):
    """Right up to 1, where your rate stops. It may exceed 1: nothing keeps a model from writing too much."""
    return min(1.0, reference(written, targets, end))


@known.mistake
def at_most_a_whole_one(written, targets, end):
    """Right up to 1, where min(1, ...) stops your rate. It may exceed 1: nothing keeps a model from writing too
    much."""
    return min(1, reference(written, targets, end))


@known.mistake
def a_rate_for_each_text(written, targets, end):
    """These are the texts' own rates, one for each. The task asks for one number: the edits of all texts, divided by
    the characters of all targets."""
    return np.array(_edits(written, targets, end)) / np.array([len(text) for text in _texts(targets, end)])


@known.always
def a_whole_number_of_edits(inputs, output):
    """Your number times the characters of all targets should be the number of edits, and that is a whole number."""
    edits = float(output) * _characters(inputs["targets"], inputs["end"])
    return abs(edits - round(edits)) < 1e-6


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
        Case("2 texts", dict(batch=2, written_len=4, target_len=3)),
        Case("3 texts", dict(batch=3, written_len=7, target_len=6)),
        Case("one text cut off, one target empty", dict(batch=4, written_len=5, target_len=7), draw=cut_off),
        Case("far too much is written", dict(batch=2, written_len=11, target_len=5), draw=far_too_much),
    ),
    finished=("course_lib.evaluation.character_error_rate",),
    hints=(
        "Which tokens of a row are its text? What if a row holds no END at all?",
        "Behind the first END there is nothing but END. So a row's text is all of it that is not END.",
        "Add up two numbers over all texts: the edits of each, and the characters of each target. Divide in the end.",
        (
            "`row[row != end]` cuts a row off, of `written` as of `targets`. The distance of two texts is the last "
            "entry of their table: edit_distances(a, b)[-1, -1]."
        ),
    ),
    **known.ways,
)
