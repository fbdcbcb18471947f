"""One step: how it is run, counted and summed up."""

import subprocess
import sys

import pytest

from upkeep import step
from upkeep.step import Outcome


@pytest.fixture
def runs(monkeypatch):
    """Stands in for the tools: notes what was run, and gives the exit code and the report that a test sets."""

    class Runs:
        def __init__(self):
            self.arguments, self.variables, self.code, self.report = [], [], 0, None

        def __call__(self, arguments, python, variables):
            self.arguments.append(arguments)
            self.variables.append(variables)
            reports = [a.partition("=")[2] for a in map(str, arguments) if a.startswith("--junit-xml=")]
            for path in reports if self.report else ():
                with open(path, "w", encoding="utf-8") as file:
                    file.write(self.report)
            return self.code

    runs = Runs()
    monkeypatch.setattr(step, "run_module", runs)
    return runs


def counts(outcome):
    return outcome.passed, outcome.failed


@pytest.mark.parametrize(("code", "expected"), [(0, (1, 0)), (3, (0, 1))])
def test_a_tool_passes_or_fails_as_one(runs, code, expected):
    runs.code = code
    assert counts(step.run_step("style", ["ruff", "check"])) == expected
    assert runs.arguments == [["ruff", "check"]]


@pytest.mark.parametrize(
    ("code", "report", "expected"),
    [
        (0, 'tests="7" failures="0" errors="0" skipped="3"', (4, 0)),
        (1, 'tests="7" failures="1" errors="1" skipped="3"', (2, 2)),
        (5, 'tests="0" failures="0" errors="0" skipped="0"', (0, 1)),  # no tests found
        (3, 'tests="4" failures="0" errors="0" skipped="0"', (4, 1)),  # an internal error after four tests
    ],
)
def test_pytest_counts_its_tests(runs, code, report, expected):
    runs.code, runs.report = code, f"<testsuites><testsuite {report}/></testsuites>"
    assert counts(step.run_step("unit tests", ["pytest", "tests"])) == expected


def test_a_pytest_that_ends_without_a_report_is_a_failure(runs):
    runs.code = 137
    assert counts(step.run_step("unit tests", ["pytest", "tests"])) == (0, 1)


@pytest.mark.parametrize(("chosen", "given"), [(None, "1"), ("yes", "yes"), ("", "")])
def test_a_step_opens_no_connection_unless_the_reader_wants_it(runs, monkeypatch, chosen, given):
    monkeypatch.delenv("COURSE_OFFLINE", raising=False)
    if chosen is not None:
        monkeypatch.setenv("COURSE_OFFLINE", chosen)
    step.run_step("style", ["ruff", "check"])
    assert [variables["COURSE_OFFLINE"] for variables in runs.variables] == [given]


def test_a_step_computes_in_one_thread_unless_it_is_said_otherwise(runs):
    step.run_step("tests", ["pytest"])
    step.run_step("tests", ["pytest"], OMP_NUM_THREADS="2")
    assert [variables["OMP_NUM_THREADS"] for variables in runs.variables] == ["1", "2"]


def test_a_module_runs_in_the_folder_of_the_course_wherever_the_reader_stands(tmp_path, monkeypatch, capfd):
    (tmp_path / "this.py").write_text("raise SystemExit('a module of the reader')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert step.run_module(["this"], sys.executable, {}) == 0
    assert "The Zen of Python" in capfd.readouterr().out


def test_the_report_of_the_real_pytest_is_understood(tmp_path):
    (tmp_path / "test_sample.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('number', range(3))\n"
        "def test_number(number): assert number < 2\n"
        "@pytest.mark.skip\n"
        "def test_skipped(): pass\n"
        "def test_error(absent): pass\n",
        encoding="utf-8",
    )
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junit-xml={report}", "test_sample.py"]
    subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert step.read_counts(report) == (2, 2)


def test_the_summary_ends_with_what_passed_and_failed(capsys):
    step.print_summary(
        [
            Outcome("style", 1, 0, 0.5),
            Outcome("a step with a long name, beside others", 4, 2, 60.0),
            Outcome("a browser", 0, 0, 0.0, "there is none"),
        ]
    )
    said = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    assert said[1] == ["style", "ok", "1", "passed", "0", "failed", "0.5", "s"]
    assert said[2][-7:] == ["FAILED", "4", "passed", "2", "failed", "60.0", "s"]
    assert " ".join(said[3]) == "a browser left out: there is none"
    assert " ".join(said[-1]) == "5 passed, 2 failed"
