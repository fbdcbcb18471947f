"""What students get: it runs, it shows no solution, and a bare one knows no answer."""

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from classroom.__main__ import main
from classroom.giving_out.handout import Handout, HandoutError, zip_folder
from grader.parts import packed, parse, source_of
from tasks import CATALOGUE

ROOT = Path(__file__).parents[2]
CHAPTERS = ("01", "02", "04")


@pytest.fixture(scope="module", params=[False, True], ids=["whole", "bare"])
def handout(request, tmp_path_factory):
    """A handout of three chapters, in which a student has called `learn`."""
    folder = tmp_path_factory.mktemp("handout") / "course"
    Handout(ROOT, CATALOGUE, CHAPTERS, bare=request.param).write(folder)
    done = python(folder, "-m", "workbook", "learn")
    assert done.returncode == 0, done.stderr
    return folder


def python(folder, *arguments, cwd=None):
    """Run Python on the packages of a handout."""
    variables = {**os.environ, "PYTHONPATH": str(folder), "PYTHONUTF8": "1"}
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, cwd=cwd or folder, env=variables, capture_output=True, encoding="utf-8")


def is_bare(folder):
    return json.loads((folder / "handout.json").read_text(encoding="utf-8"))["bare"]


def texts(folder):
    """Yield (path, text) of everything in a folder that is text; of notebooks the cells' sources."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            yield path, "\n".join("".join(cell["source"]) for cell in cells)
        elif path.is_file() and path.suffix in (".py", ".json", ".md", ".txt", ".js"):
            yield path, path.read_text(encoding="utf-8")


def regions():
    """Yield what stands in the solutions' answer cells: (task, text between the markers, one space for any)."""
    for path in sorted((ROOT / "solutions").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            task = cell["metadata"].get("course", {}).get("answer")
            for text in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", "".join(cell["source"]), re.DOTALL):
                yield task, plain(text)


def plain(text):
    return " ".join(text.split())


SESSION = """
import math
import sys

sys.path.insert(0, "")
import tasks
from workbook import answer, check, failing_inputs, hint

print(tasks.__file__)

def scaled_scores(query, key):
    return query @ key.swapaxes(-1, -2) / math.sqrt(query.shape[-1])

check("02.scaled_scores", scaled_scores)

def scaled_scores(query, key):
    return query @ key.swapaxes(-1, -2) / query.shape[-1]

check("02.scaled_scores", scaled_scores)
print(failing_inputs("02.scaled_scores")[0].shape)
hint("02.scaled_scores")
answer("02.why_the_root", "b")

from my_transformer import causal_mask
check("04.causal_mask", causal_mask)
"""


def test_a_student_checks_a_right_and_a_wrong_answer(handout):
    done = python(handout, "-c", SESSION, cwd=handout / "my_course")
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert said.startswith(str(handout))
    right, wrong = re.findall(r"02\.scaled_scores: ([\w ]+) \((\d) of 5 points\)", said)
    assert right == ("right", "5")
    assert wrong == ("not yet", "0")
    assert ("divided by d_k itself" in said) == (not is_bare(handout))  # a bare one tells numbers
    assert ("Your result is 2; expected 4." in said) == is_bare(handout)
    assert "course's own causal_mask" in said


def test_no_solution_can_be_read_in_it(handout):
    found = list(regions())
    assert len(found) > 60
    shown = {path: plain(text) for path, text in texts(handout)}
    library = {path for path in shown if path.is_relative_to(handout / "course_lib")}  # what lessons teach with
    allowed = library if is_bare(handout) else {*library, *(p for p in shown if p.is_relative_to(handout / "tasks"))}
    leaks = [
        (task, str(path.relative_to(handout)))
        for task, region in found
        for path, text in shown.items()
        if region in text and (path not in allowed or len(region) > 160)
    ]
    assert leaks == []
    assert not list((handout / "solutions").glob("*.ipynb"))


def test_it_holds_nothing_that_only_instructors_need(handout):
    there = {path.name for path in handout.iterdir()}
    assert not there & {"tests", "benchmarks", "authoring", "classroom", "docs", ".git", ".venv"}
    assert {path.name[:2] for path in (handout / "exercises").glob("*.ipynb")} == set(CHAPTERS)
    assert {path.name[:2] for path in (handout / "notebooks").glob("*.ipynb")} == {"00", *CHAPTERS}
    assert {path.name for path in (handout / "tasks").glob("chapter_*")} == {f"chapter_{n}" for n in CHAPTERS}
    own = {path.name for path in (handout / "my_course").glob("*.ipynb")}
    assert own == {"Lesson 00.ipynb", *(f"{kind} {n}.ipynb" for n in CHAPTERS for kind in ("Lesson", "Exercise"))}
    assert [part.id[:2] for part in parse((handout / "my_course/my_transformer.py").read_text("utf-8")).parts] == (
        [part.id[:2] for part in CATALOGUE.parts.read().parts if part.id[:2] <= "04"]
    )


def test_a_bare_one_knows_no_answer(handout):
    code = {path: text for path, text in texts(handout / "tasks") if path.suffix == ".py"}
    words = ("known.legal", "known.mistake", ".slip", "known.borrowed", "known.probe", "Stage")
    found = [word for word in words if any(word in text for text in code.values())]
    assert found == ([] if is_bare(handout) else list(words))
    if is_bare(handout):
        functions = {
            node.name
            for path, text in code.items()
            if path.parent != handout / "tasks"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef)
        }
        assert functions == set()


def test_what_is_for_instructors_says_so(handout):
    for command in ("test", "grade", "release", "handout", "proof"):
        done = python(handout, "course.py", command)
        assert done.returncode == 1
        assert f"`{command}` is for their instructors" in done.stderr
    assert not (handout / ".venv").exists()


LATE = ("workbook/folder/originals.py", "grader/__main__.py", "upkeep/__main__.py")  # inside what no student calls


def test_every_import_in_it_can_be_had(handout):
    """Every module of the course that a module in it imports is in it."""
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    missing = set()
    for path, text in texts(handout):
        for node in ast.walk(ast.parse(text)) if path.suffix == ".py" else ():
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in names:
                place = handout.joinpath(*name.split("."))
                is_there = place.is_dir() or place.with_suffix(".py").exists()
                if name.partition(".")[0] in ours and not is_there:
                    missing.add(f"{path.relative_to(handout).as_posix()}: {name}")
    assert {one for one in missing if not one.startswith(LATE)} == set()


def test_answers_written_into_the_exercises_are_brought_over_and_a_fresh_copy_is_fresh(tmp_path):
    folder = tmp_path / "course"
    Handout(ROOT, CATALOGUE, ("01", "04"), bare=True).write(folder)
    path = next((folder / "exercises").glob("01_*.ipynb"))
    text = path.read_text("utf-8")
    place = text.index("return ...", text.index('"answer": "01.all_scores"'))
    path.write_text(text[:place] + "return mine" + text[place + len("return ...") :], "utf-8")
    said = python(folder, "-m", "workbook", "learn").stdout
    assert "Your answers in exercises/ were brought over, and stay there, too: Exercise 01.ipynb." in said
    own = folder / "my_course" / "Exercise 01.ipynb"
    assert "return mine" in own.read_text("utf-8")
    assert python(folder, "-m", "workbook", "learn").stdout == ""
    assert python(folder, "-m", "workbook", "reset", "01").returncode == 0
    assert "return mine" not in own.read_text("utf-8")
    path.unlink()
    done = python(folder, "-m", "workbook", "learn")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_next_handout_is_unpacked_over_it(handout):
    (handout / "my_course" / "Exercise 02.ipynb").write_text(
        (handout / "my_course" / "Exercise 02.ipynb").read_text("utf-8").replace("# Your code here.", "# mine", 1),
        "utf-8",
    )
    Handout(ROOT, CATALOGUE, ("01", "02", "03", "04"), bare=is_bare(handout)).write(handout)
    done = python(handout, "-m", "workbook", "learn")
    assert "New in the course: Lesson 03.ipynb, Exercise 03.ipynb." in done.stdout
    assert "# mine" in (handout / "my_course" / "Exercise 02.ipynb").read_text("utf-8")


def test_the_same_handout_is_the_same_zip(tmp_path):
    made = []
    for folder in (tmp_path / "a" / "course", tmp_path / "b" / "course"):
        Handout(ROOT, CATALOGUE, ("01",), bare=True).write(folder)
        (folder / "my_course").mkdir()
        (folder / "my_course" / "mine.py").write_text("", "utf-8")
        made.append(zip_folder(folder))
    assert made[0].read_bytes() == made[1].read_bytes()
    with zipfile.ZipFile(made[0]) as archive:
        names = archive.namelist()
    assert "course/course.py" in names
    assert all(name.startswith("course/") and "my_course" not in name for name in names)


def test_it_overwrites_nothing_else(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(HandoutError, match="holds something else"):
        Handout(ROOT, CATALOGUE, ("01",)).write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(HandoutError, match="is no folder"):
        Handout(ROOT, CATALOGUE, ("01",)).write(tmp_path / "mine.txt")


def test_a_chapter_that_is_not_there_is_told(tmp_path, capsys):
    assert main(["handout", "--into", str(tmp_path / "new"), "--chapter", "01", "77"]) == 2
    assert capsys.readouterr().err == "There is no chapter 77.\n"
    assert not (tmp_path / "new").exists()


def test_an_exercise_that_somebody_answered_is_not_handed_out(tmp_path):
    exam = tmp_path / "exam"
    (exam / "exercises").mkdir(parents=True)
    cell = {"cell_type": "code", "metadata": {"course": {"answer": "90.x"}}, "source": "def x(): return 1"}
    (exam / "exercises" / "90_exam.ipynb").write_text(json.dumps({"cells": [cell]}), "utf-8")
    with pytest.raises(HandoutError, match=r"answers 90\.x: it would hand the answer out"):
        Handout(ROOT, CATALOGUE, ("01",), private=exam).write(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_packed_parts_are_what_they_were(tmp_path):
    source = source_of(CATALOGUE.parts.file)
    path = tmp_path / "parts.py"
    path.write_text(packed(source), "utf-8")
    assert source_of(path) == source
    assert "return" not in path.read_text("utf-8").replace("# ", "")
