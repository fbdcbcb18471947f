"""A made-up course of two lessons and one exercise, which a learner has begun with."""

import pytest
from small_course import EXERCISE, LESSON, PARTS, Course, code, exercise, printed, text


@pytest.fixture
def course(tmp_path):
    """A course that the learner has begun with."""
    course = Course(tmp_path)
    course.give("notebooks/00_start_here.ipynb", text("start", "# 00 · Start here"))
    course.give(
        LESSON,
        text("title", "# 03 · Softmax", slideshow={"slide_type": "slide"}),
        text("notes", "Say it slowly.", slideshow={"slide_type": "notes"}),
        code("compute", "1 + 1", [printed("2")], jupyter={"source_hidden": True}, slideshow={"slide_type": "skip"}),
    )
    course.give(EXERCISE, *exercise())
    course.give_parts(PARTS)
    course.update()
    return course
