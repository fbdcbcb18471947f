"""09.shift_right: what goes into the decoder, made from what is asked of it (Vaswani et al. 2017, section 3.1)."""

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def distinct_tokens(rng, batch, length):
    """No token comes twice, so that every wrong move shows."""
    targets = 5 + rng.permutation(90)[: batch * length].reshape(batch, length)
    return {"targets": targets, "begin": int(rng.integers(2, 5))}


def padded_targets(rng, batch, length):
    """Texts that end with END = 2 and are filled up with 0; the last one is full and ends without END. BEGIN has a high
    number."""
    targets = 5 + rng.permutation(60)[: batch * length].reshape(batch, length)
    for row, end in enumerate(rng.permutation(length - 1)[: batch - 1]):
        targets[row, end], targets[row, end + 1 :] = 2, 0
    return {"targets": targets, "begin": int(rng.integers(70, 90))}


def of_the_text(rng, batch, length):
    return {"targets": np.array([[14, 8, 20, 14, 2]]), "begin": 1}


def reference(targets, begin):
    inputs = targets.roll(1, dims=1)
    inputs[:, 0] = begin
    return inputs


def _column(targets, begin):
    return torch.full((len(targets), 1), begin)


@Stage
def first(begin):
    return begin


@first.slip
def zero_in_front(begin):
    """0, the padding, stands where `begin` belongs."""
    return 0


@first.slip
def one_in_front(begin):
    """1 stands where `begin` belongs. BEGIN is 1 in the example alone."""
    return 1


@first.slip
def two_in_front(begin):
    """2, the number of END, stands where `begin` belongs."""
    return 2


@Stage
def moved(targets, first):
    return torch.cat([_column(targets, first), targets[:, :-1]], dim=1)


@moved.slip
def shifted_left(targets, first):
    """The tokens moved to the left: each position would see the token after the one it is asked for. BEGIN belongs in
    front, and the tokens move to the right."""
    return torch.cat([targets[:, 1:], _column(targets, first)], dim=1)


@moved.slip
def first_token_replaced(targets, first):
    """BEGIN stands where the first token was, and the others have not moved: they still stand at the positions that are
    asked for them, and the first token is lost."""
    return torch.cat([_column(targets, first), targets[:, 1:]], dim=1)


@moved.slip
def one_too_long(targets, first):
    """BEGIN is in front, and nothing was left out, so there is one input more than there are targets. The last target
    never goes in: nothing comes after it."""
    return torch.cat([_column(targets, first), targets], dim=1)


@moved.slip
def shifted_down_the_batch(targets, first):
    """Whole texts have moved, along the batch, and a row of BEGIN came in. Each row is a text: shift along the last
    axis."""
    return torch.cat([torch.full((1, targets.shape[1]), first), targets[:-1]], dim=0)


@moved.slip
def rolled_down_the_batch(targets, first):
    """Whole texts have moved along the batch, and BEGIN took the place of each first token. Each row is a text: shift
    along the last axis."""
    return torch.cat([_column(targets, first), targets.roll(1, dims=0)[:, 1:]], dim=1)


@moved.slip
def through_the_batch(targets, first):
    """The whole batch was shifted as one long row: the last token of each text stands in front of the next text. Every
    text starts with BEGIN."""
    return torch.cat([torch.tensor([first]), targets.flatten()[:-1]]).reshape(targets.shape)


@moved.slip
def begin_at_the_end(targets, first):
    """BEGIN took the place of the last token. It belongs in front of the first, and the tokens move right."""
    return torch.cat([targets[:, :-1], _column(targets, first)], dim=1)


@moved.slip
def begin_behind_everything(targets, first):
    """BEGIN stands behind the last token, and nothing has moved. It belongs in front, and the last target is left
    out."""
    return torch.cat([targets, _column(targets, first)], dim=1)


@moved.slip
def begin_and_end_at_once(targets, first):
    """BEGIN is in front, and the first token was left out besides the last, so there is one input less than there are
    targets."""
    return torch.cat([_column(targets, first), targets[:, 1:-1]], dim=1)


@moved.slip
def begin_twice(targets, first):
    """The tokens moved right by two places. One is enough: each position sees the token just before it."""
    return torch.cat([_column(targets, first), _column(targets, first), targets], dim=1)[:, : targets.shape[1]]


@moved.slip
def begin_and_two_zeros(targets, first):
    """The tokens moved right by two places, with BEGIN first and 0 behind it. One place is enough."""
    zeros = torch.zeros_like(targets[:, :1])
    return torch.cat([_column(targets, first), zeros, targets], dim=1)[:, : targets.shape[1]]


@moved.slip
def backward(targets, first):
    """The texts run backward, and BEGIN took the place of what came first. The tokens keep their order and move
    right."""
    return torch.cat([_column(targets, first), targets.flip(1)[:, 1:]], dim=1)


@moved.slip
def begin_everywhere(targets, first):
    """Everything is BEGIN, as it comes out where each token is overwritten before it has moved. Take the tokens from
    the targets, or go from the last position back to the first."""
    return torch.full_like(targets, first)


@moved.slip
def first_text_for_all(targets, first):
    """The first text stands in every row. Each row has a text of its own."""
    return moved(targets[:1].expand_as(targets), first)


@moved.slip
def first_text_alone(targets, first):
    """Only the first text is there, without the axis of the batch. Shift all of them: targets[:, ...]."""
    return moved(targets[:1], first)[0]


@moved.slip
def end_left_out(targets, first):
    """END does not go in: in a padded text 0 stands where it should be, one place behind its own. It is the last column
    that never goes in, whatever stands there."""
    rows = [[token for token in row if token != 2] for row in targets.tolist()]
    return torch.tensor([[first, *row, *len(targets[0]) * [0]][: len(targets[0])] for row in rows])


@Stage
def inputs(moved):
    return moved


@inputs.slip
def numbers_with_a_point(moved):
    """The tokens came back as floating-point numbers. Tokens are integers, dtype=torch.int64, BEGIN too."""
    return moved.float()


@inputs.slip
def texts_in_columns(moved):
    """The axes have changed places: the result has a column for each text. Each row is a text: (batch, length)."""
    return moved.T


@inputs.slip
def one_text_behind_the_other(moved):
    """All texts stand in one long row. The result has an axis for the batch, as the targets have: (batch, length)."""
    return moved.flatten()


@known.mistake
def not_shifted(targets, begin):
    """These are the targets, not shifted at all: each position would get as input the very token it is asked for, and
    training would learn to copy."""
    return targets.clone()


@known.mistake
def only_cut(targets, begin):
    """The last target is left out, and nothing stands in front: the first position has nothing to start from."""
    return targets[:, :-1]


@known.mistake
def only_cut_in_front(targets, begin):
    """The first target is left out, and nothing stands in its place. The first position starts from BEGIN, and the last
    target never goes in."""
    return targets[:, 1:]


@known.mistake
def rolled(targets, begin):
    """The tokens moved right, but the last one came back in front. BEGIN belongs there."""
    return targets.roll(1, dims=1)


@known.mistake
def rolled_left(targets, begin):
    """The tokens moved left, and the first one came back at the end. They move right, and BEGIN belongs in front."""
    return targets.roll(-1, dims=1)


@known.mistake
def first_token_twice(targets, begin):
    """The tokens moved right, and the first one still stands where it was, so it comes twice. BEGIN belongs there."""
    return torch.cat([targets[:, :1], targets[:, :-1]], dim=1)


@known.mistake
def last_token_kept(targets, begin):
    """The last target stands at the end again, as if it went in too: the one before it is lost. All tokens but the last
    move right."""
    return torch.cat([_column(targets, begin), targets[:, :-2], targets[:, -1:]], dim=1)[:, : targets.shape[1]]


@known.mistake
def end_becomes_begin(targets, begin):
    """BEGIN stands in the place of the last token but one, and the first token at the end: BEGIN replaced the last
    token, and all moved left. They move right, and BEGIN comes first."""
    return torch.cat([targets[:, :-1], _column(targets, begin)], dim=1).roll(-1, dims=1)


@known.mistake
def begin_without_rows(targets, begin):
    """BEGIN is a tensor of one axis here, the targets have two: torch.cat wants a column, one BEGIN for each text."""
    return torch.cat([torch.tensor([begin]), targets[:, :-1]], dim=1)


@known.mistake
def begin_without_rows_by_name(targets, begin):
    """What is put in front has one axis, and the targets have two. It should be a column, one BEGIN for each text:
    (batch, 1)."""
    first = torch.full((len(targets),), begin)
    return torch.cat([first, targets[:, :-1]], dim=1)


@known.mistake
def one_begin_for_all(targets, begin):
    """The column in front has one row, (1, 1), and the batch has more. There is one BEGIN for each text: (batch, 1)."""
    return torch.cat([torch.tensor([[begin]]), targets[:, :-1]], dim=1)


@known.mistake
def begin_as_a_number(targets, begin):
    """torch.cat joins tensors, and BEGIN is a number. Make a column of it first: (batch, 1)."""
    return torch.cat([begin, targets[:, :-1]], dim=1)


@known.mistake
def a_begin_for_each_position(targets, begin):
    """The column of BEGIN has a row for each position of a text. It needs one for each text: (batch, 1)."""
    column = torch.full((targets.shape[1], 1), begin)
    return torch.cat([column, targets[:, :-1]], dim=1)


@known.mistake
def last_text_dropped(targets, begin):
    """The last text was left out, where it should be the last token of each: targets[:, :-1] has one column less,
    targets[:-1] one row less."""
    column = _column(targets, begin)
    return torch.cat([column, targets[:-1]], dim=1)


@known.mistake
def one_position_too_far(targets, begin):
    """A token is to be written behind the last position, where there is no place. The last target never goes in."""
    inputs = torch.full_like(targets, begin)
    for t in range(targets.shape[1]):
        inputs[:, t + 1] = targets[:, t]
    return inputs


@known.mistake
def one_place_less_to_write_to(targets, begin):
    """All tokens are to be written to all places but the first: that is one token more than there are places. The last
    target never goes in."""
    inputs = torch.full_like(targets, begin)
    inputs[:, 1:] = targets
    return inputs


@known.probe
def one_text(rng):
    for begin, text in ((1, [14, 8, 20, 14, 2]), (7, [5, 9, 6])):
        yours = yield {"targets": np.array([text]), "begin": begin}
        right = [begin, *text[:-1]]
        if yours[0].tolist() != right:
            return f"Of {_read(text)} with BEGIN = {begin} yours makes {_read(yours[0])}, expected {_read(right)}."
    return None


@known.probe
def begin_alone_changed(rng):
    targets = distinct_tokens(rng, 2, 4)["targets"]
    before = yield {"targets": targets, "begin": 2}
    after = yield {"targets": targets, "begin": 3}
    places = np.argwhere(before != after).tolist()
    if places != [[0, 0], [1, 0]]:
        where = " and ".join(map(str, places)) or "nowhere"
        return f"When BEGIN alone changes, your result changes at {where}; it should change at [0, 0] and [1, 0]."
    return None


@known.probe
def one_token_changed(rng):
    targets = distinct_tokens(rng, 2, 4)["targets"]
    before = yield {"targets": targets, "begin": 2}
    changed = targets.copy()
    changed[1, 1] = 99
    after = yield {"targets": changed, "begin": 2}
    places = np.argwhere(before != after).tolist()
    if places != [[1, 2]]:
        where = " and ".join(map(str, places)) or "nowhere"
        return (
            f"When the token at [1, 1] alone changes, your result changes at {where}; it goes in one place further "
            f"right, at [1, 2]."
        )
    return None


def _read(tokens):
    return " ".join(map(str, np.asarray(tokens).tolist()))


@known.always
def begin_in_front(inputs, output):
    """Every row should start with `begin`."""
    return bool((output[:, 0] == inputs["begin"]).all())


@known.legal
def by_cat(targets, begin):
    return torch.cat([torch.full_like(targets[:, :1], begin), targets[:, :-1]], dim=1)


@known.legal
def by_pad(targets, begin):
    return torch.nn.functional.pad(targets[:, :-1], (1, 0), value=begin)


@known.legal
def by_assignment(targets, begin):
    inputs = torch.empty_like(targets)
    inputs[:, 0] = begin
    inputs[:, 1:] = targets[:, :-1]
    return inputs


@known.legal
def with_lists(targets, begin):
    return torch.tensor([[begin, *row[:-1]] for row in targets.tolist()])


@known.legal
def with_numpy(targets, begin):
    return torch.from_numpy(np.insert(targets.numpy(), 0, begin, axis=1)[:, :-1])


TASK = Task(
    id="09.shift_right",
    title="Shift right",
    difficulty=1,
    minutes=5,
    library="torch",
    reference=reference,
    draw=distinct_tokens,
    cases=(
        Case("2 texts of 4 tokens", dict(batch=2, length=4)),
        Case("3 texts of 5 tokens", dict(batch=3, length=5)),
        Case("2 texts of one token", dict(batch=2, length=1), draw=distinct_tokens),
        Case("3 padded texts", dict(batch=3, length=6), draw=padded_targets),
        Case("the example of the text", dict(batch=1, length=5), draw=of_the_text),
    ),
    hints=(
        "The decoder is asked for n e u n END. What has been written when it is asked for the first n? And for the u?",
        "Write the inputs below the targets. Which token never goes in, because nothing is asked after it?",
        "One column of `begin`, then all columns of the targets but the last. How do you put two tensors side by side?",
        "torch.full((len(targets), 1), begin) is the column; torch.cat([..., ...], dim=1) puts it beside the rest.",
    ),
    stages=(first, moved, inputs),
    **known.ways,
)
