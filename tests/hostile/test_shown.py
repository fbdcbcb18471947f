"""What instructors and students are shown of the attacks: pages, tables and files in which no text of others acts."""

import csv
import json
import re
import sys
import unicodedata
from html.parser import HTMLParser

import pytest
from attacks import ATTACKS

from classroom.giving_out.gradescope import results
from classroom.graded import Graded, Student
from classroom.reports.student_page import student_page
from classroom.reports.tables import write_tables
from tasks import CATALOGUE

pytestmark = [
    pytest.mark.xdist_group("hostile"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="this system has no jail"),
]

ACTING = {"script", "img", "iframe", "object", "embed", "link", "base", "form", "input", "svg", "video", "audio", "a"}
UNSEEN = {"Cc", "Cf", "Cs", "Co"}  # the kinds of characters that control something, or turn the writing


@pytest.fixture(scope="module")
def class_of_attackers(seen):
    """{chapter: the `Graded` of all who attacked it}; each has an attack for a name."""
    class_of = {}
    for attack, one in zip(ATTACKS, seen["attacks"], strict=True):
        student = Student(f"s{len(class_of)}-{attack.name}", attack.given or attack.name, "=1+1@example.org")
        report = one["report"] | {"path": (attack.given or attack.name).encode("utf-8", "replace").decode()}
        graded = Graded(student, attack.chapter, report["path"], None, report, report["points"], report["worth"])
        class_of.setdefault(attack.chapter, []).append(graded)
    return class_of


class Looked(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def test_no_page_of_a_student_holds_what_acts(class_of_attackers):
    for chapter, class_of in class_of_attackers.items():
        for graded in class_of:
            page = Looked(student_page(graded, CATALOGUE.chapter(chapter)))
            assert page.tags & ACTING == set(), graded.student
            assert not any(name.startswith("on") or name in ("src", "href") for name in page.attributes), graded.student
            assert set(map(unicodedata.category, page.text.replace("\n", ""))) & UNSEEN == set(), graded.student


def test_no_page_of_a_student_tells_what_is_for_the_instructor(class_of_attackers):
    flagged = 0
    for chapter, class_of in class_of_attackers.items():
        for graded in class_of:
            page = student_page(graded, CATALOGUE.chapter(chapter))
            flags = [flag for one in graded.report["results"] for flag in one.get("flags") or ()]
            flagged += bool(flags)
            assert not any(flag.partition(", which ")[2] in page for flag in flags if ", which " in flag)
    assert flagged > 20


def test_no_cell_of_a_table_is_a_formula(class_of_attackers, tmp_path):
    for chapter, class_of in class_of_attackers.items():
        paths = write_tables(class_of, CATALOGUE.chapter(chapter), tmp_path / chapter)
        for path in map(str, paths.values()):
            if path.endswith(".csv"):
                with open(path, encoding="utf-8-sig", newline="") as file:
                    cells = [cell for row in csv.reader(file) for cell in row]
                assert len(cells) > len(class_of)
                assert [cell for cell in cells if re.match(r"\s*[=+@\t\r]|\s*-(?![\d.]+$)", cell)] == []
                assert set(map(unicodedata.category, "".join(cells).replace("\n", ""))) & UNSEEN == set()
            else:
                with open(path, encoding="utf-8") as file:
                    json.load(file)


def test_gradescope_gets_plain_text(class_of_attackers):
    for chapter, class_of in class_of_attackers.items():
        for graded in class_of:
            data = results(graded.report, CATALOGUE.chapter(chapter))
            json.dumps(data, ensure_ascii=False).encode()
            assert 0 <= sum(one["score"] for one in data["tests"]) <= graded.report["worth"] + 1e-9
