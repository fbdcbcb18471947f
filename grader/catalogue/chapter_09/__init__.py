"""Chapter 09."""

from grader.task import Chapter

CHAPTER = Chapter(number="09", title="Decoder and cross-attention", tasks=(), questions=())
