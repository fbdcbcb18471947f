"""Generating exercises from solutions."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.release import check, exercise, release
from authoring.storage import NotebookError, normalize, read, write

ANSWER = '''def scaled_scores(query, key):
    """Return the scores (q_len, k_len)."""
    ### BEGIN SOLUTION
    d_k = query.shape[-1]
    return query @ key.T / d_k**0.5
    ### END SOLUTION'''


def answer_cell(source=ANSWER):
    return new_code_cell(source, metadata={"course": {"answer": "02.scaled_scores"}, "tags": ["answer"]})


def question_cell(source='answer("02.why_root", "b")'):
    return new_code_cell(source, metadata={"course": {"question": "02.why_root"}})


def notebook(*cells):
    return normalize(new_notebook(cells=list(cells)))


def released(*cells):
    """Return the sources of the exercise's cells."""
    return [cell.source for cell in exercise(notebook(*cells), "solutions/02_scaling.ipynb").cells]


def test_region_becomes_return_dots_and_everything_else_stays():
    assert released(new_markdown_cell("# 02 · Scaling"), answer_cell(), new_code_cell("scaled_scores")) == [
        "# 02 · Scaling",
        'def scaled_scores(query, key):\n    """Return the scores (q_len, k_len)."""\n'
        "    # Your code here.\n    return ...",
        "scaled_scores",
    ]


def test_region_keeps_the_indentation_of_a_method_and_its_neighbors():
    source = (
        "class Layer:\n"
        "    def scores(self, x):\n"
        "        ### BEGIN SOLUTION\n"
        "        for row in x:\n"
        "            pass\n"
        "        ### END SOLUTION\n"
        "\n"
        "    def weights(self, x):\n"
        "        scores = self.scores(x)\n"
        "        ### BEGIN SOLUTION\n"
        "        return softmax(scores)\n"
        "        ### END SOLUTION"
    )
    assert released(answer_cell(source)) == [
        "class Layer:\n"
        "    def scores(self, x):\n"
        "        # Your code here.\n"
        "        return ...\n"
        "\n"
        "    def weights(self, x):\n"
        "        scores = self.scores(x)\n"
        "        # Your code here.\n"
        "        return ..."
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('answer("02.why_root", "b")', 'answer("02.why_root", ...)'),
        ("answer('02.why_root',  'b' )  # \"b\"?", "answer('02.why_root',  ... )  # \"b\"?"),
        ('é = "€"; answer("02.why_root", "b"); é', 'é = "€"; answer("02.why_root", ...); é'),
        ('answer(\n    "02.why_root",\n    "b",\n)', 'answer(\n    "02.why_root",\n    ...,\n)'),
        ('answer("02.why_root", ("a"\n  "b")); x', 'answer("02.why_root", (...)); x'),
    ],
)
def test_choice_becomes_dots_and_not_a_character_around_it_changes(given, expected):
    assert released(question_cell(given)) == [expected]


def test_solution_only_cells_outputs_and_telling_ids_go():
    explanation = new_markdown_cell("Because it is so.", metadata={"tags": ["solution-only"]})
    run = new_code_cell("1 + 1", execution_count=3, outputs=[nbformat.v4.new_output("stream", text="2")])
    question = question_cell()
    question.id = "answer-02-why-root-b"
    made = exercise(notebook(explanation, run, question), "02.ipynb")
    assert [(cell.source, cell.id) for cell in made.cells] == [
        ("1 + 1", "1-1"),
        ('answer("02.why_root", ...)', "question-02-why-root"),
    ]
    assert (made.cells[0].outputs, made.cells[0].execution_count) == ([], None)


def test_solution_is_not_written_into():
    solution = notebook(answer_cell(), question_cell())
    before = nbformat.writes(solution)
    exercise(solution, "02.ipynb")
    assert nbformat.writes(solution) == before


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (answer_cell(ANSWER.replace("    ### END SOLUTION", "")), "`### BEGIN SOLUTION` without `### END SOLUTION`"),
        (
            answer_cell(ANSWER.replace("    ### BEGIN SOLUTION\n", "")),
            "`### END SOLUTION` without `### BEGIN SOLUTION`",
        ),
        (answer_cell(ANSWER.replace("    d_k", "    ### BEGIN SOLUTION\n    d_k")), "a second `### BEGIN SOLUTION`"),
        (answer_cell(ANSWER.replace("### BEGIN", "# begin")), "not `# begin SOLUTION`"),
        (answer_cell("def f():\n    return 1"), "has no `### BEGIN SOLUTION`"),
        (new_code_cell(ANSWER), "a solution marker but no metadata `course.answer`"),
        (new_markdown_cell("### BEGIN SOLUTION\nso"), "a solution marker but no metadata `course.answer`"),
        (answer_cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"), "a region must end its function"),
        (answer_cell(ANSWER + "\n    return 1"), "a region must end its function"),
        (
            answer_cell("def f(x):\n    if x:\n        ### BEGIN SOLUTION\n        return 1\n        ### END SOLUTION"),
            "a region must end its function",
        ),
        (answer_cell(ANSWER.replace("d_k =", "d_k ==== ")), r"line 4 is no Python \(invalid syntax\)"),
        (
            answer_cell(
                "def f(x):\n    if x:\n    ### BEGIN SOLUTION\n        pass\n    return 1\n    ### END SOLUTION"
            ),
            "without its solution: line .* is no Python",
        ),
        (question_cell("answer()"), 'a question is one call, `answer\\("02.why_root", "a"\\)`'),
        (question_cell("print(1)"), "a question is one call"),
        (question_cell('answer("02.why_root", "a"); answer("02.why_root", "b")'), "a question is one call"),
        (question_cell('answer("02.other", "b")'), "asks '02.other', but its metadata says '02.why_root'"),
        (question_cell('answer("02.why_root", ...)'), "has no choice"),
        (new_code_cell('answer("02.why_root", "b")'), "answers a question but has no metadata `course.question`"),
    ],
)
def test_error_names_the_cell_and_what_is_wrong(cell, message):
    with pytest.raises(NotebookError, match=rf"^solutions/02_scaling.ipynb, cell 2 \(`.*`\).*{message}"):
        released(new_markdown_cell("# 02 · Scaling"), cell)


@pytest.mark.parametrize(
    "cell",
    [
        new_code_cell("check(query  @ key.T /\td_k**0.5)"),
        new_markdown_cell("Write `query @ key.T / d_k**0.5`."),
        answer_cell(
            "def other(query, key):\n    s = query @ key.T / d_k**0.5\n    ### BEGIN SOLUTION\n    ### END SOLUTION"
        ),
    ],
)
def test_answer_that_can_be_read_elsewhere_is_refused(cell):
    with pytest.raises(NotebookError, match=r"still shows its answer `query @ key\.T / d_k\*\*0\.5`, in the cell"):
        released(answer_cell(), cell)


def test_short_steps_on_the_way_and_returned_names_are_no_leak():
    source = ANSWER.replace("return query @", "scores = query @").replace(
        "    ### END", "    return scores\n    ### END"
    )
    released(answer_cell(source), new_code_cell("d_k = query.shape[-1]\nscores"))


@pytest.fixture
def course(tmp_path):
    """The root of a course with one solution whose exercise runs."""
    (tmp_path / "solutions").mkdir()
    setup = new_code_cell("def answer(id, choice):\n    print('not attempted' if choice is ... else choice)")
    solution = notebook(new_markdown_cell("# 02 · Scaling"), setup, answer_cell(), question_cell())
    write(tmp_path / "solutions" / "02_scaling.ipynb", solution)
    return tmp_path


def test_release_executes_what_it_writes_and_writes_the_same_bytes_again(course, capsys):
    path = course / "exercises" / "02_scaling.ipynb"
    assert release(course) == 0
    first = path.read_bytes()
    assert [cell.get("execution_count") for cell in read(path).cells] == [None, 1, 2, 3]
    assert read(path).cells[3].outputs[0].text == "not attempted\n"
    assert release(course) == 0
    assert path.read_bytes() == first
    assert check(course) == 0
    assert capsys.readouterr().err == ""


def test_exercise_that_does_not_run_is_not_written(course, capsys):
    path = course / "solutions" / "02_scaling.ipynb"
    solution = read(path)
    solution.cells.append(new_code_cell("scaled_scores(1, 2) + 1"))
    write(path, normalize(solution))
    assert release(course) == 1
    assert "02_scaling.ipynb, cell [4] `scaled_scores(1, 2) + 1`: TypeError: unsupported" in capsys.readouterr().err
    assert list((course / "exercises").iterdir()) == []


def tamper(cells):
    cells[2].source = cells[2].source.replace("...", "query @ key.T")


def run_again(cells):
    cells[1].update(execution_count=7, outputs=[nbformat.v4.new_output("stream", text="other")])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (run_again, ""),
        (tamper, "02_scaling.ipynb: is out of date from cell 3 on (`def scaled_scores(query, key):`); run `release`."),
        (lambda cells: cells[3].metadata.clear(), 'is out of date from cell 4 on (`answer("02.why_root", ...)`)'),
        (lambda cells: cells.pop(), "02_scaling.ipynb: is out of date: 3 cells, not 4; run `release`."),
    ],
)
def test_check_names_the_first_cell_that_differs(course, capsys, change, complaint):
    path = course / "exercises" / "02_scaling.ipynb"
    path.parent.mkdir()
    made = exercise(read(course / "solutions" / "02_scaling.ipynb"), path)
    change(made.cells)
    write(path, made)
    before = path.read_bytes()
    assert check(course) == int(bool(complaint))
    assert complaint in capsys.readouterr().err
    assert path.read_bytes() == before


def test_check_names_missing_and_orphaned_exercises_and_writes_nothing(course, capsys):
    assert check(course) == 1
    assert capsys.readouterr().err.endswith("02_scaling.ipynb: is missing; run `release`.\n")
    assert not (course / "exercises").exists()

    (course / "exercises").mkdir()
    (course / "exercises" / "99_old.ipynb").touch()
    assert check(course) == 1
    assert "99_old.ipynb: has no solution.\n" in capsys.readouterr().err


CLASS = '''class Layer(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        ### BEGIN SOLUTION
        self.W = nn.Linear(d_model, d_model)
        ### END SOLUTION

    def forward(self, x):
        """Return it."""
        ### BEGIN SOLUTION
        return self.W(x) + torch.zeros_like(x)
        ### END SOLUTION'''


def test_an_init_keeps_what_stands_around_its_region_and_returns_nothing():
    [source] = released(answer_cell(CLASS))
    assert source == (
        "class Layer(nn.Module):\n    def __init__(self, d_model):\n        super().__init__()\n"
        "        # Your code here.\n        ...\n\n    def forward(self, x):\n"
        '        """Return it."""\n        # Your code here.\n        return ...'
    )


def test_what_an_init_makes_may_be_said_in_the_text_and_what_is_computed_may_not():
    released(new_markdown_cell("W is nn.Linear(d_model, d_model)"), answer_cell(CLASS))
    with pytest.raises(NotebookError, match="still shows its answer"):
        released(new_markdown_cell("It is self.W(x) + torch.zeros_like(x)."), answer_cell(CLASS))
