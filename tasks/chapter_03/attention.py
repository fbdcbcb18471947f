"""03.attention: the whole formula, softmax(Q K^T / sqrt(d_k)) V (Vaswani et al. 2017, eq. 1)."""

import math

import numpy as np

import course_lib
from grader.known import Known
from grader.task import Case, Task
from tasks import first_attention_stages
from tasks.draws import query_and_key
from tasks.probes import apart, first_difference, weights_seen
from tasks.rules import informative

known = Known()


def attention(query, key, value):
    return course_lib.scaled_dot_product_attention(query, key, value)


def draw_inputs(rng, q_len, k_len, d_k, d_v, **leading):
    """Return queries, keys and values with unit variance."""
    inputs = query_and_key(rng, q_len, k_len, d_k, **leading)
    return {**inputs, "value": rng.normal(size=(*leading.values(), k_len, d_v))}


def of_the_text(rng, **sizes):
    return {
        "query": np.array([[2.0, 0, 0, 0]]),
        "key": np.array([[math.log(3), 0, 0, 0], [0, 5, 0, 0]]),
        "value": np.array([[8.0], [0.0]]),
    }


def large_scores(rng, **sizes):
    """Return inputs whose scores lie around 10,000 and differ by a little."""
    inputs = draw_inputs(rng, **sizes)
    inputs["query"][..., 0], inputs["key"][..., 0] = 100.0, 100.0 * math.sqrt(sizes["d_k"])
    return inputs


def loud_for_float32(rng, **sizes):
    """Return queries whose scores lie around 100, -120, 1,000 and 0. Halves and quarters: float32 adds them exactly."""
    inputs = draw_inputs(rng, **sizes)
    inputs = {**inputs, "query": np.round(2 * inputs["query"]) / 2, "key": np.round(4 * inputs["key"]) / 4}
    inputs["query"][..., 0], inputs["key"][..., 0] = np.array([100.0, -120.0, 1000.0, 0.0]), math.sqrt(sizes["d_k"])
    return inputs


def _right(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _scores(query, key):
    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])


product = first_attention_stages.product.but()
scaled = first_attention_stages.scaled.but("root_of_two", "divided_by_the_square")
weights = first_attention_stages.weights.but(scores="scaled")
output = first_attention_stages.output.but()


@scaled.slip
def root_of_d_model(product, query):
    """With several heads, the scores are divided by the root of num_heads * d_k, which is d_model. d_k is the size of
    one head: the last axis alone."""
    num_heads = query.shape[-3] if query.ndim > 3 else 1
    return product / math.sqrt(num_heads * query.shape[-1])


@scaled.slip
def root_of_axis_one(product, query):
    """The scores are divided by the root of the size of axis 1, which is d_k only where no axes stand before the
    queries. d_k is the last axis, -1."""
    return product / math.sqrt(query.shape[1])


@weights.slip
def softmax_over_the_first_axis(scaled):
    """The softmax runs over the first axis: the queries of a single sentence, or the sentences of a batch. Every query
    shares out its attention over the keys: the last axis."""
    exponentials = np.exp(scaled - scaled.max(axis=0, keepdims=True))
    return exponentials / exponentials.sum(axis=0, keepdims=True)


@weights.slip
def softmax_over_axis_one(scaled):
    """The softmax runs over axis 1, which is that of the keys only where no axes stand before the queries. Count from
    the back: axis -1."""
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@weights.slip
def softmax_over_the_whole_array(scaled):
    """One softmax runs over all scores at once, so that all weights together sum to 1. Every query shares out its own:
    the last axis alone."""
    exponentials = np.exp(scaled - scaled.max())
    return exponentials / exponentials.sum()


@weights.slip
def scaled_after_the_softmax(product, query):
    """The division by the square root of d_k comes after the softmax: it shrinks weights and output instead of the
    scores."""
    return _right(product) / math.sqrt(query.shape[-1])


@weights.slip
def overflowing(scaled):
    """The softmax overflows on large scores: their exponentials are inf, and the weights NaN. Subtract each row's
    largest score first, or call course_lib.softmax."""
    exponentials = np.exp(scaled)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@weights.slip
def future_hidden(scaled):
    """Each query sees the keys up to its own position alone, as under a causal mask. Here every query may attend to
    every key; masks come in the next chapter."""
    past = np.tri(*scaled.shape[-2:], dtype=bool)
    return _right(np.where(past, scaled, scaled.dtype.type(-np.inf)))


@output.slip
def values_before_the_weights(weights, value):
    """The values stand on the left of the product, and the weights on the right. Each row of weights mixes the rows of
    the values, so the weights stand on the left."""
    return value @ weights


@known.mistake
def no_keepdims(query, key, value):
    """The sum of the exponentials over the last axis loses that axis, so it does not fit them any more. keepdims=True
    keeps it, with size 1."""
    exponentials = np.exp(_scores(query, key))
    return exponentials / exponentials.sum(axis=-1) @ value


@known.mistake
def softmax_at_the_end(query, key, value):
    """The softmax comes after the values. It has to come before: it turns the scores into weights, and the weights
    multiply the values."""
    return _right(_scores(query, key) @ value)


@known.mistake
def keys_and_values_exchanged(query, key, value):
    """Keys and values have changed places: the queries are compared with the values, and the weights mix the keys."""
    return _right(query @ value.swapaxes(-2, -1) / math.sqrt(query.shape[-1])) @ key


@known.mistake
def queries_and_keys_exchanged(query, key, value):
    """The keys ask and the queries answer: the weights have a row for each key. They need one for each query: Q times K
    transposed."""
    return _right(key @ query.swapaxes(-2, -1) / math.sqrt(query.shape[-1])) @ value


@known.mistake
def first_of_the_batch_for_all(query, key, value):
    """All queries attend to the keys and values of the first entry of the batch. Each entry has its own."""
    if query.ndim == 2:
        return _right(_scores(query, key)) @ value
    return _right(_scores(query, np.broadcast_to(key[:1], key.shape))) @ value[:1]


@known.mistake
def first_of_all_leading_axes_for_all(query, key, value):
    """All queries attend to the keys and values of the very first sentence and head. Each has its own."""
    first = (0,) * (query.ndim - 2)
    return _right(_scores(query, key[first])) @ value[first]


@known.mistake
def keys_of_the_first_of_the_batch_for_all(query, key, value):
    """All queries are compared with the keys of the first entry of the batch. Each entry has its own."""
    return _right(_scores(query, key if query.ndim == 2 else np.broadcast_to(key[:1], key.shape))) @ value


@known.mistake
def as_many_keys_as_queries(query, key, value):
    """Each query attends to the first q_len keys alone; the rest of the keys and values has no part. There may be more
    keys than queries."""
    q_len = query.shape[-2]
    return _right(_scores(query, key[..., :q_len, :])) @ value[..., :q_len, :]


@known.mistake
def every_batch_with_every_batch(query, key, value):
    """Every entry of the batch meets the values of every other, as np.dot does with more than two axes. `@` multiplies
    the matrices of the same entry."""
    return np.dot(_right(_scores(query, key)), value)


@known.mistake
def scores_of_every_batch_with_every_batch(query, key, value):
    """Every entry of the batch meets the keys of every other, as np.dot does with more than two axes. `@` multiplies
    the matrices of the same entry."""
    scores = np.dot(query, key.swapaxes(-2, -1)) / math.sqrt(query.shape[-1])
    return _right(scores) @ value


@known.mistake
def two_axes_expected(query, key, value):
    """Two axes are expected, and there may be batch and heads before them. Count axes from the back: query.shape[-1] is
    d_k."""
    q_len, d_k = query.shape
    return _right(query.reshape(q_len, d_k) @ key.swapaxes(-2, -1) / math.sqrt(d_k)) @ value


@known.mistake
def three_axes_expected(query, key, value):
    """Three axes are expected, and there may be two, or four. Count axes from the back: query.shape[-1] is d_k."""
    batch, q_len, d_k = query.shape
    return _right(query.reshape(batch, q_len, d_k) @ key.swapaxes(-2, -1) / math.sqrt(d_k)) @ value


@known.mistake
def four_axes_expected(query, key, value):
    """Four axes are expected, for a batch and its heads, and there may be fewer. Count axes from the back:
    query.shape[-1] is d_k."""
    batch, num_heads, q_len, d_k = query.shape
    return _right(query.reshape(batch, num_heads, q_len, d_k) @ key.swapaxes(-2, -1) / math.sqrt(d_k)) @ value


@known.mistake
def axes_named_for_a_batch(query, key, value):
    """The axes are put in order for exactly three of them, and there may be two, or four. key.swapaxes(-2, -1) swaps
    the last two of any number."""
    return _right(query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])) @ value


@known.mistake
def dim_for_axis(query, key, value):
    """The axis of course_lib.softmax is called axis, as in NumPy; dim is PyTorch's word. The last one is taken
    anyway."""
    scores = _scores(query, key)
    return course_lib.softmax(scores, dim=-1) @ value


@known.mistake
def transposed_for_tensors(query, key, value):
    """NumPy's transpose wants the order of all axes, where PyTorch's takes two to swap. Two axes change places with
    key.swapaxes(-2, -1)."""
    return query @ key.transpose(-2, -1)


@known.probe
def identity_values(rng):
    inputs = draw_inputs(rng, q_len=3, k_len=4, d_k=2, d_v=4)
    seen = weights_seen((yield {**inputs, "value": np.eye(4)}))
    return seen and f"With values that are the identity, your result is your weights: {seen}."


@known.probe
def one_key(rng):
    inputs = draw_inputs(rng, q_len=3, k_len=1, d_k=4, d_v=2)
    yours = yield inputs
    found = first_difference(yours, np.broadcast_to(inputs["value"], yours.shape))
    return found and (
        "With a single key, every query should get its value as it is: at [{}] yours is {}, the value {}.".format(
            found[0], *apart(*found[1:])
        )
    )


@known.probe
def keys_of_zeros(rng):
    inputs = draw_inputs(rng, q_len=3, k_len=4, d_k=5, d_v=2)
    yours = yield {**inputs, "key": np.zeros_like(inputs["key"])}
    found = first_difference(yours, np.broadcast_to(inputs["value"].mean(axis=0), yours.shape))
    return found and (
        "With keys of zeros, all scores are equal, and each query should get the average of the values: at [{}] yours "
        "is {}, the average {}.".format(found[0], *apart(*found[1:]))
    )


@known.probe
def a_score_of_ln_three(rng):
    yours = yield {
        "query": np.array([[3.0] + [0.0] * 8, [-3.0] + [0.0] * 8]),
        "key": np.array([[math.log(3)] + [0.0] * 8, [0.0] * 9]),
        "value": np.eye(2),
    }
    for query, row, right in zip((3, -3), yours, ([0.75, 0.25], [0.25, 0.75]), strict=True):
        if not np.allclose(row, right):
            return (
                f"With d_k = 9, a query of {query} (then zeros), and keys of ln 3 and 0 (then zeros), the weights "
                f"should be {right}; yours are [{row[0]:.6g}, {row[1]:.6g}]."
            )
    return None


@known.probe
def keys_in_another_order(rng):
    inputs = draw_inputs(rng, q_len=2, k_len=4, d_k=3, d_v=2)
    before = yield inputs
    after = yield {**inputs, "key": inputs["key"][::-1].copy(), "value": inputs["value"][::-1].copy()}
    if not np.allclose(before, after):
        return "With keys and values in reverse order, both together, your result changes; it should stay the same."
    return None


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
    return (torch.softmax(query @ key.mT / math.sqrt(key.shape[-1]), dim=-1) @ value).numpy()


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


RARE = {
    "keys_with_themselves",
    "fourth_root",
    "half_of_d_k",
    "power_of_one_then_half",
    "root_of_d_model",
    "shares_of_the_scores",
    "sigmoid_for_softmax",
    "logarithms_of_the_weights",
    "queries_for_values",
    "output_divided_by_the_keys",
    "future_hidden",
    "distances",
    "multiplied_by_d_k",
    "root_of_axis_one",
}
STAGES = tuple(
    stage.but(rare=[slip.name for slip in stage.slips if slip.name in RARE])
    for stage in (product, scaled, weights, output)
)

TASK = Task(
    id="03.attention",
    title="Attention, the whole formula",
    difficulty=2,
    minutes=10,
    reference=attention,
    draw=draw_inputs,
    cases=(
        Case("the example of the text", dict(q_len=1, k_len=2, d_k=4, d_v=1), draw=of_the_text),
        Case("2 queries, 3 keys", dict(q_len=2, k_len=3, d_k=4, d_v=5), points=2),
        Case("4 queries in float32", dict(q_len=4, k_len=3, d_k=7, d_v=2), dtype="float32"),
        Case("a batch of sentences", dict(batch=2, q_len=4, k_len=3, d_k=6, d_v=5)),
        Case("a batch of sentences, several heads", dict(batch=2, num_heads=3, q_len=4, k_len=5, d_k=8, d_v=6)),
        Case("scores around 10,000", dict(q_len=2, k_len=4, d_k=5, d_v=3), draw=large_scores),
        Case(
            "scores around 100, -120, 1,000 and 0, float32",
            dict(q_len=4, k_len=3, d_k=4, d_v=2),
            dtype="float32",
            draw=loud_for_float32,
        ),
        Case("3 queries, 3 keys, d_k = d_v", dict(q_len=3, k_len=3, d_k=4, d_v=4), draw=draw_inputs),
        Case(
            "axes of size 1",
            dict(q_len=1, k_len=3, d_k=2, d_v=1, batch=1, num_heads=1),
            draw=draw_inputs,
        ),
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
        "output has shape (..., q_len, d_v): each row of weights mixes the values, in one matrix product.",
    ),
    drawn=(informative(lambda query, key, value: course_lib.attention_weights(query, key)),),
    stages=STAGES,
    coincidences={
        "negative_distances + softmax_of_the_negative": "distances",
        "not_scaled + output_divided_by_the_root": "scaled_after_the_softmax",
        "no_softmax + softmax_of_the_output": "softmax_at_the_end",
    },
    **known.ways,
)
