"""05.self_attention: the layer from its four matrices (Vaswani et al. 2017, eq. 1 and section 3.2.2, one head)."""

import math

import torch

from course_lib import attention_weights, scaled_dot_product_attention
from grader.known import Known
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def draw_inputs(rng, length, d_model, d_k, d_v, **leading):
    return {"x": rng.normal(size=(*leading.values(), length, d_model)), **draw_maps(rng, d_model, d_k, d_v)}


def draw_maps(rng, d_model, d_k, d_v):
    """Four matrices that nearly keep the variance of their input, so that no score is extreme."""
    shapes = {"W_q": (d_model, d_k), "W_k": (d_model, d_k), "W_v": (d_model, d_v), "W_o": (d_v, d_model)}
    maps = {name: rng.normal(size=shape) / math.sqrt(shape[0]) for name, shape in shapes.items()}
    return maps | {"W_q": 2 * maps["W_q"]}


def all_square(rng, length, d_model):
    return draw_inputs(rng, length, d_model, d_model, d_model)


def reference(x, W_q, W_k, W_v, W_o):
    return scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v) @ W_o


def weights(x, W_q, W_k, W_v, W_o):
    return attention_weights(x @ W_q, x @ W_k)


def _scores(x, W_q, W_k):
    return (x @ W_q) @ (x @ W_k).mT


@known.mistake
def no_W_o(x, W_q, W_k, W_v, W_o):
    """This is attention over the values; W_o is missing. It maps the result back to d_model."""
    return weights(x, W_q, W_k, W_v, W_o) @ (x @ W_v)


@known.mistake
def no_W_v(x, W_q, W_k, W_v, W_o):
    """The weights mix the inputs themselves. They should mix the values, x times W_v."""
    return weights(x, W_q, W_k, W_v, W_o) @ x @ W_o


@known.mistake
def values_from_keys(x, W_q, W_k, W_v, W_o):
    """The weights mix the keys. Keys are compared with; what is mixed are the values, x times W_v."""
    return weights(x, W_q, W_k, W_v, W_o) @ (x @ W_k) @ W_o


@known.mistake
def keys_by_W_q(x, W_q, W_k, W_v, W_o):
    """The keys are made by W_q, like the queries: every score is then the same in both directions. Keys have a map of
    their own, W_k."""
    return weights(x, W_q, W_q, W_v, W_o) @ (x @ W_v) @ W_o


@known.mistake
def queries_by_W_k(x, W_q, W_k, W_v, W_o):
    """The queries are made by W_k, like the keys: every score is then the same in both directions. Queries have a map
    of their own, W_q."""
    return weights(x, W_k, W_k, W_v, W_o) @ (x @ W_v) @ W_o


@known.mistake
def query_and_key_swapped(x, W_q, W_k, W_v, W_o):
    """Queries and keys are swapped: row i of the scores should hold the query of token i with all the keys."""
    return weights(x, W_k, W_q, W_v, W_o) @ (x @ W_v) @ W_o


@known.mistake
def no_maps_for_the_scores(x, W_q, W_k, W_v, W_o):
    """The inputs are compared with each other as they are. First map them: queries are x times W_q, keys x times
    W_k."""
    return attention_weights(x, x) @ (x @ W_v) @ W_o


@known.mistake
def not_scaled(x, W_q, W_k, W_v, W_o):
    """The scores are not scaled: the division by the square root of d_k is missing."""
    return torch.softmax(_scores(x, W_q, W_k), dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def root_of_d_model(x, W_q, W_k, W_v, W_o):
    """The scores are divided by the root of d_model, the size of the input. It is the size of the queries and keys that
    counts: d_k."""
    return torch.softmax(_scores(x, W_q, W_k) / math.sqrt(x.shape[-1]), dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def root_of_d_v(x, W_q, W_k, W_v, W_o):
    """The scores are divided by the root of d_v. Values take no part in the scores: it is the size of queries and
    keys, d_k."""
    return torch.softmax(_scores(x, W_q, W_k) / math.sqrt(W_v.shape[-1]), dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def root_of_length(x, W_q, W_k, W_v, W_o):
    """The scores are divided by the root of the number of tokens. It is the size of one query that counts, d_k: the
    last axis."""
    return torch.softmax(_scores(x, W_q, W_k) / math.sqrt(x.shape[-2]), dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def root_of_the_first_axis(x, W_q, W_k, W_v, W_o):
    """The scores are divided by the root of len(x): the number of tokens, or of sentences in a batch. It is the size of
    one query that counts, d_k: the last axis."""
    return torch.softmax(_scores(x, W_q, W_k) / math.sqrt(len(x)), dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def divided_by_d_k(x, W_q, W_k, W_v, W_o):
    """The scores are divided by d_k itself (or by its root twice). Divide by its square root, once."""
    return torch.softmax(_scores(x, W_q, W_k) / W_q.shape[-1], dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def scaled_after_softmax(x, W_q, W_k, W_v, W_o):
    """The weights are divided by the root of d_k, so they no longer sum to one. The scores are divided, before the
    softmax."""
    return torch.softmax(_scores(x, W_q, W_k), dim=-1) / math.sqrt(W_q.shape[-1]) @ (x @ W_v) @ W_o


@known.mistake
def no_softmax(x, W_q, W_k, W_v, W_o):
    """The scaled scores mix the values directly: the softmax is missing."""
    return _scores(x, W_q, W_k) / math.sqrt(W_q.shape[-1]) @ (x @ W_v) @ W_o


@known.mistake
def softmax_over_the_queries(x, W_q, W_k, W_v, W_o):
    """The softmax runs over the queries. Each query shares out its own attention over the keys: the last axis,
    dim=-1."""
    return torch.softmax(_scores(x, W_q, W_k) / math.sqrt(W_q.shape[-1]), dim=-2) @ (x @ W_v) @ W_o


@known.mistake
def softmax_over_dim_1(x, W_q, W_k, W_v, W_o):
    """Right for one sentence. With a batch in front, dim=1 is no longer the axis of the keys but that of the queries:
    count from the end, dim=-1."""
    return torch.softmax(_scores(x, W_q, W_k) / math.sqrt(W_q.shape[-1]), dim=1) @ (x @ W_v) @ W_o


@known.mistake
def softmax_over_dim_0(x, W_q, W_k, W_v, W_o):
    """The softmax runs over the first axis: the queries, or in a batch the sentences. The keys are the last axis,
    dim=-1."""
    return torch.softmax(_scores(x, W_q, W_k) / math.sqrt(W_q.shape[-1]), dim=0) @ (x @ W_v) @ W_o


@known.mistake
def weights_alone(x, W_q, W_k, W_v, W_o):
    """These are the attention weights. Two steps are missing: they mix the values, and W_o maps the result back."""
    return weights(x, W_q, W_k, W_v, W_o)


@known.mistake
def input_added(x, W_q, W_k, W_v, W_o):
    """The input is added to the result. That is the next task; here, the layer alone is asked for."""
    return x + reference(x, W_q, W_k, W_v, W_o)


@known.mistake
def matrices_transposed(x, W_q, W_k, W_v, W_o):
    """The four matrices are transposed, as the weights of nn.Linear would have to be. These come the way round that the
    formula has them: (d_model, d_k)."""
    return scaled_dot_product_attention(x @ W_q.T, x @ W_k.T, x @ W_v.T) @ W_o.T


@known.mistake
def keys_not_transposed(x, W_q, W_k, W_v, W_o):
    """The keys are not transposed, so that the sizes do not fit. Swap the last two axes of the keys: .mT."""
    return torch.softmax((x @ W_q) @ (x @ W_k) / math.sqrt(W_q.shape[-1]), dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def all_axes_reversed(x, W_q, W_k, W_v, W_o):
    """Right for one sentence. In a batch, .T turns all the axes around, that of the batch too. Swap the last two
    alone: .mT."""
    return torch.softmax((x @ W_q) @ (x @ W_k).T / math.sqrt(W_q.shape[-1]), dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def inputs_not_mapped(x, W_q, W_k, W_v, W_o):
    """The matrices take the place of queries, keys and values. They are what makes them: multiply x by each first."""
    return scaled_dot_product_attention(W_q, W_k, W_v) @ W_o


@known.legal
def with_loops(x, W_q, W_k, W_v, W_o):
    if x.ndim > 2:
        return torch.stack([with_loops(sentence, W_q, W_k, W_v, W_o) for sentence in x])
    rows = []
    for asking in x:
        scores = [asking @ W_q @ (answering @ W_k) / math.sqrt(W_q.shape[1]) for answering in x]
        shares = [math.exp(score - max(scores)) for score in scores]
        rows.append(sum(share / sum(shares) * (token @ W_v @ W_o) for share, token in zip(shares, x, strict=True)))
    return torch.stack(rows)


@known.legal
def with_einsum(x, W_q, W_k, W_v, W_o):
    scores = torch.einsum("...id,dk,ek,...je->...ij", x, W_q, W_k, x) / math.sqrt(W_q.shape[1])
    return torch.einsum("...ij,...jd,dv,vo->...io", scores.softmax(dim=-1), x, W_v, W_o)


@known.legal
def mixed_before_mapped(x, W_q, W_k, W_v, W_o):
    return attention_weights(x @ W_q, x @ W_k) @ x @ (W_v @ W_o)


@known.legal
def in_one_product(x, W_q, W_k, W_v, W_o):
    sizes = [W.shape[1] for W in (W_q, W_k, W_v)]
    query, key, value = (x @ torch.cat([W_q, W_k, W_v], dim=1)).split(sizes, dim=-1)
    return torch.nn.functional.scaled_dot_product_attention(query, key, value) @ W_o


@known.legal
def with_linear(x, W_q, W_k, W_v, W_o):
    linear = torch.nn.functional.linear
    query, key, value = (linear(x, W.T) for W in (W_q, W_k, W_v))
    return linear(torch.softmax(query @ key.mT / query.shape[-1] ** 0.5, dim=-1) @ value, W_o.T)


@known.borrowed
def by_course_lib(x, W_q, W_k, W_v, W_o):
    from course_lib.self_attention import SelfAttention

    layer = SelfAttention(W_q.shape[0], W_q.shape[1], bias=False).to(x.dtype)
    layer.W_v = torch.nn.Linear(*W_v.shape, bias=False, dtype=x.dtype)
    layer.W_o = torch.nn.Linear(*W_o.shape, bias=False, dtype=x.dtype)
    maps = {"W_q": W_q, "W_k": W_k, "W_v": W_v, "W_o": W_o}
    layer.load_state_dict({f"{name}.weight": W.T for name, W in maps.items()})
    return layer(x, return_weights=True)[0]


FINISHED = (
    "course_lib.self_attention.SelfAttention.forward",
    "torch.nn.MultiheadAttention.forward",
    "torch.nn.functional.multi_head_attention_forward",
)

TASK = Task(
    id="05.self_attention",
    title="The layer from its four matrices",
    difficulty=2,
    minutes=10,
    reference=reference,
    draw=draw_inputs,
    cases=(
        Case("3 tokens", dict(length=3, d_model=4, d_k=2, d_v=5), points=2),
        Case("6 tokens in float32", dict(length=6, d_model=7, d_k=5, d_v=3), dtype="float32"),
        Case("a batch of sentences", dict(batch=2, length=5, d_model=6, d_k=3, d_v=4), points=2),
        Case("all matrices square", dict(length=5, d_model=4), draw=all_square),
    ),
    finished=FINISHED,
    hints=(
        "Write the seven lines of the page of matrices with their shapes, from X to Y. Which of them need a matrix?",
        "Queries, keys and values: `x @ W_q`, and the other two in the same way. All three come from the same x.",
        (
            "`course_lib.scaled_dot_product_attention(query, key, value)` does scores, root, softmax and weighted sum. "
            "By hand, `.mT` swaps the last two axes, and the root is that of `query.shape[-1]`."
        ),
        "Attention gives shape (..., length, d_v). One product with `W_o` brings it to (..., length, d_model).",
    ),
    library="torch",
    drawn=(informative(weights),),
    **known.ways,
)
