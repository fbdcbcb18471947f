"""A frozen task says the same as the task: right, wrong, shapes and numbers; and knows no answer."""

import dataclasses

import numpy as np
import pytest

from grader.frozen import NotHandedOutError, freeze, thawed
from grader.judge import judge_function
from grader.result import Outcome
from tasks import CATALOGUE

NAMES = ["01.all_scores", "02.scaled_scores", "04.masked_softmax", "05.SelfAttention", "08.Encoder", "10.training_step"]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """Return how to freeze a task of the course and read it again; each once."""
    found = {}

    def once(task_id):
        if task_id not in found:
            path = tmp_path_factory.mktemp("frozen") / "task.npz"
            freeze(CATALOGUE.task(task_id), CATALOGUE, path)
            found[task_id] = thawed(path), path
        return found[task_id]

    return once


def verdict(task, answer, skeleton):
    result = judge_function(task, answer, CATALOGUE.seed, ("course_lib",), module_class=skeleton)
    return result.outcome, [(case.case, case.outcome, case.points) for case in result.cases]


@pytest.mark.parametrize("task_id", NAMES)
def test_every_answer_gets_the_same_points_case_by_case(frozen, task_id):
    task, found = CATALOGUE.task(task_id), frozen(task_id)[0]
    wrong = [mistake.compute for mistake in task.mistakes[:4]]
    outcomes = set()
    for answer in (*task.legal, *task.borrowed, *wrong):
        expected = verdict(task, answer, task.skeleton)
        assert verdict(found, answer, task.skeleton) == expected, answer.__name__
        outcomes.add(expected[0])
    assert Outcome.RIGHT in outcomes
    assert len(outcomes) > 1


@pytest.mark.parametrize("task_id", NAMES)
def test_it_holds_nothing_that_computes_an_answer(frozen, task_id):
    found, path = frozen(task_id)
    for name in ("legal", "mistakes", "stages", "borrowed", "probes", "properties", "drawn"):
        assert getattr(found, name) == ()
    for function in (found.reference, found.draw, *(case.draw for case in found.cases if case.draw)):
        with pytest.raises(NotHandedOutError, match="whoever gave it to you"):
            function()
    with np.load(path, allow_pickle=False) as archive:
        text = archive["task"].tobytes().decode()
    assert "def " not in text.replace("`def ", "")
    assert "lambda" not in text


def test_it_keeps_what_a_learner_sees(frozen):
    task, found = CATALOGUE.task("05.SelfAttention"), frozen("05.SelfAttention")[0]
    for name in ("id", "title", "hints", "minutes", "difficulty", "points", "names", "build", "part", "library"):
        assert getattr(found, name) == getattr(task, name), name
    for ours, theirs in zip(task.cases, found.cases, strict=True):
        assert dataclasses.replace(ours, draw=None) == dataclasses.replace(theirs, draw=None)


def test_a_wrong_answer_is_told_by_its_shape_its_numbers_and_what_happened_at_its_end(frozen):
    found = frozen("02.scaled_scores")[0]

    def said(answer):
        result = judge_function(found, answer, CATALOGUE.seed)
        assert result.outcome is Outcome.WRONG
        return result.message

    def right(query, key):
        return query @ key.swapaxes(-2, -1) / query.shape[-1] ** 0.5

    assert "summed over its last axis" in said(lambda query, key: right(query, key).sum(-1))
    assert "shape" in said(lambda query, key: np.concatenate([right(query, key)] * 3, axis=-1))
    assert "Your result is 2; expected 4." in said(lambda query, key: query @ key.swapaxes(-2, -1) / query.shape[-1])
    assert "float64" in said(lambda query, key: right(query, key).astype("float64"))
    assert "sign" in said(lambda query, key: -right(query, key))


def test_inputs_are_those_of_one_seed_and_copies(frozen):
    task, found = CATALOGUE.task("02.scaled_scores"), frozen("02.scaled_scores")[0]
    case = found.cases[1]
    for again in (False, True):
        drawn = task.inputs(task.cases[1], CATALOGUE.seed, again=again)
        stored = found.inputs(case, CATALOGUE.seed, again=again)
        assert all(np.array_equal(drawn[name], stored[name]) for name in drawn) or again
    found.inputs(case, CATALOGUE.seed)["query"][:] = 0
    assert found.inputs(case, CATALOGUE.seed)["query"].any()
    with pytest.raises(NotHandedOutError, match="handed out for checks alone"):
        found.inputs(case, CATALOGUE.seed + 1)
