"""The test command as a whole: which steps, over which files, and what follows from them. The tools are stand-ins."""

import os
import subprocess

import pytest

import course
from upkeep import notebooks, step, thorough
from upkeep import test as command
from upkeep.busy import busy_loops
from upkeep.cannot_run import CannotRun
from upkeep.step import Outcome

TRAINING = ["notebooks/10_training.ipynb", "notebooks/11_speech.ipynb"]


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A course of six notebooks, of which two train. Every run is noted; `fails` names the tools that fail."""
    for path in (
        *TRAINING,
        "notebooks/00_start_here.ipynb",
        "exercises/02_scaling.ipynb",
        "solutions/02_scaling.ipynb",
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "exercises" / "10_training.ipynb").touch()
    runs, fails = [], set()

    def run_module(arguments, python, variables):
        runs.append(list(arguments))
        return int(arguments[0] in fails)

    monkeypatch.setattr(step, "run_module", run_module)
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(command, "worked_on", lambda root: [])
    return runs, fails


def last_line(capsys):
    return capsys.readouterr().out.splitlines()[-1]


def test_every_step_runs_and_counts_in_the_last_line(runs, capsys):
    runs, _ = runs
    assert command.test(False) == 0
    assert last_line(capsys) == "5 passed, 0 failed"
    assert [run[0] for run in runs] == ["ruff", "ruff", "pytest", "grader", "pytest"]
    assert runs[3] == course.HANDED_OVER["proof"]


def test_a_failing_step_fails_the_whole_and_the_others_still_run(runs, capsys):
    runs, fails = runs
    fails.add("ruff")
    assert command.test(False) == 1
    assert last_line(capsys) == "3 passed, 2 failed"
    assert len(runs) == 5


def test_unit_tests_run_in_two_processes_and_what_belongs_together_in_one(runs):
    runs, _ = runs
    command.test(False)
    assert runs[2][:2] == ["pytest", "tests"]
    assert runs[2][runs[2].index("-n") + 1] == "2"
    assert runs[2][runs[2].index("--dist") + 1] == "loadgroup"


def test_notebooks_run_in_two_processes_those_that_train_first(runs):
    runs, _ = runs
    notebooks.run_notebooks("notebooks")
    (run,) = runs
    assert run[run.index("-n") + 1] == "2"
    paths = [argument for argument in run if argument.endswith(".ipynb")]
    assert paths[: len(TRAINING)] == TRAINING
    assert "exercises/10_training.ipynb" in paths  # an exercise trains for seconds
    assert len(set(paths)) == len(paths)


def test_the_notebooks_that_train_are_there():
    assert [path for path in notebooks.TRAINING if len(list(course.ROOT.glob(f"{path}*.ipynb"))) != 1] == []


@pytest.mark.parametrize("name", ["notebooks", "exercises", "solutions"])
def test_a_folder_without_notebooks_is_a_failure(runs, capsys, name):
    for path in (course.ROOT / name).iterdir():
        path.unlink()
    assert command.test(False) == 1
    said = capsys.readouterr().out
    assert f"No notebooks in: {name}\n" in said
    assert said.splitlines()[-1] == "4 passed, 1 failed"


def test_an_exercise_one_has_worked_on_is_neither_linted_nor_run(runs, capsys, monkeypatch):
    runs, _ = runs
    monkeypatch.setattr(command, "worked_on", lambda root: ["exercises/02_scaling.ipynb"])
    assert command.test(False) == 0
    assert "Left out, because you have worked on it: exercises/02_scaling.ipynb\n" in capsys.readouterr().out
    assert [run[-1] for run in runs[:2]] == ['extend-exclude = ["exercises/02_scaling.ipynb"]'] * 2
    assert not any("exercises/02_scaling.ipynb" in run for run in runs[4:])
    assert "solutions/02_scaling.ipynb" in runs[4]


# --all


@pytest.fixture
def one_core(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


def test_all_runs_the_thorough_tests_and_everything_again_beside_other_work(runs, capsys, monkeypatch, one_core):
    runs, _ = runs
    monkeypatch.delitem(thorough.STEPS, "newest packages")
    assert command.test(True) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "11 passed, 0 failed"
    assert runs[5][:4] == ["pytest", "tests", "-m", "thorough"]
    assert "-rs" in runs[5]  # each that cannot run says why

    def plain(run):
        return [argument for argument in run if not argument.startswith("--junit")]

    assert [plain(run) for run in runs[6:]] == [plain(run) for run in runs[:5]]
    assert "beside 2 programs that compute without end" in said
    assert "proof of the grader, beside others" in said


def test_a_step_that_cannot_run_is_left_out_with_its_reason_and_fails_nothing(runs, capsys, monkeypatch, one_core):
    def browser(name):
        raise CannotRun("no browser was found")

    monkeypatch.setattr(thorough, "STEPS", {"a browser": browser})
    assert command.test(True) == 0
    said = capsys.readouterr().out
    assert "Left out: no browser was found.\n" in said
    assert said.splitlines()[-1] == "10 passed, 0 failed"


def test_a_thorough_step_that_fails_fails_the_whole(runs, capsys, monkeypatch, one_core):
    monkeypatch.setattr(thorough, "STEPS", {"a browser": lambda name: [Outcome(name, 2, 1, 0.0)]})
    assert command.test(True) == 1
    assert last_line(capsys) == "12 passed, 1 failed"


def test_the_other_work_ends_with_the_tests(one_core, monkeypatch):
    begun = []

    def start(command, start=subprocess.Popen):
        begun.append(start(command))
        return begun[-1]

    def be_interrupted():
        with busy_loops() as number:
            assert [loop.poll() for loop in begun] == [None] * number == [None, None]
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt):
        be_interrupted()
    assert all(loop.poll() is not None for loop in begun)
