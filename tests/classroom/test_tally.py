"""What a class's reports tell when they are counted, against numbers counted by hand."""

from collections import Counter

import pytest
from a_class import CHAPTER, graded

from classroom.reports import tally


def wrong(mistake, outcome="wrong", **more):
    return {"outcome": outcome, "mistake": mistake, **more}


CLASS = [
    graded("Ada"),
    graded("Ben", {"head_scores": wrong("reshaped_without_swap + not_divided"), "scaled_scores": "raised"}),
    graded("Cem", {"head_scores": wrong("reshaped_without_swap"), "scaled_scores": "timed out"}),
    graded("Dea", {"head_scores": wrong("not_divided"), "scaled_scores": "borrowed"}),
    graded("Eli", {"head_scores": wrong("not_divided | heads_in_reverse"), "row_entropy": "not attempted"}),
    graded("Fay", handed_in=False),
    graded("Gus", {"head_scores": wrong("not_divided")}, problem="It is no notebook."),
]


def test_outcomes_are_counted_over_what_could_be_read():
    first, _, heads, entropy = tally.tasks(CLASS, CHAPTER)
    assert first.outcomes == {"right": 2, "raised": 1, "other": 2}
    assert first.others == {"timed out": 1, "borrowed": 1}
    assert heads.outcomes == {"right": 1, "wrong": 4}
    assert entropy.outcomes == {"right": 4, "not attempted": 1}
    assert (entropy.answers, entropy.attempted, entropy.optional, entropy.worth) == (5, 4, True, 0)
    assert first.unexplained == 1  # Ben's error, which no mistake explains
    assert heads.unexplained == 0


def test_who_makes_two_mistakes_counts_for_both_and_alternatives_stay_together():
    found = {one.names: one for one in tally.mistakes(CLASS, CHAPTER)}
    assert {names: one.count for names, one in found.items()} == {
        ("reshaped_without_swap",): 2,
        ("not_divided",): 2,
        ("not_divided", "heads_in_reverse"): 1,
    }
    pair = "reshaped_without_swap + not_divided"
    assert found[("reshaped_without_swap",)].together == found[("not_divided",)].together == {pair: 1}
    assert found[("not_divided", "heads_in_reverse")].together == {}


def test_a_mistake_says_what_the_catalogue_says():
    task = CHAPTER.tasks[2]
    said = next(slip.message for slip in task.slips if slip.name == "reshaped_without_swap")
    found = next(one for one in tally.mistakes(CLASS, CHAPTER) if one.names == ("reshaped_without_swap",))
    assert found.sentences == (said,)


def test_a_mistake_that_the_catalogue_no_longer_has_is_called_by_its_name():
    found = tally.mistakes([graded("Ada", {"head_scores": wrong("no_longer_there")})], CHAPTER)
    assert found[0].sentences == ("no longer there",)


def test_a_choice_is_known_by_its_explanation():
    asked = CHAPTER.questions[0]
    b, c = asked.lettered["b"], asked.lettered["c"]
    name = asked.id.partition(".")[2]
    found = tally.questions(
        [
            graded("Ada", {name: {"outcome": "right", "message": b.explanation}}),
            graded("Ben", {name: {"outcome": "wrong", "message": c.explanation}}),
            graded("Cem", {name: {"outcome": "wrong", "message": "'z' is none of the choices a, b, c, d."}}),
            graded("Dea", {name: {"outcome": "not attempted", "message": "Not attempted yet."}}),
            graded("Eli", handed_in=False),
        ],
        CHAPTER,
    )[0]
    assert found.chosen == Counter(b=1, c=1)
    assert (found.right, found.unknown, found.open, found.answers) == (1, 1, 1, 4)


def test_every_explanation_of_the_course_belongs_to_one_choice_of_its_question():
    from tasks import CATALOGUE

    for chapter in CATALOGUE.chapters:
        for asked in chapter.questions:
            for letter, choice in asked.lettered.items():
                result = {"outcome": "right" if choice.right else "wrong", "message": choice.explanation}
                assert tally.choice_of(asked, result) == letter


def test_what_nobody_solved():
    everyone_wrong = [graded(name, {"head_scores": "wrong", "why_the_root": "wrong"}) for name in ("Ada", "Ben")]
    tallies = [*tally.tasks(everyone_wrong, CHAPTER), *tally.questions(everyone_wrong, CHAPTER)]
    assert [getattr(one, "id", "") or one.asked.id for one in tally.unsolved(tallies)] == [
        "02.head_scores",
        "02.why_the_root",
    ]
    nobody = [graded("Ada", handed_in=False)]
    assert tally.unsolved([*tally.tasks(nobody, CHAPTER), *tally.questions(nobody, CHAPTER)]) == []


@pytest.mark.parametrize(
    ("points", "possible", "expected"),
    [
        ([0, 3, 3, 10], 10, [(low, low, {0: 1, 3: 2, 10: 1}.get(low, 0)) for low in range(11)]),
        (
            [0, 20, 21, 5.5],
            21,
            [(0, 1, 1), (2, 3, 0), (4, 5, 1), *((low, low + 1, 0) for low in range(6, 20, 2)), (20, 21, 2)],
        ),
        ([], 2, [(0, 0, 0), (1, 1, 0), (2, 2, 0)]),
        ([5], 2, [(0, 0, 0), (1, 1, 0), (2, 2, 0), (3, 3, 0), (4, 4, 0), (5, 5, 1)]),
        ([0], 0, [(0, 0, 1)]),
    ],
)
def test_the_distribution(points, possible, expected):
    assert tally.bins(points, possible) == expected


@pytest.mark.parametrize("possible", [1, 10, 11, 33, 99, 100, 1_000, 12_345_678])
def test_the_distribution_holds_everybody_in_few_bins(possible):
    points = [possible * part / 7 for part in range(10)]
    bins = tally.bins(points, possible)
    assert len(bins) <= 11
    assert sum(count for *_, count in bins) == 10
    assert all(bins[place][1] + 1 == bins[place + 1][0] for place in range(len(bins) - 1))
