"""03.attention: the whole formula, softmax(Q K^T / sqrt(d_k)) V (Vaswani et al. 2017, eq. 1)."""

import math

import numpy as np

import course_lib
from grader.known import Known
from grader.task import Case, Task
from tasks.draws import query_and_key
from tasks.rules import informative

known = Known()


def attention(query, key, value):
    return course_lib.scaled_dot_product_attention(query, key, value)


def draw_inputs(rng, q_len, k_len, d_k, d_v, **leading):
    """Return queries, keys and values with unit variance."""
    inputs = query_and_key(rng, q_len, k_len, d_k, **leading)
    return {**inputs, "value": rng.normal(size=(*leading.values(), k_len, d_v))}


def large_scores(rng, **sizes):
    """Return inputs whose scores lie around 10,000 and differ by a little."""
    inputs = draw_inputs(rng, **sizes)
    inputs["query"][..., 0], inputs["key"][..., 0] = 100.0, 100.0 * math.sqrt(sizes["d_k"])
    return inputs


def _scores(query, key, scale):
    return query @ key.swapaxes(-2, -1) / scale


@known.mistake
def not_scaled(query, key, value):
    """The formula is right but for one thing: the scores are not divided by the square root of d_k."""
    return course_lib.softmax(_scores(query, key, 1.0)) @ value


@known.mistake
def divided_by_d_k(query, key, value):
    """The scores are divided by d_k itself; it has to be its square root. Your weights come out too even."""
    return course_lib.softmax(_scores(query, key, key.shape[-1])) @ value


@known.mistake
def multiplied_by_root(query, key, value):
    """The scores are multiplied by the square root of d_k; they have to be divided by it."""
    return course_lib.softmax(_scores(query, key, 1 / math.sqrt(key.shape[-1]))) @ value


@known.mistake
def root_of_d_v(query, key, value):
    """Under the root stands d_v, the length of a value. It has to be d_k: the scores come from queries and keys, and
    the values have no part in them."""
    return course_lib.softmax(_scores(query, key, math.sqrt(value.shape[-1]))) @ value


@known.mistake
def root_of_key_count(query, key, value):
    """Under the root stands k_len, the number of keys. It has to be d_k, the length of one key: the last axis."""
    return course_lib.softmax(_scores(query, key, math.sqrt(key.shape[-2]))) @ value


@known.mistake
def root_of_the_first_axis(query, key, value):
    """Under the root stands `len(key)`, the size of the first axis: the number of keys, or of sentences in a batch. It
    has to be d_k, the length of one key: the last axis, `key.shape[-1]`."""
    return course_lib.softmax(_scores(query, key, math.sqrt(len(key)))) @ value


@known.mistake
def root_of_d_model(query, key, value):
    """With several heads, the root is taken of num_heads * d_k, which is d_model. d_k is the size of one head: the last
    axis alone."""
    num_heads = query.shape[-3] if query.ndim > 3 else 1
    return course_lib.softmax(_scores(query, key, math.sqrt(num_heads * key.shape[-1]))) @ value


@known.mistake
def softmax_over_the_queries(query, key, value):
    """The softmax runs over the queries, so each column of weights sums to one. Every query shares out its attention
    over the keys: the last axis."""
    return course_lib.softmax(_scores(query, key, math.sqrt(key.shape[-1])), axis=-2) @ value


@known.mistake
def softmax_over_the_first_axis(query, key, value):
    """The softmax runs over the first axis: the queries of a single sentence, or the sentences of a batch. Every query
    shares out its attention over the keys: the last axis."""
    return course_lib.softmax(_scores(query, key, math.sqrt(key.shape[-1])), axis=0) @ value


@known.mistake
def no_softmax(query, key, value):
    """The scores themselves multiply the values: the softmax between the two is missing, so the output is no average of
    the values."""
    return _scores(query, key, math.sqrt(key.shape[-1])) @ value


@known.mistake
def no_exponential(query, key, value):
    """The scores are divided by their sum. Some are negative, so the sum may be close to 0 and the weights anything:
    softmax takes the exponential first."""
    scores = _scores(query, key, math.sqrt(key.shape[-1]))
    return scores / scores.sum(axis=-1, keepdims=True) @ value


@known.mistake
def softmax_at_the_end(query, key, value):
    """The softmax comes after the values. It has to come before: it turns the scores into weights, and the weights
    multiply the values."""
    return course_lib.softmax(_scores(query, key, math.sqrt(key.shape[-1])) @ value)


@known.mistake
def softmax_twice(query, key, value):
    """Softmax is applied twice. The second one makes almost even weights of any weights, because those differ by at
    most 1."""
    return course_lib.softmax(course_lib.softmax(_scores(query, key, math.sqrt(key.shape[-1])))) @ value


@known.mistake
def scaled_after_softmax(query, key, value):
    """The division by the square root of d_k comes after the softmax: it shrinks the weights instead of the scores, and
    they no longer sum to one."""
    return course_lib.softmax(_scores(query, key, 1.0)) / math.sqrt(key.shape[-1]) @ value


@known.mistake
def overflowing(query, key, value):
    """The formula is right, but your softmax overflows on large scores and gives NaN. Subtract each row's largest score
    first, or call course_lib.softmax."""
    exponentials = np.exp(_scores(query, key, math.sqrt(key.shape[-1])))
    return exponentials / exponentials.sum(axis=-1, keepdims=True) @ value


@known.mistake
def weights_alone(query, key, value):
    """These are the weights. The output is one step further: the weights mix the values."""
    return course_lib.softmax(_scores(query, key, math.sqrt(key.shape[-1])))


@known.mistake
def keys_instead_of_values(query, key, value):
    """The weights mix the keys. Keys serve to compare; what is mixed are the values."""
    return course_lib.softmax(_scores(query, key, math.sqrt(key.shape[-1]))) @ key


@known.mistake
def rows_are_keys(query, key, value):
    """Your weights have a row for each key. They need a row for each query and a column for each key: queries times
    transposed keys, and no transpose afterward."""
    return course_lib.softmax(_scores(key, query, math.sqrt(key.shape[-1]))) @ value


@known.mistake
def keys_not_transposed(query, key, value):
    """The keys are not transposed: (q_len, d_k) times (k_len, d_k) does not fit. Swap the last two axes of key
    first."""
    return course_lib.softmax(query @ key / math.sqrt(key.shape[-1])) @ value


@known.mistake
def all_axes_reversed(query, key, value):
    """`key.T` turns all the axes around, those of batch and heads too. Swap the last two alone: key.swapaxes(-2,
    -1)."""
    return course_lib.softmax(query @ key.T / math.sqrt(key.shape[-1])) @ value


@known.legal
def with_loops(query, key, value):
    output = np.zeros((*query.shape[:-1], value.shape[-1]), dtype=query.dtype)
    for index in np.ndindex(query.shape[:-1]):
        *leading, _ = index
        keys, values = key[tuple(leading)], value[tuple(leading)]
        scores = [sum(query[index] * k) / math.sqrt(len(k)) for k in keys]
        shares = [math.exp(score - max(scores)) for score in scores]
        output[index] = sum(share * v for share, v in zip(shares, values, strict=True)) / sum(shares)
    return output


@known.legal
def with_einsum(query, key, value):
    scores = np.einsum("...id,...jd->...ij", query, key) / math.sqrt(query.shape[-1])
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.einsum("...ij,...jd->...id", exponentials / exponentials.sum(axis=-1, keepdims=True), value)


@known.legal
def divided_at_the_end(query, key, value):
    scores = (query / math.sqrt(query.shape[-1])) @ np.moveaxis(key, -1, -2)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials @ value / exponentials.sum(axis=-1, keepdims=True)


@known.legal
def with_course_lib(query, key, value):
    return course_lib.softmax(course_lib.dot_product_scores(query, key) / math.sqrt(key.shape[-1])) @ value


@known.legal
def with_torch(query, key, value):
    import torch

    query, key, value = map(torch.from_numpy, (query, key, value))
    return torch.softmax(query @ key.mT / math.sqrt(key.shape[-1]), dim=-1) @ value


@known.borrowed
def by_course_lib(query, key, value):
    return course_lib.scaled_dot_product_attention(query, key, value)


@known.borrowed
def by_course_lib_weights(query, key, value):
    return course_lib.attention_weights(query, key) @ value


@known.borrowed
def by_torch(query, key, value):
    import torch

    return torch.nn.functional.scaled_dot_product_attention(*map(torch.from_numpy, (query, key, value)))


@known.always
def inside_the_values(inputs, output):
    """Each output should be an average of the values, so no number can lie outside of the smallest and the largest
    value in its column. One of yours does."""
    value, room = inputs["value"], 1e-5
    lowest, highest = value.min(axis=-2, keepdims=True), value.max(axis=-2, keepdims=True)
    return bool(((output >= lowest - room) & (output <= highest + room)).all())


TASK = Task(
    id="03.attention",
    title="Attention, the whole formula",
    difficulty=2,
    minutes=10,
    reference=attention,
    draw=draw_inputs,
    cases=(
        Case("2 queries, 3 keys", dict(q_len=2, k_len=3, d_k=4, d_v=5), points=2),
        Case("4 queries in float32", dict(q_len=4, k_len=3, d_k=7, d_v=2), dtype="float32"),
        Case("a batch of sentences", dict(batch=2, q_len=4, k_len=3, d_k=6, d_v=5)),
        Case("a batch of sentences, several heads", dict(batch=2, num_heads=3, q_len=4, k_len=5, d_k=8, d_v=6)),
        Case("scores around 10,000", dict(q_len=2, k_len=4, d_k=5, d_v=3), draw=large_scores),
    ),
    finished=(
        "course_lib.scaled_dot_product_attention",
        "course_lib.attention_weights",
        "torch.nn.functional.scaled_dot_product_attention",
        "torch.nn.functional.multi_head_attention_forward",
    ),
    hints=(
        (
            "Three lines, three names: scores, weights, output. Write the shape of each beside it before you write the "
            "line."
        ),
        (
            "scores has shape (..., q_len, k_len): queries times transposed keys, over the root of the length of one "
            "key. To transpose the last two axes alone: `key.swapaxes(-2, -1)`."
        ),
        (
            "weights has the shape of scores. Each query shares out its attention over the keys, so softmax runs along "
            "the last axis. `course_lib.softmax` does."
        ),
        "output has shape (..., q_len, d_v): a matrix product of the weights with the values, `weights @ value`.",
    ),
    drawn=(informative(lambda query, key, value: course_lib.attention_weights(query, key)),),
    **known.ways,
)
