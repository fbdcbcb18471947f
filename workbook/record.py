"""What a learner did, in one readable file of their own folder: a line of JSON for each guess, question, check, hint.

Lines are only ever added, so two notebooks that are open at once lose nothing. Nothing is sent anywhere. Outside a
learner's folder, and where the file cannot be written, nothing is noted and nothing fails.
"""

import datetime
import json
import os

from workbook.folder import layout


def note(kind, id, *, folder=None, **facts):
    """Add a line: what happened ("guess", "question", "check", "hint", "reset"), to what, and what else there is."""
    path = _path() if folder is None else layout.record(folder)
    if path is None:
        return
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    line = json.dumps({"at": now, kind: id, **facts}, ensure_ascii=False) + "\n"
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        try:
            os.write(handle, (_mending(handle) + line).encode())  # in one piece
        finally:
            os.close(handle)
    except OSError:
        pass


def events(kind="", path=None):
    """Return what was noted, oldest first: dictionaries, those of one kind if one is named. What is no line of the
    record's is passed over.

    Args:
        kind: such as "guess".
        path: of the record; by default that of the learner's folder around the current one.
    """
    path = path or _path()
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path is not None else ()
    except OSError:
        return []
    found = [event for event in map(_read, lines) if event]
    return [event for event in found if kind in event] if kind else found


def since_reset(kind, id, path=None):
    """Return what of one kind was noted of one guess, question or task since its notebook was last given out anew."""
    found = []
    for event in events(path=path):
        if event.get(kind) == id:
            found.append(event)
        elif event.get("reset") == id.partition(".")[0] and (event.get("of") == "Lesson") == (kind == "guess"):
            found = []
    return found


def _path():
    folder = layout.find()
    return None if folder is None else layout.record(folder)


def _read(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _mending(handle):
    """Return a new line if the last one was cut off, so that it spoils no more than itself."""
    size = os.fstat(handle).st_size
    if size == 0:
        return ""
    os.lseek(handle, size - 1, os.SEEK_SET)
    return "\n" if os.read(handle, 1) not in (b"\n", b"") else ""
