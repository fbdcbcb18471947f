"""The learner's own file: right answers are kept in it, and what was edited by hand is not lost."""

import json
import sys

import pytest

from grader.parts import parse
from grader.result import Outcome
from grader.submission import cells_of
from tasks import CATALOGUE
from workbook import check, own_file

MASK = '''def causal_mask(length):
    """Mine."""
    return torch.ones(length, length, dtype=torch.bool).tril()'''
SPLIT = """def split_heads(x, num_heads):
    pieces = x.reshape(*x.shape[:-1], num_heads, -1)
    return swapped(pieces)"""


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Return what runs a cell in a notebook in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    namespace, sources = {}, []
    monkeypatch.setattr(
        own_file, "_cells", lambda: cells_of({"cells": [{"cell_type": "code", "source": one} for one in sources]})
    )

    def run(source):
        sources.append(source)
        exec(source, namespace)

    run("import torch\nfrom workbook import check")
    return run


@pytest.fixture
def mine(tmp_path):
    """Return what reads the file that was kept."""
    return lambda: parse((tmp_path / own_file.NAME).read_text(encoding="utf-8"))


def test_the_file_begins_with_the_courses_own(capsys):
    file = own_file.begun()
    assert not any(part.is_learners for part in file.parts)
    namespace = {}
    exec(file.text, namespace)
    assert {part.name for part in file.parts} <= namespace.keys()
    assert own_file.how_many(file) == f"0 of {len(file.parts)} parts are yours"


def test_every_part_of_the_catalogue_has_its_place_in_order():
    parts = [task.id for chapter in CATALOGUE.chapters for task in chapter.tasks if task.part]
    assert [part.id for part in CATALOGUE.parts.read().parts] == parts


def test_a_right_answer_is_kept_with_its_imports(notebook, mine, capsys):
    notebook(MASK)
    notebook('check("04.causal_mask", causal_mask)')
    count = len(mine().parts)
    assert f"Kept in my_transformer.py: 1 of {count} parts are yours." in capsys.readouterr().out
    part = mine().part("04.causal_mask")
    assert part.is_learners
    assert not part.is_edited
    assert part.body.strip() == MASK
    assert "import torch\n" in mine().header
    namespace = {}
    exec(mine().text, namespace)
    assert namespace["causal_mask"](2).tolist() == [[True, False], [True, True]]


def test_a_wrong_answer_is_not_kept(notebook, tmp_path, capsys):
    notebook(MASK.replace("tril", "triu"))
    notebook('check("04.causal_mask", causal_mask)')
    assert not (tmp_path / own_file.NAME).exists()


def test_a_better_answer_takes_its_place(notebook, mine, capsys):
    notebook(MASK)
    notebook('check("04.causal_mask", causal_mask)')
    notebook('check("04.causal_mask", causal_mask)')
    assert "It stands in my_transformer.py already" in capsys.readouterr().out
    notebook("def causal_mask(length):\n    at = torch.arange(length)\n    return at[:, None] >= at")
    notebook('check("04.causal_mask", causal_mask)')
    assert "at[:, None] >= at" in mine().part("04.causal_mask").body
    assert not mine().part("04.causal_mask").is_edited


def test_what_was_edited_by_hand_stays_until_it_is_asked_for(notebook, mine, tmp_path, capsys):
    notebook(MASK)
    notebook('check("04.causal_mask", causal_mask)')
    path = tmp_path / own_file.NAME
    edited = path.read_text(encoding="utf-8").replace("Mine", "Mine, and better")
    path.write_text(edited, encoding="utf-8")
    notebook(MASK.replace("Mine", "Another"))
    capsys.readouterr()
    notebook('check("04.causal_mask", causal_mask)')
    said = capsys.readouterr().out
    assert "you have edited this part by hand, so it stays" in said
    assert 'check("04.causal_mask", causal_mask, replace=True)' in said
    assert "Mine, and better." in mine().part("04.causal_mask").body
    notebook('check("04.causal_mask", causal_mask, replace=True)')
    assert "Another" in mine().part("04.causal_mask").body


def test_helpers_come_along(notebook, mine, capsys):
    notebook("def swapped(x):\n    return x.swapaxes(-3, -2)")
    notebook(SPLIT)
    notebook('check("06.split_heads", split_heads)')
    assert mine().part("06.split_heads").body.startswith("def swapped(x):")


def test_a_helper_of_another_parts_name_is_refused(notebook, mine, capsys):
    notebook("def swapped(x):\n    return x.swapaxes(-3, -2)")
    notebook(SPLIT)
    notebook('check("06.split_heads", split_heads)')
    notebook("def merge_heads(heads):\n    return swapped(heads).flatten(-2)")
    capsys.readouterr()
    notebook('check("06.merge_heads", merge_heads)')
    assert "`swapped` has a meaning in 06.split_heads already" in capsys.readouterr().out
    assert not mine().part("06.merge_heads").is_learners


def test_what_is_right_in_the_notebook_alone_is_not_kept(notebook, tmp_path, capsys):
    notebook("exec('DTYPE = torch.bool')")
    notebook("def causal_mask(length):\n    return torch.ones(length, length, dtype=DTYPE).tril()")
    notebook('check("04.causal_mask", causal_mask)')
    said = capsys.readouterr().out
    assert "04.causal_mask: right" in said
    assert "Not kept in my_transformer.py: taken out of the notebook, it is no longer right." in said
    assert not (tmp_path / own_file.NAME).exists()


def test_the_courses_solutions_are_nobodys_own(notebook, tmp_path, capsys):
    notebook("def causal_mask(length):\n    ### BEGIN SOLUTION\n    return torch.ones(length, length).bool().tril()")
    notebook('check("04.causal_mask", causal_mask)')
    assert "04.causal_mask: right" in capsys.readouterr().out
    assert not (tmp_path / own_file.NAME).exists()


def test_the_courses_own_part_earns_nothing(capsys):
    from solutions.my_transformer import causal_mask

    check("04.causal_mask", causal_mask)
    assert "This is the course's own causal_mask" in capsys.readouterr().out


def test_a_file_that_does_not_load_is_told_and_left(notebook, tmp_path, capsys):
    (tmp_path / own_file.NAME).write_text(own_file.begun().text + "\n1 / 0\n", encoding="utf-8")
    notebook(MASK)
    notebook('check("04.causal_mask", causal_mask)')
    assert "the file would stop with ZeroDivisionError" in capsys.readouterr().out
    assert "Mine" not in (tmp_path / own_file.NAME).read_text(encoding="utf-8")


def test_an_earlier_mistake_is_not_told_again(notebook, capsys):
    notebook("from torch import nn\nimport math")
    notebook("def masked_attention(query, key, value, mask=None):\n    return 0 * query @ key.mT @ value")
    notebook('check("04.masked_attention", masked_attention)')
    notebook(
        "class SelfAttention(nn.Module):\n"
        "    def __init__(self, d_model, d_k):\n"
        "        super().__init__()\n"
        "        self.W_q, self.W_k, self.W_v = (nn.Linear(d_model, d_k) for _ in range(3))\n"
        "        self.W_o = nn.Linear(d_k, d_model)\n"
        "    def forward(self, x, mask=None):\n"
        "        return self.W_o(masked_attention(self.W_q(x), self.W_k(x), self.W_v(x), mask))"
    )
    capsys.readouterr()
    notebook('check("05.SelfAttention", SelfAttention)')
    assert "05.SelfAttention: right" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("header", "imports", "expected"),
    [
        ('"""Mine."""\n', ["import torch", "import math"], '"""Mine."""\n\nimport math\n\nimport torch\n'),
        (
            '"""Mine."""\n\nimport torch\n',
            ["from torch import nn", "from course_lib import softmax", "from torch import cat"],
            '"""Mine."""\n\nimport torch\nfrom torch import cat, nn\n\nfrom course_lib import softmax\n',
        ),
        ("import math\nX = 3\n", ["import torch"], "import math\nX = 3\nimport torch\n"),
        ("import torch\n", ["import torch"], "import torch\n"),
    ],
)
def test_imports_join_those_at_the_top(header, imports, expected):
    assert own_file.with_imports(header, imports) == expected


def test_parts_are_shown(notebook, capsys):
    notebook(MASK)
    notebook('check("04.causal_mask", causal_mask)')
    capsys.readouterr()
    own_file.show_parts()
    said = capsys.readouterr().out
    assert "04: padding_mask (the course's), causal_mask, masked_softmax (the course's)" in said


def test_nothing_is_kept_outside_a_notebook(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None
    namespace = {}
    exec("import torch\n" + MASK, namespace)
    check("04.causal_mask", namespace["causal_mask"])
    assert list(tmp_path.iterdir()) == []


CAPSTONE = """
from my_transformer import Transformer, training_step
import torch

def build_model(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    return Transformer(source_size, target_size, d_model, num_heads, d_ff, num_layers)

def train(model, optimizer, source, source_lengths, inputs, labels, rates, clip):
    losses = []
    for *batch, rate in zip(source, source_lengths, inputs, labels, rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        losses.append(training_step(model, optimizer, *batch, clip).detach())
    return torch.stack(losses)
"""


@pytest.fixture
def hand_in(tmp_path, grade_file):
    """Return what grades the capstone with a learner's file beside it."""

    def grade(text):
        cell = {"cell_type": "code", "source": CAPSTONE, "metadata": {}}
        path = tmp_path / "10b.ipynb"
        path.write_text(json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}))
        if text is not None:
            (tmp_path / own_file.NAME).write_text(text, encoding="utf-8")
        results = grade_file(path, CATALOGUE.seed, chapter="10b").results
        return {result.id: result for result in results}

    return grade


def test_the_capstone_is_graded_with_the_file_beside_it(hand_in):
    results = hand_in(own_file.begun().text)
    assert {result.outcome for result in results.values()} == {Outcome.RIGHT}
    edited = CATALOGUE.parts.file.read_text(encoding="utf-8").replace('norm="pre"):', 'norm="post"):')
    assert "norm comes after each sum" in hand_in(edited)["10b.build_model"].message


def test_the_capstone_without_its_file_says_what_to_hand_in(hand_in):
    result = hand_in(None)["10b.build_model"]
    assert result.outcome is Outcome.UNREADABLE
    assert "there is no my_transformer.py beside the notebook: hand it in, too" in result.message.lower()


def test_a_file_that_is_no_python_is_told(hand_in):
    assert "cannot be read as Python" in hand_in("def broken(:\n")["10b.train"].message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text + "\n1 / 0\n", "my_transformer.py stops with ZeroDivisionError as it is loaded"),
        (
            lambda text: text.replace("class Transformer(", "class Machine("),
            "has no class Transformer.",
        ),
        (
            lambda text: text.replace("W_vocabulary", "to_words"),
            "has no parameters `W_vocabulary.weight`",
        ),
    ],
)
def test_a_file_that_was_broken_by_hand_is_told_where_it_is_handed_a_model(hand_in, change, told):
    results = hand_in(change(CATALOGUE.parts.file.read_text(encoding="utf-8")))
    assert told in results["10b.train"].message
    assert results["10b.train"].outcome is Outcome.WRONG


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"def broken(:\n", "Not kept in my_transformer.py: it is no Python just now"),
        ("# \u00e9".encode("utf-16"), "Not kept: my_transformer.py cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_left(notebook, tmp_path, capsys, content, told):
    (tmp_path / own_file.NAME).write_bytes(content)
    notebook(MASK)
    notebook('check("04.causal_mask", causal_mask)')
    said = capsys.readouterr().out
    assert "04.causal_mask: right" in said
    assert told in said
    assert (tmp_path / own_file.NAME).read_bytes() == content
