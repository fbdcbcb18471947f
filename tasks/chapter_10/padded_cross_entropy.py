"""10.padded_cross_entropy: the mean of -log p(label) over the labels that are no padding."""

import math

import numpy as np
import torch

from grader.known import Known
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def draw(rng, batch, length, vocab):
    """Texts of different lengths, so that a mean of means is not the mean; one of them fills its row."""
    lengths = rng.permutation([length, *rng.integers(1, length, size=batch - 1)])
    labels = np.where(np.arange(length) < lengths[:, None], rng.integers(1, vocab, size=(batch, length)), 0)
    return {"logits": 1.5 * rng.normal(size=(batch, length, vocab)), "labels": labels}


def enormous(rng, batch, length, vocab):
    """Logits by the thousands: exp of them overflows, and the probability of most labels is 0 in any dtype."""
    inputs = draw(rng, batch, length, vocab)
    return {**inputs, "logits": 2000 * inputs["logits"]}


def reference(logits, labels):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=0)


def weights(logits, labels):
    return logits.softmax(dim=-1)


def _losses(logits, labels, dim=-1):
    """-log p(label) at every position, padding included: (batch, length)."""
    return -logits.log_softmax(dim).gather(-1, labels[..., None]).squeeze(-1)


def _loss(logits, labels):
    return _of_real(_losses(logits, labels), labels).mean()


def _of_real(numbers, labels):
    return numbers[labels != 0]


@known.mistake
def padding_counted(logits, labels):
    """The padding takes part: this is the mean over all positions, and the model would be trained to write padding.
    Leave out the positions whose label is 0."""
    return _losses(logits, labels).mean()


@known.mistake
def padding_zeroed_but_counted(logits, labels):
    """The losses of padding are set to 0, but you divide by the number of all positions, so that padding makes the loss
    look smaller. Divide by the number of real labels."""
    return (_losses(logits, labels) * (labels != 0)).mean()


@known.mistake
def summed(logits, labels):
    """This is the sum over the real labels. Divide it by how many there are, or long batches count more than short
    ones."""
    return _of_real(_losses(logits, labels), labels).sum()


@known.mistake
def divided_by_the_batch(logits, labels):
    """The sum is divided by the number of texts. Divide it by the number of real labels."""
    return _of_real(_losses(logits, labels), labels).sum() / len(labels)


@known.mistake
def mean_of_means(logits, labels):
    """Each text has its own mean, and you take the mean of those: a token of a short text counts more than one of a
    long text. Take one mean over all real labels."""
    real = labels != 0
    return ((_losses(logits, labels) * real).sum(dim=1) / real.sum(dim=1)).mean()


@known.mistake
def over_the_positions(logits, labels):
    """The softmax runs over the positions of a text. It has to run over the vocabulary, the last axis, where the
    logits of one position stand."""
    return _of_real(_losses(logits, labels, dim=1), labels).mean()


@known.mistake
def over_the_batch(logits, labels):
    """The softmax runs over the texts of the batch. It has to run over the vocabulary, the last axis, where the logits
    of one position stand."""
    return _of_real(_losses(logits, labels, dim=0), labels).mean()


@known.mistake
def logits_alone(logits, labels):
    """This is minus the mean logit of the labels: the softmax is missing. A logit says nothing until it is compared
    with those of the other tokens."""
    return -_of_real(logits.gather(-1, labels[..., None]).squeeze(-1), labels).mean()


@known.mistake
def probability_alone(logits, labels):
    """This is minus the mean probability of the labels: the logarithm is missing."""
    return -_of_real(torch.exp(-_losses(logits, labels)), labels).mean()


@known.mistake
def one_minus_the_probability(logits, labels):
    """This is the mean of 1 - p, the share of probability that went elsewhere. Cross-entropy is the mean of -log p."""
    return 1 - _of_real(torch.exp(-_losses(logits, labels)), labels).mean()


@known.mistake
def log_of_the_mean(logits, labels):
    """You take the mean of the probabilities first, and then its logarithm. Take the logarithm of each, then the
    mean."""
    return -_of_real(torch.exp(-_losses(logits, labels)), labels).mean().log()


@known.mistake
def in_bits(logits, labels):
    """The logarithm has base 2, so this is in bits. The course counts in nats: the natural logarithm."""
    return _loss(logits, labels) / math.log(2)


@known.mistake
def with_base_10(logits, labels):
    """The logarithm has base 10. The course counts in nats, the natural logarithm: take log_softmax, which holds for
    large logits, too."""
    p = logits.softmax(dim=-1)
    return -_of_real(p.gather(-1, labels[..., None]).squeeze(-1), labels).log10().mean()


@known.mistake
def perplexity(logits, labels):
    """This is the perplexity, e to the power of the loss. Leave out the last exp."""
    return _loss(logits, labels).exp()


@known.mistake
def sign_missing(logits, labels):
    """The sign is missing: log p is negative, and the loss is minus its mean."""
    return -_loss(logits, labels)


@known.mistake
def softmax_twice(logits, labels):
    """The softmax is applied twice: log_softmax wants the logits themselves, not probabilities."""
    return _loss(logits.softmax(dim=-1), labels)


@known.mistake
def exp_overflows(logits, labels):
    """Right for logits of ordinary size. With large ones exp leaves the range of floating-point numbers, and NaN comes
    of it, as from inf / inf or 0 times minus infinity. Take log_softmax, which subtracts the largest logit first."""
    p = logits.exp() / logits.exp().sum(dim=-1, keepdim=True)
    return -_of_real(p.gather(-1, labels[..., None]).squeeze(-1), labels).log().mean()


@known.mistake
def log_of_softmax(logits, labels):
    """Right for logits of ordinary size. With large ones an exp ends at 0 or at infinity before its logarithm is taken,
    and so the loss is infinite. Take log_softmax, which never forms the probability."""
    p = logits.softmax(dim=-1)
    return -_of_real(p.gather(-1, labels[..., None]).squeeze(-1), labels).log().mean()


@known.mistake
def epsilon_in_the_log(logits, labels):
    """1e-9 is added to the probabilities so that none is 0. That bends the loss, and a label that the model holds for
    all but impossible costs 20.7 at most. Take log_softmax: it needs no such help."""
    p = logits.softmax(dim=-1)
    return -_of_real(p.gather(-1, labels[..., None]).squeeze(-1) + 1e-9, labels).log().mean()


@known.mistake
def probabilities_held_up(logits, labels):
    """The probabilities are kept above 0 by 1e-12, so a label that the model holds for all but impossible costs 27.6 at
    most. Take log_softmax: it needs no such help."""
    p = logits.softmax(dim=-1).clamp(min=1e-12)
    return -_of_real(p.gather(-1, labels[..., None]).squeeze(-1), labels).log().mean()


@known.mistake
def most_probable_token(logits, labels):
    """This is the loss of the most probable token, not of the label: the labels only say where padding is. Look up the
    probability of the label."""
    return -_of_real(logits.log_softmax(dim=-1).amax(dim=-1), labels).mean()


@known.mistake
def every_token(logits, labels):
    """The mean runs over all tokens of the vocabulary: the labels only say where padding is. Look up the label's
    log probability at each position, one number."""
    return -_of_real(logits.log_softmax(dim=-1), labels).mean()


@known.mistake
def one_token_before(logits, labels):
    """You look up the token before the label, label - 1. Ids do start at 1, but column 0 is there as well: it belongs
    to the padding."""
    return -_of_real(logits.log_softmax(dim=-1).gather(-1, (labels - 1).clamp(min=0)[..., None])[..., 0], labels).mean()


@known.mistake
def shifted_once_more(logits, labels):
    """The logits are compared with the labels one position further on. The labels are shifted already: the logits of a
    position belong to the label at the same position."""
    return _loss(logits[:, :-1], labels[:, 1:])


@known.mistake
def padding_out_of_the_softmax(logits, labels):
    """The padding's logit is left out of the softmax. What is left out are the positions whose label is padding; the
    softmax runs over the whole vocabulary, so that the model learns not to write padding."""
    return _loss(torch.cat([torch.full_like(logits[..., :1], -torch.inf), logits[..., 1:]], dim=-1), labels)


@known.mistake
def logits_of_padding_zeroed(logits, labels):
    """The logits of padding are set to 0. That does not take its positions out: all tokens are equally probable there,
    and the mean counts them. Leave these positions out of the mean."""
    return _losses(logits * (labels != 0)[..., None], labels).mean()


@known.mistake
def not_averaged(logits, labels):
    """These are the losses of the real labels, one by one. Return their mean, one number."""
    return _of_real(_losses(logits, labels), labels)


@known.mistake
def rectangle_of_losses(logits, labels):
    """These are the losses of all positions, one by one. Return one number: the mean over the real labels."""
    return _losses(logits, labels) * (labels != 0)


@known.always
def is_not_negative(inputs, output):
    """No probability is above 1, so minus its logarithm is never negative."""
    return bool(output >= 0)


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
    return np.mean(np.log(np.exp(moved).sum(axis=-1)) - moved[np.arange(len(labels)), labels])


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
    reference=reference,
    draw=draw,
    drawn=(informative(weights),),
    cases=(
        Case("2 texts of up to 3 tokens", dict(batch=2, length=3, vocab=4), points=2),
        Case("3 texts of up to 7 tokens", dict(batch=3, length=7, vocab=5)),
        Case("large logits", dict(batch=2, length=4, vocab=6), draw=enormous),
        Case("float32", dict(batch=5, length=6, vocab=8), dtype="float32"),
    ),
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
