"""Attacks on the judge, all in one batch beside honest submissions: each gets its grade, and has no effect."""

import json
import sys

import pytest
from attacks import ATTACKS
from batch import HONEST_ONES, MEMORY, wrong_grades

pytestmark = [
    pytest.mark.xdist_group("hostile"),  # one batch, whoever asks for it
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="this system has no jail"),
]

BY_NAME = {attack.name: attack for attack in ATTACKS}
LONGEST_REPORT = 2**17  # characters; an honest one has two thousand
HONEST_POINTS = {chapter: points for _, chapter, _, points in HONEST_ONES}


@pytest.fixture(params=BY_NAME)
def attack(request):
    return BY_NAME[request.param]


@pytest.fixture
def its(seen, attack):
    """What was seen of the attack."""
    return next(one for one in seen["attacks"] if one["name"] == attack.name)


def test_it_gets_its_grade_and_has_no_effect(its, attack):
    assert wrong_grades(attack, its) + its["effects"] == []


def test_it_costs_no_more_than_it_may(its, attack, seen):
    """Beyond what honest work costs in the same batch, on whatever machine this is."""
    honest = sorted(one["seconds"] for one in seen["honest"])[len(seen["honest"]) // 2]
    assert its["seconds"] < attack.seconds + 20 * honest


def test_its_report_can_be_shown(its):
    assert len(json.dumps(its["report"])) < LONGEST_REPORT
    json.dumps(its["report"].get("results"), ensure_ascii=False).encode()
    assert all(character.isprintable() or character == "\n" for character in its["text"])


def test_honest_submissions_keep_their_grades(seen):
    assert [one["error"] for one in seen["honest"]] == [""] * len(seen["honest"])
    reports = [one["report"] for one in seen["honest"]]
    assert len(reports) > len(ATTACKS) // 12
    assert [report["points"] for report in reports] == [HONEST_POINTS[report["chapter"]] for report in reports]
    assert [effect for one in seen["honest"] for effect in one["effects"]] == []


def test_honest_submissions_get_the_same_report_to_the_letter_before_and_after(seen):
    first, last = seen["honest"][0]["report"], seen["honest"][-len(HONEST_ONES)]["report"]
    assert first == last


def test_nothing_is_left_over(seen):
    assert (seen["left"], seen["late"]) == ([], [])


def test_the_judge_takes_no_more_memory_than_one_answer_may(seen):
    assert seen["grown"] < MEMORY


def test_every_attack_was_tried(seen):
    assert [one["name"] for one in seen["attacks"]] == list(BY_NAME)
    assert len(BY_NAME) >= 80


def test_the_report_says_how_answers_were_held(seen):
    assert seen["level"]
    assert {one["report"]["level"] for one in seen["honest"]} == {seen["level"]}
