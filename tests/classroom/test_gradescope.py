"""Gradescope: its format, and the zip of an autograder, unpacked and run as the service does."""

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from a_class import CHAPTER, attacked, each_hostile, report

from classroom.__main__ import main
from classroom.giving_out.autograder import build
from classroom.giving_out.gradescope import failure, results
from classroom.giving_out.gradescope import main as grade
from jail.keeper import NoJailError

ROOT = Path(__file__).parents[2]
SOLVED = (ROOT / "solutions" / "02_scaling.ipynb").read_bytes()
NAMES = {item.id: place for place, item in enumerate((*CHAPTER.tasks, *CHAPTER.questions))}
needs_bash = pytest.mark.skipif(os.name == "nt" or shutil.which("bash") is None, reason="the service has bash")

# What the service takes: every key that it knows, with what may stand there.
TEST = {
    **{"name": str, "number": str, "score": int | float, "max_score": int | float, "status": str, "output": str},
    **{"output_format": str, "visibility": str, "tags": list},
}
WHOLE = {
    **{"score": int | float, "output": str, "output_format": str, "stdout_visibility": str, "execution_time": int},
    "tests": list,
}


def valid(data):
    """Check that the service would take this, and return it."""
    assert set(data) <= set(WHOLE)
    assert {"score", "tests", "output"} <= set(data)
    assert all(isinstance(value, WHOLE[key]) for key, value in data.items())
    for test in data["tests"]:
        assert set(test) <= set(TEST)
        assert all(isinstance(value, TEST[key]) for key, value in test.items())
        assert 0 <= test["score"] <= test["max_score"]
        assert test["visibility"] in ("hidden", "after_due_date", "after_published", "visible")
        assert test["output_format"] == "text"  # in which nothing of a student's is markup
        assert test.get("status", "passed") in ("passed", "failed")
    assert json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    return data


def of_students(data):
    return [test for test in data["tests"] if test["visibility"] == "visible"]


def of_instructors(data):
    return "\n".join(test["output"] for test in data["tests"] if test["visibility"] == "hidden")


def test_a_report_becomes_a_test_for_every_task_and_question():
    shown = {
        "case": "small",
        "inputs": "query (1, 2)",
        "yours": "yours float64\n0.4",
        "expected": "expected float64\n2",
    }
    wrong = {"outcome": "wrong", "message": "The keys are not transposed.", "shown": shown, "flags": ["SECRET"]}
    data = valid(results(report({"scaled_scores": wrong, "row_entropy": "not attempted"}), CHAPTER, seconds=3.6))
    first, *_, last = of_students(data)
    assert (data["score"], data["execution_time"]) == (16, 4)
    assert data["output"] == "6 of 8 answers right."
    assert (first["name"], first["number"]) == ("02.scaled_scores: Scaled dot-product scores", "1")
    assert (first["score"], first["max_score"], first["status"]) == (0, 5, "failed")
    assert first["output"].splitlines() == [
        *("Not right yet.", "The keys are not transposed.", ""),
        *("The smallest case that is not right: small. query (1, 2)", "yours float64", "0.4", "expected float64", "2"),
    ]
    assert (last["status"], last["tags"]) == ("passed", ["question"])
    assert [test["tags"] for test in of_students(data) if test["max_score"] == 0] == [["optional", "task"]]
    assert sum(test["score"] for test in of_students(data)) == data["score"]
    assert "SECRET" not in json.dumps(of_students(data))
    assert "02.scaled_scores: SECRET" in of_instructors(data)
    assert "child processes with limits" in of_instructors(data)


def test_a_file_that_could_not_be_graded_is_told():
    data = valid(
        results(report({item.id[3:]: "unreadable" for item in CHAPTER.tasks}, problem="It is a PDF."), CHAPTER)
    )
    assert data["output"] == "Your file could not be graded. It is a PDF."


@each_hostile
def test_nobody_writes_into_it(hostile):
    data = valid(results(attacked(hostile).report, CHAPTER, note=hostile))
    assert len(json.dumps(data)) < 200_000
    assert not any(sign in json.dumps(data, ensure_ascii=False) for sign in "\x00\x1b\x9b\u202e\ud800")


def test_a_failure_has_a_sentence():
    assert valid(failure("Sorry.", ["Why"]))["score"] == 0


@pytest.fixture(scope="module")
def autograder(tmp_path_factory):
    """The zip for chapter 02, built once, so that it grades on a machine without a jail, too."""
    return build("tasks", "02", tmp_path_factory.mktemp("zip"), seed=11, trust=True)


@pytest.fixture(scope="module")
def image(autograder, tmp_path_factory):
    """The folder that is /autograder in the service after setup.sh: with a Python of its own that lacks PyTorch."""
    root = tmp_path_factory.mktemp("autograder")
    with zipfile.ZipFile(autograder) as archive:
        archive.extractall(root / "source")
    shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
    (root / "run_autograder").chmod(0o755)
    base = getattr(sys, "_base_executable", None) or sys.executable
    subprocess.run([base, "-m", "venv", "--without-pip", str(root / "venv")], check=True)
    packages = root / "packages"
    packages.mkdir()
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()}:
        for path in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if path.suffix != ".pth" and not path.name.startswith(("torch", "nvidia", "functorch")):
                (packages / path.name).exists() or (packages / path.name).symlink_to(path)
    inside = Path(sysconfig.get_path("purelib", "venv", {"base": root / "venv", "platbase": root / "venv"}))
    (inside / "course.pth").write_text(f"{root / 'source'}\n{packages}\n", encoding="utf-8")
    return root


@pytest.fixture
def run(image):
    """Hand files in and run the autograder as the service does; return what it wrote, and what it printed."""

    def run(files, metadata=None, link=None):
        for folder in ("submission", "results"):
            shutil.rmtree(image / folder, ignore_errors=True)
        (image / "submission").mkdir()
        for name, data in files.items():
            path = image / "submission" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if link is not None:
            (image / "submission" / "02_link.ipynb").symlink_to(link)
        (image / "submission_metadata.json").write_text(metadata or "", encoding="utf-8")
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        done = subprocess.run(
            [image / "run_autograder"],
            cwd=image,
            env={**variables, "AUTOGRADER_ROOT": str(image)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return valid(json.loads((image / "results" / "results.json").read_text(encoding="utf-8"))), done

    return run


def changed(old, new):
    assert old.encode() in SOLVED
    return SOLVED.replace(old.encode(), new.encode())


ROOTLESS = changed("return scores / math.sqrt(query.shape[-1])", "return scores")


@needs_bash
def test_a_right_submission_earns_all_points(run):
    metadata = {"id": 123, "created_at": "2026-11-23T12:00:00Z", "users": [{"name": "Zoë \u202e"}]}
    data, done = run({"02_scaling.ipynb": SOLVED}, json.dumps(metadata))
    assert data["score"] == CHAPTER.points
    assert {test["status"] for test in of_students(data)} == {"passed"}
    assert "Submission 123 of Zoë , 2026-11-23T12:00:00Z" in of_instructors(data)
    assert "Seed of the inputs: 11" in of_instructors(data)
    assert done.stderr == ""


@needs_bash
def test_a_wrong_submission_gets_the_diagnosis_and_theirs_beside_the_expected(run):
    data, _ = run({"sub/02_scaling.ipynb": ROOTLESS})
    first = of_students(data)[0]
    assert first["status"] == "failed"
    assert "The scores are not divided by the square root of d_k." in first["output"]
    assert "yours float64" in first["output"]
    assert "expected float64" in first["output"]


@needs_bash
@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "Nothing came at all"),
        ({"a.pdf": b"%PDF", "\x1b[31m.txt": b""}, "What came instead: \ufffd[31m.txt, a.pdf."),
        ({"02_scaling.ipynb": b"\x00\xff{"}, "is no Jupyter notebook"),
        ({"02_scaling.ipynb": b"[" * 200_000}, "is no Jupyter notebook"),
        ({"x.ipynb": b'{"cells": []}'}, "answers no task"),
        ({"__MACOSX/02.ipynb": SOLVED, ".ipynb_checkpoints/02.ipynb": SOLVED}, "No notebook was handed in"),
    ],
    ids=["nothing", "no notebook", "broken", "nested", "another", "hidden"],
)
def test_what_cannot_be_graded_has_no_points_and_a_sentence(run, files, said):
    data, _ = run(files)
    assert data["score"] == 0
    assert said in data["output"]
    assert "Traceback" not in json.dumps(of_students(data)) + data["output"]


@needs_bash
def test_of_two_notebooks_the_one_of_the_chapter_counts_and_is_named(run):
    data, _ = run({"zz_draft.ipynb": ROOTLESS, "02_scaling.ipynb": SOLVED, "02_empty.ipynb": b""})
    assert data["score"] == CHAPTER.points
    assert "There are 3 notebooks; 02_scaling.ipynb is the one that counts." in data["output"]


@needs_bash
def test_a_link_is_no_notebook(run, tmp_path):
    (tmp_path / "elsewhere.ipynb").write_bytes(SOLVED)
    data, _ = run({}, link=tmp_path / "elsewhere.ipynb")
    assert data["score"] == 0
    assert "What came instead: 02_link.ipynb." in data["output"]


@needs_bash
@pytest.mark.parametrize(
    "broken", ["autograder.json", "grade.py", "classroom/giving_out/gradescope.py", "tasks/__init__.py"]
)
def test_there_are_results_when_everything_fails(run, image, broken):
    path = image / "source" / broken
    before = path.read_bytes()
    path.write_bytes(b"{ broken")
    try:
        data, _ = run({"02_scaling.ipynb": SOLVED}, metadata="[" * 100_000)
    finally:
        path.write_bytes(before)
    assert data["score"] == 0
    assert "not your fault" in data["output"]
    assert "Traceback" not in data["output"]


def test_where_there_is_no_jail_instructors_read_the_way_out(tmp_path, monkeypatch):
    def no_jail(*_, **__):
        raise NoJailError("this machine lacks Landlock")

    monkeypatch.setattr("classroom.giving_out.gradescope.Judge", no_jail)
    for name in ("source", "submission"):
        (tmp_path / name).mkdir()
    settings = {"catalogue": str(ROOT / "tasks"), "chapter": "02", "seed": 1, "trust": False}
    (tmp_path / "source" / "autograder.json").write_text(json.dumps(settings), encoding="utf-8")
    grade(tmp_path)
    data = valid(json.loads((tmp_path / "results" / "results.json").read_text(encoding="utf-8")))
    assert data["score"] == 0
    assert "not your fault" in data["output"]
    assert "Landlock" not in data["output"]
    assert "lacks Landlock\nSo nothing was graded." in of_instructors(data)
    assert "--trust" in of_instructors(data)


def test_the_zip_is_the_same_to_the_byte_and_has_what_the_service_looks_for(autograder, tmp_path):
    again = build("tasks", "02", tmp_path, seed=11, trust=True)
    assert again.read_bytes() == autograder.read_bytes()
    with zipfile.ZipFile(again) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
        firsts = {name: archive.read(name).splitlines()[0] for name in ("setup.sh", "run_autograder")}
        settings = json.loads(archive.read("autograder.json"))
        setup = archive.read("setup.sh").decode()
    assert modes["setup.sh"] == modes["run_autograder"] == 0o100755
    assert modes["grade.py"] == 0o100644
    assert set(firsts.values()) == {b"#!/usr/bin/env bash"}
    assert settings == {"catalogue": "tasks", "chapter": "02", "seed": 11, "trust": True}
    assert "torch" not in setup
    assert " numpy " in setup
    # No other chapter, no exercise, no solution but the parts that later chapters stand on.
    assert {name.split("/")[1] for name in modes if name.startswith("tasks/chapter_")} == {"chapter_02"}
    assert {name for name in modes if name.startswith("solutions")} == {"solutions/my_transformer.py"}
    assert not any(name.startswith(("exercises", "notebooks", "tests", "workbook")) for name in modes)
    assert not any("__pycache__" in name or name.endswith(".pyc") for name in modes)


def test_pytorch_is_installed_as_the_small_build_where_a_chapter_needs_it(tmp_path):
    with zipfile.ZipFile(build("tasks", "05", tmp_path, seed=1)) as archive:
        setup = archive.read("setup.sh").decode()
        assert json.loads(archive.read("autograder.json"))["trust"] is False
    pin = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch=="))
    assert f'--no-deps --index-url https://download.pytorch.org/whl/cpu "{pin}"' in setup
    assert setup.index("whl/cpu") < setup.index("--constraint")


@needs_bash
def test_the_scripts_are_bash(autograder, tmp_path):
    with zipfile.ZipFile(autograder) as archive:
        for name in ("setup.sh", "run_autograder"):
            subprocess.run(["bash", "-n"], input=archive.read(name), check=True)


PRIVATE = """
from grader.catalogue import Catalogue
CATALOGUE = Catalogue(__name__, seed=1, own=("our_tools",))
"""
DOUBLED = """
from grader.task import Case, Task
from our_tools.draws import draw
def reference(x):
    return 2 * x
TASK = Task(id="50.doubled", title="Doubled", difficulty=1, minutes=1, reference=reference, draw=draw,
            cases=(Case("three numbers", {"size": 3}),), hints=("Two of each.",))
"""


@pytest.fixture
def private(tmp_path):
    """A folder of private tasks, with a package of their own beside it."""
    for name, text in {
        "our_exam/__init__.py": PRIVATE,
        "our_exam/chapter_50/__init__.py": 'TITLE = "Exam"\nTASKS = ("doubled",)\n',
        "our_exam/chapter_50/doubled.py": DOUBLED,
        "our_tools/__init__.py": "",
        "our_tools/draws.py": "def draw(rng, size):\n    return {'x': rng.normal(size=size)}\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    yield tmp_path / "our_exam"
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith(("our_exam", "our_tools"))]:
        del sys.modules[name]


def test_private_tasks_go_in_with_what_they_stand_on(private, tmp_path, capsys):
    into = ["--into", str(tmp_path / "zips"), "--catalogue", str(private), "--seed", "3", "--trust"]
    assert main(["gradescope", "50", *into]) == 0
    assert "autograder_50.zip" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "zips" / "autograder_50.zip") as archive:
        names = archive.namelist()
    assert {"our_exam/chapter_50/doubled.py", "our_tools/draws.py"} <= set(names)
    assert not any(name.startswith("tasks/") for name in names)
    root = tmp_path / "autograder"
    with zipfile.ZipFile(tmp_path / "zips" / "autograder_50.zip") as archive:
        archive.extractall(root / "source")
    (root / "submission").mkdir()
    source = "def doubled(x):\n    return x + x\n"
    cell = {"cell_type": "code", "metadata": {"course": {"answer": "50.doubled"}}, "source": source}
    (root / "submission" / "exam.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    subprocess.run([sys.executable, root / "source" / "grade.py", root], cwd=root, check=True, capture_output=True)
    data = valid(json.loads((root / "results" / "results.json").read_text(encoding="utf-8")))
    assert (data["score"], of_students(data)[0]["output"]) == (1, "Right, on every case.")


@pytest.mark.parametrize(
    ("arguments", "said"), [(["99"], "there is no chapter '99'"), (["02", "--catalogue", "nothing"], "no catalogue")]
)
def test_what_is_not_there_is_told(arguments, said, tmp_path, capsys):
    assert main(["gradescope", *arguments, "--into", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
