"""A notebook of the course as a learner's own copy: without outputs and speaker notes, its links within the folder."""

import hashlib
import json
import posixpath
import re
import sys
from urllib.parse import quote, unquote

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
TOP, BOTTOM = "navigation-top", "navigation-bottom"
DROPPED = ("slideshow",)  # metadata of cells that only a lecture needs
FIRST = "notebooks/00_start_here.ipynb"
LINK = re.compile(r"(\]\(|^ {0,3}\[[^\]^]+\]:[ \t]+|\b(?:href|src)=\")([^)\s\"]+)", re.MULTILINE)
IN_SIGHT = "in-sight"  # tag of a text that leads on to what comes next
WHY, GOES_ON = "Why?", "And:"
REVEAL = re.compile(r"^reveal\(", re.MULTILINE)  # shows what came out, beside the guess
STAYS = re.compile(r"^(#+ |\*\*Predict)", re.MULTILINE)  # a heading, the next guess
CODE = re.compile(
    r"(^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\2[`~]*[ \t]*$|(?<!`)(`+)(?!`).*?(?<!`)\3(?!`))", re.MULTILINE | re.DOTALL
)


def copy(notebook, course_file, files):
    """Return the learner's copy of a notebook.

    Args:
        notebook: the course's, as nested dictionaries.
        course_file: what it is, such as "notebooks/03_softmax_and_values.ipynb".
        files: {the course's notebook: its name in the learner's folder}, in order.
    """
    cells = [_cell(cell, course_file, files) for cell in notebook["cells"] if not _is_note(cell)]
    begins = _explaining(cells)
    cells = [_folded(cell, begin) if begin else cell for cell, begin in zip(cells, begins, strict=True)]
    line = navigation(course_file, files)
    cells = [_navigation_cell(TOP, line), *cells, _navigation_cell(BOTTOM, line)]
    course = {"notebook": course_file, "version": version_of(course_file, cells)}
    metadata = {"course": course, "kernelspec": dict(KERNEL), "language_info": language_info()}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def version_of(course_file, cells):
    """Return a short name for what these cells are."""
    content = json.dumps([course_file, cells], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:12]


def language_info():
    """Return the language as the kernel of this Python reports it, so that JupyterLab finds nothing to change in a
    notebook that it opens."""
    return {
        "codemirror_mode": {"name": "ipython", "version": sys.version_info[0]},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": f"ipython{sys.version_info[0]}",
        "version": sys.version.split()[0],
    }


def navigation(course_file, files):
    """Return the line of links: what comes before, the exercises or the lesson, what comes next, the map."""
    order = list(files)
    place = order.index(course_file)
    before, after = order[:place][-1:], order[place + 1 :]
    if _is_lesson(course_file):
        before = [file for file in order[:place] if _is_lesson(file)][-1:]
        after = [*_exercises_of(course_file, after), *[file for file in after if _is_lesson(file)][:1]]
    else:
        lesson = [file for file in order[:place] if _is_lesson(file)][-1:]
        before = before if before == lesson else [*before, *lesson]
        after = after[:1]
    links = [_link(file, files, "← " * (number == 0)) for number, file in enumerate(before)]
    links += [_link(file, files, "", " →" * (number == len(after) - 1)) for number, file in enumerate(after)]
    if course_file != FIRST and FIRST in files:
        links.append(f"[The map]({quote(files[FIRST])})")
    return " · ".join(links)


def _is_lesson(file):
    return file.startswith("notebooks/")


def _exercises_of(lesson, after):
    """Return the exercises that come right after a lesson."""
    lessons = [number for number, file in enumerate(after) if _is_lesson(file)]
    return after[: lessons[0] if lessons else len(after)]


def _link(file, files, before="", after=""):
    name = files[file]
    return f"[{before}{name.removesuffix('.ipynb')}{after}]({quote(name)})"


def _navigation_cell(id, line):
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": line}


def _is_note(cell):
    slideshow = cell["metadata"].get("slideshow")
    return isinstance(slideshow, dict) and slideshow.get("slide_type") == "notes"


def _cell(cell, course_file, files):
    metadata = {key: value for key, value in cell["metadata"].items() if key not in DROPPED}
    copied = {"cell_type": cell["cell_type"], "id": cell.get("id", ""), "metadata": metadata, "source": cell["source"]}
    if cell["cell_type"] == "code":
        return {**copied, "execution_count": None, "outputs": []}
    if cell["cell_type"] == "markdown":
        copied["source"] = with_links(cell["source"], course_file, files)
    return {**copied, "attachments": cell["attachments"]} if cell.get("attachments") else copied


def _explaining(cells):
    """Yield for each cell how its text begins when it is folded because it explains the result of a guess, which it
    would give away; "" for all others.

    Such are the first text after the result and those that follow it, up to a heading, the next guess, code in sight,
    or a text that is tagged to stay in sight.
    """
    begins = ""
    for cell in cells:
        if cell["cell_type"] == "code":
            if REVEAL.search(cell["source"]):
                begins = WHY
            elif begins == GOES_ON and not cell["metadata"].get("jupyter", {}).get("source_hidden"):
                begins = ""
            yield ""
            continue
        begins = "" if STAYS.search(cell["source"]) or IN_SIGHT in cell["metadata"].get("tags", ()) else begins
        yield begins
        begins = begins and GOES_ON


def _folded(cell, begin):
    """Return a text of which nothing is seen but how it begins; the guess's control opens it when the result is out."""
    metadata = {**cell["metadata"], "jupyter": {"source_hidden": True}}
    return {**cell, "metadata": metadata, "source": f"{begin}\n\n{cell['source']}"}


def with_links(source, course_file, files):
    """Return Markdown with its links as they are right in the learner's folder, code left as it is."""
    pieces, end = [], 0
    for code in CODE.finditer(source):
        pieces += [_rewritten(source[end : code.start()], course_file, files), code[0]]
        end = code.end()
    return "".join([*pieces, _rewritten(source[end:], course_file, files)])


def _rewritten(text, course_file, files):
    return LINK.sub(lambda link: link[1] + _target(link[2], course_file, files), text)


def _target(target, course_file, files):
    """Return where a link goes, seen from the learner's folder, which lies beside the course's."""
    path, sign, anchor = target.partition("#")
    if not path or re.match(r"[a-zA-Z][\w+.-]*:|/|<", path):
        return target
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(course_file), unquote(path)))
    if meant in files:
        return quote(files[meant]) + sign + anchor
    return target if meant.startswith("../") else quote(f"../{meant}") + sign + anchor
