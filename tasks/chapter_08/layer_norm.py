"""08.layer_norm: every word's vector with mean 0 and variance 1, then scaled and shifted (Ba et al. 2016, eq. 3, 4)."""

import math

import numpy as np

from course_lib.layers import layer_norm as reference
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.probes import first_difference

known = Known()

EPS = 1e-5


def draw(rng, d_model, **leading):
    """Words of different size and mean, with a weight and a bias that are not those of the start."""
    axes = tuple(leading.values())
    size = rng.uniform(0.5, 3.0, size=(*axes, 1))
    x = size * rng.normal(size=(*axes, d_model)) + rng.normal(size=(*axes, 1))
    return {"x": x, "weight": rng.uniform(0.5, 2.0, size=d_model), "bias": rng.normal(size=d_model)}


def tiny_and_constant(rng, batch, length, d_model):
    """Numbers so small that epsilon counts, and two words whose numbers are all the same: one of them zeros."""
    inputs = draw(rng, d_model, batch=batch, length=length)
    x = 0.003 * inputs["x"]
    x[:, 1::2] /= 8
    x[0, 0], x[1, 2] = 0.75, 0
    return {**inputs, "x": x}


def far_from_zero(rng, batch, length, d_model):
    """Whole numbers in the thousands, close to each other in a word: float32 holds their sums exactly, their squares
    not."""
    inputs = draw(rng, d_model, batch=batch, length=length)
    means = rng.choice([-1, 1], size=(batch, length, 1)) * rng.integers(2000, 4000, size=(batch, length, 1))
    return {**inputs, "x": means + rng.integers(-9, 10, size=inputs["x"].shape).astype(float)}


def of_the_text(rng, d_model):
    return {
        "x": np.array([0.0, 0.0, 0.0, 2.0]),
        "weight": np.array([1.0, 1.0, 1.0, 2.0]),
        "bias": np.array([0.0, 0.0, 0.0, 1.0]),
    }


def _all_axes(x):
    return tuple(range(x.ndim))


@Stage
def axes(x):
    return (-1,)


@axes.slip
def over_the_words(x):
    """Mean and variance run over the words of a sentence, axis -2, so that words depend on each other. LayerNorm looks
    at one word alone: the last axis."""
    return (-2,)


@axes.slip
def over_the_first_axis(x):
    """Mean and variance run over the first axis, axis 0, so that a word depends on what it is batched with. LayerNorm
    looks at one word alone: the last axis."""
    return (0,)


@axes.slip
def over_axis_1(x):
    """Mean and variance run over axis 1, and that holds the numbers of a word only while x has two axes. Counted from
    behind it is always the same one: -1."""
    return (1,)


@axes.slip
def over_the_whole_sentence(x):
    """One mean and one variance serve a whole sentence, the last two axes together. Every word needs its own: the last
    axis alone."""
    return (-2, -1)


@axes.slip
def over_everything(x):
    """One mean and one variance serve all the numbers of x, as mean() and var() give them without an axis. Every word
    needs its own: the last axis."""
    return _all_axes(x)


@Stage
def centered(x, axes):
    return x - x.mean(axes, keepdim=True)


@centered.slip
def nothing_subtracted(x):
    """The mean is subtracted nowhere, neither above nor below: that is RMSNorm. LayerNorm subtracts the mean first."""
    return x


@centered.slip
def one_mean_for_all(x):
    """One mean over all numbers is subtracted from every word. Each word has a mean of its own."""
    return x - x.mean()


@centered.slip
def mean_added(x, axes):
    """The mean is added to the numbers; it should be subtracted from them."""
    return x + x.mean(axes, keepdim=True)


@centered.slip
def sign_turned(x, axes):
    """The signs are turned around: the numbers are subtracted from their mean. It is the mean that is subtracted."""
    return x.mean(axes, keepdim=True) - x


@centered.slip
def median_for_mean(x):
    """The median is subtracted from each word's numbers; LayerNorm subtracts the mean."""
    return x - x.median(-1, keepdim=True).values


@centered.slip
def sum_for_mean(x, axes):
    """The sum of a word's numbers is subtracted; the mean is the sum divided by d_model."""
    return x - x.sum(axes, keepdim=True)


@centered.slip
def largest_for_mean(x, axes):
    """The largest number of a word is subtracted, as for a softmax. LayerNorm subtracts the mean."""
    return x - x.amax(axes, keepdim=True)


@centered.slip
def first_number_for_mean(x):
    """The first number of a word is subtracted from all of them. LayerNorm subtracts the mean."""
    return x - x[..., :1]


@Stage
def variance(centered, axes):
    return (centered**2).mean(axes, keepdim=True)


@variance.slip
def unbiased_variance(centered, axes):
    """The squares are divided by one less than their number, as torch's var and std do unless told otherwise.
    LayerNorm takes their plain mean: divide by d_model."""
    count = math.prod(centered.shape[axis] for axis in axes)
    return (centered**2).sum(axes, keepdim=True) / (count - 1)


@variance.slip
def sum_of_squares(centered, axes):
    """The squares are summed, not averaged: every word gets length 1 in place of variance 1. Divide the sum by
    d_model."""
    return (centered**2).sum(axes, keepdim=True)


@variance.slip
def squares_of_the_uncentered(x, axes):
    """The squares are those of x itself, with its mean in them. The variance is the mean of the squares of what is left
    once the mean is subtracted."""
    return (x**2).mean(axes, keepdim=True)


@variance.slip
def difference_of_large_numbers(x, axes):
    """The variance is the mean of the squares minus the square of the mean. In numbers without rounding that is right;
    for a large mean, float32 has lost the small difference of two large numbers. Subtract the mean first, then
    square."""
    return (x**2).mean(axes, keepdim=True) - x.mean(axes, keepdim=True) ** 2


@variance.slip
def one_variance_for_all(x):
    """One variance over all numbers serves every word. Each word has a variance of its own."""
    return x.var(correction=0)


@variance.slip
def one_average_of_all_squares(centered):
    """The squares of all words are averaged into one number, and every word is divided by its root. Each word has a
    variance of its own."""
    return (centered**2).mean()


@variance.slip
def one_unbiased_variance_for_all(x):
    """One variance over all numbers serves every word, and it divides by one less than their number. Each word has a
    variance of its own: the plain mean of its squares."""
    return x.var()


@variance.slip
def variance_over_the_words(centered):
    """The variance alone runs over the words of a sentence. Mean and variance are both those of one word: the last
    axis."""
    return (centered**2).mean(-2, keepdim=True)


@variance.slip
def squared_again(centered, axes):
    """The squares of the numbers are squared once more: the mean of the fourth powers. The variance is the mean of the
    squares."""
    return (centered**4).mean(axes, keepdim=True)


@variance.slip
def mean_of_absolutes(centered, axes):
    """In the place of the variance stands the mean of the absolute values. The variance is the mean of the squares."""
    return centered.abs().mean(axes, keepdim=True)


@variance.slip
def largest_square(centered, axes):
    """In the place of the variance stands the largest of the squares. The variance is their mean."""
    return (centered**2).amax(axes, keepdim=True)


@Stage
def root(variance):
    return (variance + EPS) ** 0.5


@root.slip
def epsilon_outside_the_root(variance):
    """Epsilon is added to the root. It belongs inside, to the variance: for small vectors that is not the same."""
    return variance**0.5 + EPS


@root.slip
def without_epsilon(variance):
    """Nothing is added to the variance. A word whose numbers are all the same has variance 0, and 0 / 0 is NaN: add
    1e-5 before the root."""
    return variance**0.5


@root.slip
def smaller_epsilon(variance):
    """Epsilon is 1e-6 here. This task takes 1e-5, as torch.nn.LayerNorm does."""
    return (variance + 1e-6) ** 0.5


@root.slip
def larger_epsilon(variance):
    """Epsilon is 1e-3 here. This task takes 1e-5, as torch.nn.LayerNorm does."""
    return (variance + 1e-3) ** 0.5


@root.slip
def epsilon_of_adam(variance):
    """Epsilon is 1e-8 here, as in optimizers. This task takes 1e-5, as torch.nn.LayerNorm does."""
    return (variance + 1e-8) ** 0.5


@root.slip
def epsilon_next_to_nothing(variance):
    """Epsilon is next to nothing here, 1e-12 or so. This task takes 1e-5, as torch.nn.LayerNorm does."""
    return (variance + 1e-12) ** 0.5


@root.slip
def epsilon_as_a_floor(variance):
    """1e-5 is the least that the variance may be. It should be added to the variance, whatever that is."""
    return variance.clamp(min=EPS) ** 0.5


@root.slip
def divided_by_the_variance(variance):
    """The numbers are divided by the variance itself. Divide by its square root, the standard deviation."""
    return variance + EPS


@root.slip
def variance_without_root_and_epsilon(variance):
    """The numbers are divided by the variance, without a root, and nothing is added to it. Divide by the root of
    (variance + epsilon)."""
    return variance


@root.slip
def root_of_the_root(variance):
    """The root is taken twice: the numbers are divided by the fourth root of the variance."""
    return (variance + EPS) ** 0.25


@root.slip
def square_for_root(variance):
    """The numbers are divided by the square of the variance; it should be its square root."""
    return (variance + EPS) ** 2


@root.slip
def root_of_one_number(variance):
    """math.sqrt takes one number, and each word has a variance of its own: torch.sqrt takes the root of them all, and
    so does ** 0.5."""
    return math.sqrt(variance + EPS)


@Stage
def normalized(centered, root):
    return centered / root


@normalized.slip
def not_centered_above(x, root):
    """The mean is subtracted for the variance, but not from the numbers that are divided."""
    return x / root


@normalized.slip
def multiplied_by_the_deviation(centered, root):
    """The numbers are multiplied by the standard deviation; they should be divided by it."""
    return centered * root


@normalized.slip
def centered_alone(centered):
    """The numbers are centered, but divided by nothing: their variance stays what it was."""
    return centered


@normalized.slip
def mean_subtracted_after_the_division(x, root, axes):
    """The numbers are divided first, and then the mean of the undivided ones is subtracted. First subtract, then
    divide."""
    return x / root - x.mean(axes, keepdim=True)


@Stage
def shifted(normalized, weight, bias):
    return normalized * weight + bias


@shifted.slip
def without_weight_and_bias(normalized):
    """The vectors are normalized, but weight and bias are not used. Multiply by the weight, then add the bias."""
    return normalized


@shifted.slip
def without_bias(normalized, weight):
    """The bias is not added. It comes last, after the weight."""
    return normalized * weight


@shifted.slip
def without_weight(normalized, bias):
    """The weight has no effect. Multiply by it before the bias is added."""
    return normalized + bias


@shifted.slip
def weight_and_bias_swapped(normalized, weight, bias):
    """Weight and bias have changed places: the bias multiplies and the weight is added."""
    return normalized * bias + weight


@shifted.slip
def bias_before_weight(normalized, weight, bias):
    """The bias is added before the weight multiplies, so it gets multiplied too. First the weight, then the bias."""
    return (normalized + bias) * weight


@shifted.slip
def bias_subtracted(normalized, weight, bias):
    """The bias is subtracted; it should be added."""
    return normalized * weight - bias


@shifted.slip
def divided_by_the_weight(normalized, weight, bias):
    """The numbers are divided by the weight; they should be multiplied by it."""
    return normalized / weight + bias


@shifted.slip
def weight_added(normalized, weight, bias):
    """The weight is added, as the bias is; it should multiply."""
    return normalized + weight + bias


@shifted.slip
def weight_twice(normalized, weight, bias):
    """The weight multiplies twice. Once is enough."""
    return normalized * weight**2 + bias


@shifted.slip
def product_with_the_weight(normalized, weight, bias):
    """With @, a word and the weight become one number, their dot product. The weight multiplies number by number:
    `*`."""
    return normalized @ weight + bias


@shifted.slip
def weight_as_a_column(normalized, weight, bias):
    """The weight stands as a column, (d_model, 1), so it lines up with the words. Of shape (d_model,), it lines up with
    the numbers of a word."""
    return normalized * weight[:, None] + bias[:, None]


@known.mistake
def means_lost_their_axis(x, weight, bias):
    """A mean or a variance lost the axis that it ran over, so it cannot line up with the words: keepdim=True keeps that
    axis, with size 1."""
    mean = x.mean(-1)
    centered = x - mean
    return centered / ((centered**2).mean(-1) + EPS).sqrt() * weight + bias


@known.mistake
def means_lost_their_axis_on_the_way(x, weight, bias):
    """What is subtracted from x has lost the axis that it ran over, and lines up with the wrong one: keepdim=True keeps
    that axis."""
    return (x - x.mean(-1)) / (x.var(-1, correction=0) + EPS).sqrt() * weight + bias


@known.mistake
def variance_lost_its_axis(x, weight, bias):
    """The variance lost the axis that it ran over, so it cannot line up with the words: keepdim=True keeps that axis,
    with size 1, as for the mean."""
    mean, var = x.mean(-1, keepdim=True), x.var(-1, correction=0)
    return (x - mean) / (var + EPS).sqrt() * weight + bias


@known.mistake
def product_with_the_weight_at_once(x, weight, bias):
    """Words and weight meet by @, and a word becomes one number, its dot product with the weight. The weight multiplies
    number by number: `*`."""
    mean, var = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
    return (x - mean) / (var + EPS).sqrt() @ weight + bias


@known.mistake
def product_with_the_weight_of_the_centered(x, weight, bias):
    """With @, each word's numbers are summed up, times the weight, to a single one. The weight multiplies number by
    number: `*`."""
    centered, var = x - x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
    return centered / (var + EPS).sqrt() @ weight + bias


@known.mistake
def weight_as_a_column_at_once(x, weight, bias):
    """The weight is a column, (d_model, 1), and lines up with the words. Of shape (d_model,) it lines up with the
    numbers of a word, as it should."""
    mean, var = x.mean(-1, keepdim=True), x.var(-1, correction=0, keepdim=True)
    return (x - mean) / (var + EPS).sqrt() * weight[:, None] + bias[:, None]


@known.mistake
def three_axes_alone(x, weight, bias):
    """The shape of x is taken apart into three names, and x may have more axes or fewer. The last axis is always -1,
    whatever stands in front."""
    batch, length, d_model = x.shape
    centered = x - (x.sum(-1) / d_model).reshape(batch, length, 1)
    return centered / ((centered**2).mean(-1, keepdim=True) + EPS).sqrt() * weight + bias


@known.probe
def words_of_zeros(rng):
    inputs = draw(rng, batch=2, length=3, d_model=5)
    yours = yield {**inputs, "x": np.zeros_like(inputs["x"])}
    found = first_difference(yours, inputs["bias"])
    return found and (
        f"Of a word of zeros nothing but the bias should remain: at [{found[0]}] yours is {found[1]:.4g}, the bias "
        f"{found[2]:.4g}."
    )


@known.probe
def normalized_alone(rng):
    inputs = draw(rng, batch=2, length=3, d_model=5)
    yours = yield {**inputs, "weight": np.ones(5), "bias": np.zeros(5)}
    mean, variance = yours[0, 0].mean(), yours[0, 0].var()
    if abs(mean) > 1e-3 or abs(variance - 1) > 1e-3:
        return (
            f"With a weight of ones and a bias of zeros, the numbers of your first word have mean {mean:.3g} and "
            f"variance {variance:.3g}; expected 0 and 1."
        )
    return None


@known.probe
def another_word_changed(rng):
    inputs = draw(rng, batch=2, length=3, d_model=5)
    before = yield inputs
    x = inputs["x"].copy()
    x[1, 2] = rng.normal(size=5)
    after = yield {**inputs, "x": x}
    moved = ~np.isclose(before, after, atol=1e-5).all(axis=-1)
    moved[1, 2] = False
    if not moved.any():
        return None
    place = ", ".join(str(int(i)) for i in np.argwhere(moved)[0])
    return f"When word [1, 2] alone is changed, your word [{place}] changes, too; no word should depend on another."


@known.probe
def ten_added(rng):
    inputs = draw(rng, batch=2, length=3, d_model=5)
    before = yield inputs
    after = yield {**inputs, "x": inputs["x"] + 10}
    found = first_difference(after, before)
    return found and (
        f"When 10 is added to every number of x, your result changes: at [{found[0]}] from {found[2]:.4g} to "
        f"{found[1]:.4g}. The mean takes it away again, so nothing should change."
    )


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
def by_var(x, weight, bias):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + EPS).sqrt() * weight + bias


@known.legal
def with_loops(x, weight, bias):
    import torch

    rows = [
        (row - row.mean()) / (row.var(correction=0) + EPS).sqrt() * weight + bias for row in x.reshape(-1, x.shape[-1])
    ]
    return torch.stack(rows).reshape(x.shape)


@known.legal
def with_numpy(x, weight, bias):
    import torch

    x, weight, bias = x.numpy(), weight.numpy(), bias.numpy()
    centered = x - x.mean(axis=-1, keepdims=True)
    return torch.from_numpy(centered / np.sqrt(x.var(axis=-1, keepdims=True) + EPS) * weight + bias)


@known.borrowed
def by_torch(x, weight, bias):
    import torch

    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias)


@known.borrowed
def by_group_norm(x, weight, bias):
    import torch

    flat = x.reshape(-1, x.shape[-1])
    return (torch.nn.functional.group_norm(flat, 1) * weight + bias).reshape(x.shape)


@known.borrowed
def by_course_lib(x, weight, bias):
    import course_lib.layers

    return course_lib.layers.layer_norm(x, weight, bias)


TASK = Task(
    id="08.layer_norm",
    title="LayerNorm",
    difficulty=1,
    minutes=10,
    part=True,
    reference=reference,
    draw=draw,
    library="torch",
    cases=(
        Case("one sentence", dict(length=3, d_model=4), dtype="float32"),
        Case("two sentences", dict(batch=2, length=3, d_model=5), dtype="float32"),
        Case("axes of size 1", dict(batch=1, heads=1, length=2, d_model=6), dtype="float32", draw=draw),
        Case(
            "tiny numbers, and constant words",
            dict(batch=2, length=4, d_model=6),
            dtype="float32",
            draw=tiny_and_constant,
        ),
        Case("far from zero", dict(batch=2, length=3, d_model=8), dtype="float32", draw=far_from_zero),
        Case("float64", dict(batch=4, length=2, d_model=8)),
        Case("the example of the text: one word", dict(d_model=4), dtype="float32", draw=of_the_text),
    ),
    finished=(
        "course_lib.layers.layer_norm",
        "course_lib.layers.LayerNorm.forward",
        "torch.nn.functional.layer_norm",
        "torch.nn.LayerNorm.forward",
        "torch.layer_norm",
        "torch.native_layer_norm",
        "torch.nn.functional.group_norm",
        "torch.nn.functional.batch_norm",
        "torch.nn.functional.instance_norm",
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
    stages=(axes, centered, variance, root, normalized, shifted),
    coincidences={
        "one_mean_for_all + one_variance_for_all": "over_everything",
        "one_mean_for_all + one_average_of_all_squares": "over_everything",
        "squares_of_the_uncentered + not_centered_above": "nothing_subtracted",
    },
    **known.ways,
)
