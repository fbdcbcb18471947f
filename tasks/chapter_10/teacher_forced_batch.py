"""10.teacher_forced_batch: from padded texts to what the decoder is given and what it is asked for."""

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def distinct_tokens(rng, batch, length):
    """No token comes twice, one text fills its row, and all the others are shorter; the first is one of these, and the
    lengths are not in order."""
    others = rng.permutation(np.resize(np.arange(1, length), batch - 1))
    return _padded(rng, np.insert(others, rng.integers(1, batch), length), length)


def one_is_empty(rng, batch, length):
    """One text has no token at all: BEGIN is given and END asked for at once."""
    return _padded(rng, np.array([rng.integers(1, length), 0, *rng.permutation([length, length - 1])]), length)


def one_text(rng, batch, length):
    return _padded(rng, np.array([length]), length)


def example(rng):
    targets = np.array([[14, 8, 0, 0], [20, 11, 14, 8]])
    return {"targets": targets, "lengths": np.array([2, 4]), "begin": 1, "end": 2}


def _padded(rng, lengths, length):
    tokens = 5 + rng.permutation(90)[: len(lengths) * length].reshape(len(lengths), length)
    begin, end = 3 + rng.permutation(2)
    targets = np.where(np.arange(length) < lengths[:, None], tokens, 0)
    return {"targets": targets, "lengths": lengths, "begin": int(begin), "end": int(end)}


def reference(targets, lengths, begin, end):
    inputs = torch.nn.functional.pad(targets, (1, 0), value=begin)
    labels = torch.nn.functional.pad(targets, (0, 1))
    labels[torch.arange(len(targets)), lengths] = end
    return torch.stack([inputs, labels])


def _column(targets, token):
    return torch.full((len(targets), 1), token)


def _padded_behind(targets):
    return torch.nn.functional.pad(targets, (0, 1))


def _positions(targets):
    return torch.arange(targets.shape[1] + 1)


@Stage
def front(begin):
    return begin


@front.slip
def zero_in_front():
    """0, the padding, stands in front of the inputs in place of `begin`."""
    return 0


@front.slip
def end_in_front(end):
    """END stands in front of the inputs, where BEGIN belongs."""
    return end


@front.slip
def one_in_front():
    """1 stands in front of the inputs, whatever `begin` is. In the example it is 1; take the argument."""
    return 1


@Stage
def last(end):
    return end


@last.slip
def begin_at_the_end(begin):
    """BEGIN is asked for behind the last token, where END belongs."""
    return begin


@last.slip
def two_at_the_end():
    """2 is asked for behind the last token, whatever `end` is. In the example it is 2; take the argument."""
    return 2


@Stage
def given(targets, front):
    return torch.nn.functional.pad(targets, (1, 0), value=front)  # (batch, length + 1)


@given.slip
def inputs_not_moved(targets):
    """The inputs have nothing in front: each token stands where it is asked for, and training would learn to copy.
    BEGIN goes in front of the first token, which moves the others one place to the right."""
    return _padded_behind(targets)


@given.slip
def inputs_are_the_labels(asked_for):
    """Inputs and labels are the same: each position is given the very token it is asked for, and training would learn
    to copy. The inputs start with BEGIN, which moves the tokens one place to the right."""
    return asked_for


@given.slip
def begin_over_the_first_token(targets, front):
    """The first token of the inputs is written over, and the others have not moved: each position is still given what
    it is asked for. BEGIN goes in front of the first token."""
    return torch.cat([_column(targets, front), _padded_behind(targets)[:, 1:]], dim=1)


@given.slip
def begin_behind(targets, front):
    """BEGIN stands in the last column of the inputs. It goes in front, so that the tokens move one place to the
    right."""
    return torch.cat([targets, _column(targets, front)], dim=1)


@given.slip
def begin_for_padding(targets, lengths, front):
    """The inputs are filled up with BEGIN behind each text. It stands in front alone; behind a text stands padding."""
    inputs = torch.nn.functional.pad(targets, (1, 0), value=front)
    return torch.where(_positions(targets) > lengths[:, None], front, inputs)


@given.slip
def begin_for_the_first_text(targets, front):
    """Only the first text has BEGIN in front, and the others have 0. Every text begins with it."""
    inputs = torch.nn.functional.pad(targets, (1, 0))
    inputs[0, 0] = front
    return inputs


@given.slip
def begin_all_along_the_first_text(targets, front):
    """The whole first row of the inputs is BEGIN. It goes into the first column of all rows."""
    inputs = torch.nn.functional.pad(targets, (1, 0))
    inputs[0] = front
    return inputs


@given.slip
def end_goes_in(targets, lengths, front, last):
    """The shorter texts have END among their inputs, as if BEGIN, text, END had lost its last column. Many programs do
    so, and the loss does not notice, as nothing is asked for there. Here END is only asked for, so that inputs and
    labels have their padding in the same places."""
    inputs = torch.nn.functional.pad(targets, (1, 0), value=front)
    return torch.where(_positions(targets) == lengths[:, None] + 1, last, inputs)


@given.slip
def padded_on_the_left(targets, lengths, front):
    """The inputs have their padding on the left, and the labels on the right, so that they no longer fit together.
    BEGIN stands in the first column, the padding behind the text."""
    wide = torch.nn.functional.pad(targets, (1, 0), value=front)
    rows = [row.roll(targets.shape[1] - int(length)) for row, length in zip(wide, lengths, strict=True)]
    return torch.stack(rows)


@given.slip
def last_token_not_given(targets, lengths, front):
    """The last token of each text is not among the inputs, so that the model is asked for END without it. All tokens
    are given, BEGIN in front."""
    inputs = torch.nn.functional.pad(targets, (1, 0), value=front)
    return torch.where((_positions(targets) == lengths[:, None]) & (lengths[:, None] > 0), 0, inputs)


@Stage
def where(lengths):
    return lengths  # the column of END in each row


@where.slip
def end_over_the_last_token(lengths):
    """END has replaced the last token. The last one stands at lengths - 1, so END belongs at lengths."""
    return lengths - 1


@where.slip
def end_at_the_end_of_the_rectangle(lengths, targets):
    """END stands in the last column of every row. In a shorter text that leaves padding between its last token and END:
    put END right behind the last real token."""
    return torch.full_like(lengths, targets.shape[1])


@where.slip
def length_of_the_first_text(lengths):
    """END stands in the same column of every row, behind the last token of the first text. Each text has its own
    length."""
    return lengths[:1].expand(len(lengths))


@where.slip
def end_after_a_gap(lengths, targets):
    """END stands one column too far to the right where there is room for that: padding lies between the last token and
    END. It belongs at lengths."""
    return (lengths + 1).clamp(max=targets.shape[1])


@Stage
def asked_for(targets, where, last):
    labels = _padded_behind(targets)
    labels[torch.arange(len(targets)), where] = last
    return labels  # (batch, length + 1)


@asked_for.slip
def end_missing(targets):
    """The labels have no END, so the model would never learn to stop. Ask for END right behind the last token."""
    return _padded_behind(targets)


@asked_for.slip
def end_all_the_way(targets, lengths, last):
    """Everything behind the last token is END. One END is asked for; what follows is padding, which the loss skips."""
    return torch.where(_positions(targets) >= lengths[:, None], last, _padded_behind(targets))


@asked_for.slip
def end_in_every_row_at_every_length(targets, lengths, last):
    """Every row got an END at the length of every text: an index such as [:, lengths] takes these columns from all
    rows. Each row has its own length, so rows need numbers too: [torch.arange(len(targets)), lengths]."""
    labels = _padded_behind(targets)
    labels[:, lengths] = last
    return labels


@asked_for.slip
def end_in_the_first_text_alone(targets, where, last):
    """Only the first text has its END; in the others none is asked for. Every text ends."""
    labels = _padded_behind(targets)
    labels[0, where[0]] = last
    return labels


@asked_for.slip
def no_end_where_the_row_is_full(targets, lengths, last):
    """A text that fills its row has no END; the shorter ones do. The labels have one column more, so that there is room
    for every END."""
    labels = _padded_behind(targets)
    return torch.where((_positions(targets) == lengths[:, None]) & (lengths[:, None] < targets.shape[1]), last, labels)


@asked_for.slip
def end_where_the_row_is_full_alone(targets, lengths, last):
    """Only a text that fills its row has an END; the shorter ones have none. Every text ends."""
    labels = _padded_behind(targets)
    return torch.where((_positions(targets) == lengths[:, None]) & (lengths[:, None] == targets.shape[1]), last, labels)


@asked_for.slip
def begin_asked_for(targets, where, last, front):
    """The labels start with BEGIN, too, and have END where the last token was. BEGIN is given, never asked for: the
    first label is the first token."""
    labels = torch.nn.functional.pad(targets, (1, 0), value=front)
    labels[torch.arange(len(targets)), where] = last
    return labels


@asked_for.slip
def labels_move_left(targets, lengths, last):
    """The labels have moved one place to the left, so each position is asked for the token after the next, and the
    first token never. Only the inputs move: the labels start with the first token."""
    labels = torch.nn.functional.pad(targets[:, 1:], (0, 2))
    labels[torch.arange(len(targets)), (lengths - 1).clamp(min=0)] = last
    return labels


@Stage
def pair(given, asked_for):
    return torch.stack([given, asked_for])  # (2, batch, length + 1)


@pair.slip
def labels_first(given, asked_for):
    """The two rectangles are in the wrong order: first the inputs, then the labels."""
    return torch.stack([asked_for, given])


@pair.slip
def one_below_the_other(given, asked_for):
    """The rectangles lie one below the other, (2 batch, length + 1), as torch.cat lays them. torch.stack gives the pair
    an axis of its own."""
    return torch.cat([given, asked_for])


@pair.slip
def one_beside_the_other(given, asked_for):
    """The rectangles lie one beside the other, (batch, 2 (length + 1)). torch.stack gives the pair an axis of its own,
    in front."""
    return torch.cat([given, asked_for], dim=1)


@pair.slip
def pair_in_the_middle(given, asked_for):
    """The axis of the pair comes second. torch.stack puts it in front unless told otherwise."""
    return torch.stack([given, asked_for], dim=1)


@pair.slip
def pair_at_the_end(given, asked_for):
    """The axis of the pair comes last. torch.stack puts it in front unless told otherwise."""
    return torch.stack([given, asked_for], dim=-1)


@pair.slip
def numbers_with_a_point(given, asked_for):
    """The tokens came back as floating-point numbers. Tokens are integers, dtype=torch.int64, wherever they are."""
    return torch.stack([given, asked_for]).float()


@pair.slip
def last_column_cut(given, asked_for):
    """Both rectangles are as wide as the targets, so that the longest text has no room: the inputs lack its last token,
    and the labels its END. They have one column more: length + 1."""
    return torch.stack([given, asked_for])[..., :-1]


@pair.slip
def one_too_long(given, asked_for):
    """Both rectangles are one column too wide: BEGIN and END each take a place, but no row holds both. The inputs have
    BEGIN, the labels END: length + 1 columns."""
    return torch.nn.functional.pad(torch.stack([given, asked_for]), (0, 1))


@pair.slip
def inputs_alone(given):
    """These are the inputs alone, (batch, length + 1). Return the pair of both, the inputs and the labels."""
    return given.clone()


@pair.slip
def labels_alone(asked_for):
    """These are the labels alone, (batch, length + 1). Return the pair of both, the inputs and the labels."""
    return asked_for.clone()


@known.mistake
def begin_and_end_exchanged(targets, lengths, begin, end):
    """BEGIN and END have changed places: END is given in front, and BEGIN is asked for behind the last token."""
    return reference(targets, lengths, end, begin)


@known.mistake
def numbers_of_the_example(targets, lengths, begin, end):
    """BEGIN is 1 and END is 2 here, whatever `begin` and `end` are. Those are the numbers of the example; take the
    arguments."""
    return reference(targets, lengths, 1, 2)


@known.mistake
def end_over_the_last_token_then_a_column(targets, lengths, begin, end):
    """END has replaced the last token, and in a text without tokens it stands in the last column but one. It belongs at
    lengths, once the labels have their last column."""
    labels = targets.clone()
    labels[torch.arange(len(targets)), lengths - 1] = end
    return torch.stack([reference(targets, lengths, begin, end)[0], _padded_behind(labels)])


@known.mistake
def begin_over_the_first_token_before_end(targets, lengths, begin, end):
    """Inputs and labels differ in the first column alone, BEGIN in place of the first token: each other position is
    given what it is asked for. BEGIN goes in front of the first token."""
    labels = reference(targets, lengths, begin, end)[1]
    return torch.stack([torch.cat([_column(targets, begin), labels[:, 1:]], dim=1), labels])


@known.mistake
def shifted_left(targets, lengths, begin, end):
    """The inputs are shifted to the left: each position is given the token after the one it is asked for. BEGIN belongs
    in front, and the tokens move to the right."""
    labels = reference(targets, lengths, begin, end)[1]
    return torch.stack([torch.cat([labels[:, 1:], _column(targets, begin)], dim=1), labels])


@known.mistake
def text_with_both_cut(targets, lengths, begin, end):
    """The labels are BEGIN, text, END without its last column: they start with BEGIN, and the longest text has no END.
    BEGIN is given, never asked for: the first label is the first token."""
    inputs, labels = reference(targets, lengths, begin, end)
    return torch.stack([inputs, torch.cat([_column(targets, begin), labels[:, :-1]], dim=1)])


@known.mistake
def both_in_both(targets, lengths, begin, end):
    """Inputs and labels are the same, BEGIN, text, END, (batch, length + 2). The inputs have BEGIN, the labels END:
    length + 1 columns, and each position is asked for the token after the one it is given."""
    full = torch.cat([_column(targets, begin), reference(targets, lengths, begin, end)[1]], dim=1)
    return torch.stack([full, full])


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
def end_over_the_last_column(targets, lengths, begin, end):
    """The labels have moved to the right like the inputs, with 0 in front, and END stands in their last column. They
    start with the first token, and END stands right behind the last one."""
    labels = torch.nn.functional.pad(targets, (1, 0))
    labels[:, -1] = end
    return torch.stack([reference(targets, lengths, begin, end)[0], labels])


@known.mistake
def labels_move_with_the_inputs(targets, lengths, begin, end):
    """The labels have moved to the right like the inputs, with 0 in front, and END stands where the last token was.
    They start with the first token, and END stands right behind the last one."""
    labels = torch.nn.functional.pad(targets, (1, 0))
    labels[torch.arange(len(targets)), lengths] = end
    return torch.stack([reference(targets, lengths, begin, end)[0], labels])


@known.mistake
def end_for_all_padding(targets, lengths, begin, end):
    """Behind each text everything is END, in the inputs and in the labels. One END is asked for, and none is given;
    what follows is padding, in both."""
    behind = _positions(targets)
    inputs, labels = reference(targets, lengths, begin, end)
    inputs = torch.where(behind > lengths[:, None], end, inputs)
    return torch.stack([inputs, torch.where(behind >= lengths[:, None], end, labels)])


@known.mistake
def empty_text_left_out(targets, lengths, begin, end):
    """A text without tokens gets neither BEGIN nor END. It has both: BEGIN is given, and END asked for at once."""
    return reference(targets, lengths, begin, end) * (lengths > 0)[:, None]


@known.mistake
def empty_text_without_end(targets, lengths, begin, end):
    """A text without tokens has no END. It ends, too: BEGIN is given, and END asked for at once."""
    inputs, labels = reference(targets, lengths, begin, end)
    return torch.stack([inputs, labels * (lengths > 0)[:, None]])


@known.mistake
def end_over_the_first_token_of_full_rows(targets, lengths, begin, end):
    """In a text that fills its row, END has replaced the first token, where a search for padding ends that finds none.
    END belongs at lengths, behind the last token: the labels have one column more."""
    where = torch.where(lengths < targets.shape[1], lengths, 0)
    return torch.stack([reference(targets, lengths, begin, end)[0], asked_for(targets, where, end)])


@known.mistake
def full_rows_lose_their_last_token(targets, lengths, begin, end):
    """Both rectangles are as wide as the targets, and in a text that fills its row END has replaced the last token.
    They have one column more, length + 1, so that nothing is lost."""
    labels = asked_for(targets, lengths.clamp(max=targets.shape[1] - 1), end)
    return torch.stack([reference(targets, lengths, begin, end)[0], labels])[..., :-1]


@known.mistake
def full_rows_end_in_time(targets, lengths, begin, end):
    """In a text that fills its row, END has replaced the last token. The labels have one column more, so that it
    follows the last token there, too."""
    labels = asked_for(targets, lengths.clamp(max=targets.shape[1] - 1), end)
    return torch.stack([reference(targets, lengths, begin, end)[0], labels])


@known.mistake
def labels_padded_with_minus_100(targets, lengths, begin, end):
    """The labels are padded with -100, which PyTorch's losses leave out unless told otherwise. Here padding is 0, in
    both."""
    inputs, labels = reference(targets, lengths, begin, end)
    return torch.stack([inputs, torch.where(_positions(targets) > lengths[:, None], -100, labels)])


@known.mistake
def padded_with_minus_1(targets, lengths, begin, end):
    """Padding is -1 here, in both rectangles. It is 0."""
    behind = _positions(targets) > lengths[:, None]
    return torch.where(behind, -1, reference(targets, lengths, begin, end))


@known.mistake
def texts_from_right_to_left(targets, lengths, begin, end):
    """The order of the tokens is reversed. They stay in the order of `targets`, BEGIN in front or END behind."""
    back = lengths[:, None] - 1 - torch.arange(targets.shape[1])
    turned = torch.where(back >= 0, targets.gather(1, back.clamp(min=0)), 0)
    return reference(turned, lengths, begin, end)


@known.mistake
def sorted_by_length(targets, lengths, begin, end):
    """The texts come sorted by length, the longest first. Keep their order."""
    order = lengths.argsort(descending=True, stable=True)
    return reference(targets[order], lengths[order], begin, end)


@known.mistake
def first_text_alone(targets, lengths, begin, end):
    """These are the rows of the first text alone. Return those of all texts, (2, batch, length + 1)."""
    return reference(targets, lengths, begin, end)[:, 0]


@known.mistake
def texts_behind_each_other(targets, lengths, begin, end):
    """The texts lie behind each other, (2, batch (length + 1)). Each has a row of its own: (2, batch, length + 1)."""
    return reference(targets, lengths, begin, end).flatten(1)


@known.mistake
def a_pair(targets, lengths, begin, end):
    """A tuple came back. torch.stack([...]) makes one tensor of the two rectangles: first the inputs, then the
    labels."""
    return tuple(reference(targets, lengths, begin, end))


@known.mistake
def a_list(targets, lengths, begin, end):
    """A list came back. torch.stack([...]) makes one tensor of two tensors, and torch.tensor([...]) of lists of
    numbers: first the inputs, then the labels."""
    return list(reference(targets, lengths, begin, end))


@known.mistake
def yes_or_no(targets, lengths, begin, end):
    """True and False came back: which places hold a token. Return the tokens themselves, integers."""
    return reference(targets, lengths, begin, end) != 0


@known.mistake
def end_one_too_far(targets, lengths, begin, end):
    """For a text that fills its row, END would stand in a column that is not there. The labels have no BEGIN, so their
    END belongs at lengths; in rows that start with BEGIN it belongs one further, and they need a column more."""
    batch, _length = targets.shape
    labels = _padded_behind(targets)
    labels[torch.arange(batch), lengths + 1] = end
    return torch.stack([reference(targets, lengths, begin, end)[0], labels])


@known.mistake
def no_room_for_end(targets, lengths, begin, end):
    """The rows are as wide as the targets, so the longest text has no room for its END. The labels have one column
    more: length + 1."""
    batch, _length = targets.shape
    labels = targets.clone()
    labels[torch.arange(batch), lengths] = end
    return torch.stack([reference(targets, lengths, begin, end)[0][:, :-1], labels])


@known.mistake
def different_widths(targets, lengths, begin, end):
    """The two rectangles have different widths, so they cannot be stacked: the inputs have a column for BEGIN, and the
    labels need one for END. Both have length + 1."""
    inputs, labels = reference(targets, lengths, begin, end)[0], targets.clone()
    return torch.stack([inputs, labels])


@known.mistake
def number_among_tensors(targets, lengths, begin, end):
    """torch.cat joins tensors, and `begin` is a number: make a column of it, torch.full((batch, 1), begin)."""
    inputs = torch.cat([begin, targets], dim=1)
    return inputs


@known.mistake
def one_axis_beside_two(targets, lengths, begin, end):
    """torch.cat joins tensors with equally many axes: BEGIN has one here, and the targets have two. It takes a column,
    one BEGIN for each text: torch.full((batch, 1), begin)."""
    inputs = torch.cat([torch.tensor([begin]), targets], dim=1)
    return inputs


@known.mistake
def one_row_for_all_texts(targets, lengths, begin, end):
    """The column of BEGIN has one row, and the targets have one for each text: torch.full((batch, 1), begin)."""
    inputs = torch.cat([torch.tensor([[begin]]), targets], dim=1)
    return inputs


@known.mistake
def several_columns_for_a_slice(targets, lengths, begin, end):
    """A slice takes whole numbers, and `lengths` holds several. Two indices name one place in each row:
    [torch.arange(batch), lengths]."""
    labels = _padded_behind(targets)
    labels[:, lengths : lengths + 1] = end
    return torch.stack([reference(targets, lengths, begin, end)[0], labels])


@known.mistake
def texts_without_padding(targets, lengths, begin, end):
    """The rows have different lengths, so they cannot be stacked: behind the shorter texts there is no padding. Fill
    them up with 0 to length + 1."""
    texts = [text[:n] for text, n in zip(targets, lengths, strict=True)]
    inputs = [torch.cat([torch.tensor([begin]), text]) for text in texts]
    labels = [torch.cat([text, torch.tensor([end])]) for text in texts]
    return torch.stack([torch.stack(inputs), torch.stack(labels)])


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


SEEN = {
    "targets": np.array([[7, 8, 0, 0], [5, 6, 7, 8], [9, 0, 0, 0]]),
    "lengths": np.array([2, 4, 1]),
    "begin": 1,
    "end": 2,
}


def _row(numbers):
    return ", ".join(f"{number}" for number in numbers)


@known.probe
def row_that_is_given(rng):
    seen = yield SEEN
    if not np.array_equal(seen[0, 0], [1, 7, 8, 0, 0]):
        return (
            f"With begin = 1 and end = 2, the text 7, 8 in a rectangle of length 4 should be given as 1, 7, 8, 0, 0; "
            f"yours, at [0, 0], is {_row(seen[0, 0])}."
        )
    return None


@known.probe
def row_that_is_asked_for(rng):
    seen = yield SEEN
    if not np.array_equal(seen[1, 0], [7, 8, 2, 0, 0]):
        return (
            f"With begin = 1 and end = 2, the text 7, 8 in a rectangle of length 4 should be asked for as "
            f"7, 8, 2, 0, 0; yours, at [1, 0], is {_row(seen[1, 0])}."
        )
    return None


@known.probe
def full_row(rng):
    seen = yield SEEN
    if not np.array_equal(seen[:, 1], [[1, 5, 6, 7, 8], [5, 6, 7, 8, 2]]):
        return (
            f"With begin = 1 and end = 2, the text 5, 6, 7, 8, which fills its row, should be given as 1, 5, 6, 7, 8 "
            f"and asked for as 5, 6, 7, 8, 2; yours are {_row(seen[0, 1])} and {_row(seen[1, 1])}."
        )
    return None


@known.probe
def a_text_alone(rng):
    among = yield SEEN
    alone = yield {**SEEN, "targets": SEEN["targets"][1:2], "lengths": SEEN["lengths"][1:2]}
    for which, name in enumerate(("inputs", "labels")):
        if not np.array_equal(among[which, 1], alone[which, 0]):
            return (
                f"In a batch of its own, the text 5, 6, 7, 8 has the {name} {_row(alone[which, 0])}, and beside others "
                f"{_row(among[which, 1])}: the other texts should not matter."
            )
    return None


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
    return torch.stack([torch.from_numpy(inputs), torch.from_numpy(labels)])


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
    part=True,
    reference=reference,
    draw=distinct_tokens,
    cases=(
        Case("the example of the text", {}, draw=example),
        Case("2 texts of up to 3 tokens", dict(batch=2, length=3)),
        Case("6 texts of up to 4 tokens", dict(batch=6, length=4)),
        Case("one text is empty", dict(batch=4, length=5), draw=one_is_empty),
        Case("one text of one token", dict(batch=1, length=1), draw=one_text),
        Case("3 texts of up to 5 tokens", dict(batch=3, length=5)),
    ),
    stages=(front, last, where, asked_for, given, pair),
    coincidences={
        "end_in_front + begin_at_the_end": "begin_and_end_exchanged",
        "one_in_front + two_at_the_end": "numbers_of_the_example",
        "end_missing + last_column_cut": "one_too_short",
        "end_where_the_row_is_full_alone + last_column_cut": "one_too_short",
        "end_at_the_end_of_the_rectangle + last_column_cut": "one_too_short",
        "zero_in_front + begin_behind": "inputs_not_moved",
        "inputs_are_the_labels + inputs_alone": "labels_alone",
    },
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
