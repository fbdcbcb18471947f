"""Writing in the learner's folder: the whole of a file or nothing, and nothing of theirs is ever replaced unseen."""

import contextlib
import errno
import os
import tempfile

FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
AGAIN = "then run the same command again: it goes on from here, and nothing of yours is lost."


class FolderError(Exception):
    """Something in the learner's folder cannot be done now; the message is one sentence with the way out."""


@contextlib.contextmanager
def explained(path):
    """Turn what the disk refuses inside into a `FolderError`."""
    try:
        yield
    except OSError as error:
        raise FolderError(
            f"{path} cannot be written ({error.strerror or error}): {_way_out(error)}, {AGAIN}"
        ) from error


def write(path, text):
    """Store a text at `path`, all of it or nothing: whoever reads never sees half a file.

    Raises:
        FolderError: the disk is full, or nothing may be written there.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(temporary, path.stat().st_mode if path.exists() else 0o644)  # mkstemp's files are private
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def keep_copy(path, kept):
    """Put a copy of a file into the folder `kept`, under a name that is free; return the copy's path.

    A copy that lies there already, of a call that was interrupted, will do.

    Raises:
        FolderError: as for `write`.
    """
    with explained(path):
        content = path.read_bytes()
        kept.mkdir(exist_ok=True)
        for there in sorted(kept.glob(f"{_pattern(path.stem)}*{path.suffix}")):
            if there.read_bytes() == content:
                return there
        copy = free_name(kept / path.name)
        handle, temporary = tempfile.mkstemp(dir=kept, prefix=".", suffix=".tmp")
        try:
            with open(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary, path.stat().st_mode)
            os.replace(temporary, copy)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    return copy


def free_name(path):
    """Return `path`, or if there is such a file, the first of "name 2", "name 3" that is free."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem} {number}{path.suffix}")
    return free


def _pattern(name):
    """Return a name as a pattern of `glob` that matches it alone."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _way_out(error):
    if isinstance(error, PermissionError):
        return "see that the folder and what is in it belong to you and are not open elsewhere"
    if error.errno in FULL:
        return "make room on this disk"
    return "see to the disk"
