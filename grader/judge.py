"""From replies to results: compares what came back with the reference, gives points, and says what is wrong."""

import numpy as np

from grader.call import ROOM, Terms, in_process, run_case
from grader.compare import difference
from grader.diagnose import find_mistake
from grader.reply import Crashed, Reply, TimedOut
from grader.result import CaseResult, Outcome, QuestionResult, TaskResult, first_to_show

ANY_SIZE = 2**62  # bytes


def expected_output(task, inputs):
    """Return the reference's output as an array.

    Raises:
        AssertionError: the reference gives NaN; the task is at fault, never the learner.
    """
    expected = run_case(task.reference, inputs, Terms(task.library), largest=ANY_SIZE).value
    assert expected is not None, f"the reference of {task.id} gives no array"
    assert expected.dtype.kind != "f" or not np.isnan(expected).any(), f"the reference of {task.id} gives NaN"
    return expected


def terms_of(task, own=()):
    """Return the `Terms` on which a task's answers are called; `own` names the packages of the course."""
    return Terms(task.library, task.finished, tuple(own))


def judge_function(task, function, seed, own=()):
    """Return the `TaskResult` of a function run in this process, as in a learner's own notebook."""
    return judge_task(task, seed, in_process(function, terms_of(task, own)))


def judge_task(task, seed, call):
    """Return the `TaskResult` of an answer, wherever it runs.

    Args:
        task: the `Task`.
        seed: the inputs are drawn from it.
        call: takes the inputs of a case and the bytes of the largest result that is looked at; returns a `Reply`,
            `TimedOut`, `Crashed`, or None where the case was not run.
    """
    cases_inputs = [task.inputs(case, seed) for case in task.cases]
    expected = [expected_output(task, inputs) for inputs in cases_inputs]
    replies = [call(inputs, ROOM + 8 * output.nbytes) for inputs, output in zip(cases_inputs, expected, strict=True)]
    cases = tuple(map(lambda *of_case: _judge_case(task, *of_case), task.cases, cases_inputs, expected, replies))
    borrowed = sorted({name for reply in replies if isinstance(reply, Reply) for name in reply.called})
    if borrowed:
        return TaskResult(task.id, cases, Outcome.BORROWED, _borrowed(borrowed))
    case = first_to_show(cases)
    if case is None:
        return TaskResult(task.id, cases, Outcome.RIGHT, "Right, on every case.")
    if case.outcome in (Outcome.WRONG, Outcome.RAISED) and all(isinstance(reply, Reply) for reply in replies):
        mistake = find_mistake(task, cases_inputs, replies)
        if mistake is not None:
            raised = case.outcome is Outcome.RAISED  # two mistakes may well break the same way, so say what is known
            message = (
                f"{_sentence(case.message)} A known mistake raises exactly this: {mistake.message}"
                if raised
                else mistake.message
            )
            return TaskResult(task.id, cases, case.outcome, message, mistake.name)
    message = case.message
    if case.outcome is Outcome.WRONG:
        message = " ".join(filter(None, [message, _broken_property(task, case)]))
    return TaskResult(task.id, cases, case.outcome, message)


def unreadable(task, reason):
    """Return the result of a task whose answer could not be read."""
    cases = tuple(CaseResult(case.name, case.points, Outcome.UNREADABLE) for case in task.cases)
    return TaskResult(task.id, cases, Outcome.UNREADABLE, f"{reason[0].upper()}{reason[1:]}")


def judge_question(question, letter):
    """Return the `QuestionResult` for a choice: a letter, "" if left open, None if the notebook does not ask."""
    if letter is None:
        message = (
            f'No cell answers this question: its cell was deleted. Add answer("{question.id}", "a") with your letter.'
        )
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
        case Reply(status="raised"):
            where = f" in the line `{reply.line}`" if reply.line else ""
            message = f"Your function raised {reply.error}{where}: {reply.message or 'no further message'}"
            return result(Outcome.RAISED, message, inputs=inputs, traceback=reply.traceback)
    if found := difference(reply, expected):
        only_dtype = difference(reply, expected, same_dtype=False) is None
        return result(Outcome.WRONG, found, only_dtype=only_dtype, inputs=inputs, yours=reply.value, expected=expected)
    if found := _changed_inputs(task, inputs, reply):
        return result(Outcome.WRONG, found, inputs=inputs)
    return result(Outcome.RIGHT)


def _changed_inputs(task, inputs, reply):
    copy = "clone" if task.library == "torch" else "copy"
    for name, before in inputs.items():
        if isinstance(before, np.ndarray) and not _is_as_before(before, reply.after.get(name)):
            return (
                f"Your result is right here, but the function changed its input {name} in place, and whoever called "
                f"it may still need that array. Make a new one, or work on {name}.{copy}()."
            )
    return None


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


def _borrowed(names):
    return (
        f"Your answer calls {' and '.join(names)}: that is the finished thing, and it works. "
        f"This task is about building it yourself, so it earns no points yet. hint(...) helps with the first step."
    )


def _sentence(text):
    """Return a text with a full stop; an exception's often has none."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
