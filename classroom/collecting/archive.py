"""A zip file that others made: its members are read one at a time, in memory, and nothing is ever extracted."""

import re
import stat
import struct
import zipfile
from dataclasses import dataclass
from datetime import datetime

from grader.handed_in import LARGEST_FILE, SubmissionError

MOST_MEMBERS = 20_000
LONGEST_PATH = 400  # characters
LARGEST_RATIO = 200  # of a member that is unpacked to more than a mebibyte; notebooks shrink to a tenth
BYTES_PER_MEMBER = 1024  # in the directory of a zip file: a header and a long path
TAIL = 65_557  # bytes at the end of a zip file in which its directory is named
LOCAL_HEADER = 30  # bytes before the name of a member
SIMPLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may ask for gigabytes to unpack a few bytes


@dataclass(frozen=True)
class Member:
    """One file in a zip file.

    Attributes:
        parts: the folders that it lies in, and its name.
        modified: when it was written, by the clock of whoever packed it.
        info: what `zipfile` knows of it.
        problem: why it is not read, or "".
    """

    parts: tuple[str, ...]
    modified: datetime | None
    info: zipfile.ZipInfo
    problem: str = ""


class Archive:
    """The members of a zip file. Use it as a context, or close it.

    Args:
        file: a path, or an open binary file that can be searched.
        name: how a report calls it.

    Raises:
        SubmissionError: it is no zip file that may be opened: broken, too many members, or members that share bytes.
    """

    def __init__(self, file, name):
        self.name = name
        try:
            self._zip = zipfile.ZipFile(file)
        except Exception as error:  # zipfile raises many kinds; whatever it is, the file cannot be read
            raise SubmissionError(f"{name} cannot be read as a zip file: {error or type(error).__name__}.") from None
        try:
            self.members = self._looked_at()
        except SubmissionError:
            self._zip.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._zip.close()

    def read(self, member):
        """Return the bytes of a member.

        Raises:
            SubmissionError: it is one that is not read, or broken.
        """
        if member.problem:
            raise SubmissionError(member.problem)
        try:
            with self._zip.open(member.info) as file:
                data = file.read(LARGEST_FILE + 1)
        except Exception as error:  # zlib.error, BadZipFile, EOFError, ...: a member that is not what it says
            said = str(error) or type(error).__name__
            raise SubmissionError(f"{'/'.join(member.parts)} in {self.name} cannot be unpacked: {said}.") from None
        if len(data) > LARGEST_FILE:
            raise SubmissionError(f"{'/'.join(member.parts)} in {self.name} is too large.")
        return data

    def _looked_at(self):
        """Return the members that are files, each with the reason if it is not to be read."""
        infos = self._zip.infolist()
        if len(infos) > MOST_MEMBERS:
            raise SubmissionError(
                f"{self.name} holds {len(infos)} files; the most that are looked at is {MOST_MEMBERS}."
            )
        if _share_bytes(infos, self._zip.start_dir):
            raise SubmissionError(f"{self.name} is no honest zip file: its members share bytes. Pack it again.")
        members = [_member(info) for info in infos if not info.is_dir()]
        seen = {}
        for member in members:
            seen[member.parts] = seen.get(member.parts, 0) + 1
        twice = "{} stands in the zip file more than once, so nobody can tell which one counts. Pack it again."
        return [
            Member(one.parts, one.modified, one.info, one.problem or twice.format("/".join(one.parts)))
            if seen[one.parts] > 1
            else one
            for one in members
        ]


def check_directory(data, name):
    """Refuse the bytes of a zip file whose directory is too long to be read.

    Raises:
        SubmissionError: it names more members than are looked at, or is of the kind for over 4 GiB.
    """
    tail = data[-TAIL:]
    if b"PK\6\6" in tail or b"PK\6\7" in tail:
        raise SubmissionError(f"{name} is a zip file of the kind for more than 4 GiB. Pack only what was asked for.")
    for found in re.finditer(b"PK\5\6", tail):
        record = tail[found.start() : found.start() + 22]
        if len(record) == 22 and struct.unpack("<I", record[12:16])[0] > MOST_MEMBERS * BYTES_PER_MEMBER:
            raise SubmissionError(f"{name} holds more than the {MOST_MEMBERS} files that are looked at.")


def _member(info):
    path = info.orig_filename.replace("\\", "/")
    steps = path.split("/")
    parts = tuple(step for step in steps if step not in ("", ".", ".."))
    try:
        modified = datetime(*info.date_time)
    except ValueError:
        modified = None
    return Member(parts or ("",), modified, info, _problem(info, path, steps))


def _problem(info, path, steps):
    """Return why a member is not read, or ""."""
    shown = path[:LONGEST_PATH]
    kind = stat.S_IFMT(info.external_attr >> 16)
    if path.startswith("/") or re.match("[A-Za-z]:", path) or ".." in steps or "\0" in path:
        return f"{shown} in the zip file leads out of it. Pack the files anew."
    if len(path) > LONGEST_PATH:
        return f"{shown}... in the zip file has a path of more than {LONGEST_PATH} characters."
    if kind not in (0, stat.S_IFREG):
        return f"{shown} in the zip file is no file of its own, but a link or a device."
    if info.flag_bits & 1:
        return f"{shown} in the zip file is locked with a password. Pack it without one."
    if info.compress_type not in SIMPLE:
        return f"{shown} in the zip file is packed in an unusual way. Pack it as an ordinary zip file."
    if info.file_size > LARGEST_FILE:
        return f"{shown} in the zip file is larger than {LARGEST_FILE // 2**20} MiB. Clear its outputs and save it."
    if info.file_size > 2**20 and info.file_size > LARGEST_RATIO * info.compress_size:
        return f"{shown} in the zip file would unpack to more than {LARGEST_RATIO} times its size. Clear its outputs."
    return ""


def _share_bytes(infos, directory):
    """Tell whether members overlap one another, or the directory, which honest zip files never do."""
    spans = sorted((info.header_offset, info.header_offset + LOCAL_HEADER + info.compress_size) for info in infos)
    ends = [*(start for start, _ in spans[1:]), directory]
    return any(end > following for (_, end), following in zip(spans, ends, strict=True)) if spans else False
