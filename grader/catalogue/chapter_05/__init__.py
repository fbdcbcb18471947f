"""Chapter 05."""

from grader.task import Chapter

CHAPTER = Chapter(number="05", title="Self-attention layer", tasks=(), questions=())
