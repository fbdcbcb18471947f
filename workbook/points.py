"""What the test cells of an nbgrader assignment call: one call for each case, which raises unless it earns its points.

The answer runs in this process, beside the judge. `course.py grade` judges from outside; honest work gets the same
points from both, case by case.
"""

import contextlib
import io

from grader.judge import judge_question
from grader.result import Outcome
from tasks import CATALOGUE
from workbook import checking, questions

_results = {}  # what was judged in this notebook: {(task, seed): (answer, its result)}


class NoPointsError(AssertionError):
    """This earns no points. IPython shows the sentence alone, without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


def case(task_id, answer, name, *, seed=CATALOGUE.seed):
    """Return nothing if an answer is right in a case.

    Args:
        task_id: such as "02.scaled_scores".
        answer: the function or class.
        name: of the case.
        seed: the inputs are drawn from it.

    Raises:
        NoPointsError: it is not; the sentence says what is wrong.
        LookupError: there is no such task.
    """
    task = CATALOGUE.task(task_id)
    result = _result(task, answer, seed)
    of_case = next(one for one in result.cases if one.case == name)
    if result.outcome is Outcome.BORROWED or of_case.outcome is not Outcome.RIGHT:
        raise NoPointsError(of_case.message or result.message)


def choice(question_id):
    """Return nothing if the right choice was given to a question, in the code of this notebook or by a click.

    Raises:
        NoPointsError: it was not.
        LookupError: there is no such question.
    """
    result = judge_question(CATALOGUE.question(question_id), questions.chosen(question_id))
    if result.outcome is not Outcome.RIGHT:
        raise NoPointsError(result.message)


def _result(task, answer, seed):
    """Return the `TaskResult` of an answer, judged once for all its cases. One that does not end is not tried again."""
    if checking.is_the_courses(answer):
        raise NoPointsError(f"This is the course's own {task.function}. One's own earns the points.")
    earlier, result = _results.get((task.id, seed), (None, None))
    if earlier is not answer:
        _results[task.id, seed] = answer, None
        with contextlib.redirect_stderr(io.StringIO()):  # a warning is no mistake, and nbgrader takes it for one
            result = checking.judged(task, answer, seed)
        _results[task.id, seed] = answer, result
    if result is None:
        raise NoPointsError("Not run: in an earlier case the answer did not end, or ended this notebook's process.")
    return result
