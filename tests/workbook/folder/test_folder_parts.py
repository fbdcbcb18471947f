"""The file of parts in the learner's folder: what is theirs stays, what is new comes in."""

import pytest
from small_course import PARTS

MINE = "# 04.mask --- yours, 12345678\n\ndef mask():\n    return 'mine'\n"
NEW = PARTS.replace("# 05.Layer", "# 04.softmax ---\n\ndef softmax(): ...\n\n# 05.Layer")


@pytest.fixture
def file(course):
    return course.folder / "my_transformer.py"


def edit(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def headings(file):
    return [line.split()[1] for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("# 0")]


def test_it_begins_with_the_courses_own(file):
    text = file.read_text(encoding="utf-8")
    assert headings(file) == ["04.mask", "05.Layer"]
    assert "from solutions.my_transformer import mask\n" in text


def test_a_part_that_is_new_comes_in_at_its_place_and_the_learners_stay(course, file):
    edit(file, "from solutions.my_transformer import mask\n", "def mask():\n    return 'mine'\n")
    edit(file, "the course's own", "yours, 12345678")
    course.give_parts(NEW)
    assert course.update() == ["my_transformer.py: new in the course, softmax."]
    assert headings(file) == ["04.mask", "04.softmax", "05.Layer"]
    assert "return 'mine'" in file.read_text(encoding="utf-8")
    assert course.update() == []


def test_a_part_whose_heading_the_learner_took_out_stays_out(course, file):
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: text.index("# 05.Layer")], encoding="utf-8")
    course.give_parts(NEW)
    course.update()
    assert headings(file) == ["04.mask", "04.softmax"]


def test_a_part_that_the_course_has_no_longer_goes_unless_it_is_the_learners(course, file):
    course.give_parts(PARTS[: PARTS.index("# 05.Layer")])
    assert course.update() == []
    assert headings(file) == ["04.mask"]
    edit(file, "the course's own", "yours, 12345678")
    course.give_parts("# 06.heads ---\n\ndef heads(): ...\n")
    course.update()
    assert sorted(headings(file)) == ["04.mask", "06.heads"]


def test_a_file_that_is_gone_comes_back(course, file):
    file.unlink()
    assert course.update() == ["my_transformer.py was gone: it is there again, with the course's own parts."]
    assert headings(file) == ["04.mask", "05.Layer"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"print('no headings')\n"])
def test_a_file_that_cannot_be_understood_is_left_alone(course, file, content):
    file.write_bytes(content)
    course.give_parts(NEW)
    [said] = course.update()
    assert said.startswith("my_transformer.py ")
    assert said.endswith("so it was left alone.")
    assert file.read_bytes() == content
