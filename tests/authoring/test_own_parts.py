"""The course's own parts are those of the solutions, and a reader begins with them."""

from pathlib import Path

import pytest

from authoring.own_parts import check_parts, texts, write_parts
from authoring.own_work import worked_on
from grader.parts import parse

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wanted():
    return texts(ROOT)


@pytest.mark.parametrize("folder", ["solutions", "exercises"])
def test_both_files_are_what_the_solutions_make(wanted, folder):
    path = ROOT / folder / "my_transformer.py"
    if f"{folder}/{path.name}" in worked_on(ROOT):
        pytest.skip("you have worked on it")
    assert path.read_text(encoding="utf-8") == wanted[path], "run `python3 course.py release`"


def test_the_courses_parts_load_and_say_nothing_of_markers(wanted):
    text = wanted[ROOT / "solutions" / "my_transformer.py"]
    assert "SOLUTION" not in text
    namespace = {}
    exec(text, namespace)
    assert {part.name for part in parse(text).parts} <= namespace.keys()


def test_a_reader_begins_with_the_courses_parts(wanted):
    parts = parse(wanted[ROOT / "exercises" / "my_transformer.py"]).parts
    assert all(part.body == f"from solutions.my_transformer import {part.name}\n" for part in parts)


def test_files_that_are_out_of_date_are_named(tmp_path, capsys):
    for folder in ("solutions", "exercises"):
        (tmp_path / folder).mkdir()
    for path in (ROOT / "solutions").glob("*.ipynb"):
        (tmp_path / "solutions" / path.name).write_bytes(path.read_bytes())
    assert check_parts(tmp_path) == 1
    write_parts(tmp_path)
    assert check_parts(tmp_path) == 0
    own = tmp_path / "solutions" / "my_transformer.py"
    own.write_text(own.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    capsys.readouterr()
    assert check_parts(tmp_path) == 1
    assert f"{own}: is out of date" in capsys.readouterr().err
