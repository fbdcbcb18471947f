"""Wrong ways through a stage that are told alone: too rare to be looked for in pairs with all others."""

import functools

from grader.mistake import Mistake
from grader.stages import Stage, answer_with


def rare_ways(known, names, stages):
    """Return a decorator: `@alone(stage)` registers a wrong way through that stage as a mistake of its own.

    Args:
        known: the task's `Known`.
        names: the names of the inputs, in order.
        stages: returns the task's stages; called when the answer is, so that they may be named later.
    """

    def alone(stage):
        def register(way):
            mistake = Mistake(way)

            @known.mistake
            @functools.wraps(way)
            def answer(*inputs):
                ways = [Stage(one.compute, [mistake], one.asks) if one is stage else one for one in stages()]
                return answer_with(ways, names, [mistake])(*inputs)

            return way

        return register

    return alone
