"""05.project: a linear map of every token, with the matrix the way round that nn.Linear keeps it."""

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.probes import first_difference

known = Known()


def draw_inputs(rng, length, d_model, d_k, **leading):
    return {
        "x": rng.normal(size=(*leading.values(), length, d_model)),
        "weight": rng.normal(size=(d_k, d_model)),
        "bias": rng.normal(size=d_k),
    }


def square(rng, length, d_model):
    return draw_inputs(rng, length, d_model, d_model)


def the_example(rng):
    return {
        "x": np.array([[1.0, 2.0]]),
        "weight": np.array([[3.0, 0.0], [0.0, 1.0], [1.0, 0.0]]),
        "bias": np.array([0.0, 10.0, 0.0]),
    }


def a_single_token(rng, d_model, d_k):
    """A batch of one sentence of one token: what drops axes of size 1 shows."""
    return draw_inputs(rng, 1, d_model, d_k, batch=1)


def reference(x, weight, bias):
    return torch.nn.functional.linear(x, weight, bias)


@Stage
def turned(weight):
    return weight.T  # (d_model, d_k)


@turned.slip
def not_transposed(weight):
    """The weight is used as it comes. nn.Linear keeps it with the outputs as rows, (d_k, d_model), so that a square one
    gives wrong numbers and any other an error. Turn it around first."""
    return weight


@turned.slip
def reshaped(weight):
    """The weight got its shape (d_model, d_k) by a reshape, which deals the numbers out anew in the order of memory. To
    make rows of columns, transpose."""
    return weight.reshape(weight.shape[1], weight.shape[0])


@turned.slip
def turned_and_mirrored(weight):
    """The weight is turned by a quarter, as rot90 does, so that its outputs come in reverse order. To make rows of
    columns, transpose."""
    return weight.rot90(-1)


@Stage
def product(x, turned):
    return x @ turned  # (..., length, d_k)


@product.slip
def element_by_element(x, weight):
    """Tokens and weight are multiplied element by element. A linear map is a matrix product: every number of the result
    is a sum over the features."""
    return x * weight


@product.slip
def element_by_element_with_the_transposed(x, turned):
    """Tokens and transposed weight are multiplied element by element. A linear map is a matrix product: every number of
    the result is a sum over the features."""
    return x * turned


@product.slip
def weight_first(x, weight):
    """The weight stands on the left of the tokens, and the sizes do not fit. With one token per row, a matrix acts from
    the right."""
    return weight @ x


@product.slip
def transposed_weight_first(x, turned):
    """The transposed weight stands on the left of the tokens, and the sizes do not fit. With one token per row, a
    matrix acts from the right."""
    return turned @ x


@product.slip
def tokens_transposed(x, weight):
    """The tokens are turned around where the weight should be, and the sizes do not fit. The last axis of x, d_model,
    has to meet the d_model of the weight."""
    return x.T @ weight


@product.slip
def tokens_transposed_behind_the_weight(x, weight):
    """The product is the weight times the transposed tokens: each column is a token there, and with a batch in front
    `.T` turns that around as well. One token per row: the tokens on the left."""
    return weight @ x.T


@product.slip
def a_product_of_vectors_alone(x, turned):
    """A product of two vectors alone, as torch.dot gives it, was asked of arrays with more axes. The product of
    matrices is @, or torch.matmul."""
    return torch.dot(x, turned)


@product.slip
def a_product_of_two_axes_alone(x, turned):
    """A product of two matrices alone, as torch.mm gives it, takes no batch in front. torch.matmul and @ take leading
    axes as they come."""
    return torch.mm(x, turned)


@product.slip
def a_product_of_three_axes_alone(x, turned):
    """A product of two batches alone, as torch.bmm gives it, takes exactly three axes on both sides. torch.matmul and @
    take leading axes as they come, one or none."""
    return torch.bmm(x, turned)


@product.slip
def last_feature_left_out(x, turned):
    """The sum over the features ends one too early: the last one has no part in the product."""
    return x[..., :-1] @ turned[:-1]


@product.slip
def first_feature_left_out(x, turned):
    """The sum over the features begins one too late: the first one has no part in the product."""
    return x[..., 1:] @ turned[1:]


@product.slip
def averaged_over_the_features(x, turned):
    """The products are averaged over the features, that is, divided by d_model. A linear map adds them up."""
    return x @ turned / x.shape[-1]


@product.slip
def product_scaled(x, turned):
    """The product is divided by the root of d_model. A linear map has no scale."""
    return x @ turned / x.shape[-1] ** 0.5


@product.slip
def tokens_summed_first(x, turned):
    """The tokens are summed before the map, so there is one result for a whole sentence. Each token gets its own."""
    return x.sum(dim=-2) @ turned


@product.slip
def absolute_weight(x, turned):
    """The weights lose their sign before the product. They go in as they are."""
    return x @ turned.abs()


@Stage
def biased(product, bias):
    return product + bias  # (..., length, d_k)


@biased.slip
def no_bias(product):
    """The bias is not added."""
    return product


@biased.slip
def bias_subtracted(product, bias):
    """The bias is subtracted. It is added."""
    return product - bias


@biased.slip
def product_subtracted(product, bias):
    """The product is subtracted from the bias. The two are added."""
    return bias - product


@biased.slip
def bias_multiplied(product, bias):
    """The product is multiplied by the bias. It is added."""
    return product * bias


@biased.slip
def bias_twice(product, bias):
    """The bias is added twice. Does one of your steps add it already?"""
    return product + 2 * bias


@biased.slip
def bias_for_every_feature(product, bias, x):
    """The bias is added inside the sum over the features, and so d_model times. It is added once, to the sum."""
    return product + x.shape[-1] * bias


@biased.slip
def mean_of_the_bias(product, bias):
    """The average of the bias is added everywhere. Each of the d_k components has a bias of its own."""
    return product + bias.mean()


@biased.slip
def sum_of_the_bias(product, bias):
    """The sum of the bias is added everywhere. Each of the d_k components has a bias of its own."""
    return product + bias.sum()


@biased.slip
def first_bias_for_all(product, bias):
    """The first number of the bias is added everywhere. Each of the d_k components has a bias of its own."""
    return product + bias[0]


@biased.slip
def bias_of_the_first_token(product, bias):
    """The bias is added to the first token of each sentence alone. Every token gets it."""
    first = torch.arange(product.shape[-2])[:, None] == 0
    return product + bias * first


@biased.slip
def bias_reversed(product, bias):
    """The bias is added in reverse order: its last number to the first component. They belong together by place."""
    return product + bias.flip(0)


@biased.slip
def bias_before_the_product(x, bias, turned):
    """The bias is added to the input, before the product. It has the size of a query, d_k: it comes after."""
    return (x + bias) @ turned


@biased.slip
def bias_as_a_column(product, bias):
    """The bias got a new axis at its end, so that it would be one number for each token. It is one number for each of
    the d_k components: as it is, broadcasting lays it along the last axis."""
    return product + bias[:, None]


@biased.slip
def bias_joined(product, bias):
    """The bias is put behind the product as further components. It is added to those that are there."""
    return torch.cat([product, bias.expand_as(product)], dim=-1)


@Stage
def result(biased):
    return biased


@result.slip
def tokens_as_columns(biased):
    """Each column is a token here, (..., d_k, length). One token per row: (..., length, d_k)."""
    return biased.mT


@result.slip
def scaled(biased):
    """The result is divided by the root of d_k. That comes later, with the scores; a map alone has no scale."""
    return biased / biased.shape[-1] ** 0.5


@result.slip
def scaled_by_d_model(biased, x):
    """The whole result is divided by the root of d_model. A linear map has no scale."""
    return biased / x.shape[-1] ** 0.5


@result.slip
def summed_over_the_tokens(biased):
    """The tokens are summed. Each token gets a query of its own."""
    return biased.sum(dim=-2)


@result.slip
def averaged_over_the_tokens(biased):
    """The tokens are averaged. Each token gets a query of its own."""
    return biased.mean(dim=-2)


@result.slip
def last_token_alone(biased):
    """This is the map of the last token of each sentence alone. Every token gets its own row."""
    return biased[..., -1, :]


@result.slip
def first_token_alone(biased):
    """This is the map of the first token of each sentence alone. Every token gets its own row."""
    return biased[..., 0, :]


@result.slip
def first_sentence_alone(biased):
    """Of a batch, this is the first sentence alone. Leading axes stay as they are."""
    return biased[0] if biased.ndim > 2 else biased


@result.slip
def leading_axes_lost(biased):
    """Leading axes and the length became one axis here. The result keeps them apart, (..., length, d_k)."""
    return biased.flatten(end_dim=-2)


@result.slip
def negative_numbers_cut(biased):
    """Negative numbers became 0, as with a ReLU. A linear map keeps them."""
    return biased.clamp(min=0)


@result.slip
def softmax_over_the_components(biased):
    """A softmax is taken of the result, over its last axis. A linear map is product and bias, nothing more."""
    return torch.softmax(biased, dim=-1)


@result.slip
def sigmoid_of_the_result(biased):
    """A sigmoid is taken of the result. A linear map is product and bias, nothing more."""
    return torch.sigmoid(biased)


@result.slip
def tanh_of_the_result(biased):
    """A tanh is taken of the result. A linear map is product and bias, nothing more."""
    return torch.tanh(biased)


@result.slip
def normalized(biased):
    """The vectors of the result are brought to norm 1. A linear map leaves them as they come."""
    return biased / biased.norm(dim=-1, keepdim=True)


@result.slip
def input_added(biased, x):
    """The input is added to its own map. That residual comes with task 3, after the whole layer; here, the sizes differ
    unless d_k is d_model."""
    return x + biased


@known.mistake
def input_added_to_the_product(x, weight, bias):
    """The input is added to the product and the bias, and the sizes do not fit unless d_k is d_model. The residual
    comes with task 3; here it is product and bias alone."""
    return x + x @ weight.T + bias


@known.mistake
def input_added_for_the_bias(x, weight, bias):
    """The input is added to the product where the bias should be, and the sizes do not fit unless d_k is d_model."""
    return x + x @ weight.T


@known.mistake
def neither_transposed_nor_biased(x, weight, bias):
    """The product is that with the weight as it comes, and no bias is added. nn.Linear keeps the weight with the
    outputs as rows: turn it around, then add the bias."""
    return x @ weight


@known.mistake
def not_transposed_and_bias_first(x, weight, bias):
    """The bias is added to the input, and the sum meets the weight as it comes. First the tokens times the transposed
    weight, then the bias."""
    return (x + bias) @ weight


@known.mistake
def multiplied_and_added_at_once(x, weight, bias):
    """Tokens and weight are multiplied element by element, and the bias is added to that. A linear map is a matrix
    product: every number of the result is a sum over the features."""
    return x * weight + bias


@known.mistake
def column_added_at_once(x, weight, bias):
    """The bias is added as a column, one number for each token. It is one number for each of the d_k components: as it
    is, broadcasting lays it along the last axis."""
    return x @ weight.T + bias[:, None]


@known.mistake
def three_axes_expected(x, weight, bias):
    """The shape of x is taken apart into three sizes, as if there were always one leading axis. There may be none, or
    two."""
    batch, length, d_model = x.shape
    return (x.reshape(-1, d_model) @ weight.T + bias).reshape(batch, length, -1)


@known.mistake
def two_axes_expected(x, weight, bias):
    """The shape of x is taken apart into two sizes, as if there were never a leading axis. There may be one, or two."""
    length, d_model = x.shape
    return (x.reshape(length, d_model) @ weight.T + bias).reshape(length, -1)


@known.probe
def tokens_of_zeros(rng):
    inputs = draw_inputs(rng, length=3, d_model=4, d_k=5, batch=2)
    yours = yield {**inputs, "x": np.zeros_like(inputs["x"])}
    found = first_difference(yours, inputs["bias"])
    return found and (
        f"With tokens of zeros, every result should be the bias: at [{found[0]}] yours is {found[1]:.4g}, the bias is "
        f"{found[2]:.4g} there."
    )


@known.probe
def identity_tokens(rng):
    inputs = draw_inputs(rng, length=4, d_model=4, d_k=3)
    yours = yield {**inputs, "x": np.eye(4), "bias": np.zeros(3)}
    found = first_difference(yours, inputs["weight"].T)
    return found and (
        f"With tokens that are the rows of the identity and a bias of zeros, token i picks column i of weight: at "
        f"[{found[0]}] yours is {found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def signs_turned(rng):
    inputs = draw_inputs(rng, length=2, d_model=4, d_k=3)
    inputs["bias"] = np.zeros(3)
    once = yield inputs
    turned = yield {**inputs, "x": -inputs["x"]}
    found = first_difference(turned, -once)
    return found and (
        f"With a bias of zeros, turning the sign of every token should turn the sign of every result: at [{found[0]}] "
        f"yours becomes {found[1]:.4g}, not {found[2]:.4g}."
    )


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
        Case("2 tokens", dict(length=2, d_model=3, d_k=4), dtype="float32"),
        Case("the example of the text", {}, draw=the_example, dtype="float32"),
        Case("5 tokens, a square weight", dict(length=5, d_model=4), dtype="float32", draw=square),
        Case("a batch of sentences", dict(batch=2, length=4, d_model=6, d_k=3), dtype="float32"),
        Case("two leading axes", dict(groups=2, batch=3, length=4, d_model=5, d_k=6), dtype="float32"),
        Case("one sentence of one token, float64", dict(d_model=5, d_k=2), draw=a_single_token),
    ),
    finished=("torch.nn.functional.linear",),
    hints=(
        "Which size disappears in the product? It stands last in x. Where does it stand in weight?",
        "In a product the inner sizes have to meet: turn the weight around, to (d_model, d_k), and put it behind x.",
        "The bias has d_k numbers, as many as the last axis of the product: adding it broadcasts over the tokens.",
    ),
    library="torch",
    stages=(turned, product, biased, result),
    coincidences={"bias_of_the_first_token + summed_over_the_tokens": "tokens_summed_first"},
    optional=True,
    **known.ways,
)
