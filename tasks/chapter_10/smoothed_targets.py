"""10.smoothed_targets: the label gets most of the probability, all real tokens share the rest, padding gets none."""

import numpy as np
import torch

from grader.known import Known
from grader.task import Case, Task

known = Known()


def draw(rng, vocab, **leading):
    """Labels of which some are padding, at the end of the last axis."""
    labels = rng.integers(1, vocab, size=tuple(leading.values()))
    labels[..., -1] = 0
    labels.reshape(-1)[-2:] = 0
    return {"labels": labels, "vocab": vocab, "smoothing": round(rng.uniform(0.15, 0.45), 2)}


def reference(labels, vocab, smoothing):
    targets = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    targets.scatter_(-1, labels[..., None], 1 - smoothing + smoothing / (vocab - 1))
    targets[..., 0] = 0
    return targets * (labels != 0)[..., None]


def _one_hot(labels, vocab):
    return torch.nn.functional.one_hot(labels, vocab).float()


def _without_padding(targets, labels):
    """Zeros in the column of the padding, and in the rows whose label it is."""
    targets[..., 0] = 0
    return targets * (labels != 0)[..., None]


@known.mistake
def padding_gets_a_share(labels, vocab, smoothing):
    """The padding gets a share like a token: smoothing / vocab for each column, as in torch's own label_smoothing. The
    model would be trained to find padding possible. Column 0 gets none, and vocab - 1 tokens share."""
    targets = (1 - smoothing) * _one_hot(labels, vocab) + smoothing / vocab
    return targets * (labels != 0)[..., None]


@known.mistake
def padding_like_a_token(labels, vocab, smoothing):
    """The padding is treated like a token: it has a share in every row, and where it is the label, it is asked for.
    Column 0 gets nothing, vocab - 1 tokens share, and the row of a padded label is all zeros."""
    return (1 - smoothing) * _one_hot(labels, vocab) + smoothing / vocab


@known.mistake
def column_of_the_padding_kept(labels, vocab, smoothing):
    """The shares are right, but column 0 has one too, and the rows sum to more than 1. The padding gets nothing."""
    targets = (1 - smoothing) * _one_hot(labels, vocab) + smoothing / (vocab - 1)
    return targets * (labels != 0)[..., None]


@known.mistake
def shared_with_the_padding(labels, vocab, smoothing):
    """The rest is shared by all columns but the label's, the padding's among them. It is shared by the real tokens: the
    label is one of them, the padding is not."""
    others = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    return others.scatter(-1, labels[..., None], 1 - smoothing) * (labels != 0)[..., None]


@known.mistake
def padding_counted_among_the_tokens(labels, vocab, smoothing):
    """The padding gets none, but its share went nowhere: the rows sum to less than 1. One column of the vocab is
    padding, so vocab - 1 tokens share."""
    return _without_padding((1 - smoothing) * _one_hot(labels, vocab) + smoothing / vocab, labels)


@known.mistake
def shared_by_the_others_alone(labels, vocab, smoothing):
    """The rest is shared by the other tokens alone, and the label keeps exactly 1 - smoothing. That is the other
    definition in use, and it trains as well. This course follows Szegedy et al. 2016: all real tokens share alike, the
    label among them."""
    others = torch.full((*labels.shape, vocab), smoothing / (vocab - 2))
    return _without_padding(others.scatter(-1, labels[..., None], 1 - smoothing), labels)


@known.mistake
def share_of_the_label_lost(labels, vocab, smoothing):
    """The label has 1 - smoothing alone: its own share of the rest is missing, and the rows sum to less than 1. All
    vocab - 1 tokens share, the label too."""
    others = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    return _without_padding(others.scatter(-1, labels[..., None], 1 - smoothing), labels)


@known.mistake
def label_keeps_all(labels, vocab, smoothing):
    """The label keeps 1, and the shares come on top, so the rows sum to more than 1. The label gives `smoothing` away
    before it is shared."""
    return _without_padding(_one_hot(labels, vocab) + smoothing / (vocab - 1), labels)


@known.mistake
def label_is_one(labels, vocab, smoothing):
    """The label has probability 1, and the others get their shares all the same: the rows sum to more than 1. The
    label has 1 - smoothing, and its share."""
    others = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    return _without_padding(others.scatter(-1, labels[..., None], 1.0), labels)


@known.mistake
def not_shared_out(labels, vocab, smoothing):
    """Every token gets all of `smoothing`. It is one rest for all: divide it by the number of tokens that share."""
    return _without_padding((1 - smoothing) * _one_hot(labels, vocab) + smoothing, labels)


@known.mistake
def padding_as_a_label(labels, vocab, smoothing):
    """Where the label is padding, padding is what you ask for, with probability 1 - smoothing. Nothing is asked for
    there: such a row is all zeros."""
    targets = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    targets[..., 0] = 0
    return targets + (1 - smoothing) * _one_hot(labels, vocab)


@known.mistake
def padded_rows_keep_the_rest(labels, vocab, smoothing):
    """Where the label is padding, the tokens still share the rest. Nothing is asked for there: such a row is all
    zeros."""
    targets = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    targets += (1 - smoothing) * _one_hot(labels, vocab)
    targets[..., 0] = 0
    return targets


@known.mistake
def not_smoothed(labels, vocab, smoothing):
    """These are the labels as they are, 1 and 0: nothing is smoothed."""
    return _without_padding(_one_hot(labels, vocab), labels)


@known.mistake
def the_other_way_round(labels, vocab, smoothing):
    """`smoothing` stands on the label, and 1 - smoothing is shared. It is the other way round: the smoothing is what
    the label gives away."""
    return reference(labels, vocab, 1 - smoothing)


@known.mistake
def no_column_for_the_padding(labels, vocab, smoothing):
    """The padding has no column, so the numbers stand one column too far to the left. The targets are compared with
    logits, and those have a column for every id from 0 on: keep it, filled with zeros."""
    return reference(labels, vocab, smoothing)[..., 1:]


@known.mistake
def normalized_row_by_row(labels, vocab, smoothing):
    """You divide each row by its sum, and a padded row has sum 0: 0 / 0 is NaN. With the right shares a row sums to 1
    by itself."""
    targets = reference(labels, vocab, smoothing)
    return targets / targets.sum(dim=-1, keepdim=True)


@known.mistake
def vocabulary_in_front(labels, vocab, smoothing):
    """The axis of the vocabulary comes first. It belongs at the end: one distribution for each label."""
    return reference(labels, vocab, smoothing).movedim(-1, 0)


@known.mistake
def whole_numbers(labels, vocab, smoothing):
    """The result holds integers, and an integer tensor cuts 0.9 down to 0: torch.nn.functional.one_hot and
    zeros_like(labels) make such tensors. Make it floating-point first."""
    return reference(labels, vocab, smoothing).long()


@known.always
def sums_to_one(inputs, output):
    """The row of every label that is no padding should sum to 1."""
    return np.allclose(output.sum(axis=-1)[inputs["labels"] != 0], 1, atol=1e-4)


@known.always
def nothing_for_padding(inputs, output):
    """The padding, column 0, should be 0 in the row of every label that is a token."""
    return bool((output[..., 0][inputs["labels"] != 0] == 0).all())


@known.always
def nothing_asked_for(inputs, output):
    """The row of a label that is padding should be 0 in every column."""
    return bool((output[inputs["labels"] == 0] == 0).all())


@known.legal
def by_one_hot(labels, vocab, smoothing):
    real_tokens = torch.ones(vocab)
    real_tokens[0] = 0
    targets = (1 - smoothing) * torch.nn.functional.one_hot(labels, vocab) + smoothing * real_tokens / (vocab - 1)
    return targets * (labels != 0).unsqueeze(-1)


@known.legal
def by_comparison(labels, vocab, smoothing):
    tokens = torch.arange(vocab)
    share = smoothing / (vocab - 1)
    targets = torch.where(tokens == labels[..., None], 1 - smoothing + share, share)
    return targets.masked_fill((tokens == 0) | (labels == 0)[..., None], 0.0)


@known.legal
def from_a_table(labels, vocab, smoothing):
    """One row for each label there can be; a label looks up its own."""
    table = (1 - smoothing) * torch.eye(vocab) + smoothing / (vocab - 1)
    table[0] = 0
    table[:, 0] = 0
    return table[labels]


@known.legal
def with_loops(labels, vocab, smoothing):
    rows = []
    for label in labels.flatten().tolist():
        row = [0.0] + [smoothing / (vocab - 1) if label else 0.0] * (vocab - 1)
        if label:
            row[label] += 1 - smoothing
        rows.append(row)
    return torch.tensor(rows).reshape(*labels.shape, vocab)


@known.legal
def with_numpy(labels, vocab, smoothing):
    table = (1 - smoothing) * np.eye(vocab, dtype=np.float32) + np.float32(smoothing / (vocab - 1))
    table[0] = table[:, 0] = 0
    return table[labels.numpy()]


TASK = Task(
    id="10.smoothed_targets",
    title="Smoothed targets",
    difficulty=2,
    minutes=10,
    library="torch",
    reference=reference,
    draw=draw,
    cases=(
        Case("4 labels, 5 ids", dict(length=4, vocab=5), points=2),
        Case("2 texts", dict(batch=2, length=4, vocab=7), points=2),
        Case("3 axes of labels", dict(group=3, batch=2, length=5, vocab=6)),
    ),
    hints=(
        "Of `vocab` ids, how many are tokens? How much of the rest does each get, and how much has the label in all?",
        (
            "The label has 1 - smoothing and its share, every other token its share, the padding nothing. The row "
            "sums to 1: check that on paper."
        ),
        (
            "Start from `torch.full((*labels.shape, vocab), share)`, add what the label has beyond its share, then "
            "write zeros where padding is: one column, and some rows."
        ),
        (
            "`torch.nn.functional.one_hot(labels, vocab)` has 1 at the label and 0 elsewhere. `targets[..., 0] = 0` "
            "is the column, `targets[labels == 0] = 0` are the rows."
        ),
    ),
    **known.ways,
)
