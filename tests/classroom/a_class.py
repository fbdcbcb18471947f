"""A class made by hand, and a strict reader of pages."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from classroom.graded import Adjustment, Graded, Student
from tasks import CATALOGUE

MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CHAPTER = CATALOGUE.chapter("02")
HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'></title></style>",
    "formula": "=cmd|' /C calc'!A0",
    "escape": "\x1b[31mred\x1b]0;title\x07\x9b31m",
    "direction": "\u202egnp.exe\u2066\u200f",
    "surrogates": "\ud800 and \udfff",
    "lines": "one.ipynb\r\n=two\u2028+three\x0b\x85-four\tend",
    "long": "x" * 10**6,
    "zalgo": "Z" + "\u0301" * 5_000,
    "null": "a\x00b\ufffe\U000e0041",
    "backticks": "`" * 999 + "<b>`",
}
each_hostile = pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
VOID = {"meta", "br", "rect", "line"}
TAGS = VOID | {
    *("html", "head", "title", "style", "body", "h1", "h2", "h3", "p", "small", "span", "section", "div", "ul", "li"),
    *("a", "b", "i", "code", "bdi", "mark", "table", "tr", "th", "td", "svg", "text"),
}
INLINE = {"a", "b", "i", "code", "bdi", "mark", "span", "small"}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "style", "aria-label", "role", "data-label"),
    *("href", "viewbox", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "rx", "text-anchor"),
}


class Read(HTMLParser):
    """Reads a page as a strict reader would: every element is one that our pages have, and every one is closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts = [], []
        page.encode("utf-8")
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS, tag
        assert {name for name, _ in attributes} <= ATTRIBUTES, (tag, attributes)
        if tag not in VOID:
            self.open.append(tag)
        self._apart(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in TAGS
        assert {name for name, _ in attributes} <= ATTRIBUTES, (tag, attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self._apart(tag)

    def _apart(self, tag):
        if tag not in INLINE:
            self.texts.append(" ")

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


def report(outcomes, **more):
    """Return a report on chapter 02 as `grader.report.as_data` makes it: every task and question not named is right.

    Args:
        outcomes: by the name behind the dot: an outcome, or a dictionary of what is to stand in the result.
        more: what is to stand in the report.
    """
    results = []
    for item in (*CHAPTER.tasks, *CHAPTER.questions):
        given = outcomes.get(item.id.partition(".")[2], "right")
        given = {"outcome": given} if isinstance(given, str) else dict(given)
        optional = getattr(item, "optional", False)
        worth = 0 if optional else item.points
        result = {
            "id": item.id,
            "outcome": given["outcome"],
            "points": worth if given["outcome"] == "right" else 0,
            "worth": worth,
            "message": f"The message on {item.id}.",
        }
        if hasattr(item, "cases"):
            right = given["outcome"] == "right"
            result |= {"mistake": "", "told_by": "", "optional": optional, "cases": []}
            result["cases"] = [
                {"case": case.name, "outcome": given["outcome"], "points": case.points * right, "worth": case.points}
                for case in item.cases
            ]
        results.append(result | given)
    points, worth = sum(one["points"] for one in results), sum(one["worth"] for one in results)
    return {
        **{"path": "handed in.ipynb", "chapter": "02", "seed": 7, "points": points, "worth": worth, "problem": ""},
        **{"level": "child processes with limits", "results": results, **more},
    }


def graded(name, outcomes=None, *, handed_in=True, late=0, penalty=0.0, adjustments=(), **more):
    """Return the `Graded` of a student with this name, whose id is s- and the name."""
    found = report(outcomes or {}, **more) if handed_in else None
    changes = tuple(Adjustment(points, reason, task, MONDAY) for points, reason, task in adjustments)
    return Graded(
        Student(f"s-{name}", name, f"{name}@example.org"),
        "02",
        f"{name}.ipynb" if handed_in else "",
        MONDAY if handed_in else None,
        found,
        float(found["points"]) if found else 0.0,
        float(CHAPTER.points),
        timedelta(hours=late),
        penalty,
        changes,
    )


def attacked(text):
    """Return a student who wrote this text wherever a student's text may come to stand."""
    shown = {"case": text, "inputs": text, "yours": f"{text}\n{text} 1", "expected": f"{text}\n2 1"}
    wrong = {"outcome": "wrong", "message": text, "shown": shown, "mistake": text, "flags": [text]}
    found = report({"scaled_scores": wrong, "why_the_root": {"outcome": "wrong", "message": text}}, path=text)
    return Graded(
        Student(text, text, text), "02", text, MONDAY, found, 3.0, 21.0, timedelta(hours=1), 1.0,
        (Adjustment(1.0, text, text, MONDAY), Adjustment(1.0, text, "02.scaled_scores", MONDAY)),
    )  # fmt: skip
