"""nbval with patience: real kernels, and nothing that a slow machine could fail."""

import json
import subprocess
import sys
from queue import Empty

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.kernel import RunningKernel

from upkeep.notebooks import NBVAL
from upkeep.patience import PatientKernel


class Kernel(PatientKernel):
    """A kernel whose messages are `events`: "silence" for a glance in vain, "death" for its end, else a message."""

    def __init__(self, *events):
        self.events, self.alive = list(events), True

    def is_alive(self):
        return self.alive


@pytest.fixture(autouse=True)
def messages(monkeypatch):
    def get_message(self, stream, timeout=None):
        event = self.events.pop(0) if self.events else "silence"
        if event == "death":
            self.alive = False
        if event in ("silence", "death"):
            raise Empty
        return event

    monkeypatch.setattr(RunningKernel, "get_message", get_message)


def test_a_message_is_waited_for_however_long_nbval_would_have_waited():
    kernel = Kernel(*["silence"] * 500, "a message")
    assert kernel.get_message("iopub", timeout=5) == "a message"


def test_a_dead_kernel_is_noticed():
    with pytest.raises(RuntimeError, match=r"^The kernel died\.$"):
        Kernel("silence", "death").get_message("shell", timeout=300)


def test_the_last_words_of_a_kernel_are_heard():
    kernel = Kernel("death", "its last words")
    assert kernel.get_message("iopub") == "its last words"


def test_a_notebook_fails_by_what_it_shows_and_by_a_kernel_that_dies(tmp_path):
    def cell(number, source, shown):
        return new_code_cell(source, execution_count=number, outputs=[new_output("stream", text=shown)])

    notebook = new_notebook(
        cells=[
            cell(1, "print(6 * 7)", "42\n"),
            cell(2, "print(6 * 7)", "43\n"),
            cell(3, "import os; os._exit(3)", ""),
            cell(4, "print(4)", "4\n"),
        ]
    )
    (tmp_path / "a notebook.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    report = tmp_path / "report.json"
    (tmp_path / "conftest.py").write_text(
        "import json, pathlib\n"
        "import upkeep.patience\n"
        "upkeep.patience.GLANCE = 1  # second, for each that the dead kernel is asked for\n"
        "outcomes = []\n"
        "def pytest_runtest_logreport(report):\n"
        "    if report.when == 'call':\n"
        "        outcomes.append([report.outcome, str(report.longrepr)])\n"
        f"        pathlib.Path({str(report)!r}).write_text(json.dumps(outcomes))\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", *NBVAL, "-p", "no:cacheprovider", "a notebook.ipynb"]
    subprocess.run(command, cwd=tmp_path, capture_output=True)
    outcomes = json.loads(report.read_text())
    assert [outcome for outcome, _ in outcomes] == ["passed", "failed", "failed", "failed"]
    assert "43" in outcomes[1][1]
    assert "The kernel died." in outcomes[2][1]
