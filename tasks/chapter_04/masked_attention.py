"""04.masked_attention: scaled dot-product attention over a padded batch, without a look at the future."""

import math

import numpy as np

from course_lib import causal_mask, masked_softmax, scaled_dot_product_attention, softmax
from grader.task import Case, Mistake, Property, Task
from tasks.rules import informative


def left_padded(rng, batch, length, d_k, d_v):
    """Padding at the beginning, at least one position and at most half of them, another number for each sequence."""
    first = rng.permutation(1 + np.arange(batch) % (length // 2))
    return _inputs(rng, np.arange(length) >= first[:, None], d_k, d_v)


def right_padded(rng, batch, length, d_k, d_v):
    """Padding at the end: the usual kind."""
    lengths = rng.permutation(length - 1 - np.arange(batch) % (length // 2))
    return _inputs(rng, np.arange(length) < lengths[:, None], d_k, d_v)


def with_a_gap(rng, batch, length, d_k, d_v):
    """One position inside each sequence is not real, as after a word was deleted; one sequence is empty throughout."""
    real = np.arange(length) != rng.integers(1, length - 1, size=batch)[:, None]
    real[rng.integers(batch)] = False
    return _inputs(rng, real, d_k, d_v)


def _inputs(rng, real, d_k, d_v):
    query, key, value = (rng.normal(size=(*real.shape, size)) for size in (d_k, d_k, d_v))
    return {"query": 1.5 * query, "key": key, "value": value, "real": real}


def reference(query, key, value, real):
    return scaled_dot_product_attention(query, key, value, real[:, None, :] & causal_mask(query.shape[-2]))


def weights(query, key, value, real):
    return masked_softmax(_scores(query, key), _mask(real))


def _scores(query, key):
    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])


def _causal(real):
    return np.tri(real.shape[-1], dtype=bool)


def _mask(real):
    return real[:, None, :] & _causal(real)


def only_causal(query, key, value, real):
    """The future is hidden, the padding is not: `real` has no effect. A key must be in the past and real."""
    return masked_softmax(_scores(query, key), _causal(real)) @ value


def only_padding(query, key, value, real):
    """The padding is hidden, the future is not: a causal mask is missing. A key must be real and in the past."""
    return masked_softmax(_scores(query, key), real[:, None, :]) @ value


def no_mask(query, key, value, real):
    """This is attention without any mask. Padded keys and future keys have to be hidden."""
    return softmax(_scores(query, key)) @ value


def either_mask(query, key, value, real):
    """The masks are combined by "or": a key is visible if it is real or in the past. Both have to hold: &."""
    return masked_softmax(_scores(query, key), real[:, None, :] | _causal(real)) @ value


def padding_on_the_queries(query, key, value, real):
    """The padded queries are blocked instead of the padded keys: `real` got its new axis at the end. The last axis of
    the scores is that of the keys."""
    return masked_softmax(_scores(query, key), real[:, :, None] & _causal(real)) @ value


def padding_on_both(query, key, value, real):
    """The outputs of padded queries are 0 here. A mask hides keys alone: a padded query gets an answer like any other,
    and whoever uses the result ignores it."""
    return masked_softmax(_scores(query, key), real[:, :, None] & _mask(real)) @ value


def future_instead_of_past(query, key, value, real):
    """The causal mask is upside down: each position sees itself and the future. Row i may see columns 0 to i."""
    return masked_softmax(_scores(query, key), real[:, None, :] & _causal(real).T) @ value


def future_alone(query, key, value, real):
    """Each position sees the future alone: in your causal mask True means blocked. Turn it around with ~."""
    return masked_softmax(_scores(query, key), real[:, None, :] & ~_causal(real)) @ value


def diagonal_missing(query, key, value, real):
    """No position sees itself: the causal mask lacks its diagonal."""
    before = np.tri(real.shape[-1], k=-1, dtype=bool)
    return masked_softmax(_scores(query, key), real[:, None, :] & before) @ value


def padding_instead_of_words(query, key, value, real):
    """`real` is used the wrong way round: only padding is attended to. True means that a position is real."""
    return masked_softmax(_scores(query, key), ~real[:, None, :] & _causal(real)) @ value


def not_scaled(query, key, value, real):
    """The masks are right, the scores are not scaled: the division by the square root of d_k is missing."""
    return masked_softmax(query @ key.swapaxes(-2, -1), _mask(real)) @ value


def divided_by_d_k(query, key, value, real):
    """The masks are right, the scores are divided by d_k instead of its square root (chapter 02)."""
    return masked_softmax(query @ key.swapaxes(-2, -1) / query.shape[-1], _mask(real)) @ value


def root_of_length(query, key, value, real):
    """The scores are divided by the square root of the length of the sequence. d_k is the length of one key vector: the
    last axis."""
    return masked_softmax(query @ key.swapaxes(-2, -1) / math.sqrt(key.shape[-2]), _mask(real)) @ value


def all_axes_reversed(query, key, value, real):
    """The matrix product of queries and keys does not fit. It wants `key` as (batch, d_k, length): as it comes, its
    last two axes stand the other way round, and .T turns the batch around with them. Swap the last two alone:
    key.swapaxes(-2, -1)."""
    return masked_softmax(query @ key.T / math.sqrt(query.shape[-1]), _mask(real)) @ value


def lengths_from_the_sum(query, key, value, real):
    """The number of real positions is taken for a length, as if all padding stood at the end. It may stand in front, or
    leave a gap: `real` itself says where."""
    first_ones = np.arange(real.shape[-1]) < real.sum(axis=-1)[:, None, None]
    return masked_softmax(_scores(query, key), first_ones & _causal(real)) @ value


def no_axis_for_the_queries(query, key, value, real):
    """`real` has shape (batch, length) and the causal mask (length, length): the batch would be lined up with the
    queries. Give `real` an axis of size 1 for the queries."""
    return masked_softmax(_scores(query, key), real & _causal(real)) @ value


def weights_alone(query, key, value, real):
    """These are the attention weights. The last step is missing: the weights times the values."""
    return masked_softmax(_scores(query, key), _mask(real))


def one_softmax_per_mask(query, key, value, real):
    """There are two softmaxes, one for each mask, and the second takes weights for scores. Combine the masks first,
    then take one softmax."""
    return masked_softmax(masked_softmax(_scores(query, key), real[:, None, :]), _causal(real)) @ value


def nan_where_nothing_is_allowed(query, key, value, real):
    """Right wherever something may be attended to. A row with nothing allowed comes out as NaN; its output should be
    0."""
    return softmax(np.where(_mask(real), _scores(query, key), -np.inf)) @ value


def average_where_nothing_is_allowed(query, key, value, real):
    """Right wherever something may be attended to. With a large negative number as mask, a row with nothing allowed
    becomes an average of everything, padding and future included; its output should be 0."""
    return softmax(np.where(_mask(real), _scores(query, key), -1e9)) @ value


def large_number_added(query, key, value, real):
    """Right wherever something may be attended to. A large negative number is added to the forbidden scores, and a row
    with nothing allowed has all its scores lowered alike, which changes nothing; its output should be 0."""
    return softmax(_scores(query, key) + (1 - _mask(real)) * -1e9) @ value


def multiplied_after(query, key, value, real):
    """The mask is applied after the softmax, so the rows no longer sum to one. It belongs on the scores, before it."""
    return (softmax(_scores(query, key)) * _mask(real)) @ value


def softmax_over_the_queries(query, key, value, real):
    """The softmax runs over the queries. Each query shares out its own attention: the last axis, that of the keys."""
    filled = np.where(_mask(real), _scores(query, key), -np.inf)
    return np.nan_to_num(softmax(filled, axis=-2)) @ value


def padding_set_to_zero(query, key, value, real):
    """Keys and values of the padding are set to 0, but a zero key has the score 0, and its exponential is 1: it takes
    weight from the real ones. Hide the keys in the mask."""
    present = real[:, :, None]
    return masked_softmax(_scores(query, key * present), _causal(real)) @ (value * present)


def values_of_padding_removed(query, key, value, real):
    """The values of the padding are set to 0, but its keys still take weight from the real ones. Hide the keys in the
    mask."""
    return masked_softmax(_scores(query, key), _causal(real)) @ (value * real[:, :, None])


def zero_where_nothing_is_allowed(inputs, output):
    """A query that may attend to nothing should have output 0."""
    return bool((output[~_mask(inputs["real"]).any(axis=-1)] == 0).all())


def with_loops(query, key, value, real):
    output = np.zeros((*query.shape[:-1], value.shape[-1]), dtype=query.dtype)
    for b, i in np.ndindex(real.shape):
        allowed = [j for j in range(i + 1) if real[b, j]]
        if allowed:
            scores = key[b, allowed] @ query[b, i] / math.sqrt(query.shape[-1])
            exponentials = np.exp(scores - scores.max())
            output[b, i] = exponentials / exponentials.sum() @ value[b, allowed]
    return output


def with_einsum(query, key, value, real):
    scores = np.einsum("bid,bjd->bij", query, key) * query.shape[-1] ** -0.5
    scores[~(np.tri(real.shape[1], dtype=bool)[None] & real[:, None])] = -np.inf
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.einsum("bij,bjv->biv", np.nan_to_num(exponentials / exponentials.sum(axis=-1, keepdims=True)), value)


def with_the_makers_of_the_library(query, key, value, real):
    import course_lib

    mask = course_lib.combine_masks(real[:, None, :], course_lib.causal_mask(real.shape[-1]))
    return course_lib.masked_softmax(_scores(query, key), mask) @ value


def with_torch(query, key, value, real):
    import torch

    query, key, value, real = map(torch.from_numpy, (query, key, value, real))
    mask = real.unsqueeze(1) & torch.ones(real.shape[1], real.shape[1], dtype=torch.bool).tril()
    scores = (query @ key.mT / query.shape[-1] ** 0.5).masked_fill(~mask, -torch.inf)
    return torch.softmax(scores, dim=-1).nan_to_num(0.0) @ value


def by_course_lib(query, key, value, real):
    import course_lib

    return course_lib.scaled_dot_product_attention(query, key, value, _mask(real))


def by_course_lib_weights(query, key, value, real):
    import course_lib

    return course_lib.attention_weights(query, key, _mask(real)) @ value


def by_torch(query, key, value, real):
    import torch

    arrays = map(torch.from_numpy, (query, key, value, _mask(real)))
    return torch.nn.functional.scaled_dot_product_attention(*arrays)


TASK = Task(
    id="04.masked_attention",
    title="Attention over a padded batch",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=left_padded,
    cases=(
        Case("2 sentences, padded on the left", dict(batch=2, length=6, d_k=3, d_v=5), points=2),
        Case("3 sentences, padded on the left, float32", dict(batch=3, length=7, d_k=4, d_v=2), dtype="float32"),
        Case("2 sentences, padded on the right", dict(batch=2, length=5, d_k=6, d_v=3), points=2, draw=right_padded),
        Case("a gap in each sentence, one empty", dict(batch=3, length=5, d_k=6, d_v=4), draw=with_a_gap),
    ),
    mistakes=tuple(
        Mistake(wrong)
        for wrong in (
            only_causal,
            only_padding,
            no_mask,
            either_mask,
            padding_on_the_queries,
            padding_on_both,
            future_instead_of_past,
            future_alone,
            diagonal_missing,
            padding_instead_of_words,
            not_scaled,
            divided_by_d_k,
            root_of_length,
            all_axes_reversed,
            lengths_from_the_sum,
            no_axis_for_the_queries,
            weights_alone,
            one_softmax_per_mask,
            nan_where_nothing_is_allowed,
            average_where_nothing_is_allowed,
            large_number_added,
            multiplied_after,
            softmax_over_the_queries,
            padding_set_to_zero,
            values_of_padding_removed,
        )
    ),
    legal=(with_loops, with_einsum, with_the_makers_of_the_library, with_torch),
    borrowed=(by_course_lib, by_course_lib_weights, by_torch),
    finished=(
        "course_lib.scaled_dot_product_attention",
        "course_lib.attention_weights",
        "torch.nn.functional.scaled_dot_product_attention",
    ),
    properties=(Property(zero_where_nothing_is_allowed),),
    hints=(
        (
            "Which two things must be true of a key, so that a query may attend to it? How do you say `and` for "
            "boolean arrays?"
        ),
        (
            "The scores have shape (batch, length, length): queries, then keys. `real` has shape (batch, length) and "
            "speaks of keys. Where does it need an axis of size 1?"
        ),
        (
            "`real[:, None, :]` & your causal mask has shape (batch, length, length). Then: scores, divided by "
            "the root of d_k; masked softmax; times the values."
        ),
        (
            "Q K^T is `query @ key.swapaxes(-2, -1)`. Divide it by `math.sqrt(query.shape[-1])`, call "
            "`masked_softmax(scores, mask)`, and multiply the weights with value."
        ),
    ),
    drawn=(informative(weights),),
)
