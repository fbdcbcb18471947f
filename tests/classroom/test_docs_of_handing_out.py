"""The page on handing out shows what its commands print."""

import re
import shlex
from pathlib import Path

import pytest

import course
from classroom.__main__ import main

PAGE = (Path(__file__).parents[2] / "docs" / "handing_out.md").read_text(encoding="utf-8")
RUNS = re.findall(r"^```\npython3 course\.py ([^\n]*)\n```\n\n```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_command_of_the_page_is_one():
    named = set(re.findall(r"course\.py (\w+)", PAGE))
    assert {"handout", "nbgrader", "similar", "grade", "test"} <= named
    assert named <= {*course.HANDED_OVER, *course.FOR_STUDENTS, "test"}


@pytest.mark.parametrize(("command", "shown"), RUNS, ids=["handout", "nbgrader"])
def test_the_page_shows_what_its_commands_print(tmp_path, monkeypatch, capsys, command, shown):
    (tmp_path / "course").mkdir()
    monkeypatch.chdir(tmp_path / "course")
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out.replace("\\", "/") == shown
