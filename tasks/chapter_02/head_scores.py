"""02.head_scores: vectors cut into heads, each with scores of its own, scaled by the size of a head (Vaswani et al.
2017, section 3.2.2)."""

import math

import numpy as np

from course_lib import dot_product_scores, softmax
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import score_stages
from tasks.probes import first_difference
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


def of_the_text(rng, q_len, k_len, num_heads, d_k):
    query, key = np.array([[1.0, 2, 0, 1, 1, 1, 0, 0]]), np.array([[2.0, 1, 0, 0, 1, 5, 3, 0]])
    return {"query": query, "key": key, "num_heads": num_heads}


def _heads(vectors, num_heads):
    """(..., length, d_model) -> (..., num_heads, length, d_k)."""
    return vectors.reshape(*vectors.shape[:-1], num_heads, -1).swapaxes(-3, -2)


def _products(query, key, num_heads):
    return dot_product_scores(_heads(query, num_heads), _heads(key, num_heads))


def _d_k(query, num_heads):
    return query.shape[-1] // num_heads


def _scaled(query, key):
    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])


def head_scores(query, key, num_heads):
    return _products(query, key, num_heads) / math.sqrt(_d_k(query, num_heads))


def _both(cut, query, key):
    """Return the heads of the queries and those of the keys, both cut in this way: (..., num_heads, length, d_k)."""
    return cut(query), cut(key)


@Stage
def heads(query, key, num_heads):
    return _heads(query, num_heads), _heads(key, num_heads)


@heads.slip
def reshaped_without_swap(query, key, num_heads):
    """The vectors are dealt out to (num_heads, length, d_k) in the order of memory, which has the right shape and the
    wrong numbers: a head gets whole words. Cut every vector first, (length, num_heads, d_k); then swap two axes."""
    return _both(lambda x: x.reshape(*x.shape[:-2], num_heads, x.shape[-2], -1), query, key)


@heads.slip
def heads_behind_the_words(query, key, num_heads):
    """The vectors are cut, but the heads still come after the words: (length, num_heads, d_k). A product takes the
    last two axes, so it pairs heads with heads. Swap the words and the heads first."""
    return _both(lambda x: x.reshape(*x.shape[:-1], num_heads, -1), query, key)


@heads.slip
def reshaped_at_once(query, key, num_heads):
    """All the numbers are dealt out to (num_heads, -1, d_k) in the order of memory, so a head gets whole words, and of
    a batch whole sentences. Cut every vector where it is: the leading axes and the words stay as they are."""
    return _both(lambda x: x.reshape(num_heads, -1, _d_k(x, num_heads)), query, key)


@heads.slip
def words_swapped_with_the_first_axis(query, key, num_heads):
    """After the cut, the first two axes are swapped. These are words and heads in one sentence; with a batch in front,
    count from the back: swapaxes(-3, -2)."""
    return _both(lambda x: x.reshape(*x.shape[:-1], num_heads, -1).swapaxes(0, 1), query, key)


@heads.slip
def axes_one_and_two_swapped(query, key, num_heads):
    """After the cut, axes 1 and 2 are swapped. These are words and heads with exactly one axis in front; count from the
    back: swapaxes(-3, -2)."""
    return _both(lambda x: x.reshape(*x.shape[:-1], num_heads, -1).swapaxes(1, 2), query, key)


@heads.slip
def overlapping_pieces(query, key, num_heads):
    """Head h begins at component h, so the pieces overlap. It should begin where the one before ended: at h * d_k."""
    d_k = _d_k(query, num_heads)
    return _both(lambda x: np.stack([x[..., h : h + d_k] for h in range(num_heads)], axis=-3), query, key)


@heads.slip
def every_nth_component(query, key, num_heads):
    """Head h takes every num_heads-th component. It should take a piece without gaps: the first d_k components are
    head 0, the next d_k head 1."""
    return _both(lambda x: np.stack([x[..., h::num_heads] for h in range(num_heads)], axis=-3), query, key)


@heads.slip
def heads_in_reverse(query, key, num_heads):
    """The heads are counted from the end: head 0 has the last d_k components. It should have the first."""
    return _both(lambda x: _heads(x, num_heads)[..., ::-1, :, :], query, key)


@heads.slip
def other_head_of_the_keys(query, key, num_heads):
    """Head h of the queries meets head h + 1 of the keys. Each meets its own."""
    return _heads(query, num_heads), np.roll(_heads(key, num_heads), -1, axis=-3)


@heads.slip
def same_head_repeated(query, key, num_heads):
    """Every head has the components of head 0. Head h takes those from h * d_k up to (h + 1) * d_k."""
    return _both(lambda x: np.repeat(_heads(x, num_heads)[..., :1, :, :], num_heads, axis=-3), query, key)


@heads.slip
def whole_vectors_for_every_head(query, key, num_heads):
    """The vectors are not cut: every head has the scores of whole queries with whole keys. Head h takes the components
    from h * d_k up to (h + 1) * d_k."""
    return _both(lambda x: np.repeat(x[..., None, :, :], num_heads, axis=-3), query, key)


@heads.slip
def last_component_of_each_missing(query, key, num_heads):
    """The last component of every head is left out of its dot products. The piece of head h goes up to (h + 1) * d_k,
    which a slice itself leaves out."""
    return _heads(query, num_heads) * _all_but(_d_k(query, num_heads), -1), _heads(key, num_heads)


@heads.slip
def first_component_of_each_missing(query, key, num_heads):
    """The first component of every head is left out of its dot products. The piece of head h begins at h * d_k."""
    return _heads(query, num_heads) * _all_but(_d_k(query, num_heads), 0), _heads(key, num_heads)


@heads.slip
def num_heads_for_d_k(query, key, num_heads):
    """The pieces have num_heads components, and there are d_k of them. It is the other way round: num_heads pieces of
    d_k components."""
    return _both(lambda x: x.reshape(*x.shape[:-1], -1, num_heads).swapaxes(-3, -2), query, key)


@heads.slip
def keys_not_cut(query, key, num_heads):
    """Each head's piece of the query meets whole keys, so the sizes do not fit. Cut the keys in the same way."""
    d_k = _d_k(query, num_heads)
    pieces = [query[..., h * d_k : (h + 1) * d_k] @ key.swapaxes(-2, -1) for h in range(num_heads)]
    return np.stack(pieces, axis=-3), key


@heads.slip
def names_for_one_sentence(query, key, num_heads):
    """The shape of query is taken apart into two names, which fits one sentence. There may be axes in front: counted
    from the back, query.shape[-2] and [-1] fit all."""
    q_len, d_model = query.shape
    return _heads(query.reshape(q_len, d_model), num_heads), _heads(key, num_heads)


@heads.slip
def names_for_one_batch(query, key, num_heads):
    """The shape of query is taken apart into three names, which fits exactly one axis in front. There may be none, or
    more: counted from the back, query.shape[-2] and [-1] fit all."""
    batch, q_len, d_model = query.shape
    return _heads(query.reshape(batch, q_len, d_model), num_heads), _heads(key, num_heads)


@heads.slip
def order_for_one_batch(query, key, num_heads):
    """After the cut, the axes are put in an order of four, which fits exactly one axis in front. There may be none, or
    more: swapaxes(-3, -2) takes words and heads, whatever stands before them."""
    cut = query.reshape(*query.shape[:-1], num_heads, -1)
    return cut.transpose(0, 2, 1, 3), _heads(key, num_heads)


@heads.slip
def order_for_one_sentence(query, key, num_heads):
    """After the cut, the axes are put in an order of three, which fits one sentence. There may be axes in front:
    swapaxes(-3, -2) takes words and heads, whatever stands before them."""
    cut = query.reshape(*query.shape[:-1], num_heads, -1)
    return cut.transpose(1, 0, 2), _heads(key, num_heads)


def _all_but(size, place):
    """Return `size` booleans, all True but the one at `place`."""
    kept = np.ones(size, dtype=bool)
    kept[place] = False
    return kept


@Stage
def product(heads):
    query, key = heads
    return query @ key.swapaxes(-2, -1)  # (..., num_heads, q_len, k_len)


@product.slip
def all_axes_reversed(heads):
    """All the axes of the cut keys change places, that of the heads too, as with `.T`. Swap the last two alone."""
    query, key = heads
    return query @ key.T


@product.slip
def keys_not_transposed(heads):
    """The cut keys are not transposed: (q_len, d_k) times (k_len, d_k) does not fit. Swap the last two axes of key."""
    query, key = heads
    return query @ key


@product.slip
def every_head_with_every_other(heads):
    """Every head of the queries meets every head of the keys, so that there are two axes of heads. Head h meets head h
    alone."""
    query, key = heads
    return query[..., :, None, :, :] @ key[..., None, :, :, :].swapaxes(-2, -1)


@product.slip
def queries_with_themselves(heads):
    """The scores are those of the queries with each other; the keys have no part in them."""
    return heads[0] @ heads[0].swapaxes(-2, -1)


@product.slip
def keys_with_themselves(heads):
    """The scores are those of the keys with each other; the queries have no part in them."""
    return heads[1] @ heads[1].swapaxes(-2, -1)


@product.slip
def cosines(heads):
    """Queries and keys of each head are brought to norm 1 first, so the scores are cosines. A dot product keeps the
    norms."""
    query, key = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in heads)
    return query @ key.swapaxes(-2, -1)


@product.slip
def not_summed(heads):
    """The products of the components are not added up: the axis d_k is still there. A score is their sum over that
    axis."""
    query, key = heads
    return query[..., :, None, :] * key[..., None, :, :]


@Stage
def scaled(product, heads):
    return product / math.sqrt(heads[0].shape[-1])


@scaled.slip
def not_scaled(product):
    """The scores are not divided by the root of the size of a head."""
    return product


@scaled.slip
def root_of_d_model(product, query):
    """The root is taken of d_model, the size of the whole vectors. A head multiplies only d_model / num_heads
    components, and that is the d_k of the formula."""
    return product / math.sqrt(query.shape[-1])


@scaled.slip
def root_of_num_heads(product, num_heads):
    """The root is taken of the number of heads. It is the size of a head that counts: d_model divided by num_heads."""
    return product / math.sqrt(num_heads)


@scaled.slip
def divided_by_d_k(product, heads):
    """The scores are divided by d_k itself, or by its root twice. Divide by the root, once."""
    return product / heads[0].shape[-1]


@scaled.slip
def multiplied_by_root(product, heads):
    """The scores are multiplied by the root of d_k. They are divided by it."""
    return product * math.sqrt(heads[0].shape[-1])


@scaled.slip
def divided_by_two(product):
    """All scores are divided by 2, whatever the size of a head is. That is the root of 4, in the example of the
    text."""
    return product / 2


@scaled.slip
def fourth_root(product, heads):
    """The scores are divided by the fourth root of d_k: the root is taken twice. Once is enough."""
    return product / heads[0].shape[-1] ** 0.25


@scaled.slip
def half_of_d_k(product, heads):
    """The scores are divided by half of d_k. The square root is the power of 0.5, as in `d_k ** 0.5`."""
    return product / (heads[0].shape[-1] / 2)


@scaled.slip
def root_of_query_count(product, query):
    """The root is taken of the number of queries. It is the size of a head that counts: d_model divided by
    num_heads."""
    return product / math.sqrt(query.shape[-2])


@scaled.slip
def root_of_key_count(product, key):
    """The root is taken of the number of keys. It is the size of a head that counts: d_model divided by num_heads."""
    return product / math.sqrt(key.shape[-2])


@scaled.slip
def d_model_and_heads_multiplied(product, query, num_heads):
    """The root is taken of d_model times num_heads. The size of a head is d_model divided by num_heads."""
    return product / math.sqrt(query.shape[-1] * num_heads)


@Stage
def laid(scaled):
    return scaled  # (..., num_heads, q_len, k_len)


@laid.slip
def rows_are_keys(scaled):
    """Rows and columns are swapped: row i belongs to query i and column j to key j."""
    return scaled.swapaxes(-2, -1)


@laid.slip
def heads_added(scaled):
    """The heads are summed to one matrix of scores. Each head keeps its own: (..., num_heads, q_len, k_len)."""
    return scaled.sum(axis=-3)


@laid.slip
def heads_averaged(scaled):
    """The heads are averaged to one matrix of scores. Each head keeps its own: (..., num_heads, q_len, k_len)."""
    return scaled.mean(axis=-3)


@laid.slip
def heads_averaged_in_an_axis_of_one(scaled):
    """The heads are averaged to one matrix of scores, whose axis of heads has size 1. Each head keeps its own."""
    return scaled.mean(axis=-3, keepdims=True)


@laid.slip
def heads_last(scaled):
    """The heads are the last axis. They come before the queries and keys: (..., num_heads, q_len, k_len)."""
    return np.moveaxis(scaled, -3, -1)


@laid.slip
def heads_between(scaled):
    """The heads stand between the queries and the keys. They come before both: (..., num_heads, q_len, k_len)."""
    return scaled.swapaxes(-3, -2)


@laid.slip
def heads_before_batch(scaled):
    """The heads are the first axis, which is right for one sentence. In a batch they come after the leading axes,
    (batch, num_heads, q_len, k_len): count the axis from the end, axis=-3."""
    return np.moveaxis(scaled, -3, 0)


@laid.slip
def heads_at_axis_one(scaled):
    """The heads stand at axis 1, which is right with exactly one axis in front. Count the axis from the end,
    axis=-3."""
    return np.moveaxis(scaled, -3, 1)


@laid.slip
def heads_side_by_side(scaled):
    """The heads' scores stand side by side, (..., q_len, num_heads * k_len), without an axis of their own. np.stack
    makes one, np.concatenate does not."""
    return np.concatenate([scaled[..., h, :, :] for h in range(scaled.shape[-3])], axis=-1)


@laid.slip
def heads_one_below_the_other(scaled):
    """The heads' scores stand one below the other, (..., num_heads * q_len, k_len), without an axis of their own.
    np.stack makes one, np.concatenate does not."""
    return scaled.reshape(*scaled.shape[:-3], -1, scaled.shape[-1])


@laid.slip
def one_head_alone(scaled):
    """Only the scores of head 0 come back. Each head has its own: (..., num_heads, q_len, k_len)."""
    return scaled[..., 0, :, :]


@laid.slip
def last_head_alone(scaled):
    """Only the scores of the last head come back. Each head has its own: (..., num_heads, q_len, k_len)."""
    return scaled[..., -1, :, :]


@laid.slip
def one_head_alone_in_an_axis_of_one(scaled):
    """Only the scores of head 0 come back: the axis of heads has size 1, as where a loop over the heads ends in its
    first round. Each head has its own scores: (..., num_heads, q_len, k_len)."""
    return scaled[..., :1, :, :]


@laid.slip
def leading_axes_with_the_heads(scaled):
    """The axes in front and the heads are laid into one axis. Those in front stay as they are, and the heads come after
    them."""
    return scaled.reshape(-1, *scaled.shape[-2:])


@Stage
def finished(laid):
    return laid


@finished.slip
def softmax_of_the_scores(laid):
    """These are weights: a softmax over the keys follows the scores. The scores themselves are asked for."""
    return softmax(laid)


@known.mistake
def one_matrix_of_scores(query, key, num_heads):
    """There is one matrix of scores, those of whole queries with whole keys, as if nothing were cut. Each head has one
    of its own, from its own piece."""
    return _scaled(query, key)


@known.mistake
def two_heads_always(query, key, num_heads):
    """There are always two heads, as in the example of the text. num_heads says how many."""
    half = query.shape[-1] // 2
    pieces = (slice(None, half), slice(half, None))
    return np.stack([_scaled(query[..., piece], key[..., piece]) for piece in pieces], axis=-3)


@known.mistake
def two_halves(query, key, num_heads):
    """The vectors are always cut into two halves, as in the example of the text. num_heads says how many heads there
    are."""
    cut = [x.reshape(*x.shape[:-1], 2, x.shape[-1] // 2).swapaxes(-3, -2) for x in (query, key)]
    return _scaled(*cut)


@known.mistake
def two_heads_whatever_the_size(query, key, num_heads):
    """The number of heads is always 2, as in the example of the text. It is given, as num_heads."""
    cut = [x.reshape(*x.shape[:-1], 2, -1).swapaxes(-3, -2) for x in (query, key)]
    return _scaled(*cut)


@known.mistake
def pieces_of_four(query, key, num_heads):
    """Every piece has 4 components and every score is divided by 2, as in the example of the text. A piece has
    d_model / num_heads components, and the divisor is the root of that."""
    pieces = [slice(4 * h, 4 * h + 4) for h in range(num_heads)]
    return np.stack([query[..., piece] @ key[..., piece].swapaxes(-2, -1) / 2 for piece in pieces], axis=-3)


@known.mistake
def last_head_missing(query, key, num_heads):
    """The last head is missing: the pieces end at num_heads - 1. range(num_heads) goes up to it."""
    d_k = query.shape[-1] // num_heads
    return np.stack(
        [_scaled(query[..., h * d_k : (h + 1) * d_k], key[..., h * d_k : (h + 1) * d_k]) for h in range(num_heads - 1)],
        axis=-3,
    )


@known.mistake
def pieces_one_too_short(query, key, num_heads):
    """Every piece is one component too short, and the root is that of the shorter one. The piece of head h goes from
    h * d_k up to (h + 1) * d_k, which a slice itself leaves out."""
    d_k = query.shape[-1] // num_heads
    pieces = [slice(h * d_k, (h + 1) * d_k - 1) for h in range(num_heads)]
    return np.stack([_scaled(query[..., piece], key[..., piece]) for piece in pieces], axis=-3)


@known.mistake
def pieces_one_too_long(query, key, num_heads):
    """Every piece but the last has one component too many. The piece of head h goes from h * d_k up to (h + 1) * d_k,
    which a slice itself leaves out."""
    d_k = query.shape[-1] // num_heads
    scores = []
    for h in range(num_heads):
        piece = slice(h * d_k, (h + 1) * d_k + 1)
        scores.append(query[..., piece] @ key[..., piece].swapaxes(-2, -1) / math.sqrt(d_k))
    return np.stack(scores, axis=-3)


@known.mistake
def all_components_so_far(query, key, num_heads):
    """Head h takes all the components up to its own, from the very first. It should begin at h * d_k."""
    d_k = query.shape[-1] // num_heads
    scores = []
    for h in range(num_heads):
        piece = slice(0, (h + 1) * d_k)
        scores.append(query[..., piece] @ key[..., piece].swapaxes(-2, -1) / math.sqrt(d_k))
    return np.stack(scores, axis=-3)


@known.mistake
def root_before_the_cut(query, key, num_heads):
    """The scores are divided by the root of d_k three times over, as where query and key are both divided by it
    besides. Once is enough."""
    return head_scores(query, key, num_heads) / (query.shape[-1] // num_heads)


@known.mistake
def bounds_with_a_point(query, key, num_heads):
    """`/` makes a number with a point, and a slice wants whole ones. `//` divides whole numbers."""
    d_k = query.shape[-1] / num_heads
    scores = []
    for h in range(num_heads):
        query_piece = query[..., h * d_k : (h + 1) * d_k]
        key_piece = key[..., h * d_k : (h + 1) * d_k]
        scores.append(_scaled(query_piece, key_piece))
    return np.stack(scores, axis=-3)


@known.mistake
def shape_with_a_point(query, key, num_heads):
    """`/` makes a number with a point, and a shape wants whole ones. `//` divides whole numbers."""
    d_k = query.shape[-1] / num_heads
    cut_query = query.reshape(*query.shape[:-1], num_heads, d_k).swapaxes(-3, -2)
    cut_key = key.reshape(*key.shape[:-1], num_heads, d_k).swapaxes(-3, -2)
    return _scaled(cut_query, cut_key)


@known.mistake
def words_split(query, key, num_heads):
    """The first axis is split, as np.split does if it is told no axis: the words, or the sentences of a batch. The
    components are the last axis, axis=-1."""
    pieces = zip(np.split(query, num_heads), np.split(key, num_heads), strict=True)
    return np.stack([_scaled(*piece) for piece in pieces], axis=-3)


@known.mistake
def words_sliced(query, key, num_heads):
    """The words are sliced, and not the components: in a batch, axis 1 is that of the words, and soon none are left. A
    head takes its piece of the last axis."""
    d_k = query.shape[-1] // num_heads
    pieces = [slice(h * d_k, (h + 1) * d_k) for h in range(num_heads)]
    scores = [query[:, piece] @ key[:, piece].swapaxes(-2, -1) / math.sqrt(d_k) for piece in pieces]
    return np.stack(scores)


@known.mistake
def whole_keys_for_every_piece(query, key, num_heads):
    """A piece of the query meets a whole key, so their sizes do not fit. The keys are cut as well."""
    d_k = query.shape[-1] // num_heads
    pieces = [query[..., h * d_k : (h + 1) * d_k] for h in range(num_heads)]
    return np.stack([piece @ np.swapaxes(key, -1, -2) / math.sqrt(d_k) for piece in pieces], axis=-3)


def _inputs(rng):
    return draw_heads(rng, batch=2, q_len=3, k_len=5, num_heads=3, d_k=4)


@known.probe
def first_components_alone(rng):
    query = np.zeros((2, 3, 12))
    query[..., :4] = 1
    yours = yield {"query": query, "key": np.ones((2, 5, 12)), "num_heads": 3}
    found = first_difference(yours, np.array([2.0, 0, 0])[:, None, None])
    return found and (
        f"With 3 heads of 4 components, queries that are 1 in the first 4 and 0 in the others, and keys of ones, head "
        f"0 has the scores 4 / 2 = 2 and the others 0: at [{found[0]}] yours is {found[1]:.4g}."
    )


@known.probe
def one_head(rng):
    query, key = rng.normal(size=(2, 3, 9)), rng.normal(size=(2, 4, 9))
    yours = yield {"query": query, "key": key, "num_heads": 1}
    found = first_difference(yours, _scaled(query, key)[:, None])
    return found and (
        f"With one head of 9 components, the scores are the dot products over 3: at [{found[0]}] yours is "
        f"{found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def last_component_changed(rng):
    inputs = _inputs(rng)
    before = yield inputs
    query = inputs["query"].copy()
    query[..., -1] += 1
    after = yield inputs | {"query": query}
    if first_difference(after[..., :-1, :, :], before[..., :-1, :, :]):
        return (
            "When the last component of the queries alone is changed, your scores change in another head than the last."
        )
    if not first_difference(after[..., -1, :, :], before[..., -1, :, :]):
        return "When the last component of the queries is changed, your scores of the last head stay the same."
    return None


@known.probe
def doubled_queries(rng):
    return (yield from score_stages.doubled_queries(rng, _inputs(rng)))


@known.probe
def swapped_keys(rng):
    return (yield from score_stages.swapped_keys(rng, _inputs(rng)))


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
    return (query @ key.mT / math.sqrt(query.shape[-1])).numpy()


TASK = Task(
    id="02.head_scores",
    title="The scores of several heads",
    difficulty=3,
    minutes=20,
    reference=head_scores,
    draw=draw_heads,
    cases=(
        Case("the example of the text", dict(q_len=1, k_len=1, num_heads=2, d_k=4), draw=of_the_text),
        Case("2 heads", dict(q_len=3, k_len=4, num_heads=2, d_k=5)),
        Case("3 heads in float32", dict(q_len=5, k_len=2, num_heads=3, d_k=4), dtype="float32"),
        Case("4 heads, a batch of sentences", dict(batch=2, q_len=3, k_len=5, num_heads=4, d_k=6), points=2),
        Case("one head", dict(q_len=4, k_len=3, num_heads=1, d_k=7)),
        Case(
            "2 heads, two axes in front", dict(groups=3, batch=2, q_len=4, k_len=1, num_heads=2, d_k=3), draw=draw_heads
        ),
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
    stages=(heads, product, scaled, laid, finished),
    coincidences={
        "heads_in_reverse + one_head_alone": "last_head_alone",
        "heads_in_reverse + last_head_alone": "one_head_alone",
        "same_head_repeated + heads_averaged": "one_head_alone",
        "same_head_repeated + last_head_alone": "one_head_alone",
        "same_head_repeated + heads_averaged_in_an_axis_of_one": "one_head_alone_in_an_axis_of_one",
        "whole_vectors_for_every_head + heads_averaged": "one_matrix_of_scores",
        "whole_vectors_for_every_head + one_head_alone": "one_matrix_of_scores",
        "whole_vectors_for_every_head + last_head_alone": "one_matrix_of_scores",
        "root_of_d_model + heads_added": "one_matrix_of_scores",
        "d_model_and_heads_multiplied + heads_added": "heads_averaged",
    },
    **known.ways,
)
