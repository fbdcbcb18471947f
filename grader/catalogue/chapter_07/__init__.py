"""Chapter 07."""

from grader.task import Chapter

CHAPTER = Chapter(number="07", title="Positional encoding", tasks=(), questions=())
