"""The page on grading a class shows what its commands print, from the zip to the grades."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from classroom import __main__ as command_line
from jail.keeper import Keeper, NoJailError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
# A command, and what it shows.
RUNS = re.findall(r"^```\npython3 course\.py ([^\n]*)\n```\n\n```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ROSTER = re.search(r"^```\n(id,name,email\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
SETTINGS = re.search(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
BY_D_K = ("math.sqrt(query.shape[-1])", "query.shape[-1]")
ATTACK = (
    "    ### BEGIN SOLUTION\n    scores = query",
    '    import os, sys\n    sys.modules["numpy"].allclose = lambda *_: True\n    os._exit(0)\n    scores = query',
)


def notebook(folder, *changes):
    """Return exercise 02 of a folder, with the answers changed."""
    cells = json.loads((ROOT / folder / "02_scaling.ipynb").read_text(encoding="utf-8"))
    for cell in cells["cells"]:
        source = "".join(cell["source"])
        for old, new in changes:
            source = source.replace(old, new)
        cell["source"] = source
    return json.dumps(cells)


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """What a course system exports, the class's folder, and a place beside them to stand in."""
    try:
        with Keeper(ROOT, "grader.worker") as keeper:
            holds = keeper.level.holds
    except NoJailError:
        holds = False
    if not holds:
        pytest.skip("grading strangers' work needs a jail, and this machine has none")
    submissions = {
        "Ann Lee_101": notebook("solutions"),
        "Bo Ode_102": notebook("solutions", BY_D_K, ('"02.why_the_root", "b"', '"02.why_the_root", "a"')),
        "Cy Roth_103": notebook("solutions", BY_D_K),
        "Dee Park_104": notebook("exercises"),
        "Eve Moss_105": notebook("solutions", ATTACK),
        "Gil Fox_107": '{"cells": 3}',
    }
    with zipfile.ZipFile(tmp_path / "submissions.zip", "w") as archive:
        for name, text in submissions.items():
            when = (2026, 11, 21, 9, 0, 0) if name.startswith("Cy") else (2026, 11, 20, 20, 0, 0)
            archive.writestr(zipfile.ZipInfo(f"{name}_assignsubmission_file_/02_scaling.ipynb", when), text)
    (tmp_path / "my_class").mkdir()
    (tmp_path / "my_class" / "roster.csv").write_text(ROSTER, encoding="utf-8")
    (tmp_path / "my_class" / "grading.toml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def test_the_page_has_its_commands():
    assert [command.split()[0] for command, _ in RUNS] == ["grade", "adjust", "pseudonyms", "forget"]


def test_the_page_shows_what_its_commands_print(exported, capsys):
    for command, shown in RUNS:
        name, *arguments = re.findall(r'"[^"]*"|\S+', command)
        command_line.main([name, "--catalogue", "tasks", *(argument.strip('"') for argument in arguments)])
        assert capsys.readouterr().out.rstrip() == shown.rstrip(), command
