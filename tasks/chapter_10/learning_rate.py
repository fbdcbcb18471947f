"""10.learning_rate: up in a straight line, then down along half a cosine."""

import math

import numpy as np
import torch

from grader.known import Known
from grader.task import Case, Task

known = Known()


def every_step(rng, warmup, total):
    return {"steps": np.arange(1, total + 1), "peak": round(rng.uniform(0.2, 0.9), 2), "warmup": warmup, "total": total}


def some_steps(rng, warmup, total):
    """The step where the peak is, the ones beside it, and others, in any order; neither the first nor the last."""
    others = rng.permutation(np.arange(warmup + 2, total))[:4]
    inputs = every_step(rng, warmup, total)
    return {**inputs, "steps": rng.permutation([warmup - 1, warmup, warmup + 1, *others])}


def reference(steps, peak, warmup, total):
    from course_lib.training import Plan

    plan = Plan(steps=total, peak_rate=peak, warmup=warmup)
    return torch.tensor([plan.learning_rate(step) for step in steps.tolist()])


def _join(steps, warmup, up, down):
    return torch.where(steps <= warmup, up, down)


def _cosine(way):
    return (1 + torch.cos(math.pi * way)) / 2


def _way(steps, warmup, total):
    return (steps - warmup) / (total + 1 - warmup)


def _rates(steps, peak, warmup, total):
    return peak * _join(steps, warmup, steps / warmup, _cosine(_way(steps, warmup, total)))


@known.mistake
def starts_at_zero(steps, peak, warmup, total):
    """The warm-up is one step late: the first step has rate 0 and learns nothing. Steps are counted from 1, so step s
    has s / warmup of the peak."""
    return peak * _join(steps, warmup, (steps - 1) / warmup, _cosine(_way(steps, warmup, total)))


@known.mistake
def everything_one_late(steps, peak, warmup, total):
    """Every rate comes one step late: you count from 0, as if the first step were step 0. Here the first is step 1."""
    return _rates(steps - 1, peak, warmup, total)


@known.mistake
def everything_one_early(steps, peak, warmup, total):
    """Every rate comes one step early: 1 is added to steps that are counted from 1 already."""
    return _rates(steps + 1, peak, warmup, total)


@known.mistake
def peak_never_reached(steps, peak, warmup, total):
    """The warm-up climbs by 1 / (warmup + 1) of the peak per step, so at step warmup the peak is not reached. Divide
    by warmup."""
    return peak * _join(steps, warmup, steps / (warmup + 1), _cosine(_way(steps, warmup, total)))


@known.mistake
def decay_from_the_first_step(steps, peak, warmup, total):
    """The cosine counts from the first step, so the rate falls off a cliff where the warm-up ends. Its way starts at
    step warmup: it is 0 there."""
    return peak * _join(steps, warmup, steps / warmup, _cosine(steps / (total + 1)))


@known.mistake
def decay_over_all_steps(steps, peak, warmup, total):
    """The cosine counts all `total` steps, from the first one on, so the rate falls off a cliff where the warm-up ends,
    and is 0 at the last step. Its way is 0 at step warmup, and 1 one step after the last."""
    return peak * _join(steps, warmup, steps / warmup, _cosine(steps / total))


@known.mistake
def zero_at_the_last_step(steps, peak, warmup, total):
    """The rate is 0 at the last step, which then learns nothing. It should reach 0 one step after: the way is total +
    1 - warmup steps long."""
    return peak * _join(steps, warmup, steps / warmup, _cosine((steps - warmup) / (total - warmup)))


@known.mistake
def peak_twice(steps, peak, warmup, total):
    """The peak comes twice, at step warmup and at the next one: your way down starts at 0 there. It is 0 at step
    warmup, and the next step is on its way already."""
    return peak * _join(steps, warmup, steps / warmup, _cosine((steps - warmup - 1) / (total - warmup)))


@known.mistake
def zero_before_the_last_step(steps, peak, warmup, total):
    """The rate is 0 one step before the last, and then climbs again. It should reach 0 one step after the last: the way
    is total + 1 - warmup steps long."""
    return peak * _join(steps, warmup, steps / warmup, _cosine((steps - warmup) / (total - 1 - warmup)))


@known.mistake
def peak_twice_and_zero_at_the_last_step(steps, peak, warmup, total):
    """The peak comes twice, at step warmup and at the next one, and the last step has rate 0. Your way down goes from
    step warmup + 1 to step total: it is 0 at step warmup, and 1 one step after the last."""
    return peak * _join(steps, warmup, steps / warmup, _cosine((steps - warmup - 1) / (total - warmup - 1)))


@known.mistake
def way_down_one_late(steps, peak, warmup, total):
    """The warm-up is right, but the way down comes one step late, so the peak comes twice. Its way is 0 at step warmup,
    and the next step is on its way already."""
    return peak * _join(steps, warmup, steps / warmup, _cosine((steps - warmup - 1) / (total + 1 - warmup)))


@known.mistake
def counted_from_zero(steps, peak, warmup, total):
    """The steps are counted from 0, as many programs do: the first has rate 0, and step warmup + 1 the peak. Here they
    are counted from 1: step warmup has the peak, and the rate would be 0 one step after the last."""
    steps = steps - 1
    return peak * _join(steps, warmup, steps / warmup, _cosine((steps - warmup) / (total - warmup)))


@known.mistake
def counted_from_zero_to_zero(steps, peak, warmup, total):
    """The steps are counted from 0: the first has rate 0, step warmup + 1 the peak, and the last 0 again. Here they are
    counted from 1: step warmup has the peak, and the rate would be 0 one step after the last."""
    steps = steps - 1
    return peak * _join(steps, warmup, steps / warmup, _cosine((steps - warmup) / (total - 1 - warmup)))


@known.mistake
def way_too_long(steps, peak, warmup, total):
    """The cosine starts at the right step, but its way is `total` steps long, so the rate is still high at the end.
    From the peak to one step after the last it is total + 1 - warmup steps."""
    return peak * _join(steps, warmup, steps / warmup, _cosine((steps - warmup) / total))


@known.mistake
def way_one_too_long(steps, peak, warmup, total):
    """The cosine starts at the right step, but its way is total + 1 steps long. The warm-up has taken some of them:
    from the peak to one step after the last it is total + 1 - warmup steps."""
    return peak * _join(steps, warmup, steps / warmup, _cosine((steps - warmup) / (total + 1)))


@known.mistake
def straight_down(steps, peak, warmup, total):
    """After the peak the rate falls in a straight line. It should follow half a cosine: flat at the peak, steep in the
    middle, flat at the end."""
    return peak * _join(steps, warmup, steps / warmup, 1 - _way(steps, warmup, total))


@known.mistake
def in_degrees(steps, peak, warmup, total):
    """The cosine is taken of 180 times the way. torch.cos counts in radians: half a turn is pi."""
    return peak * _join(steps, warmup, steps / warmup, (1 + torch.cos(180 * _way(steps, warmup, total))) / 2)


@known.mistake
def without_pi(steps, peak, warmup, total):
    """The cosine is taken of the way itself, from 0 to 1: that is less than a third of half a turn. Multiply the way
    by pi."""
    return peak * _join(steps, warmup, steps / warmup, (1 + torch.cos(_way(steps, warmup, total))) / 2)


@known.mistake
def whole_turn(steps, peak, warmup, total):
    """The cosine goes through a whole turn, 2 pi: the rate falls to 0 halfway and climbs again. Half a turn is pi."""
    return peak * _join(steps, warmup, steps / warmup, _cosine(2 * _way(steps, warmup, total)))


@known.mistake
def quarter_turn(steps, peak, warmup, total):
    """The rate falls along a quarter of a turn, cos(pi / 2 way), which is steepest at the end. Here it is half a turn,
    lifted and halved: (1 + cos(pi way)) / 2, flat at both ends."""
    return peak * _join(steps, warmup, steps / warmup, torch.cos(math.pi / 2 * _way(steps, warmup, total)))


@known.mistake
def not_lifted(steps, peak, warmup, total):
    """The rate becomes negative halfway down, and the steps go uphill: a cosine runs from 1 to -1. Lift it by 1 and
    halve it: (1 + cos) / 2 runs from 1 to 0."""
    return peak * _join(steps, warmup, steps / warmup, torch.cos(math.pi * _way(steps, warmup, total)))


@known.mistake
def not_halved(steps, peak, warmup, total):
    """After the warm-up the rate jumps to twice the peak: 1 + cos runs from 2 to 0. Halve it."""
    return peak * _join(steps, warmup, steps / warmup, 2 * _cosine(_way(steps, warmup, total)))


@known.mistake
def sign_of_the_cosine(steps, peak, warmup, total):
    """After the warm-up the rate starts at 0 and climbs: 1 - cos runs from 0 to 2. It is 1 + cos."""
    return peak * _join(steps, warmup, steps / warmup, 1 - _cosine(_way(steps, warmup, total)))


@known.mistake
def both_at_once(steps, peak, warmup, total):
    """Warm-up and decay are multiplied, each over its own steps from the first on, so the peak is never reached. First
    comes the one, then the other: torch.where chooses."""
    return peak * (steps / warmup).clamp(max=1) * _cosine(steps / (total + 1))


@known.mistake
def no_warmup(steps, peak, warmup, total):
    """There is no warm-up: the rate has its peak from the first step on. Up to step warmup it climbs: s / warmup of the
    peak."""
    return peak * _cosine(_way(steps, warmup, total).clamp(min=0))


@known.mistake
def no_decay(steps, peak, warmup, total):
    """After the warm-up the rate stays at its peak. It should fall along half a cosine."""
    return peak * (steps / warmup).clamp(max=1)


@known.mistake
def inverse_root(steps, peak, warmup, total):
    """This is the schedule of Vaswani et al. 2017, eq. 3: after the warm-up the rate falls with one over the root of
    the step. Here it falls along half a cosine."""
    return peak * torch.minimum(steps / warmup, (warmup / steps).sqrt())


@known.mistake
def whole_numbers(steps, peak, warmup, total):
    """The warm-up is 0 until its last step: // drops what is behind the point. Divide with /."""
    return peak * _join(steps, warmup, steps // warmup, _cosine(_way(steps, warmup, total)))


@known.mistake
def peak_missing(steps, peak, warmup, total):
    """These are shares of the peak, from 0 to 1. Multiply by `peak`."""
    return _rates(steps, 1.0, warmup, total)


@known.mistake
def place_for_the_step(steps, peak, warmup, total):
    """You take the place in the tensor for the step. That is right only while `steps` is 1, 2, 3, ...: the numbers in
    `steps` say which steps are asked for, in any order."""
    return _rates(torch.arange(1, len(steps) + 1), peak, warmup, total)


@known.mistake
def sorted_by_step(steps, peak, warmup, total):
    """These are the right rates in another order, sorted by step: keep that of `steps`."""
    return _rates(steps.sort().values, peak, warmup, total)


@known.mistake
def warmup_first(steps, peak, warmup, total):
    """These are the right rates in another order, first those of the warm-up, then the others: keep that of `steps`."""
    return _rates(torch.cat([steps[steps <= warmup], steps[steps > warmup]]), peak, warmup, total)


@known.mistake
def largest_for_the_total(steps, peak, warmup, total):
    """You take the largest step that is asked for as the last one. That is right only while all steps are asked for:
    the last one is `total`."""
    return _rates(steps, peak, warmup, steps.max())


@known.mistake
def length_for_the_total(steps, peak, warmup, total):
    """You take the number of steps that are asked for as the total. That is right only while all steps are asked for:
    the last one is `total`."""
    return _rates(steps, peak, warmup, len(steps))


@known.mistake
def one_question_for_many(steps, peak, warmup, total):
    """`if`, `and`, `min` and `max` of Python want one answer, yes or no, and a comparison of a tensor has one for each
    step. torch.where chooses element by element."""
    if steps <= warmup:
        return peak * steps / warmup
    return peak * _cosine(_way(steps, warmup, total))


@known.mistake
def cosine_of_one_number(steps, peak, warmup, total):
    """math.cos takes one number, and the steps are many. torch.cos takes a tensor."""
    return peak * _join(steps, warmup, steps / warmup, (1 + math.cos(math.pi * _way(steps, warmup, total))) / 2)


@known.always
def never_above_the_peak(inputs, output):
    """No rate should be above the peak."""
    return bool((output <= inputs["peak"] * 1.0001).all())


@known.always
def above_zero(inputs, output):
    """Every step should have a rate above 0, or it learns nothing."""
    return bool((output > 0).all())


@known.always
def peak_at_the_end_of_warmup(inputs, output):
    """Where `steps` holds `warmup`, the rate should be the peak."""
    return np.allclose(output[inputs["steps"] == inputs["warmup"]], inputs["peak"])


@known.legal
def by_where(steps, peak, warmup, total):
    up = steps / warmup
    down = 0.5 + 0.5 * torch.cos(math.pi * (steps - warmup) / (total - warmup + 1))
    return peak * torch.where(steps < warmup, up, down)


@known.legal
def by_clamping(steps, peak, warmup, total):
    """Both parts stay at 1 beyond their end, so that they may be multiplied."""
    up = (steps / warmup).clamp(max=1)
    way = ((steps - warmup) / (total + 1 - warmup)).clamp(min=0)
    return peak * up * (1 + torch.cos(torch.pi * way)) / 2


@known.legal
def step_by_step(steps, peak, warmup, total):
    rates = []
    for step in steps.tolist():
        if step <= warmup:
            rates.append(peak * step / warmup)
        else:
            rates.append(peak * (1 + math.cos(math.pi * (step - warmup) / (total + 1 - warmup))) / 2)
    return torch.tensor(rates)


@known.legal
def by_squared_cosine(steps, peak, warmup, total):
    """(1 + cos a) / 2 is the square of cos(a / 2)."""
    rates = peak * torch.cos(math.pi / 2 * (steps - warmup) / (total + 1 - warmup)) ** 2
    rates[steps <= warmup] = peak * steps[steps <= warmup] / warmup
    return rates


@known.legal
def with_numpy(steps, peak, warmup, total):
    steps = steps.numpy()
    down = (1 + np.cos(np.pi * (steps - warmup) / (total + 1 - warmup))) / 2
    return (peak * np.where(steps <= warmup, steps / warmup, down)).astype(np.float32)


@known.borrowed
def by_plan(steps, peak, warmup, total):
    from course_lib.training import Plan

    plan = Plan(steps=total, peak_rate=peak, warmup=warmup)
    return torch.tensor([plan.learning_rate(step.item()) for step in steps])


TASK = Task(
    id="10.learning_rate",
    title="Up, then down",
    difficulty=2,
    minutes=10,
    library="torch",
    reference=reference,
    draw=every_step,
    cases=(
        Case("5 steps", dict(warmup=2, total=5), points=2),
        Case("11 steps", dict(warmup=4, total=11)),
        Case("some of 40 steps, in any order", dict(warmup=9, total=40), draw=some_steps),
    ),
    finished=("course_lib.training.Plan.learning_rate",),
    hints=(
        "Take peak = 1, warmup = 2, total = 5 and write down the rates of steps 1 and 2. At which step is the rate 0?",
        (
            "The way is 0 at step warmup and 1 at step total + 1. How many steps is it from the peak to the end, and "
            "how many of them has step s done?"
        ),
        "way = (s - warmup) / (total + 1 - warmup). The rate is peak (1 + cos(pi way)) / 2: half a turn is pi radians.",
        (
            "`torch.where(steps <= warmup, up, down)` chooses for each step, where `up` and `down` are tensors of all "
            "the steps. `torch.cos` takes a tensor, `math.pi` is pi."
        ),
    ),
    **known.ways,
)
