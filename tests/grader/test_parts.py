"""The file of parts: what stands in it, what is edited by hand, and how an answer becomes a part."""

import pytest

from grader.parts import Part, PartsFile, assembled, fingerprint, parse
from grader.program import Program
from grader.submission import cells_of

FILE = PartsFile(
    '"""Mine."""\n\nimport math\n',
    (
        Part("02.root", "def root(x):\n    return math.sqrt(x)\n", "the course's own"),
        Part("09b.Layer", "class Layer:\n    pass\n", f"yours, {fingerprint('class Layer:' + chr(10) + '    pass')}"),
    ),
)


def test_a_file_is_read_as_it_was_written():
    assert parse(FILE.text) == FILE
    assert parse(FILE.text).text == FILE.text
    assert max(map(len, FILE.text.splitlines())) == 120


def test_a_heading_says_whose_a_part_is():
    first, second = FILE.parts
    assert (first.name, first.is_learners, first.is_edited) == ("root", False, False)
    assert (second.name, second.is_learners, second.is_edited) == ("Layer", True, False)


def test_what_is_edited_by_hand_is_known():
    edited = parse(FILE.text.replace("    pass", "    size = 3")).part("09b.Layer")
    assert edited.is_learners
    assert edited.is_edited


def test_spaces_around_a_part_are_no_edit():
    assert not parse(FILE.text + "\n\n\n").part("09b.Layer").is_edited


def test_one_part_is_replaced_and_the_others_stay():
    new = FILE.with_part(Part("02.root", "def root(x):\n    return x**0.5\n", "yours, 1"))
    assert new.part("02.root").body == "def root(x):\n    return x**0.5\n"
    assert new.part("09b.Layer") == FILE.part("09b.Layer")
    assert FILE.part("03.nothing") is None


def test_a_file_without_headings_is_all_header():
    assert parse("x = 1\n") == PartsFile("x = 1\n", ())


def made(answer, *statements, name="root", others=(), cells=()):
    return assembled(Program(name, statements, answer), others, cells)


def test_a_part_is_what_the_answer_needs_and_no_more():
    answer = '''import math
import torch  # not needed
print("hello")
LIMIT = 3

@staticmethod
def helper(x):
    # a comment stays
    return math.sqrt(x) + SHIFT

def root(x):
    """The root."""
    return helper(x)

check("02.root", root)
'''
    imports, body = made(answer, "SHIFT = 1", "import math")
    assert imports == ["import math"]
    assert body == (
        "SHIFT = 1\n\n\n@staticmethod\ndef helper(x):\n    # a comment stays\n    return math.sqrt(x) + SHIFT\n\n\n"
        'def root(x):\n    """The root."""\n    return helper(x)\n'
    )


def test_imports_come_one_by_one():
    imports, _ = made("from torch import nn, zeros\nimport numpy as np\ndef root(x):\n    return nn, zeros, np")
    assert imports == ["from torch import nn", "from torch import zeros", "import numpy as np"]


def test_other_parts_stand_by_themselves():
    imports, body = made(
        "from my_file import scale\ndef root(x):\n    return scale(x)", "def scale(x):\n    return x", others={"scale"}
    )
    assert imports == []
    assert body == "def root(x):\n    return scale(x)\n"


def test_of_two_attempts_the_later_counts():
    _, body = made(
        "def root(x):\n    return help_me(x)", "def help_me(x):\n    return 0", "def help_me(x):\n    return 1"
    )
    assert body.count("def help_me") == 1
    assert "return 1" in body


def test_a_helper_stands_as_it_was_written():
    source = "def help_me(x):\n    # why it is so\n    return (x)"
    cells = cells_of({"cells": [{"cell_type": "code", "source": source}]})
    _, body = made("def root(x):\n    return help_me(x)", "def help_me(x):\n    return x", cells=cells)
    assert "# why it is so\n    return (x)" in body


def test_an_answer_that_is_no_definition_is_refused():
    with pytest.raises(ValueError, match="root is not defined in its cell"):
        made("root = lambda x: x")
