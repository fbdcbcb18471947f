"""Points, lateness and weights, worked by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from classroom.graded import Adjustment, Graded, Student
from classroom.marks import earned_of, lateness, overall, penalty
from classroom.settings import ChapterSettings, LateRule, Settings


def result(id, points, worth, **more):
    return {"id": id, "points": points, "worth": worth, "outcome": "wrong", **more}


CASES = [{"points": 1, "worth": 1}, {"points": 0, "worth": 3}]
REPORT = {
    "results": [
        result("a", 3, 4),
        result("b", 0, 2),
        result("o", 0, 0, optional=True, cases=CASES),
    ]
}


@pytest.mark.parametrize(
    ("points", "earned", "possible"),
    [
        ({}, 3, 6),
        ({"a": 8}, 6, 10),  # three quarters of 8
        ({"a": 0}, 0, 2),
        ({"o": 2}, 3.5, 8),  # a quarter of 2
        ({"b": 10, "a": 1}, 0.75, 11),
    ],
)
def test_points_of_the_settings_replace_those_of_a_task(points, earned, possible):
    assert earned_of(REPORT, points) == (earned, possible)


def test_a_borrowed_answer_earns_nothing_by_settings_either():
    borrowed = {**result("o", 0, 0, optional=True, cases=CASES), "outcome": "borrowed"}
    assert earned_of({"results": [borrowed]}, {"o": 2}) == (0, 2)


DEADLINE = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
RULE = LateRule(10, timedelta(minutes=15), 35)


@pytest.mark.parametrize(
    ("after", "late", "off"),
    [
        (timedelta(days=-1), timedelta(0), 0),
        (timedelta(0), timedelta(0), 0),
        (timedelta(minutes=15), timedelta(0), 0),  # still within the grace
        (timedelta(minutes=16), timedelta(minutes=16), 2),  # the first day has begun: 10 % of 20
        (timedelta(days=1), timedelta(days=1), 2),
        (timedelta(days=1, seconds=1), timedelta(days=1, seconds=1), 4),
        (timedelta(days=3), timedelta(days=3), 6),
        (timedelta(days=3, seconds=1), timedelta(days=3, seconds=1), 7),  # 40 %, but 35 at most
        (timedelta(days=900), timedelta(days=900), 7),
    ],
)
def test_lateness_and_what_it_costs(after, late, off):
    assert lateness(DEADLINE + after, DEADLINE, RULE) == late
    assert penalty(20, late, RULE) == pytest.approx(off, abs=1e-12)


def test_without_a_rule_lateness_is_told_and_costs_nothing():
    late = lateness(DEADLINE + timedelta(minutes=1), DEADLINE, None)
    assert late == timedelta(minutes=1)
    assert penalty(20, late, None) == 0


def test_what_is_not_known_is_not_late():
    assert lateness(None, DEADLINE, RULE) == lateness(DEADLINE, None, RULE) == timedelta(0)


def test_the_night_when_clocks_change_is_an_hour_shorter():
    berlin = ZoneInfo("Europe/Berlin")
    deadline = datetime(2026, 3, 28, 23, 0, tzinfo=berlin)  # at 2 o'clock it becomes 3
    assert lateness(datetime(2026, 3, 29, 23, 0, tzinfo=berlin), deadline, RULE) == timedelta(hours=23)


def graded(chapter, earned, possible, off=0.0, *by_hand):
    adjustments = tuple(Adjustment(points, "because", "", DEADLINE) for points in by_hand)
    return Graded(Student("s"), chapter, "x", None, {}, earned, possible, timedelta(0), off, adjustments)


def test_weights():
    settings = Settings(chapters={"02": ChapterSettings(weight=3), "03": ChapterSettings(weight=0)})
    two, three, four = graded("02", 10, 20), graded("03", 0, 5), graded("04", 9, 10, 1.0, 2, -3)
    assert overall([two, three, four], settings) == pytest.approx((3 * 0.5 + 1 * 0.7) / 4)
    assert overall([three], settings) is None


def test_adjustments_never_go_below_0():
    assert graded("02", 2, 4, 0.5, -7).points == 0
