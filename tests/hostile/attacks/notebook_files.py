"""Notebook files that whoever parses them stumbles over, before a line of them is run."""

import json
import random
from dataclasses import replace

from attack import HONEST, SCALED, VARIANCE, Attack, cell, dedented, notebook

BESIDE = cell(dedented(HONEST[VARIANCE]), VARIANCE)
RIGHT = dedented(HONEST[SCALED])
WHOLE = notebook(cell(RIGHT, SCALED), BESIDE).decode()


def file(name, data, scaled=0, variance=5, readable=True, **options):
    """Return an attack by the bytes of a file; the points of both tasks."""
    return Attack(name, {}, {SCALED: scaled, VARIANCE: variance}, raw=lambda _: data, readable=readable, **options)


def source(name, text, scaled=0, **options):
    """Return an attack by the source of the cell that answers the task."""
    return file(name, notebook(cell(text, SCALED), BESIDE), scaled, **options)


def heavy(attack):
    """Return an attack whose file may also be too much to read as a whole."""
    return replace(attack, earns={SCALED: None, VARIANCE: None}, readable=None)


def inside(lines):
    return "def scaled_scores(query, key):\n" + "\n".join("    " + line for line in lines)


def unread(name, data, **options):
    """Return an attack by a file that can only be no notebook."""
    return file(name, data, None, None, readable=options.pop("readable", False), **options)


ELIFS = ["if query is 0: pass", *(f"elif query is {number}: pass" for number in range(900))]
OUTPUT = {"output_type": "display_data", "metadata": {"course": {"question": "02.why_the_root", "chose": "b" * 10**6}}}

ATTACKS = [
    heavy(source("900 branches", inside([*ELIFS, "return query"]).replace(" is ", " == "))),
    heavy(
        source(
            "nine thousand branches",
            inside(["if 0: pass", *(["elif 0: pass"] * 9000), "return query"]),
        )
    ),
    heavy(source("a huge hexadecimal number", inside(["x = 0x" + "f" * 200_000, "return query"]))),
    source("a huge decimal number", inside(["x = " + "9" * 200_000, "return query"])),
    source("a huge hexadecimal number above", "X = 0x" + "f" * 200_000 + "\n" + inside(["return X"])),
    file(
        "a huge number in another cell",
        notebook(cell("X = 0x" + "f" * 100_000), cell("X = X + 1"), cell(inside(["return X"]), SCALED), BESIDE),
    ),
    heavy(
        source(
            "thousands of chained assignments",
            "\n".join(f"a{n + 1} = a{n}" for n in range(4000)) + "\n" + inside(["return a4000"]),
        )
    ),
    heavy(
        file(
            "thousands of chained assignments in cells",
            notebook(
                cell("a0 = 1"),
                *(cell(f"a{n + 1} = a{n}") for n in range(4000)),
                cell(inside(["return a4000"]), SCALED),
                BESIDE,
            ),
        )
    ),
    heavy(
        file(
            "thousands of functions that call each other",
            notebook(
                *(cell(f"def f{n}(): return f{n + 1}()\nx{n} = f{n}") for n in range(1500)),
                cell(inside(["return f0()"]), SCALED),
                BESIDE,
            ),
        )
    ),
    heavy(
        file(
            "thousands of names in a ring",
            notebook(
                *(cell(f"a{n}.append(a{(n * 7) % 3000})") for n in range(3000)),
                cell(inside(["return a1"]), SCALED),
                BESIDE,
            ),
        )
    ),
    heavy(
        source(
            "one assignment to thousands", " = ".join(f"a{n}" for n in range(5000)) + " = 1\n" + inside(["return a1"])
        )
    ),
    source("deep parentheses", inside(["return " + "(" * 5000 + "1" + ")" * 5000])),
    source("parentheses just not too deep", inside(["return " + "(" * 180 + "query" + ")" * 180])),
    source("deep lists", inside(["return " + "[" * 190 + "]" * 190])),
    source("deep calls", inside(["return " + "f(" * 3000 + ")" * 3000])),
    heavy(source("deep attributes", inside(["return query" + ".x" * 20_000]))),
    heavy(source("deep minus signs", inside(["return " + "-" * 50_000 + "1"]))),
    heavy(source("deep sums", inside(["return " + "1+" * 50_000 + "1"]))),
    heavy(source("deep powers", inside(["return " + "1**" * 20_000 + "1"]))),
    heavy(source("deep comparisons", inside(["return " + "1<" * 20_000 + "1"]))),
    source("deep lambdas", inside(["return " + "lambda: " * 3000 + "1"])),
    source("deep conditions", inside(["return " + "1 if 1 else " * 5000 + "1"])),
    source(
        "deep functions",
        "\n".join(" " * n + f"def f{n}():" for n in range(99)) + "\n" + " " * 99 + "pass\n" + inside(["return query"]),
    ),
    source(
        "deep indentation",
        "\n".join(" " * n + "if 1:" for n in range(98)) + "\n" + " " * 98 + "pass\n" + inside(["return query"]),
    ),
    source("deep patterns", inside(["match query:", "    case " + "[" * 190 + "]" * 190 + ": pass", "return query"])),
    source("deep f-strings", inside(["return " + "f'{" * 3 + "1" + "}'" * 3])),
    heavy(source("a gigantic f-string", inside(["return f'" + "{query}" * 100_000 + "'"]))),
    heavy(source("a gigantic text", inside(["return '" + "x" * 5_000_000 + "'"]))),
    heavy(source("a gigantic tuple", inside(["return (" + "1," * 500_000 + ")"]))),
    heavy(source("a gigantic set of names", inside(["return {" + ",".join(f"n{n}" for n in range(30_000)) + "}"]))),
    source("a constant that folds to gigabytes", inside(["return ('x' * 4000) * 4000 * 4000"])),
    source("two arguments of one name", "def scaled_scores(query, query):\n    return query"),
    heavy(
        source(
            "thirty thousand arguments",
            "def scaled_scores(query, key, " + ", ".join(f"a{n}=0" for n in range(30_000)) + "):\n    return query",
        )
    ),
    source("a null byte", inside(["return 'a\0b'"])),
    source("a form feed and a carriage return", "def scaled_scores(query, key):\r\r\n\x0c    return query\x1a\r"),
    source("half characters", inside(["return '\ud800'"])),
    source("another encoding announced", "# -*- coding: utf-7 -*-\n" + inside(["return query"])),
    source("an encoding that is none announced", "# -*- coding: canary -*-\n" + inside(["return query"])),
    source("invisible marks", "\ufeff\u200b" + inside(["return query"])),
    source(
        "a future that changes the rest",
        "from __future__ import annotations, barry_as_FLUFL\n" + inside(["return query"]),
    ),
    source("return outside a function", "return 5\n" + inside(["return query"])),
    source("await and yield outside a function", "await x\nyield x\n" + inside(["return query"])),
    source("magics", "%%bash\ntouch canary\n" + inside(["return query"])),
    source("a system command", "!touch canary\n%run canary\n%load_ext canary\nx = !id\n" + inside(["return query"])),
    heavy(
        source(
            "a magic that loops in its pattern", "a" * 100_000 + " =" + " " * 100_000 + "\n" + "a, " * 50_000 + "\n)"
        )
    ),
    heavy(
        source("a hundred thousand lines that begin with a mark", "%x\n" * 100_000 + inside(["return query"]) + "\n)")
    ),
    source("type marks without end", inside(["x: " + "List[" * 190 + "]" * 190 + " = 1", "return query"])),
    heavy(source("decorators without end", "@property\n" * 20_000 + inside(["return query"]))),
    heavy(
        source("globals without end", inside(["global " + ", ".join(f"a{n}" for n in range(50_000)), "return query"]))
    ),
    heavy(source("stars", inside(["return [" + "*query," * 20_000 + "]"]))),
    heavy(
        file(
            "the answer, twenty thousand times",
            notebook(*(cell(inside([f"return {n}"]), SCALED) for n in range(20_000)), BESIDE),
        )
    ),
    heavy(
        file(
            "a hundred thousand empty cells",
            notebook(*({"cell_type": "code", "source": ""} for _ in range(100_000)), cell(RIGHT, SCALED), BESIDE),
            5,
        )
    ),
    file("a source that is a number", notebook(cell(7, SCALED), BESIDE)),
    file("a source that is nothing", notebook(cell(None, SCALED), BESIDE)),
    file("a source that is true", notebook(cell(True, SCALED), BESIDE)),
    file(
        "a source that is a dictionary", notebook(cell({"def scaled_scores(query, key): return 0": 1}, SCALED), BESIDE)
    ),
    file("a source of lists of lists", notebook(cell([["def"], [" f"], 7, None, {}], SCALED), BESIDE)),
    heavy(
        file("a source in a million pieces", notebook(cell(["#"] * 1_000_000 + ["\n" + RIGHT], SCALED), BESIDE), None)
    ),
    file("metadata that is a list", notebook({**cell(RIGHT), "metadata": [1]}, BESIDE), 5),
    file("metadata that is a text", notebook({**cell(RIGHT), "metadata": "course"}, BESIDE, metadata="x"), 5),
    file("a mark that is a list", notebook({**cell(RIGHT), "metadata": {"course": {"answer": [SCALED]}}}, BESIDE), 5),
    file(
        "a mark that is a dictionary",
        notebook({**cell(RIGHT), "metadata": {"course": {"answer": {SCALED: 1}}}}, BESIDE),
        5,
    ),
    file(
        "a mark of a task of another chapter",
        notebook(cell(RIGHT, SCALED), BESIDE, cell("x = 1", "05.SelfAttention")),
        5,
    ),
    file("a mark of a task that is none", notebook(cell(RIGHT, SCALED), BESIDE, cell("x = 1", "02.__class__")), 5),
    file("a mark of a megabyte", notebook(cell(RIGHT, SCALED), BESIDE, cell("x = 1", "02." + "x" * 2**20)), 5),
    file(
        "a kind of cell that is a list",
        notebook({"cell_type": ["code"], "source": "x"}, cell(RIGHT, SCALED), BESIDE),
        5,
    ),
    file(
        "outputs that are none",
        notebook(
            {**cell(RIGHT, SCALED), "outputs": 7},
            {**BESIDE, "outputs": [7, None, {"metadata": 7}, {"metadata": {"course": 7}}]},
        ),
        5,
    ),
    file(
        "outputs of a megabyte's letter",
        notebook({**cell("answer('02.why_the_root', ...)"), "outputs": [OUTPUT]}, cell(RIGHT, SCALED), BESIDE),
        5,
    ),
    file("cells that are texts", json.dumps({"cells": ["x = 1", 7]}).encode(), 0, 0, readable=False),
    file(
        "cells that are a dictionary", json.dumps({"cells": {"0": cell(RIGHT, SCALED)}}).encode(), 0, 0, readable=False
    ),
    file(
        "sheets, as notebooks had them once",
        json.dumps(
            {"worksheets": [{"cells": [{"cell_type": "code", "input": RIGHT, "language": "python"}]}], "nbformat": 3}
        ).encode(),
        0,
        0,
        readable=False,
    ),
    file("a format of the future", notebook(cell(RIGHT, SCALED), BESIDE, nbformat=99, nbformat_minor=10**30), 5),
    file(
        "a format that is a text", notebook(cell(RIGHT, SCALED), BESIDE, nbformat="4' or 1=1", nbformat_minor=None), 5
    ),
    file("a key twice", WHOLE.replace('{"cells"', '{"cells": [], "cells"').encode(), 5),
    file(
        "a mark twice",
        WHOLE.replace(
            '"answer": "02.scaled_scores"', '"answer": "02.head_scores", "answer": "02.scaled_scores"'
        ).encode(),
        5,
    ),
    file(
        "not a number in the metadata",
        WHOLE.replace('"nbformat": 4', '"nbformat": NaN, "x": [Infinity, -Infinity, 1e999]').encode(),
        5,
    ),
    file(
        "half a character in the metadata",
        WHOLE.replace('"nbformat": 4', '"nbformat": 4, "\\ud800": "\\udfff"').encode(),
        5,
    ),
    file(
        "a mark of half a character",
        WHOLE.replace('"metadata": {}', '"metadata": {"course": {"notebook": "\\ud800"}}', 1).encode(),
        5,
    ),
    file("an escape of a null in the source", WHOLE.replace("import math", "\\u0000import math").encode()),
    file("a mark at the beginning of the file", b"\xef\xbb\xbf" + WHOLE.encode(), 5),
    unread("lists nested a million deep", b'{"cells": [], "x": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"),
    unread("dictionaries nested a hundred thousand deep", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    unread(
        "metadata nested just too deep",
        WHOLE.replace('"nbformat": 4', '"nbformat": 4, "x": ' + "[" * 3000 + "]" * 3000).encode(),
        readable=None,
    ),
    unread(
        "a number of a million digits",
        WHOLE.replace('"nbformat": 4', '"nbformat": ' + "9" * 1_000_000).encode(),
        readable=None,
    ),
    unread("nothing", b""),
    unread("null bytes", bytes(10**6)),
    unread("UTF-16", WHOLE.encode("utf-16")),
    unread("bytes that are no text", random.Random(1).randbytes(10**5)),
    unread("half a file", WHOLE.encode()[:-20]),
    unread("two notebooks in one file", WHOLE.encode() * 2),
    unread("a list", b"[" + WHOLE.encode() + b"]"),
    unread("a text", json.dumps(WHOLE).encode()),
    unread("Python in the place of JSON", b"__import__('os').system('true')"),
    unread("a pickle", b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."),
    unread("a page", b"<!DOCTYPE html><script>alert(1)</script>"),
    heavy(
        file(
            "twenty megabytes of pictures",
            notebook({**cell(RIGHT, SCALED), "outputs": [{"data": {"image/png": "A" * 20_000_000}}]}, BESIDE),
            5,
        )
    ),
    heavy(file("a million outputs", notebook({**cell(RIGHT, SCALED), "outputs": [{}] * 1_000_000}, BESIDE), 5)),
    heavy(
        file("a million keys", notebook(cell(RIGHT, SCALED), BESIDE, metadata={str(n): n for n in range(1_000_000)}), 5)
    ),
]
