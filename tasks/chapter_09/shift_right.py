"""09.shift_right: what goes into the decoder, made from what is asked of it (Vaswani et al. 2017, section 3.1)."""

import numpy as np
import torch

from grader.known import Known
from grader.task import Case, Task

known = Known()


def distinct_tokens(rng, batch, length):
    """No token comes twice, so that every wrong move shows."""
    targets = 5 + rng.permutation(90)[: batch * length].reshape(batch, length)
    return {"targets": targets, "begin": int(rng.integers(2, 5))}


def reference(targets, begin):
    inputs = targets.roll(1, dims=1)
    inputs[:, 0] = begin
    return inputs


def _column(targets, begin):
    return torch.full((len(targets), 1), begin)


@known.mistake
def not_shifted(targets, begin):
    """These are the targets, not shifted at all: each position would get as input the very token it is asked for, and
    training would learn to copy."""
    return targets.clone()


@known.mistake
def shifted_left(targets, begin):
    """This is shifted left: each position would see the token after the one it is asked for. BEGIN belongs in front,
    and the tokens move to the right."""
    return torch.cat([targets[:, 1:], _column(targets, begin)], dim=1)


@known.mistake
def first_token_replaced(targets, begin):
    """BEGIN stands where the first token was, and the others have not moved: they still stand at the positions that are
    asked for them, and the first token is lost."""
    return torch.cat([_column(targets, begin), targets[:, 1:]], dim=1)


@known.mistake
def one_too_long(targets, begin):
    """BEGIN is in front, and nothing was left out, so there is one input more than there are targets. The last target
    never goes in: nothing comes after it."""
    return torch.cat([_column(targets, begin), targets], dim=1)


@known.mistake
def only_cut(targets, begin):
    """The last target is left out, but BEGIN is missing in front: the first position has nothing to start from."""
    return targets[:, :-1]


@known.mistake
def rolled(targets, begin):
    """The tokens moved right, but the last one came back in front. BEGIN belongs there."""
    return targets.roll(1, dims=1)


@known.mistake
def shifted_down_the_batch(targets, begin):
    """Whole sequences have moved, along the batch. Each row is a sequence: shift along the last axis."""
    return torch.cat([torch.full((1, targets.shape[1]), begin), targets[:-1]], dim=0)


@known.mistake
def through_the_batch(targets, begin):
    """The whole batch was shifted as one long row: the last token of each text stands in front of the next text. Every
    text starts with BEGIN."""
    return torch.cat([torch.tensor([begin]), targets.flatten()[:-1]]).reshape(targets.shape)


@known.mistake
def begin_without_rows(targets, begin):
    """BEGIN is a tensor of one axis here, the targets have two: torch.cat wants a column, one BEGIN for each text."""
    return torch.cat([torch.tensor([begin]), targets[:, :-1]], dim=1)


@known.mistake
def zero_in_front(targets, begin):
    """The shift is right, but 0, the padding, stands in front in place of `begin`."""
    return torch.nn.functional.pad(targets[:, :-1], (1, 0))


@known.mistake
def begin_at_the_end(targets, begin):
    """BEGIN took the place of the last token. It belongs in front of the first, and the tokens move right."""
    return torch.cat([targets[:, :-1], _column(targets, begin)], dim=1)


@known.mistake
def begin_twice(targets, begin):
    """The tokens moved right by two places. One is enough: each position sees the token just before it."""
    return torch.cat([_column(targets, begin), _column(targets, begin), targets[:, :-2]], dim=1)


@known.mistake
def numbers_with_a_point(targets, begin):
    """The tokens are right, but they became floating-point numbers: torch.ones and torch.zeros make those unless told
    otherwise. Tokens are integers."""
    return torch.cat([begin * torch.ones(len(targets), 1), targets[:, :-1]], dim=1)


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
    return np.insert(targets.numpy(), 0, begin, axis=1)[:, :-1]


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
    ),
    hints=(
        "The decoder is asked for n e u n END. What has been written when it is asked for the first n? And for the u?",
        "Write the inputs below the targets. Which token never goes in, because nothing is asked after it?",
        "One column of `begin`, then all columns of the targets but the last. How do you put two tensors side by side?",
        "torch.full((len(targets), 1), begin) is the column; torch.cat([..., ...], dim=1) puts it beside the rest.",
    ),
    **known.ways,
)
