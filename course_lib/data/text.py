"""Plain English to learn to write from: one megabyte of Shakespeare."""

from course_lib.data.download import Source, fetch

SHAKESPEARE = Source(
    name="tinyshakespeare.txt",
    url="https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
    size=1_115_394,
    digest="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)


def load_shakespeare(*, progress: bool = True) -> str:
    """Return the text, downloaded if need be.

    Raises:
        DataUnavailable: it can be neither found nor downloaded; the text says what to do.
    """
    return fetch(SHAKESPEARE, progress=progress).read_text(encoding="utf-8")
