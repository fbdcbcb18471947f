"""`check`: a verdict on a function, at once; `failing_inputs`: what it was wrong on."""

from grader import display
from grader.call import copy_inputs, in_library
from grader.judge import judge_function
from grader.result import Outcome
from tasks import CATALOGUE

_failing = {}
_when_right = []


def check(task_id, function=..., *, traceback=False):
    """Judge a function and display the verdict.

    Args:
        task_id: such as "02.scaled_scores".
        function: the function itself, without parentheses.
        traceback: show where an answer raised.
    """
    try:
        task = CATALOGUE.task(str(task_id))
    except LookupError as error:
        return display.show(display.plain(Outcome.WRONG, "check", str(error)))
    if not callable(function):
        message = f'check wants the function itself, without parentheses: check("{task.id}", {task.function}).'
        return display.show(display.plain(Outcome.WRONG, task.id, message))
    try:
        result = judge_function(task, function, CATALOGUE.seed, CATALOGUE.own)
    except KeyboardInterrupt:
        message = "Stopped by you. If it ran long: is there a loop that does not end?"
        return display.show(display.plain(Outcome.TIMED_OUT, task.id, message))
    inputs = result.shown.inputs if result.shown is not None else {}
    _failing[task.id] = inputs
    help_line = f'To look closer: `{", ".join(inputs)} = failing_inputs("{task.id}")`' if inputs else ""
    display.show(display.verdict(result, help_line=help_line, traceback=traceback))
    if result.outcome is Outcome.RIGHT:
        for call in _when_right:
            call(task, function)


def on_right(call):
    """Have `call(task, function)` called after every verdict that says "right"; return `call`, so this decorates."""
    _when_right.append(call)
    return call


def failing_inputs(task_id):
    """Return the inputs of the smallest case that the last check() of this task found wrong, in the signature's order.

    Raises:
        NothingFailedError: check() has not run, or found nothing wrong.
    """
    if not _failing.get(str(task_id)):
        raise NothingFailedError(
            f'check("{task_id}", ...) has found nothing wrong so far, so there are no inputs to look at.'
        )
    task = CATALOGUE.task(str(task_id))
    inputs = tuple(in_library(copy_inputs(_failing[task.id]), task.library).values())
    return inputs[0] if len(inputs) == 1 else inputs


class NothingFailedError(LookupError):
    """There are no failing inputs. IPython shows the sentence alone, without a traceback."""

    def _render_traceback_(self):
        return [str(self)]
