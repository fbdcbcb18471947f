"""07.rotary_attention: queries and keys rotated, values not (Su et al. 2021, section 3.2.2)."""

import math

import numpy as np
import torch

from course_lib import attention_weights, scaled_dot_product_attention
from course_lib.positional_encoding import rotate, sinusoidal_encoding
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.attention_stages import output, product, scaled, weights
from tasks.probes import first_difference, weights_seen
from tasks.rules import informative

known = Known()


def queries_further_on(rng, q_len, k_len, d_k, d_v, start, **leading):
    axes = tuple(leading.values())
    query, key, value = (rng.normal(size=(*axes, *sizes)) for sizes in ((q_len, d_k), (k_len, d_k), (k_len, d_v)))
    return {"query": query, "key": key, "value": value, "start": start}


def the_example(rng, q_len, k_len, d_k, d_v, start):
    return {"query": np.array([[1.0, 0.0]]), "key": np.array([[1.0, 0.0]] * 2), "value": np.eye(2), "start": start}


def queries_from_the_beginning(rng, **sizes):
    return queries_further_on(rng, start=0, **sizes)


def loud_scores(rng, length, d_v, start):
    """Where all is turned, each score is about 1,000 or 0 in the even rows, about -1,000 in the odd ones."""
    favorites = np.eye(length)[rng.permutation(length)]
    rows = np.where(np.arange(length)[:, None] % 2, 100 * favorites - 1000, 1000 * favorites)
    query = _turned_back(math.sqrt(length) * rows, start)
    return {
        "query": query,
        "key": _turned_back(np.eye(length), 0),
        "value": rng.normal(size=(length, d_v)),
        "start": start,
    }


def _turned_back(x, start):
    """What `rotate(..., start)` turns into x."""
    return rotate(x[::-1], 1 - start - len(x))[::-1].copy()


def reference(query, key, value, start):
    return attention_weights(rotate(query, start), rotate(key)) @ value


def _weights(query, key, value, start):
    return attention_weights(rotate(query, start), rotate(key))


@Stage
def rotation(query):
    """What turns vectors (..., length, d_k) from a position on: a function."""
    return rotate


@rotation.slip
def pairs_from_two_halves(query):
    """In queries and keys, component i is paired with component i + d_k / 2. Here, as in the paper, neighbors form a
    pair: components 2i and 2i + 1."""

    def turn(x, start=0):
        interleaved = torch.stack(x.chunk(2, dim=-1), dim=-1).flatten(-2)
        turned = rotate(interleaved, start)
        return torch.cat([turned[..., 0::2], turned[..., 1::2]], dim=-1)

    return turn


@rotation.slip
def the_wrong_way(query):
    """Queries and keys turn the wrong way round, by minus the angle of their position."""

    def turn(x, start=0):
        return (
            rotate(x.flip(-1).unflatten(-1, (-1, 2)).flip(-2).flatten(-2), start)
            .unflatten(-1, (-1, 2))
            .flip(-1)
            .flatten(-2)
        )

    return turn


@rotation.slip
def sinusoids_added(query):
    """To queries and keys, the sines and cosines of their positions are added, as in task 1. Rotary positions turn
    them."""

    def turn(x, start=0):
        return x + sinusoidal_encoding(*x.shape[-2:], start=start, like=x)

    return turn


@rotation.slip
def along_the_second_axis(query):
    """The positions run along the second axis from the left. With a batch and heads that is the axis of the heads; they
    run along the last but one."""

    def turn(x, start=0):
        return rotate(x.swapaxes(1, -2), start).swapaxes(1, -2) if x.ndim > 2 else rotate(x, start)

    return turn


@Stage
def turned_query(query, start, rotation):
    return rotation(query, start)


@turned_query.slip
def query_not_rotated(query):
    """The queries are not rotated, so the scores do not depend on where a query stands. Rotate queries and keys."""
    return query


@turned_query.slip
def both_from_the_same_position(query, rotation):
    """Queries and keys begin at the same position. The keys begin at 0 and the queries at start, so all distances are
    wrong by start."""
    return rotation(query, 0)


@turned_query.slip
def start_for_the_keys(query, start, rotation):
    """The distances are off in the wrong direction, as if the keys began at start and the queries at 0. start is the
    position of the first query; the first key stands at 0."""
    return rotation(query, -start)


@turned_query.slip
def one_too_far(query, start, rotation):
    """The queries stand one position too high, or the keys one too low. The first query is at position start
    itself, and the first key at 0."""
    return rotation(query, start + 1)


@turned_query.slip
def one_too_near(query, start, rotation):
    """The queries stand one position too low, or the keys one too high, as if these were counted from 1. The first
    query is at position start, and the first key at 0."""
    return rotation(query, start - 1)


@turned_query.slip
def at_the_end_of_the_keys(query, key, rotation):
    """The first query is put behind the last key, at position k_len. Its position is start."""
    return rotation(query, key.shape[-2])


@turned_query.slip
def at_the_last_key(query, key, rotation):
    """The first query is put at the position of the last key, k_len - 1. Its position is start."""
    return rotation(query, key.shape[-2] - 1)


@turned_query.slip
def start_behind_the_keys(query, key, start, rotation):
    """The first query is put at position start + k_len, as if start were counted from the end of the keys. Its position
    is start, counted from the first key."""
    return rotation(query, start + key.shape[-2])


@turned_query.slip
def the_last_positions(query, key, rotation):
    """The queries are put at the last positions of the keys, the first one at k_len - q_len. Its position is start."""
    return rotation(query, key.shape[-2] - query.shape[-2])


@turned_query.slip
def start_twice(query, start, rotation):
    """start counts twice: the first query is put at 2 * start. Its position is start."""
    return rotation(query, 2 * start)


@turned_query.slip
def query_turned_back(query, start, rotation):
    """The queries are turned by minus their position, the keys by plus theirs: the angle between them is the sum of the
    positions, where it should be the difference. Both turn the same way."""
    return rotation(query.flip(-2), 1 - start - query.shape[-2]).flip(-2)


@turned_query.slip
def all_queries_at_start(query, start, rotation):
    """All queries are turned by the same angle, as if each stood at position start. The one t rows further on stands at
    start + t."""
    return rotation(query[..., None, :], start)[..., 0, :]


@Stage
def turned_key(key, rotation):
    return rotation(key, 0)


@turned_key.slip
def key_not_rotated(key):
    """The keys are not rotated, so the scores do not depend on where a key stands. Rotate queries and keys."""
    return key


@turned_key.slip
def key_turned_back(key, rotation):
    """The keys are turned by minus their position, the queries by plus theirs: the angle between them is the sum of the
    positions, where it should be the difference. Both turn the same way."""
    return rotation(key.flip(-2), 1 - key.shape[-2]).flip(-2)


@turned_key.slip
def keys_backward(key, rotation):
    """The positions of the keys run backward, with 0 for the last one. The first key stands at 0."""
    return rotation(key.flip(-2), 0).flip(-2)


@Stage
def passed_on(value):
    return value


@passed_on.slip
def values_rotated(value):
    """The values are rotated as well, from position 0 on. A value is compared with nothing and is passed on as it
    is."""
    return rotate(value)


@passed_on.slip
def values_rotated_from_start(value, start):
    """The values are rotated as well, from position start on. A value is compared with nothing and is passed on as it
    is."""
    return rotate(value, start)


turned_product = product.but(
    "all_axes_reversed",
    "keys_not_transposed",
    "distances",
    "rows_are_keys",
    "queries_with_themselves",
    query="turned_query",
    key="turned_key",
)


@turned_product.slip
def keys_not_transposed(query, key):
    """The keys are not transposed: (q_len, d_k) times (k_len, d_k) fits only where k_len is d_k. Swap the last two axes
    of key first."""
    return query @ key


@turned_product.slip
def number_by_number(query, key):
    """Queries and keys are multiplied number by number. A score is a sum over all components: a matrix product."""
    return query * key


@turned_product.slip
def all_axes_of_the_rotated_keys_reversed(query, key):
    """All the axes of the rotated keys change places, the leading ones too, as with `.T`. Swap the last two alone:
    .mT does."""
    return query @ key.T


@turned_product.slip
def axes_from_the_left(query, key):
    """The second and third axes of key from the left are swapped. How many leading axes there are is open: swap the
    last two, key.mT."""
    return query @ key.transpose(1, 2)


scaled = scaled.but("root_of_query_count", "root_of_the_first_axis", "half_of_d_k", product="product")


@scaled.slip
def root_of_d_v(product, value):
    """The scores are divided by the square root of d_v, the size of the values. It is that of d_k, the size of queries
    and keys."""
    return product / math.sqrt(value.shape[-1])


@Stage
def visible(scaled):
    return scaled


@visible.slip
def without_the_future(scaled, start):
    """Keys after the query are masked out. Here every query attends to all keys: no mask."""
    return _from_the_past(scaled, start)


@visible.slip
def without_the_upper_triangle(scaled):
    """Keys j > i are masked out for the query in row i. Here every query attends to all keys: no mask."""
    return _from_the_past(scaled, 0)


def _from_the_past(scores, start):
    q_len, k_len = scores.shape[-2:]
    allowed = torch.arange(k_len)[None, :] <= torch.arange(start, start + q_len)[:, None]
    return scores.masked_fill(~allowed, -math.inf)


weights = weights.but(
    "logarithms_of_the_weights",
    "shares_of_the_scores",
    "softmax_of_the_negative",
    "the_best_key_alone",
    scores="visible",
)


@weights.slip
def softmax_over_the_first_axis(scores):
    """The softmax runs over the first axis, of the queries or of the batch. Each query shares its weight out among the
    keys: the last axis."""
    return torch.softmax(scores, dim=0)


@weights.slip
def softmax_over_the_second_axis(scores):
    """The softmax runs over the second axis from the left. Among the keys each query shares its weight out, and they
    are the last axis: with a batch and heads it is another one."""
    return torch.softmax(scores, dim=1)


@weights.slip
def exponentials_too_large(scores):
    """Large scores give NaN: their exponentials are infinite, or all of them 0. A softmax subtracts the row's maximum
    first, as torch.softmax and scaled_dot_product_attention do."""
    exponentials = torch.exp(scores)
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@weights.rare
def scores_above_a_bound_leveled(scores):
    """Scores above a bound, such as 80, count as that bound, so the largest ones get equal weights; and a row far below
    0 has exponentials 0 throughout, and gives NaN. Subtracting each row's largest score changes no weight, and
    torch.softmax does so."""
    exponentials = torch.exp(scores.clamp(max=80))
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@weights.rare
def scores_held_between_bounds(scores):
    """Scores are held between two bounds, such as -80 and 80, so all that lie beyond get equal weights. Subtracting
    each row's largest score first changes no weight, and torch.softmax does so."""
    return torch.softmax(scores.clamp(-80, 80), dim=-1)


output = output.but("weights_transposed", "queries_for_values", value="passed_on")


@output.slip
def output_rotated_as_well(weights, value, start):
    """The output of attention is rotated, too. Rotate queries and keys alone."""
    return rotate(weights @ value, start)


@known.mistake
def output_rotated(query, key, value, start):
    """The output of attention is rotated instead of its queries and keys. Then the weights know no positions. Rotate
    before the scores."""
    return rotate(scaled_dot_product_attention(query, key, value), start)


@known.mistake
def scores_alone(query, key, value, start):
    """These are the scores, divided by the root of d_k. The softmax and the product with the values are still to
    come."""
    return rotate(query, start) @ rotate(key).mT / math.sqrt(query.shape[-1])


@known.mistake
def nothing_rotated(query, key, value, start):
    """This is attention without positions. Rotate queries and keys first."""
    return scaled_dot_product_attention(query, key, value)


@known.mistake
def keys_turned_around_where_they_are_rotated(query, key, value, start):
    """The rotated keys are turned around with all their axes, the leading ones too, as `.T` does. Swap the last two
    alone: .mT does."""
    scores = rotate(query, start) @ rotate(key, 0).T / math.sqrt(query.shape[-1])
    return torch.softmax(scores, dim=-1) @ value


@known.mistake
def values_forgotten(query, key, value, start):
    """scaled_dot_product_attention is called with two tensors. It takes queries, keys and values, in this order."""
    return scaled_dot_product_attention(rotate(query, start), rotate(key, 0))


@known.probe
def equal_values(rng):
    inputs = queries_further_on(rng, q_len=2, k_len=4, d_k=6, d_v=4, start=3)
    vector = rng.normal(size=4)
    yours = yield {**inputs, "value": np.tile(vector, (4, 1))}
    found = first_difference(yours, vector[None])
    return found and (
        f"With values that are all the same vector, each output is that vector, as the weights of a row sum to 1: at "
        f"[{found[0]}] yours is {found[1]:.4g}, and the vector has {found[2]:.4g} there."
    )


@known.probe
def keys_of_zeros(rng):
    inputs = queries_further_on(rng, q_len=2, k_len=4, d_k=6, d_v=3, start=3)
    yours = yield {**inputs, "key": np.zeros((4, 6))}
    found = first_difference(yours, inputs["value"].mean(axis=0, keepdims=True))
    return found and (
        f"With keys of zeros all scores are 0, and each query gets the average of the values: at [{found[0]}] yours is "
        f"{found[1]:.4g}, the average {found[2]:.4g}."
    )


@known.probe
def identity_values(rng):
    inputs = queries_further_on(rng, q_len=2, k_len=4, d_k=6, d_v=4, start=3)
    seen = weights_seen((yield {**inputs, "value": np.eye(4)}))
    return seen and f"With values that are the identity, your result should be the weights: {seen}."


@known.probe
def equal_keys(rng):
    key, d_k = np.tile([1.0, 0.0], (3, 1)), 2
    yours = yield {"query": key[:1], "key": key, "value": np.eye(3), "start": 1}
    right = np.exp(np.cos([1, 0, 1]) / math.sqrt(d_k))
    right /= right.sum()
    if np.allclose(yours[0], right, atol=1e-4):
        return None
    return (
        f"One query [1, 0] at position 1, three keys [1, 0] at 0, 1 and 2, so the distances are 1, 0 and 1: the "
        f"weights are {_row(right)}. Yours are {_row(yours)}."
    )


@known.probe
def query_at_start(rng):
    key, d_k = np.tile([1.0, 0.0], (3, 1)), 2
    yours = yield {"query": key[:1], "key": key, "value": np.eye(3), "start": 4}
    right = np.exp(np.cos([4, 3, 2]) / math.sqrt(d_k))
    right /= right.sum()
    if np.allclose(yours[0], right, atol=1e-4):
        return None
    return (
        f"One query [1, 0] with start 4, three keys [1, 0] at 0, 1 and 2, so the distances are 4, 3 and 2: the "
        f"weights are {_row(right)}. Yours are {_row(yours)}."
    )


def _row(numbers):
    return ", ".join(f"{number:.3g}" for number in np.ravel(numbers))


@known.legal
def written_out(query, key, value, start):
    scores = rotate(query, start) @ rotate(key).mT / math.sqrt(query.shape[-1])
    return torch.softmax(scores, dim=-1) @ value


@known.legal
def with_the_fused_kernel(query, key, value, start):
    return torch.nn.functional.scaled_dot_product_attention(rotate(query, start), rotate(key), value)


@known.legal
def both_moved_by_a_hundred(query, key, value, start):
    return scaled_dot_product_attention(rotate(query, start + 100), rotate(key, 100), value)


@known.legal
def only_the_difference(query, key, value, start):
    """Turn each query back by the position of each key instead: the same angle between them."""
    columns = [
        (rotate(query, start - j) * key[..., j : j + 1, :]).sum(dim=-1, keepdim=True) for j in range(key.shape[-2])
    ]
    scores = torch.cat(columns, dim=-1) / math.sqrt(query.shape[-1])
    return torch.softmax(scores, dim=-1) @ value


TASK = Task(
    id="07.rotary_attention",
    title="Attention with rotary positions",
    difficulty=2,
    minutes=8,
    reference=reference,
    draw=queries_further_on,
    library="torch",
    drawn=(informative(_weights),),
    cases=(
        Case(
            "the example of the text",
            dict(q_len=1, k_len=2, d_k=2, d_v=2, start=2),
            dtype="float32",
            draw=the_example,
        ),
        Case(
            "queries and keys from position 0 on",
            dict(q_len=2, k_len=3, d_k=4, d_v=6),
            dtype="float32",
            draw=queries_from_the_beginning,
        ),
        Case("queries further on", dict(q_len=2, k_len=7, d_k=6, d_v=4, start=5), dtype="float32"),
        Case("one query, as when writing word by word", dict(q_len=1, k_len=6, d_k=8, d_v=2, start=5), dtype="float32"),
        Case(
            "a batch, several heads",
            dict(batch=2, num_heads=3, q_len=5, k_len=9, d_k=8, d_v=6, start=4),
            dtype="float32",
        ),
        Case("loud scores", dict(length=4, d_v=6, start=2), dtype="float32", draw=loud_scores),
        Case(
            "one query, one key, float64",
            dict(q_len=1, k_len=1, d_k=4, d_v=2),
            draw=queries_from_the_beginning,
        ),
    ),
    hints=(
        "Which of query, key and value are compared with each other, and which is only passed on?",
        "Rotate first, then attend as in chapter 03. The queries begin at position start; where do the keys begin?",
        "`rotate(query, start)` and `rotate(key, 0)`; the values stay as they are.",
        (
            "`scaled_dot_product_attention` of course_lib takes the rotated queries, the rotated keys and the values, "
            "in this order."
        ),
    ),
    stages=(
        rotation,
        turned_query,
        turned_key,
        passed_on,
        turned_product,
        scaled,
        visible,
        weights,
        output,
    ),
    coincidences={
        "query_not_rotated + key_not_rotated": "nothing_rotated",
        "no_softmax + weights_alone": "scores_alone",
        "query_turned_back + key_turned_back": "the_wrong_way",
        "the_wrong_way + query_turned_back": "key_turned_back",
        "the_wrong_way + key_turned_back": "query_turned_back",
    },
    **known.ways,
)
