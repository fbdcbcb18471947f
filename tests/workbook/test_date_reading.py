"""`read_dates`: what a page is sent when somebody types, and what stands where nothing moves."""

import json
import re
import textwrap
from urllib.parse import unquote

import nbformat
import pytest

from authoring.execute import execute
from course_lib.controls import HERE
from course_lib.date_reader import ModelFileError, load_date_reader
from workbook import date_reading, read_dates


@pytest.fixture
def drawn(monkeypatch):
    """Call `read_dates` as in a page; return what the control was given: its drawing, its texts, and who hears it."""
    shown = {}

    class Fake:
        def __init__(self, drawing, on_value, script):
            shown.update(drawing=drawing, hear=on_value, script=script)

        def redraw(self, **changes):
            shown["drawing"] = {**shown["drawing"], **changes}

        def display(self, text, markup):
            shown.update(text=text, markup=markup)

    monkeypatch.setattr(date_reading, "in_page", lambda: True)
    monkeypatch.setattr(date_reading, "Control", Fake)

    def call(*arguments, **keywords):
        read_dates(*arguments, **keywords)
        json.dumps(shown["drawing"])  # it travels to the page
        return shown

    return call


def test_a_text_becomes_an_answer_with_weights_for_each_of_its_characters(drawn):
    drawing = drawn("May 12, 2024")["drawing"]
    whole = drawing["readings"]["whole"]
    assert (drawing["text"], whole["answer"], drawing["note"]) == ("May 12, 2024", "2024-05-12", "")
    assert [len(row) for row in whole["weights"]] == [12] * 10
    assert [sum(row) for row in whole["weights"]] == pytest.approx([1] * 10, abs=1e-3)
    assert (drawing["switch"], list(drawing["readings"])) == (False, ["whole"])


def test_with_the_switch_both_readings_are_there(drawn):
    drawing = drawn("26 Μαΐου 1987", cut=True)["drawing"]
    assert (drawing["switch"], drawing["cut"]) == (True, True)
    whole, cut = drawing["readings"]["whole"], drawing["readings"]["cut"]
    assert whole["answer"] == "1987-05-26" != cut["answer"]
    assert {weight for row in cut["weights"] for weight in row} == {round(1 / 13, 4)}


def test_what_is_typed_is_read_and_what_cannot_be_read_is_told(drawn):
    shown = drawn()
    shown["hear"](" 3 mars 1999")
    assert (shown["drawing"]["text"], shown["drawing"]["readings"]["whole"]["answer"]) == ("3 mars 1999", "1999-03-03")
    shown["hear"]("3 þ")
    assert (shown["drawing"]["text"], shown["drawing"]["readings"]) == ("3 þ", None)
    assert shown["drawing"]["note"].startswith("It has never seen the letter “þ”")
    shown["hear"]("3 mars 2000")
    assert shown["drawing"]["note"] == ""


@pytest.mark.parametrize("text", ["5/12/2024", "12/25/2003", "5-12-24", "5/12"])
def test_what_can_be_read_in_two_ways_is_read_with_a_warning(drawn, text):
    drawing = drawn(text)["drawing"]
    assert drawing["note"] == date_reading.ONE_OF_TWO
    assert drawing["readings"]["whole"]["answer"]
    assert date_reading.ONE_OF_TWO in drawn(text)["text"]


@pytest.mark.parametrize("text", ["2024-05-12", "2024/05/12", "12.05.2024", "May 12 2024"])
def test_what_can_be_read_in_one_way_comes_without(drawn, text):
    assert drawn(text)["drawing"]["note"] == ""


def test_the_languages_are_said_at_once_and_only_once(drawn):
    about = drawn()["drawing"]["about"]
    assert about.startswith("It learned dates from 1900 to 2099, in Arabic, Armenian, Chinese, English,")
    assert about.count(",") == len(date_reading.LOCALES)
    assert drawn(cut=True)["drawing"]["about"] == ""


def test_every_example_is_read_right(drawn):
    texts = [example["text"] for example in drawn()["drawing"]["examples"]]
    days = [day.isoformat() for day, *_ in date_reading.EXAMPLES]
    assert load_date_reader().read_all(texts) == days
    assert [load_date_reader().checked(text) for text in texts] == texts


def test_where_nothing_moves_a_picture_says_the_same(drawn):
    shown = drawn("26 Μαΐου 1987", cut=False)
    assert unquote(shown["markup"]).count("<rect") == 1 + 4 * 13  # a card, and a shade for each character of four lines
    assert 'alt="It reads 26 Μαΐου 1987' in shown["markup"]
    lines = shown["text"].splitlines()
    assert lines[0] == "It reads 26 Μαΐου 1987 as 1987-05-26."
    assert re.match("For the month, 05, it looked most at “[Μαΐου]” ", lines[2])
    assert lines[-1].startswith("With its attention cut, every character counts the same, and it writes ")
    assert "<script" not in unquote(drawn("<script>")["markup"])


def test_in_a_terminal_it_is_said(capsys):
    read_dates("May 12, 2024")
    assert capsys.readouterr().out.startswith("It reads May 12, 2024 as 2024-05-12.\nFor the year, 2024,")
    read_dates("þ")
    assert capsys.readouterr().out.startswith("It has never seen the letter “þ”")


def test_a_missing_model_is_told(monkeypatch, capsys):
    def missing():
        raise ModelFileError("date_reader.npz cannot be read: make it again.")

    monkeypatch.setattr(date_reading, "load_date_reader", missing)
    read_dates()
    assert capsys.readouterr().out == "The machine is missing.\ndate_reader.npz cannot be read: make it again.\n"


def test_the_machine_is_drawn_from_the_project_alone():
    script = (HERE / "reader.js").read_text(encoding="utf-8")
    assert "http" not in script
    assert "import " not in script
    assert "innerHTML" not in script  # what somebody types is text


def test_in_a_kernel_what_is_typed_in_the_page_comes_back_read(tmp_path):
    typed = """
    from workbook import date_reading, read_dates
    read_dates("May 12, 2024", cut=True)
    widget = date_reading._controls[-1]._widget
    widget.given = {"number": 1, "value": "3 mars 1999"}
    print(widget.heard, widget.drawing["readings"]["whole"]["answer"])
    """
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(typed).strip())]
    notebook = execute(nbformat.v4.new_notebook(cells=cells), tmp_path / "page.ipynb")
    shown, printed = notebook.cells[0].outputs
    assert printed.text == "1 1999-03-03\n"
    assert shown.data["text/html"].startswith("<img ")
    assert "type a date of your own" in shown.data["text/html"]
