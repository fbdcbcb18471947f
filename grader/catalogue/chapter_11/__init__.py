"""Chapter 11, speech to characters: from a waveform to frames, masks for them, and the errors counted."""

from grader.catalogue.chapter_11 import character_error_rate, edit_distances, log_mel, split_frames, subsampled_mask
from grader.catalogue.chapter_11.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="11",
    title="Speech to characters",
    tasks=(split_frames.TASK, log_mel.TASK, subsampled_mask.TASK, edit_distances.TASK, character_error_rate.TASK),
    questions=QUESTIONS,
)
