"""10.learning_rate: up in a straight line, then down along half a cosine."""

import math

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def draw(rng, asked, warmup, total):
    """Some steps in any order: the one where the peak is, those beside it, and others; neither the first nor the last.
    The order is not that of the steps, nor has it those of the warm-up in front."""
    beside = [warmup - 1, warmup, warmup + 1]
    others = rng.permutation(np.arange(warmup + 2, total))[: asked - len(beside)]
    late = rng.permutation(others)
    steps = np.array([late[0], beside[1], *late[2:], beside[0], late[1], beside[2]])
    return {"steps": steps, "peak": round(rng.uniform(0.2, 0.9), 2), "warmup": warmup, "total": total}


def every_step(rng, warmup, total):
    return {"steps": np.arange(1, total + 1), "peak": round(rng.uniform(0.2, 0.9), 2), "warmup": warmup, "total": total}


def one_step(rng, warmup, total):
    """One step on its way down."""
    step = rng.integers(warmup + 2, total - 1)
    return {**every_step(rng, warmup, total), "steps": np.array([step])}


def example(rng):
    return {"steps": np.arange(1, 6), "peak": 1.0, "warmup": 2, "total": 5}


def reference(steps, peak, warmup, total):
    from course_lib.training import Plan

    plan = Plan(steps=total, peak_rate=peak, warmup=warmup)
    return torch.tensor([plan.learning_rate(step) for step in steps.tolist()])


@Stage
def asked(steps):
    return steps  # (n,), counted from 1


@asked.slip
def place_for_the_step(steps):
    """The place in the tensor serves as the step: 1, 2, 3, ... from the front. The numbers in `steps` say which steps
    are asked for, in any order."""
    return torch.arange(1, len(steps) + 1)


@asked.slip
def sorted_by_step(steps):
    """The rates come sorted by step, where they should keep the order of `steps`."""
    return steps.sort().values


@asked.slip
def everything_one_late(steps):
    """Every rate comes one step late, as if the first step were step 0. Here the first is step 1."""
    return steps - 1


@asked.slip
def everything_one_early(steps):
    """Every rate comes one step early: step s is treated as step s + 1. They are counted from 1 already."""
    return steps + 1


@Stage
def up(asked, warmup):
    return asked / warmup


@up.slip
def starts_at_zero(asked, warmup):
    """The warm-up is one step late: step s has (s - 1) / warmup of the peak, so that the first learns nothing. It
    should have s / warmup of it."""
    return (asked - 1) / warmup


@up.slip
def warmup_one_early(asked, warmup):
    """The warm-up is one step early: step s has (s + 1) / warmup of the peak, so that step warmup lies above it. It
    should have s / warmup of it."""
    return (asked + 1) / warmup


@up.slip
def peak_never_reached(asked, warmup):
    """The warm-up climbs by 1 / (warmup + 1) of the peak per step, so that step warmup has not all of it. It should
    climb by 1 / warmup."""
    return asked / (warmup + 1)


@up.slip
def from_zero_to_the_peak(asked, warmup):
    """The warm-up climbs from 0 at step 1 to the peak at step warmup: (s - 1) / (warmup - 1), and 0 / 0 where the
    warm-up is one step. Step 1 should have 1 / warmup of the peak."""
    return (asked - 1) / (warmup - 1)


@up.slip
def whole_numbers(asked, warmup):
    """The warm-up is 0 until its last step: s / warmup is cut down to a whole number, as // does."""
    return (asked // warmup).float()


@up.slip
def no_warmup(asked):
    """There is no warm-up: up to step warmup every step has the whole peak. It should climb, s / warmup of it."""
    return torch.ones(len(asked))


@up.slip
def share_of_the_total(asked, total):
    """The warm-up climbs by 1 / total of the peak per step. It should climb by 1 / warmup."""
    return asked / total


@up.slip
def nothing_in_the_warmup(asked):
    """Up to step warmup every rate is 0. It should climb there: s / warmup of the peak."""
    return torch.zeros(len(asked))


@Stage
def way(asked, warmup, total):
    return (asked - warmup) / (total + 1 - warmup)


@way.slip
def zero_at_the_last_step(asked, warmup, total):
    """The way down ends one step too soon, at the last step: it is (s - warmup) / (total - warmup). It should be 1 one
    step after the last."""
    return (asked - warmup) / (total - warmup)


@way.slip
def decay_from_the_first_step(asked, total):
    """The way down counts from the first step on, s / (total + 1), so that some of it lies behind where the warm-up
    ends. It should be 0 at step warmup."""
    return asked / (total + 1)


@way.slip
def decay_over_all_steps(asked, total):
    """The way down is s / total: it counts from the first step on, and is 1 at the last. It should be 0 at step warmup,
    and 1 one step after the last."""
    return asked / total


@way.slip
def decay_from_step_one(asked, total):
    """The way down is (s - 1) / total: 0 at step 1 already. It should be 0 at step warmup, and 1 one step after the
    last."""
    return (asked - 1) / total


@way.slip
def peak_twice(asked, warmup, total):
    """The way down is 0 at step warmup + 1, and 1 one step after the last: (s - warmup - 1) / (total - warmup). It
    should be 0 at step warmup: the next step is on its way already."""
    return (asked - warmup - 1) / (total - warmup)


@way.slip
def peak_twice_and_zero_at_the_last_step(asked, warmup, total):
    """The way down goes from step warmup + 1, where it is 0, to the last step, where it is 1. It should be 0 at step
    warmup, and 1 one step after the last."""
    return (asked - warmup - 1) / (total - warmup - 1)


@way.slip
def way_down_one_late(asked, warmup, total):
    """The way down comes one step late: it is 0 at step warmup + 1. It should be 0 at step warmup: the next step is on
    its way already."""
    return (asked - warmup - 1) / (total + 1 - warmup)


@way.slip
def way_down_one_early(asked, warmup, total):
    """The way down comes one step early: it is 0 one step before step warmup, and 1 at the last. It should be 0 at step
    warmup, and 1 one step after the last."""
    return (asked - warmup + 1) / (total + 1 - warmup)


@way.slip
def zero_before_the_last_step(asked, warmup, total):
    """The way down ends two steps too soon: it is 1 one step before the last. It should be 1 one step after the last:
    it is total + 1 - warmup steps long."""
    return (asked - warmup) / (total - 1 - warmup)


@way.slip
def way_too_long(asked, warmup, total):
    """The way down starts at the right step, but it is `total` steps long. From the peak to one step after the last it
    is total + 1 - warmup steps."""
    return (asked - warmup) / total


@way.slip
def way_one_too_long(asked, warmup, total):
    """The way down starts at the right step, but it is total + 1 steps long. The warm-up has taken some of them: from
    the peak to one step after the last it is total + 1 - warmup steps."""
    return (asked - warmup) / (total + 1)


@way.slip
def largest_for_the_total(asked, warmup):
    """The largest step that is asked for serves as the last one. That is right only while all steps are asked for: the
    last one is `total`."""
    return (asked - warmup) / (asked.max() + 1 - warmup)


@Stage
def angle(way):
    return math.pi * way


@angle.slip
def in_degrees(way):
    """The cosine is taken of 180 times the way. torch.cos counts in radians: half a turn is pi."""
    return 180 * way


@angle.slip
def without_pi(way):
    """The cosine is taken of the way itself, from 0 to 1: that is less than a third of half a turn. Multiply the way
    by pi."""
    return way


@angle.slip
def whole_turn(way):
    """The cosine goes through a whole turn, 2 pi: it has come down halfway, and climbs again. Half a turn is pi."""
    return 2 * math.pi * way


@angle.slip
def half_the_angle(way):
    """The cosine goes through a quarter of a turn, pi / 2, so that it has not come down at the end. Half a turn is
    pi."""
    return math.pi / 2 * way


@Stage
def down(angle):
    return (1 + torch.cos(angle)) / 2


@down.slip
def straight_down(way):
    """After the peak the rate falls in a straight line. It should follow half a cosine: flat at the peak, steep in the
    middle, flat at the end."""
    return 1 - way


@down.slip
def not_lifted(angle):
    """The cosine is not lifted: it runs from 1 to -1 on half a turn, and with a rate below 0 the steps go uphill. Lift
    it by 1 and halve it: (1 + cos) / 2 runs from 1 to 0."""
    return torch.cos(angle)


@down.slip
def not_halved(angle):
    """The cosine is lifted and not halved: 1 + cos runs from 2 to 0 on half a turn, so that the way down starts at
    twice the peak."""
    return 1 + torch.cos(angle)


@down.slip
def cosine_alone_halved(angle):
    """Only the cosine is halved, and not the 1: 1 + cos / 2 runs from 1.5 to 0.5. Halve their sum: (1 + cos) / 2."""
    return 1 + torch.cos(angle) / 2


@down.slip
def sign_of_the_cosine(angle):
    """The way down goes up: after step warmup the rate climbs from 0, as (1 - cos) / 2 does. It is 1 + cos that
    falls."""
    return (1 - torch.cos(angle)) / 2


@down.slip
def sine(angle):
    """The sine is taken in place of the cosine: (1 + sin) / 2 is 1/2 at both ends of half a turn."""
    return (1 + torch.sin(angle)) / 2


@down.slip
def no_decay(angle):
    """After the warm-up the rate stays at its peak, as it does when the way is cut down to a whole number, 0. It should
    fall along half a cosine, and the way is a fraction that grows from 0 to 1."""
    return torch.ones_like(angle)


@Stage
def joined(asked, warmup, up, down):
    return torch.where(asked <= warmup, up, down)


@joined.slip
def branches_swapped(asked, warmup, up, down):
    """The two parts have changed places: the cosine up to step warmup, the line after it. First comes the line."""
    return torch.where(asked <= warmup, down, up)


@joined.slip
def both_at_once(up, down):
    """Warm-up and cosine are multiplied at every step, the warm-up held at 1 from step warmup on. First comes the one,
    alone, then the other: torch.where chooses."""
    return up.clamp(max=1) * down


@joined.slip
def smaller_of_the_two(up, down):
    """Each step has the smaller of the two, the line and the cosine. During a long warm-up the cosine, which turns
    around every so often, is the smaller one too early: choose by the step, as torch.where does."""
    return torch.minimum(up, down)


@joined.slip
def line_one_step_further(asked, warmup, up, down):
    """Step warmup + 1 still lies on the line of the warm-up, above the peak. The warm-up ends with step warmup."""
    return torch.where(asked <= warmup + 1, up, down)


@joined.slip
def cosine_throughout(down):
    """The cosine runs over all steps, those of the warm-up too. Up to step warmup the rate is s / warmup of the
    peak."""
    return down


@joined.slip
def line_throughout(up):
    """The line of the warm-up goes on behind step warmup, above the peak. From there on the rate falls along half a
    cosine."""
    return up


@Stage
def rates(joined, peak):
    return peak * joined


@rates.slip
def peak_missing(joined):
    """These are shares of the peak, from 0 to 1. Multiply by `peak`."""
    return joined


@rates.slip
def peak_on_the_warmup_alone(joined, asked, warmup, peak):
    """The peak multiplies the warm-up alone, and what comes after it are shares of the peak."""
    return torch.where(asked <= warmup, peak * joined, joined)


@rates.slip
def peak_on_the_cosine_alone(joined, asked, warmup, peak):
    """The peak multiplies the way down alone, and the warm-up gives shares of the peak."""
    return torch.where(asked <= warmup, joined, peak * joined)


@rates.slip
def cut_to_whole_numbers(joined, peak):
    """The result holds integers, and all that is behind the point is cut off: a tensor that is made like `steps`, such
    as torch.zeros_like(steps), holds integers. Rates need floating-point numbers."""
    return (peak * joined).long()


def _cosine(way):
    return down(angle(way))


def _rates(steps, peak, warmup, total, **ways):
    """The rates, with ways of their own through some stages, each from the steps, the warm-up and the total."""
    values = {"asked": steps, "up": steps / warmup, "way": way(steps, warmup, total), **ways}
    values.setdefault("down", _cosine(values["way"]))
    return peak * joined(values["asked"], warmup, values["up"], values["down"])


def _before_the_peak(steps, peak, warmup, total, **ways):
    """The rates, where step warmup is no longer part of the warm-up; with the right ways that makes no difference."""
    ways = {"up": steps / warmup, "way": way(steps, warmup, total), **ways}
    return peak * torch.where(steps < warmup, ways["up"], _cosine(ways["way"]))


@known.mistake
def warmup_first(steps, peak, warmup, total):
    """These are the right rates in another order, first those of the warm-up, then the others: keep that of `steps`."""
    return _rates(torch.cat([steps[steps <= warmup], steps[steps > warmup]]), peak, warmup, total)


@known.mistake
def place_from_zero(steps, peak, warmup, total):
    """The place in the tensor, counted from 0, serves as the step. The numbers in `steps` say which steps are asked
    for, in any order, counted from 1."""
    return _rates(torch.arange(len(steps)), peak, warmup, total)


@known.mistake
def steps_backwards(steps, peak, warmup, total):
    """The rates come in reverse order: keep that of `steps`."""
    return _rates(steps.flip(0), peak, warmup, total)


@known.mistake
def length_for_the_total(steps, peak, warmup, total):
    """The number of steps that are asked for serves as the total. That is right only while all steps are asked for:
    the last one is `total`."""
    return _rates(steps, peak, warmup, total, way=way(steps, warmup, len(steps)))


@known.mistake
def two_steps_after_the_last(steps, peak, warmup, total):
    """The way down is one step too long: it is 1 two steps after the last. It should be 1 one step after the last: it
    is total + 1 - warmup steps long."""
    return _rates(steps, peak, warmup, total, way=(steps - warmup) / (total + 2 - warmup))


@known.mistake
def from_step_one_to_the_last(steps, peak, warmup, total):
    """The way down goes from step 1, where it is 0, to the last step, where it is 1. It should be 0 at step warmup, and
    1 one step after the last."""
    return _rates(steps, peak, warmup, total, way=(steps - 1) / (total - 1))


@known.mistake
def as_long_as_the_warmup(steps, peak, warmup, total):
    """The way down is as long as the warm-up: (s - warmup) / warmup. From the peak to one step after the last it is
    total + 1 - warmup steps."""
    return _rates(steps, peak, warmup, total, way=(steps - warmup) / warmup)


@known.mistake
def peak_left_at_once(steps, peak, warmup, total):
    """The way down is (s - warmup + 1) / (total - warmup): too far by one step at the start, and 1 one step before the
    last. It should be 0 at step warmup, and 1 one step after the last."""
    return _rates(steps, peak, warmup, total, way=(steps - warmup + 1) / (total - warmup))


@known.mistake
def divided_before_the_sum(steps, peak, warmup, total):
    """The way down is (s - warmup) / total, and then plus 1, minus warmup: a division binds before a sum. The whole of
    total + 1 - warmup belongs below the line."""
    return _rates(steps, peak, warmup, total, way=(steps - warmup) / total + 1 - warmup)


@known.mistake
def warmup_divided_alone(steps, peak, warmup, total):
    """Of the way down, only warmup is divided: s - warmup / (total + 1 - warmup). The whole of s - warmup belongs above
    the line."""
    return _rates(steps, peak, warmup, total, way=steps - warmup / (total + 1 - warmup))


@known.mistake
def quarter_turn(steps, peak, warmup, total):
    """The rate falls along a quarter of a turn, cos(pi / 2 way), which is steepest at the end. Here it is half a turn,
    lifted and halved: (1 + cos(pi way)) / 2, flat at both ends."""
    return _rates(steps, peak, warmup, total, down=torch.cos(math.pi / 2 * way(steps, warmup, total)))


@known.mistake
def upside_down(steps, peak, warmup, total):
    """The warm-up is turned over: warmup / s of the peak, which falls. It should climb: s / warmup."""
    return _rates(steps, peak, warmup, total, up=warmup / steps)


@known.mistake
def warmup_along_a_cosine(steps, peak, warmup, total):
    """The warm-up climbs along half a cosine, too. It should be a straight line: s / warmup of the peak."""
    return _rates(steps, peak, warmup, total, up=(1 - torch.cos(math.pi * steps / warmup)) / 2)


@known.mistake
def half_cosine_from_minus_one(steps, peak, warmup, total):
    """The cosine is halved and not lifted: cos / 2 runs from 1/2 to -1/2, and the steps go uphill. (1 + cos) / 2 runs
    from 1 to 0."""
    return _rates(steps, peak, warmup, total, down=torch.cos(math.pi * way(steps, warmup, total)) / 2)


@known.mistake
def one_minus_not_halved(steps, peak, warmup, total):
    """From step warmup on the rate climbs from 0 to twice the peak: that is 1 - cos. (1 + cos) / 2 runs from 1 to 0."""
    return _rates(steps, peak, warmup, total, down=1 - torch.cos(math.pi * way(steps, warmup, total)))


@known.mistake
def squared_after_the_cosine(steps, peak, warmup, total):
    """The way down is squared: ((1 + cos) / 2) ** 2. It is (1 + cos(pi way)) / 2, or the square of cos(pi way / 2)."""
    return _rates(steps, peak, warmup, total, down=_cosine(way(steps, warmup, total)) ** 2)


@known.mistake
def nothing_after_the_warmup(steps, peak, warmup, total):
    """After the warm-up every rate is 0, so that nothing more is learned. It should fall along half a cosine."""
    return _rates(steps, peak, warmup, total, down=torch.zeros(len(steps)))


@known.mistake
def inverse_root(steps, peak, warmup, total):
    """This is the schedule of Vaswani et al. 2017, eq. 3: after the warm-up the rate falls with one over the root of
    the step. Here it falls along half a cosine."""
    return _rates(steps, peak, warmup, total, down=(warmup / steps).sqrt())


@known.mistake
def inverse_step(steps, peak, warmup, total):
    """After the warm-up the rate falls with one over the step, warmup / s of the peak. Here it falls along half a
    cosine."""
    return _rates(steps, peak, warmup, total, down=warmup / steps)


@known.mistake
def exponential_decay(steps, peak, warmup, total):
    """After the warm-up the rate falls exponentially, exp(-way). Here it falls along half a cosine."""
    return _rates(steps, peak, warmup, total, down=torch.exp(-way(steps, warmup, total)))


@known.mistake
def late_and_then_the_peak(steps, peak, warmup, total):
    """Before step warmup the rates come one step late, (s - 1) / warmup of the peak, so that the first step learns
    nothing, and then the peak is there at once. Step s has s / warmup of it."""
    return _before_the_peak(steps, peak, warmup, total, up=(steps - 1) / warmup)


@known.mistake
def early_and_then_the_peak(steps, peak, warmup, total):
    """Before step warmup the rates come one step early, (s + 1) / warmup of the peak, so that the peak comes twice.
    Step s has s / warmup of it."""
    return _before_the_peak(steps, peak, warmup, total, up=(steps + 1) / warmup)


@known.mistake
def too_slow_and_then_the_peak(steps, peak, warmup, total):
    """Before step warmup the rates climb by 1 / (warmup + 1) of the peak per step, with a larger step up to it at the
    end. They climb by 1 / warmup."""
    return _before_the_peak(steps, peak, warmup, total, up=steps / (warmup + 1))


@known.mistake
def peak_cut_off(steps, peak, warmup, total):
    """From step warmup on, that step included, the rate is on a way down that counts from the first step, s / (total
    + 1), so that the peak is never there. The way should be 0 at step warmup."""
    return _before_the_peak(steps, peak, warmup, total, way=steps / (total + 1))


@known.mistake
def peak_cut_off_and_zero_at_the_last_step(steps, peak, warmup, total):
    """From step warmup on, that step included, the rate is on a way down of s / total, so that the peak is never there,
    and the last step has rate 0. The way should be 0 at step warmup, and 1 one step after the last."""
    return _before_the_peak(steps, peak, warmup, total, way=steps / total)


@known.mistake
def peak_one_step_late(steps, peak, warmup, total):
    """Step warmup is treated as part of a way down that is 0 only at the next step, so that the peak comes there. The
    way is 0 at step warmup."""
    return _before_the_peak(steps, peak, warmup, total, way=(steps - warmup - 1) / (total - warmup))


@known.mistake
def squared_warmup(steps, peak, warmup, total):
    """The warm-up climbs with the square of the step. It should be a straight line: s / warmup of the peak."""
    return _rates(steps, peak, warmup, total, up=(steps / warmup) ** 2)


@known.mistake
def root_of_the_warmup(steps, peak, warmup, total):
    """The warm-up climbs with the root of the step. It should be a straight line: s / warmup of the peak."""
    return _rates(steps, peak, warmup, total, up=(steps / warmup) ** 0.5)


@known.mistake
def warmup_to_the_largest_step(steps, peak, warmup, total):
    """The warm-up climbs by one part of the largest step that is asked for. It should climb by 1 / warmup of the
    peak per step."""
    return _rates(steps, peak, warmup, total, up=steps / steps.max())


@known.mistake
def a_tenth_is_left(steps, peak, warmup, total):
    """The way down ends at a tenth of the peak, where it should end at 0, one step after the last."""
    return _rates(steps, peak, warmup, total, down=0.1 + 0.9 * _cosine(way(steps, warmup, total)))


@known.mistake
def parabola(steps, peak, warmup, total):
    """After the peak the rate falls along a parabola, 1 minus the square of the way. It should follow half a cosine,
    flat at both ends."""
    return _rates(steps, peak, warmup, total, down=1 - way(steps, warmup, total) ** 2)


@known.mistake
def mean_of_the_two(steps, peak, warmup, total):
    """Each step has the mean of the two, the line and the cosine. First comes the one, alone, then the other:
    torch.where chooses."""
    return peak * (steps / warmup + _cosine(way(steps, warmup, total))) / 2


@known.mistake
def rounded_to_two_places(steps, peak, warmup, total):
    """The rates are rounded to two places behind the point. Return them as they are."""
    return _rates(steps, peak, warmup, total).round(decimals=2)


@known.mistake
def sum_of_the_two(steps, peak, warmup, total):
    """The line and the cosine are added at every step. First comes the one, alone, then the other: torch.where
    chooses."""
    return peak * (steps / warmup + _cosine(way(steps, warmup, total)))


@known.mistake
def larger_of_the_two(steps, peak, warmup, total):
    """Each step has the larger of the two, the line and the cosine. Choose by the step: the line up to step warmup,
    then the cosine."""
    return peak * torch.maximum(steps / warmup, _cosine(way(steps, warmup, total)))


@known.mistake
def line_behind_zero(steps, peak, warmup, total):
    """The line and the cosine are multiplied at every step, the line not held at 1, so that it goes on above the peak.
    First comes the one, alone, then the other: torch.where chooses."""
    return peak * steps / warmup * _cosine(way(steps, warmup, total))


@known.mistake
def peak_is_squared(steps, peak, warmup, total):
    """The peak is multiplied in twice. Once is enough: the share of the peak, times `peak`."""
    return peak * _rates(steps, peak, warmup, total)


@known.mistake
def peak_divides(steps, peak, warmup, total):
    """The shares are divided by the peak. Multiply them by it."""
    return _rates(steps, 1 / peak, warmup, total)


@known.mistake
def every_step_there_is(steps, peak, warmup, total):
    """These are the rates of all steps from 1 to total. Return one for each of the `steps` that are asked for, in
    their order."""
    return _rates(torch.arange(1, total + 1), peak, warmup, total)


@known.mistake
def first_step_alone(steps, peak, warmup, total):
    """This is the rate of the first of the `steps`, one number. Return one for each of them."""
    return _rates(steps, peak, warmup, total)[0]


@known.mistake
def last_step_alone(steps, peak, warmup, total):
    """This is the rate of the last of the `steps`, one number. Return one for each of them."""
    return _rates(steps, peak, warmup, total)[-1]


@known.mistake
def a_column(steps, peak, warmup, total):
    """The rates are right, but they stand in a column, (n, 1). Return them in one row of numbers, (n,)."""
    return _rates(steps, peak, warmup, total)[:, None]


@known.mistake
def a_row_in_a_batch(steps, peak, warmup, total):
    """The rates are right, but they have an axis too many, (1, n). Return them as (n,)."""
    return _rates(steps, peak, warmup, total)[None]


@known.mistake
def a_table(steps, peak, warmup, total):
    """There is a rate for every pair of steps, (n, n): a column met a row. Return one for each step, (n,)."""
    return _rates(steps, peak, warmup, total).expand(len(steps), len(steps))


@known.mistake
def a_list(steps, peak, warmup, total):
    """A list came back. torch.tensor(...) makes one tensor of a list of numbers, torch.stack(...) of one of tensors."""
    return _rates(steps, peak, warmup, total).tolist()


@known.mistake
def in_float64(steps, peak, warmup, total):
    """The rates are right, in float64. Return float32, PyTorch's usual floating-point numbers."""
    return _rates(steps.double(), peak, warmup, total)


@known.mistake
def one_question_for_many(steps, peak, warmup, total):
    """`if`, `and`, `min` and `max` of Python want one answer, yes or no, and a comparison of a tensor has one for each
    step. torch.where chooses element by element."""
    if steps <= warmup:
        return peak * steps / warmup
    return peak * _cosine(way(steps, warmup, total))


@known.mistake
def cosine_of_one_number(steps, peak, warmup, total):
    """math.cos takes one number, and the steps are many. torch.cos takes a tensor."""
    way = (steps - warmup) / (total + 1 - warmup)
    return peak * torch.where(steps <= warmup, steps / warmup, (1 + math.cos(math.pi * way)) / 2)


@known.mistake
def numpy_method_on_a_tensor(steps, peak, warmup, total):
    """astype is NumPy's. Here nothing of the kind is needed: dividing a tensor of integers gives float32."""
    return _rates(steps.astype("float32"), peak, warmup, total)


@known.mistake
def divided_into_integers(steps, peak, warmup, total):
    """A tensor of integers has no room for what is behind the point, so nothing can be written back into it. Let the
    division make a new tensor: up = steps / warmup."""
    shares = steps.clone()
    shares /= warmup
    return shares


@known.mistake
def places_counted_from_one(steps, peak, warmup, total):
    """The places of a tensor count from 0 to n - 1, and here one beyond the last was asked for."""
    rates = torch.zeros(len(steps))
    for i in range(1, len(steps) + 1):
        rates[i] = steps[i] / warmup
    return rates


@known.mistake
def step_for_the_place(steps, peak, warmup, total):
    """The rate of step s was to be written at place s. There are n places, counted from 0: the rate of the first of the
    `steps` belongs at place 0, whatever step it is."""
    rates = torch.zeros(len(steps))
    for step in steps.tolist():
        rates[step] = peak * step / warmup
    return rates


@known.mistake
def all_steps_for_each(steps, peak, warmup, total):
    """The rates cannot be stacked: some are one number, others hold one for each of the `steps`. In a loop over the
    steps, use the one step alone."""
    rates = [peak * (step / warmup if step <= warmup else _cosine(way(steps, warmup, total))) for step in steps]
    return torch.stack(rates)


@known.mistake
def stacked_numbers(steps, peak, warmup, total):
    """torch.stack lays tensors on each other, and these are plain numbers: torch.tensor(...) makes a tensor of them."""
    rates = _rates(steps, peak, warmup, total).tolist()
    return torch.stack(rates)


@known.mistake
def number_for_a_tensor(steps, peak, warmup, total):
    """torch.cos takes a tensor, and here it got one plain number: math.cos takes those."""
    return torch.stack([steps[0] * torch.cos(math.pi * (step - warmup) / total) for step in steps.tolist()])


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


SEEN = {"steps": np.arange(1, 12), "peak": 1.0, "warmup": 4, "total": 11}  # the way of step 8 is 1/2


def _said(step, rate, what):
    return f"With peak = 1, warmup = 4 and total = 11, step {step} has the rate {rate:.3g}; {what}."


@known.probe
def the_line(rng):
    seen = yield SEEN
    off = np.flatnonzero(~np.isclose(seen[:4], [0.25, 0.5, 0.75, 1], atol=1e-4))
    return _said(off[0] + 1, seen[off[0]], f"it should be {off[0] + 1}/4, on the line") if len(off) else None


@known.probe
def the_middle_of_the_way(rng):
    seen = yield SEEN
    if not np.isclose(seen[7], 0.5, atol=1e-4):
        return _said(8, seen[7], "it is halfway from step 4 to step 12, so it should have half the peak")
    return None


@known.probe
def both_halves_of_the_way(rng):
    seen = yield SEEN
    sums = seen[4:7] + seen[[10, 9, 8]]  # a cosine has its two halves mirrored around the middle
    if not np.allclose(sums, 1, atol=1e-4):
        return (
            f"With peak = 1, warmup = 4 and total = 11, steps 5 and 11 lie one step from the ends of the way down, and "
            f"their rates should sum to the peak; yours are {seen[4]:.3g} and {seen[10]:.3g}."
        )
    return None


@known.probe
def double_peak(rng):
    once = yield SEEN
    twice = yield {**SEEN, "peak": 2.0}
    if not np.allclose(twice, 2 * once, rtol=1e-4):
        step = np.flatnonzero(~np.isclose(twice, 2 * once, rtol=1e-4))[0]
        return (
            f"With twice the peak, every rate should be twice as high; that of step {step + 1} goes from "
            f"{once[step]:.3g} to {twice[step]:.3g}."
        )
    return None


@known.probe
def asked_for_alone(rng):
    among = yield SEEN
    alone = yield {**SEEN, "steps": np.array([7])}
    if not np.isclose(among[6], alone[0], rtol=1e-4):
        return (
            f"Asked for alone, step 7 has the rate {alone[0]:.3g}, and among all steps {among[6]:.3g}: its rate should "
            f"not depend on what else is asked for."
        )
    return None


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
    return torch.from_numpy(peak * np.where(steps <= warmup, steps / warmup, down)).float()


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
    part=True,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", {}, draw=example),
        Case("11 steps", dict(warmup=4, total=11), draw=every_step),
        Case("8 of 40 steps, in any order", dict(asked=8, warmup=9, total=40)),
        Case("a long warm-up", dict(warmup=9, total=12), draw=every_step),
        Case("a warm-up of one step", dict(warmup=1, total=6), draw=every_step),
        Case("one step alone", dict(warmup=3, total=20), draw=one_step),
        Case("6 of 90 steps, in any order", dict(asked=6, warmup=30, total=90)),
    ),
    stages=(asked, up, way, angle, down, joined, rates),
    coincidences={
        "starts_at_zero + way_down_one_late": "everything_one_late",
        "everything_one_early + way_down_one_late": "early_and_then_the_peak",
        "no_warmup + both_at_once": "cosine_throughout",
        "no_warmup + smaller_of_the_two": "cosine_throughout",
        "half_the_angle + not_lifted": "quarter_turn",
    },
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
