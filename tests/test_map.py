"""The map of the sources leads to chapters, functions and tasks that exist, and no chapter is missing from it."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tasks import CATALOGUE

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "map.md"
TABLE = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")][2:]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE]
IDEAS = [row for row in ROWS if not row[0].startswith("**")]


@pytest.mark.parametrize("row", IDEAS, ids=[row[0] for row in IDEAS])
def test_an_idea_has_a_source_a_chapter_a_function_and_a_task(row):
    _, sources, chapter, function, task = row
    assert set(sources.split(", ")) <= set("SGLW")
    number, target = re.fullmatch(r"\[(\d\d)\]\((.+)\)", chapter).groups()
    lesson = (PAGE.parent / target).resolve()
    assert lesson.is_file()
    assert lesson.name.startswith(f"{number}_")
    module, _, name = function.strip("`").rpartition(".")
    assert callable(getattr(import_module(module), name))
    assert CATALOGUE.task(task.strip("`"))


def test_every_chapter_is_on_the_map():
    lessons = {row[2][1:3] for row in IDEAS}
    assert lessons == {re.match(r"\d+", chapter.number)[0] for chapter in CATALOGUE.chapters}


def test_the_readme_links_to_it():
    assert "(docs/map.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
