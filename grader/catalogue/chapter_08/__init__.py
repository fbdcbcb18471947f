"""Chapter 08."""

from grader.task import Chapter

CHAPTER = Chapter(number="08", title="Transformer block", tasks=(), questions=())
