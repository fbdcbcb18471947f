"""02.head_scores: vectors cut into heads, each with scores of its own, scaled by the size of a head (Vaswani et al.
2017, section 3.2.2)."""

import math

import numpy as np

from course_lib import dot_product_scores, softmax
from grader.known import Known
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def draw_heads(rng, q_len, k_len, num_heads, d_k, **leading):
    """Return queries and keys of d_model = num_heads * d_k components, and the number of heads."""
    axes, d_model = tuple(leading.values()), num_heads * d_k
    return {
        "query": rng.normal(size=(*axes, q_len, d_model)),
        "key": rng.normal(size=(*axes, k_len, d_model)),
        "num_heads": num_heads,
    }


def _heads(vectors, num_heads):
    """(..., length, d_model) -> (..., num_heads, length, d_k)."""
    return vectors.reshape(*vectors.shape[:-1], num_heads, -1).swapaxes(-3, -2)


def _products(query, key, num_heads):
    return dot_product_scores(_heads(query, num_heads), _heads(key, num_heads))


def _d_k(query, num_heads):
    return query.shape[-1] // num_heads


def head_scores(query, key, num_heads):
    return _products(query, key, num_heads) / math.sqrt(_d_k(query, num_heads))


@known.mistake
def root_of_d_model(query, key, num_heads):
    """The root is taken of d_model, the size of the whole vectors. A head multiplies only d_model / num_heads
    components, and that is the d_k of the formula."""
    return _products(query, key, num_heads) / math.sqrt(query.shape[-1])


@known.mistake
def root_of_num_heads(query, key, num_heads):
    """The root is taken of the number of heads. It is the size of a head that counts: d_model divided by num_heads."""
    return _products(query, key, num_heads) / math.sqrt(num_heads)


@known.mistake
def not_scaled(query, key, num_heads):
    """The heads are right, but their scores are not scaled: divide by the root of the size of a head."""
    return _products(query, key, num_heads)


@known.mistake
def divided_by_d_k(query, key, num_heads):
    """The heads are right, but their scores are divided by d_k itself (or by its root twice). Divide by the root,
    once."""
    return _products(query, key, num_heads) / _d_k(query, num_heads)


@known.mistake
def reshaped_without_swap(query, key, num_heads):
    """One reshape to (num_heads, length, d_k) has the right shape and the wrong numbers: it deals out the memory in
    order, so a head gets whole words. Cut every vector first: (length, num_heads, d_k); then swap two axes."""

    def cut(vectors):
        return vectors.reshape(*vectors.shape[:-2], num_heads, vectors.shape[-2], -1)

    return cut(query) @ cut(key).swapaxes(-2, -1) / math.sqrt(_d_k(query, num_heads))


@known.mistake
def heads_behind_the_words(query, key, num_heads):
    """The vectors are cut, but the heads still stand behind the words: (length, num_heads, d_k). A product takes the
    last two axes, so it pairs heads with heads. Swap the words and the heads first."""
    query, key = (array.reshape(*array.shape[:-1], num_heads, -1) for array in (query, key))
    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])


@known.mistake
def reshaped_at_once(query, key, num_heads):
    """reshape(num_heads, -1, d_k) deals out the memory in order, so a head gets whole words, and of a batch whole
    sentences. Cut every vector where it is: the leading axes and the words stay as they are."""
    d_k = _d_k(query, num_heads)
    query, key = query.reshape(num_heads, -1, d_k), key.reshape(num_heads, -1, d_k)
    return query @ key.swapaxes(-2, -1) / math.sqrt(d_k)


@known.mistake
def overlapping_pieces(query, key, num_heads):
    """Head h begins at component h, so the pieces overlap. It should begin where the one before ended: at h * d_k."""
    d_k = _d_k(query, num_heads)
    scores = [query[..., h : h + d_k] @ key[..., h : h + d_k].swapaxes(-2, -1) for h in range(num_heads)]
    return np.stack(scores, axis=-3) / math.sqrt(d_k)


@known.mistake
def every_nth_component(query, key, num_heads):
    """Head h takes every num_heads-th component. It should take a piece without gaps: the first d_k components are
    head 0, the next d_k head 1."""

    def cut(vectors):
        return vectors.reshape(*vectors.shape[:-1], -1, num_heads).swapaxes(-1, -2).swapaxes(-3, -2)

    return cut(query) @ cut(key).swapaxes(-2, -1) / math.sqrt(_d_k(query, num_heads))


@known.mistake
def heads_added(query, key, num_heads):
    """The heads are summed to one matrix of scores. Each head keeps its own: (..., num_heads, q_len, k_len)."""
    return _products(query, key, num_heads).sum(axis=-3) / math.sqrt(_d_k(query, num_heads))


@known.mistake
def heads_last(query, key, num_heads):
    """The heads are the last axis. They come before the queries and keys: (..., num_heads, q_len, k_len)."""
    return np.moveaxis(head_scores(query, key, num_heads), -3, -1)


@known.mistake
def heads_before_batch(query, key, num_heads):
    """Right for one sentence. In a batch the heads come after the leading axes, (batch, num_heads, q_len, k_len):
    count the axis from the end, axis=-3."""
    return np.moveaxis(head_scores(query, key, num_heads), -3, 0)


@known.mistake
def same_head_repeated(query, key, num_heads):
    """Every head has the scores of head 0. Head h takes the components from h * d_k up to (h + 1) * d_k."""
    scores = head_scores(query, key, num_heads)
    return np.repeat(scores[..., :1, :, :], num_heads, axis=-3)


@known.mistake
def keys_not_cut(query, key, num_heads):
    """Each head's piece of the query meets whole keys, so the sizes do not fit. Cut the keys in the same way."""
    d_k = _d_k(query, num_heads)
    pieces = [query[..., h * d_k : (h + 1) * d_k] @ key.swapaxes(-2, -1) for h in range(num_heads)]
    return np.stack(pieces, axis=-3) / math.sqrt(d_k)


@known.mistake
def rows_are_keys(query, key, num_heads):
    """Rows and columns are swapped: row i belongs to query i and column j to key j, so it is Q times K transposed."""
    return head_scores(key, query, num_heads)


@known.legal
def with_slices(query, key, num_heads):
    d_k = query.shape[-1] // num_heads
    pieces = [slice(h * d_k, (h + 1) * d_k) for h in range(num_heads)]
    scores = [query[..., piece] @ key[..., piece].swapaxes(-2, -1) for piece in pieces]
    return np.stack(scores, axis=-3) / math.sqrt(d_k)


@known.legal
def with_split(query, key, num_heads):
    pairs = zip(np.split(query, num_heads, axis=-1), np.split(key, num_heads, axis=-1), strict=True)
    return np.stack([q @ np.moveaxis(k, -1, -2) * q.shape[-1] ** -0.5 for q, k in pairs], axis=-3)


@known.legal
def with_einsum(query, key, num_heads):
    query = query.reshape(*query.shape[:-1], num_heads, -1)
    key = key.reshape(*key.shape[:-1], num_heads, -1)
    return np.einsum("...ihd,...jhd->...hij", query, key) / query.shape[-1] ** 0.5


@known.legal
def with_torch(query, key, num_heads):
    import torch

    query, key = (torch.from_numpy(each).unflatten(-1, (num_heads, -1)).transpose(-3, -2) for each in (query, key))
    return query @ key.mT / math.sqrt(query.shape[-1])


TASK = Task(
    id="02.head_scores",
    title="The scores of several heads",
    difficulty=3,
    minutes=15,
    reference=head_scores,
    draw=draw_heads,
    cases=(
        Case("2 heads", dict(q_len=3, k_len=4, num_heads=2, d_k=5)),
        Case("3 heads in float32", dict(q_len=5, k_len=2, num_heads=3, d_k=4), dtype="float32"),
        Case("4 heads, a batch of sentences", dict(batch=2, q_len=3, k_len=5, num_heads=4, d_k=6), points=2),
        Case("one head", dict(q_len=4, k_len=3, num_heads=1, d_k=7)),
    ),
    hints=(
        (
            "Forget the batch and take 2 heads, d_model = 6. Which components of a "
            "query belong to head 0, and which to head 1?"
        ),
        (
            "Do one head first: a slice of the last axis of query, the same slice of key, and the "
            "scaled scores of the two. How many terms does its dot product add?"
        ),
        (
            "With d_k = d_model // num_heads, head h takes the components [..., h * d_k : (h + "
            "1) * d_k], and its scores are divided by math.sqrt(d_k)."
        ),
        (
            "Collect the heads' scores in a list and join them with np.stack(scores, axis=-3): the new "
            "axis comes right before q_len and k_len, with or without a batch."
        ),
    ),
    drawn=(informative(lambda *inputs: softmax(head_scores(*inputs))),),
    **known.ways,
)
