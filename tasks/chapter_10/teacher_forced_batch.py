"""10.teacher_forced_batch: from padded texts to what the decoder is given and what it is asked for."""

import numpy as np
import torch

from grader.known import Known
from grader.task import Case, Task

known = Known()


def distinct_tokens(rng, batch, length):
    """No token comes twice, one text fills its row, and all the others are shorter."""
    lengths = rng.permutation([length, *rng.integers(1, length, size=batch - 1)])
    return _padded(rng, lengths, length)


def one_is_empty(rng, batch, length):
    """One text has no token at all: BEGIN is given and END asked for at once."""
    return _padded(rng, rng.permutation([0, length, *rng.integers(1, length, size=batch - 2)]), length)


def _padded(rng, lengths, length):
    tokens = 5 + rng.permutation(90)[: len(lengths) * length].reshape(len(lengths), length)
    begin, end = 1 + rng.permutation(4)[:2]
    targets = np.where(np.arange(length) < lengths[:, None], tokens, 0)
    return {"targets": targets, "lengths": lengths, "begin": int(begin), "end": int(end)}


def reference(targets, lengths, begin, end):
    inputs = torch.nn.functional.pad(targets, (1, 0), value=begin)
    labels = torch.nn.functional.pad(targets, (0, 1))
    labels[torch.arange(len(targets)), lengths] = end
    return torch.stack([inputs, labels])


def _column(targets, token):
    return torch.full((len(targets), 1), token)


def _full(targets, lengths, begin, end):
    """BEGIN, the tokens, END and padding: (batch, length + 2)."""
    return torch.cat([_column(targets, begin), reference(targets, lengths, begin, end)[1]], dim=1)


@known.mistake
def end_at_the_end_of_the_rectangle(targets, lengths, begin, end):
    """END stands in the last column of every row. In a shorter text that leaves padding between its last token and END:
    put END right behind the last real token."""
    inputs = reference(targets, lengths, begin, end)[0]
    return torch.stack([inputs, torch.cat([targets, _column(targets, end)], dim=1)])


@known.mistake
def end_in_every_row_at_every_length(targets, lengths, begin, end):
    """Every row got an END at the length of every text: an index such as [:, lengths] takes these columns from all
    rows. Each row has its own length, so rows need numbers too: [torch.arange(len(targets)), lengths]."""
    inputs = reference(targets, lengths, begin, end)[0]
    labels = torch.nn.functional.pad(targets, (0, 1))
    labels[:, lengths] = end
    return torch.stack([inputs, labels])


@known.mistake
def end_over_the_last_token(targets, lengths, begin, end):
    """END has replaced the last token. The last one stands at lengths - 1, so END belongs at lengths."""
    inputs = reference(targets, lengths, begin, end)[0]
    labels = torch.nn.functional.pad(targets, (0, 1))
    labels[torch.arange(len(targets)), lengths - 1] = end
    return torch.stack([inputs, labels])


@known.mistake
def end_over_the_last_token_then_a_column(targets, lengths, begin, end):
    """END has replaced the last token: it was written at lengths - 1, and the column of padding came after. Add the
    column first, then write END at lengths."""
    inputs = reference(targets, lengths, begin, end)[0]
    labels = targets.clone()
    labels[torch.arange(len(targets)), lengths - 1] = end
    return torch.stack([inputs, torch.nn.functional.pad(labels, (0, 1))])


@known.mistake
def end_one_too_far(targets, lengths, begin, end):
    """For the longest text, END would stand in a column that is not there. The labels have no BEGIN, so their END
    belongs at lengths; in rows that start with BEGIN it belongs one further, and they need a column more."""
    labels = torch.nn.functional.pad(targets, (0, 1))
    labels[torch.arange(len(targets)), lengths + 1] = end
    return torch.stack([torch.cat([_column(targets, begin), targets], dim=1), labels])


@known.mistake
def no_room_for_end(targets, lengths, begin, end):
    """The rows are as wide as the targets, so the longest text has no room for its END. The labels have one column
    more: length + 1."""
    labels = targets.clone()
    labels[torch.arange(len(targets)), lengths] = end
    return torch.stack([reference(targets, lengths, begin, end)[0][:, :-1], labels])


@known.mistake
def end_missing(targets, lengths, begin, end):
    """The labels have no END, so the model would never learn to stop. Ask for END right behind the last token."""
    inputs = reference(targets, lengths, begin, end)[0]
    return torch.stack([inputs, torch.nn.functional.pad(targets, (0, 1))])


@known.mistake
def end_all_the_way(targets, lengths, begin, end):
    """Everything behind the last token is END. One END is asked for; what follows is padding, which the loss skips."""
    inputs, labels = reference(targets, lengths, begin, end)
    return torch.stack([inputs, torch.where(labels == 0, end, labels)])


@known.mistake
def end_goes_in(targets, lengths, begin, end):
    """The shorter texts have END among their inputs, as if BEGIN, text, END had lost its last column. Many programs do
    so, and the loss does not notice, as nothing is asked for there. Here END is only asked for, so that inputs and
    labels have their padding in the same places."""
    full = _full(targets, lengths, begin, end)
    return torch.stack([full[:, :-1], full[:, 1:]])


@known.mistake
def not_shifted(targets, lengths, begin, end):
    """Inputs and labels are the same: each position is given the very token it is asked for, and training would learn
    to copy. The inputs start with BEGIN, which moves the tokens one place to the right."""
    labels = reference(targets, lengths, begin, end)[1]
    return torch.stack([labels, labels])


@known.mistake
def begin_over_the_first_token(targets, lengths, begin, end):
    """BEGIN has replaced the first token, and the others have not moved: each position is still given what it is asked
    for. BEGIN goes in front of the first token."""
    labels = reference(targets, lengths, begin, end)[1]
    return torch.stack([torch.cat([_column(targets, begin), labels[:, 1:]], dim=1), labels])


@known.mistake
def shifted_left(targets, lengths, begin, end):
    """The inputs are shifted to the left: each position is given the token after the one it is asked for. BEGIN belongs
    in front, and the tokens move to the right."""
    labels = reference(targets, lengths, begin, end)[1]
    return torch.stack([torch.cat([labels[:, 1:], _column(targets, begin)], dim=1), labels])


@known.mistake
def begin_asked_for(targets, lengths, begin, end):
    """The labels start with BEGIN. It is given, never asked for: the first label is the first token."""
    inputs = reference(targets, lengths, begin, end)[0]
    return torch.stack([inputs, _full(targets, lengths, begin, end)[:, :-1]])


@known.mistake
def zero_in_front(targets, lengths, begin, end):
    """The inputs are shifted, but 0, the padding, stands in front in place of `begin`."""
    labels = reference(targets, lengths, begin, end)[1]
    return torch.stack([torch.nn.functional.pad(targets, (1, 0)), labels])


@known.mistake
def one_too_short(targets, lengths, begin, end):
    """This is the shift of chapter 09, where the targets had their END already. Here they have none, so the longest
    text needs one column more: length + 1."""
    return torch.stack([torch.cat([_column(targets, begin), targets[:, :-1]], dim=1), targets])


@known.mistake
def shifted_both_ways(targets, lengths, begin, end):
    """The inputs are shifted to the right and the labels to the left, so each position is asked for the token after the
    next, and the first token never. Only the inputs move: the labels start with the first token, and both have
    length + 1 columns."""
    inputs = torch.cat([_column(targets, begin), targets[:, :-1]], dim=1)
    return torch.stack([inputs, torch.cat([targets[:, 1:], _column(targets, end)], dim=1)])


@known.mistake
def one_too_long(targets, lengths, begin, end):
    """Both rectangles are one column too wide: BEGIN and END each take a place, but no row holds both. The inputs have
    BEGIN, the labels END: length + 1 columns."""
    inputs, labels = reference(targets, lengths, begin, end)
    return torch.nn.functional.pad(torch.stack([inputs, labels]), (0, 1))


@known.mistake
def labels_first(targets, lengths, begin, end):
    """The two rectangles are right and in the wrong order: first the inputs, then the labels."""
    return reference(targets, lengths, begin, end).flip(0)


@known.mistake
def one_below_the_other(targets, lengths, begin, end):
    """Both rectangles are right, but torch.cat laid one below the other, (2 batch, length + 1). torch.stack gives the
    pair an axis of its own."""
    return torch.cat([*reference(targets, lengths, begin, end)])


@known.mistake
def pair_in_the_middle(targets, lengths, begin, end):
    """Both rectangles are right, but the axis of the pair comes second. torch.stack puts it in front unless told
    otherwise."""
    return torch.stack([*reference(targets, lengths, begin, end)], dim=1)


@known.mistake
def pair_at_the_end(targets, lengths, begin, end):
    """Both rectangles are right, but the axis of the pair comes last. torch.stack puts it in front unless told
    otherwise."""
    return torch.stack([*reference(targets, lengths, begin, end)], dim=-1)


@known.mistake
def a_pair(targets, lengths, begin, end):
    """A tuple came back. torch.stack([...]) makes one tensor of the two rectangles: first the inputs, then the
    labels."""
    return tuple(reference(targets, lengths, begin, end))


@known.mistake
def numbers_with_a_point(targets, lengths, begin, end):
    """The tokens are right, but they became floating-point numbers: torch.ones and torch.zeros make those unless told
    otherwise. Tokens are integers: dtype=torch.int64."""
    return reference(targets, lengths, begin, end).float()


@known.always
def begin_is_given_first(inputs, output):
    """The inputs, the first of the two, should start with `begin` in every row."""
    return bool((output[0][:, 0] == inputs["begin"]).all())


@known.always
def end_is_asked_for_once(inputs, output):
    """The labels, the second of the two, should hold `end` once in every row."""
    return bool(((output[1] == inputs["end"]).sum(axis=-1) == 1).all())


@known.always
def padding_in_the_same_places(inputs, output):
    """Inputs and labels should have their padding in the same places."""
    return np.array_equal(output[0] == 0, output[1] == 0)


@known.legal
def by_assignment(targets, lengths, begin, end):
    batch, length = targets.shape
    both = torch.zeros(2, batch, length + 1, dtype=targets.dtype)
    both[0, :, 0] = begin
    both[0, :, 1:] = both[1, :, :-1] = targets
    both[1].scatter_(1, lengths[:, None], end)
    return both


@known.legal
def with_lists(targets, lengths, begin, end):
    rows = [row[:n] for row, n in zip(targets.tolist(), lengths.tolist(), strict=True)]
    width = targets.shape[1] + 1
    inputs = [([begin] + row + [0] * width)[:width] for row in rows]
    labels = [(row + [end] + [0] * width)[:width] for row in rows]
    return torch.tensor([inputs, labels])


@known.legal
def by_comparison(targets, lengths, begin, end):
    labels = torch.cat([targets, torch.zeros_like(targets[:, :1])], dim=1)
    position = torch.arange(labels.shape[1])
    labels = torch.where(position == lengths[:, None], end, labels)
    return torch.stack([torch.cat([torch.full_like(targets[:, :1], begin), targets], dim=1), labels])


@known.legal
def without_the_lengths(targets, lengths, begin, end):
    """The first padding of a row shows where its text ends."""
    labels = torch.nn.functional.pad(targets, (0, 1))
    first = (labels == 0).int().argmax(dim=1)
    return torch.stack([torch.nn.functional.pad(targets, (1, 0), value=begin), labels.scatter(1, first[:, None], end)])


@known.legal
def with_course_lib(targets, lengths, begin, end):
    from course_lib.data.batches import pad_batch

    rows = [row[:n] for row, n in zip(targets.tolist(), lengths.tolist(), strict=True)]
    inputs, _ = pad_batch([[begin, *row] for row in rows])
    labels, _ = pad_batch([[*row, end] for row in rows])
    return np.stack([inputs, labels])


@known.borrowed
def by_teacher_forced(targets, lengths, begin, end):
    from course_lib.training import teacher_forced

    rows = [row[:n].tolist() for row, n in zip(targets, lengths, strict=True)]
    batch = teacher_forced(rows, rows, begin=begin, end=end)
    return torch.stack([batch.inputs, batch.labels])


TASK = Task(
    id="10.teacher_forced_batch",
    title="A teacher-forced batch",
    difficulty=2,
    minutes=10,
    library="torch",
    reference=reference,
    draw=distinct_tokens,
    cases=(
        Case("2 texts of up to 3 tokens", dict(batch=2, length=3)),
        Case("3 texts of up to 5 tokens", dict(batch=3, length=5), points=2),
        Case("6 texts of up to 4 tokens", dict(batch=6, length=4)),
        Case("one text is empty", dict(batch=3, length=4), draw=one_is_empty),
    ),
    finished=("course_lib.training.teacher_forced",),
    hints=(
        "How many columns do the longest text and BEGIN need together? And the longest text and END?",
        (
            "The inputs are `targets` with a column of `begin` in front. The labels are `targets` with a column of "
            "padding behind: that makes room for END, which is still missing."
        ),
        (
            "Row i has its real tokens at 0 to lengths[i] - 1. So where in row i does END go? Writing one number per "
            "row takes two indices: the rows and the columns."
        ),
        (
            "`labels[torch.arange(len(targets)), lengths]` is one place in each row. `torch.stack([..., ...])` makes "
            "one tensor of the two."
        ),
    ),
    **known.ways,
)
