"""Chapter 06."""

from grader.task import Chapter

CHAPTER = Chapter(number="06", title="Multi-head attention", tasks=(), questions=())
