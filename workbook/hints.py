"""`hint`: one step further each time."""

from grader import display
from grader.result import Outcome
from tasks import CATALOGUE

_given = {}


def hint(task_id):
    """Display the hints of a task so far and one more: a question, a pointer, a formula, nearly the line."""
    try:
        task = CATALOGUE.task(str(task_id))
    except LookupError as error:
        return display.show(display.plain(Outcome.WRONG, "hint", str(error)))
    _given[task.id] = number = min(_given.get(task.id, 0) + 1, len(task.hints))
    title = f"{task.id}: hint {number} of {len(task.hints)}{', the last one' * (number == len(task.hints))}"
    return display.show(display.plain(Outcome.NOT_ATTEMPTED, title, *task.hints[:number]))
