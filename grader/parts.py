"""The parts that learners build throughout: one file that holds them in order, each under a heading of its own.

    # 04.padding_mask ------------------------------------------------- yours, 1f3a9c2e

A heading names the task and says whose part it is; of a learner's own it carries the fingerprint of what stands below,
so that what was edited by hand since then can be told.
"""

import ast
import base64
import functools
import hashlib
import re
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

from grader.slicing import bound_names, global_names

WIDTH = 120
HEADING = re.compile(r"^# (?P<id>\d\w*\.\w+) -{3,}(?: (?P<whose>\S.*))?$", re.MULTILINE)
YOURS = "yours"
PACKED = '''"""The course's own parts, which stand in for those that are not yours yet. As they are answers, packed."""

import base64
import zlib

SOURCE = """
{}
"""
exec(compile(zlib.decompress(base64.b64decode(SOURCE)), "<the course's own part>", "exec"))
'''


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
        return parse(source_of(self.file))


def packed(text):
    """Return a module that is this source, for those who are not to come upon answers in it by chance. It is no secret:
    whoever wants to read it can."""
    data = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    lines = "\n".join(data[start : start + WIDTH] for start in range(0, len(data), WIDTH))
    return PACKED.format(lines)


def source_of(file):
    """Return the source of the parts in a file, unpacked if it is packed."""
    text = file.read_text(encoding="utf-8")
    found = re.search(r'^SOURCE = """\n([A-Za-z0-9+/=\n]*)"""$', text, re.MULTILINE)
    return zlib.decompress(base64.b64decode(found[1])).decode() if found else text


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
        apart = "\n\n" if self.body.lstrip().startswith(("def ", "class ", "@")) else "\n"
        return f"{line}{'-' * max(3, WIDTH - len(line) - len(whose))}{whose}\n{apart}{self.body.strip()}\n"


@dataclass(frozen=True)
class PartsFile:
    """A whole file: what stands above the first heading, and the parts."""

    header: str
    parts: tuple[Part, ...]

    @property
    def text(self):
        return self.header.strip() + "\n\n" + "\n\n".join(part.text for part in self.parts)

    def part(self, task_id):
        """Return the part of a task, or None."""
        return next((part for part in self.parts if part.id == task_id), None)

    def with_part(self, new):
        """Return the file with this part in the place of the one of the same id."""
        return replace(self, parts=tuple(new if part.id == new.id else part for part in self.parts))


@functools.lru_cache(8)
def parse(text):
    """Return the `PartsFile` that a text is."""
    headings = list(HEADING.finditer(text))
    if not headings:
        return PartsFile(text, ())
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    parts = tuple(
        Part(heading["id"], text[heading.end() : end].strip() + "\n", heading["whose"] or "")
        for heading, end in zip(headings, ends, strict=True)
    )
    return PartsFile(text[: headings[0].start()].strip() + "\n", parts)


def assembled(program, others=(), cells=()):
    """Return (imports, body) of a part: the imports that it needs, each on a line, and the source of what it is.

    Of the answer's cell stays what the answer uses, as it is written; what it takes from other parts or from tools that
    show nothing stays out.

    Args:
        program: the `Program` of a right answer.
        others: names of other parts, which stand there by themselves.
        cells: those of the notebook, in which statements stand as they were written.

    Raises:
        ValueError: the answer is not defined in its cell under its name.
    """
    written = {
        ast.unparse(node): _source_of(node, cell.source.splitlines()) for cell in cells for node in cell.body or ()
    }
    above = [(node, written.get(source, source)) for source in program.statements for node in ast.parse(source).body]
    lines = program.answer.splitlines()
    cell = [(node, _source_of(node, lines)) for node in ast.parse(program.answer).body]
    statements = [pair for pair in (*above, *cell) if not bound_names(pair[0]) & set(others)]
    found = _needed(statements, program.function)
    if not any(isinstance(node, DEFINITION) and node.name == program.function for node, _ in found):
        raise ValueError(f"{program.function} is not defined in its cell by `def` or `class`.")
    imports = [source for node, source in found if isinstance(node, IMPORT)]
    body = [source for node, source in found if not isinstance(node, IMPORT)]
    apart = "\n\n\n" if len(body) > 1 else ""
    return [line for source in imports for line in _one_a_line(source)], apart.join(body) + "\n"


DEFINITION = ast.FunctionDef | ast.ClassDef
IMPORT = ast.Import | ast.ImportFrom


def _needed(statements, name):
    """Return the statements that a name needs, in order; of two that define one thing, the later."""
    kept = [one for one in statements if not isinstance(one[0], ast.Expr) and not _is_replaced(one[0], statements)]
    wanted, found = {name}, []
    while new := [one for one in kept if one not in found and bound_names(one[0]) & wanted]:
        found += new
        wanted |= {used for _, source in new for used in global_names(source)}
    return [one for one in kept if one in found]


def _is_replaced(node, statements):
    """Tell whether a later definition or import of the same names stands in the place of this one."""
    if not isinstance(node, DEFINITION | IMPORT):
        return False
    place = next(number for number, other in enumerate(statements) if other[0] is node)
    later = [other for other, _ in statements[place + 1 :] if isinstance(other, DEFINITION | IMPORT)]
    return any(bound_names(node) <= bound_names(other) for other in later)


def _source_of(node, lines):
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
    return "\n".join(lines[first - 1 : node.end_lineno])


def _one_a_line(source):
    """Return an import as lines that name one thing each, so that those of several parts can be joined."""
    node = ast.parse(source).body[0]
    for alias in node.names:
        named = alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
        yield f"import {named}" if isinstance(node, ast.Import) else f"from {node.module} import {named}"


def fingerprint(body):
    """Return a short name for the text of a part."""
    return hashlib.sha256(body.strip().encode()).hexdigest()[:8]
