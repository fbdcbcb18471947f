"""The controls in a real kernel: what a page is sent, what comes back when somebody clicks, what is stored.

The browser's part is played by the cells: they give a control's widget what a click would give it.
"""

import json
import textwrap

import nbformat
import pytest

from authoring.execute import execute
from authoring.storage import WIDGET_VIEW, normalize
from course_lib.controls import HERE
from grader.submission import cells_of
from workbook import record
from workbook.folder import layout

SETUP = """
from workbook import answer, hint, predict, reveal, warm_up
from workbook import predicting, questions

def of(id):
    return predicting._guesses[id]._control._widget

def click(control, value):
    control.given = {"number": control.given.get("number", 0) + 1, "value": value}
"""


@pytest.fixture
def page(tmp_path):
    """Run cells in the kernel of a learner's notebook; return its code cells as they would be stored."""
    (tmp_path / layout.MARK).mkdir()

    def run(*sources):
        cells = [nbformat.v4.new_code_cell(textwrap.dedent(source).strip()) for source in (SETUP, *sources)]
        notebook = execute(nbformat.v4.new_notebook(cells=cells), tmp_path / "page.ipynb")
        return notebook.cells[1:]

    return run


def shown(cell):
    return [output.get("data", {}).get("text/plain", output.get("text", "")) for output in cell.outputs]


def test_a_guess_by_a_click(page, tmp_path):
    asked, _, revealed, drawing = page(
        'predict("01.a", {"four": 4, "none": 0})',
        'click(of("01.a"), "a")',
        'reveal("01.a", 0)',
        'import json; print(json.dumps({**of("01.a").drawing, "heard": of("01.a").heard}))',
    )
    assert "my_guess" in shown(asked)[0]
    assert shown(revealed) == ["Not this time.\nYou guessed four. It is none."]
    drawn = json.loads(drawing.outputs[0].text)
    assert (drawn["chosen"], drawn["right"], drawn["locked"], drawn["heard"]) == ("a", ["b"], True, 1)
    events = record.events("guess", layout.record(tmp_path))
    assert [(event["said"], event["right"]) for event in events] == [("a", False)]


def test_a_number_and_a_cell_by_hand_in_the_page(page):
    *_, number, cell, problem = page(
        'predict("01.n", number="times"); click(of("01.n"), "1/4")',
        'predict("01.c", rows="ab", columns="xyz"); click(of("01.c"), [1, 2])',
        'predict("01.m", number=""); click(of("01.m"), "many")',
        'reveal("01.n", 0.26)',
        'reveal("01.c", (1, 2))',
        'print(of("01.m").drawing["note"])',
    )
    assert shown(number) == ["You guessed it.\nYou guessed 1/4 times. It is 0.26 times."]
    assert shown(cell) == ["You guessed it.\nYou guessed row b, column z. It is row b, column z."]
    assert "no number yet" in shown(problem)[0]


def test_a_question_answers_a_click_at_once_and_the_notebook_keeps_it(page, tmp_path):
    (cell,) = page('answer("02.why_the_root", ...)\nclick(list(questions._controls.values())[-1]._widget, "a")')
    question, verdict = cell.outputs
    assert "a) Because the root is the smaller number" in question.data["text/plain"]
    assert verdict.data["text/plain"].startswith("a) Not yet.\nSmall scores do softmax no harm")
    assert verdict.metadata == {"course": {"question": "02.why_the_root", "chose": "a"}}
    (read,) = cells_of({"cells": [cell]})
    assert read.clicked == (("02.why_the_root", "a"),)
    events = record.events("question", layout.record(tmp_path))
    assert [(event["chose"], event["right"]) for event in events] == [("a", False)]


def test_a_choice_of_an_earlier_visit_is_there_again(page, tmp_path):
    layout.record(tmp_path).write_text(
        '{"question": "02.why_the_root", "chose": "b", "right": true}\n', encoding="utf-8"
    )
    (cell,) = page('answer("02.why_the_root", ...)')
    assert cell.outputs[1].data["text/plain"].startswith("b) Right.")
    assert cell.outputs[1].metadata["course"]["chose"] == "b"


def test_a_letter_in_the_code_locks_the_question(page):
    cell, drawing = page(
        'answer("02.why_the_root", "c")', 'list(questions._controls.values())[-1]._widget.drawing["locked"]'
    )
    assert cell.outputs[1].data["text/plain"].startswith("c) Not yet.")
    assert cell.outputs[1].metadata == {}
    assert shown(drawing) == ["True"]


def test_a_letter_in_the_code_is_noted_once(page, tmp_path):
    page('answer("01.symmetric", "b")', 'answer("01.symmetric", "b")', 'answer("01.symmetric", "z")')
    noted = record.events("question", layout.record(tmp_path))
    assert [(event["question"], event["chose"]) for event in noted] == [("01.symmetric", "b")]


def test_a_warm_up_is_noted_and_not_graded(page, tmp_path):
    (cell,) = page('warm_up("02")\nclick(list(questions._controls.values())[0]._widget, "b")')
    assert len(cell.outputs) == 6
    assert all(output.metadata == {} for output in cell.outputs)
    assert len(record.events("question", layout.record(tmp_path))) == 1


def test_a_hint_button_shows_one_more_each_time_with_the_earlier_ones_folded(page, tmp_path):
    cell, again = page(
        """
        from workbook import hints
        hint("01.all_scores")
        control = hints._controls["01.all_scores"]
        click(control._widget, True)
        click(control._widget, True)
        """,
        'hint("01.all_scores")',
    )
    assert "hint 2 of 4" in cell.outputs[1].data["text/plain"]
    assert cell.outputs[1].data["text/html"].startswith("<details>")
    assert "hint 2 of 4" in again.outputs[1].data["text/plain"]  # run again, it shows no more than before
    assert [event["number"] for event in record.events("hint", layout.record(tmp_path))] == [1, 2]


def test_sliders_ask_python_where_there_are_too_many_pictures(page):
    few, many, answer = page(
        """
        from course_lib.plotting import bars, explore
        explore(lambda n=1: bars([n / 4], "x"), n=(0, 4))
        """,
        """
        from ipywidgets.widgets import widget
        before = set(widget._instances)
        explore(lambda a=0, b=0: bars([a, b], "xy", role="scores"), a=(0, 99), b=(0, 99))
        (asked,) = [w for id, w in widget._instances.items() if id not in before and hasattr(w, "given")]
        click(asked, [41, 43])
        """,
        'print(asked.heard, asked.drawing["answer"]["at"], ">43.00<" in asked.drawing["answer"]["svg"])',
    )
    assert [sorted(output.data) for output in (*few.outputs, *many.outputs)] == [["text/html", "text/plain"]] * 2
    assert few.outputs[0].data["text/plain"].startswith("At n = 1: Bars over 1 name")
    assert shown(answer) == ["1 [41, 43] True\n"]


def test_what_is_stored_is_plain_and_what_is_sent_is_a_widget(page):
    (cell,) = page('predict("01.a", ["cat", "it"])')
    assert sorted(cell.outputs[0].data) == ["text/html", "text/plain"]
    widget = nbformat.v4.new_output("display_data", {WIDGET_VIEW: {}, "text/plain": "a", "text/html": "<i>a</i>"})
    bare = nbformat.v4.new_output("display_data", {WIDGET_VIEW: {}, "text/plain": "interactive(...)"})
    code = nbformat.v4.new_code_cell("x", outputs=[widget, bare], execution_count=1)
    (stored,) = normalize(nbformat.v4.new_notebook(cells=[code])).cells
    assert [sorted(output.data) for output in stored.outputs] == [["text/html", "text/plain"]]


def test_the_page_is_drawn_from_the_project_alone():
    files = [*HERE.glob("*.js"), *HERE.glob("*.css")]
    script = "".join(path.read_text(encoding="utf-8") for path in files)
    assert {path.name for path in files} >= {"page.js", "page.css", "controls.js", "sketch.js", "reader.js"}
    assert "http" not in script
    assert "import" not in script.replace("important", "")


def test_each_script_has_its_style_sheet_in_the_page(page):
    (cell,) = page(
        """
        from course_lib.controls import Control
        sheets = {}
        for script in ("controls", "sketch", "reader"):
            widget = Control({}, print, script)._widget
            own = "course-control" if script == "controls" else f"course-{script}"
            sheets[widget._anywidget_id] = f".{own} " in widget._css and ".course-control" in widget._css
        print(len(sheets), all(sheets.values()))
        """
    )
    assert shown(cell) == ["3 True\n"]
