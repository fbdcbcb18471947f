"""Brings the learner's folder up to date with the course. What they wrote stays, or lies in kept/ and that is said.

Nothing is decided by a file's time. Each notebook says of which version it is, and what the course gave out in each
version lies in .course/bases/, so that a notebook which an open JupyterLab has written over is merged from what it was.
"""

import contextlib
import json

from workbook.folder import copies, disk, layout, merge, parts, stored
from workbook.folder.originals import Originals

MANY = 8  # so many names are told one by one


def update(root=layout.ROOT, folder=None):
    """Make or update the learner's folder; return sentences on what is worth knowing, none if all is as it was.

    Args:
        root: the course.
        folder: the learner's; by default `my_course` in it.

    Raises:
        FolderError: the disk is full, or something may not be written. What was done until then holds, and the next
            call goes on.
    """
    folder = folder or root / layout.HOME.name
    said = [] if (folder / layout.MARK).is_dir() else [f"Your own folder is {folder}: write in it as you like."]
    with disk.explained(folder):
        (folder / layout.MARK).mkdir(parents=True, exist_ok=True)
    given = _read_given(folder)
    before = json.dumps(given)
    said += Update(root, folder, given).all()
    if json.dumps(given) != before:
        _write_given(folder, given)
    return said


def notebooks_in(folder):
    """Return {name in the learner's folder: [(path, notebook)]} of what lies there, by what each notebook says of
    itself, so that a renamed one is found, and a copy too."""
    found = {}
    for path in sorted(folder.glob("*.ipynb")):
        with contextlib.suppress(OSError, stored.NotANotebookError):
            notebook = stored.read(path)
            name = layout.name_of(stored.course_of(notebook).get("notebook", ""))
            if name:
                found.setdefault(name, []).append((path, notebook))
    return found


def begin(folder, name, copy, mine=None):
    """Write a fresh notebook into the folder, or the learner's own of this version, and what it is to be merged from
    one day.

    Raises:
        FolderError: it cannot be written.
    """
    _write_base(folder, name, copy)
    stored.write(folder / name, mine or copy)


class Update:
    """One round: the course, the folder, and what the course has given out so far."""

    def __init__(self, root, folder, given):
        self.root, self.folder, self.given = root, folder, given
        self.originals = Originals(root, layout.worked_on(folder))
        self.is_first = not given["notebooks"]
        self.said, self.new, self.updated, self.brought = [], [], [], []

    def all(self):
        """Bring everything; return the sentences."""
        found = notebooks_in(self.folder)
        for file, name in self.originals.files.items():
            try:
                copy = copies.copy(self.originals.notebook(file), file, self.originals.files)
            except (OSError, stored.NotANotebookError) as error:
                self.said.append(f"{file}, of the course, cannot be read ({error}), so {name} was left as it is.")
                continue
            if name in found:
                for path, notebook in found[name]:
                    self._refresh(path, name, notebook, copy)
                self._say_if_renamed(name, [path.name for path, _ in found[name]])
            elif (self.folder / name).exists():
                self._recover(name, copy)
            else:
                self._begin(file, name, copy)
            if name not in self.given["notebooks"]:
                self.given["notebooks"].append(name)
        older = self.originals.of_the_reader(f"exercises/{parts.NAME}")
        sentences, self.given["parts"] = parts.update(self.root, self.folder, self.given["parts"], older)
        if self.brought:
            listed = _listed(self.brought)
            self.said.insert(0, f"Your answers in exercises/ were brought over, and stay there, too: {listed}.")
        if self.new:
            self.said.insert(0, f"New in the course: {_listed(self.new)}.")
        if self.updated:
            self.said.insert(0, f"Brought up to date, with all that you wrote in them: {_listed(self.updated)}.")
        return self.said + sentences

    def _say_if_renamed(self, name, there):
        """Once: links to a notebook that was renamed lead nowhere."""
        if name in there:
            self.given["renamed"].pop(name, None)
        elif self.given["renamed"].get(name) != there[0]:
            self.given["renamed"][name] = there[0]
            self.said.append(
                f"{name} is called {there[0]} now: the map leads there, the links in other notebooks no longer do."
            )

    def _begin(self, file, name, copy):
        """A notebook that is not there: new in the course, deleted, or worked on in exercises/ so far."""
        older, mine = self.originals.of_the_reader(file), None
        if name in self.given["notebooks"]:
            self.said.append(f"{name} was gone: a fresh one is there.")
        elif older is not None:
            try:
                mine = {**copy, "cells": merge.carry_over(stored.read(older), copy)["cells"]}
                self.brought.append(name)
            except stored.NotANotebookError as error:
                self.said.append(f"{file} holds no answers to bring over: {error}. {name} is a fresh one.")
        elif not self.is_first:
            self.new.append(name)
        begin(self.folder, name, copy, mine)

    def _refresh(self, path, name, notebook, copy):
        """A notebook of ours: merged if it is of another version."""
        course = copy["metadata"]["course"]
        version = stored.course_of(notebook)["version"]
        if version == course["version"]:
            self._keep_unmodified(path, notebook, copy)
            return
        base = self._base(name, version)
        if base is None:
            self._renew(path, name, notebook, copy, f"{path.name} is of a version that is not known here")
            return
        merged, clashes = merge.merge(base, notebook, copy)
        _write_base(self.folder, name, copy)
        stored.write(path, merged)
        self.updated.append(_called(path, name))
        if clashes:
            cells = "one cell was" if clashes == 1 else f"{clashes} cells were"
            called = _called(path, name)
            self.said.append(f"{called}: {cells} changed both by you and by the course; both texts stand there.")

    def _recover(self, name, copy):
        """A file under the name of a notebook of ours that does not say what it is: spoiled, or stripped."""
        path = self.folder / name
        try:
            notebook = stored.read(path)
        except OSError as error:
            self.said.append(f"{name} cannot be read ({error.strerror}), so it was left as it is.")
        except stored.NotANotebookError as error:
            kept = disk.keep_copy(path, layout.kept(self.folder))
            begin(self.folder, name, copy)
            self.said.append(
                f"{name} was no notebook any more ({error}): a fresh one is there, the old file is {_in(kept)}."
            )
        else:
            self._renew(path, name, notebook, copy, f"{name} does not say any more which version it is of")

    def _renew(self, path, name, notebook, copy, reason):
        kept = disk.keep_copy(path, layout.kept(self.folder))
        _write_base(self.folder, name, copy)
        stored.write(path, merge.carry_over(notebook, copy))
        self.said.append(
            f"{reason}: a new one is there with your answers and added cells, the whole old file is {_in(kept)}."
        )

    def _keep_unmodified(self, path, notebook, copy):
        """After a change of Python, the kernel would report another language than the notebook says, and so JupyterLab
        would take it for modified as soon as it is opened."""
        ours, theirs = copy["metadata"], notebook["metadata"]
        same_kernel = theirs.get("kernelspec") == ours["kernelspec"]
        if same_kernel and theirs.get("language_info") != ours["language_info"]:
            stored.write(path, {**notebook, "metadata": {**theirs, "language_info": ours["language_info"]}})

    def _base(self, name, version):
        try:
            return stored.read(layout.base(self.folder, name, version))
        except (OSError, stored.NotANotebookError):
            return None


def _write_base(folder, name, copy):
    path = layout.base(folder, name, copy["metadata"]["course"]["version"])
    if not path.exists():
        stored.write(path, copy)


def _listed(names):
    return ", ".join(names) if len(names) <= MANY else f"{len(names)} notebooks"


def _called(path, name):
    return name if path.name == name else f"{path.name} ({name.removesuffix('.ipynb')})"


def _in(kept):
    return f"kept/{kept.name}"


def _read_given(folder):
    """Return what the course has given out so far: {"notebooks": [names], "parts": {id: line}}; and which of them a
    learner calls otherwise: {"renamed": {name: their name}}."""
    try:
        given = json.loads(layout.given(folder).read_text(encoding="utf-8"))
        renamed = dict(given.get("renamed", {}))
        return {"notebooks": list(given["notebooks"]), "parts": dict(given["parts"]), "renamed": renamed}
    except (OSError, ValueError, KeyError, TypeError):
        return {"notebooks": [], "parts": {}, "renamed": {}}


def _write_given(folder, given):
    disk.write(layout.given(folder), json.dumps(given, indent=1) + "\n")
