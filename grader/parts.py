"""The parts that learners build throughout: one file that holds them in order, each under a heading of its own.

    # 04.padding_mask ------------------------------------------------- yours, 1f3a9c2e

A heading names the task and says whose part it is; of a learner's own it carries the fingerprint of what stands below,
so that what was edited by hand since then can be told.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

WIDTH = 120
HEADING = re.compile(r"^# (?P<id>\d\w*\.\w+) -{3,}(?: (?P<whose>\S.*))?$", re.MULTILINE)
YOURS = "yours"


@dataclass(frozen=True)
class Parts:
    """Where the parts are.

    Attributes:
        module: the module that answers import them from, such as "my_transformer": a learner's own file.
        own: the module that holds the course's own, such as "solutions.my_transformer".
        file: the source of the course's own: all parts, in order.
    """

    module: str
    own: str
    file: Path

    def read(self):
        """Return the `PartsFile` of the course's own."""
        return parse(self.file.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Part:
    """One part in a file.

    Attributes:
        id: of its task.
        body: the source below its heading.
        whose: what the heading says behind the line.
    """

    id: str
    body: str
    whose: str = ""

    @property
    def name(self):
        """The function or class."""
        return self.id.partition(".")[2]

    @property
    def is_learners(self):
        return self.whose.startswith(YOURS)

    @property
    def is_edited(self):
        """Whether a learner's part has changed since it was kept."""
        return self.is_learners and not self.whose.endswith(fingerprint(self.body))

    @property
    def text(self):
        line = f"# {self.id} "
        whose = f" {self.whose}" if self.whose else ""
        return f"{line}{'-' * max(3, WIDTH - len(line) - len(whose))}{whose}\n\n{self.body.strip()}\n"


@dataclass(frozen=True)
class PartsFile:
    """A whole file: what stands above the first heading, and the parts."""

    header: str
    parts: tuple[Part, ...]

    @property
    def text(self):
        return "\n\n".join([self.header.strip() + "\n", *(part.text for part in self.parts)])

    def part(self, task_id):
        """Return the part of a task, or None."""
        return next((part for part in self.parts if part.id == task_id), None)

    def with_part(self, new):
        """Return the file with this part in the place of the one of the same id."""
        return replace(self, parts=tuple(new if part.id == new.id else part for part in self.parts))


def parse(text):
    """Return the `PartsFile` that a text is."""
    headings = list(HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    parts = tuple(
        Part(heading["id"], text[heading.end() : end].strip() + "\n", heading["whose"] or "")
        for heading, end in zip(headings, ends, strict=True)
    )
    return PartsFile(text[: headings[0].start()] if headings else text, parts)


def fingerprint(body):
    """Return a short name for the text of a part."""
    return hashlib.sha256(body.strip().encode()).hexdigest()[:8]
