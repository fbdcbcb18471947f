"""A fresh copy of one notebook; the old one is kept aside."""

from workbook.folder import copies, disk, layout, stored
from workbook.folder.originals import Originals
from workbook.folder.update import begin, notebooks_in


def reset(asked, root=layout.ROOT, folder=None):
    """Put a fresh notebook in the place of the learner's, whose file goes to kept/; return what to say.

    Args:
        asked: "03", "Exercise 03" or "Lesson 03".

    Raises:
        FolderError: there is no such notebook, no folder yet, or the disk refuses.
    """
    folder = folder or root / layout.HOME.name
    if not (folder / layout.MARK).is_dir():
        raise disk.FolderError("There is no folder of yours to reset something in yet: `learn` makes it.")
    originals = Originals(root, layout.worked_on(folder))
    file = layout.course_file(asked, root)
    if file is None:
        raise disk.FolderError(
            f"There is no lesson or exercise {asked!r}: name one such as `03`, `10b` or `Lesson 03`."
        )
    name = originals.files[file]
    try:
        fresh = copies.copy(originals.notebook(file), file, originals.files)
    except (OSError, stored.NotANotebookError) as error:
        raise disk.FolderError(f"{file}, of the course, cannot be read ({error}): get it again.") from error
    path = folder / name
    if not path.exists():
        renamed = [there for there, _ in notebooks_in(folder).get(name, [])]
        path = renamed[0] if renamed else path
    if not path.exists():
        begin(folder, name, fresh)
        return f"{name} is there, as the course gives it."
    kept = disk.keep_copy(path, layout.kept(folder))
    begin(folder, name, fresh)
    if path.name != name:
        with disk.explained(path):
            path.unlink()
    return f"{name} is as the course gives it, and open again in your progress; what you had is kept/{kept.name}."
