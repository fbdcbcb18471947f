"""Executing a notebook and storing what it shows, with real kernels on small notebooks."""

import re
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring.__main__ import main
from authoring.storage import NotebookError, normalize, read, write


def store(path, *cells, **metadata):
    path.parent.mkdir(exist_ok=True)
    path.write_text(nbformat.writes(new_notebook(cells=list(cells), metadata=metadata)), encoding="utf-8")
    return path


def printed(cell):
    return "".join(output.text for output in cell.outputs)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A notebook in a folder whose name has a space, run twice: the bytes after each run, and the cells.

    The machine has another kernel of the same name, which does not even start.
    """
    folder = tmp_path_factory.mktemp("a class")
    shadow = folder / "kernels" / "python3" / "kernel.json"
    shadow.parent.mkdir(parents=True)
    shadow.write_text(
        '{"argv": ["no-such-python"], "display_name": "Python 3", "language": "python"}', encoding="utf-8"
    )
    path = store(
        folder / "my notebooks" / "01_ünïcode.ipynb",
        new_markdown_cell("# 01 · Zwölf Boxkämpfer", metadata={"slideshow": {"slide_type": "slide"}}),
        new_code_cell("import os, sys\nprint(os.getcwd())", id="where", metadata={"collapsed": True}),
        new_code_cell("print(sys.executable)\nprint('é')", metadata={"tags": ["nbval-ignore-output"]}),
        new_code_cell(
            "import warnings\nprint('kept', file=sys.stderr)\n"
            "print('[IPKernelApp] WARNING | Kernel is running over TCP without encryption. All ...', file=sys.stderr)"
        ),
        new_code_cell("import ipywidgets\nipywidgets.IntSlider(3)"),
        new_code_cell("", execution_count=9, outputs=[new_output("stream", text="stale")]),
        new_code_cell("7 * 6"),
        kernelspec={"name": "julia", "display_name": "Julia", "language": "julia"},
        widgets={"state": {}},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        assert main(["run", str(path)]) == 0
        first = path.read_bytes()
        assert main(["run", str(path)]) == 0
    return path, first, path.read_bytes(), read(path)


def test_second_run_writes_the_same_bytes(stored):
    _, first, second, _ = stored
    assert first == second


def test_file_is_plain_utf8_with_short_lines_sorted_keys_and_a_newline_at_the_end(stored):
    _, first, _, _ = stored
    assert first.startswith(b'{\n "cells": [\n  {\n   "cell_type": "markdown",\n   "id": "01-zwolf-boxkampfer",\n')
    assert first.endswith(b' "nbformat": 4,\n "nbformat_minor": 5\n}\n')
    assert "# 01 · Zwölf Boxkämpfer".encode() in first
    assert b"\r" not in first


def test_nothing_is_left_beside_the_notebook(stored):
    assert [path.name for path in stored[0].parent.iterdir()] == [stored[0].name]


def test_kernel_is_this_python_in_the_folder_of_the_notebook(stored):
    path, _, _, notebook = stored
    assert printed(notebook.cells[1]).strip() == str(path.parent.resolve())
    assert printed(notebook.cells[2]).splitlines() == [sys.executable, "é"]


def test_metadata_are_the_same_in_every_notebook(stored):
    notebook = stored[3]
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert [cell.metadata for cell in notebook.cells[:3]] == [
        {"slideshow": {"slide_type": "slide"}},
        {},
        {"tags": ["nbval-ignore-output"]},
    ]


def test_what_is_folded_stays_folded_code_and_notes():
    folded = {"source_hidden": True, "outputs_hidden": True}
    note = {"slideshow": {"slide_type": "notes"}}
    cells = [
        new_code_cell("import os", metadata={"jupyter": folded}),
        new_markdown_cell("**Speaker note.**\nAsk them.", metadata=note | {"jupyter": folded}),
        new_code_cell("1", metadata={"jupyter": {"source_hidden": False}}),
    ]
    hidden = {"jupyter": {"source_hidden": True}}  # outputs are there to be seen
    assert [cell.metadata for cell in normalize(new_notebook(cells=cells)).cells] == [hidden, note | hidden, {}]


def test_noise_and_widgets_are_dropped_and_the_rest_of_stderr_is_kept(stored):
    noisy, widget = stored[3].cells[3:5]
    assert [(output.name, output.text) for output in noisy.outputs] == [("stderr", "kept\n")]
    assert widget.outputs == []


def test_empty_cell_keeps_no_stale_output_and_takes_no_number(stored):
    empty, last = stored[3].cells[5:]
    assert (empty.outputs, empty.execution_count) == ([], None)
    assert (last.outputs[0].data["text/plain"], last.execution_count) == ("42", 5)


def test_ids_are_readable_unique_and_stay():
    def ids(notebook):
        return [cell.id for cell in notebook.cells]

    notebook = new_notebook()
    notebook.cells = [
        new_markdown_cell("Numbers by hand", id="a-word-of-mine"),
        new_markdown_cell("Numbers by hand", id="0123abcd"),
        new_code_cell("x = 1", id="9b1de2f0-1d2e-4c3a-8f00-0123456789ab"),
        new_code_cell("x = 1", id="89abcdef"),
        new_markdown_cell("三一四", id="01234567"),
        new_markdown_cell("Again", id="a-word-of-mine"),
        new_code_cell('answer("02.why_root", "b")', metadata={"course": {"question": "02.why_root"}}),
    ]
    notebook = normalize(notebook)
    assert ids(notebook) == [
        "a-word-of-mine",
        "numbers-by-hand",
        "x-1",
        "x-1-2",
        "markdown",
        "a-word-of-mine-2",
        "question-02-why-root",  # not "...-b": the exercise has the same id
    ]
    notebook.cells[1].source = "Numbers by computer"
    assert ids(normalize(notebook)) == ids(notebook)


def test_what_was_printed_in_pieces_becomes_one_stream_per_run():
    def stream(name, text):
        return new_output("stream", name=name, text=text)

    pieces = [stream("stdout", "1\n"), stream("stdout", "2\n"), stream("stderr", "3\n"), stream("stdout", "4\n")]
    cell = normalize(new_notebook(cells=[new_code_cell("...", outputs=pieces)])).cells[0]
    assert [output.text for output in cell.outputs] == ["1\n2\n", "3\n", "4\n"]
    assert pieces[0].text == "1\n"  # the argument is not written into


def test_of_a_progress_bar_the_last_drawing_is_stored():
    drawn = [new_output("stream", text="before\n\r  0%"), new_output("stream", text="\r 50%\r100%\nafter\r\n")]
    cell = normalize(new_notebook(cells=[new_code_cell("...", outputs=drawn)])).cells[0]
    assert [output.text for output in cell.outputs] == ["before\n100%\nafter\r\n"]


def test_failing_notebook_stays_as_it_was_and_the_next_one_runs(tmp_path, capsys):
    bad = store(tmp_path / "bad.ipynb", new_markdown_cell("Text"), new_code_cell("a = 0"), new_code_cell("\n1 / a\n2"))
    dead = store(tmp_path / "dead.ipynb", new_code_cell("import os; os._exit(3)"))
    good = store(tmp_path / "good.ipynb", new_code_cell("print('done')"))
    before = bad.read_bytes(), dead.read_bytes()

    assert main(["run", str(bad), str(dead), str(good)]) == 1

    out, err = capsys.readouterr()
    assert err.splitlines() == [
        f"{bad}, cell [2] `1 / a`: ZeroDivisionError: division by zero",
        f"{dead}, cell [1] `import os; os._exit(3)`: the kernel died",
    ]
    assert re.fullmatch(re.escape(str(good)) + r": \d+\.\d s\n", out)
    assert (bad.read_bytes(), dead.read_bytes()) == before
    assert printed(read(good).cells[0]) == "done\n"


def test_traceback_is_shown_when_asked_for(tmp_path, capsys):
    bad = store(
        tmp_path / "bad.ipynb", new_code_cell("def half(n):\n    raise ValueError('\\nodd: %d' % n)\n\nhalf(3)")
    )
    assert main(["run", "--traceback", str(bad)]) == 1
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == f"{bad}, cell [1] `def half(n):`: ValueError: odd: 3"
    assert any("----> 4 half(3)" in line for line in rest)
    assert not any("\x1b" in line for line in rest)


def test_cell_that_takes_too_long_is_named(tmp_path, capsys):
    slow = store(tmp_path / "slow.ipynb", new_code_cell("import threading\nthreading.Event().wait()"))
    assert main(["run", "--timeout", "1", str(slow)]) == 1
    assert capsys.readouterr().err == f"{slow}, cell [1] `import threading`: not done after 1 s\n"


@pytest.mark.parametrize("content", ["", "text", "{}", "[]", '{"nbformat": 3, "worksheets": []}', '{"cells": [3]}'])
def test_file_that_is_no_notebook_is_refused(tmp_path, content):
    path = tmp_path / "page.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NotebookError, match=r"page\.ipynb: is no notebook of format 4\."):
        read(path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(NotebookError, match=r"none\.ipynb: cannot be read \(No such file"):
        read(tmp_path / "none.ipynb")


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = store(tmp_path / "old.ipynb", new_code_cell("1"))
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("authoring.storage.os.replace", full)
    with pytest.raises(NotebookError, match=r"old\.ipynb: cannot be written \(No space left on device\)\."):
        write(path, normalize(new_notebook()))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
