"""From replies to results: compares what came back with the reference, gives points, and says what is wrong."""

import contextlib
import dataclasses
import functools
import io
import math

import numpy as np

from grader.advice import told
from grader.building import segments
from grader.call import ROOM, in_process, run_case
from grader.compare import apart, close, difference
from grader.diagnose import find_mistake, kept
from grader.probing import dependence, see, unsteady
from grader.relations import relation
from grader.reply import Crashed, Reply, TimedOut
from grader.result import CaseResult, Outcome, QuestionResult, TaskResult, first_to_show

ANY_SIZE = 2**62  # bytes


def expected_output(task, inputs):
    """Return the reference's output as an array.

    Raises:
        AssertionError: the reference gives NaN; the task is at fault, never the learner.
    """
    expected = run_case(task.reference, inputs, task.terms, largest=ANY_SIZE).value
    assert expected is not None, f"the reference of {task.id} gives no array"
    assert expected.dtype.kind != "f" or not np.isnan(expected).any(), f"the reference of {task.id} gives NaN"
    return expected


def terms_of(task, own=()):
    """Return the `Terms` on which a task's answers are called; `own` names the packages of the course."""
    return dataclasses.replace(task.terms, finished=task.finished, own=tuple(own), reuse=False)


def judge_function(task, function, seed, own=(), *, computed=None, module_class=None):
    """Return the `TaskResult` of a function or class run in this process, as in a learner's own notebook.

    Args:
        module_class: of the module that the answer is handed; the task's own skeleton if None.
    """
    terms = terms_of(task, own)
    if module_class is not None:
        terms = dataclasses.replace(terms, module_class=module_class)
    kept_back = _Printed(in_process(function, terms))
    try:
        result = judge_task(task, seed, kept_back, own, computed=computed)
    except BaseException:
        kept_back.show(None)
        raise
    kept_back.show(result)
    return result


class _Printed:
    """Calls an answer, and keeps back what it prints: that of one case is worth reading, that of all of them floods the
    page."""

    def __init__(self, call):
        self.call, self.printed = call, []

    def __call__(self, inputs, largest):
        self.printed.append(io.StringIO())
        with contextlib.redirect_stdout(self.printed[-1]):
            return self.call(inputs, largest)

    def show(self, result):
        """Print what the answer printed on the case that is shown; on the first one if none is."""
        texts = [one.getvalue() for one in self.printed]
        if not any(texts):
            return
        if result is None:  # stopped on the way
            print(texts[-1], end="")
            return
        shown = result.shown or result.cases[0]
        text = texts[result.cases.index(shown)]
        print(f"Your function printed in the case {shown.case} (it is called on others too):")
        print(text if text.endswith("\n") else f"{text}\n" if text else "(nothing)\n", end="")


def judge_task(task, seed, call, own=(), *, computed=None):
    """Return the `TaskResult` of an answer, wherever it runs.

    After all cases, one of them is tried once more with other numbers of the same sizes: what an answer keeps from one
    call to the next shows there.

    Args:
        task: the `Task`.
        seed: the inputs are drawn from it.
        call: takes the inputs of a case and the bytes of the largest result that is looked at; returns a `Reply`,
            `TimedOut`, `Crashed`, or None where the case was not run.
        own: packages of the course, whose lines are never the answer's.
        computed: keeps what the reference and the mistakes compute, for whoever judges many answers on one seed.
    """
    computed = dict(task.computed) if computed is None else computed
    tried, cases_inputs = kept(computed, "the tries", tries, task, seed)
    expected = [
        kept(computed, ("the expected output", case), expected_output, task, inputs)
        for case, inputs in enumerate(cases_inputs)
    ]
    replies = [call(inputs, ROOM + 8 * output.nbytes) for inputs, output in zip(cases_inputs, expected, strict=True)]
    results = list(map(lambda *of_case: _judge_case(task, *of_case), tried, cases_inputs, expected, replies))
    cases = tuple(_once_more(results[: len(task.cases)], results[len(task.cases) :]))
    result = functools.partial(TaskResult, task.id, cases, optional=task.optional)
    borrowed = sorted({name for reply in replies if isinstance(reply, Reply) for name in reply.called})
    if borrowed:
        return result(Outcome.BORROWED, _borrowed(borrowed, task.optional))
    case = first_to_show(cases)
    if case is None:
        return result(Outcome.RIGHT, "Right, on every case.")
    if case.outcome not in (Outcome.WRONG, Outcome.RAISED) or not all(isinstance(reply, Reply) for reply in replies):
        return result(case.outcome, case.message)
    found = find_mistake(task, cases_inputs, replies, own, computed)
    if found is None:
        message, told_by = _seen(task, seed, call, cases, case)
        return result(case.outcome, message, told_by=told_by)
    message = found.message
    if case.outcome is Outcome.RAISED:  # two mistakes may well break the same way, so say what is known
        message = f"{case.message} A known mistake stops in just this way; is it yours? {found.message}"
    if not found.same_dtype and (dtypes := _dtypes(expected, replies)):
        message = f"{message} Besides, the dtype of your result is {dtypes}."
    if changed := next(filter(None, map(_changed, cases_inputs, replies)), None):
        message = f"{message} Besides, the function changes its input `{changed}` in place."
    return result(case.outcome, message, found.name, "mistake")


def tries(task, seed):
    """Return the cases and the inputs on which an answer is tried: every case of the task, and one of them again."""
    cases_inputs = [task.inputs(case, seed) for case in task.cases]
    for case, inputs in zip(task.cases, cases_inputs, strict=True):
        others = task.inputs(case, seed, again=True)
        if case.draw is None and _differ(inputs, others):
            return (*task.cases, case), [*cases_inputs, others]
    return task.cases, cases_inputs


def unreadable(task, reason):
    """Return the result of a task whose answer could not be read."""
    cases = tuple(CaseResult(case.name, case.points, Outcome.UNREADABLE) for case in task.cases)
    message = f"{reason[0].upper()}{reason[1:]}"
    return TaskResult(task.id, cases, Outcome.UNREADABLE, message, optional=task.optional)


def judge_question(question, letter):
    """Return the `QuestionResult` for a choice: a letter, "" if left open, None if the notebook does not ask."""
    if letter is None:
        way_out = f'Add answer("{question.id}", "a") with your letter.'
        message = f"No cell answers this question: it was deleted, or made a comment. {way_out}"
        return QuestionResult(question.id, question.points, Outcome.UNREADABLE, message)
    if not letter:
        return QuestionResult(question.id, question.points, Outcome.NOT_ATTEMPTED, "Not attempted yet.")
    choice = question.lettered.get(letter.strip().lower())
    if choice is None:
        message = f"{letter!r} is none of the choices {', '.join(question.lettered)}."
        return QuestionResult(question.id, question.points, Outcome.WRONG, message)
    return QuestionResult(
        question.id, question.points, Outcome.RIGHT if choice.right else Outcome.WRONG, choice.explanation
    )


def _judge_case(task, case, inputs, expected, reply):
    def result(outcome, message="", **shown):
        if task.build is not None and "inputs" in shown:
            shown["weights"] = task.build.parameters(inputs)
            rate = (task.build.optimizer,) if task.build.optimizer else ()
            shown["inputs"] = {name: inputs[name] for name in (*task.build.arguments, *task.build.takes, *rate)}
        return CaseResult(case.name, case.points, outcome, message, **shown)

    match reply:
        case None:
            return result(Outcome.NOT_RUN, "Not run: an earlier case ended the process.")
        case TimedOut(seconds=seconds, waiting=True):
            return result(
                Outcome.TIMED_OUT,
                f"Stopped after {seconds:g} s without a result, though it had computed little: does it wait for "
                f"something, such as input() or a sleep?",
            )
        case TimedOut(seconds=seconds):
            return result(
                Outcome.TIMED_OUT,
                f"Still running after {seconds:g} s of computing, so it was stopped: a loop without end?",
            )
        case Crashed(reason=reason):
            return result(
                Outcome.CRASHED, f"The answer took its process down: {reason}. Too much memory, or sys.exit()?"
            )
        case Reply(status="untouched"):
            return result(Outcome.NOT_ATTEMPTED, f"Not attempted yet: {task.function} still returns `...`.")
        case Reply(status="broken"):
            return result(Outcome.WRONG, reply.message, inputs=inputs, broken=True)
        case Reply(status="raised"):
            return result(Outcome.RAISED, told(reply, task.build), inputs=inputs, traceback=reply.traceback)
    if found := difference(reply, expected):
        numbers = difference(reply, expected, same_dtype=False) is None
        if task.build is not None and task.build.module and not (task.build.given or task.build.factory):
            found = found.replace("Your function returned", "Your forward returned")
        if not numbers and case.asks != "output":
            found = _of_what_was_asked(task, case, inputs, expected, reply) or found
        if numbers and reply.library:
            found = f"{found} {_way_to_the_dtype(inputs, expected, reply)}"
        is_row = case.asks in ("gradients", "weights") and reply.shape == expected.shape  # of no use side by side
        return result(
            Outcome.WRONG,
            found,
            right_numbers=numbers,
            inputs=inputs,
            yours=None if is_row else reply.value,
            expected=None if is_row else expected,
            dtype=reply.dtype,
        )
    if found := _of_another_library(task, reply):
        return result(Outcome.WRONG, found, right_numbers=True, inputs=inputs)
    if found := _changed_inputs(task, inputs, reply):
        return result(Outcome.WRONG, found, inputs=inputs)
    return result(Outcome.RIGHT)


def _differ(inputs, others):
    return any(not np.array_equal(value, others[name]) for name, value in inputs.items() if value is not None)


def _once_more(results, again):
    """Yield the results of the cases; one that is right is so only if it was right once more."""
    for result in results:
        other = next((one for one in again if one.case == result.case), result)
        if result.outcome is Outcome.RIGHT and other.outcome in (Outcome.WRONG, Outcome.RAISED):
            message = (
                f"Right at first, but not on other numbers of the same shapes, tried at the end: does something stay "
                f"from one call to the next, or is something drawn at random? {other.message}"
            )
            yield dataclasses.replace(other, message=message)
        else:
            yield result


def _seen(task, seed, call, cases, case):
    """Return (message, what it rests on) for an answer that nothing known explains."""
    parts, told_by = [case.message], "form"
    of_case = next(one for one in task.cases if one.name == case.case)
    sizes = of_case.sizes
    if case.outcome is Outcome.RAISED:
        told_by = "line"
    elif case.broken:
        told_by = "contract"
    elif of_case.asks not in ("output", "training"):
        told_by = of_case.asks
    elif case.yours is None or case.right_numbers:
        told_by = "form" if case.right_numbers or case.dtype or case.expected is not None else "in place"
    elif case.yours.shape != case.expected.shape:
        parts.append(_named_axes(case.yours.shape, case.expected.shape, sizes))
        parts.append(_where_it_stops(cases))
    elif case.yours.dtype.kind == case.expected.dtype.kind:
        told_by = "numbers"
        for kind, look in _looks(task, seed, call, case, of_case):
            if saw := look():
                told_by = kind if told_by == "numbers" else told_by
                parts.append(saw)
                if kind != "property":
                    break
    right = sum(one.outcome is Outcome.RIGHT for one in cases)
    if right and not case.right_numbers and told_by != "in place":
        parts.append(_how_many_are_right(cases, case))
    return " ".join(filter(None, parts)), told_by


def _where_it_stops(cases):
    """Return where the answer raised on another case, which tells more than a shape that is wrong; None if nowhere."""
    other = next((one for one in cases if one.outcome is Outcome.RAISED), None)
    return other and f"In another case, {other.case}, there is no result at all. {other.message}"


def _how_many_are_right(cases, case):
    """Return how many cases are right; and that one counts more, where points and cases do not agree."""
    right = sum(one.outcome is Outcome.RIGHT for one in cases)
    parts = [f"{right} of {len(cases)} cases {'is' if right == 1 else 'are'} right"]
    if more := [one for one in cases if one.worth > 1]:
        several = f"{len(more)} of the {len(cases)} count" if len(more) > 1 else f"one of the {len(cases)} counts"
        parts.append(f" ({several} {more[0].worth} points)" if len({one.worth for one in more}) == 1 else "")
    return f"{''.join(parts)}; this one is not: {case.case}."


def _named_axes(yours, expected, sizes):
    """Return two shapes by the names of the case's sizes, if each axis expected has one of its own; else None."""
    names = {size: name for name, size in sizes.items()}
    if len(names) < len(sizes) or not yours or not set(expected) <= {*names, 1}:
        return None
    if len(set(yours)) < len(yours):
        return None  # two axes of one size: which is which?
    of_yours, of_expected = (", ".join(str(names.get(size, size)) for size in shape) for shape in (yours, expected))
    return f"By their sizes, its axes are ({of_yours}) where ({of_expected}) is asked for."


def _looks(task, seed, call, case, of_case):
    """Return the ways to look at an answer, the most telling first, as (kind, what returns a sentence or None)."""
    inputs = {**case.inputs, **case.weights, **({} if task.build is None else {"asks": of_case.asks})}
    return (
        ("probe", lambda: unsteady(task, inputs, call)),
        ("property", lambda: _broken_property(task, case)),
        ("probe", lambda: see(task, seed, call)),
        ("relation", lambda: relation(case.yours, case.expected, of_case.sizes, case.dtype)),
        ("dependence", lambda: dependence(task, inputs, call, task.generator("dependence", seed))),
    )


def _of_what_was_asked(task, case, inputs, expected, reply):
    """Return what to say where something else than an output is wrong; None if the output itself is to be spoken of."""
    if reply.value is None or reply.value.shape != expected.shape:
        return None
    match case.asks:
        case "training":
            return f"In training mode: {difference(reply, expected)}"
        case "operations":
            return (
                "The numbers are right elsewhere, but the way to them takes more multiplications than it should: "
                "something that was computed before is computed again."
            )
        case "weights":
            return _first_weight(task.build.parameters(inputs), reply.value, expected)
        case "gradients":
            return _first_gradient(segments(task.build, inputs), reply.value, expected)
    return None


def _first_gradient(parts, yours, expected):
    """Return in one sentence which gradient differs first, and where."""
    start = 0
    for name, shape in parts:
        size = math.prod(shape)
        of_yours, right = (numbers[start : start + size].reshape(shape) for numbers in (yours, expected))
        wrong = ~close(of_yours, right)
        if wrong.any():
            if np.isnan(of_yours).any():
                return f"The gradient of `{name}` holds {np.count_nonzero(np.isnan(of_yours))} NaN."
            if not of_yours.any():
                return f"The gradient of `{name}` is 0 throughout; expected {right[wrong][0]:.4g} and others."
            place = ", ".join(str(int(i)) for i in np.argwhere(wrong)[0])
            numbers = "yours {}, expected {}".format(*apart(of_yours[wrong][0].item(), right[wrong][0].item()))
            return f"The output may be right, but the gradient of `{name}` differs, first at [{place}]: {numbers}."
        start += size
    return None


def _first_weight(weights, yours, expected):
    """Return in one sentence how the parameters after the call are not what they should be."""
    before = np.concatenate([weight.ravel() for weight in weights.values()])
    moved, right = yours - before, expected - before
    if not np.isfinite(yours).all():
        return "After the call, parameters of the model are NaN or infinite."
    if not right.any():
        return "After the call, the model has other parameters than before, and it should keep them."
    if not moved.any():
        return "After the call, all parameters of the model are what they were."
    factor = float(moved @ right / (right @ right))
    if np.allclose(moved, factor * right, atol=1e-3 * np.abs(moved).max()):
        return f"After the call, every parameter of the model has moved {factor:.3g} times as far as it should."
    start = 0
    for name, weight in weights.items():
        here = slice(start, start + weight.size)
        start = here.stop
        wrong = ~close(yours[here], expected[here])
        if wrong.any():
            if not moved[here].any():
                return f"After the call, the parameter `{name}` is what it was, and it should have moved."
            first = int(wrong.argmax())
            place = ", ".join(str(int(i)) for i in np.unravel_index(first, weight.shape))
            return (
                f"After the call, the parameter `{name}` is not what it should be, first at [{place}]: it moved by "
                f"{moved[here][first]:.4g}, expected {right[here][first]:.4g}. All parameters together moved by "
                f"{np.linalg.norm(moved):.4g}, expected {np.linalg.norm(right):.4g}."
            )
    return None


def _of_another_library(task, reply):
    """Return what to say of the right numbers in the other library's array; plain numbers are welcome in both."""
    if reply.library in ("", task.library):
        return None
    names = {"numpy": "NumPy array", "torch": "PyTorch tensor"}
    wanted = names[task.library]
    if reply.shape == () and task.library == "numpy":
        return f"The number is right, but it comes in a {names[reply.library]}. .item() makes a plain number of it."
    way = "torch.from_numpy(...) makes one" if task.library == "torch" else ".numpy() makes one"
    return f"The numbers are right, but they come in a {names[reply.library]}. This task wants a {wanted} back: {way}."


def _way_to_the_dtype(inputs, expected, reply):
    """Return how numbers get the expected dtype: by keeping that of the inputs, or by saying so where they are made."""
    given = {value.dtype for value in inputs.values() if isinstance(value, np.ndarray) and value.dtype.kind == "f"}
    parts = ["Say so where they are made: dtype=..."]
    if given == {expected.dtype}:
        parts = [f"The inputs are {expected.dtype}, and should not be turned into anything else on the way."]
    if (reply.library, reply.dtype) == ("torch", "float32"):
        parts.append("What is made anew is float32 unless told otherwise: torch.zeros(shape, dtype=...).")
    if (reply.library, reply.dtype) == ("numpy", "float64"):
        parts.append(
            "What is made anew is float64 unless told otherwise: np.zeros(shape, dtype=...). A NumPy scalar such as "
            "np.sqrt(5) lifts what it touches, and so does an array of integers; math.sqrt(5) does not."
        )
    return " ".join(parts)


def _dtypes(expected, replies):
    """Return the first dtype that is not the expected one, in words; None if all are."""
    pairs = zip(expected, replies, strict=True)
    arrays = ((output, reply) for output, reply in pairs if reply.library and output.dtype.kind == "f")
    of_case = ((str(output.dtype), reply.dtype) for output, reply in arrays)
    return next((f"{yours}, expected {right}" for right, yours in of_case if right != yours), None)


def _changed_inputs(task, inputs, reply):
    name = _changed(inputs, reply)
    if name is None:
        return None
    copy = "clone" if task.library == "torch" else "copy"
    return (
        f"Your result is right here, but the function changed its input `{name}` in place, and whoever called "
        f"it may still need that array. Make a new one, or work on {name}.{copy}()."
    )


def _changed(inputs, reply):
    """Return the name of the first input that is not what it was, in numbers, shape or layout; None if all are."""
    if reply.status != "returned":
        return None
    arrays = ((name, value) for name, value in inputs.items() if isinstance(value, np.ndarray))
    return next((name for name, before in arrays if not _is_as_before(before, reply.after.get(name))), None)


def _is_as_before(before, after):
    """Tell whether an input is still what it was; an answer may have given it another shape or dtype, too."""
    return (
        after is not None
        and after.dtype == before.dtype
        and np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    )


def _broken_property(task, case):
    """Return the sentence of the first property that the learner's output lacks, if it can be asked for at all."""
    if (
        case.yours is None
        or case.yours.shape != case.expected.shape
        or case.yours.dtype.kind != case.expected.dtype.kind
    ):
        return None
    with np.errstate(all="ignore"):
        return next((p.message for p in task.properties if not p.holds(case.inputs, case.yours)), None)


def _borrowed(names, optional):
    earned = "it does not count" if optional else "it earns no points"
    return (
        f"Your answer calls {' and '.join(names)}: that is the finished thing. "
        f"This task is about building it yourself, so {earned} yet. hint(...) helps with the first step."
    )
