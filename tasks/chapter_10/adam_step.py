"""10.adam_step: one step of Adam, from its formula (Kingma and Ba 2015, algorithm 1)."""

import math

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def draw(rng, step=10, **sizes):
    """A weight of these sizes, with the moments of the steps before."""
    shape = tuple(sizes.values())
    beta_1, beta_2 = round(rng.uniform(0.7, 0.85), 2), round(rng.uniform(0.9, 0.98), 3)
    first, second = _moments(2 * rng.normal(size=(step - 1, *shape)), beta_1, beta_2)
    return {
        "weight": np.array(rng.normal(size=shape)),
        "gradient": np.array(2 * rng.normal(size=shape)),
        "first": np.array(first),
        "second": np.array(second),
        "step": step,
        "rate": round(rng.uniform(0.2, 0.5), 2),
        "beta_1": beta_1,
        "beta_2": beta_2,
        "eps": 1e-8,
    }


def _moments(gradients, beta_1, beta_2):
    """Return both moments after these gradients, each as the sum that the averages unroll to."""
    age = np.arange(len(gradients))[::-1].reshape(-1, *[1] * (gradients.ndim - 1))
    first = ((1 - beta_1) * beta_1**age * gradients).sum(axis=0)
    return first, ((1 - beta_2) * beta_2**age * gradients**2).sum(axis=0)


def the_first_step(rng, **sizes):
    return draw(rng, step=1, **sizes)


def a_late_step(rng, **sizes):
    """Averages over so many gradients that a thousand are still too few for the second one."""
    shape = tuple(sizes.values())
    inputs = draw(rng, **sizes)
    first, second = _moments(rng.normal(size=(999, *shape)), 0.95, 0.9995)
    return {**inputs, "first": first, "second": second, "step": 1000, "beta_1": 0.95, "beta_2": 0.9995}


def no_gradient(rng, **sizes):
    """The gradient is 0 throughout; half of the weights have never had another."""
    inputs = {**draw(rng, step=4, **sizes), "gradient": np.zeros(tuple(sizes.values()))}
    inputs["first"][::2] = 0
    inputs["second"][::2] = 0
    return inputs


def tiny_gradients(rng, **sizes):
    """Gradients of the size of eps."""
    inputs = draw(rng, step=3, **sizes)
    tiny = 1e-6
    return {
        **inputs,
        "gradient": tiny * inputs["gradient"],
        "first": tiny * inputs["first"],
        "second": tiny**2 * inputs["second"],
        "eps": 1e-6,
    }


def the_example(rng):
    return {
        "weight": np.array([1.0, 1.0]),
        "gradient": np.array([0.5, -20.0]),
        "first": np.zeros(2),
        "second": np.zeros(2),
        "step": 1,
        "rate": 0.1,
        "beta_1": 0.9,
        "beta_2": 0.99,
        "eps": 1e-8,
    }


def reference(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """PyTorch's own, put where it was after the step before."""
    weight = torch.nn.Parameter(weight.clone())
    adam = torch.optim.Adam([weight], lr=rate, betas=(beta_1, beta_2), eps=eps)
    adam.state[weight] = {
        "step": torch.tensor(step - 1.0),
        "exp_avg": first.clone(),
        "exp_avg_sq": second.clone(),
    }
    weight.grad = gradient
    adam.step()
    state = adam.state[weight]
    return torch.stack([weight.detach(), state["exp_avg"], state["exp_avg_sq"]])


@Stage
def new_first(first, gradient, beta_1):
    return beta_1 * first + (1 - beta_1) * gradient


@new_first.slip
def first_overwritten(gradient):
    """The first moment is this step's gradient alone, and what came before is forgotten. It is a running average:
    beta_1 of the old moment, and the rest of the gradient."""
    return gradient


@new_first.slip
def first_a_sum(first, gradient, beta_1):
    """The gradient is added whole to the first moment, and not 1 - beta_1 of it: the moment grows to many gradients'
    size, where it should be their average."""
    return beta_1 * first + gradient


@new_first.slip
def first_shares_swapped(first, gradient, beta_1):
    """In the first moment the shares are exchanged: the gradient has beta_1, and the old moment the rest. It is the old
    one that has beta_1, so that the average changes slowly."""
    return (1 - beta_1) * first + beta_1 * gradient


@new_first.slip
def first_by_beta_2(first, gradient, beta_2):
    """The first moment is averaged with beta_2. It has beta_1; beta_2 is for the squares."""
    return beta_2 * first + (1 - beta_2) * gradient


@new_first.slip
def old_first_forgotten(gradient, beta_1):
    """The first moment is 1 - beta_1 of this step's gradient, and what came before is forgotten. beta_1 of the old
    moment belongs to it."""
    return (1 - beta_1) * gradient


@new_first.slip
def first_stays(first):
    """The first moment stays what it was: this step's gradient has no part in it."""
    return first


@new_first.slip
def old_first_whole(first, gradient, beta_1):
    """The old first moment is kept whole, and 1 - beta_1 of the gradient is added. An average gives the old one beta_1
    only, so that the shares sum to 1."""
    return first + (1 - beta_1) * gradient


@Stage
def new_second(second, gradient, beta_2):
    return beta_2 * second + (1 - beta_2) * gradient**2


@new_second.slip
def second_overwritten(gradient):
    """The second moment is this step's squared gradient alone, and what came before is forgotten. It is a running
    average: beta_2 of the old moment, and the rest of the square."""
    return gradient**2


@new_second.slip
def second_a_sum(second, gradient, beta_2):
    """The squared gradient is added whole to the second moment, and not 1 - beta_2 of it: the moment grows to many
    squares' size, where it should be their average."""
    return beta_2 * second + gradient**2


@new_second.slip
def second_shares_swapped(second, gradient, beta_2):
    """In the second moment the shares are exchanged: the squared gradient has beta_2, and the old moment the rest. The
    old moment has beta_2, so that the average changes slowly."""
    return (1 - beta_2) * second + beta_2 * gradient**2


@new_second.slip
def second_by_beta_1(second, gradient, beta_1):
    """The second moment is averaged with beta_1. It has beta_2; beta_1 is for the gradient itself."""
    return beta_1 * second + (1 - beta_1) * gradient**2


@new_second.slip
def not_squared(second, gradient, beta_2):
    """The second moment averages the gradient itself, not its square: it comes out negative where the gradient is, and
    then it has no root."""
    return beta_2 * second + (1 - beta_2) * gradient


@new_second.slip
def share_squared_too(second, gradient, beta_2):
    """In the second moment, 1 - beta_2 is squared together with the gradient. The gradient alone is squared."""
    return beta_2 * second + ((1 - beta_2) * gradient) ** 2


@new_second.slip
def size_for_the_square(second, gradient, beta_2):
    """The second moment averages the sizes of the gradient, without their signs. It averages the squares."""
    return beta_2 * second + (1 - beta_2) * gradient.abs()


@new_second.slip
def first_moment_squared(second, new_first, beta_2):
    """The second moment averages the square of the first moment. It averages the square of this step's gradient."""
    return beta_2 * second + (1 - beta_2) * new_first**2


@new_second.slip
def old_second_forgotten(gradient, beta_2):
    """The second moment is 1 - beta_2 of this step's squared gradient, and what came before is forgotten. beta_2 of the
    old moment belongs to it."""
    return (1 - beta_2) * gradient**2


@new_second.slip
def squares_added_up(second, gradient, beta_2):
    """The second moment averages one number for all, the sum of all squares. Each number of the weight has a moment of
    its own."""
    return beta_2 * second + (1 - beta_2) * (gradient**2).sum()


@new_second.slip
def second_stays(second):
    """The second moment stays what it was: this step's gradient has no part in it."""
    return second


@Stage
def first_hat(new_first, step, beta_1):
    return new_first / (1 - beta_1**step)


@first_hat.slip
def first_not_corrected(new_first):
    """The first moment moves the weight without its bias correction. It started at 0, so in early steps it is too small
    by the factor 1 - beta_1^step."""
    return new_first


@first_hat.slip
def first_corrected_as_in_step_1(new_first, beta_1):
    """The first moment is corrected by 1 - beta_1 in every step, as if it were the first. The power of beta_1 grows
    with the step, so the correction fades."""
    return new_first / (1 - beta_1)


@first_hat.slip
def first_corrected_one_step_early(new_first, step, beta_1):
    """The first moment is corrected with the step before, step - 1: in step 1 that divides by 0. Steps are counted from
    1 already."""
    return new_first / (1 - beta_1 ** (step - 1))


@first_hat.slip
def first_corrected_one_step_late(new_first, step, beta_1):
    """The first moment is corrected with step + 1. Steps are counted from 1 already."""
    return new_first / (1 - beta_1 ** (step + 1))


@first_hat.slip
def first_corrected_by_beta_2(new_first, step, beta_2):
    """The first moment is corrected with the power of beta_2. It was averaged with beta_1."""
    return new_first / (1 - beta_2**step)


@first_hat.slip
def first_times_the_correction(new_first, step, beta_1):
    """The first moment is multiplied by 1 - beta_1^step. It is too small in early steps, so it has to be divided."""
    return new_first * (1 - beta_1**step)


@first_hat.slip
def gradient_for_the_first(gradient):
    """The weight is moved by this step's gradient, where the first moment belongs: the average of many gradients,
    corrected."""
    return gradient


@first_hat.slip
def gradient_corrected(gradient, step, beta_1):
    """The bias correction is applied to this step's gradient. It is the average that started at 0: the first moment."""
    return gradient / (1 - beta_1**step)


@Stage
def second_hat(new_second, step, beta_2):
    return new_second / (1 - beta_2**step)


@second_hat.slip
def second_not_corrected(new_second):
    """The second moment divides without its bias correction. It started at 0, so in early steps it is too small by the
    factor 1 - beta_2^step."""
    return new_second


@second_hat.slip
def second_corrected_as_in_step_1(new_second, beta_2):
    """The second moment is corrected by 1 - beta_2 in every step, as if it were the first. The power of beta_2 grows
    with the step, so the correction fades."""
    return new_second / (1 - beta_2)


@second_hat.slip
def second_corrected_one_step_early(new_second, step, beta_2):
    """The second moment is corrected with the step before, step - 1: in step 1 that divides by 0. Steps are counted
    from 1 already."""
    return new_second / (1 - beta_2 ** (step - 1))


@second_hat.slip
def second_corrected_one_step_late(new_second, step, beta_2):
    """The second moment is corrected with step + 1. Steps are counted from 1 already."""
    return new_second / (1 - beta_2 ** (step + 1))


@second_hat.slip
def second_corrected_by_beta_1(new_second, step, beta_1):
    """The second moment is corrected with the power of beta_1. It was averaged with beta_2."""
    return new_second / (1 - beta_1**step)


@second_hat.slip
def second_times_the_correction(new_second, step, beta_2):
    """The second moment is multiplied by 1 - beta_2^step. It is too small in early steps, so it has to be divided."""
    return new_second * (1 - beta_2**step)


@Stage
def divisor(second_hat, eps):
    return second_hat.sqrt() + eps


@divisor.slip
def eps_inside_the_root(second_hat, eps):
    """eps is added inside the root. It stands outside: the root of eps is thousands of times as large as eps."""
    return (second_hat + eps).sqrt()


@divisor.slip
def no_root(second_hat, eps):
    """The second moment divides without its root. The root brings it back to the gradient's own scale, so that the step
    does not depend on it."""
    return second_hat + eps


@divisor.slip
def no_eps(second_hat):
    """eps is left out: where gradients have always been 0, 0 is divided by 0, which is NaN."""
    return second_hat.sqrt()


@divisor.slip
def eps_before_the_correction(new_second, step, beta_2, eps):
    """eps is added to the root of the second moment before its bias correction, which then enlarges eps, too. First the
    correction, then the root, then eps."""
    return (new_second.sqrt() + eps) / math.sqrt(1 - beta_2**step)


@divisor.slip
def divisor_at_least_eps(second_hat, eps):
    """eps serves as the smallest divisor. It is added to the root, whatever that is."""
    return second_hat.sqrt().clamp(min=eps)


@divisor.slip
def nothing_divides(second_hat):
    """The second moment has no part in the step: the first moment moves the weight alone. Divide it by the root of the
    second, plus eps."""
    return torch.ones_like(second_hat)


@Stage
def new_weight(weight, first_hat, divisor, rate):
    return weight - rate * first_hat / divisor


@new_weight.slip
def uphill(weight, first_hat, divisor, rate):
    """The step is added to the weight, and goes uphill. Subtract it."""
    return weight + rate * first_hat / divisor


@new_weight.slip
def no_rate(weight, first_hat, divisor):
    """The step is not multiplied by `rate`."""
    return weight - first_hat / divisor


@new_weight.slip
def the_step_alone(first_hat, divisor, rate):
    """In place of the new weight stands the step that should be subtracted from it."""
    return rate * first_hat / divisor


@new_weight.slip
def weight_stays(weight):
    """The weight stays what it was: the step is not taken."""
    return weight


@new_weight.slip
def times_the_divisor(weight, first_hat, divisor, rate):
    """The first moment is multiplied by the root of the second. It is divided: where gradients are large, the step
    should not be."""
    return weight - rate * first_hat * divisor


@Stage
def result(new_weight, new_first, new_second):
    return torch.stack([new_weight, new_first, new_second])


@result.slip
def corrected_moments_returned(new_weight, first_hat, second_hat):
    """The moments come back corrected. The next step goes on from those without the correction: it is made anew in
    each."""
    return torch.stack([new_weight, first_hat, second_hat])


@result.slip
def old_moments_returned(new_weight, first, second):
    """The moments come back as they came in, so the next step would know nothing of this one."""
    return torch.stack([new_weight, first, second])


@result.slip
def moments_exchanged(new_weight, new_first, new_second):
    """The moments come back in the wrong order: the second before the first."""
    return torch.stack([new_weight, new_second, new_first])


@result.slip
def weight_last(new_weight, new_first, new_second):
    """The weight comes back last. It comes first, then the two moments."""
    return torch.stack([new_first, new_second, new_weight])


@result.slip
def weight_alone(new_weight):
    """The new weight comes back alone, without the moments. The next step needs them: stack all three."""
    return new_weight


@result.slip
def laid_end_to_end(new_weight, new_first, new_second):
    """The three are laid end to end along an axis that was there already, as torch.cat does. torch.stack gives them an
    axis of their own, in front: (3, ...)."""
    return torch.cat([new_weight, new_first, new_second])


@result.slip
def stacked_behind(new_weight, new_first, new_second):
    """The three are stacked along a new last axis. The new axis comes first: (3, ...)."""
    return torch.stack([new_weight, new_first, new_second], dim=-1)


@known.mistake
def moved_by_the_old_moments(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """The weight is moved by the moments of the step before, and only then do they learn of this gradient. First the
    moments, then the step."""
    moved = new_weight(weight, first_hat(first, step, beta_1), divisor(second_hat(second, step, beta_2), eps), rate)
    return torch.stack([moved, new_first(first, gradient, beta_1), new_second(second, gradient, beta_2)])


@known.mistake
def betas_exchanged(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """beta_1 and beta_2 are exchanged throughout: beta_1 belongs to the first moment, beta_2 to the second."""
    return _through(weight, gradient, first, second, step, rate, beta_2, beta_1, eps)


@known.mistake
def eps_in_the_quotient_of_the_weight(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """eps is added to the quotient, behind the division. It belongs to what divides, so that this is never 0."""
    m, v = new_first(first, gradient, beta_1), new_second(second, gradient, beta_2)
    quotient = first_hat(m, step, beta_1) / second_hat(v, step, beta_2).sqrt()
    return torch.stack([weight - rate * (quotient + eps), m, v])


@known.mistake
def eps_added_to_the_weight(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """eps is added to the new weight, behind the division, as in a - b / c + eps. It belongs to what divides, so that
    this is never 0: mind the parentheses."""
    m, v = new_first(first, gradient, beta_1), new_second(second, gradient, beta_2)
    quotient = first_hat(m, step, beta_1) / second_hat(v, step, beta_2).sqrt()
    return torch.stack([weight - rate * quotient + eps, m, v])


@known.mistake
def step_times_the_betas(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """Both corrections multiply beta by the step, 1 - beta * step, which is right in step 1 alone. It is the power:
    1 - beta ** step."""
    m, v = new_first(first, gradient, beta_1), new_second(second, gradient, beta_2)
    divided = divisor(v / (1 - beta_2 * step), eps)
    return torch.stack([new_weight(weight, m / (1 - beta_1 * step), divided, rate), m, v])


@known.mistake
def divided_by_the_powers(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """Both corrections divide by the power of beta itself. Divide by 1 minus the power, which is small in early steps,
    as the averages are."""
    m, v = new_first(first, gradient, beta_1), new_second(second, gradient, beta_2)
    return torch.stack([new_weight(weight, m / beta_1**step, divisor(v / beta_2**step, eps), rate), m, v])


@known.mistake
def correction_without_root(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """The correction of the second moment stands outside the root, and no root is taken of it. Correct first, then take
    the root of it all."""
    m, v = new_first(first, gradient, beta_1), new_second(second, gradient, beta_2)
    return torch.stack(
        [new_weight(weight, first_hat(m, step, beta_1), v.sqrt() / (1 - beta_2**step) + eps, rate), m, v]
    )


@known.mistake
def caret_for_the_power(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """`^` is no power in Python. Powers are written **."""
    return first / (1 - beta_1 ^ step)


@known.mistake
def a_tuple(*given):
    """Three tensors came back side by side. torch.stack([...]) makes one of them, with an axis of their own in
    front."""
    return tuple(_through(*given))


@known.mistake
def a_list(*given):
    """A list of three tensors came back. torch.stack([...]) makes one tensor of them, with an axis of their own in
    front."""
    return list(_through(*given))


@known.mistake
def corrected_moments_averaged(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """The old moments are corrected before the gradient joins them, and in step 1 that is 0 / 0. The correction comes
    after the averaging, in a number of its own."""
    m = new_first(first / (1 - beta_1 ** (step - 1)), gradient, beta_1)
    v = new_second(second / (1 - beta_2 ** (step - 1)), gradient, beta_2)
    return torch.stack([new_weight(weight, m, divisor(v, eps), rate), m, v])


@known.mistake
def one_number_for_all(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """All numbers of the weight are divided by one and the same, made of their mean square. Each has a second moment of
    its own."""
    m, v = new_first(first, gradient, beta_1), new_second(second, gradient, beta_2)
    shared = second_hat(v, step, beta_2).mean()
    return torch.stack([new_weight(weight, first_hat(m, step, beta_1), divisor(shared, eps), rate), m, v])


@known.mistake
def weight_decays(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """One hundredth of the weight, times the rate, is taken off besides, as AdamW does by default. Adam takes nothing
    off."""
    return _through(weight * (1 - 0.01 * rate), gradient, first, second, step, rate, beta_1, beta_2, eps)


def _through(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    m, v = new_first(first, gradient, beta_1), new_second(second, gradient, beta_2)
    moved = new_weight(weight, first_hat(m, step, beta_1), divisor(second_hat(v, step, beta_2), eps), rate)
    return torch.stack([moved, m, v])


@known.legal
def by_the_formula(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    first = beta_1 * first + (1 - beta_1) * gradient
    second = beta_2 * second + (1 - beta_2) * gradient**2
    corrected = first / (1 - beta_1**step), second / (1 - beta_2**step)
    weight = weight - rate * corrected[0] / (torch.sqrt(corrected[1]) + eps)
    return torch.stack([weight, first, second])


@known.legal
def by_a_rate_of_the_step(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """Both corrections in the rate and in eps, as at the end of the paper's section 2."""
    first = torch.lerp(gradient, first, beta_1)
    second = torch.lerp(gradient.square(), second, beta_2)
    root = math.sqrt(1 - beta_2**step)
    return torch.stack(
        [weight - rate * root / (1 - beta_1**step) * first / (second.sqrt() + eps * root), first, second]
    )


@known.legal
def in_place_on_copies(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """As PyTorch's own writes it."""
    weight, first, second = weight.clone(), first.clone(), second.clone()
    first.mul_(beta_1).add_(gradient, alpha=1 - beta_1)
    second.mul_(beta_2).addcmul_(gradient, gradient, value=1 - beta_2)
    divisor = second.sqrt().div_((1 - beta_2**step) ** 0.5).add_(eps)
    weight.addcdiv_(first, divisor, value=-rate / (1 - beta_1**step))
    return torch.stack((weight, first, second))


@known.legal
def number_by_number(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """In Python's own floats."""
    found = []
    flat = (tensor.flatten().tolist() for tensor in (weight, gradient, first, second))
    for w, g, m, v in zip(*flat, strict=True):
        m += (1 - beta_1) * (g - m)
        v += (1 - beta_2) * (g * g - v)
        w -= rate * (m / (1 - beta_1**step)) / ((v / (1 - beta_2**step)) ** 0.5 + eps)
        found.append((w, m, v))
    return torch.tensor(found, dtype=weight.dtype).T.reshape(3, *weight.shape)


@known.borrowed
def by_pytorchs_adam(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    return reference(weight, gradient, first, second, step, rate, beta_1, beta_2, eps)


@known.borrowed
def by_pytorchs_adamw(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    weight = torch.nn.Parameter(weight.clone())
    adam = torch.optim.AdamW([weight], lr=rate, betas=(beta_1, beta_2), eps=eps, weight_decay=0)
    adam.state[weight] = {"step": torch.tensor(step - 1.0), "exp_avg": first.clone(), "exp_avg_sq": second.clone()}
    weight.grad = gradient
    adam.step()
    return torch.stack([weight.detach(), adam.state[weight]["exp_avg"], adam.state[weight]["exp_avg_sq"]])


@known.always
def squares_average_to_no_less_than_zero(inputs, output):
    """The second moment is an average of squares, so none of it should be negative."""
    return bool((output[2] >= 0).all())


@known.always
def what_never_had_a_gradient_stays(inputs, output):
    """A weight whose gradient is 0 and has always been should stay what it was."""
    never = (inputs["gradient"] == 0) & (inputs["first"] == 0) & (inputs["second"] == 0)
    return bool((output[0] == inputs["weight"])[never].all())


@known.probe
def the_first_step_goes_rate_far(rng):
    """One weight of 1 after the other, so that a shared divisor shows as well."""
    inputs = _float32(the_first_step(rng, rows=5))
    moved = (yield inputs)[0] - inputs["weight"]
    right = -inputs["rate"] * np.sign(inputs["gradient"])
    if np.allclose(moved, right, atol=1e-3):
        return None
    at = np.abs(moved - right).argmax()
    return (
        f"In step 1, with moments of 0, the correction makes every weight move by the rate, {inputs['rate']}, against "
        f"its gradient; where the gradient is {inputs['gradient'][at]:.3g}, yours moved by {moved[at]:.3g}."
    )


@known.probe
def ten_steps(rng):
    """From step to step, with what comes back, beside ten of PyTorch's."""
    inputs = _float32(the_first_step(rng, rows=3, columns=2))
    weight = torch.nn.Parameter(torch.from_numpy(inputs["weight"].copy()))
    adam = torch.optim.Adam([weight], lr=inputs["rate"], betas=(inputs["beta_1"], inputs["beta_2"]), eps=inputs["eps"])
    for step in range(1, 11):
        gradient = rng.normal(size=(3, 2)).astype(np.float32)
        weight.grad = torch.from_numpy(gradient.copy())
        adam.step()
        found = yield {**inputs, "gradient": gradient, "step": step}
        theirs = weight.detach().numpy()
        if not np.allclose(found[0], theirs, atol=1e-3):
            at = np.unravel_index(np.abs(found[0] - theirs).argmax(), theirs.shape)
            return (
                f"Ten steps in a row, each from what the one before gave back, part from those of PyTorch's Adam in "
                f"step {step}: there a weight is {found[0][at]:.4g}, PyTorch's {theirs[at]:.4g}."
            )
        inputs = {**inputs, **dict(zip(("weight", "first", "second"), found.copy(), strict=True))}
    return None


@known.probe
def ten_times_the_gradients(rng):
    inputs = _float32(draw(rng, step=5, rows=4))
    once = (yield inputs)[0] - inputs["weight"]
    larger = {"gradient": 10 * inputs["gradient"], "first": 10 * inputs["first"], "second": 100 * inputs["second"]}
    again = (yield {**inputs, **larger})[0] - inputs["weight"]
    if np.allclose(once, again, atol=1e-3):
        return None
    at = np.abs(once - again).argmax()
    return (
        f"If all gradients, those of earlier steps too, are ten times as large, the step should be the same: the root "
        f"of the second moment divides it out. Yours goes from {once[at]:.4g} to {again[at]:.4g}."
    )


@known.probe
def twice_the_rate(rng):
    inputs = _float32(draw(rng, step=5, rows=4))
    once = (yield {**inputs, "rate": 0.25})[0] - inputs["weight"]
    twice = (yield {**inputs, "rate": 0.5})[0] - inputs["weight"]
    if np.allclose(2 * once, twice, atol=1e-3):
        return None
    at = np.abs(2 * once - twice).argmax()
    return f"With twice the rate the step should be twice as long; yours goes from {once[at]:.4g} to {twice[at]:.4g}."


def _float32(inputs):
    return {
        name: value.astype(np.float32) if isinstance(value, np.ndarray) else value for name, value in inputs.items()
    }


TASK = Task(
    id="10.adam_step",
    title="One step of Adam",
    difficulty=2,
    minutes=12,
    library="torch",
    part=True,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", {}, dtype="float32", draw=the_example),
        Case("a first step", dict(rows=2, columns=3), dtype="float32", draw=the_first_step),
        Case("a tenth step", dict(rows=3, columns=4), points=2, dtype="float32"),
        Case("a weight of no axes", {}, dtype="float32", draw=draw),
        Case("gradients of 0", dict(rows=4, columns=3), dtype="float32", draw=no_gradient),
        Case("gradients of the size of eps", dict(rows=3, columns=2), dtype="float32", draw=tiny_gradients),
        Case("a thousandth step", dict(rows=2, columns=5), dtype="float32", draw=a_late_step),
        Case("three axes, float64", dict(heads=2, rows=1, columns=3), dtype="float64"),
    ),
    stages=(new_first, new_second, first_hat, second_hat, divisor, new_weight, result),
    finished=("torch.optim.Adam.__init__", "torch.optim.AdamW.__init__", "torch.optim.adam.adam"),
    hints=(
        "Which of the five lines need what came back from the step before, and which need only this step's numbers?",
        (
            "The two moments are averages of the same make: a share of the old one, and the rest of something new. "
            "Those two go back. What is corrected serves this step alone, so give it a name of its own."
        ),
        (
            "corrected = average / (1 - beta ** step), once for each moment. Then the step is the one corrected "
            "moment, divided by (the root of the other, plus eps)."
        ),
        "return torch.stack([weight - rate * ... / (... .sqrt() + eps), first, second])",
    ),
    **known.ways,
)
