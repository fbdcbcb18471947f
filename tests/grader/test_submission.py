"""Reading a notebook: which cell answers what, without running any of it."""

import json
import os

import pytest

import grader.handed_in
from grader.handed_in import SubmissionError, handed_in
from grader.program import Program
from grader.submission import Unreadable, read_notebook

TASK = "00.row_sums"
ANSWER = "def row_sums(table, factor):\n    return factor * table.sum(axis=-1)"
STUB = 'def row_sums(table, factor):\n    """Sums."""\n    # Your code here.\n    return ...'


def parsed(path):
    given = handed_in(path)
    return read_notebook(given.name, given.notebook)


def program(path):
    return parsed(path).program(TASK)


def test_the_marked_cell_is_the_answer(write_notebook):
    assert program(write_notebook("import numpy as np", (ANSWER, TASK))) == Program("row_sums", (), ANSWER)


def test_a_cell_that_lost_its_mark_is_found_by_its_function(write_notebook):
    assert program(write_notebook("x = 1", ANSWER)).answer == ANSWER


def test_an_untouched_marked_cell_gives_way_to_an_answer_elsewhere(write_notebook):
    assert program(write_notebook((STUB, TASK), ANSWER)).answer == ANSWER
    assert program(write_notebook((STUB, TASK), "x = 1")).answer == STUB


def test_the_marked_answer_wins_over_an_earlier_attempt(write_notebook):
    attempt = "def row_sums(table, factor):\n    return 0"
    assert program(write_notebook(attempt, (ANSWER, TASK))).answer == ANSWER


def statements(write_notebook, other, answer, below=""):
    """Return the statements that an answer gets from a cell above and one below, each by its first line."""
    found = program(write_notebook(other, (f"def row_sums(table, factor):\n    return {answer}", TASK), below))
    return [statement.split("\n")[0] for statement in found.statements]


@pytest.mark.parametrize(
    ("other", "answer", "lines"),
    [
        ("import numpy as np", "np.sum(table)", ["import numpy as np"]),
        ("import numpy.linalg", "numpy.sum(table)", ["import numpy.linalg"]),
        ("from numpy import *", "sum(table)", ["from numpy import *"]),
        ("AXIS = int('-1')", "table.sum(AXIS)", ["AXIS = int('-1')"]),
        ("def helper(x):\n    return x", "helper(table)", ["def helper(x):"]),
        ("class Box: pass", "Box", ["class Box:"]),
        ("helper = lambda x: x.sum()", "helper(table)", ["helper = lambda x: x.sum()"]),
        ("def make():\n    return sum\nhelper = make()", "helper(table)", ["def make():", "helper = make()"]),
        ("a, b = 1, 2", "b", ["a, b = (1, 2)"]),
        ("table: dict = {}\nlabels: dict = {}", "labels", ["labels: dict = {}"]),
        ("if True:\n    A = 1\nelse:\n    A = 2", "A", ["if True:"]),
        ("try:\n    import fast as f\nexcept ImportError:\n    f = None", "f", ["try:"]),
        ("B = A\nA = 1", "B", ["B = A", "A = 1"]),
        ("N = 1\nN += 1\nM = 1", "N", ["N = 1", "N += 1"]),
        ("N = 0\nfor i in range(3):\n    N += i\nfor j in N: pass", "N", ["N = 0", "for i in range(3):"]),
        ("N = 3\nwhile N > 1: N -= 1", "N", ["N = 3", "while N > 1:"]),
        ("with open('x') as f:\n    text = f.read()", "text", ["with open('x') as f:"]),
        ("if (N := 3) > 2: pass", "N", ["if (N := 3) > 2:"]),
        ("match 3:\n    case int(N): pass", "N", ["match 3:"]),
        ("try: 1 / 0\nexcept ZeroDivisionError as error: pass", "error", ["try:"]),
        ("N = 1\ndel N", "N", ["N = 1", "del N"]),
        ("A = []\nA.append(1)\nA.count(1)\nprint(A)", "A", ["A = []", "A.append(1)", "A.count(1)"]),
        ("A = {}\nA['b'] = 1\nA['c'].d = 2", "A", ["A = {}", "A['b'] = 1", "A['c'].d = 2"]),
        ("import random\nA = [1, 2]\nrandom.shuffle(A)", "A", ["import random", "A = [1, 2]", "random.shuffle(A)"]),
        ("A = []\n[A.append(i) for i in range(3)]", "A", ["A = []", "[A.append(i) for i in range(3)]"]),
        ("A = []\nB = A.append(1)", "A", ["A = []", "B = A.append(1)"]),
        ("def f(x): return x\nf.scale = 3\ncheck('1', f)", "f", ["def f(x):", "f.scale = 3"]),
        (
            "class Box: pass\nBox.size = 3\nsetattr(Box, 'b', 1)",
            "Box",
            ["class Box:", "Box.size = 3", "setattr(Box, 'b', 1)"],
        ),
        ("N = 0\ndef bump():\n    global N\n    N += 1\nbump()", "N", ["N = 0", "def bump():", "bump()"]),
        (
            "A = []\ndef add(): A.append(1)\ndef twice(): add(); add()\ntwice()",
            "A",
            ["A = []", "def add():", "def twice():", "twice()"],
        ),
        (
            "A = {}\ndef keep(f):\n    A['f'] = f\n    return f\n@keep\ndef g(): return 1",
            "A",
            ["A = {}", "def keep(f):", "@keep"],
        ),
    ],
)
def test_what_the_answer_uses_comes_from_other_cells(write_notebook, other, answer, lines):
    assert statements(write_notebook, other, answer) == lines


@pytest.mark.parametrize(
    "other",
    [
        "import torch\nEPSILON = 1e-9",  # not used
        "table = forever()\nfactor = quit()",  # names of the answer's own arguments
        "np.random.seed(0)\nprint(np)\nx = np.ones(forever())",
        "for i in forever(): print(np)",
        "data = [np for np in forever()]",
        "def f():\n    np = forever()\nf()",
        "class Box:\n    np = 3",
        "check('00.row_sums', row_sums)\nrow_sums(np.ones(3), 2)",
    ],
)
def test_what_the_answer_does_not_use_stays_where_it_is(write_notebook, other):
    assert statements(write_notebook, other, "np.sum(table) * factor") == []


@pytest.mark.parametrize(
    ("above", "below", "lines"),
    [
        ("A = 1", "A = 2\nA += 1", ["A = 1"]),  # what ran above the answer counts, as in a run from top to bottom
        ("", "A = 2\nA += 1\nB = 3", ["A = 2", "A += 1"]),  # and whoever wrote it below has run it first
        ("", "def A(x): return B(x)\nB = abs\nC = A", ["def A(x):", "B = abs"]),
        ("A = B", "B = 2", ["A = B", "B = 2"]),
        ("", "sum = 3\nA = 1", ["A = 1"]),  # the name of a built-in function meant that function
        ("", "def row_sums(table, factor):\n    return A\nA = 1", ["A = 1"]),
    ],
)
def test_a_notebook_is_read_from_top_to_bottom(write_notebook, above, below, lines):
    assert statements(write_notebook, above, "sum(table) * A", below) == lines


def test_definitions_may_use_each_other_without_end(write_notebook):
    other = "def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n != 0 and even(n - 1)"
    assert statements(write_notebook, other, "even(2)") == ["def even(n):", "def odd(n):"]


@pytest.mark.parametrize(
    "line", ["%time", "%%time", "%%capture out", "!ls", "np.sum?", "?np", "files = !ls", "t = %timeit -o 1 + 1"]
)
def test_magics_are_no_syntax_errors(write_notebook, line):
    found = program(write_notebook((f"{line}\n{ANSWER}", TASK)))
    assert found.answer.endswith(ANSWER)
    assert len(found.answer.splitlines()) == 3


def test_cells_of_another_language_are_empty(write_notebook):
    assert program(write_notebook("%%bash\nrm -r x", (ANSWER, TASK))) == Program("row_sums", (), ANSWER)


def test_a_line_of_python_that_begins_like_a_magic_is_python(write_notebook):
    answer = f"TEXT = ('%d'\n    % 3)\n{ANSWER}"
    assert program(write_notebook((answer, TASK))).answer == answer


@pytest.mark.parametrize("blank", ["\n", " ", "a,", "."])
def test_a_long_cell_is_read_at_once(write_notebook, blank):
    """Looking for magics in it once took a time that grew with the square of its length."""
    assert program(write_notebook(blank * 200_000 + "$", (ANSWER, TASK))).answer == ANSWER


@pytest.mark.parametrize(
    "answer",
    [
        "row_sums: object = sum",
        "row_sums, other = sum, max",
        f"if True:\n    {ANSWER.replace(chr(10), chr(10) + '    ')}",
    ],
)
def test_other_ways_to_define_an_answer(write_notebook, answer):
    assert program(write_notebook(answer)).answer == answer


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
        ([(f"def row_sums(t):\n    return {'+'.join('1' * 9_999)}", TASK)], "syntax error: maximum recursion depth"),
        (["def row_sums(t, t): return 1"], "cannot be run: duplicate argument"),
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
        (["answer('00.sum', letter='b')"], "b"),
        (["answer(letter='b', question_id='00.sum')"], "b"),
        (["answer('00.sum')"], ""),
        (["answer('00.sum', None)"], ""),
        (["answer('00.sum', b)"], "(b)"),  # which is no choice, and will be shown
        (["answer('00.sum', 2)"], "(2)"),
        ([f"answer('00.sum', 0x{'f' * 10_000})"], "(...)"),  # more digits than Python writes
    ],
)
def test_the_choice_is_read_not_run(write_notebook, cells, letter):
    assert parsed(write_notebook(*cells)).choice("00.sum") == letter


@pytest.mark.parametrize(
    ("letter", "metadata", "read"),
    [
        ("...", {"course": {"question": "00.sum", "chose": "c"}}, "c"),
        ('"b"', {"course": {"question": "00.sum", "chose": "c"}}, "b"),  # what stands in the code is what counts
        ("...", {"course": {"question": "00.other", "chose": "c"}}, ""),
        ("...", {"course": {"question": "00.sum", "chose": 3}}, ""),
        ("...", {"course": [1]}, ""),
        ("...", 7, ""),
    ],
)
def test_a_click_counts_where_no_letter_stands(tmp_path, letter, metadata, read):
    output = {"output_type": "display_data", "data": {"text/plain": ""}, "metadata": metadata}
    cell = {"cell_type": "code", "source": f'answer("00.sum", {letter})', "metadata": {}, "outputs": [output, 3]}
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    assert parsed(path).choice("00.sum") == read


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
        parsed(path)
    assert words in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(SubmissionError, match="cannot be read"):
        parsed(tmp_path / "gone.ipynb")


@pytest.mark.skipif(os.name != "posix", reason="such files are POSIX's")
def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "endless.ipynb").symlink_to("/dev/zero")
    for name in ("pipe.ipynb", "endless.ipynb"):
        with pytest.raises(SubmissionError, match="is no file"):
            parsed(tmp_path / name)


def test_a_file_too_large_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(grader.handed_in, "LARGEST_FILE", 2**20)
    path = tmp_path / "large.ipynb"
    path.write_text(" " * 2**20 + "{}", encoding="utf-8")
    with pytest.raises(SubmissionError, match="larger than 1 MiB"):
        parsed(path)


def test_odd_metadata_and_a_byte_order_mark_are_survived(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(
        '{"cells": [{"cell_type": "code", "source": "x = 1", "metadata": {"course": 3}}, {}]}', encoding="utf-8-sig"
    )
    assert len(parsed(path).cells) == 1
