"""`check`: a verdict on a function or a class, at once; `failing_inputs`: what it was wrong on."""

import contextlib
import importlib
import inspect

from grader import display
from grader.building import optimizer_of, with_weights
from grader.call import copy_inputs, in_library
from grader.judge import judge_function
from grader.program import refusing
from grader.result import Outcome
from tasks import CATALOGUE
from workbook import own_file, record

OWN = (*CATALOGUE.own, CATALOGUE.parts.own)
_failing = {}
_checked = {}  # what was handed to check last, by task
_right = {}  # what the last check of each task found
_when_right = []


def check(task_id, function=..., *, traceback=False, replace=False):
    """Judge a function or a class and display the verdict; a right part goes into the learner's own file.

    Args:
        task_id: such as "02.scaled_scores".
        function: the function or class itself, without parentheses.
        traceback: show where an answer raised.
        replace: put a right answer into the file even where that part was edited by hand.
    """
    try:
        task = CATALOGUE.task(str(task_id))
    except LookupError as error:
        return display.show(display.plain(Outcome.WRONG, "check", str(error)))
    if not callable(function):
        kind = "class" if _is_class_task(task) else "function"
        message = f'check wants the {kind} itself, without parentheses: check("{task.id}", {task.function}).'
        return display.show(display.plain(Outcome.WRONG, task.id, message))
    if _is_class_task(task) and not isinstance(function, type):
        message = f"{task.function} is to be a class, `class {task.function}(nn.Module):`, and this is none."
        return display.show(display.plain(Outcome.WRONG, task.id, message))
    if is_the_courses(function):
        message = f"This is the course's own {task.function}, and it works. Yours earns the points."
        return display.show(display.plain(Outcome.BORROWED, task.id, message))
    _checked[task.id] = function
    try:
        result = judged(task, function)
    except KeyboardInterrupt:
        message = "Stopped by you. If it ran long: is there a loop that does not end?"
        return display.show(display.plain(Outcome.TIMED_OUT, task.id, message))
    shown = result.shown
    can_be_shown = shown is not None and shown.inputs and not shown.broken
    _failing[task.id] = (function, shown) if can_be_shown else None
    names = _names(task) if _failing[task.id] else ()
    help_line = f'To look closer: `{", ".join(names)} = failing_inputs("{task.id}")`' if names else ""
    kept = own_file.keep(task, replace=replace) if result.outcome is Outcome.RIGHT else ""
    _right[task.id] = result.outcome is Outcome.RIGHT
    note = " ".join(filter(None, [kept, _what_comes_next(task)])) if _right[task.id] else ""
    display.show(display.verdict(result, help_line=help_line, note=note, traceback=traceback))
    record.note("check", task.id, outcome=result.outcome.value, **({"slip": result.mistake} if result.mistake else {}))
    if result.outcome is Outcome.RIGHT:
        for call in _when_right:
            call(task, function)


def judged(task, function, seed=CATALOGUE.seed):
    """Return the `TaskResult` of an answer in this notebook, on inputs drawn from the seed."""
    with _earlier_parts_of_the_course(task, function):
        return judge_function(task, function, seed, OWN, module_class=_handed_out(task))


def is_the_courses(answer):
    """Tell whether an answer is the course's own part, which earns nothing."""
    return getattr(answer, "__module__", "") == CATALOGUE.parts.own


def _what_comes_next(task):
    """Return what to do after a right answer: the next task of the exercise that is not right yet, or its end."""
    chapter = CATALOGUE.chapter(task.id.partition(".")[0])
    right = {id for id, is_right in _right.items() if is_right}
    right |= {other.id for other in chapter.tasks if _was_right(other)}
    open_yet = [other for other in chapter.tasks if other.id not in right and not other.optional]
    if open_yet:
        return f"Next: {open_yet[0].function}."
    if task.optional:
        return ""
    return "That was the last task of this exercise" + (": on to the questions." if chapter.questions else ".")


def _was_right(task):
    """Tell whether an answer to a task was right on an earlier visit."""
    earlier = record.since_reset("check", task.id)
    return any(event.get("outcome") == Outcome.RIGHT.value for event in earlier)


def all_right(*task_ids):
    """Tell whether the last checks of these tasks in this notebook found them right; say which did not."""
    open_yet = [task_id for task_id in task_ids if not _right.get(task_id)]
    if open_yet:
        message = f"This needs a right answer to {' and '.join(open_yet)}: check it above, then run this cell again."
        display.show(display.plain(Outcome.NOT_ATTEMPTED, "Not yet", message))
    return not open_yet


def on_right(call):
    """Have `call(task, function)` called after every verdict that says "right"; return `call`, so this decorates."""
    _when_right.append(call)
    return call


def failing_inputs(task_id):
    """Return the inputs of the smallest case that the last check() of this task found wrong, in the signature's order.

    Where the answer is a class, the module that it makes comes first, with the weights of the case; where a function is
    handed a module, that one, and then its optimizer if there is one.

    Raises:
        NothingFailedError: check() has not run, or found nothing wrong.
    """
    if not _failing.get(str(task_id)):
        raise NothingFailedError(
            f'check("{task_id}", ...) has found nothing wrong so far, so there are no inputs to look at.'
        )
    task = CATALOGUE.task(str(task_id))
    function, case = _failing[task.id]
    inputs = in_library(copy_inputs({**case.inputs, **case.weights}), task.library)
    found = {name: inputs[name] for name in case.inputs}
    if task.build is not None:
        found = {name: inputs[name] for name in task.build.takes}
        if task.build.module:
            module_class = _handed_out(task) if task.build.given else function
            module = with_weights(module_class, inputs, task.build)
            optimizer = task.build.optimizer and optimizer_of(module, inputs[task.build.optimizer])
            found = {task.build.name: module, **({"optimizer": optimizer} if optimizer else {}), **found}
    values = tuple(found.values())
    return values[0] if len(values) == 1 else values


def _names(task):
    """Return the names under which `failing_inputs` gives what it gives."""
    if task.build is None:
        return task.names
    optimizer = ("optimizer",) if task.build.optimizer else ()
    return ((task.build.name,) if task.build.module else ()) + optimizer + task.build.takes


def _is_class_task(task):
    build = task.build
    return build is not None and bool(build.module) and not (build.given or build.factory)


def _handed_out(task):
    """Return the class of the module that an answer is handed: the course's own; None where there is none."""
    if task.build is None or not task.build.given:
        return None
    source = CATALOGUE.parts.module if task.own_file else CATALOGUE.parts.own
    return getattr(importlib.import_module(source), task.build.module)


@contextlib.contextmanager
def _earlier_parts_of_the_course(task, answer):
    """While an answer is judged, let it use the course's own parts in the place of the learner's earlier ones: so a
    mistake there is not told again here. The part asked for, and later ones, refuse."""
    if task.own_file:
        yield
        return
    before, others = CATALOGUE.parts_before(task.id)
    names = _globals_of(answer)
    parts = [part for part in (*before, *others) if names.get(part.name) is not answer]
    swapped = {part.name: names[part.name] for part in parts if _is_part(names.get(part.name), part)}
    earlier = {part.name for part in before}
    for name in swapped:
        own = importlib.import_module(CATALOGUE.parts.own) if name in earlier else None
        names[name] = getattr(own, name) if own else refusing(name, CATALOGUE.parts.module)
    try:
        yield
    finally:
        names.update(swapped)


def _is_part(value, part):
    """Tell whether something is a part: from the learner's file, from the course's, or checked in this notebook."""
    modules = (CATALOGUE.parts.module, CATALOGUE.parts.own)
    return value is not None and (
        getattr(value, "__module__", "") in modules or (part.id in _checked and _checked[part.id] is value)
    )


def _globals_of(answer):
    """Return the names around a function or a class."""
    inside = vars(answer).values() if isinstance(answer, type) else [answer]
    functions = [one for one in inside if inspect.isfunction(one)]
    return functions[0].__globals__ if functions else {}


class NothingFailedError(LookupError):
    """There are no failing inputs. IPython shows the sentence alone, without a traceback."""

    def _render_traceback_(self):
        return [str(self)]
