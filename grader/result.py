"""Outcomes, points and the report as data. Everything starts as "not run"; points come from what was asked."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np


class Outcome(Enum):
    """What became of a case, a task or a question."""

    NOT_RUN = "not run"
    NOT_ATTEMPTED = "not attempted"
    UNREADABLE = "unreadable"
    RAISED = "raised"
    WRONG = "wrong"
    BORROWED = "borrowed"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    RIGHT = "right"


@dataclass(frozen=True)
class CaseResult:
    """One case of one task.

    Attributes:
        case: its name.
        worth: points for a right output.
        outcome: what became of it.
        message: one plain sentence on what is wrong.
        right_numbers: whether the numbers are right, and only their dtype, or the library they come in, is wrong.
        inputs, yours, expected, dtype: what to show a learner; a report on a file has them as short texts at most.
        weights: those of the inputs that are the parameters of a module, by name.
        broken: whether the answer is not what was asked for, whatever it computes.
        traceback: of an answer that raised.
    """

    case: str
    worth: int
    outcome: Outcome = Outcome.NOT_RUN
    message: str = ""
    right_numbers: bool = False
    inputs: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    broken: bool = False
    yours: np.ndarray | None = None
    expected: np.ndarray | None = None
    dtype: str = ""
    traceback: str = ""

    @property
    def points(self):
        return self.worth if self.outcome is Outcome.RIGHT else 0


@dataclass(frozen=True)
class TaskResult:
    """One task: its outcome is right only if every case is.

    Attributes:
        id: the task's id.
        cases: a result for every case of the task, run or not.
        outcome: that of the case that `first_to_show` picks.
        message: one plain sentence.
        mistake: the name of the known mistake that computes exactly this, or "".
        told_by: what the message rests on: "mistake", "form" (shape, type, dtype, NaN), "in place", "line" (where it
            raised), "contract" (it is no such module), "gradients" and the like (what else was asked of it than its
            output), "property", "probe", "relation", "dependence" or "numbers" (nothing but that they differ).
        optional: whether it earns no points, whatever its cases are worth.
        flags: what an instructor may want to look at, in sentences; never for the student, never a verdict.
    """

    id: str
    cases: tuple[CaseResult, ...]
    outcome: Outcome
    message: str
    mistake: str = ""
    told_by: str = ""
    optional: bool = False
    flags: tuple[str, ...] = ()

    @property
    def points(self):
        return 0 if self.optional or self.outcome is Outcome.BORROWED else sum(case.points for case in self.cases)

    @property
    def worth(self):
        return 0 if self.optional else sum(case.worth for case in self.cases)

    @property
    def shown(self):
        """The smallest case that is not right, to be shown; None if there is none, or all of it is borrowed."""
        case = first_to_show(self.cases)
        return case if case is not None and case.outcome is self.outcome else None


def first_to_show(cases):
    """Return the smallest case that is not right: one whose numbers are right only if no other is left."""
    failed = [case for case in cases if case.outcome is not Outcome.RIGHT]
    return next((case for case in failed if not case.right_numbers), failed[0] if failed else None)


@dataclass(frozen=True)
class QuestionResult:
    """One question."""

    id: str
    worth: int
    outcome: Outcome
    message: str

    @property
    def points(self):
        return self.worth if self.outcome is Outcome.RIGHT else 0


@dataclass(frozen=True)
class NotebookResult:
    """One submitted file: a result for everything its chapter asks, or the reason why there is none.

    Attributes:
        path: what it is called.
        seed: what the inputs were drawn from.
        chapter: its number.
        results: for all that the chapter asks.
        problem: why it could not be graded as a whole, or "".
        level: how the answers were held while they ran, in words.
    """

    path: str
    seed: int
    chapter: str = ""
    results: tuple[TaskResult | QuestionResult, ...] = ()
    problem: str = ""
    level: str = ""

    @property
    def points(self):
        return sum(result.points for result in self.results)

    @property
    def worth(self):
        return sum(result.worth for result in self.results)
