"""nbgrader: the metadata, the sources, the test cells; and, where it is asked for, the real nbgrader."""

import csv
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from classroom.giving_out.nbgrader import source, write_course
from tasks import CATALOGUE
from workbook import points, questions

ROOT = Path(__file__).parents[2]
NBGRADER = "nbgrader==0.9.6"
SEED = 5
KEYS = {"schema_version", "grade", "solution", "locked", "task", "grade_id"}
EXERCISES = sorted((ROOT / "exercises").glob("*.ipynb"))


def read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def metadata_of(notebook):
    return [cell["metadata"]["nbgrader"] for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]


def assert_valid(found):
    """As nbgrader's schema 3 wants it."""
    for one in found:
        assert set(one) == (KEYS | {"points"} if one["grade"] else KEYS)
        assert one["schema_version"] == 3
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", one["grade_id"])
    ids = [one["grade_id"] for one in found]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_an_exercise_says_in_nbgraders_words_which_cells_are_the_students(path):
    cells = read(path)["cells"]
    found = metadata_of({"cells": cells})
    assert_valid(found)
    assert all(one["solution"] and not one["grade"] and not one["locked"] for one in found)
    ids = [id.replace(".", "-") for cell in cells for id in cell["metadata"].get("course", {}).values()]
    assert [one["grade_id"] for one in found] == ids


def the_source(number):
    found = [next((ROOT / folder).glob(f"{number}_*.ipynb")) for folder in ("solutions", "exercises")]
    return source(*map(read, found), CATALOGUE.chapter(number), SEED)


@pytest.mark.parametrize("number", ["02", "05", "10b"])
def test_a_source_has_one_test_cell_for_each_case_and_question(number):
    notebook, chapter = the_source(number), CATALOGUE.chapter(number)
    assert_valid(metadata_of(notebook))
    graded = [one for one in metadata_of(notebook) if one["grade"]]
    cases = [case for task in chapter.tasks if not task.optional for case in task.cases]
    assert len(graded) == len(cases) + len(chapter.questions)
    assert sum(one["points"] for one in graded) == chapter.points
    assert all(one["locked"] and not one["solution"] for one in graded)


@pytest.mark.parametrize("number", CATALOGUE.numbers)
def test_nbgrader_makes_the_exercise_of_a_source(number):
    """What nbgrader does to a solution's region: every line of it goes, and the stub stands there instead."""
    exercise = read(next((ROOT / "exercises").glob(f"{number}_*.ipynb")))
    made = {cell["id"]: cell for cell in the_source(number)["cells"]}
    for cell in exercise["cells"]:
        text = re.sub(
            r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION$",
            r"\1# Your code here.",
            "".join(made[cell["id"]]["source"]),
            flags=re.DOTALL | re.MULTILINE,
        )
        if "question" in cell["metadata"].get("course", {}):
            text = text.removeprefix("# Your code here.\n")
        assert text == "".join(cell["source"]), cell["id"]


def test_a_configuration_that_is_there_stays(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("mine", encoding="utf-8")
    written = write_course(CATALOGUE, ROOT, tmp_path, ["05"], seed=SEED)
    assert [path.name for path in written] == ["05_self_attention_layer.ipynb", "my_transformer.py"]
    assert (tmp_path / "nbgrader_config.py").read_text(encoding="utf-8") == "mine"
    own = write_course(CATALOGUE, ROOT, tmp_path, ["10b"], seed=SEED)  # about the student's file, which stays theirs
    assert [path.name for path in own] == ["10b_your_transformer.ipynb"]
    with pytest.raises(FileNotFoundError, match="no notebook of chapter 02"):
        write_course(CATALOGUE, tmp_path, tmp_path, ["02"], seed=SEED)


# The test cells -------------------------------------------------------------------------------------------------------


def outcome_of(task_id, answer):
    """Return which cases of an answer earn their points."""

    def earns(case):
        try:
            points.case(task_id, answer, case.name, seed=SEED)
        except points.NoPointsError:
            return False
        return True

    return list(map(earns, CATALOGUE.task(task_id).cases))


def test_each_case_earns_its_points_by_itself():
    task = CATALOGUE.task("02.scaled_scores")
    assert outcome_of(task.id, task.legal[0]) == [True] * 5

    def for_one_sentence(query, key):
        return query @ key.T / query.shape[-1] ** 0.5

    assert outcome_of(task.id, for_one_sentence) == [True, True, True, False, False]
    assert outcome_of(task.id, task.borrowed[0]) == [False] * 5


def test_an_answer_is_judged_once_and_one_that_does_not_end_is_not_tried_again(capsys):
    calls = []

    def never_ends(query, key):
        calls.append(1)
        print("to be read by nobody", file=sys.stderr)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        points.case("02.scaled_scores", never_ends, "3 queries, 4 keys", seed=SEED)
    assert outcome_of("02.scaled_scores", never_ends) == [False] * 5
    assert len(calls) == 1
    assert capsys.readouterr().err == ""


def test_a_choice_earns_its_point_in_code_or_by_a_click(monkeypatch, capsys):
    question = CATALOGUE.chapter("02").questions[0]
    right = next(letter for letter, choice in question.lettered.items() if choice.right)
    wrong = next(letter for letter in question.lettered if letter != right)
    monkeypatch.setattr(questions, "_in_code", {})
    monkeypatch.setattr(questions, "_clicked", {})
    for given in (..., wrong):
        questions.answer(question.id, given)
        with pytest.raises(points.NoPointsError):
            points.choice(question.id)
    questions.answer(question.id, right)
    points.choice(question.id)
    questions._in_code.clear()
    questions._clicked[question.id] = right
    points.choice(question.id)


# The real nbgrader ----------------------------------------------------------------------------------------------------

FOR_ONE_SENTENCE = (
    "import warnings\n\ndef scaled_scores(query, key):\n    return query @ key.T / math.sqrt(query.shape[-1])"
)
NO_ROOT = "def unit_variance_scores(query, key, query_std, key_std):\n    return query @ key.swapaxes(-2, -1)"
BORROWED = """import course_lib

def scaled_scores(query, key):
    return course_lib.dot_product_scores(query, key) / math.sqrt(query.shape[-1])"""
VALIDATE = """
import sys
from nbgrader.nbgraderformat import MetadataValidator
import nbformat
for path in {paths!r}:
    MetadataValidator().validate_nb(nbformat.read(path, 4))
print(len({paths!r}), "are valid")
"""
EXPORT = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as gradebook:
    print(json.dumps({
        f"{submission.student.id} {assignment.name}": {
            grade.cell.name: [grade.auto_score, grade.max_score]
            for notebook in submission.notebooks for grade in notebook.grades
        }
        for assignment in gradebook.assignments for submission in assignment.submissions
    }))
"""


def answered(notebook, answers, clicked=()):
    """Return a notebook that nbgrader gave out, with these answers: {id: source, or a letter}."""
    made = json.loads(json.dumps(notebook))
    for cell in made["cells"]:
        course = cell["metadata"].get("course", {})
        if course.get("answer") in answers:
            cell["source"] = answers[course["answer"]]
        elif course.get("question") in clicked:
            chose = {"course": {"question": course["question"], "chose": clicked[course["question"]]}}
            cell["outputs"] = [{"output_type": "display_data", "data": {"text/plain": ""}, "metadata": chose}]
        elif course.get("question") in answers:
            cell["source"] = "".join(cell["source"]).replace("...", f'"{answers[course["question"]]}"')
    return made


def right_answers(number):
    """Return {id: source, or letter} of the solution."""
    solution = read(next((ROOT / "solutions").glob(f"{number}_*.ipynb")))
    found = {
        cell["metadata"]["course"]["answer"]: re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", "".join(cell["source"]))
        for cell in solution["cells"]
        if "answer" in cell["metadata"].get("course", {})
    }
    for question in CATALOGUE.chapter(number).questions:
        found[question.id] = next(letter for letter, choice in question.lettered.items() if choice.right)
    return found


def submissions():
    """Return {(student, chapter): (answers, clicked)}."""
    right = {number: right_answers(number) for number in ("02", "05")}
    ids = [question.id for question in CATALOGUE.chapter("02").questions]
    warns = right["02"]["02.scaled_scores"].replace(
        '"""\n', '"""\n    import warnings; warnings.warn("so"); print("so")\n', 1
    )
    assert "warnings.warn" in warns
    half = {"02.scaled_scores": FOR_ONE_SENTENCE, "02.unit_variance_scores": NO_ROOT}
    own_part = {
        "05.SelfAttention": right["05"]["05.SelfAttention"].replace(", mask))", "))")
    }  # looks at what it may not
    assert own_part["05.SelfAttention"] != right["05"]["05.SelfAttention"]
    return {
        ("honest", "02"): (right["02"], {}),
        ("honest", "05"): (right["05"], {}),
        ("warns", "02"): (right["02"] | {"02.scaled_scores": warns}, {}),
        ("clicks", "02"): ({}, {id: right["02"][id] for id in ids[:2]} | {ids[2]: "b", ids[3]: "b"}),
        ("half", "02"): (right["02"] | half | {ids[0]: "a"}, {}),
        ("half", "05"): (right["05"] | own_part, {}),
        ("wrong", "02"): (
            {
                "02.scaled_scores": BORROWED,
                "02.unit_variance_scores": "def unit_variance_scores(query, key, query_std, key_std:",
                "02.head_scores": "def head_scores(query, key, num_heads):\n    raise ValueError(num_heads)",
                ids[0]: "z",
            },
            {},
        ),
        ("nothing", "02"): ({}, {}),
        ("nothing", "05"): ({}, {}),
    }


def cell_by_cell(report):
    """Return the points of our report as nbgrader's cells have them: {grade_id: [points, worth]}."""
    found = {}
    for result in report.results:
        name = result.id.replace(".", "-")
        if not hasattr(result, "cases"):
            found[f"{name}-choice"] = [result.points, result.worth]
        elif not result.optional:
            counts = result.outcome.value != "borrowed"
            for number, case in enumerate(result.cases, 1):
                found[f"{name}-case-{number}"] = [case.points if counts else 0, case.worth]
    return found


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """An environment of its own with nbgrader in it, whose kernel is the course's Python; returns how to call it."""
    place = tmp_path_factory.mktemp("nbgrader")
    venv.create(place / "env", with_pip=True)
    scripts = place / "env" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:", NBGRADER]
    installed = subprocess.run(pip, capture_output=True, encoding="utf-8")
    if installed.returncode:
        pytest.skip(f"{NBGRADER} cannot be installed: {installed.stderr.strip().splitlines()[-1:]}")
    kernel = [sys.executable, "-m", "ipykernel", "install", "--prefix", place / "env", "--name", "python3"]
    subprocess.run(kernel, check=True, capture_output=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON"))}
    clean |= {"PATH": os.pathsep.join([str(scripts), clean["PATH"]]), "OMP_NUM_THREADS": "1"}

    def call(*arguments, code=None):
        command = [python, "-c", code] if code else [python, "-m", "nbgrader", *arguments]
        done = subprocess.run(command, cwd=place / "course", env=clean, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    (place / "course").mkdir()
    return place / "course", call


@pytest.mark.thorough("installs nbgrader into an environment of its own, and starts a kernel for every submission")
def test_nbgrader_gives_the_same_points_case_by_case(nbgrader, grade_file, tmp_path):
    folder, call = nbgrader
    assert f"{len(EXERCISES)} are valid" in call(code=VALIDATE.format(paths=list(map(str, EXERCISES))))
    write_course(CATALOGUE, ROOT, folder, ["02", "05"], seed=SEED)
    handed_in = {}
    for number in ("02", "05"):
        call("generate_assignment", f"ps{number}")
        (released,) = (folder / "release" / f"ps{number}").glob("*.ipynb")
        text = released.read_text(encoding="utf-8")
        assert f"seed={SEED}" not in text
        assert "points.case" not in text
        assert not any(source in text for source in right_answers(number).values() if len(source) > 1)
        for (student, chapter), (answers, clicked) in submissions().items():
            if chapter == number:
                place = folder / "submitted" / student / f"ps{number}" / released.name
                place.parent.mkdir(parents=True)
                place.write_text(json.dumps(answered(read(released), answers, clicked)), encoding="utf-8")
                handed_in[student, number] = place
        call("autograde", f"ps{number}")
    theirs = json.loads(call(code=EXPORT))
    total = {}
    for (student, number), path in handed_in.items():
        ours = grade_file(path, SEED, chapter=number)
        assert theirs[f"{student} ps{number}"] == cell_by_cell(ours), (student, number)
        total[student, f"ps{number}"] = ours.points
    assert total["honest", "ps02"] == total["warns", "ps02"] == CATALOGUE.chapter("02").points
    assert total["honest", "ps05"] == CATALOGUE.chapter("05").points
    assert total["nothing", "ps02"] == total["nothing", "ps05"] == 0
    assert all(
        0 < total[key] < total["honest", key[1]] for key in [("half", "ps02"), ("half", "ps05"), ("clicks", "ps02")]
    )
    call("export", "--to", str(tmp_path / "grades.csv"))
    with open(tmp_path / "grades.csv", encoding="utf-8", newline="") as file:
        rows = {(row["student_id"], row["assignment"]): float(row["score"]) for row in csv.DictReader(file)}
    assert {key: rows[key] for key in total} == total
