"""08.layer_norm: every word's vector with mean 0 and variance 1, then scaled and shifted (Ba et al. 2016, eq. 3, 4)."""

import numpy as np

from course_lib.layers import layer_norm as reference
from grader.known import Known
from grader.task import Case, Task

known = Known()

EPS = 1e-5


def draw(rng, batch, length, d_model):
    """Words of different size and mean, with a weight and a bias that are not those of the start."""
    size = rng.uniform(0.5, 3.0, size=(batch, length, 1))
    x = size * rng.normal(size=(batch, length, d_model)) + rng.normal(size=(batch, length, 1))
    return {"x": x, "weight": rng.uniform(0.5, 2.0, size=d_model), "bias": rng.normal(size=d_model)}


def one_sentence(rng, length, d_model):
    inputs = draw(rng, 1, length, d_model)
    return {**inputs, "x": inputs["x"][0]}


def tiny_and_constant(rng, batch, length, d_model):
    """Numbers so small that epsilon counts, and one word whose numbers are all the same."""
    inputs = draw(rng, batch, length, d_model)
    x = 0.003 * inputs["x"]
    x[0, 0] = 0.75
    return {**inputs, "x": x}


def _centered(x):
    return x - x.mean(-1, keepdim=True)


def _variance(x, correction=0):
    return x.var(-1, correction=correction, keepdim=True)


@known.mistake
def unbiased_variance(x, weight, bias):
    """The variance is divided by d_model - 1, which is what torch's var and std do unless told otherwise. LayerNorm
    takes the plain mean of the squares: divide by d_model."""
    return _centered(x) / (_variance(x, 1) + EPS) ** 0.5 * weight + bias


@known.mistake
def epsilon_outside_the_root(x, weight, bias):
    """Epsilon is added to the root. It belongs inside, to the variance: for small vectors that is not the same, and
    the gradient of a root at 0 is infinite."""
    return _centered(x) / (_variance(x) ** 0.5 + EPS) * weight + bias


@known.mistake
def unbiased_and_epsilon_outside(x, weight, bias):
    """This is (x - mean) / (std + eps), which many texts have copied from each other: the variance divided by d_model
    - 1, and epsilon outside the root. LayerNorm divides by d_model and adds epsilon to the variance."""
    return _centered(x) / (_variance(x, 1) ** 0.5 + EPS) * weight + bias


@known.mistake
def without_epsilon(x, weight, bias):
    """Epsilon is missing. A word whose numbers are all the same has variance 0, and 0 / 0 is NaN: add 1e-5 to the
    variance."""
    return _centered(x) / _variance(x) ** 0.5 * weight + bias


@known.mistake
def another_epsilon(x, weight, bias):
    """Epsilon is 1e-6 here. This task takes 1e-5, as torch.nn.LayerNorm does."""
    return _centered(x) / (_variance(x) + 1e-6) ** 0.5 * weight + bias


@known.mistake
def std_alone(x, weight, bias):
    """You divide by x.std(...) alone: it divides the squares by d_model - 1, and epsilon is missing. Take the plain
    mean of the squares, and add 1e-5 before the root."""
    return _centered(x) / _variance(x, 1) ** 0.5 * weight + bias


@known.mistake
def sum_of_squares(x, weight, bias):
    """The squares are summed, not averaged: every word gets length 1 instead of variance 1. Divide the sum by
    d_model."""
    centered = _centered(x)
    return centered / ((centered**2).sum(-1, keepdim=True) + EPS) ** 0.5 * weight + bias


@known.mistake
def over_the_words(x, weight, bias):
    """Mean and variance run over the words of a sentence, so that words depend on each other. LayerNorm looks at one
    word alone: the last axis."""
    centered = x - x.mean(-2, keepdim=True)
    return centered / (x.var(-2, correction=0, keepdim=True) + EPS) ** 0.5 * weight + bias


@known.mistake
def over_the_first_axis(x, weight, bias):
    """Mean and variance run over the first axis: the sentences of a batch. Then a sentence depends on which others it
    is batched with. LayerNorm looks at one word alone: the last axis."""
    centered = x - x.mean(0, keepdim=True)
    return centered / (x.var(0, correction=0, keepdim=True) + EPS) ** 0.5 * weight + bias


@known.mistake
def over_the_whole_sentence(x, weight, bias):
    """One mean and one variance serve a whole sentence. Every word needs its own: the last axis alone."""
    centered = x - x.mean((-2, -1), keepdim=True)
    return centered / (x.var((-2, -1), correction=0, keepdim=True) + EPS) ** 0.5 * weight + bias


@known.mistake
def over_everything(x, weight, bias):
    """One mean and one variance serve all words of all sentences: mean() and var() without an axis. Every word needs
    its own: the last axis."""
    return (x - x.mean()) / (x.var(correction=0) + EPS) ** 0.5 * weight + bias


@known.mistake
def without_weight_and_bias(x, weight, bias):
    """The vectors are normalized, but weight and bias are not used. Multiply by the weight, then add the bias."""
    return _centered(x) / (_variance(x) + EPS) ** 0.5


@known.mistake
def without_bias(x, weight, bias):
    """The bias is missing. Add it at the end."""
    return _centered(x) / (_variance(x) + EPS) ** 0.5 * weight


@known.mistake
def bias_before_weight(x, weight, bias):
    """The bias is added before the weight multiplies, so it gets multiplied too. First the weight, then the bias."""
    return (_centered(x) / (_variance(x) + EPS) ** 0.5 + bias) * weight


@known.mistake
def not_centered(x, weight, bias):
    """The mean is used for the variance, but not subtracted from the numbers themselves."""
    return x / (_variance(x) + EPS) ** 0.5 * weight + bias


@known.mistake
def root_mean_square(x, weight, bias):
    """The mean is subtracted nowhere: this is RMSNorm with a bias. LayerNorm subtracts the mean first."""
    return x / ((x**2).mean(-1, keepdim=True) + EPS) ** 0.5 * weight + bias


@known.mistake
def divided_by_the_variance(x, weight, bias):
    """You divide by the variance itself. Divide by its square root, the standard deviation."""
    return _centered(x) / (_variance(x) + EPS) * weight + bias


@known.mistake
def no_keepdim(x, weight, bias):
    """The mean lost the axis it ran over, so it lines up with the wrong axis of x. Keep that axis: keepdim=True."""
    return (x - x.mean(-1)) / (x.var(-1, correction=0) + EPS) ** 0.5 * weight + bias


@known.always
def mean_is_that_of_the_bias(inputs, output):
    """With weight and bias taken away again, the numbers of each word should have mean 0."""
    return np.allclose(((output - inputs["bias"]) / inputs["weight"]).mean(axis=-1), 0, atol=1e-4)


@known.legal
def step_by_step(x, weight, bias):
    mean = x.mean(dim=-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=-1, keepdim=True)
    return weight * (x - mean) / (variance + EPS).sqrt() + bias


@known.legal
def by_mean_of_squares(x, weight, bias):
    centered = x.double() - x.double().mean(-1, keepdim=True)
    squares = (centered * centered).sum(-1, keepdim=True) / x.shape[-1]
    return (centered * (squares + EPS).rsqrt() * weight + bias).to(x.dtype)


@known.legal
def with_loops(x, weight, bias):
    import torch

    rows = [
        (row - row.mean()) / (row.var(correction=0) + EPS).sqrt() * weight + bias for row in x.reshape(-1, x.shape[-1])
    ]
    return torch.stack(rows).reshape(x.shape)


@known.legal
def with_numpy(x, weight, bias):
    x, weight, bias = x.numpy(), weight.numpy(), bias.numpy()
    centered = x - x.mean(axis=-1, keepdims=True)
    return centered / np.sqrt(x.var(axis=-1, keepdims=True) + EPS) * weight + bias


@known.borrowed
def by_torch(x, weight, bias):
    import torch

    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias)


@known.borrowed
def by_course_lib(x, weight, bias):
    import course_lib.layers

    return course_lib.layers.layer_norm(x, weight, bias)


TASK = Task(
    id="08.layer_norm",
    title="LayerNorm",
    difficulty=1,
    minutes=10,
    reference=reference,
    draw=draw,
    library="torch",
    cases=(
        Case("one sentence", dict(length=3, d_model=4), points=1, draw=one_sentence),
        Case("two sentences", dict(batch=2, length=3, d_model=5), points=2),
        Case("three sentences", dict(batch=3, length=7, d_model=6), points=1),
        Case("tiny numbers, and a constant word", dict(batch=2, length=4, d_model=6), points=1, draw=tiny_and_constant),
        Case("float32", dict(batch=4, length=2, d_model=8), points=1, dtype="float32"),
    ),
    finished=(
        "course_lib.layers.layer_norm",
        "course_lib.layers.LayerNorm.forward",
        "torch.nn.functional.layer_norm",
        "torch.nn.LayerNorm.forward",
        "torch.layer_norm",
        "torch.native_layer_norm",
    ),
    hints=(
        "Mean and variance of what? Which axis holds the numbers of one word, and which shape does its mean need?",
        (
            "`x.mean(dim=-1, keepdim=True)` has shape `(..., 1)`, so it is subtracted from each word's numbers. The "
            "variance is the mean of the squares of what is left."
        ),
        (
            "Centered numbers, divided by the root of (variance + 1e-5), times weight, plus bias. If you use `x.var`, "
            "what does it divide by? See its argument `correction`."
        ),
        (
            "centered = x - x.mean(dim=-1, keepdim=True); the variance is the mean of `centered**2` over the same "
            "axis. Raise (variance + 1e-5) to the power 0.5 and divide."
        ),
    ),
    **known.ways,
)
