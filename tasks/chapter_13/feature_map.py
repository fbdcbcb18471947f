"""13.feature_map: elu(x) + 1, which is positive everywhere (Katharopoulos et al. 2020, eq. 7)."""

import math

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def draw(rng, d_k, **leading):
    """Numbers on both sides of 0, near it and a few steps away."""
    return {"x": 1.5 * rng.normal(size=(*leading.values(), d_k))}


def of_the_text(rng, d_k):
    return {"x": np.array([-1.0, 0.0, 2.0])}


def far_from_zero(rng, length, d_k):
    """Whole numbers by the thousands, of both signs, with some small ones between: exp overflows on most."""
    x = 500.0 * rng.integers(2, 9, size=(length, d_k)) * rng.choice([-1.0, 1.0], size=(length, d_k))
    x[:, 0] = rng.choice([-2.0, -1.0, 0.0, 1.0, 2.0], size=length)
    x[0, 1:3] = 4000.0, -4000.0
    return {"x": x}


def reference(x):
    return np.maximum(x, 0) + np.exp(np.minimum(x, 0))


@Stage
def argument(x):
    return x


@argument.slip
def sign_turned_before(x):
    """The map is that of -x: it grows to the left, and falls to 0 on the right. It is the other way round: x + 1 above
    0, e^x below."""
    return -x


@argument.slip
def one_added_before(x):
    """The 1 is added to x, before the map. It is added to what elu makes of x."""
    return x + 1


@argument.slip
def absolute_values_first(x):
    """The result is |x| + 1, as if no number were below 0. There the map is e^x, which falls to 0 to the left."""
    return np.abs(x)


@argument.slip
def divided_by_the_root_first(x):
    """x is divided by the square root of the size of its last axis, d_k. There is no such division here; that is for
    the scores of softmax attention."""
    return x / math.sqrt(x.shape[-1])


@argument.slip
def largest_subtracted_first(x):
    """The largest number of each row is subtracted first, as for a softmax. The feature map takes every number as it
    is."""
    return x - x.max(axis=-1, keepdims=True)


@Stage
def mapped(argument):
    return reference(argument)


@mapped.slip
def elu_alone(argument):
    """This is elu itself, which is negative below 0. The feature map adds 1 to it, and so is positive everywhere."""
    return reference(argument) - 1


@mapped.slip
def two_added(argument):
    """Everything is too large by 1. Below 0 the map is e^x, above it is x + 1."""
    return reference(argument) + 1


@mapped.slip
def one_missing_above(argument):
    """Above 0 the map is x here, and it jumps at 0, from 1 down to 0. Above 0 it is x + 1."""
    return np.where(argument > 0, argument, np.exp(argument))


@mapped.slip
def one_missing_below(argument):
    """Below 0 the map is e^x - 1 here, which is elu without the 1 added. Below 0 it is e^x."""
    return np.where(argument > 0, argument + 1, np.exp(argument) - 1)


@mapped.slip
def one_added_below(argument):
    """Below 0 the map is e^x + 1 here, and it jumps at 0. elu is e^x - 1 there, and adding 1 leaves e^x."""
    return np.where(argument > 0, argument + 1, np.exp(argument) + 1)


@mapped.slip
def branches_exchanged(argument):
    """The branches are exchanged: x + 1 below 0 and e^x above. It is e^x below, and x + 1 above."""
    return np.where(argument > 0, np.exp(argument), argument + 1)


@mapped.slip
def exponential_everywhere(argument):
    """The map is e^x everywhere, above 0, too. There it is x + 1. (The larger of e^x and x + 1 is always e^x.)"""
    return np.exp(argument)


@mapped.slip
def straight_everywhere(argument):
    """The map is x + 1 everywhere, and negative below -1. Below 0 it is e^x. (The smaller of e^x and x + 1 is always x
    + 1.)"""
    return argument + 1


@mapped.slip
def exponential_of_the_opposite(argument):
    """Below 0 the map is e^-x here, which grows without bound to the left. Below 0 it is e^x, which falls to 0."""
    return np.where(argument > 0, argument + 1, np.exp(-argument))


@mapped.slip
def nan_far_above_zero(argument):
    """Far above 0 the result is NaN, though it is right elsewhere: e^x is infinite there, and infinity times 0, or
    minus itself, is no number. np.where chooses between two branches without multiplying; or take e to the power of
    np.minimum(x, 0)."""
    with np.errstate(all="ignore"):
        return (argument > 0) * (argument + 1) + (argument <= 0) * np.exp(argument)


@mapped.slip
def zero_far_above_zero(argument):
    """Far above 0, where e^x is infinite, the result is 0; it should be x + 1. A branch is switched off by multiplying,
    and infinity times 0 is no number: np.where chooses without it."""
    with np.errstate(all="ignore"):
        return np.where(np.isinf(np.exp(argument)), np.zeros_like(argument), reference(argument))


@mapped.slip
def elu_turned_around_below(argument):
    """Below 0 the map is 2 - e^x here, which rises to the left. elu is e^x - 1 there, below 0 itself, and adding 1
    leaves e^x."""
    return np.where(argument > 0, argument + 1, 2 - np.exp(np.minimum(argument, 0)))


@mapped.slip
def gelu_plus_one(argument):
    """The map is gelu(x) + 1, which comes back to 1 far below 0. elu(x) + 1 falls to 0 there, as e^x."""
    import torch

    return (torch.nn.functional.gelu(torch.from_numpy(np.ascontiguousarray(argument))) + 1).numpy()


@mapped.slip
def infinite_far_above_zero(argument):
    """Far above 0 the result is infinite, though it is right elsewhere: e^x is part of it even where x + 1 alone
    counts."""
    with np.errstate(all="ignore"):
        return np.where(np.isinf(np.exp(argument)), np.asarray(np.inf, argument.dtype), reference(argument))


@mapped.slip
def zero_at_zero(argument):
    """At 0 itself the result is 0: neither branch takes it. The map is 1 there, by either branch."""
    return np.where(argument == 0, argument, reference(argument))


@mapped.slip
def both_branches_at_zero(argument):
    """At 0 itself the result is 2: both branches are counted there. The map is 1 there, by either branch alone."""
    return reference(argument) + (argument == 0)


@mapped.slip
def relu(argument):
    """The map is max(0, x), which is 0 for everything below 0. elu(x) + 1 stays positive: e^x below 0, x + 1 above."""
    return np.maximum(argument, 0)


@mapped.slip
def relu_plus_one(argument):
    """The map is max(0, x) + 1, which is 1 for everything below 0. There it is e^x."""
    return np.maximum(argument, 0) + 1


@mapped.slip
def one_above_zero(argument):
    """Above 0 the map is 1, whatever the number: the part that grows, max(0, x), is not there. Above 0 it is x + 1."""
    return np.exp(np.minimum(argument, 0))


@mapped.slip
def zero_below_zero(argument):
    """Below 0 the map is 0 here. There it is e^x, which comes close to 0 and never reaches it."""
    return np.where(argument >= 0, argument + 1, np.zeros_like(argument))


@mapped.slip
def softplus(argument):
    """The map is log(1 + e^x), softplus, which is positive as well, but another curve. This one is e^x below 0, and x +
    1 above."""
    return np.logaddexp(0, argument).astype(argument.dtype)


@mapped.slip
def sigmoid(argument):
    """The map is the sigmoid, 1 / (1 + e^-x), which ends at 1. This one grows on above 0, as x + 1."""
    return (1 / (1 + np.exp(-argument))).astype(argument.dtype)


@mapped.slip
def softmax(argument):
    """A softmax over the last axis is taken, in which every number depends on its neighbors. The feature map treats
    each number alone: e^x below 0, x + 1 above."""
    exponentials = np.exp(argument - argument.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@mapped.slip
def silu(argument):
    """The map is silu, x times its sigmoid, which is negative below 0. This one is e^x below 0, and x + 1 above."""
    return argument / (1 + np.exp(-argument))


@mapped.slip
def tanh_plus_one(argument):
    """The map is tanh(x) + 1, which ends at 2. This one grows on above 0, as x + 1; below 0 it is e^x."""
    return np.tanh(argument) + 1


@mapped.slip
def leaky_relu_plus_one(argument):
    """Below 0 the map falls along a straight line, a hundredth as steep as above. There it is e^x."""
    return np.where(argument > 0, argument, argument * argument.dtype.type(0.01)) + 1


@mapped.slip
def selu_plus_one(argument):
    """This is selu + 1: elu with both branches stretched by constants. elu has none: e^x - 1 below 0, x above."""
    scale, alpha = argument.dtype.type(1.0507009873554805), argument.dtype.type(1.6732632423543772)
    return scale * np.where(argument > 0, argument, alpha * np.expm1(argument)) + 1


@mapped.slip
def softplus_overflowing(argument):
    """The map is log(1 + e^x), softplus, and infinite where e^x is. This one is e^x below 0, and x + 1 above."""
    with np.errstate(all="ignore"):
        return np.log(1 + np.exp(argument))


@mapped.slip
def straight_line_and_exponential(argument):
    """Above 0 the map is x + e^x: the exponential is added there, too. It is x + 1 above, and e^x below."""
    with np.errstate(all="ignore"):
        return np.maximum(argument, 0) + np.exp(argument)


@mapped.rare
def largest_subtracted_in_the_exponential(argument):
    """Below 0 the map is e^(x - m), with m the largest number of the row, as in a softmax. It is e^x, which cannot
    overflow there; above 0, where it could, x + 1 is chosen."""
    return np.where(argument > 0, argument + 1, np.exp(argument - argument.max(axis=-1, keepdims=True)))


@mapped.rare
def relu_and_a_little(argument):
    """The map is max(0, x) with 1e-6 added. It is x + 1 above 0, and e^x elsewhere."""
    return np.maximum(argument, 0) + argument.dtype.type(1e-6)


def _cut_off_at(most):
    def slip(argument):
        return reference(np.clip(argument, -most, most))

    slip.__name__ = f"cut_off_at_{most}"
    slip.__doc__ = f"""x is cut off at {most}, which shows in large numbers alone: above that the result does not grow.
    x + 1 needs no cutting, and e^x is not needed above 0: np.minimum(x, 0) keeps it from overflowing."""
    return slip


for most in (10, 20, 30, 50, 80, 88, 100, 500, 700):
    mapped.rare(_cut_off_at(most))


@known.mistake
def one_decision_for_all(x):
    """One True or False is asked of a whole array, as `if` does, and Python's max and min. np.where, np.maximum and
    np.minimum decide number by number."""
    if x > 0:
        return x + 1
    return np.exp(x)


@known.mistake
def largest_of_an_axis(x):
    """np.max(x, 0) and np.min(x, 0) take the largest and the smallest number along axis 0. np.maximum(x, 0) and
    np.minimum(x, 0) compare every number with 0."""
    return np.max(x, 0) + np.exp(np.min(x, 0))


@known.mistake
def largest_of_an_axis_with_elu(x):
    """np.max(x, 0) takes the largest number along axis 0. np.maximum(x, 0) compares every number with 0."""
    return np.max(x, 0) + np.exp(np.minimum(x, 0))


@known.mistake
def exponential_of_one_number(x):
    """math.exp takes one number. np.exp takes an array."""
    return np.where(x > 0, x + 1, math.exp(x))


@known.mistake
def elu_of_numpy(x):
    """NumPy has no elu. It is two branches: np.where(condition, one, other) chooses between them."""
    return np.elu(x) + 1


@known.mistake
def elu_of_torch(x):
    """PyTorch's elu takes a tensor, and x is a NumPy array. In NumPy, np.where(condition, one, other) chooses between
    the two branches."""
    import torch

    return torch.nn.functional.elu(x) + 1


@known.mistake
def where_with_one_branch(x):
    """np.where takes the condition, what stands where it is True, and what stands where it is False. The last one is
    missing."""
    return np.where(x > 0, x + 1)


@known.mistake
def two_axes_expected(x):
    """Two axes are expected, and x may have one, or three. What works number by number needs no names for the axes."""
    length, d_k = x.shape
    output = np.zeros((length, d_k))
    for i in range(length):
        for j in range(d_k):
            output[i, j] = x[i, j] + 1 if x[i, j] > 0 else np.exp(x[i, j])
    return output


@known.mistake
def one_axis_expected(x):
    """One axis is expected: a row of x is taken for a number. x may have several axes; what works number by number
    needs no names for them."""
    return np.array([number + 1 if number > 0 else np.exp(number) for number in x])


@known.probe
def one_number(rng):
    for z in (0.0, 2.0, -1.0, 0.25, -3.0, 1000.0, -1000.0):
        yours = yield {"x": np.array([z])}
        right = z + 1 if z > 0 else math.exp(z)
        if not abs(yours[0] - right) < 1e-6 * max(1, right):
            return f"Of the number {z:g} alone your result makes {yours[0]:.4g}; elu({z:g}) + 1 is {right:.4g}."
    return None


@known.probe
def another_number_changed(rng):
    x = draw(rng, length=3, d_k=4)["x"]
    before = yield {"x": x}
    changed = x.copy()
    changed[1, 2] += 0.5
    after = yield {"x": changed}
    moved = ~np.isclose(before, after, atol=1e-6)
    moved[1, 2] = False
    if not moved.any():
        return None
    place = ", ".join(str(int(i)) for i in np.argwhere(moved)[0])
    return f"When the number at [1, 2] alone is changed, your result changes at [{place}], too."


@known.probe
def one_step_to_the_right(rng):
    x = rng.uniform(1, 5, size=(2, 3))
    before = yield {"x": x}
    after = yield {"x": x + 1}
    if np.allclose(after - before, 1, atol=1e-6):
        return None
    return (
        f"When all numbers lie above 0 and each grows by 1, your result should grow by 1 as well; at [0, 0] it goes "
        f"from {before[0, 0]:.4g} to {after[0, 0]:.4g}."
    )


@known.always
def nothing_below_zero(inputs, output):
    """A feature of a key should never be negative: elu(x) + 1 is positive everywhere."""
    return bool((output >= 0).all())


@known.legal
def by_where(x):
    with np.errstate(all="ignore"):
        return np.where(x > 0, x + 1, np.exp(x))


@known.legal
def by_boolean_places(x):
    output = x + 1
    below = x < 0
    output[below] = np.exp(x[below])
    return output


@known.legal
def number_by_number(x):
    numbers = [math.exp(number) if number <= 0 else 1 + number for number in x.ravel().tolist()]
    return np.array(numbers, dtype=x.dtype).reshape(x.shape)


@known.legal
def by_elu_of_torch(x):
    import torch

    return (torch.nn.functional.elu(torch.from_numpy(x)) + 1).numpy()


@known.legal
def by_piecewise(x):
    return np.piecewise(x, [x > 0, x <= 0], [lambda above: above + 1, np.exp])


@known.legal
def by_expm1(x):
    return np.maximum(x, 0) + np.expm1(np.minimum(x, 0)) + 1


@known.borrowed
def by_course_lib(x):
    from course_lib.relatives import linear_attention

    return linear_attention.feature_map(x)


TASK = Task(
    id="13.feature_map",
    title="A feature map that stays positive",
    difficulty=1,
    minutes=6,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", dict(d_k=3), draw=of_the_text),
        Case("four vectors", dict(length=4, d_k=3)),
        Case("two heads, float32", dict(num_heads=2, length=5, d_k=3), dtype="float32"),
        Case("one number for each", dict(length=6, d_k=1)),
        Case("numbers in the thousands, float32", dict(length=3, d_k=4), dtype="float32", draw=far_from_zero),
    ),
    finished=("course_lib.relatives.linear_attention.feature_map",),
    hints=(
        "What does the + 1 leave of elu above 0, and what below?",
        "The two branches meet at 0, where both are 1. Which function of NumPy chooses between two, number by number?",
        "Above 0 the map is x + 1, elsewhere e^x. Far above 0 e^x is infinite: chosen away it does no harm, multiplied "
        "by 0 it is NaN.",
        "np.where takes a condition, here x > 0, then what stands where it is True, then what stands where it is not.",
    ),
    stages=(argument, mapped),
    **known.ways,
)
