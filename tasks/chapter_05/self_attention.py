"""05.self_attention: the layer from its four matrices (Vaswani et al. 2017, eq. 1 and section 3.2.2, one head)."""

import math

import numpy as np
import torch

from course_lib import attention_weights, scaled_dot_product_attention
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import layer_stages as layer
from tasks.probes import first_difference, weights_seen
from tasks.rules import informative

known = Known()


def draw_inputs(rng, length, d_model, d_k, d_v, **leading):
    return {"x": rng.normal(size=(*leading.values(), length, d_model)), **layer.draw_maps(rng, d_model, d_k, d_v)}


def all_square(rng, length, d_model):
    return draw_inputs(rng, length, d_model, d_model, d_model)


def the_example(rng):
    return {
        "x": np.array([[0.0], [1.0]]),
        "W_q": np.zeros((1, 1)),
        "W_k": np.ones((1, 1)),
        "W_v": np.full((1, 1), 4.0),
        "W_o": np.full((1, 1), 3.0),
    }


def a_single_token(rng, d_model, d_k, d_v):
    """A batch of one sentence of one token: what drops axes of size 1 shows."""
    return draw_inputs(rng, 1, d_model, d_k, d_v, batch=1)


def reference(x, W_q, W_k, W_v, W_o):
    return scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v) @ W_o


def weights(x, W_q, W_k, W_v, W_o):
    return attention_weights(x @ W_q, x @ W_k)


@Stage
def visible(scaled):
    return scaled  # nothing is hidden


@visible.slip
def causal(scaled):
    """No token sees those after it, as with a causal mask. This layer has no mask: every token attends to all."""
    return scaled.masked_fill(~torch.ones(scaled.shape[-2:], dtype=torch.bool).tril(), -math.inf)


@visible.slip
def itself_hidden(scaled):
    """No token attends to itself. Every token attends to all, itself included."""
    return scaled.masked_fill(torch.eye(scaled.shape[-1], dtype=torch.bool), -math.inf)


@Stage
def result(mapped):
    return mapped


@result.slip
def input_added(mapped, x):
    """The input is added to the result. That is the next task; here, the layer alone is asked for."""
    return x + mapped


@result.slip
def weights_alone(weights):
    """These are the attention weights. They still have to mix the values, and W_o maps that back."""
    return weights


@result.slip
def scores_alone(scaled):
    """These are the scaled scores. The softmax makes weights of them, which mix the values; W_o maps that back."""
    return scaled


@result.slip
def last_token_alone(mapped):
    """Only the last token asks, and its row alone comes back. Every token gathers: one row for each."""
    return mapped[..., -1:, :]


@result.slip
def summed_over_the_tokens(mapped):
    """The tokens are summed to one vector. Every token gets its own row."""
    return mapped.sum(dim=-2)


@result.slip
def first_sentence_alone(mapped):
    """Of a batch, this is the first sentence alone. Leading axes stay as they are."""
    return mapped[0] if mapped.ndim > 2 else mapped


@result.slip
def leading_axes_lost(mapped):
    """Leading axes and the length became one axis in the result. It keeps them apart, (..., length, d_model)."""
    return mapped.flatten(end_dim=-2)


@known.mistake
def sentences_joined(x, W_q, W_k, W_v, W_o):
    """The tokens attend across sentences: all of a batch are one long text here. Each sentence attends within
    itself."""
    return reference(x.reshape(-1, x.shape[-1]), W_q, W_k, W_v, W_o).reshape(x.shape)


@known.mistake
def sentences_for_tokens(x, W_q, W_k, W_v, W_o):
    """The attention runs among the sentences of a batch, or its first axis, place by place. It runs among the tokens of
    one sentence: the last axis but one."""
    return reference(x.movedim(0, -2), W_q, W_k, W_v, W_o).movedim(-2, 0)


@known.mistake
def matrices_transposed(x, W_q, W_k, W_v, W_o):
    """All four matrices are transposed, as the weights of nn.Linear would have to be. These come the way round that the
    formula has them: (d_model, d_k)."""
    return scaled_dot_product_attention(x @ W_q.T, x @ W_k.T, x @ W_v.T) @ W_o.T


@known.mistake
def matrices_on_the_left(x, W_q, W_k, W_v, W_o):
    """The matrices stand on the left of the input, and the sizes do not fit. With one token per row they act from the
    right."""
    return scaled_dot_product_attention(W_q @ x, W_k @ x, W_v @ x) @ W_o


@known.mistake
def inputs_not_mapped(x, W_q, W_k, W_v, W_o):
    """The matrices take the place of queries, keys and values. They are what makes them: multiply x by each first."""
    return scaled_dot_product_attention(W_q, W_k, W_v) @ W_o


@known.mistake
def element_by_element(x, W_q, W_k, W_v, W_o):
    """Queries and keys, and then weights and values, are multiplied element by element. Both are matrix products."""
    query, key, value = x @ W_q, x @ W_k, x @ W_v
    weights = torch.softmax(query * key / math.sqrt(query.shape[-1]), dim=-1)
    return weights * value @ W_o


@known.mistake
def three_axes_expected(x, W_q, W_k, W_v, W_o):
    """The shape of x is taken apart into three sizes, as if there were always one leading axis. There may be none, or
    two."""
    batch, length, d_model = x.shape
    return reference(x.reshape(batch, length, d_model), W_q, W_k, W_v, W_o)


@known.mistake
def batches_alone(x, W_q, W_k, W_v, W_o):
    """The products take exactly one leading axis (as torch.bmm does), where there may be none, or two. torch.matmul and
    @ take leading axes as they come."""
    query, key, value = x @ W_q, x @ W_k, x @ W_v
    return torch.bmm(torch.softmax(torch.bmm(query, key.mT) / math.sqrt(W_q.shape[-1]), dim=-1), value) @ W_o


@known.mistake
def batches_alone_and_axes_from_the_front(x, W_q, W_k, W_v, W_o):
    """Axes 1 and 2 of the keys are swapped, and the products take exactly one leading axis. There may be none, or two:
    .mT counts from the end, and @ takes leading axes as they come."""
    query, key, value = x @ W_q, x @ W_k, x @ W_v
    scores = torch.bmm(query, key.transpose(1, 2)) / math.sqrt(W_q.shape[-1])
    return torch.bmm(torch.softmax(scores, dim=-1), value) @ W_o


@known.mistake
def last_token_as_a_vector(x, W_q, W_k, W_v, W_o):
    """Only the vector of the last token comes back. Every token gathers: one row for each."""
    return reference(x, W_q, W_k, W_v, W_o)[..., -1, :]


@known.probe
def identity_values(rng):
    inputs = draw_inputs(rng, length=5, d_model=5, d_k=3, d_v=5)
    weights = yield {**inputs, "W_v": np.linalg.inv(inputs["x"]), "W_o": np.eye(5)}
    seen = weights_seen(weights)
    return (
        seen
        and f"With a W_v that makes the values the identity, and W_o too, your result should be the weights: {seen}."
    )


@known.probe
def queries_of_zeros(rng):
    inputs = draw_inputs(rng, length=4, d_model=5, d_k=3, d_v=2, batch=2)
    inputs["W_q"] = np.zeros_like(inputs["W_q"])
    yours = yield inputs
    values = inputs["x"] @ inputs["W_v"] @ inputs["W_o"]
    found = first_difference(yours, values.mean(axis=-2, keepdims=True))
    return found and (
        f"With a W_q of zeros all scores are equal, and every token should get the average of x W_v W_o over the "
        f"tokens: at [{found[0]}] yours is {found[1]:.4g}, the average {found[2]:.4g}."
    )


@known.probe
def one_token(rng):
    inputs = draw_inputs(rng, length=1, d_model=4, d_k=3, d_v=2)
    yours = yield inputs
    found = first_difference(yours, inputs["x"] @ inputs["W_v"] @ inputs["W_o"])
    return found and (
        f"A single token has nobody else to attend to, so the result should be x W_v W_o: at [{found[0]}] yours is "
        f"{found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def tokens_permuted(rng):
    inputs = draw_inputs(rng, length=4, d_model=5, d_k=3, d_v=2)
    once = yield inputs
    turned = yield {**inputs, "x": inputs["x"][::-1].copy()}
    found = first_difference(turned, once[::-1])
    return found and (
        f"With the tokens in reverse order, the rows of the result should be the same in reverse order: at "
        f"[{found[0]}] yours is {found[1]:.4g}, and was {found[2]:.4g}."
    )


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
    "torch.nn.TransformerEncoderLayer.forward",
)

TASK = Task(
    id="05.self_attention",
    title="The layer from its four matrices",
    difficulty=2,
    minutes=10,
    reference=reference,
    draw=draw_inputs,
    cases=(
        Case("3 tokens", dict(length=3, d_model=4, d_k=2, d_v=5), dtype="float32"),
        Case("the example of the text", {}, draw=the_example, dtype="float32"),
        Case("6 tokens in float64", dict(length=6, d_model=7, d_k=5, d_v=3)),
        Case("a batch of sentences", dict(batch=2, length=5, d_model=6, d_k=3, d_v=4), points=2, dtype="float32"),
        Case("two leading axes", dict(groups=2, batch=3, length=4, d_model=7, d_k=5, d_v=6), dtype="float32"),
        Case("all matrices square", dict(length=5, d_model=4), dtype="float32", draw=all_square),
        Case("one sentence of one token", dict(d_model=3, d_k=2, d_v=4), dtype="float32", draw=a_single_token),
        Case("scores in the hundreds", dict(length=4, d_model=6, d_k=4, d_v=3), dtype="float32", draw=layer.loud),
    ),
    finished=FINISHED,
    hints=(
        "Write the seven lines of the page of matrices with their shapes, from X to Y. Which of them need a matrix?",
        "Queries, keys and values: `x @ W_q`, and the other two in the same way. All three come from the same x.",
        (
            "`course_lib.scaled_dot_product_attention(query, key, value)` does scores, root, softmax and weighted sum. "
            "By hand, `.mT` swaps the last two axes, and the root is that of `query.shape[-1]`."
        ),
        "Attention gives shape (..., length, d_v). One more product brings it to (..., length, d_model).",
    ),
    library="torch",
    drawn=(informative(weights),),
    stages=(
        layer.query,
        layer.key,
        layer.value,
        layer.product,
        layer.scaled,
        visible,
        layer.exponentials.but(scores="visible"),
        layer.weights.but(scores="visible"),
        layer.output,
        layer.mapped,
        result,
    ),
    coincidences={
        "largest_of_all_subtracted + divided_by_the_sum_of_all": "softmax_over_everything",
        "largest_of_all_subtracted + divided_by_the_sums_of_the_columns": "softmax_over_the_queries",
        "queries_by_W_k + keys_by_W_q": "rows_are_keys",
        "rows_are_keys + softmax_over_the_queries": "weights_transposed",
        "rows_are_keys + weights_transposed": "softmax_over_the_queries",
        "softmax_over_the_queries + weights_transposed": "rows_are_keys",
        "no_softmax + weights_alone": "scores_alone",
    },
    **known.ways,
)
