"""04.masked_attention: scaled dot-product attention over a padded batch, without a look at the future."""

import math

import numpy as np

import course_lib
from course_lib import causal_mask, masked_softmax, scaled_dot_product_attention
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import attention_stages, first_attention_stages
from tasks.probes import apart, first_difference, weights_seen
from tasks.rules import informative

known = Known()


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


def of_the_text(rng, d_k, **sizes):
    real = np.array([[False, True, True]])
    value = np.array([[[10.0], [20.0], [40.0]]])
    return {"query": np.zeros((1, 3, d_k)), "key": rng.normal(size=(1, 3, d_k)), "value": value, "real": real}


def one_word(rng, batch, length, d_k, d_v):
    return _inputs(rng, np.ones((batch, length), dtype=bool), d_k, d_v)


def loud_for_float32(rng, batch, length, d_k, d_v):
    """Queries whose scores lie around 100, -120, 1,000 and 0, those of the padding five times as far out; halves and
    quarters, which float32 adds exactly."""
    inputs = left_padded(rng, batch, length, d_k, d_v)
    inputs = {**inputs, "query": np.round(2 * inputs["query"]) / 2, "key": np.round(4 * inputs["key"]) / 4}
    loud = np.stack([rng.permutation([100.0, -120.0, 1000.0, 0.0]) for _ in range(batch)])
    inputs["query"][..., 0] = loud
    inputs["key"][..., 0] = np.where(inputs["real"], 1, 5) * math.sqrt(d_k)
    return inputs


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


product = first_attention_stages.product.but(
    "keys_not_transposed", "keys_with_themselves", "entries_of_queries_and_swapped_keys", "negative_distances"
)
scaled = first_attention_stages.scaled.but(
    "root_of_query_count", "half_of_d_k", "power_of_one_then_half", "divided_by_the_square", "fourth_root"
)
masked = attention_stages.masked.but("small_number_for_infinity")
weights_of_scores = attention_stages.masked_weights.but("logarithms_of_the_weights", "sigmoid_for_softmax")
output = first_attention_stages.output.but("queries_for_values", "output_divided_by_the_keys")


@masked.rare
def future_scores_zero(scaled, visible, past):
    """Scores of the future are 0 before the softmax, and the exponential of 0 is 1: real keys of the future still take
    weight. Minus infinity takes none."""
    return np.where(visible, np.where(past, scaled, scaled.dtype.type(0)), scaled.dtype.type(-np.inf))


@masked.rare
def future_scores_zero_padding_or_not(scaled, visible, past):
    """Scores of the future are 0 before the softmax, padding or not, and the exponential of 0 is 1: those keys still
    take weight. Minus infinity takes none."""
    return np.where(past, np.where(visible, scaled, scaled.dtype.type(-np.inf)), scaled.dtype.type(0))


@weights_of_scores.slip
def powers_of_two(scores):
    """The weights are made of powers of 2. Softmax takes powers of e, as np.exp does."""
    return attention_stages.weights(scores * math.log(2))


@weights_of_scores.slip
def maximum_of_all_keys(scaled, mask):
    """The largest score of each row is subtracted, hidden ones included. Where a hidden score is far above the others,
    the exponentials of all visible keys become 0. Subtract the largest visible one, or call masked_softmax."""
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True)) * mask
    sums = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / np.where(sums == 0, sums.dtype.type(1), sums)


@weights_of_scores.slip
def overflowing(scores):
    """The softmax overflows on large scores: their exponentials are inf, and the weights NaN. Subtract each row's
    largest score first, or call masked_softmax."""
    exponentials = np.exp(scores)
    sums = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / np.where(sums == 0, sums.dtype.type(1), sums)


@Stage
def visible(real):
    return real[:, None, :]  # (batch, 1, length)


@visible.slip
def padding_not_hidden(real):
    """The padding is not hidden: `real` has no effect on who may be attended to."""
    return np.ones_like(real[:, None, :])


@visible.slip
def padding_on_the_queries(real):
    """The padded queries are blocked instead of the padded keys: `real` runs along the rows. The last axis of the
    scores is that of the keys."""
    return real[:, :, None]


@visible.slip
def padding_on_both(real):
    """The outputs of padded queries are 0 here. A mask hides keys alone: a padded query gets an answer like any other,
    and whoever uses the result ignores it."""
    return real[:, :, None] & real[:, None, :]


@visible.slip
def padding_instead_of_words(real):
    """`real` is used the wrong way round: only padding is attended to. True means that a position is real."""
    return ~real[:, None, :]


@visible.slip
def lengths_from_the_sum(real):
    """The number of real positions is taken for a length, as if all padding stood at the end. It may stand in front, or
    leave a gap: `real` itself says where."""
    return np.arange(real.shape[-1]) < real.sum(axis=-1)[:, None, None]


@visible.slip
def no_axis_for_the_queries(real):
    """`real` has shape (batch, length) and the causal mask (length, length): the batch is lined up with the queries.
    Give `real` an axis of size 1 for the queries."""
    return real


@visible.slip
def padding_of_the_first_sentence(real):
    """The padding of the first sentence serves for all of them. Each has its own."""
    return real[:1, None, :]


@visible.slip
def lengths_from_the_end(real):
    """The number of real positions is taken for a length, as if all padding stood in front. It may stand at the end, or
    leave a gap: `real` itself says where."""
    return np.arange(real.shape[-1]) >= real.shape[-1] - real.sum(axis=-1)[:, None, None]


@visible.slip
def until_the_first_gap(real):
    """All that stands behind the first padding of a sequence is hidden. Padding may stand in front, or leave a gap:
    `real` itself says of each position whether it holds something."""
    return np.logical_and.accumulate(real, axis=-1)[:, None, :]


@visible.slip
def an_axis_for_the_heads(real):
    """The padding has two axes of size 1, as for several heads: (batch, 1, 1, length). The scores have three axes here,
    and the batch meets itself. It is (batch, 1, length)."""
    return real[:, None, None, :]


@Stage
def past(real):
    return _causal(real)  # (length, length)


@past.slip
def future_not_hidden(real):
    """The future is not hidden: every position sees those behind it, too."""
    return np.ones_like(_causal(real))


@past.slip
def future_instead_of_past(real):
    """The causal mask is upside down: each position sees itself and the future. Row i may see columns 0 to i."""
    return _causal(real).T


@past.slip
def future_alone(real):
    """Each position sees the future alone, and not itself: True and False are exchanged in the causal mask."""
    return ~_causal(real)


@past.slip
def diagonal_missing(real):
    """The diagonal of the causal mask is False: by it, no position sees itself."""
    return np.tri(real.shape[-1], k=-1, dtype=bool)


@past.slip
def one_too_far(real):
    """Each position sees one position of the future: the diagonal of the causal mask is one too far to the right."""
    return np.tri(real.shape[-1], k=1, dtype=bool)


@past.slip
def itself_alone(real):
    """Each position sees itself alone of what is past: the mask is the identity."""
    return np.eye(real.shape[-1], dtype=bool)


@past.slip
def as_large_as_the_batch(real):
    """The causal mask is as large as the batch. It is a square of the length: a row and a column for each position."""
    return np.tri(len(real), dtype=bool)


@past.slip
def as_large_as_d_k(query):
    """The causal mask is as large as d_k. It is a square of the length: a row and a column for each position."""
    return np.tri(query.shape[-1], dtype=bool)


@Stage
def mask(visible, past):
    return visible & past  # (batch, length, length)


@mask.slip
def either_mask(visible, past):
    """The masks are combined by "or": a key is visible if it is real or in the past. Both have to hold."""
    return visible | past


@mask.slip
def exactly_one_mask(visible, past):
    """A key is visible if exactly one of the two holds, real or past. Both have to."""
    return visible ^ past


@mask.slip
def itself_always(visible, past):
    """Every query attends to itself, even where it is padding. A mask hides padded keys from all queries, and a query
    that may attend to nothing has output 0."""
    return visible & past | np.eye(past.shape[-1], dtype=bool)


@mask.rare
def itself_where_nothing_is_allowed(visible, past):
    """A query that may attend to nothing attends to itself. Its output should be 0."""
    both = visible & past
    return both | np.eye(past.shape[-1], dtype=bool) & ~both.any(axis=-1, keepdims=True)


@mask.slip
def first_key_always(visible, past):
    """Every query attends to the first position, even where that is padding. A query that may attend to nothing has
    output 0."""
    return visible & past | (np.arange(past.shape[-1]) == 0)


@mask.slip
def masks_joined_by_python(visible, past):
    """`and` asks for one True or False of a whole array. Element by element it is `&`."""
    return visible and past


@known.mistake
def masks_joined_by_python_at_once(query, key, value, real):
    """Two masks are joined by `and`, which wants one True or False of each. `&` goes element by element."""
    mask = real[:, None, :] and np.tri(query.shape[1], dtype=bool)
    return masked_softmax(_scores(query, key), mask) @ value


@known.mistake
def no_axis_for_the_queries_at_once(query, key, value, real):
    """`real` has shape (batch, length) and the causal mask (length, length), so the batch is lined up with the queries.
    An axis of size 1 stands for the queries: real[:, None, :]."""
    mask = real & np.tri(query.shape[1], dtype=bool)
    return masked_softmax(_scores(query, key), mask) @ value


@known.mistake
def transposed_for_tensors(query, key, value, real):
    """NumPy's transpose wants the order of all axes, where PyTorch's takes two to swap. Two axes change places with
    key.swapaxes(-2, -1)."""
    return query @ key.transpose(-2, -1)


@known.mistake
def a_method_of_tensors(query, key, value, real):
    """`unsqueeze` is PyTorch's. NumPy puts in an axis by an index, real[:, None, :]."""
    return real.unsqueeze(1)


@known.mistake
def masked_fill_of_an_array(query, key, value, real):
    """`masked_fill` is PyTorch's. np.where(mask, scores, -np.inf) takes the scores where the mask is True."""
    scores = _scores(query, key)
    return scores.masked_fill(~_mask(real), -np.inf)


@known.mistake
def two_axes_expected(query, key, value, real):
    """Two axes are expected, and there are three: batch, length, d_k."""
    length, d_k = query.shape
    return np.zeros((length, d_k))


@known.mistake
def four_axes_expected(query, key, value, real):
    """Four axes are expected, and there are three: batch, length, d_k."""
    batch, num_heads, length, d_k = query.shape
    return np.zeros((batch, num_heads, length, d_k))


@known.mistake
def dim_for_axis(query, key, value, real):
    """The axis of course_lib.softmax is called axis, as in NumPy; dim is PyTorch's word. The last one is taken
    anyway."""
    scores = np.where(_mask(real), _scores(query, key), -np.inf)
    return course_lib.softmax(scores, dim=-1) @ value


@known.mistake
def scaled_after_the_softmax(query, key, value, real):
    """The scores are divided by the square root of d_k after the softmax: it shrinks weights and output instead of the
    scores."""
    return masked_softmax(query @ key.swapaxes(-2, -1), _mask(real)) @ value / math.sqrt(query.shape[-1])


@known.mistake
def one_softmax_per_mask(query, key, value, real):
    """There are two softmaxes, one for each mask, and the second takes weights for scores. Combine the masks first,
    then take one softmax."""
    return masked_softmax(masked_softmax(_scores(query, key), real[:, None, :]), _causal(real)) @ value


@known.mistake
def one_softmax_per_mask_the_past_first(query, key, value, real):
    """There are two softmaxes, the first under the causal mask, the second under that of the padding, and it takes
    weights for scores. Combine the masks first, then take one softmax."""
    weights = masked_softmax(_scores(query, key), np.broadcast_to(_causal(real), (*real.shape, real.shape[-1])))
    return masked_softmax(weights, real[:, None, :]) @ value


@known.mistake
def large_number_in_float64(query, key, value, real):
    """A large number, such as 1e9, is subtracted from hidden scores, in float64 whatever came in. It shows in a row
    with nothing allowed: all its scores are lowered alike, which changes nothing, and its output should be 0."""
    scores = _scores(query, key) + np.where(_mask(real), 0.0, -1e9)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True) @ value


@known.mistake
def everything_of_padding_zero(query, key, value, real):
    """Queries, keys and values of the padding are set to 0. A zero key has the score 0, whose exponential is 1: it
    takes weight from the real ones. Hide the keys in the mask."""
    present = real[:, :, None]
    return masked_softmax(_scores(query * present, key * present), _causal(real)) @ (value * present)


@known.mistake
def padding_set_to_zero(query, key, value, real):
    """Keys and values of the padding are set to 0, but a zero key has the score 0, and its exponential is 1: it takes
    weight from the real ones. Hide the keys in the mask."""
    present = real[:, :, None]
    return masked_softmax(_scores(query, key * present), _causal(real)) @ (value * present)


@known.mistake
def keys_set_to_zero(query, key, value, real):
    """The keys of the padding are set to 0, but a zero key has the score 0, and its exponential is 1: it takes weight
    from the real ones. Hide the keys in the mask."""
    return masked_softmax(_scores(query, key * real[:, :, None]), _causal(real)) @ value


@known.mistake
def zero_where_nothing_but_no_padding_hidden(query, key, value, real):
    """Queries that may attend to nothing have output 0, and all others see the padding as well. `real` hides keys from
    every query."""
    output = masked_softmax(_scores(query, key), np.broadcast_to(_causal(real), (*real.shape, real.shape[-1]))) @ value
    return np.where(_mask(real).any(axis=-1, keepdims=True), output, value.dtype.type(0))


@known.mistake
def values_of_padding_removed(query, key, value, real):
    """The values of the padding are set to 0, but its keys still take weight from the real ones. Hide the keys in the
    mask."""
    return masked_softmax(_scores(query, key), _causal(real)) @ (value * real[:, :, None])


@known.probe
def identity_values(rng):
    inputs = left_padded(rng, batch=2, length=5, d_k=3, d_v=5)
    weights = yield {**inputs, "value": np.broadcast_to(np.eye(5), (2, 5, 5)).copy()}
    seen = weights_seen(weights, _mask(inputs["real"]))
    return seen and f"With values that are the identity, your result is your weights: {seen}."


@known.probe
def keys_of_zeros(rng):
    inputs = left_padded(rng, batch=2, length=5, d_k=3, d_v=4)
    inputs = {**inputs, "key": np.zeros_like(inputs["key"])}
    yours = yield inputs
    found = first_difference(
        yours, masked_softmax(_scores(inputs["query"], inputs["key"]), _mask(inputs["real"])) @ inputs["value"]
    )
    return found and (
        "With keys of zeros, every visible key has the same score, and each query should get the average of the "
        "visible values: at [{}] yours is {}, the average {}.".format(found[0], *apart(*found[1:]))
    )


@known.probe
def doubled_queries(rng):
    inputs = left_padded(rng, batch=2, length=5, d_k=3, d_v=4)
    once = yield inputs
    twice = yield {**inputs, "query": 2 * inputs["query"]}
    if np.allclose(once, twice):
        return "With queries twice as long, your result stays the same; the scores should be twice as large."
    return None


@known.always
def zero_where_nothing_is_allowed(inputs, output):
    """A query that may attend to nothing should have output 0."""
    return bool((output[~_mask(inputs["real"]).any(axis=-1)] == 0).all())


@known.legal
def with_loops(query, key, value, real):
    output = np.zeros((*query.shape[:-1], value.shape[-1]), dtype=query.dtype)
    for b, i in np.ndindex(real.shape):
        allowed = [j for j in range(i + 1) if real[b, j]]
        if allowed:
            scores = key[b, allowed] @ query[b, i] / math.sqrt(query.shape[-1])
            exponentials = np.exp(scores - scores.max())
            output[b, i] = exponentials / exponentials.sum() @ value[b, allowed]
    return output


@known.legal
def with_einsum(query, key, value, real):
    scores = np.einsum("bid,bjd->bij", query, key) * query.shape[-1] ** -0.5
    scores[~(np.tri(real.shape[1], dtype=bool)[None] & real[:, None])] = -np.inf
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.einsum("bij,bjv->biv", np.nan_to_num(exponentials / exponentials.sum(axis=-1, keepdims=True)), value)


@known.legal
def with_the_makers_of_the_library(query, key, value, real):
    import course_lib

    mask = course_lib.combine_masks(real[:, None, :], course_lib.causal_mask(real.shape[-1]))
    return course_lib.masked_softmax(_scores(query, key), mask) @ value


@known.legal
def with_torch(query, key, value, real):
    import torch

    query, key, value, real = map(torch.from_numpy, (query, key, value, real))
    mask = real.unsqueeze(1) & torch.ones(real.shape[1], real.shape[1], dtype=torch.bool).tril()
    scores = (query @ key.mT / query.shape[-1] ** 0.5).masked_fill(~mask, -torch.inf)
    return (torch.softmax(scores, dim=-1).nan_to_num(0.0) @ value).numpy()


@known.borrowed
def by_course_lib(query, key, value, real):
    import course_lib

    return course_lib.scaled_dot_product_attention(query, key, value, _mask(real))


@known.borrowed
def by_course_lib_weights(query, key, value, real):
    import course_lib

    return course_lib.attention_weights(query, key, _mask(real)) @ value


@known.borrowed
def by_torch(query, key, value, real):
    import torch

    arrays = map(torch.from_numpy, (query, key, value, _mask(real)))
    return torch.nn.functional.scaled_dot_product_attention(*arrays)


RARE = {
    "distances",
    "cosines",
    "divided_by_two",
    "multiplied_by_d_k",
    "multiplied_by_root",
    "root_of_the_first_axis",
    "an_axis_for_the_heads",
    "lengths_from_the_end",
    "first_key_always",
    "itself_alone",
    "large_number_added",
    "shares_of_the_scores",
    "softmax_of_the_negative",
    "the_best_key_alone",
    "divided_by_the_largest",
    "softmax_twice",
    "no_softmax",
    "average_of_the_values",
    "sum_of_the_values",
    "softmax_of_the_output",
    "queries_with_themselves",
}
STAGES = tuple(
    stage.but(rare=[slip.name for slip in stage.slips if slip.name in RARE])
    for stage in (product, scaled, visible, past, mask, masked, weights_of_scores, output)
)

TASK = Task(
    id="04.masked_attention",
    title="Attention over a padded batch",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=left_padded,
    cases=(
        Case("the example of the text", dict(batch=1, length=3, d_k=2, d_v=1), draw=of_the_text),
        Case("2 sentences, padded on the left", dict(batch=2, length=6, d_k=3, d_v=5), points=2),
        Case("3 sentences, padded on the left, float32", dict(batch=3, length=7, d_k=4, d_v=2), dtype="float32"),
        Case("2 sentences, padded on the right", dict(batch=2, length=5, d_k=6, d_v=3), points=2, draw=right_padded),
        Case("a gap in each sentence, one empty", dict(batch=3, length=5, d_k=6, d_v=4), draw=with_a_gap),
        Case("a single word", dict(batch=1, length=1, d_k=1, d_v=2), draw=one_word),
        Case(
            "scores around 100, -120, 1,000 and 0, float32",
            dict(batch=2, length=4, d_k=4, d_v=3),
            dtype="float32",
            draw=loud_for_float32,
        ),
    ),
    finished=(
        "course_lib.scaled_dot_product_attention",
        "course_lib.attention_weights",
        "torch.nn.functional.scaled_dot_product_attention",
    ),
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
    stages=STAGES,
    coincidences={
        "not_scaled + output_divided_by_the_root": "scaled_after_the_softmax",
        "padding_not_hidden + future_not_hidden": "no_mask",
        "padding_not_hidden + either_mask": "no_mask",
        "future_not_hidden + either_mask": "no_mask",
    },
    **known.ways,
)
