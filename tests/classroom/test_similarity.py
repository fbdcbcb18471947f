"""The hint of similarity: what is found, what is no sign, and that no text breaks it."""

import inspect
import itertools
import json
import random
import textwrap
import zipfile
from pathlib import Path

import pytest

from classroom import alike, privacy, similarity
from classroom.__main__ import main
from classroom.gradebook import Gradebook
from classroom.graded import Student
from classroom.settings import Settings
from classroom.similarity import ELSEWHERE, GRAM, RUN, answers, as_data, tokens
from tasks import CATALOGUE

ROOT = Path(__file__).parents[2]
TASK = "02.head_scores"
EXERCISE = (ROOT / "exercises" / "02_scaling.ipynb").read_bytes()
SOLUTION = (ROOT / "solutions" / "02_scaling.ipynb").read_bytes()

ODD = '''
def head_scores(query, key, num_heads):
    """Mine."""
    width = query.shape[-1] // num_heads
    collected = []
    for head in range(num_heads):
        begin, end = head * width, (head + 1) * width
        part_of_query = query[..., begin:end]
        part_of_key = key[..., begin:end]
        total = 0
        for component in range(width):
            total = total + part_of_query[..., :, None, component] * part_of_key[..., None, :, component]
        collected.append(total / width ** 0.5)
    return np.stack(collected, axis=-3)
'''
RENAMED = """
import math
from collections import OrderedDict

def head_scores(query, key, num_heads):
    "Another text."
    w = query.shape[-1] // num_heads   # how wide
    out = []
    for h in range(num_heads):
        a, b = h * w, (h + 1) * w

        q = query[..., a:b]
        k = key[
            ..., a:b
        ]
        s = 0
        for c in range(w):
            s = s + q[..., :, None, c] * k[..., None, :, c]
        out.append(s / w ** 0.5)
    return np.stack(out, axis=-3)
"""
OTHERS = (
    "    d = query.shape[-1] // num_heads\n    q = query.reshape(*query.shape[:-1], num_heads, d).swapaxes(-2, -3)\n"
    "    k = key.reshape(*key.shape[:-1], num_heads, d).swapaxes(-2, -3)\n"
    "    return q @ k.swapaxes(-1, -2) / math.sqrt(d)",
    "    q = np.stack(np.split(query, num_heads, axis=-1), axis=-3)\n"
    "    k = np.stack(np.split(key, num_heads, axis=-1), axis=-3)\n"
    '    return np.einsum("...id,...jd->...ij", q, k) / q.shape[-1] ** 0.5',
    "    q, k = (torch.as_tensor(x).unflatten(-1, (num_heads, -1)).transpose(-3, -2) for x in (query, key))\n"
    "    return (q @ k.mT / q.shape[-1] ** 0.5).numpy()",
    "    return ...",
)


def notebook(*cells):
    """Return a notebook in bytes; a cell is (task, source)."""
    made = [
        {"cell_type": "code", "metadata": {"course": {"answer": task}} if task else {}, "source": source}
        for task, source in cells
    ]
    return json.dumps({"cells": made}).encode()


def hints(submissions, **known):
    return similarity.hints(submissions.items(), **known)


def a_class(**more):
    """Return a class of 24 with four ways to answer, and whoever else is named."""
    head = "def head_scores(query, key, num_heads):\n"
    ways = itertools.islice(itertools.cycle(OTHERS), 24)
    return {f"student{n}": notebook((TASK, head + way)) for n, way in enumerate(ways)} | {
        name: notebook((TASK, source)) for name, source in more.items()
    }


def test_a_copy_with_other_names_comments_layout_and_imports_is_found_and_nobody_else():
    found = hints(a_class(ann=ODD, ben=RENAMED), given=[EXERCISE, SOLUTION])
    assert [(hint.first, hint.second) for hint in found] == [("ann", "ben")]
    assert found[0].likeness == 1.0
    shown = found[0].shared[0]
    assert shown.task == TASK
    assert "total = total + part_of_query" in shown.first
    assert "s = s + q[..., :, None, c]" in shown.second


def test_tokens_of_a_copy_are_the_same():
    assert [one.text for one in tokens(ODD)] == [one.text for one in tokens(RENAMED)]


def test_what_the_exercise_gives_is_no_sign():
    assert hints({"ann": EXERCISE, "ben": EXERCISE}, given=[EXERCISE]) == ()
    assert len(hints({"ann": notebook((TASK, ODD)), "ben": notebook((TASK, ODD))})) == 1
    assert hints({"ann": notebook((TASK, ODD)), "ben": notebook((TASK, ODD))}, given=[notebook((TASK, ODD))]) == ()


def test_a_class_in_which_everybody_writes_the_obvious_line_has_no_hint():
    line = "def scaled_scores(query, key):\n    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])"
    lines = line.replace("return", "scores =") + "\n    return scores"
    everyone = {f"student{n}": notebook(("02.scaled_scores", (line, lines)[n % 2])) for n in range(30)}
    assert hints(everyone, given=[EXERCISE]) == ()
    assert hints(dict(list(everyone.items())[:2]), given=[EXERCISE]) == ()  # two of them alone: too short to tell


def test_what_three_in_ten_wrote_is_no_sign_and_what_two_wrote_is():
    rest = {name: data for name, data in a_class().items() if int(name[7:]) < 20}
    crowd = {f"copy{n}": notebook((TASK, ODD)) for n in range(9)}
    assert hints(rest | crowd, given=[EXERCISE]) == ()
    pair = dict(list(crowd.items())[:2])
    assert [(hint.first, hint.second) for hint in hints(rest | pair, given=[EXERCISE])] == [("copy0", "copy1")]


@pytest.mark.parametrize("number", ["01", "02", "03", "04"])
def test_independent_right_answers_are_no_hint(number):
    """The catalogue's legal ways were written to share no code: one student for each."""
    chapter = CATALOGUE.chapter(number)
    most = max(len(task.legal) for task in chapter.tasks)
    students = {
        f"way{way}": notebook(
            *(
                (task.id, textwrap.dedent(inspect.getsource(task.legal[way])).partition("\n")[2])
                for task in chapter.tasks
                if way < len(task.legal)
            )
        )
        for way in range(most)
    }
    path = next((ROOT / "exercises").glob(f"{number}_*.ipynb"))
    given = [path.read_bytes(), (ROOT / "solutions" / path.name).read_bytes()]
    assert len(students) >= 3
    assert hints(students, given=given) == ()


def test_every_shared_run_of_so_many_tokens_shares_a_fingerprint():
    rng = random.Random(3)
    for _ in range(50):
        run = [f"x.m{rng.randrange(9)}" for _ in range(RUN)]  # three tokens each, so more than is needed
        ours, theirs = (
            " ".join([f"y.{side}{n}" for n in range(rng.randrange(9))] + run + [f"z.{side}{n}" for n in range(5)])
            for side in ("a", "b")
        )
        assert similarity._prints(ours, set()).keys() & similarity._prints(theirs, set()).keys()


def test_an_answer_shorter_than_a_gram_has_no_fingerprint():
    assert len(tokens("a + b")) < GRAM
    assert similarity._prints("a + b", set()) == {}


def test_what_the_catalogue_knows_people_to_write_is_no_sign():
    """Two who hand in one and the same right way, or make the same known mistake."""
    chapter = CATALOGUE.chapter("02")
    ways = similarity.ways_of(chapter)
    assert len(ways) > 50
    task = chapter.tasks[2]
    without = 0
    for function in (*task.legal, task.mistakes[0].compute):
        both = dict.fromkeys(("ann", "ben"), notebook((TASK, inspect.getsource(function))))
        without += len(hints(both, given=[EXERCISE]))
        assert hints(both, given=[EXERCISE], ways=ways) == ()
    assert without > 0
    assert len(hints(a_class(ann=ODD, ben=RENAMED), given=[EXERCISE, SOLUTION], ways=ways)) == 1


HOSTILE = [
    b"",
    b"\xff\xfe",
    b"[" * 200_000,
    b'{"cells": 7}',
    b'{"cells": [null, 7, {"cell_type": "code"}, {"cell_type": "code", "source": [7, "x"], "metadata": 3}]}',
    b'{"cells": [{"cell_type": "code", "source": "\\ud800", "metadata": {"course": {"answer": ["x"]}}}]}',
    json.dumps({"cells": 1}).encode() + b"9" * 5_000,
    b'{"a": ' + b"9" * 5_000 + b"}",
]
TEXTS = [
    '"' * 100_001,
    "'''" * 50_000 + "\\",
    "\\" * 100_000,
    "(" * 100_000,
    "#" * 100_000,
    "\n" * 100_000,
    "a" * 1_000_000,
    "x = " * 100_000,
    "1." * 100_000,
    "\0\x1b[31m\u202e" * 10_000,
    'f"{' * 50_000,
    ";" * 100_000,
]


def test_whatever_is_handed_in_nothing_is_raised():
    assert [answers(data) for data in HOSTILE[:4]] == [{}, {}, {}, {}]
    handed_in = {f"bytes{n}": data for n, data in enumerate(HOSTILE)}
    handed_in |= {f"text{n}": notebook((TASK, text)) for n, text in enumerate(TEXTS)}
    found = hints(handed_in | {"ann": notebook((TASK, ODD)), "ben": notebook((TASK, RENAMED))})
    assert ("ann", "ben") in [(hint.first, hint.second) for hint in found]
    json.dumps(as_data(found))


def test_random_text_ends_within_the_limits():
    rng = random.Random(7)
    for _ in range(300):
        text = "".join(rng.choice("\"'\\#\n()[]{} ;.ab1=é\t*/") for _ in range(rng.randrange(400)))
        found = tokens(text)
        assert all(0 <= one.start < one.end <= len(text) for one in found)
        assert [one.start for one in found] == sorted(one.start for one in found)
    assert len(tokens("x.y + " * 100_000)) <= similarity.MOST_TOKENS


def test_cells_without_a_mark_are_compared_with_each_other():
    data = notebook((TASK, "def head_scores(): pass"), ("", "one = 1"), ("", "two = 2"))
    assert answers(data) == {TASK: "def head_scores(): pass", ELSEWHERE: "one = 1\ntwo = 2"}


def test_five_hundred_students():
    """All different in their numbers, one pair alike; what it takes is a few seconds of computing."""
    rng = random.Random(1)

    def answer():
        terms = " + ".join(f"x[{rng.randrange(99)}] * {rng.randrange(99)}" for _ in range(60))
        return f"def head_scores(x):\n    return {terms}"

    students = {f"student{n:03}": notebook((TASK, answer())) for n in range(500)}
    students["student400"] = students["student007"]
    assert [(hint.first, hint.second, hint.likeness) for hint in hints(students, given=[EXERCISE])] == [
        ("student007", "student400", 1.0)
    ]


def test_the_command_prints_what_no_terminal_obeys(tmp_path, capsys):
    odd = ODD.replace("collected = []", "collected = []  # \x1b[31mred\u202e")
    for name, source in (("ann", odd), ("ben", RENAMED), ("eve", "def head_scores(): return ...")):
        (tmp_path / f"{name}.ipynb").write_bytes(notebook((TASK, source)))
    assert main(["similar", str(tmp_path), "--chapter", "02", "--json", str(tmp_path / "hints.json")]) == 0
    said = capsys.readouterr().out
    assert "ann and ben: 100% alike" in said
    assert "1 hint in 3 submissions. A hint is no verdict: read both, and ask." in said
    assert all(character.isprintable() or character == "\n" for character in said)
    assert len(json.loads((tmp_path / "hints.json").read_text(encoding="utf-8"))) == 1
    assert main(["similar", str(tmp_path), "--chapter", "77"]) == 2
    assert "there is no chapter '77'" in capsys.readouterr().err


def test_a_class_is_compared_by_its_own_names_or_pseudonyms(tmp_path, capsys):
    """Files as the class's grading.toml says whose they are, in a zip file; pseudonyms where its gradebook says so."""
    my_class = tmp_path / "my_class"
    my_class.mkdir()
    (my_class / "grading.toml").write_text(r"patterns = ['hw2-(?P<student>[a-z]+)\.ipynb']", encoding="utf-8")
    named = ODD.replace("collected = []", "collected = []  # annabel")
    with zipfile.ZipFile(tmp_path / "handed_in.zip", "w") as archive:
        archive.writestr("hw2-annabel.ipynb", notebook((TASK, named)))
        archive.writestr("hw2-benedict.ipynb", notebook((TASK, RENAMED)))
    command = ["similar", str(tmp_path / "handed_in.zip"), "--chapter", "02", "--into", str(my_class)]
    assert main(command) == 0
    assert "annabel and benedict: 100% alike" in capsys.readouterr().out
    with Gradebook(my_class, Settings(), make=True) as book:
        privacy.use_pseudonyms(book, True)
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "1 hint in 2 submissions" in said
    assert "annabel" not in said
    assert "benedict" not in said


def test_the_class_at_a_glance_has_the_hints_until_a_student_is_forgotten(tmp_path):
    """And no student's page has them; with pseudonyms, under these."""
    with Gradebook(tmp_path, Settings(), make=True) as book:
        found = hints(a_class(annabel=ODD, benedict=RENAMED), given=[EXERCISE, SOLUTION])
        alike.keep_hints(book, "02", found)
        said = alike.flags(book, "02", privacy.shown_ids)
        assert set(said) == {"annabel", "benedict"}
        assert said["annabel"] == [
            "Much like what benedict handed in, in 02.head_scores: 100% of the shorter one's own work. "
            "A hint, no verdict: read both."
        ]
        assert alike.flags(book, "03", privacy.shown_ids) == {}
        privacy.use_pseudonyms(book, True)
        assert not {"annabel", "benedict"} & set(alike.flags(book, "02", privacy.shown_ids))
        book.forget(Student("benedict"))
        assert alike.flags(book, "02", privacy.shown_ids) == {}
    assert b"benedict" not in (tmp_path / "gradebook.sqlite").read_bytes()


def test_a_hint_is_plain_data():
    (found,) = json.loads(json.dumps(as_data(hints(a_class(ann=ODD, ben=RENAMED), given=[EXERCISE]))))
    assert set(found) == {"first", "second", "likeness", "evidence", "shared"}
    assert set(found["shared"][0]) == {"task", "first", "second"}
