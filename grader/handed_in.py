"""What somebody handed in, as bytes: read once, from plain files alone, and looked at by nobody but a jailed child."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LARGEST_FILE = 100 * 2**20  # bytes; a notebook full of pictures has a few million


class SubmissionError(Exception):
    """What was handed in cannot be graded as a whole; the text says why, for the report."""


@dataclass(frozen=True)
class HandedIn:
    """One notebook that somebody handed in.

    Attributes:
        name: how a report calls it.
        notebook: the bytes of the file.
        beside: the bytes of files that lay beside it, by name, such as my_transformer.py.
    """

    name: str
    notebook: bytes
    beside: Mapping[str, bytes] = field(default_factory=dict)


def handed_in(path, beside=()):
    """Return the `HandedIn` of a notebook file, with those of the files named in `beside` that lie beside it.

    Raises:
        SubmissionError: it is no plain file (a link, a pipe, a device), too large, or cannot be read.
    """
    path = Path(path)
    near = {name: path.parent / name for name in beside}
    return HandedIn(
        str(path), plain_bytes(path), {name: plain_bytes(one) for name, one in near.items() if os.path.lexists(one)}
    )


def plain_bytes(path):
    """Return the bytes of a plain file; a link is not followed, a pipe is not waited for.

    Raises:
        SubmissionError: it is no such file, too large, or cannot be read.
    """
    cautious = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise SubmissionError(f"{path} is no file of its own, but a link, a folder, a pipe or a device.")
        with open(os.open(path, os.O_RDONLY | cautious), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SubmissionError(f"{path} is no file of its own.")
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > LARGEST_FILE:
        raise SubmissionError(f"{path} is larger than {LARGEST_FILE // 2**20} MiB. Clear its outputs and save it.")
    return data
