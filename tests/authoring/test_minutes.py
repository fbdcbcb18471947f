"""The honest minutes of a lesson, counted by hand."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring.minutes import count_words, has_main_line, reading_minutes

FIGURE = new_output("display_data", {"image/png": "", "text/plain": "figure"})
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


def test_minutes_are_those_of_the_main_line(tmp_path):
    cells = [
        new_markdown_cell("word " * 400),  # 2 minutes
        new_markdown_cell("note " * 999, metadata=NOTE),
        new_markdown_cell("**Predict, then run.** One or two?"),  # 1 minute and 6 words
        new_code_cell('guess = predict("00.a", {"one of them": 1, "two": 2})', metadata=FOLDED),  # 4 words
        new_code_cell('guess = predict("00.b", rows=["the", "cat"], columns=names)', metadata=FOLDED),  # 2 words
        new_code_cell('guess = predict("00.c", number="draws", within=0.5)', metadata=FOLDED),  # 1 word
        new_code_cell("a = 1\n\nb = 2", outputs=[FIGURE]),  # 2 lines, half a minute for the figure
        new_code_cell("c = 3\n" * 50, metadata=FOLDED, outputs=[FIGURE]),  # its figure is seen
        new_markdown_cell("## Deeper\n\n" + "word " * 999),
        new_code_cell("d = 4"),
    ]
    path = tmp_path / "lesson.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    assert reading_minutes(path) == pytest.approx(2 + 1 + (6 + 4 + 2 + 1) / 200 + 2 / 8 + 1)


def test_a_lesson_without_the_heading_has_no_end_of_its_main_line():
    assert not has_main_line(new_notebook(cells=[new_markdown_cell("Deeper and deeper")]))
    assert has_main_line(new_notebook(cells=[new_markdown_cell("## Deeper")]))
