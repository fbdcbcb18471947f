"""The environment of the newest packages, with a stand-in for pip and venv."""

import pytest

import course
from upkeep import newest
from upkeep.cannot_run import CannotRun


@pytest.fixture
def calls(monkeypatch):
    calls = []

    def run_installer(command):
        calls.append([argument for argument in command if not argument.startswith("--only")])

    monkeypatch.setattr(course, "run_installer", run_installer)
    monkeypatch.setattr(newest.Path, "write_text", lambda *_, **__: None)
    return calls


def test_the_ranges_are_those_of_the_course_and_of_its_tests():
    names = [requirement.split(">")[0] for requirement in newest.ranges()]
    assert {"numpy", "torch", "jupyterlab", "pytest", "ruff"} <= set(names)


@pytest.mark.parametrize("build", ["cpu", "default"])
def test_the_newest_pytorch_is_the_build_that_fits(calls, monkeypatch, tmp_path, build):
    monkeypatch.setattr(course, "fitting_build", lambda: build)
    newest.install_newest(tmp_path)
    venv, *installs = calls
    assert venv[1:] == ["-m", "venv", str(tmp_path)]
    assert [course.CPU_INDEX in install for install in installs] == ([True, False] if build == "cpu" else [False])
    assert installs[-1][-len(newest.ranges()) :] == newest.ranges()


def test_packages_that_cannot_be_had_are_a_reason_to_leave_the_step_out(calls, monkeypatch, tmp_path):
    def fail(command):
        if "pip" in command:
            raise course.NotOfferedError("no connection")

    monkeypatch.setattr(course, "run_installer", fail)
    with pytest.raises(CannotRun, match="could not be had"):
        newest.install_newest(tmp_path)
