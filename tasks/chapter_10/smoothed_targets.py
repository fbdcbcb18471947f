"""10.smoothed_targets: the label gets most of the probability, all real tokens share the rest, padding gets none."""

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def draw(rng, vocab, **leading):
    """Labels with padding anywhere, also at the end, and the last id among them."""
    labels = rng.integers(1, vocab, size=tuple(leading.values()))
    places = rng.permutation(labels.size - 1)
    labels.flat[places[: labels.size // 3]] = 0
    labels.flat[places[-1]] = vocab - 1
    labels.flat[-1] = 0
    return {"labels": labels, "vocab": vocab, "smoothing": round(rng.uniform(0.15, 0.45), 2)}


def without_smoothing(rng, vocab, **leading):
    return {**draw(rng, vocab, **leading), "smoothing": 0.0}


def one_label(rng, vocab):
    """A label without any axis."""
    return {"labels": np.array(rng.integers(2, vocab)), "vocab": vocab, "smoothing": round(rng.uniform(0.15, 0.45), 2)}


def example(rng):
    return {"labels": np.array([2, 0]), "vocab": 5, "smoothing": 0.2}


def reference(labels, vocab, smoothing):
    targets = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    targets.scatter_(-1, labels[..., None], 1 - smoothing + smoothing / (vocab - 1))
    targets[..., 0] = 0
    return targets * (labels != 0)[..., None]


@Stage
def rest(smoothing):
    return smoothing


@rest.slip
def the_other_way_round(smoothing):
    """`smoothing` and 1 - `smoothing` have changed places: the label keeps `smoothing`, and 1 - `smoothing` is shared.
    The smoothing is what the label gives away."""
    return 1 - smoothing


@rest.slip
def not_smoothed():
    """Nothing is smoothed: the label keeps 1, and there is no rest to share."""
    return 0.0


@Stage
def kept(rest):
    return 1 - rest


@kept.slip
def label_keeps_all():
    """The label keeps 1, and what is shared comes on top, so that the rows sum to more than 1. It gives `smoothing`
    away first."""
    return 1.0


@Stage
def sharers(vocab):
    return vocab - 1


@sharers.slip
def padding_counted_among_the_tokens(vocab):
    """The rest is divided by `vocab`, as if the padding were a token. One of the ids is padding, so vocab - 1 tokens
    share."""
    return vocab


@sharers.slip
def shared_by_the_others(vocab):
    """The rest is divided by vocab - 2, the number of tokens without the label. All vocab - 1 real tokens share, the
    label too."""
    return vocab - 2


@sharers.slip
def one_too_many_sharers(vocab):
    """The rest is divided by vocab + 1. There are `vocab` ids, and one of them is padding: vocab - 1 tokens share."""
    return vocab + 1


@sharers.slip
def not_shared_out():
    """Every token gets the whole rest. It is one rest for all: divide it by the number of tokens that share."""
    return 1


@sharers.slip
def four_sharers():
    """The rest is divided by 4 whatever `vocab` is. Four is right in the example alone; vocab - 1 tokens share."""
    return 4


@sharers.slip
def shared_by_the_labels(labels):
    """The rest is divided by the number of labels that are no padding. It is shared by the tokens of the vocabulary
    that are no padding: vocab - 1."""
    return (labels != 0).sum().item()


@Stage
def share(rest, sharers):
    return rest / sharers


@share.slip
def share_cut_to_0(rest):
    """The label has given `smoothing` away, and nobody has it: the share of each token is 0, as // would make it."""
    return 0.0 * rest


@Stage
def shared(labels, vocab, kept, share):
    return kept * _one_hot(labels, vocab) + share


@shared.slip
def share_of_the_label_lost(labels, vocab, kept, share):
    """The label has what it keeps and nothing else: its own share of the rest is missing. All vocab - 1 tokens share,
    the label too."""
    return torch.full((*labels.shape, vocab), share).scatter(-1, labels[..., None], kept)


@shared.slip
def two_shares_for_the_label(labels, vocab, kept, share):
    """The label has two shares of the rest on top of what it keeps. It has one, as every token."""
    return (kept + share) * _one_hot(labels, vocab) + share


@shared.slip
def label_one_column_left(labels, vocab, kept, share):
    """What the label keeps stands one column too far to the left, in that of id label - 1. Every id has its column, the
    padding too, from 0 on."""
    return kept * _one_hot((labels - 1).clamp(min=0), vocab) + share


@shared.slip
def label_one_column_right(labels, vocab, kept, share):
    """What the label keeps stands one column too far to the right, in that of id label + 1. Ids count from 0, and so do
    columns."""
    return kept * _one_hot(labels + 1, vocab + 1)[..., :vocab] + share


@shared.slip
def nothing_kept(labels, vocab, share):
    """Every token has its share, and the label no more than that. It also has what it keeps, 1 - smoothing."""
    return torch.full((*labels.shape, vocab), share)


@Stage
def without_the_column(shared):
    return torch.cat([torch.zeros_like(shared[..., :1]), shared[..., 1:]], dim=-1)


@without_the_column.slip
def column_of_the_padding_kept(shared):
    """Column 0, the padding's, has a share like a token's. The padding gets nothing: the column is 0."""
    return shared.clone()


@without_the_column.slip
def another_axis_wiped(shared):
    """Along axis 1, place 0 is set to 0, and that is the column of the padding only if the labels have one axis. With
    more it is a label: [..., 0] is column 0 whatever stands in front."""
    wiped = shared.clone()
    wiped[:, 0] = 0
    return wiped


@without_the_column.slip
def first_row_wiped(shared):
    """Along the first axis, place 0 is set to 0. That is a label, or a text; the column of the padding is [..., 0]."""
    wiped = shared.clone()
    wiped[0] = 0
    return wiped


@without_the_column.slip
def last_column_wiped(shared):
    """The last column is set to 0. The padding's is column 0."""
    wiped = shared.clone()
    wiped[..., -1] = 0
    return wiped


@Stage
def without_the_rows(without_the_column, labels):
    return without_the_column * (labels != 0)[..., None]


@without_the_rows.slip
def padded_rows_keep_the_rest(without_the_column):
    """Where the label is padding, the row is like any other. Nothing is asked for there: such a row is all zeros."""
    return without_the_column


@without_the_rows.slip
def rows_of_tokens_wiped(without_the_column, labels):
    """The rows of the real labels are 0, and those of padding are not. It is the other way round."""
    return without_the_column * (labels == 0)[..., None]


@without_the_rows.slip
def rows_behind_padding_wiped(without_the_column, labels):
    """From the first padding of the last axis on, all rows are 0, those of tokens as well. Padding may stand anywhere:
    the row of a label is 0 where that label itself is padding."""
    wiped = (labels == 0).cumsum(-1) > 0 if labels.ndim else labels == 0
    return without_the_column * ~wiped[..., None]


@Stage
def targets(without_the_rows):
    return without_the_rows


@targets.slip
def no_column_for_the_padding(without_the_rows):
    """The padding has no column, so there are vocab - 1 of them. The targets are compared with logits, and those have a
    column for every id from 0 on: keep it, filled with zeros."""
    return without_the_rows[..., 1:]


@targets.slip
def a_column_too_many(without_the_rows):
    """There is one column more than `vocab`, at the end. `vocab` is the number of ids, the padding's among them: each
    has one column."""
    return torch.nn.functional.pad(without_the_rows, (0, 1))


@targets.slip
def normalized_row_by_row(without_the_rows):
    """Each row is divided by its sum, and a padded row has sum 0: 0 / 0 is NaN. With the right shares a row sums to 1
    by itself."""
    return without_the_rows / without_the_rows.sum(dim=-1, keepdim=True)


@targets.slip
def vocabulary_in_front(without_the_rows):
    """The axis of the vocabulary comes first. It belongs at the end: one distribution for each label."""
    return without_the_rows.movedim(-1, 0)


@targets.slip
def flattened(without_the_rows):
    """The axes of the labels became one, (number of labels, vocab). Keep them as they are: (..., vocab)."""
    return without_the_rows.reshape(-1, without_the_rows.shape[-1])


@targets.slip
def whole_numbers(without_the_rows):
    """The result holds integers, and an integer tensor cuts 0.9 down to 0: torch.nn.functional.one_hot and
    zeros_like(labels) make such tensors. Make it floating-point first."""
    return without_the_rows.long()


@targets.slip
def logarithms(without_the_rows):
    """These are logarithms. The targets are the probabilities themselves."""
    return without_the_rows.log()


def _one_hot(labels, vocab):
    return torch.nn.functional.one_hot(labels, vocab).float()


@known.mistake
def shared_by_the_others_alone(labels, vocab, smoothing):
    """The rest is shared by the other tokens alone, and the label keeps exactly 1 - smoothing. That is the other
    definition in use, and it trains as well. This course follows Szegedy et al. 2016: all real tokens share alike, the
    label among them."""
    others = torch.full((*labels.shape, vocab), smoothing / (vocab - 2)).scatter(-1, labels[..., None], 1 - smoothing)
    return _without_padding(others, labels)


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
def shared_by_all_columns_but_the_label(labels, vocab, smoothing):
    """The rest is shared by all columns but the label's, the padding's among them. It is shared by the real tokens: the
    label is one of them, the padding is not."""
    others = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    return others.scatter(-1, labels[..., None], 1 - smoothing) * (labels != 0)[..., None]


@known.mistake
def padding_as_a_label(labels, vocab, smoothing):
    """Where the label is padding, padding is asked for, with probability 1 - smoothing. Nothing is asked for there:
    such a row is all zeros."""
    return _shares_of_tokens(labels, vocab, smoothing) + (1 - smoothing) * _one_hot(labels, vocab)


@known.mistake
def padding_asked_for_alone(labels, vocab, smoothing):
    """Where the label is padding, padding is asked for, with probability 1. Nothing is asked for there: such a row is
    all zeros."""
    padding = torch.zeros(vocab)
    padding[0] = 1
    return torch.where((labels == 0)[..., None], padding, reference(labels, vocab, smoothing))


@known.mistake
def column_of_the_padded_rows_alone(labels, vocab, smoothing):
    """Column 0 is 0 only in the rows of padding, and their other columns are not. Both go: column 0 in every row, and
    every column in the rows of padding."""
    targets = (1 - smoothing) * _one_hot(labels, vocab) + smoothing / (vocab - 1)
    targets[labels == 0, 0] = 0
    return targets


@known.mistake
def padding_asked_for_with_a_share(labels, vocab, smoothing):
    """Where the label is padding, the row is as for a token: padding is asked for, with a share on top, and the tokens
    share the rest. Nothing is asked for there: such a row is all zeros."""
    targets = (1 - smoothing) * _one_hot(labels, vocab) + smoothing / (vocab - 1)
    targets[..., 0] *= labels == 0
    return targets


@known.mistake
def shared_by_the_others_and_the_padding(labels, vocab, smoothing):
    """The label keeps exactly 1 - smoothing, the rest is divided by vocab - 2, and column 0 has such a part, too. All
    vocab - 1 real tokens share alike, the label among them, and the padding gets nothing."""
    others = torch.full((*labels.shape, vocab), smoothing / (vocab - 2)).scatter(-1, labels[..., None], 1 - smoothing)
    return others * (labels != 0)[..., None]


@known.mistake
def padding_moved_to_the_label(labels, vocab, smoothing):
    """The rest is divided by `vocab`, and the label has the padding's part besides its own. No part is the padding's to
    begin with: vocab - 1 tokens share alike."""
    share = smoothing / vocab
    return _without_padding((1 - smoothing + share) * _one_hot(labels, vocab) + share, labels)


@known.mistake
def one_id_too_many(labels, vocab, smoothing):
    """`vocab` is taken for the number of real tokens: there are vocab + 1 columns, and the rest is divided by `vocab`.
    It is the number of ids, the padding's among them."""
    return reference(labels, vocab + 1, smoothing)


@known.mistake
def parts_cut_to_integers(labels, vocab, smoothing):
    """The result holds integers: the shares and 1 - smoothing are 0 in it, as they are cut down to whole numbers. Write
    them into a floating-point tensor: dtype=torch.float32."""
    hot = torch.nn.functional.one_hot(labels, vocab)
    return int(1 - smoothing) * hot


@known.mistake
def label_beside_its_column(labels, vocab, smoothing):
    """What the label keeps stands one column too far to the left, that of token 1 in the padding's. Every id has its
    column, the padding too, from 0 on."""
    left = (1 - smoothing) * _one_hot((labels - 1).clamp(min=0), vocab)
    return (_shares_of_tokens(labels, vocab, smoothing) + left) * (labels != 0)[..., None]


@known.mistake
def label_has_one(labels, vocab, smoothing):
    """The label has probability 1, and the others get their shares all the same: the rows sum to more than 1. The
    label has 1 - smoothing, and its share."""
    return _without_padding(
        torch.full((*labels.shape, vocab), smoothing / (vocab - 1)).scatter(-1, labels[..., None], 1.0), labels
    )


@known.mistake
def share_taken_from_the_label(labels, vocab, smoothing):
    """The label has 1 minus one share, though every token, the label among them, has a share: what it gives away is all
    of `smoothing`, and it gets one share back."""
    share = smoothing / (vocab - 1)
    return _without_padding(torch.full((*labels.shape, vocab), share).scatter(-1, labels[..., None], 1 - share), labels)


@known.mistake
def divided_before_subtracting(labels, vocab, smoothing):
    """The label keeps (1 - smoothing) / (vocab - 1): it was divided among the tokens, too. Only the rest, `smoothing`,
    is shared."""
    return _without_padding(((1 - smoothing) * _one_hot(labels, vocab) + smoothing) / (vocab - 1), labels)


@known.mistake
def brought_to_1_again(labels, vocab, smoothing):
    """The rest was divided by `vocab`, the padding's share taken away, and each row divided by its sum to bring it to
    1: so the label has too much. vocab - 1 tokens share to begin with, and a row sums to 1 by itself."""
    targets = _without_padding((1 - smoothing) * _one_hot(labels, vocab) + smoothing / vocab, labels)
    return targets / targets.sum(dim=-1, keepdim=True).clamp(min=1e-9)


@known.mistake
def all_tokens_alike_for_padding(labels, vocab, smoothing):
    """Where the label is padding, all real tokens are asked for alike. Nothing is asked for there: such a row is all
    zeros."""
    alike = torch.full((vocab,), 1 / (vocab - 1))
    alike[0] = 0
    return torch.where((labels == 0)[..., None], alike, reference(labels, vocab, smoothing))


@known.mistake
def smoothing_lost(labels, vocab, smoothing):
    """The label has 1, and its share is taken from it: 1 minus the share. It gives away all of `smoothing`, and gets
    its share back; the other tokens have theirs."""
    return _without_padding((1 - smoothing / (vocab - 1)) * _one_hot(labels, vocab), labels)


@known.mistake
def percent(labels, vocab, smoothing):
    """These are percent, from 0 to 100. A probability is from 0 to 1."""
    return 100 * reference(labels, vocab, smoothing)


@known.mistake
def rest_taken_from_the_others(labels, vocab, smoothing):
    """What the tokens share is taken from them: their numbers are negative. The label gives `smoothing` away, and they
    get it."""
    return _without_padding((1 + smoothing) * _one_hot(labels, vocab) - smoothing / (vocab - 1), labels)


@known.mistake
def zeros_everywhere_else(labels, vocab, smoothing):
    """The label has what it should, and the other tokens have nothing. They share the rest with it."""
    share = smoothing / (vocab - 1)
    return _without_padding((1 - smoothing + share) * _one_hot(labels, vocab), labels)


@known.mistake
def smoothed_by_a_tenth(labels, vocab, smoothing):
    """The smoothing is 0.1 here, whatever `smoothing` says."""
    return reference(labels, vocab, 0.1)


@known.mistake
def as_wide_as_the_largest_label(labels, vocab, smoothing):
    """There are as many columns as the largest label asks for. There is one for every id, `vocab` of them: tell
    one_hot."""
    targets = (1 - smoothing) * torch.nn.functional.one_hot(labels) + smoothing / (vocab - 1)
    return _without_padding(targets, labels)


@known.mistake
def first_label_alone(labels, vocab, smoothing):
    """This is the row of the first label alone. Return one for every label."""
    return reference(labels.flatten()[0], vocab, smoothing)


@known.mistake
def probability_of_the_label(labels, vocab, smoothing):
    """This is one number for each label. Return a row of `vocab` numbers for each: what every token is asked for."""
    return reference(labels, vocab, smoothing).amax(dim=-1)


@known.mistake
def in_float64(labels, vocab, smoothing):
    """The targets are right, in float64. Return float32, PyTorch's usual floating-point numbers."""
    targets = torch.full((*labels.shape, vocab), smoothing / (vocab - 1), dtype=torch.float64)
    targets += (1 - smoothing) * torch.nn.functional.one_hot(labels, vocab).double()
    return _without_padding(targets, labels)


@known.mistake
def a_list(labels, vocab, smoothing):
    """A list came back. torch.tensor(...) makes one tensor of lists of numbers, torch.stack(...) of tensors."""
    return list(reference(labels, vocab, smoothing))


@known.mistake
def mask_without_an_axis(labels, vocab, smoothing):
    """The mask has the axes of the labels, and the targets have one more at the end, the vocabulary. Give the mask a
    last axis of size 1."""
    targets = (1 - smoothing) * _one_hot(labels, vocab) + smoothing / (vocab - 1)
    targets[..., 0] = 0
    return targets * (labels != 0)


@known.mistake
def where_without_an_axis(labels, vocab, smoothing):
    """The condition has the axes of the labels, and the targets have one more at the end, the vocabulary. Give the
    condition a last axis of size 1."""
    targets = (1 - smoothing) * _one_hot(labels, vocab) + smoothing / (vocab - 1)
    targets[..., 0] = 0
    return torch.where(labels != 0, targets, 0.0)


@known.mistake
def compared_without_an_axis(labels, vocab, smoothing):
    """The labels are compared with the ids without an axis for them: (...) beside (vocab,). Give the labels a last axis
    of size 1, and the comparison is (..., vocab)."""
    tokens = torch.arange(vocab)
    hot = labels == tokens
    return _without_padding((1 - smoothing) * hot + smoothing / (vocab - 1), labels)


@known.mistake
def scattered_without_an_axis(labels, vocab, smoothing):
    """scatter wants the labels with as many axes as the targets have: give them a last axis of size 1."""
    targets = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    return targets.scatter_(-1, labels, 1 - smoothing + smoothing / (vocab - 1))


@known.mistake
def labels_for_rows(labels, vocab, smoothing):
    """With one index alone, the labels choose along the first axis. They belong to the last one, the vocabulary:
    scatter writes along an axis, and one_hot needs no index."""
    targets = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    targets[labels] = 1 - smoothing + smoothing / (vocab - 1)
    return _without_padding(targets, labels)


@known.mistake
def one_hot_too_narrow(labels, vocab, smoothing):
    """one_hot is as wide as the largest label unless it is told the number of ids, `vocab`."""
    share = torch.full((vocab,), smoothing / (vocab - 1))
    share[0] = 0
    hot = torch.nn.functional.one_hot(labels).float()
    return (hot * (1 - smoothing) + share) * (labels != 0)[..., None]


@known.mistake
def two_axes_taken_for_granted(labels, vocab, smoothing):
    """The shape of the labels is taken apart into two names. They may have any number of axes: labels.shape as it is
    goes into (*labels.shape, vocab)."""
    _batch, _length = labels.shape
    return reference(labels, vocab, smoothing)


@known.mistake
def one_axis_taken_for_granted(labels, vocab, smoothing):
    """A row of labels is taken for one label. They may have any number of axes: labels.flatten() goes through them one
    by one, and what comes of it has to get the axes back."""
    rows = []
    for label in labels:
        token = int(label)
        rows.append(reference(torch.tensor(token), vocab, smoothing))
    return torch.stack(rows)


@known.mistake
def shape_for_a_number(labels, vocab, smoothing):
    """torch.zeros and its like want one shape: put the two together, (*labels.shape, vocab)."""
    return torch.zeros(labels.shape, vocab)


@known.mistake
def written_into_integers(labels, vocab, smoothing):
    """one_hot makes a tensor of integers, which has no room for what is behind the point, so nothing of that kind can
    be written back into it. Make a new one, (1 - smoothing) * one_hot, or .float() first."""
    hot = torch.nn.functional.one_hot(labels, vocab)
    hot *= 1 - smoothing
    return hot


def _shares_of_tokens(labels, vocab, smoothing):
    targets = torch.full((*labels.shape, vocab), smoothing / (vocab - 1))
    targets[..., 0] = 0
    return targets


def _without_padding(targets, labels):
    """Zeros in the column of the padding, and in the rows whose label it is."""
    targets[..., 0] = 0
    return targets * (labels != 0)[..., None]


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


SEEN = {"labels": np.array([[2, 4, 0], [5, 0, 0]]), "vocab": 6, "smoothing": 0.5}


def _row(numbers):
    return ", ".join(f"{number:.3g}" for number in numbers)


@known.probe
def row_of_a_token(rng):
    seen = yield SEEN
    row = seen[0, 0]
    if not np.allclose(row, [0, 0.1, 0.6, 0.1, 0.1, 0.1], atol=1e-4):
        return (
            f"With vocab = 6 and smoothing = 0.5, your row for label 2 is [{_row(row)}], with the sum {row.sum():.3g}. "
            f"The label keeps 0.5, five tokens share 0.5, and the padding in front gets nothing."
        )
    return None


@known.probe
def row_of_padding(rng):
    seen = yield SEEN
    row = seen[0, 2]
    if not np.allclose(row, 0, atol=1e-4):
        return (
            f"With vocab = 6 and smoothing = 0.5, your row for a label that is padding is [{_row(row)}], not all zeros."
        )
    return None


@known.probe
def without_any_smoothing(rng):
    seen = yield {**SEEN, "smoothing": 0.0}
    row = seen[0, 0]
    if not np.allclose(row, np.eye(6)[2], atol=1e-4):
        return f"With smoothing = 0 your row for label 2 of 6 ids is [{_row(row)}]; it should be 1 at the label alone."
    return None


@known.probe
def label_among_others(rng):
    among = yield SEEN
    alone = yield {**SEEN, "labels": np.array([5])}
    if not np.allclose(among[1, 0], alone[0], atol=1e-4):
        return (
            f"Alone, label 5 has the row [{_row(alone[0])}], and among others [{_row(among[1, 0])}]: a label's row "
            f"should not depend on the other labels."
        )
    return None


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
    return torch.from_numpy(table[labels.numpy()])


TASK = Task(
    id="10.smoothed_targets",
    title="Smoothed targets",
    difficulty=2,
    minutes=10,
    optional=True,
    library="torch",
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", {}, draw=example),
        Case("6 labels, 8 ids", dict(length=6, vocab=8)),
        Case("2 texts", dict(batch=2, length=4, vocab=7)),
        Case("3 axes of labels", dict(group=3, batch=2, length=5, vocab=6)),
        Case("one label, no axes", dict(vocab=5), draw=one_label),
        Case("without smoothing", dict(batch=3, length=4, vocab=9), draw=without_smoothing),
    ),
    stages=(rest, kept, sharers, share, shared, without_the_column, without_the_rows, targets),
    coincidences={
        "shared_by_the_others + share_of_the_label_lost": "shared_by_the_others_alone",
        "padding_counted_among_the_tokens + column_of_the_padding_kept": "padding_gets_a_share",
        "padding_counted_among_the_tokens + two_shares_for_the_label": "padding_moved_to_the_label",
        "label_keeps_all + share_cut_to_0": "not_smoothed",
        "label_keeps_all + share_of_the_label_lost": "label_has_one",
        "share_of_the_label_lost + column_of_the_padding_kept": "shared_by_all_columns_but_the_label",
    },
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
