"""10.padded_cross_entropy: the mean of -log p(label) over the labels that are no padding."""

import math

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def draw(rng, batch, length, vocab):
    """Texts of different lengths, so that a mean of means is not the mean; one of them fills its row."""
    lengths = rng.permutation([length, *rng.integers(1, length, size=batch - 1)])
    return _inputs(rng, np.arange(length) < lengths[:, None], vocab)


def enormous(rng, batch, length, vocab):
    """Logits by the thousands: the probability of most labels is 0 in any dtype. Each text has such a label."""
    inputs = draw(rng, batch, length, vocab)
    logits, labels = 2000 * inputs["logits"], inputs["labels"]
    others = np.where(labels[:, 0] == 1, 2, 1)
    logits[np.arange(batch), 0, others] = 3000 + np.abs(logits[:, 0]).max(axis=-1)
    return {**inputs, "logits": logits}


def far_above_zero(rng, batch, length, vocab):
    """Ordinary logits, those of a position moved all together: exp of them overflows."""
    return _moved(rng, draw(rng, batch, length, vocab), [100.0, 300.0, 1000.0])


def far_below_zero(rng, batch, length, vocab):
    """Ordinary logits, those of a position moved all together: exp of them is 0."""
    return _moved(rng, draw(rng, batch, length, vocab), [-300.0, -1000.0])


def _moved(rng, inputs, places):
    places = rng.permutation(np.resize(places, inputs["labels"].size)).reshape(*inputs["labels"].shape, 1)
    return {**inputs, "logits": inputs["logits"] + places}


def padding_anywhere(rng, batch, length, vocab):
    """Padding in front and between the labels, and one text, not the first, that holds nothing else. The last id is not
    asked for."""
    real = np.arange(length) % 2 == rng.integers(2, size=batch)[:, None]
    real[:, 0] = False
    real[rng.integers(1, batch)] = False
    inputs = _inputs(rng, real, vocab)
    return {**inputs, "labels": np.minimum(inputs["labels"], vocab - 2)}


def one_label(rng, batch, length, vocab):
    return _inputs(rng, np.ones((batch, length), dtype=bool), vocab)


def example(rng):
    logits = np.log([[[1.0, 2.0, 1.0], [1.0, 1.0, 6.0], [3.0, 1.0, 1.0]]])
    return {"logits": logits, "labels": np.array([[1, 2, 0]])}


def _inputs(rng, real, vocab):
    labels = np.where(real, rng.integers(1, vocab, size=real.shape), 0)
    return {"logits": 1.5 * rng.normal(size=(*real.shape, vocab)), "labels": labels}


def reference(logits, labels):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=0)


def weights(logits, labels):
    return logits.softmax(dim=-1)


@Stage
def log_p(logits):
    return logits.log_softmax(dim=-1)  # (batch, length, vocab)


@log_p.slip
def over_the_positions(logits):
    """The softmax runs over the positions of a text. It has to run over the vocabulary, the last axis, where the
    logits of one position stand."""
    return logits.log_softmax(dim=1)


@log_p.slip
def over_the_batch(logits):
    """The softmax runs over the texts of the batch. It has to run over the vocabulary, the last axis, where the logits
    of one position stand."""
    return logits.log_softmax(dim=0)


@log_p.slip
def over_everything(logits):
    """One softmax runs over all logits of the batch. Each position has one of its own, over the vocabulary, the last
    axis."""
    return logits.flatten().log_softmax(dim=0).reshape(logits.shape)


@log_p.slip
def logits_alone(logits):
    """The logits are taken as they are, without a softmax. A logit says nothing until it is compared with those of the
    other tokens: log p is its log_softmax."""
    return logits


@log_p.slip
def probability_alone(logits):
    """The probabilities are taken as they are, without the logarithm. The loss is made of log p."""
    return logits.softmax(dim=-1)


@log_p.slip
def in_bits(logits):
    """The logarithm has base 2, so this is in bits. The course counts in nats: the natural logarithm."""
    return log_p(logits) / math.log(2)


@log_p.slip
def with_base_10(logits):
    """The logarithm has base 10. The course counts in nats, the natural logarithm."""
    return log_p(logits) / math.log(10)


@log_p.slip
def softmax_twice(logits):
    """The softmax is applied twice: the second takes probabilities for logits. log_softmax wants the logits
    themselves."""
    return logits.softmax(dim=-1).log_softmax(dim=-1)


@log_p.slip
def padding_out_of_the_softmax(logits):
    """The padding's logit is left out of the softmax. What is left out are the positions whose label is padding; the
    softmax runs over the whole vocabulary, so that the model learns not to write padding."""
    return log_p(torch.cat([torch.full_like(logits[..., :1], -torch.inf), logits[..., 1:]], dim=-1))


@log_p.slip
def exp_overflows(logits):
    """Large logits break it: exp leaves the range of floating-point numbers, and NaN comes of it, as from inf / inf or
    0 / 0. log_softmax subtracts the largest logit first."""
    return (logits.exp() / logits.exp().sum(dim=-1, keepdim=True)).log()


@log_p.slip
def logarithm_of_the_sum(logits):
    """Large logits break it: their exponentials sum to infinity or to 0, whose logarithm is infinite. log_softmax, or
    logsumexp, subtracts the largest logit first."""
    return logits - logits.exp().sum(dim=-1, keepdim=True).log()


@log_p.slip
def log_of_softmax(logits):
    """Large logits break it: a probability becomes 0 before its logarithm is taken, and so the loss is infinite.
    log_softmax never forms the probability."""
    return logits.softmax(dim=-1).log()


@log_p.slip
def largest_of_the_batch(logits):
    """Large logits break it: the largest of the whole batch is subtracted before exp, and beside it all exponentials of
    another position may be 0, whose logarithm is infinite. Each position needs its own largest; log_softmax takes
    it."""
    moved = logits - logits.max()
    return moved - moved.exp().sum(dim=-1, keepdim=True).log()


@log_p.slip
def largest_not_added_back(logits):
    """The largest logit is subtracted in the sum of exponentials and not in front: log p is x - max minus the logarithm
    of the sum of exp(x - max)."""
    largest = logits.amax(dim=-1, keepdim=True)
    return logits - (logits - largest).exp().sum(dim=-1, keepdim=True).log()


@log_p.slip
def epsilon_added(logits):
    """1e-9 is added to the probabilities so that none is 0. That bends the loss, and a label that the model holds for
    all but impossible costs 20.7 at most. log_softmax needs no such help."""
    return (logits.softmax(dim=-1) + 1e-9).log()


@log_p.slip
def larger_epsilon_added(logits):
    """1e-8 is added to the probabilities so that none is 0. That bends the loss, and a label that the model holds for
    all but impossible costs 18.4 at most. log_softmax needs no such help."""
    return (logits.softmax(dim=-1) + 1e-8).log()


@log_p.slip
def held_above_1e_12(logits):
    """No probability is let below 1e-12, so a label that the model holds for all but impossible costs 27.6 at most.
    log_softmax needs no such help."""
    return logits.softmax(dim=-1).clamp(min=1e-12).log()


@log_p.slip
def held_above_1e_10(logits):
    """No probability is let below 1e-10, so a label that the model holds for all but impossible costs 23.0 at most.
    log_softmax needs no such help."""
    return logits.softmax(dim=-1).clamp(min=1e-10).log()


@log_p.slip
def held_above_1e_9(logits):
    """No probability is let below 1e-9, so a label that the model holds for all but impossible costs 20.7 at most.
    log_softmax needs no such help."""
    return logits.softmax(dim=-1).clamp(min=1e-9).log()


@log_p.slip
def held_above_1e_8(logits):
    """No probability is let below 1e-8, so a label that the model holds for all but impossible costs 18.4 at most.
    log_softmax needs no such help."""
    return logits.softmax(dim=-1).clamp(min=1e-8).log()


@log_p.slip
def held_above_1e_7(logits):
    """No probability is let below 1e-7, so a label that the model holds for all but impossible costs 16.1 at most.
    log_softmax needs no such help."""
    return logits.softmax(dim=-1).clamp(min=1e-7).log()


@log_p.slip
def held_above_1e_6(logits):
    """No probability is let below 1e-6, so a label that the model holds for all but impossible costs 13.8 at most.
    log_softmax needs no such help."""
    return logits.softmax(dim=-1).clamp(min=1e-6).log()


@Stage
def of_the_label(log_p, labels):
    return log_p.gather(-1, labels[..., None])[..., 0]  # (batch, length)


@of_the_label.slip
def most_probable_token(log_p):
    """At each position the most probable token is looked up, not the label: the labels only say where padding is."""
    return log_p.amax(dim=-1)


@of_the_label.slip
def every_token(log_p):
    """At each position the mean over all tokens of the vocabulary is taken: the labels only say where padding is. Look
    up the label's log p, one number."""
    return log_p.mean(dim=-1)


@of_the_label.slip
def sum_over_the_vocabulary(log_p):
    """At each position the sum over all tokens of the vocabulary is taken: the labels only say where padding is. Look
    up the label's log p, one number."""
    return log_p.sum(dim=-1)


@of_the_label.slip
def one_token_before(log_p, labels):
    """The token before the label is looked up, label - 1. Ids do start at 1, but column 0 is there as well: it belongs
    to the padding."""
    return log_p.gather(-1, (labels - 1).clamp(min=0)[..., None])[..., 0]


@of_the_label.slip
def first_token(log_p):
    """At each position column 0 is looked up, which is the padding's. The label says which column it is."""
    return log_p[..., 0]


@Stage
def losses(of_the_label):
    return -of_the_label


@losses.slip
def sign_turned_around(of_the_label):
    """The sign is turned around: log p is negative, and the loss is minus its mean."""
    return of_the_label


@Stage
def real(labels):
    return labels != 0


@real.slip
def padding_counted(labels):
    """The padding takes part: all positions count, and the model would be trained to write padding. Leave out the
    positions whose label is 0."""
    return torch.ones_like(labels, dtype=torch.bool)


@real.slip
def padding_alone(labels):
    """Only the positions of padding take part. It is the other way round: those whose label is not 0 count."""
    return labels == 0


@real.slip
def token_1_left_out(labels):
    """Token 1 is left out along with the padding. Only label 0 is padding."""
    return labels > 1


@real.slip
def padding_of_the_first_text(labels):
    """The padding of the first text serves for all of them. Each has its own."""
    return (labels[:1] != 0).expand(labels.shape)


@real.slip
def first_text_alone(labels):
    """Only the first text of the batch takes part. The mean runs over the real labels of all of them."""
    return (labels != 0) & (torch.arange(len(labels)) == 0)[:, None]


@real.slip
def last_position_left_out(labels):
    """The last position of every text is left out. The labels are shifted already: where its label is no padding, it
    counts."""
    return (labels != 0) & (torch.arange(labels.shape[1]) < labels.shape[1] - 1)


@real.slip
def first_position_left_out(labels):
    """The first position of every text is left out. Where its label is no padding, it counts."""
    return (labels != 0) & (torch.arange(labels.shape[1]) > 0)


@Stage
def summed_up(losses, real):
    return losses[real].sum()


@Stage
def count(real):
    return real.sum()


@count.slip
def divided_by_all_positions(labels):
    """The sum is divided by the number of all positions, padding among them, so that padding makes the loss look
    smaller. Divide by the number of real labels."""
    return labels.numel()


@count.slip
def not_divided():
    """The losses are summed and not divided. Divide by the number of real labels, or long batches count more than short
    ones."""
    return 1


@count.slip
def divided_by_the_batch(labels):
    """The sum is divided by the number of texts. Divide it by the number of real labels."""
    return len(labels)


@count.slip
def divided_by_the_length(labels):
    """The sum is divided by the length of the rectangle. Divide it by the number of real labels."""
    return labels.shape[1]


@count.slip
def divided_by_the_labels_themselves(labels):
    """The sum is divided by the sum of the labels, as if the tokens' numbers were counts. Divide it by how many labels
    are real."""
    return labels.sum()


@count.slip
def divided_by_the_vocabulary_too(real, logits):
    """The mean runs over the vocabulary, too: the sum is divided by the number of real labels times vocab. Each
    position gives one number, the label's."""
    return real.sum() * logits.shape[-1]


@Stage
def loss(summed_up, count):
    return summed_up / count


@loss.slip
def mean_of_means(losses, real):
    """Each text has its own mean, and the loss is the mean of those: a token of a short text counts more than one of a
    long text, and a text of padding alone makes it NaN. Take one mean over all real labels."""
    return ((losses * real).sum(dim=1) / real.sum(dim=1)).mean()


@loss.slip
def perplexity(summed_up, count):
    """This is the perplexity, e to the power of the loss. Leave out the last exp."""
    return (summed_up / count).exp()


@loss.slip
def rectangle_of_losses(losses, real):
    """These are the losses of all positions, one by one, 0 where they do not count. Return one number: the mean over
    the real labels."""
    return torch.where(real, losses, 0.0)


@loss.slip
def not_averaged(losses, real):
    """These are the losses that count, one by one. Return their mean, one number."""
    return losses[real]


@loss.slip
def one_for_each_text(losses, real):
    """These are means of the texts, one for each. Return one number: the mean over all real labels."""
    return (losses * real).sum(dim=1) / real.sum(dim=1)


@loss.slip
def an_axis_kept(summed_up, count):
    """The result has shape (1,): one number, in an axis of its own. Return it with shape ()."""
    return (summed_up / count)[None]


@loss.slip
def two_axes_kept(summed_up, count):
    """The result has shape (1, 1): one number, in axes of its own. Return it with shape ()."""
    return (summed_up / count)[None, None]


def _losses(logits, labels):
    """-log p(label) at every position, padding included: (batch, length)."""
    return -of_the_label(log_p(logits), labels)


def _of_real(numbers, labels):
    return numbers[labels != 0]


def _loss(logits, labels):
    return _of_real(_losses(logits, labels), labels).mean()


@known.mistake
def mean_of_means_with_the_empty(logits, labels):
    """Each text has its own mean, 0 if it has no label, and the loss is the mean of those: a token of a short text
    counts more than one of a long text. Take one mean over all real labels."""
    real = labels != 0
    return ((_losses(logits, labels) * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)).mean()


@known.mistake
def mean_of_means_without_the_empty(logits, labels):
    """Each text that has a label has its own mean, and the loss is the mean of those: a token of a short text counts
    more than one of a long text. Take one mean over all real labels."""
    real = labels != 0
    means = (_losses(logits, labels) * real).sum(dim=1) / real.sum(dim=1)
    return means[real.any(dim=1)].mean()


@known.mistake
def one_minus_the_probability(logits, labels):
    """This is the mean of 1 - p, the share of probability that went elsewhere. Cross-entropy is the mean of -log p."""
    return 1 - _of_real(torch.exp(-_losses(logits, labels)), labels).mean()


@known.mistake
def log_of_the_mean(logits, labels):
    """The mean of the probabilities is taken first, and then its logarithm. Take the logarithm of each, then the
    mean."""
    return -_of_real(torch.exp(-_losses(logits, labels)), labels).mean().log()


@known.mistake
def root_of_the_squares(logits, labels):
    """The losses are squared before the mean. Cross-entropy is the mean of -log p as it is."""
    return _of_real(_losses(logits, labels), labels).square().mean()


@known.mistake
def median_of_the_losses(logits, labels):
    """This is the median of the losses. Take their mean."""
    return _of_real(_losses(logits, labels), labels).median()


@known.mistake
def largest_loss(logits, labels):
    """This is the largest of the losses. Take their mean."""
    return _of_real(_losses(logits, labels), labels).max()


@known.mistake
def entropy_of_the_model(logits, labels):
    """This is the mean entropy of the model's probabilities, - sum of p log p: the labels only say where padding is.
    Look up the label's log p at each position, one number."""
    log_p = logits.log_softmax(dim=-1)
    return _of_real(-(log_p.exp() * log_p).nan_to_num(0.0).sum(dim=-1), labels).mean()


@known.mistake
def weighted_by_the_probability(logits, labels):
    """Each loss is multiplied by the label's probability, p log p. Cross-entropy is the mean of -log p alone."""
    losses = _of_real(_losses(logits, labels), labels)
    return (losses * torch.exp(-losses)).mean()


@known.mistake
def both_sides_of_the_label(logits, labels):
    """To the label's -log p, -log(1 - p) of all the other tokens is added, as for yes-or-no questions one by one.
    Cross-entropy takes the label's alone."""
    p = logits.softmax(dim=-1)
    wanted = torch.nn.functional.one_hot(labels, logits.shape[-1]).bool()
    return _of_real(-torch.where(wanted, p, 1 - p).log().sum(dim=-1), labels).mean()


@known.mistake
def held_above_1e_15(logits, labels):
    """No probability is let below 1e-15, so a label that the model holds for all but impossible costs 34.5 at most.
    log_softmax needs no such help."""
    return -_of_real(of_the_label(logits.softmax(dim=-1).clamp(min=1e-15), labels).log(), labels).mean()


@known.mistake
def held_above_1e_20(logits, labels):
    """No probability is let below 1e-20, so a label that the model holds for all but impossible costs 46.1 at most.
    log_softmax needs no such help."""
    return -_of_real(of_the_label(logits.softmax(dim=-1).clamp(min=1e-20), labels).log(), labels).mean()


@known.mistake
def held_above_1e_5(logits, labels):
    """No probability is let below 1e-5, so a label that the model holds for all but impossible costs 11.5 at most.
    log_softmax needs no such help."""
    return -_of_real(of_the_label(logits.softmax(dim=-1).clamp(min=1e-5), labels).log(), labels).mean()


@known.mistake
def added_1e_7(logits, labels):
    """1e-7 is added to the probabilities so that none is 0. That bends the loss, and a label that the model holds for
    all but impossible costs 16.1 at most. log_softmax needs no such help."""
    return -_of_real((of_the_label(logits.softmax(dim=-1), labels) + 1e-7).log(), labels).mean()


@known.mistake
def added_1e_6(logits, labels):
    """1e-6 is added to the probabilities so that none is 0. That bends the loss, and a label that the model holds for
    all but impossible costs 13.8 at most. log_softmax needs no such help."""
    return -_of_real((of_the_label(logits.softmax(dim=-1), labels) + 1e-6).log(), labels).mean()


@known.mistake
def added_1e_5(logits, labels):
    """1e-5 is added to the probabilities so that none is 0. That bends the loss, and a label that the model holds for
    all but impossible costs 11.5 at most. log_softmax needs no such help."""
    return -_of_real((of_the_label(logits.softmax(dim=-1), labels) + 1e-5).log(), labels).mean()


@known.mistake
def share_of_the_right(logits, labels):
    """This is the share of labels that the model holds for most probable, its accuracy. Cross-entropy is the mean of
    -log p."""
    return _of_real((logits.argmax(dim=-1) == labels).to(logits.dtype), labels).mean()


@known.mistake
def share_of_the_wrong(logits, labels):
    """This is the share of labels that the model does not hold for most probable. Cross-entropy is the mean of
    -log p."""
    return _of_real((logits.argmax(dim=-1) != labels).to(logits.dtype), labels).mean()


@known.mistake
def squared_distances(logits, labels):
    """This is the squared distance of the probabilities from 1 at the label and 0 elsewhere, summed over the
    vocabulary. Cross-entropy is -log p of the label."""
    wanted = torch.nn.functional.one_hot(labels, logits.shape[-1])
    return _of_real((logits.softmax(dim=-1) - wanted).square().sum(dim=-1), labels).mean()


@known.mistake
def mean_of_the_columns(logits, labels):
    """Each position has its own mean over the texts, and the loss is the mean of those, NaN where a position has no
    label. Take one mean over all real labels."""
    real = labels != 0
    return ((_losses(logits, labels) * real).sum(dim=0) / real.sum(dim=0)).mean()


@known.mistake
def divided_by_the_root_of_vocab(logits, labels):
    """The logits are divided by the square root of vocab. That is a step of attention: the softmax takes them as they
    are."""
    return _loss(logits / logits.shape[-1] ** 0.5, labels)


@known.mistake
def normalized_logits(logits, labels):
    """The logits are divided by their sum, without exp. The softmax takes exp of each first."""
    return -_of_real(of_the_label(logits / logits.sum(dim=-1, keepdim=True), labels).log(), labels).mean()


@known.mistake
def padding_times_nan(logits, labels):
    """The logits of padding become minus infinity, all of them, and their softmax is NaN, which no factor 0 takes away.
    Leave these positions out before the sum: losses[labels != 0]."""
    losses = _losses(logits.masked_fill((labels == 0)[..., None], -torch.inf), labels)
    return (losses * (labels != 0)).sum() / (labels != 0).sum()


@known.mistake
def last_text_alone(logits, labels):
    """Only the last text of the batch that has a label takes part. The mean runs over the real labels of all of
    them."""
    last = int((labels != 0).any(dim=1).nonzero()[-1])
    return _loss(logits[last:][:1], labels[last:][:1])


@known.mistake
def shifted_once_more(logits, labels):
    """The logits are compared with the labels one position further on. The labels are shifted already: the logits of a
    position belong to the label at the same position."""
    return _loss(logits[:, :-1], labels[:, 1:])


@known.mistake
def shifted_back(logits, labels):
    """The logits are compared with the labels one position before. The labels are shifted already: the logits of a
    position belong to the label at the same position."""
    return _loss(logits[:, 1:], labels[:, :-1])


@known.mistake
def logits_of_padding_zeroed(logits, labels):
    """The logits of padding are set to 0. That does not take its positions out: all tokens are equally probable there,
    and the mean counts them. Leave these positions out of the mean."""
    return _losses(logits * (labels != 0)[..., None], labels).mean()


@known.mistake
def padding_column_as_padding(logits, labels):
    """The logits of column 0 are set to 0, and padding stays in the mean. Padding are positions: those whose label is 0
    do not count."""
    return _losses(torch.cat([torch.zeros_like(logits[..., :1]), logits[..., 1:]], dim=-1), labels).mean()


@known.mistake
def cut_at_the_first_text(logits, labels):
    """All texts are cut off where the first one ends, and padding before that place counts. Each text has its own
    padding: leave out the positions whose label is 0."""
    length = int((labels[0] != 0).sum())
    return _losses(logits[:, :length], labels[:, :length]).mean()


@known.mistake
def cut_at_the_number_of_labels(logits, labels):
    """Each text is cut at the number of its real labels, as if all padding stood at the end. It may stand in front or
    in between: the labels themselves say where."""
    real = torch.arange(labels.shape[1]) < (labels != 0).sum(dim=1, keepdim=True)
    return _losses(logits, labels)[real].mean()


@known.mistake
def every_pair(logits, labels):
    """Every real position is compared with every real label of the batch. Each position has one label, its own: two
    indices, position by position, as in log_p[torch.arange(n), labels]."""
    real = labels != 0
    return -log_p(logits)[real][:, labels[real]].mean()


@known.mistake
def forced_to_float32(logits, labels):
    """The loss comes back in float32, whatever the logits are. Keep their dtype: float64 in, float64 out."""
    return _loss(logits.float(), labels)


@known.mistake
def forced_to_float64(logits, labels):
    """The loss comes back in float64, whatever the logits are. Keep their dtype: float32 in, float32 out."""
    return _loss(logits.double(), labels)


@known.mistake
def labels_with_two_axes(logits, labels):
    """gather wants the labels with as many axes as log p has: give them a last axis of size 1."""
    log_p = logits.log_softmax(dim=-1)
    return -log_p.gather(-1, labels)[labels != 0].mean()


@known.mistake
def labels_for_the_batch(logits, labels):
    """With one index alone, the labels choose among the texts, the first axis. They belong to the last one, the
    vocabulary: gather looks up along an axis."""
    log_p = logits.log_softmax(dim=-1)
    return -log_p[labels][labels != 0].mean()


@known.mistake
def labels_for_the_positions(logits, labels):
    """After the logits of real positions stand in one row, (n, vocab), the labels choose among the positions, the first
    axis. They belong to the last one, the vocabulary."""
    log_p = logits.log_softmax(dim=-1)[labels != 0]
    return -log_p[labels[labels != 0]].mean()


@known.mistake
def one_hot_too_narrow(logits, labels):
    """one_hot is as wide as the largest label unless it is told the number of ids, here the last axis of the logits."""
    target = torch.nn.functional.one_hot(labels)
    log_p = logits.log_softmax(dim=-1)
    losses = -(target * log_p).sum(dim=-1)
    return losses[labels != 0].mean()


@known.mistake
def logarithm_of_one_number(logits, labels):
    """math.log takes one number, and the labels are many. A tensor has .log() for that, and log_softmax at once holds
    for large logits, too."""
    p = logits.softmax(dim=-1).gather(-1, labels[..., None])[..., 0]
    picked = p[labels != 0]
    return -math.log(picked)


@known.mistake
def mask_without_an_axis(logits, labels):
    """The mask has shape (batch, length), and meets an array that has the vocabulary as well. Give it a last axis of
    size 1, or look up the labels first."""
    log_p = logits.log_softmax(dim=-1)
    mask = (labels != 0).to(logits.dtype)
    log_p = log_p * mask
    return -log_p.gather(-1, labels[..., None]).sum() / mask.sum()


@known.always
def is_not_negative(inputs, output):
    """No probability is above 1, so minus its logarithm is never negative."""
    return bool(output >= 0)


def _seen(rng, batch=2, length=4, vocab=5):
    inputs = draw(rng, batch, length, vocab)
    return {**inputs, "logits": inputs["logits"].astype(np.float32)}


@known.probe
def logits_of_zeros(rng):
    inputs = _seen(rng)
    loss = yield {**inputs, "logits": np.zeros_like(inputs["logits"])}
    if not np.isclose(loss, np.log(5), atol=1e-4):
        return (
            f"With logits of zeros and 5 ids, every token has probability 1/5, and the loss should be log 5 = 1.609; "
            f"yours is {loss:.4g}."
        )
    return None


@known.probe
def certain_and_right(rng):
    inputs = _seen(rng)
    logits = 40 * np.eye(5, dtype=np.float32)[inputs["labels"]]
    loss = yield {**inputs, "logits": logits}
    if not np.isclose(loss, 0, atol=1e-4):
        return f"Where the model is certain of every label, the loss should be 0; yours is {loss:.4g}."
    return None


@known.probe
def logits_of_padding_changed(rng):
    inputs = _seen(rng)
    before = yield inputs
    others = rng.normal(size=inputs["logits"].shape).astype(np.float32)
    after = yield {**inputs, "logits": np.where((inputs["labels"] == 0)[..., None], others, inputs["logits"])}
    if not np.isclose(before, after, atol=1e-4):
        return (
            f"When the logits where the label is padding are changed, and nothing else, your loss goes from "
            f"{before:.4g} to {after:.4g}; it should stay."
        )
    return None


@known.probe
def batch_twice(rng):
    inputs = _seen(rng)
    once = yield inputs
    twice = yield {name: np.concatenate([value, value]) for name, value in inputs.items()}
    if not np.isclose(once, twice, atol=1e-4):
        return f"With every text of a batch twice, your loss goes from {once:.4g} to {twice:.4g}; a mean should stay."
    return None


@known.probe
def logits_moved(rng):
    inputs = _seen(rng)
    before = yield inputs
    after = yield {**inputs, "logits": inputs["logits"] + np.float32(3)}
    if not np.isclose(before, after, atol=1e-3):
        return (
            f"With 3 added to all logits, your loss goes from {before:.4g} to {after:.4g}; the softmax, and "
            f"with it the loss, should stay."
        )
    return None


@known.legal
def by_gather(logits, labels):
    real = labels != 0
    log_p = logits.log_softmax(dim=-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    return -(log_p * real).sum() / real.sum()


@known.legal
def by_logsumexp(logits, labels):
    real = labels != 0
    chosen = logits[real]  # (real labels, vocab)
    return (chosen.logsumexp(dim=-1) - chosen[torch.arange(len(chosen)), labels[real]]).mean()


@known.legal
def with_loops(logits, labels):
    losses = []
    for rows, text in zip(logits, labels, strict=True):
        for row, label in zip(rows, text, strict=True):
            if label != 0:
                losses.append(torch.log_softmax(row, dim=0)[label])
    return -sum(losses) / len(losses)


@known.legal
def by_one_hot(logits, labels):
    wanted = torch.nn.functional.one_hot(labels, logits.shape[-1]) * (labels != 0)[..., None]
    return -torch.einsum("blv,blv->", wanted.to(logits.dtype), logits.log_softmax(dim=-1)) / wanted.sum()


@known.legal
def with_numpy(logits, labels):
    logits, labels = logits.numpy(), labels.numpy()
    logits, labels = logits[labels > 0], labels[labels > 0]
    moved = logits - logits.max(axis=-1, keepdims=True)
    return torch.tensor(np.mean(np.log(np.exp(moved).sum(axis=-1)) - moved[np.arange(len(labels)), labels]))


@known.borrowed
def by_torch(logits, labels):
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=0)


@known.borrowed
def by_nll_loss(logits, labels):
    return torch.nn.NLLLoss(ignore_index=0)(logits.log_softmax(dim=-1).flatten(0, 1), labels.flatten())


@known.borrowed
def by_course_lib(logits, labels):
    from course_lib.training import cross_entropy

    return cross_entropy(logits, labels)


TASK = Task(
    id="10.padded_cross_entropy",
    title="The loss without the padding",
    difficulty=2,
    minutes=10,
    library="torch",
    part=True,
    reference=reference,
    draw=draw,
    drawn=(informative(weights),),
    cases=(
        Case("the example of the text", {}, dtype="float32", draw=example),
        Case("2 texts of up to 3 tokens", dict(batch=2, length=3, vocab=4), dtype="float32"),
        Case("3 texts of up to 7 tokens, float64", dict(batch=3, length=7, vocab=5)),
        Case(
            "padding anywhere, one text of nothing else",
            dict(batch=3, length=5, vocab=6),
            dtype="float32",
            draw=padding_anywhere,
        ),
        Case("one label, no padding", dict(batch=1, length=1, vocab=4), dtype="float32", draw=one_label),
        Case("large logits", dict(batch=2, length=4, vocab=6), dtype="float32", draw=enormous),
        Case("logits far above 0", dict(batch=4, length=3, vocab=7), dtype="float32", draw=far_above_zero),
        Case("logits far below 0", dict(batch=2, length=3, vocab=5), dtype="float32", draw=far_below_zero),
    ),
    stages=(log_p, of_the_label, losses, real, summed_up, count, loss),
    coincidences={"sum_over_the_vocabulary + divided_by_the_vocabulary_too": "every_token"},
    finished=(
        "course_lib.training.cross_entropy",
        "torch.nn.functional.cross_entropy",
        "torch.nn.functional.nll_loss",
    ),
    hints=(
        "One position of one text: which axis of the logits compares the tokens with each other?",
        "`logits.log_softmax(dim=-1)` holds log p of every token. The loss wants one per position: the label's.",
        (
            "`real = labels != 0` says which positions count. `logits[real]` and `labels[real]` keep those alone: "
            "`(real labels, vocab)` and `(real labels,)`."
        ),
        (
            "With `log_p` of shape `(n, vocab)` and n labels, `log_p[torch.arange(n), labels]` looks up one number per "
            "row. Minus their mean is the loss."
        ),
    ),
    **known.ways,
)
