"""From a report to a mark: the points that the settings give, what lateness costs, several chapters together."""

import math
from datetime import UTC, timedelta

BORROWED = "borrowed"


def earned_of(report, points):
    """Return (points earned, points possible) of a report.

    Args:
        report: `grader.report.as_data` of a result.
        points: {task or question: what it is worth in the place of its own points}; a share of that is earned like the
            share of its own. An optional task counts if it is named here.
    """
    pairs = [_of_one(result, points.get(result["id"])) for result in report["results"]]
    return math.fsum(earned for earned, _ in pairs), math.fsum(possible for _, possible in pairs)


def _of_one(result, worth):
    if worth is None:
        return result["points"], result["worth"]
    earned, possible = result["points"], result["worth"]
    if result.get("optional") and result["outcome"] != BORROWED:
        earned = sum(case["points"] for case in result["cases"])
        possible = sum(case["worth"] for case in result["cases"])
    return (worth * earned / possible if possible else 0.0), worth


def lateness(submitted, deadline, rule):
    """Return how long after the deadline something was submitted: 0 if it was in time, within the grace of the rule, or
    either of the two is not known. After the grace it counts from the deadline."""
    if submitted is None or deadline is None:
        return timedelta(0)
    late = submitted.astimezone(UTC) - deadline.astimezone(UTC)  # by the wall clock, a day in March has 23 hours
    return late if late > (rule.grace if rule else timedelta(0)) else timedelta(0)


def penalty(earned, late, rule):
    """Return the points that a `LateRule` takes off, percent of those earned for each day that has begun."""
    if rule is None or late <= timedelta(0):
        return 0.0
    days = -(-late // timedelta(days=1))  # rounded up
    return earned * min(days * rule.percent_per_day, rule.at_most) / 100


def overall(graded, settings):
    """Return a student's mark over several chapters, where 1 is all points: the mean of the shares of points, weighted
    as the settings say. None if no weight is above 0.

    Args:
        graded: the student's `Graded`s, one for each chapter that counts.
        settings: the `Settings` of the class.
    """
    weighed = [(settings.chapter(one.chapter).weight, one) for one in graded if one.possible]
    total = math.fsum(weight for weight, _ in weighed)
    return math.fsum(weight * one.points / one.possible for weight, one in weighed) / total if total else None
