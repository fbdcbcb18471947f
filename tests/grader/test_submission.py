"""Reading a notebook: which cell answers what, without running any of it."""

import textwrap

import pytest

from grader.submission import Program, SubmissionError, Unreadable, read_notebook

TASK = "00.row_sums"
ANSWER = "def row_sums(table, factor):\n    return factor * table.sum(axis=-1)"
STUB = 'def row_sums(table, factor):\n    """Sums."""\n    # Your code here.\n    return ...'


def program(path):
    return read_notebook(path).program(TASK)


def test_the_marked_cell_is_the_answer(write_notebook):
    found = program(write_notebook("import numpy as np", (ANSWER, TASK)))
    assert found == Program("row_sums", ("import numpy as np",), ANSWER)


def test_a_cell_that_lost_its_mark_is_found_by_its_function(write_notebook):
    assert program(write_notebook("x = 1", ANSWER)).answer == ANSWER


def test_an_untouched_marked_cell_gives_way_to_an_answer_elsewhere(write_notebook):
    assert program(write_notebook((STUB, TASK), ANSWER)).answer == ANSWER
    assert program(write_notebook((STUB, TASK), "x = 1")).answer == STUB


def test_the_marked_answer_wins_over_an_earlier_attempt(write_notebook):
    attempt = "def row_sums(table, factor):\n    return 0"
    assert program(write_notebook(attempt, (ANSWER, TASK))).answer == ANSWER


def test_only_definitions_come_from_other_cells(write_notebook):
    other = textwrap.dedent(
        """
        import numpy as np
        from grader.notebook import check
        EPSILON = 1e-9
        scale = np.sqrt(2)
        def helper(x):
            return x
        class Box: pass
        result = helper(3)
        print(result)
        helper(2)
        for i in range(9): pass
        """
    )
    found = program(write_notebook(other, (ANSWER, TASK)))
    assert [line.split("\n")[0] for line in found.definitions] == [
        "import numpy as np",
        "EPSILON = 1e-09",
        "scale = np.sqrt(2)",
        "def helper(x):",
        "class Box:",
    ]


def test_a_loop_hidden_in_an_assignment_is_left_out(write_notebook):
    found = program(write_notebook("import numpy as np\nx = np.array(forever())", (ANSWER, TASK)))
    assert found.definitions == ("import numpy as np",)


def test_magics_are_no_syntax_errors(write_notebook):
    found = program(write_notebook("%matplotlib inline\n!ls\nY = 2", "%%bash\nrm -r x", ("%time\n" + ANSWER, TASK)))
    assert found.definitions == ("Y = 2",)
    assert "def row_sums" in found.answer


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["x = 1"], "no cell defines row_sums"),
        ([("def row_sum(t): pass", TASK)], "does not define row_sums: it defines row_sum"),
        ([("# all gone", TASK)], "it defines nothing"),
        ([("def row_sums(t)\n    return t", TASK)], "syntax error: expected ':' (line 1: def row_sums(t))"),
        (["def row_sums(t)\n    return t"], "syntax error"),
        ([("def row_sums(t):\nreturn t", TASK)], "syntax error"),
        ([("x = '\0'", TASK)], "syntax error"),
    ],
)
def test_why_there_is_no_answer(write_notebook, cells, words):
    found = program(write_notebook(*cells))
    assert isinstance(found, Unreadable)
    assert words in found.reason


def test_a_broken_cell_elsewhere_does_not_matter(write_notebook):
    assert program(write_notebook("def broken(:", (ANSWER, TASK))) == Program("row_sums", (), ANSWER)


@pytest.mark.parametrize(
    ("cells", "letter"),
    [
        (['answer("00.sum", "b")'], "b"),
        (['answer("00.sum", ...)'], ""),
        (['answer("00.sum", "a")', 'answer("00.sum", "c")'], "c"),
        (['answer("00.other", "a")'], None),
        (["x = 1"], None),
        (["answer('00.sum',  'b')  # sure"], "b"),
    ],
)
def test_the_choice_is_read_not_run(write_notebook, cells, letter):
    assert read_notebook(write_notebook(*cells)).choice("00.sum") == letter


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"PK\x03\x04\xff\xfe", "not text"),
        (b"[1, 2]", "no list of cells"),
        (b'{"cells": 3}', "no list of cells"),
        (b'{"cells": [3]}', "no list of cells"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_is_no_notebook(tmp_path, content, words):
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(SubmissionError, match=r"is no Jupyter notebook") as caught:
        read_notebook(path)
    assert words in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(SubmissionError, match="cannot be read"):
        read_notebook(tmp_path / "gone.ipynb")


def test_odd_metadata_and_a_byte_order_mark_are_survived(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(
        '{"cells": [{"cell_type": "code", "source": "x = 1", "metadata": {"course": 3}}, {}]}', encoding="utf-8-sig"
    )
    assert len(read_notebook(path).cells) == 1
