"""Zip archives, read in memory: nothing is unpacked to the disk, so nothing can land where it should not.

recordings = read_archive(path, "recordings/*.wav")  # {"recordings/0_george_0.wav": b"RIFF...", ...}
"""

import hashlib
import re
import stat
import zipfile
from pathlib import Path, PurePosixPath

from course_lib.data.download import DataUnavailable

UNPACKED_LIMIT = 2**28  # bytes to read from one archive; ten times what the course's largest holds


def read_archive(path: Path, wanted: str) -> dict[str, bytes]:
    """Return the contents of the files in a zip archive whose names match, by name, sorted. Nothing goes to disk.

    Args:
        path: the archive.
        wanted: a pattern, `*` for anything but a slash: "recordings/*.wav". Where the whole archive stands in a folder
            of its own, as GitHub packs it ("free-spoken-digit-dataset-<revision>/"), that folder is left out.

    Raises:
        DataUnavailable: the archive is damaged, holds links or names that lead out of it, or unpacks to more than
            `UNPACKED_LIMIT` bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_members(archive, wanted)
    except Exception as error:  # whatever zipfile, zlib, lzma make of a damaged file
        raise DataUnavailable(f"{path} cannot be read ({error}). Delete it, then run this again.") from error


def content_digest(path: Path, wanted: str) -> str:
    """Return the SHA-256 of what a zip archive holds, however it is packed, in hexadecimal digits.

    It is taken over every file that `read_archive` gives, sorted by name: the name in UTF-8, a zero byte, and the
    SHA-256 of the content (32 bytes).
    """
    whole = hashlib.sha256()
    for name, content in sorted(read_archive(path, wanted).items()):
        whole.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return whole.hexdigest()


def _read_members(archive, wanted):
    for member in archive.infolist():
        _refuse_unsafe(member)
    found = {inner: member for member in archive.infolist() if (inner := _inner_name(member, wanted))}
    if sum(member.file_size for member in found.values()) > UNPACKED_LIMIT:
        raise ValueError(f"it unpacks to more than {UNPACKED_LIMIT} bytes")
    return {inner: _content(archive, found[inner]) for inner in sorted(found)}


def _refuse_unsafe(member):
    name = member.orig_filename  # as the archive has it: on Windows, zipfile turns backslashes
    if name.startswith("/") or "\\" in name or re.match("[A-Za-z]:", name) or ".." in name.split("/"):
        raise ValueError(f"its member {name!r} leads out of it")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ValueError(f"its member {name!r} is a link")


def _inner_name(member, wanted):
    """Return the part of a file's name that `wanted` matches, if it is all of it but one folder around."""
    name, depth = PurePosixPath(member.filename), wanted.count("/") + 1
    if name.match(wanted) and len(name.parts) <= depth + 1 and not member.is_dir():
        return "/".join(name.parts[-depth:])


def _content(archive, member):
    with archive.open(member) as file:
        return file.read(member.file_size + 1)  # no more is unpacked than was declared, and counted above
