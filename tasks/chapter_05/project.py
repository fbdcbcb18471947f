"""05.project: a linear map of every token, with the matrix the way round that nn.Linear keeps it."""

import torch

from grader.known import Known
from grader.task import Case, Task

known = Known()


def draw_inputs(rng, length, d_model, d_k, **leading):
    return {
        "x": rng.normal(size=(*leading.values(), length, d_model)),
        "weight": rng.normal(size=(d_k, d_model)),
        "bias": rng.normal(size=d_k),
    }


def square(rng, length, d_model):
    return draw_inputs(rng, length, d_model, d_model)


def reference(x, weight, bias):
    return torch.nn.functional.linear(x, weight, bias)


@known.mistake
def not_transposed(x, weight, bias):
    """The weight is used as it comes. nn.Linear keeps it with the outputs as rows, (d_k, d_model), so that a square one
    gives wrong numbers and any other an error. Turn it around first."""
    return x @ weight + bias


@known.mistake
def reshaped(x, weight, bias):
    """The weight is brought into its shape by reshape or view, which deals the numbers out anew in the order of memory.
    To make rows of columns, transpose."""
    return x @ weight.reshape(weight.shape[1], weight.shape[0]) + bias


@known.mistake
def no_bias(x, weight, bias):
    """The product is right, the bias is missing."""
    return x @ weight.T


@known.mistake
def bias_subtracted(x, weight, bias):
    """The bias is subtracted. It is added."""
    return x @ weight.T - bias


@known.mistake
def bias_multiplied(x, weight, bias):
    """The product is multiplied by the bias. It is added."""
    return x @ weight.T * bias


@known.mistake
def bias_twice(x, weight, bias):
    """The bias is added twice. Does one of your steps add it already?"""
    return x @ weight.T + 2 * bias


@known.mistake
def bias_before_the_product(x, weight, bias):
    """The bias is added to the input, before the product. It has the size of a query, d_k: it comes after."""
    return (x + bias) @ weight.T


@known.mistake
def bias_as_a_column(x, weight, bias):
    """The bias got a new axis at its end, so that it would be one number for each token. It is one number for each of
    the d_k components: as it is, broadcasting lays it along the last axis."""
    return x @ weight.T + bias[:, None]


@known.mistake
def weight_first(x, weight, bias):
    """The weight stands on the left of the tokens, and the sizes do not fit. With one token per row, a matrix acts from
    the right."""
    return weight @ x + bias


@known.mistake
def tokens_as_columns(x, weight, bias):
    """Each column is a token here, (..., d_k, length). One token per row: (..., length, d_k)."""
    return (x @ weight.T + bias).mT


@known.mistake
def scaled(x, weight, bias):
    """The result is divided by the root of d_k. That comes later, with the scores; a map alone has no scale."""
    return (x @ weight.T + bias) / weight.shape[0] ** 0.5


@known.mistake
def summed_over_the_tokens(x, weight, bias):
    """The tokens are summed. Each token gets a query of its own."""
    return (x @ weight.T + bias).sum(dim=-2)


@known.legal
def with_loops(x, weight, bias):
    output = x.new_zeros(*x.shape[:-1], weight.shape[0])
    for component, (row, offset) in enumerate(zip(weight, bias, strict=True)):
        output[..., component] = (x * row).sum(dim=-1) + offset
    return output


@known.legal
def with_einsum(x, weight, bias):
    return torch.einsum("...ld,kd->...lk", x, weight) + bias


@known.legal
def transposed_by_mT(x, weight, bias):
    return torch.matmul(x, weight.mT).add(bias)


@known.legal
def bias_as_one_more_feature(x, weight, bias):
    ones = torch.ones_like(x[..., :1])
    return torch.cat([x, ones], dim=-1) @ torch.cat([weight, bias[:, None]], dim=1).T


@known.legal
def with_numpy(x, weight, bias):
    return torch.from_numpy(x.numpy() @ weight.numpy().T + bias.numpy())


@known.borrowed
def by_torch(x, weight, bias):
    return torch.nn.functional.linear(x, weight, bias)


@known.borrowed
def by_a_layer(x, weight, bias):
    layer = torch.nn.Linear(*reversed(weight.shape), dtype=x.dtype)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer(x)


TASK = Task(
    id="05.project",
    title="A linear map of every token",
    difficulty=1,
    minutes=5,
    reference=reference,
    draw=draw_inputs,
    cases=(
        Case("2 tokens", dict(length=2, d_model=3, d_k=4)),
        Case("5 tokens, a square weight", dict(length=5, d_model=4), draw=square),
        Case("a batch of sentences", dict(batch=2, length=4, d_model=6, d_k=3)),
        Case("one token in float32", dict(length=1, d_model=5, d_k=2), dtype="float32"),
    ),
    finished=("torch.nn.functional.linear",),
    hints=(
        "What is the shape of the result, and which size disappears in the product?",
        "x ends in d_model. In weight, d_model is the last axis as well; in a product the inner sizes have to meet.",
        "Turn the weight around: `weight.T` has shape (d_model, d_k). Then a matrix product, `@`.",
        "The bias has d_k numbers, as many as the last axis of the product: adding it broadcasts over the tokens.",
    ),
    library="torch",
    **known.ways,
)
