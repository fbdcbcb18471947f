"""Whose the folders of Gradescope's export are: the few lines of its submission_metadata.yml that say so."""

import re
from datetime import UTC, datetime

LARGEST = 20 * 2**20  # bytes


def read(data):
    """Return {"submission_123": [(id, name, email, when it was submitted)]}, a line for each of a group.

    The file is looked at line by line, not as YAML: it may come from anywhere, and only these lines are wanted.
    """
    found, folder, when = {}, None, {}
    for line in data[:LARGEST].decode("utf-8-sig", errors="replace").splitlines():
        if match := re.fullmatch(r"(submission_\d+):\s*", line):
            folder = match[1]
            found[folder] = []
        elif folder and (match := re.fullmatch(r"  (- |  ):(name|sid|email): *(.*?)\s*", line)):
            if match[1] == "- ":
                found[folder].append({})
            if found[folder]:
                found[folder][-1][match[2]] = _unquoted(match[3])
        elif folder and (match := re.fullmatch(r"  :created_at:\s*(.*?)\s*", line)):
            when[folder] = _moment(_unquoted(match[1]))
    return {
        folder: [(one.get("sid", ""), one.get("name", ""), one.get("email", ""), when.get(folder)) for one in people]
        for folder, people in found.items()
        if people
    }


def _unquoted(text):
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return "" if text in ("null", "~") else text


def _moment(text):
    """Return the time in "2026-03-01 12:00:00.000000000 Z" or with an offset such as +01:00; None if it is none."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?", text)
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}{(match[3] or '').replace('Z', '+00:00')}")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
