"""Chapter 06, multi-head attention: split, attend, merge, mix."""

from grader.catalogue.chapter_06 import in_projection, merge_heads, multi_head_attention, split_heads
from grader.catalogue.chapter_06.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="06",
    title="Multi-head attention",
    tasks=(split_heads.TASK, merge_heads.TASK, in_projection.TASK, multi_head_attention.TASK),
    questions=QUESTIONS,
)
