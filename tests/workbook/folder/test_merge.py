"""Three notebooks made one: nothing of the learner's is lost, nothing of the course's is missed."""

import copy
import random
from pathlib import Path

import pytest
from small_course import answer, blank, code, exercise, notebook, printed, text

from workbook.folder import copies, layout, stored
from workbook.folder.merge import carry_over, merge

ROOT = Path(__file__).parents[3]

MINE = blank("softmax").replace("    # Your code here.\n    return ...", "    return scores / scores.sum()")


def cell(cells, id):
    return next(cell for cell in cells["cells"] if cell["id"] == id)


def ids(cells):
    return [cell["id"] for cell in cells["cells"]]


def changed(cells, *, without=(), after=None, insert=None, **sources):
    """Return a copy of a notebook with other sources (by id, `_` for `-`), without cells, with one inserted."""
    new = copy.deepcopy(cells)
    for id, source in sources.items():
        cell(new, id.replace("_", "-"))["source"] = source
    new["cells"] = [one for one in new["cells"] if one["id"] not in without]
    if insert is not None:
        new["cells"].insert(ids(new).index(after) + 1, insert)
    return new


@pytest.fixture
def base():
    return notebook(*exercise())


def test_what_one_side_changed_is_taken_from_that_side(base):
    mine = changed(base, answer_03_softmax=MINE, after="check-softmax", insert=code("1a2b3c4d", "softmax([1])"))
    cell(mine, "answer-03-softmax")["outputs"] = [printed("mine")]
    new = changed(base, task_1="## Task 1, told better", after="check-softmax", insert=text("aside", "An aside."))
    merged, clashes = merge(base, mine, new)
    assert clashes == 0
    assert cell(merged, "task-1")["source"] == "## Task 1, told better"
    assert cell(merged, "answer-03-softmax")["source"] == MINE
    assert cell(merged, "answer-03-softmax")["outputs"] == [printed("mine")]
    place = ids(merged).index("check-softmax")
    assert ids(merged)[place : place + 4] == ["check-softmax", "1a2b3c4d", "aside", "hint-softmax"]


def test_an_answer_that_both_changed_stays_and_the_new_text_is_no_code(base):
    mine = changed(base, answer_03_softmax=MINE)
    new = changed(base, answer_03_softmax=blank("softmax").replace("Return it", "Return each row's weights"))
    merged, clashes = merge(base, mine, new)
    assert clashes == 1
    assert cell(merged, "answer-03-softmax")["source"] == MINE
    place = ids(merged).index("answer-03-softmax")
    below = merged["cells"][place + 1]
    assert below["cell_type"] == "markdown"
    assert "Return each row's weights" in below["source"]
    assert sum("def softmax" in one["source"] for one in merged["cells"] if one["cell_type"] == "code") == 1


def test_of_two_new_texts_of_an_answer_the_newest_alone_stands_there(base):
    mine = changed(base, answer_03_softmax=MINE)
    second = changed(base, answer_03_softmax=blank("softmax") + "  # second")
    third = changed(base, answer_03_softmax=blank("softmax") + "  # third")
    merged, clashes = merge(second, merge(base, mine, second)[0], third)
    texts = [one["source"] for one in merged["cells"] if one["source"].startswith("The course has a new text")]
    assert clashes == 1
    assert len(texts) == 1
    assert "# third" in texts[0]


def test_any_other_cell_that_both_changed_is_the_courses_with_the_learners_below(base):
    mine = changed(base, task_2="## Task 2\n\nmy note with ``` in it")
    new = changed(base, task_2="## Task 2, shorter")
    merged, clashes = merge(base, mine, new)
    place = ids(merged).index("task-2")
    assert clashes == 1
    assert merged["cells"][place]["source"] == "## Task 2, shorter"
    assert "````markdown\n## Task 2\n\nmy note with ``` in it\n````" in merged["cells"][place + 1]["source"]


def test_a_hint_that_was_only_asked_for_is_no_change_of_the_learners(base):
    asked = changed(base, hint_softmax='hint("03.softmax")')
    assert cell(merge(base, asked, changed(base, task_1="new"))[0], "hint-softmax")["source"] == 'hint("03.softmax")'
    new = changed(base, hint_softmax='hint_button("03.softmax")')
    merged, clashes = merge(base, asked, new)
    assert clashes == 0
    assert cell(merged, "hint-softmax")["source"] == 'hint_button("03.softmax")'
    assert ids(merge(base, asked, changed(base, without=["hint-softmax"]))[0]) == ids(
        changed(base, without=["hint-softmax"])
    )


def test_what_the_course_removed_goes_unless_the_learner_had_written_in_it(base):
    mine = changed(base, answer_03_softmax=MINE, task_2="## Task 2 and my note")
    new = changed(base, without=["task-1", "answer-03-softmax", "check-softmax", "task-2"])
    merged, _ = merge(base, mine, new)
    assert "task-1" not in ids(merged)
    end = [one["source"] for one in merged["cells"][ids(merged).index("next") + 1 :]]
    assert end[0].startswith("## From an earlier version")
    assert f"```python\n{MINE}\n```" in end
    assert "## Task 2 and my note" in end
    assert not any("def softmax" in one["source"] for one in merged["cells"] if one["cell_type"] == "code")


def test_a_renamed_task_keeps_the_old_answer_as_text(base):
    mine = changed(base, answer_03_softmax=MINE)
    new = changed(base, without=["answer-03-softmax", "check-softmax"])
    new["cells"][3:3] = answer("03.weights", blank("weights"))
    merged, _ = merge(base, mine, new)
    assert cell(merged, "answer-03-weights")["source"] == blank("weights")
    assert MINE in cell(merged, "earlier-answer-03-softmax")["source"]


def test_what_the_learner_deleted_stays_deleted_but_not_what_a_task_needs(base):
    mine = changed(base, without=["task-1", "next", "answer-03-softmax", "check-softmax", "question"])
    merged, _ = merge(base, mine, changed(base, task_2="new"))
    assert {"task-1", "next"} & set(ids(merged)) == set()
    assert [id for id in ids(merged) if id.startswith(("answer", "check", "question"))] == [
        id for id in ids(base) if id.startswith(("answer", "check", "question"))
    ]


def test_a_task_that_the_course_added_comes_where_it_belongs(base):
    new = copy.deepcopy(base)
    new["cells"][5:5] = [text("task-1b", "## Another"), *answer("03.another", blank("another"))]
    merged, _ = merge(base, changed(base, answer_03_softmax=MINE), new)
    assert ids(merged) == ids(new)
    assert cell(merged, "answer-03-softmax")["source"] == MINE


def test_the_learners_order_stays_unless_the_course_has_a_new_one(base):
    mine = copy.deepcopy(base)
    mine["cells"].insert(1, mine["cells"].pop())
    assert ids(merge(base, mine, changed(base, task_1="new"))[0]) == ids(mine)
    new = copy.deepcopy(base)
    new["cells"].insert(0, new["cells"].pop(5))
    assert ids(merge(base, mine, new)[0]) == ids(new)


def test_a_cell_is_known_by_its_task_or_its_text_where_an_editor_lost_its_id(base):
    mine = changed(base, answer_03_softmax=MINE)
    for one in mine["cells"]:
        one.pop("id")
    merged, clashes = merge(base, mine, changed(base, task_1="## Told better"))
    assert clashes == 0
    assert ids(merged) == ids(base)
    assert cell(merged, "answer-03-softmax")["source"] == MINE


def test_a_pasted_copy_of_an_answer_is_a_cell_of_the_learners(base):
    mine = changed(base, answer_03_softmax=MINE)
    twin = {**copy.deepcopy(cell(mine, "answer-03-softmax")), "id": "0123abcd", "source": "second try"}
    mine["cells"].insert(1, twin)
    merged, _ = merge(base, mine, changed(base, task_1="new"))
    assert cell(merged, "answer-03-softmax")["source"] == MINE
    assert cell(merged, "0123abcd")["source"] == "second try"


def test_outputs_go_where_the_source_is_a_new_one(base):
    mine = copy.deepcopy(base)
    for one in mine["cells"]:
        if one["cell_type"] == "code":
            one.update(outputs=[printed("seen")], execution_count=3)
    merged, _ = merge(base, mine, changed(base, setup="from workbook import check, hint"))
    assert cell(merged, "setup")["outputs"] == []
    assert cell(merged, "setup")["execution_count"] is None
    assert cell(merged, "check-softmax")["outputs"] == [printed("seen")]


def test_what_the_learner_unfolded_stays_unfolded_and_what_the_course_folds_is_folded(base):
    folded = {"jupyter": {"source_hidden": True}}
    cell(base, "setup")["metadata"] = dict(folded)
    mine, new = copy.deepcopy(base), changed(base, task_1="new")
    cell(mine, "setup")["metadata"] = {"editable": True}
    cell(new, "hint-softmax")["metadata"] = dict(folded)
    merged, _ = merge(base, mine, new)
    assert cell(merged, "setup")["metadata"] == {"editable": True}
    assert cell(merged, "hint-softmax")["metadata"] == folded


def test_where_no_one_knows_what_it_began_with_answers_and_added_cells_are_carried_over(base):
    mine = changed(base, answer_03_softmax=MINE, question='answer("03.why", "b")', task_1="old words", insert=None)
    mine["cells"].insert(4, code("1a2b3c4d", "my_test = 1"))
    mine["cells"].append(text("gone-from-the-course", "old words"))
    new = changed(base, answer_03_attention=blank("attention").replace("Return it", "Return the output"))
    merged = carry_over(mine, new)
    assert ids(merged) == [*ids(base)[:4], "1a2b3c4d", *ids(base)[4:]]
    assert cell(merged, "answer-03-softmax")["source"] == MINE
    assert cell(merged, "question")["source"] == 'answer("03.why", "b")'
    assert cell(merged, "task-1")["source"] == "## Task 1"
    assert "Return the output" in cell(merged, "answer-03-attention")["source"]


HALF = "class Layer:\n    def __init__(self):\n        self.size = 3\n\n    def forward(self, x):\n        return ..."


@pytest.mark.parametrize("half", [HALF, "def softmax(scores)\n    return scores", "x = 1\n\n" + blank("softmax")])
def test_half_an_answer_is_an_answer(base, half):
    merged = carry_over(changed(base, answer_03_softmax=half), base)
    assert cell(merged, "answer-03-softmax")["source"] == half


def test_whatever_is_done_to_a_notebook_no_word_of_the_learners_is_lost_and_no_id_stands_twice(base):
    rng = random.Random(2017)
    for _ in range(300):
        mine, new = copy.deepcopy(base), copy.deepcopy(base)
        words = disturb(mine["cells"], rng, "learner")
        disturb(new["cells"], rng, "course")
        merged, _ = merge(base, mine, new)
        everything = "\n".join(one["source"] for one in merged["cells"])
        assert [word for word in words if word not in everything] == []
        assert len(set(ids(merged))) == len(merged["cells"])
        assert {id for id in ids(new) if id.startswith(("answer", "check", "question"))} <= set(ids(merged))
        assert all(cell(new, id)["source"] in everything for id in set(ids(new)) - set(ids(base)))
        again, clashes = merge(new, merged, new)
        assert (again, clashes) == (merged, 0)
        assert carry_over(mine, new)["cells"]


def disturb(cells, rng, who):
    """Change, insert, delete and move cells at random; return the words that were written and are still there."""
    for number in range(rng.randint(0, 6)):
        place = rng.randrange(len(cells))
        match rng.randrange(5):
            case 0 | 1:
                cells[place]["source"] += f"\n{who} wrote {number}."
            case 2:
                cells.insert(place, code(f"{rng.getrandbits(32):08x}", f"{who} added {number}."))
            case 3:
                del cells[place]
            case 4:
                cells.insert(rng.randrange(len(cells)), cells.pop(place))
    sources = "\n".join(one["source"] for one in cells)
    return [line for line in sources.splitlines() if line.startswith(who)]


@pytest.mark.parametrize("file", ["exercises/04_masking.ipynb", "notebooks/02_scaling.ipynb"])
def test_a_real_notebook_with_every_cell_written_in(file):
    files = layout.course_files(ROOT)
    base = copies.copy(stored.read(ROOT / file), file, files)
    mine, new = copy.deepcopy(base), copy.deepcopy(base)
    for one in mine["cells"]:
        one["source"] += f"\n# my note on {one['id']}"
    for one in new["cells"][1::2]:
        one["source"] += "\n# told better"
    merged, clashes = merge(base, mine, new)
    everything = "\n".join(one["source"] for one in merged["cells"])
    assert clashes == len(new["cells"][1::2])
    assert all(f"# my note on {one['id']}" in everything for one in base["cells"])
    assert everything.count("# told better") == clashes
    assert merge(new, merged, new) == (merged, 0)
