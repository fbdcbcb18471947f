"""Chapter 09, decoder and cross-attention: inputs shifted right, the two masks, the bridge, and writing until END."""

from grader.catalogue.chapter_09 import cross_attention, decoder_mask, greedy_decode, shift_right
from grader.catalogue.chapter_09.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="09",
    title="Decoder and cross-attention",
    tasks=(shift_right.TASK, decoder_mask.TASK, cross_attention.TASK, greedy_decode.TASK),
    questions=QUESTIONS,
)
