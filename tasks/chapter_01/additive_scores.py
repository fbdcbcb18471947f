"""01.additive_scores: v^T tanh(W_q q + W_k k) for all pairs (Bahdanau et al. 2015, appendix A.1.2)."""

import numpy as np

from course_lib import additive_scores as reference
from grader.known import Known
from grader.task import Case, Task

known = Known()


def draw(rng, q_len, k_len, d_q, d_k, d_hidden, **leading):
    """Return queries and keys of different size, and parameters that bring every sum to where tanh bends and is not yet
    flat."""
    axes = tuple(leading.values())
    return {
        "query": rng.normal(size=(*axes, q_len, d_q)),
        "key": rng.normal(size=(*axes, k_len, d_k)),
        "W_q": rng.normal(size=(d_q, d_hidden)) / np.sqrt(d_q),
        "W_k": rng.normal(size=(d_k, d_hidden)) / np.sqrt(d_k),
        "v": rng.normal(size=d_hidden),
    }


def draw_loud(rng, **sizes):
    """As `draw`, with queries and keys a thousand times as long: tanh is flat, exp(x) overflows."""
    inputs = draw(rng, **sizes)
    return inputs | {"query": 1000 * inputs["query"], "key": 1000 * inputs["key"]}


def _sums(query, key, W_q, W_k):
    return (query @ W_q)[..., :, None, :] + (key @ W_k)[..., None, :, :]


@known.mistake
def without_tanh(query, key, W_q, W_k, v):
    """The tanh is missing. Without it every query ranks the keys alike."""
    return _sums(query, key, W_q, W_k) @ v


@known.mistake
def tanh_before_the_sum(query, key, W_q, W_k, v):
    """Query and key each go through a tanh of their own and are added afterward. Add first: the tanh must see both
    together."""
    return (np.tanh(query @ W_q)[..., :, None, :] + np.tanh(key @ W_k)[..., None, :, :]) @ v


@known.mistake
def multiplied_not_added(query, key, W_q, W_k, v):
    """Query and key are multiplied inside the tanh. Additive scores add them, as the name says."""
    return np.tanh((query @ W_q)[..., :, None, :] * (key @ W_k)[..., None, :, :]) @ v


@known.mistake
def v_forgotten(query, key, W_q, W_k, v):
    """The hidden axis is summed as it is. Each hidden unit counts with its own entry of v."""
    return np.tanh(_sums(query, key, W_q, W_k)).sum(axis=-1)


@known.mistake
def hidden_axis_left(query, key, W_q, W_k, v):
    """The hidden units are multiplied by v and not added up: the last axis, d_hidden, is still there. Sum over it."""
    return np.tanh(_sums(query, key, W_q, W_k)) * v


@known.mistake
def mean_over_hidden(query, key, W_q, W_k, v):
    """The weighted hidden units are averaged. The formula sums them."""
    return (np.tanh(_sums(query, key, W_q, W_k)) * v).mean(axis=-1)


@known.mistake
def tanh_last(query, key, W_q, W_k, v):
    """The tanh is taken last, of the finished score. It belongs to the hidden units, before v weighs them."""
    return np.tanh(_sums(query, key, W_q, W_k) @ v)


@known.mistake
def rows_are_keys(query, key, W_q, W_k, v):
    """Rows and columns are swapped: row i should belong to query i. Lay the queries along the axis before the last two,
    the keys along the one after."""
    return np.tanh((query @ W_q)[..., None, :, :] + (key @ W_k)[..., :, None, :]) @ v


@known.mistake
def no_new_axes(query, key, W_q, W_k, v):
    """Query and key are added as they are, so query i would meet key i alone, and here their numbers differ. Give each
    an axis of size 1, so that every query meets every key."""
    return np.tanh(query @ W_q + key @ W_k) @ v


@known.mistake
def same_new_axis(query, key, W_q, W_k, v):
    """Queries and keys have their new axis in the same place, so they still do not spread out against each other.
    Query: (..., q_len, 1, d_hidden). Key: (..., 1, k_len, d_hidden)."""
    return np.tanh((query @ W_q)[..., None, :] + (key @ W_k)[..., None, :]) @ v


@known.mistake
def matrices_on_the_left(query, key, W_q, W_k, v):
    """The matrices stand on the left, as in the formula, where vectors are columns. Here every query is a row: `query @
    W_q`."""
    return np.tanh((W_q @ query)[..., :, None, :] + (W_k @ key)[..., None, :, :]) @ v


@known.mistake
def v_on_the_left(query, key, W_q, W_k, v):
    """v stands on the left, as in the formula. `v @ x` runs over the axis before the last, here the keys; the hidden
    units lie along the last one, which `x @ v` takes."""
    return v @ np.tanh(_sums(query, key, W_q, W_k))


@known.mistake
def subtracted(query, key, W_q, W_k, v):
    """The key is subtracted inside the tanh. The formula adds it."""
    return np.tanh((query @ W_q)[..., :, None, :] - (key @ W_k)[..., None, :, :]) @ v


@known.mistake
def axes_for_one_sentence(query, key, W_q, W_k, v):
    """The new axes are counted from the front, `[:, None]` and `[None]`, which is right for one sentence only. With a
    batch in front, count from the back: `[..., :, None, :]`."""
    return np.tanh((query @ W_q)[:, None] + (key @ W_k)[None]) @ v


@known.mistake
def loops_for_one_sentence(query, key, W_q, W_k, v):
    """The loops are right for one sentence. With a batch in front, an entry of query is a whole sentence and no query:
    loop over the axes in front as well, or do without loops."""
    return np.array([[v @ np.tanh(W_q.T @ q + W_k.T @ k) for k in key] for q in query])


@known.mistake
def sigmoid_for_tanh(query, key, W_q, W_k, v):
    """The bend is a sigmoid, between 0 and 1. The formula has tanh, between -1 and 1."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-_sums(query, key, W_q, W_k))) @ v


@known.mistake
def relu_for_tanh(query, key, W_q, W_k, v):
    """The bend is a ReLU, which has no upper bound. The formula has tanh, so that no score grows beyond the sum of
    |v|."""
    return np.maximum(_sums(query, key, W_q, W_k), 0) @ v


@known.mistake
def tanh_that_overflows(query, key, W_q, W_k, v):
    """tanh is written out with exp, which overflows for large sums and leaves NaN. `np.tanh` is the same function in a
    form that holds."""
    with np.errstate(all="ignore"):
        up, down = np.exp(sums := _sums(query, key, W_q, W_k)), np.exp(-sums)
        return (up - down) / (up + down) @ v


@known.always
def bounded_by_v(inputs, output):
    """tanh stays between -1 and 1, so no score can exceed the sum of |v|."""
    return bool((np.abs(output) <= np.abs(inputs["v"]).sum() * (1 + 1e-5)).all())


@known.legal
def with_expand_dims(query, key, W_q, W_k, v):
    queries, keys = np.expand_dims(query @ W_q, -2), np.expand_dims(key @ W_k, -3)
    return (np.tanh(queries + keys) * v).sum(axis=-1)


@known.legal
def with_einsum(query, key, W_q, W_k, v):
    queries = np.einsum("...id,dh->...ih", query, W_q)[..., :, None, :]
    keys = np.einsum("...jd,dh->...jh", key, W_k)[..., None, :, :]
    return np.einsum("...ijh,h->...ij", np.tanh(queries + keys), v)


@known.legal
def with_loops(query, key, W_q, W_k, v):
    scores = np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    for *leading, i, j in np.ndindex(scores.shape):
        scores[(*leading, i, j)] = v @ np.tanh(W_q.T @ query[(*leading, i)] + W_k.T @ key[(*leading, j)])
    return scores


@known.legal
def with_one_key_at_a_time(query, key, W_q, W_k, v):
    queries, keys = query @ W_q, key @ W_k
    columns = [np.tanh(queries + keys[..., j : j + 1, :]) @ v for j in range(key.shape[-2])]
    return np.stack(columns, axis=-1)


@known.legal
def with_torch(query, key, W_q, W_k, v):
    import torch

    q, k, a, b, c = (torch.from_numpy(x) for x in (query, key, W_q, W_k, v))
    return torch.tanh((q @ a).unsqueeze(-2) + (k @ b).unsqueeze(-3)) @ c


@known.borrowed
def by_course_lib(query, key, W_q, W_k, v):
    import course_lib

    return course_lib.additive_scores(query, key, W_q, W_k, v)


TASK = Task(
    id="01.additive_scores",
    title="Additive scores",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=draw,
    cases=(
        Case("2 queries, 3 keys", {"q_len": 2, "k_len": 3, "d_q": 4, "d_k": 5, "d_hidden": 6}, points=2),
        Case("the same in float32", {"q_len": 4, "k_len": 2, "d_q": 3, "d_k": 7, "d_hidden": 5}, dtype="float32"),
        Case("a batch of sentences", {"batch": 3, "q_len": 2, "k_len": 4, "d_q": 6, "d_k": 5, "d_hidden": 7}),
        Case(
            "a batch of sentences, several heads",
            {"batch": 2, "num_heads": 4, "q_len": 5, "k_len": 3, "d_q": 7, "d_k": 6, "d_hidden": 8},
        ),
        Case(
            "very long vectors",
            {"q_len": 3, "k_len": 4, "d_q": 2, "d_k": 6, "d_hidden": 5},
            draw=draw_loud,
        ),
    ),
    finished=("course_lib.additive_scores",),
    hints=(
        "What are the shapes of `query @ W_q` and of `key @ W_k`? Which axis do they share, and which not?",
        "Every query must meet every key before the tanh. If one array has shape (..., q_len, 1, d_hidden) and the "
        "other (..., 1, k_len, d_hidden), what shape has their sum?",
        "`None` in an index makes a new axis of size 1. `x[..., :, None, :]` puts it before the last axis, with "
        "anything in front.",
        "After the tanh the shape is (..., q_len, k_len, d_hidden), and the score is the dot product of its last axis"
        " with v: `@ v`.",
        "Line by line: `queries = (query @ W_q)[..., :, None, :]`, the keys in the same way with `None` one axis "
        "earlier, then the tanh of their sum, then `@ v`.",
    ),
    **known.ways,
)
