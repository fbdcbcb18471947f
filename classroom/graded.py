"""One student's graded submission, as the gradebook keeps it and every report reads it: plain data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Student:
    """Whoever handed in: an id that is theirs alone, and what the roster says besides."""

    id: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Adjustment:
    """Points that an instructor gave or took by hand; it stays when the work is graded again.

    Attributes:
        points: to add; below 0 to take off.
        reason: for the student.
        task: the id of the task or question that it is about; "" for the whole.
        made: when.
    """

    points: float
    reason: str
    task: str
    made: datetime


@dataclass(frozen=True)
class Graded:
    """What one student has for one chapter.

    Attributes:
        student: whose it is.
        chapter: its number, such as "02".
        submission: how the file was called; "" if nothing was handed in.
        submitted: when, if that is known.
        report: `grader.report.as_data` of the result; None if nothing was handed in.
        earned: points that the settings give for the report, before what follows.
        possible: points that there are.
        late: how long after the deadline.
        penalty: points taken off for that.
        adjustments: by hand.
    """

    student: Student
    chapter: str
    submission: str
    submitted: datetime | None
    report: dict[str, Any] | None
    earned: float
    possible: float
    late: timedelta = timedelta(0)
    penalty: float = 0.0
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def points(self):
        """What stands in the gradebook: never below 0."""
        return max(0.0, self.earned - self.penalty + sum(one.points for one in self.adjustments))
