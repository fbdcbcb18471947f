"""What a learner calls in a notebook: `check`, `hint`, `answer`, and `failing_inputs` to look closer.

Here the answer runs in the learner's own process, and honesty is theirs; `course.py grade` judges from outside.
"""

from grader import catalogue, display
from grader.judge import judge_function, judge_question
from grader.result import Outcome
from grader.worker import copy_inputs, in_library

SEED = 2017  # the inputs of check(): the same for every learner and every day, so that two people can compare

_hints_given = {}
_failing = {}


def check(task_id, function=..., *, traceback=False):
    """Judge a function and display the verdict.

    Args:
        task_id: such as "02.scaled_scores".
        function: the function itself, without parentheses.
        traceback: show where an answer raised.
    """
    try:
        task = catalogue.task(str(task_id))
    except LookupError as error:
        return display.show(display.plain(Outcome.WRONG, "check", str(error)))
    if not callable(function):
        message = f'check wants the function itself, without parentheses: check("{task.id}", {task.function}).'
        return display.show(display.plain(Outcome.WRONG, task.id, message))
    try:
        result = judge_function(task, function, SEED)
    except KeyboardInterrupt:
        message = "Stopped by you. If it ran long: is there a loop that does not end?"
        return display.show(display.plain(Outcome.TIMED_OUT, task.id, message))
    inputs = result.shown.inputs if result.shown is not None else {}
    _failing[task.id] = inputs
    help_line = f'To look closer: `{", ".join(inputs)} = failing_inputs("{task.id}")`' if inputs else ""
    return display.show(display.verdict(result, help_line=help_line, traceback=traceback))


def failing_inputs(task_id):
    """Return the inputs of the smallest case that the last check() of this task found wrong, in the signature's order.

    Raises:
        NothingFailedError: check() has not run, or found nothing wrong.
    """
    if not _failing.get(str(task_id)):
        raise NothingFailedError(
            f'check("{task_id}", ...) has found nothing wrong so far, so there are no inputs to look at.'
        )
    task = catalogue.task(str(task_id))
    inputs = tuple(in_library(copy_inputs(_failing[task.id]), task.library).values())
    return inputs[0] if len(inputs) == 1 else inputs


class NothingFailedError(LookupError):
    """There are no failing inputs. IPython shows the sentence alone, without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


def hint(task_id):
    """Display the hints of a task so far and one more: a question, a pointer, a formula, nearly the line."""
    try:
        task = catalogue.task(str(task_id))
    except LookupError as error:
        return display.show(display.plain(Outcome.WRONG, "hint", str(error)))
    _hints_given[task.id] = number = min(_hints_given.get(task.id, 0) + 1, len(task.hints))
    title = f"{task.id}: hint {number} of {len(task.hints)}{', the last one' * (number == len(task.hints))}"
    return display.show(display.plain(Outcome.NOT_ATTEMPTED, title, *task.hints[:number]))


def answer(question_id, letter=...):
    """Display a question with its choices, and what the chosen letter says."""
    try:
        asked = catalogue.question(str(question_id))
    except LookupError as error:
        return display.show(display.plain(Outcome.WRONG, "answer", str(error)))
    letter = "" if letter is ... or letter is None else str(letter).strip().lower()
    return display.show(display.question(asked, letter, judge_question(asked, letter)))
