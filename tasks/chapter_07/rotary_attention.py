"""07.rotary_attention: queries and keys rotated, values not (Su et al. 2021, section 3.2.2)."""

import math

import torch

from course_lib import attention_weights, scaled_dot_product_attention
from course_lib.positional_encoding import rotate
from grader.known import Known
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def queries_further_on(rng, q_len, k_len, d_k, d_v, start, **leading):
    axes = tuple(leading.values())
    query, key, value = (rng.normal(size=(*axes, *sizes)) for sizes in ((q_len, d_k), (k_len, d_k), (k_len, d_v)))
    return {"query": query, "key": key, "value": value, "start": start}


def queries_from_the_beginning(rng, **sizes):
    return queries_further_on(rng, start=0, **sizes)


def weights(query, key, value, start):
    return attention_weights(rotate(query, start), rotate(key))


def reference(query, key, value, start):
    return weights(query, key, value, start) @ value


@known.mistake
def values_rotated_too(query, key, value, start):
    """The values are rotated as well. Rotation makes products of queries and keys depend on distance; a value is
    compared with nothing and is passed on as it is."""
    return scaled_dot_product_attention(rotate(query, start), rotate(key), rotate(value))


@known.mistake
def everything_from_the_same_position(query, key, value, start):
    """Queries, keys and values are all rotated, from the same position on. Leave the values as they are; the queries
    begin at start and the keys at 0."""
    return scaled_dot_product_attention(rotate(query), rotate(key), rotate(value))


@known.mistake
def everything_from_start(query, key, value, start):
    """Queries, keys and values are all rotated from start on. Leave the values as they are; only the queries begin at
    start, the keys at 0."""
    return scaled_dot_product_attention(rotate(query, start), rotate(key, start), rotate(value, start))


@known.mistake
def output_rotated(query, key, value, start):
    """The output of attention is rotated instead of its queries and keys. Then the weights know no positions. Rotate
    before the scores."""
    return rotate(scaled_dot_product_attention(query, key, value), start)


@known.mistake
def without_the_future(query, key, value, start):
    """Keys after the query are masked out. Here every query attends to all keys: no mask."""
    allowed = torch.arange(key.shape[-2])[None, :] <= torch.arange(start, start + query.shape[-2])[:, None]
    return scaled_dot_product_attention(rotate(query, start), rotate(key), value, allowed)


@known.mistake
def only_queries(query, key, value, start):
    """The queries are rotated and the keys are not, so the scores depend on where the query stands instead of the
    distance. Rotate both."""
    return scaled_dot_product_attention(rotate(query, start), key, value)


@known.mistake
def only_keys(query, key, value, start):
    """The keys are rotated and the queries are not, so the scores depend on where the key stands instead of the
    distance. Rotate both."""
    return scaled_dot_product_attention(query, rotate(key), value)


@known.mistake
def nothing_rotated(query, key, value, start):
    """This is attention without positions. Rotate queries and keys first."""
    return scaled_dot_product_attention(query, key, value)


@known.mistake
def both_from_the_same_position(query, key, value, start):
    """Queries and keys begin at the same position. The keys begin at 0 and the queries at start, so all distances are
    wrong by start."""
    return scaled_dot_product_attention(rotate(query), rotate(key), value)


@known.mistake
def start_for_the_keys(query, key, value, start):
    """The distances are off in the wrong direction, as if the keys began at start and the queries at 0. start is the
    position of the first query; the first key stands at 0."""
    return scaled_dot_product_attention(rotate(query), rotate(key, start), value)


@known.mistake
def one_too_far(query, key, value, start):
    """The queries stand one position too far. The first query is at position start itself."""
    return scaled_dot_product_attention(rotate(query, start + 1), rotate(key), value)


@known.mistake
def at_the_end_of_the_keys(query, key, value, start):
    """The first query is put behind the last key, at position k_len. Its position is start."""
    return scaled_dot_product_attention(rotate(query, key.shape[-2]), rotate(key), value)


@known.mistake
def keys_turned_back(query, key, value, start):
    """The keys are turned by minus their position. Queries and keys turn the same way: then the angle between them
    depends on the difference of positions, not on the sum."""
    backward = torch.stack([key[..., 0::2], -key[..., 1::2]], dim=-1).flatten(-2)
    turned = rotate(backward)
    turned = torch.stack([turned[..., 0::2], -turned[..., 1::2]], dim=-1).flatten(-2)
    return scaled_dot_product_attention(rotate(query, start), turned, value)


@known.mistake
def not_scaled(query, key, value, start):
    """The scores are not divided by the square root of d_k. Rotation leaves lengths alone, so scaling stays as it
    was."""
    return torch.softmax(rotate(query, start) @ rotate(key).mT, dim=-1) @ value


@known.mistake
def scaled_by_d_v(query, key, value, start):
    """The scores are divided by the square root of d_v, the size of the values. It is that of d_k, the size of queries
    and keys."""
    return torch.softmax(rotate(query, start) @ rotate(key).mT / math.sqrt(value.shape[-1]), dim=-1) @ value


@known.mistake
def softmax_over_the_queries(query, key, value, start):
    """The softmax runs over the queries. Each query shares its weight out among the keys: the last axis."""
    scores = rotate(query, start) @ rotate(key).mT / math.sqrt(query.shape[-1])
    return torch.softmax(scores, dim=-2) @ value


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
    drawn=(informative(weights),),
    cases=(
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
    **known.ways,
)
