"""Chapter 08, the Transformer block: a norm, a network for each word, and the block around attention in both orders."""

from grader.catalogue.chapter_08 import encoder_block, layer_norm, swiglu
from grader.catalogue.chapter_08.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="08",
    title="The Transformer block",
    tasks=(layer_norm.TASK, swiglu.TASK, encoder_block.TASK),
    questions=QUESTIONS,
)
