"""The honest minutes of a lesson, counted by hand."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring.minutes import Reading, count_words, has_main_line, reading

FIGURE = new_output("display_data", {"image/png": "", "text/plain": "figure"})
IN_WORDS = new_output("display_data", {"text/html": "<details>", "text/plain": "Many words that say the figure."})
MOVABLE = new_output("display_data", {"text/html": "<div><svg viewBox='0 0 9 9'></svg></div>", "text/plain": "bars"})
PRINTED = new_output("stream", name="stdout", text="it listens to cat\n")
RESULT = new_output("execute_result", {"text/plain": "(6, 4)"}, execution_count=1)
ASKED = new_output("display_data", {"text/html": "...", "text/plain": "Your guess? a) one of them b) two"})
NOTE = {"slideshow": {"slide_type": "notes"}}
FOLDED = {"jupyter": {"source_hidden": True}}


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("Three plain words.", 3),
        ("The state $S_i = S_{i-1} + v$ grows.", 4),  # a formula is one
        ("See [the paper](https://example.org/a/long/address) first.", 4),
        ("| a | b |\n|---|:-:|\n| 1.5 | two |", 4),
        ("$$\nx = y\n$$", 1),
        ("<details><summary>Answers</summary>Yes, 1,797.</details>", 3),
    ],
)
def test_words_are_those_that_are_read(markdown, words):
    assert count_words(markdown) == words


def test_what_a_reader_meets_on_the_main_line_is_counted(tmp_path):
    cells = [
        new_markdown_cell("word " * 400),
        new_markdown_cell("note " * 999, metadata=NOTE),
        new_markdown_cell("**Predict, then run.** One or two?"),  # 6 words
        new_code_cell('predict("00.a", {"one of them": 1, "two": 2})', metadata=FOLDED, outputs=[ASKED]),  # 4 words
        new_code_cell('predict("00.b", rows=["the", "cat"], columns=names)', metadata=FOLDED),  # 2 words
        new_code_cell('predict("00.c", number="draws", within=0.5)', metadata=FOLDED),  # 1 word
        new_code_cell("a = 1\n\nb = 2", outputs=[FIGURE, IN_WORDS]),  # 2 lines, a figure, and what it says is folded
        new_code_cell("c = 3\n" * 50, metadata=FOLDED, outputs=[FIGURE]),  # its figure is seen
        new_code_cell("d = 4", outputs=[PRINTED, RESULT]),  # 1 line, 4 + 2 words
        new_code_cell("explore(draw)", metadata=FOLDED, outputs=[MOVABLE]),  # a figure
        new_markdown_cell("## Deeper\n\n" + "word " * 999),
        new_code_cell("e = 5", outputs=[PRINTED, FIGURE]),
    ]
    path = tmp_path / "lesson.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    counted = reading(path)
    assert counted == Reading(cells=9, words=400 + 6 + 7 + 6, lines=3, figures=3, predictions=1)
    assert counted.minutes == pytest.approx(419 / 200 + 3 / 8 + 1.5 + 1)


def test_a_lesson_without_the_heading_has_no_end_of_its_main_line():
    assert not has_main_line(new_notebook(cells=[new_markdown_cell("Deeper and deeper")]))
    assert has_main_line(new_notebook(cells=[new_markdown_cell("## Deeper")]))
