"""The learner's file of parts, my_transformer.py: what the course has new comes in, what is theirs stays."""

from grader.parts import Part, PartsFile, parse, source_of
from workbook.folder import disk, layout

NAME = layout.PARTS
OWN = "solutions.my_transformer"  # the module with the course's own parts
COURSES = "the course's own"
HEADER = '''"""My Transformer: what I build in "Self-Attention, Step by Step", part by part.

check(...) writes every right answer here that is one of the parts. Until then, the line below a heading takes the
course's own. What stands here is mine to change: what I edit by hand is not replaced without asking.
"""
'''


def line_of_the_course(part, own=OWN):
    """Return the line that takes a part from the course."""
    return f"from {own} import {part.name}\n"


def begun(parts, own=OWN):
    """Return the `PartsFile` in which each of these parts is the course's own."""
    return PartsFile(HEADER, tuple(Part(part.id, line_of_the_course(part, own), COURSES) for part in parts))


def update(root, folder, given, brought=None):
    """Bring the learner's file up to date; return (sentences, what the course has given out by now).

    Args:
        root: the course.
        folder: the learner's.
        given: {id: the course's line} of the parts that it has given out so far.
        brought: the path of an older file of the learner's, to begin with.

    Raises:
        FolderError: the file cannot be written.
    """
    source = root / "solutions" / NAME
    if not source.exists():
        return [], given
    fresh = begun(parse(source_of(source)).parts)
    lines = {part.id: part.body for part in fresh.parts}
    path = folder / NAME
    if not path.exists():
        return _begin(path, fresh, given, None if given else brought), lines
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return [f"{NAME} cannot be read as text, so it was left alone."], given
    file = parse(text)
    if not file.parts:
        return [f"{NAME} has no headings of parts any more, so it was left alone."] if text.strip() else [], given
    merged, added = _merged(file, fresh, given)
    if merged.parts != file.parts:
        disk.write(path, merged.text)
    return [f"{NAME}: new in the course, {_listed(added)}."] if added else [], lines


def _begin(path, fresh, given, brought):
    if brought is None:
        disk.write(path, fresh.text)
        return [f"{NAME} was gone: it is there again, with the course's own parts."] if given else []
    try:
        text = brought.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        disk.write(path, fresh.text)
        return [f"exercises/{NAME} cannot be read as text: the folder has a fresh one."]
    file = parse(text)
    merged = _merged(file, fresh, {})[0] if file.parts else file
    disk.write(path, merged.text if file.parts else text)
    return [f"Your {NAME} from exercises/ was brought over."]


def _merged(file, fresh, given):
    """Return (the file with what is new in the course, the names of it)."""
    parts, added = list(file.parts), []
    lines = {part.id: part for part in fresh.parts}
    for part in file.parts:
        if part.is_learners or part.body.strip() != given.get(part.id, "").strip():
            continue
        place = parts.index(part)
        parts[place : place + 1] = [lines[part.id]] if part.id in lines else []
    there = {part.id for part in file.parts}
    for number, part in enumerate(fresh.parts):
        if part.id in there or part.id in given:
            continue
        before = {one.id for one in fresh.parts[:number]}
        places = [place for place, one in enumerate(parts) if one.id in before]
        parts.insert(places[-1] + 1 if places else 0, part)
        added.append(part.name)
    return PartsFile(file.header, tuple(parts)), added


def _listed(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
