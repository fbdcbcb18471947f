"""All that is written about a chapter of a class, below reports/: one call, whoever writes what."""

from pathlib import Path

from classroom import alike
from classroom.privacy import shown, shown_ids
from classroom.reports.pages import write_pages

FOLDER = "reports"


def write_reports(book, catalogue, chapter):
    """Write the reports on a chapter, and take away those of the last time that are none any more; return their paths.

    Args:
        book: the open `Gradebook`; the reports are written into reports/NN in its folder.
        catalogue: the `Catalogue` of what was asked.
        chapter: its number.
    """
    folder = Path(book.folder)
    into = folder / FOLDER / chapter
    into.mkdir(parents=True, exist_ok=True)
    graded = shown(book, book.graded(chapter))
    made = write_pages(graded, catalogue.chapter(chapter), into, flags=alike.flags(book, chapter, shown_ids))
    files = {path.relative_to(folder).as_posix() for path in made}
    for stale in book.written(chapter) - files:
        (folder / stale).unlink(missing_ok=True)
    book.set_written(chapter, files)
    return made
