"""`hint`: one step further each time, by a button in the page or by calling it again."""

import sys

from course_lib.controls import Control, in_page
from grader import display
from grader.result import Outcome
from tasks import CATALOGUE
from workbook import record

BY_HAND = '`hint("{id}", 1)`'
_given = {}
_controls = {}  # the last control of each task


def hint(task_id, number=None):
    """Display a button that shows one more hint of a task each time: a question, a pointer, a formula, nearly the line.

    Args:
        task_id: such as "02.scaled_scores".
        number: how many hints to show, where there are no buttons; in a terminal every further call shows one more.
    """
    try:
        task = CATALOGUE.task(str(task_id))
    except LookupError as error:
        return display.show(display.plain(Outcome.WRONG, "hint", str(error)))
    known = _given.get(task.id, 0)
    if number is None:
        number = known if in_page() else known + 1
    given = _give(task, number if isinstance(number, int) else known + 1)
    if not in_page():
        print(_shown(task, given).text)
        return
    handle = None

    def pressed(_):
        given = _give(task, _given[task.id] + 1)
        control.redraw(**_drawing(task, given))
        handle.update(_shown(task, given))

    control = _controls[task.id] = Control(_drawing(task, given), pressed)
    text = f"Stuck? There are {len(task.hints)} hints. Run this cell for the button. No button then? Run {BY_HAND}."
    text = text.format(id=task.id)
    control.display(text, display.inline(text))
    handle = sys.modules["IPython"].display.display(_shown(task, given), display_id=True)


def _give(task, number):
    """Remember that a reader has seen so many hints; return how many there are to show."""
    given = max(0, min(number, len(task.hints)))
    if given > _given.get(task.id, 0):
        record.note("hint", task.id, number=given)
    _given[task.id] = given
    return given


def _drawing(task, given):
    return {"kind": "button", "label": _label(task, given), "locked": given == len(task.hints)}


def _label(task, given):
    if given == len(task.hints):
        return "That was the last hint"
    return "Show another hint" if given else f"Stuck? Show a hint ({len(task.hints)} in all)"


def _shown(task, given):
    """Return the `Shown` of the hints so far, the earlier ones folded."""
    if not given:
        return display.Shown("", "")
    title = f"{task.id}: hint {given} of {len(task.hints)}{', the last one' * (given == len(task.hints))}"
    shown = display.plain(Outcome.NOT_ATTEMPTED, title, task.hints[given - 1])
    earlier = [
        display.plain(Outcome.NOT_ATTEMPTED, f"Hint {n}", text) for n, text in enumerate(task.hints[: given - 1], 1)
    ]
    folded = f"<details><summary>Earlier hints</summary>{''.join(one.markup for one in earlier)}</details>"
    text = "\n".join([title, *task.hints[:given]])
    return display.Shown(text, folded * bool(earlier) + shown.markup)
