"""A computation as stages, each with its right way and the slips that people make there, alone or several at once.

A stage takes what it needs by name: the inputs of the task, and what the stages before it computed.

    @Stage
    def total(prices):
        return prices.sum(axis=-1)

    @total.slip
    def over_the_first_axis(prices):
        \"\"\"The sum runs over the first axis.\"\"\"
        return prices.sum(axis=0)

    @Stage
    def mean(total, prices):
        return total / prices.shape[-1]

Neither stages nor slips change what they are given: their values are shared by all combinations.
"""

import functools
import inspect
import itertools
import math

from grader.mistake import Mistake


class Stage:
    """One step of a computation; calling it computes it the right way.

    Attributes:
        name: the name of the function, by which later stages ask for its value.
        compute: the right way.
        slips: the wrong ways, as `Mistake`s, told alone and together with those of other stages.
        rare_slips: more of them, told alone: too rare to be looked for together with all others.
        asks: other names under which the stage finds what its functions ask for: {"scores": "masked"}.
    """

    def __init__(self, compute, slips=(), rare_slips=(), asks=()):
        self.name, self.compute, self.asks = compute.__name__, compute, dict(asks)
        self.slips, self.rare_slips = list(slips), list(rare_slips)

    def __call__(self, *values):
        return self.compute(*values)

    def slip(self, function):
        """Register a wrong way through this stage; its docstring is what a learner is told. It may ask for other
        values than the right way does."""
        self.slips.append(Mistake(function))
        return function

    def rare(self, function):
        """Register a wrong way that is told alone."""
        self.rare_slips.append(Mistake(function))
        return function

    def but(self, *without, rare=(), **asks):
        """Return this stage for another task: without the slips of these names, and open to more of its own.

        Args:
            without: the names of the slips that are none there.
            rare: the names of slips that are told alone there.
            asks: where its functions find there what they ask for: `weights.but(scores="masked")`.

        Raises:
            LookupError: there is no such slip.
        """
        slips = [*self.slips, *self.rare_slips]
        if unknown := {*without, *rare} - {slip.name for slip in slips}:
            raise LookupError(f"the stage {self.name} has no slip {', '.join(sorted(unknown))}")
        alone = {*rare, *(slip.name for slip in self.rare_slips)}
        kept = [slip for slip in slips if slip.name not in without]
        often = [slip for slip in kept if slip.name not in alone]
        return Stage(self.compute, often, [slip for slip in kept if slip.name in alone], {**self.asks, **asks})


def answer_with(stages, names, slips=()):
    """Return the function of the inputs, by position, that goes through the stages with these slips.

    Args:
        stages: the stages in order; the last one's value is the output.
        names: the names of the inputs, in the order of the call.
        slips: of different stages; all others are gone through the right way.
    """
    ways = [
        next((slip.compute for slip in (*stage.slips, *stage.rare_slips) if slip in slips), stage.compute)
        for stage in stages
    ]

    def answer(*inputs):
        values = dict(zip(names, inputs, strict=True))
        for stage, way in zip(stages, ways, strict=True):
            values[stage.name] = _call(stage, way, values)
        return values[stages[-1].name]

    answer.names = tuple(names)
    return answer


def choices(stages, count):
    """Return how many ways there are to make `count` slips at different stages."""
    sizes = [len(stage.slips) for stage in stages]
    return sum(math.prod(chosen) for chosen in itertools.combinations(sizes, count))


def outputs(stages, inputs, count):
    """Yield (slips, output) for every way to make `count` slips at different stages; what raises is left out.

    What two ways have in common is computed once.

    Args:
        stages: the stages in order.
        inputs: the arguments by name; not copied.
        count: of slips.
    """
    yield from _outputs(stages, dict(inputs), count, ())


def _outputs(stages, values, count, chosen):
    if not stages:
        yield chosen, values[None]
        return
    stage, rest = stages[0], stages[1:]
    ways = [(stage.compute, ())] if sum(bool(later.slips) for later in rest) >= count else []
    if count:
        ways += [(slip.compute, (slip,)) for slip in stage.slips]
    for way, made in ways:
        try:
            value = _call(stage, way, values)
        except Exception:
            continue  # a slip that raises is recognized alone, by where it stops
        yield from _outputs(rest, {**values, stage.name: value, None: value}, count - len(made), chosen + made)


def _call(stage, way, values):
    return way(*(values[stage.asks.get(name, name)] for name in _parameters(way)))


@functools.cache
def _parameters(way):
    return tuple(inspect.signature(way).parameters)
