"""What every notebook of the course has, whatever its chapter. That outputs are true is nbval's part."""

import ast
import re
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from authoring.minutes import has_main_line, is_folded, reading
from authoring.own_work import worked_on
from authoring.release import difference
from authoring.storage import normalize, read
from tasks import CATALOGUE

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = CATALOGUE.chapters
LESSONS, SOLUTIONS, EXERCISES = (
    sorted((ROOT / folder).glob("*.ipynb")) for folder in ("notebooks", "solutions", "exercises")
)
OWN_WORK = {ROOT / path for path in worked_on(ROOT)}  # a reader's own answers are no failure of the course

SECTIONS = ["What you will be able to do", "Common mistakes", "Summary", "Check yourself", "Next", "References"]
REBUILT = {"00", "01", "02", "03"}  # lessons that open with what makes one want the idea; it grows
ITS_SECTIONS = ["Common mistakes", "What you now have", "Check yourself", "Next", "Deeper", "Since 2023", "References"]
NOT_AT_THE_START = {"Common mistakes", "Since 2023"}  # lesson 00 teaches no idea of the field
SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
LONGEST_CELL = 20  # lines of code, the marks of a solution aside
MOST_MINUTES, MOST_WORDS, MOST_CELLS = 45, 1800, 60  # of a main line
LARGEST_FILE = 2_000_000  # bytes: what a code-hosting page still renders
MACHINE_PATH = re.compile(r"/home/|/Users/|/tmp/|\bC:\\")
NOTE = "**Speaker note.**\n"
CHECK = "# Check\n"  # JupyterLab shows the first line of what is folded; an assertion there would tell a result
LONGEST_FIRST_LINE = 90  # characters; JupyterLab shows it, and where it is too long the whole page scrolls sideways
PREDICTION = "**Predict, then run.**"
FIGURE = re.compile(r"show_\w+|side_by_side|explore|bars|arrows|grid|curves|Audio")
NO_COMPUTING = {"dict", "enumerate", "len", "list", "range", "reversed", "sorted", "str", "tuple", "zip"}
ASIDE = "aside"  # the tag of a helper or a table that is folded, although it is neither of what else may be
LINK = re.compile(r"""\]\(<?([^)\s>]+)[^)]*\)|(?:href|src)=["']([^"']+)["']""")
CODE_OR_MATH = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)


@cache
def notebook(path):
    return read(path)


@pytest.fixture
def path(request):
    if request.param in OWN_WORK:
        pytest.skip(f"exercises/{request.param.name} has changes of your own (set CI=1 to test it all the same)")
    return request.param


def every(*paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: f"{path.parent.name}/{path.stem}", indirect=True)


def code_cells(path):
    return [cell for cell in notebook(path).cells if cell.cell_type == "code"]


def markdown_cells(path):
    return [cell for cell in notebook(path).cells if cell.cell_type == "markdown"]


def outputs(path):
    return [output for cell in code_cells(path) for output in cell.outputs]


def text_of(cell):
    """What a code cell shows, as plain text."""
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def number_of(path):
    """The number of a notebook's chapter, such as "09"; of an exercise that shares a lesson with another, "09b"."""
    return path.name.partition("_")[0]


def lesson_of(path):
    """The number of the lesson that a notebook belongs to: that of its chapter without a letter."""
    return re.match(r"\d+", path.name)[0]


def cells_of(path, kind):
    """The answer cells or the question cells of a notebook, by id, each with its index."""
    cells = enumerate(notebook(path).cells)
    return [(cell.metadata["course"][kind], index) for index, cell in cells if kind in cell.metadata.get("course", {})]


# The course as a whole


def test_lessons_are_numbered_without_a_gap():
    assert LESSONS, "no lessons in notebooks/"
    assert [path.name[:3] for path in LESSONS] == [f"{number:02}_" for number in range(len(LESSONS))]


def test_every_chapter_of_the_catalogue_has_lesson_solution_and_exercise():
    solutions = [path.name for path in SOLUTIONS]
    assert [number_of(path) for path in SOLUTIONS] == [chapter.number for chapter in CHAPTERS]
    assert [path.name for path in EXERCISES if path.name in solutions or path not in OWN_WORK] == solutions
    names = {path.name for path in LESSONS}
    assert [path.name for path in SOLUTIONS if path.name not in names and number_of(path).isdigit()] == []
    assert {lesson_of(path) for path in SOLUTIONS} <= {number_of(path) for path in LESSONS}


# Every notebook


@every(*LESSONS, *SOLUTIONS, *EXERCISES)
def test_stored_in_the_normal_form(path):
    text = path.read_bytes().decode()
    assert text == nbformat.writes(normalize(notebook(path))) + "\n", "store it with `python3 course.py run`"
    assert len(text.encode()) < LARGEST_FILE


@every(*LESSONS, *SOLUTIONS, *EXERCISES)
def test_executed_once_from_top_to_bottom_without_errors(path):
    assert [cell.execution_count for cell in code_cells(path)] == list(range(1, len(code_cells(path)) + 1))
    assert outputs(path)
    assert [output.ename for output in outputs(path) if output.output_type == "error"] == []


@every(*LESSONS, *SOLUTIONS, *EXERCISES)
def test_code_cells_are_short(path):
    lines = {
        cell.id: re.sub(r"^ *### .*\n?", "", cell.source, flags=re.MULTILINE).splitlines() for cell in code_cells(path)
    }
    assert [id for id, of_cell in lines.items() if len(of_cell) > LONGEST_CELL] == []


@every(*LESSONS, *SOLUTIONS, *EXERCISES)
def test_images_have_an_alternative_text(path):
    images = [output.metadata for output in outputs(path) if "image/png" in output.get("data", {})]
    assert all(metadata.get("image/png", {}).get("alt", "").strip() for metadata in images)
    markdown = "\n".join(cell.source for cell in markdown_cells(path))
    assert re.findall(r"!\[\s*\]\(.*\)|<img(?![^>]*\balt=)[^>]*>", markdown) == []


@every(*LESSONS, *SOLUTIONS, *EXERCISES)
def test_relative_links_lead_to_files(path):
    broken = []
    for cell in markdown_cells(path):
        for match in LINK.finditer(CODE_OR_MATH.sub("", cell.source)):
            target = unquote((match[1] or match[2]).partition("#")[0])
            is_elsewhere = re.match(r"[a-z]+:", target)
            if target and not is_elsewhere and not (path.parent / target).exists():
                broken.append(target)
    assert broken == []


@every(*LESSONS, *SOLUTIONS, *EXERCISES)
def test_no_path_of_the_authors_machine(path):
    texts = [cell.source for cell in notebook(path).cells]
    for output in outputs(path):
        texts.append(output.get("text", ""))
        texts += [str(value) for kind, value in output.get("data", {}).items() if not kind.startswith("image/")]
    assert [text for text in texts if MACHINE_PATH.search(text)] == []


# Lessons


@every(*LESSONS)
def test_lesson_opens_with_title_minutes_and_needs(path):
    first = notebook(path).cells[0].source
    assert re.match(rf"# {number_of(path)} · \S", first)
    assert re.search(r"^\*\*About \d+ minutes\*\* · (taught in class: \d+ · )?needs: \S", first, re.MULTILINE)


@every(*LESSONS)
def test_lesson_takes_the_minutes_that_it_says(path):
    said = int(re.search(r"^\*\*About (\d+) minutes\*\*", notebook(path).cells[0].source, re.MULTILINE)[1])
    assert said == round(reading(path).minutes), "see `python3 course.py minutes`"


def test_the_refresher_takes_the_minutes_that_the_first_page_says(tmp_path):
    page = read(LESSONS[0])  # and cut it, so it's nobody else's
    places = {cell.source.partition("\n")[0]: place for place, cell in enumerate(page.cells)}
    said = int(re.search(r"refresher at the end, about (\d+) minutes", page.cells[0].source)[1])
    page.cells = page.cells[places["## Deeper"] : places["## References"]]
    page.cells[0].source = page.cells[0].source.replace("## Deeper", "")
    nbformat.write(page, tmp_path / "refresher.ipynb")
    assert said == round(reading(tmp_path / "refresher.ipynb").minutes)


@every(*[path for path in LESSONS if has_main_line(read(path))])
def test_main_line_takes_less_than_a_lesson_at_school(path):
    assert reading(path).minutes <= MOST_MINUTES


@every(*[path for path in LESSONS if path.name[:2] in REBUILT])
def test_main_line_is_short(path):
    assert has_main_line(notebook(path))
    counted = reading(path)
    assert counted.words <= MOST_WORDS
    assert counted.cells <= MOST_CELLS


@every(*[path for path in LESSONS if path.name[:2] in REBUILT])
def test_minutes_of_the_speaker_notes_add_up_to_the_lecture(path):
    cells = [cell.source for cell in markdown_cells(path)]
    notes = [re.match(rf"{re.escape(NOTE)}(\d+) minutes?\b", text) for text in cells if text.startswith(NOTE)]
    said = re.search(r"· taught in class: (\d+) ·", cells[0])[1]
    assert sum(int(note[1]) for note in notes if note) == int(said)


@every(*LESSONS)
def test_lesson_has_its_sections_in_order(path):
    headings = re.findall(r"^## (.+)$", "\n".join(cell.source for cell in markdown_cells(path)), re.MULTILINE)
    of_its_kind = ITS_SECTIONS if number_of(path) in REBUILT else SECTIONS
    expected = [section for section in of_its_kind if number_of(path) != "00" or section not in NOT_AT_THE_START]
    assert [heading for heading in headings if heading in expected] == expected


@every(*LESSONS)
def test_lesson_leads_on_to_its_exercise_and_the_next_lesson(path):
    section = next(cell.source for cell in markdown_cells(path) if re.search(r"^## Next$", cell.source, re.MULTILINE))
    following = dict(pairwise(LESSONS)).get(path)
    for exercise in SOLUTIONS:
        if lesson_of(exercise) == number_of(path):
            assert f"(../exercises/{exercise.name})" in section
    if following:
        assert f"({following.name})" in section


@every(*LESSONS)
def test_lesson_lets_predict_at_least_three_times_before_it_shows(path):
    followers = [after for cell, after in pairwise(notebook(path).cells) if cell.source.startswith(PREDICTION)]
    assert len(followers) >= 3
    assert all(cell.cell_type == "code" for cell in followers)


@every(*LESSONS)
def test_lesson_is_a_lecture(path):
    types = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook(path).cells]
    assert set(types) <= SLIDE_TYPES
    notes = [cell for cell, kind in zip(notebook(path).cells, types, strict=True) if kind == "notes"]
    assert notes
    assert all(cell.cell_type == "markdown" and cell.source.startswith(NOTE) for cell in notes)


@every(*LESSONS)
def test_lesson_asserts_what_it_says(path):
    assert any(re.search(r"^\s*assert\b|\bassert_\w+\(", cell.source, re.MULTILINE) for cell in code_cells(path))


# What a reader of a lesson sees, and what is folded


def statements(source):
    """Every statement of a cell, also those inside others."""
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]


def name_of(call):
    """The last name of what a call calls: "assert_allclose" of `np.testing.assert_allclose(...)`."""
    return ast.unparse(call.func).rpartition(".")[2] if isinstance(call, ast.Call) else ""


def is_import(statement):
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def is_assertion(statement):
    return isinstance(statement, ast.Assert) or name_of(getattr(statement, "value", None)).startswith("assert")


def calls(source, names):
    """Whether a cell calls, anywhere, something whose name fully matches the pattern `names`."""
    return any(re.fullmatch(names, name_of(node)) for node in ast.walk(ast.parse(source)))


def computes(tree):
    """Whether a piece of code computes anything, other than figures, out of what is there."""
    called = [name_of(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    elsewhere = [name for name in called if name not in NO_COMPUTING and not FIGURE.fullmatch(name)]
    return bool(elsewhere) or any(isinstance(node, (ast.BinOp, ast.Compare)) for node in ast.walk(tree))


def only_draws(source):
    """Whether a cell does nothing but draw figures of what is there."""
    body = ast.parse(source).body
    drawn = [FIGURE.fullmatch(name_of(getattr(statement, "value", None))) for statement in body]
    return bool(body) and all(drawn) and not any(map(computes, body))


def only_names(source):
    """Whether a cell does nothing but give names to what is there, as labels of a figure have."""
    body = ast.parse(source).body
    return all(isinstance(statement, ast.Assign) and not computes(statement) for statement in body)


def controls(cells):
    """The pattern of the names of the controls that a notebook imports."""
    imported = [
        alias.asname or alias.name
        for cell in cells
        for statement in statements(cell.source)
        if isinstance(statement, ast.ImportFrom) and statement.module.partition(".")[0] == "workbook"
        for alias in statement.names
    ]
    return re.compile("|".join(imported) or "(?!)")


def belongs_in_sight(source):
    return not (any(is_import(s) or is_assertion(s) for s in statements(source)) or only_draws(source))


def may_be_folded(source, tags=(), controls="(?!)"):
    checks = any(is_import(s) or is_assertion(s) for s in statements(source))
    return checks or only_names(source) or calls(source, FIGURE) or calls(source, controls) or ASIDE in tags


@every(*LESSONS)
def test_what_one_sees_holds_no_import_no_assertion_and_no_mere_figure(path):
    assert [cell.id for cell in code_cells(path) if not is_folded(cell) and not belongs_in_sight(cell.source)] == []


@every(*LESSONS)
def test_what_is_folded_is_not_for_the_reader(path):
    folded = [cell for cell in code_cells(path) if is_folded(cell)]
    of_controls = controls(code_cells(path))
    assert [c.id for c in folded if not may_be_folded(c.source, c.metadata.get("tags", ()), of_controls)] == []
    assert [c.id for c in code_cells(path) if ASIDE in c.metadata.get("tags", ()) and not is_folded(c)] == []


@every(*LESSONS)
def test_speaker_notes_are_folded_and_no_other_text(path):
    for cell in markdown_cells(path):
        is_note = cell.metadata.get("slideshow", {}).get("slide_type") == "notes"
        assert is_folded(cell) == is_note, cell.id


@every(*LESSONS)
def test_first_line_of_a_folded_assertion_tells_no_result(path):
    checks = [cell for cell in code_cells(path) if any(map(is_assertion, statements(cell.source)))]
    assert [cell.id for cell in checks if not cell.source.startswith(CHECK)] == []


@every(*LESSONS)
def test_first_line_of_what_is_folded_is_short(path):
    first_lines = [cell.source.splitlines()[0] for cell in notebook(path).cells if is_folded(cell)]
    assert [line for line in first_lines if len(line) > LONGEST_FIRST_LINE] == []


@every(*LESSONS)
def test_no_assertion_gives_a_result_away_before_it_is_shown(path):
    cells = notebook(path).cells
    for index, cell in enumerate(cells):
        if cell.source.startswith(PREDICTION):
            for after in takewhile(lambda after: after.cell_type == "code" and not after.outputs, cells[index + 1 :]):
                assert not any(map(is_assertion, statements(after.source))), after.id


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\nassert x == 1",
        "import math\nmath.pi",
        "for x in (1, 2):\n    print(x)\n    np.testing.assert_allclose(x, 1)",
        "def f():\n    from math import pi\n    return pi",
        "show_weights(weights, words)",
        "side_by_side(show_weights(a, range(1, 7)), show_weights(b, list(words)))",
    ],
)
def test_code_that_belongs_out_of_sight_is_found(source):
    assert not belongs_in_sight(source)
    assert may_be_folded(source)


@pytest.mark.parametrize(
    "source",
    [
        "weights = softmax(scores)",
        "weights = softmax(scores)\nprint(weights)",
        "def f(x):\n    return x @ x.T",
        "print(scores)",
        "scores",
    ],
)
def test_code_that_belongs_in_sight_may_not_be_folded(source):
    assert belongs_in_sight(source)
    assert not may_be_folded(source)
    assert may_be_folded(source, tags=[ASIDE])


def test_a_figure_of_what_it_computes_may_be_seen():
    assert belongs_in_sight("show_weights(softmax(scores), words)")
    assert belongs_in_sight("show_vectors(X + Y, words)")
    assert belongs_in_sight("X = toy.X\nshow_vectors(X, words)")


def test_controls_of_the_workbook_may_be_folded():
    of_controls = controls([new_code_cell("from workbook import predict\nfrom math import pi")])
    assert may_be_folded('guess = predict("01.a", "Which?", ["a", "b"])', controls=of_controls)
    assert not may_be_folded('print(pi("01.a"))', controls=of_controls)


# Solutions and exercises


@every(*EXERCISES)
def test_exercise_is_what_its_solution_generates(path):
    assert difference(ROOT / "solutions" / path.name, path) == ""


@every(*EXERCISES)
def test_untouched_exercise_says_not_attempted(path):
    cells = notebook(path).cells
    verdicts = [index + 1 for _, index in cells_of(path, "answer")] + [index for _, index in cells_of(path, "question")]
    assert [cells[index].id for index in verdicts if "not attempted" not in text_of(cells[index]).lower()] == []


@every(*SOLUTIONS)
def test_solution_holds_exactly_the_tasks_and_questions_of_its_chapter(path):
    chapter = next(chapter for chapter in CHAPTERS if chapter.number == number_of(path))
    assert sorted(id for id, _ in cells_of(path, "answer")) == sorted(task.id for task in chapter.tasks)
    assert sorted(id for id, _ in cells_of(path, "question")) == sorted(asked.id for asked in chapter.questions)


@every(*SOLUTIONS)
def test_solution_announces_each_task_checks_it_and_offers_hints(path):
    cells = notebook(path).cells
    for id, index in cells_of(path, "answer"):
        given = CATALOGUE.task(id)
        stars = "★" * given.difficulty + "☆" * (3 - given.difficulty)
        earned = "optional" if given.optional else _count(given.points, "point")
        announced = f"**{stars} · {_count(given.minutes, 'minute')} · {earned}**"
        header, answer, check, hint = cells[index - 1 : index + 3]
        assert header.cell_type == "markdown"
        assert announced in header.source.splitlines()
        assert re.search(rf"^(def|class) {given.function}\b", answer.source, re.MULTILINE)
        assert check.source == f'check("{id}", {given.function})'
        assert hint.source == f'hint("{id}")'
        assert text_of(check).startswith(f"{id}: right")


@every(*SOLUTIONS)
def test_optional_tasks_stand_at_the_end_under_their_heading(path):
    cells = notebook(path).cells
    headings = [index for index, cell in enumerate(cells) if re.match(r"## Optional$", cell.source, re.MULTILINE)]
    graded = [index for id, index in cells_of(path, "answer") if not CATALOGUE.task(id).optional]
    graded += [index for _, index in cells_of(path, "question")]
    optional = [index for id, index in cells_of(path, "answer") if CATALOGUE.task(id).optional]
    assert len(headings) == bool(optional)
    assert all(max(graded) < headings[0] < index for index in optional)


@every(*SOLUTIONS)
def test_solution_gives_the_right_choice_of_each_question(path):
    asked = {asked.id: asked for chapter in CHAPTERS for asked in chapter.questions}
    for id, index in cells_of(path, "question"):
        right = next(letter for letter, choice in asked[id].lettered.items() if choice.right)
        assert notebook(path).cells[index].source == f'answer("{id}", "{right}")'


def _count(number, unit):
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
