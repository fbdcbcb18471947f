"""A learner's copy: what is left out, where its links lead, and that JupyterLab has nothing to change in it."""

import json
import re
from pathlib import Path

import pytest
from ipykernel.ipkernel import IPythonKernel
from small_course import code, notebook, printed, text

from workbook.folder import copies, layout, stored

ROOT = Path(__file__).parents[3]
FILES = {
    "notebooks/00_start_here.ipynb": "Lesson 00.ipynb",
    "notebooks/09_decoder.ipynb": "Lesson 09.ipynb",
    "exercises/09_decoder.ipynb": "Exercise 09.ipynb",
    "exercises/09b_decoding.ipynb": "Exercise 09b.ipynb",
    "notebooks/10_training.ipynb": "Lesson 10.ipynb",
}
LESSON = "notebooks/09_decoder.ipynb"


def test_outputs_notes_and_slides_are_gone_and_what_the_course_means_by_a_cell_stays():
    folded = {"jupyter": {"source_hidden": True}}
    answer = {"course": {"answer": "09.x"}, "tags": ["answer"]}
    course = notebook(
        text("title", "# 09", slideshow={"slide_type": "slide"}),
        text("note", "Say it slowly.", slideshow={"slide_type": "notes"}),
        code("compute", "1 + 1", [printed("2")], slideshow={"slide_type": "-"}, **folded),
        code("answer-09-x", "...", **answer),
    )
    course["cells"][2]["execution_count"] = 7
    cells = copies.copy(course, LESSON, FILES)["cells"]
    assert [cell["id"] for cell in cells] == [copies.TOP, "title", "compute", "answer-09-x", copies.BOTTOM]
    assert [cell["metadata"] for cell in cells[1:-1]] == [{}, folded, answer]
    assert cells[2]["outputs"] == []
    assert cells[2]["execution_count"] is None


def test_what_explains_a_guess_is_folded_until_its_control_opens_it():
    folded = {"jupyter": {"source_hidden": True}}
    course = notebook(
        text("ask", "**Predict, then run.** How many?"),
        code("guess", 'predict("09.x", number="")', **folded),
        code("compute", "many = 3"),
        code("reveal", 'reveal("09.x", many)'),
        code("figure", "show(many)"),
        code("check", "# Check\nassert many == 3", **folded),
        text("why", "Three, because ..."),
        code("another check", "# Check\nassert True", **folded),
        text("more", "And more than three."),
        code("in sight", "many + 1"),
        text("on", "And so on."),
        code("second", 'reveal("09.y", 2)'),
        text("heading", "### Next\n\nTwo."),
        code("third", 'reveal("09.z", 1)'),
        text("leads on", "Now the next one:", tags=["in-sight"]),
        text("and on", "Which is this."),
        code("fourth", 'reveal("09.z", 1)'),
        text("next guess", "One. \n\n**Predict, then run.** And now?"),
        text("after", "Later."),
    )
    cells = {cell["id"]: cell for cell in copies.copy(course, LESSON, FILES)["cells"]}
    assert cells["why"]["source"] == "Why?\n\nThree, because ..."
    assert cells["more"]["source"] == "And:\n\nAnd more than three."
    hidden = [id for id, cell in cells.items() if cell["metadata"] == folded]
    assert hidden == ["guess", "check", "why", "another check", "more"]


def test_the_language_is_what_the_kernel_reports():
    assert copies.language_info() == IPythonKernel.language_info


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[x](../exercises/09b_decoding.ipynb)", "[x](Exercise%2009b.ipynb)"),
        ("[x](10_training.ipynb#What-next)", "[x](Lesson%2010.ipynb#What-next)"),
        ("[x](../notebooks/10_training.ipynb)", "[x](Lesson%2010.ipynb)"),
        ('[x](10_training.ipynb "title")', '[x](Lesson%2010.ipynb "title")'),
        ("[`x`](10_training.ipynb)", "[`x`](Lesson%2010.ipynb)"),
        ("[x]: 10_training.ipynb", "[x]: Lesson%2010.ipynb"),
        ('<a href="10_training.ipynb">', '<a href="Lesson%2010.ipynb">'),
        ("[x](../docs/map.md#here)", "[x](../docs/map.md#here)"),
        ("![x](picture.png)", "![x](../notebooks/picture.png)"),
        ("[x](#anchor)", "[x](#anchor)"),
        ("[x](https://a.org/10_training.ipynb)", "[x](https://a.org/10_training.ipynb)"),
        ("`[x](10_training.ipynb)`", "`[x](10_training.ipynb)`"),
        ("```\n[x](10_training.ipynb)\n```", "```\n[x](10_training.ipynb)\n```"),
    ],
)
def test_links_lead_where_they_led(link, expected):
    assert copies.with_links(link, LESSON, FILES) == expected


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("notebooks/00_start_here.ipynb", "[Lesson 09 →]"),
        (LESSON, "[← Lesson 00] · [Exercise 09] · [Exercise 09b] · [Lesson 10 →] · [The map]"),
        ("exercises/09_decoder.ipynb", "[← Lesson 09] · [Exercise 09b →] · [The map]"),
        ("exercises/09b_decoding.ipynb", "[← Exercise 09] · [Lesson 09] · [Lesson 10 →] · [The map]"),
        ("notebooks/10_training.ipynb", "[← Lesson 09] · [The map]"),
    ],
)
def test_the_first_and_the_last_cell_lead_on(file, line):
    cells = copies.copy(notebook(text("title", "# x")), file, FILES)["cells"]
    assert cells[0]["source"] == cells[-1]["source"]
    assert re.sub(r"\([^)]*\)", "", cells[0]["source"]) == line


def test_the_version_changes_with_what_is_read_alone():
    course = notebook(code("compute", "1 + 1", [printed("2")]))
    first = copies.copy(course, LESSON, FILES)["metadata"]["course"]
    course["cells"][0]["outputs"] = [printed("3")]
    assert copies.copy(course, LESSON, FILES)["metadata"]["course"] == first
    course["cells"][0]["source"] = "1 + 2"
    assert copies.copy(course, LESSON, FILES)["metadata"]["course"]["version"] != first["version"]


@pytest.mark.parametrize("file", layout.course_files(ROOT))
def test_every_notebook_of_the_course_has_a_whole_copy(file):
    files = layout.course_files(ROOT)
    course = stored.read(ROOT / file)
    copy = json.loads(json.dumps(copies.copy(course, file, files)))
    ids = [cell["id"] for cell in copy["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    links = re.findall(r"\]\(([^)\s]+)", "\n".join(c["source"] for c in copy["cells"] if c["cell_type"] == "markdown"))
    inside = {link.partition("#")[0].replace("%20", " ") for link in links if link.partition("#")[0].endswith(".ipynb")}
    assert inside <= set(files.values())
    code_before = [cell["source"] for cell in course["cells"] if cell["cell_type"] == "code"]
    assert [cell["source"] for cell in copy["cells"] if cell["cell_type"] == "code"] == code_before
