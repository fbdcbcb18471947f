"""How far a learner is: every chapter's exercise as it is saved, graded, on one line with a bar."""

from grader.grade import grade_notebook

WIDTH = 24  # signs of a bar


def lines(exercises, catalogue):
    """Yield a line for each exercise of the catalogue's chapters in the folder `exercises`."""
    for chapter in catalogue.chapters:
        for path in sorted(exercises.glob(f"{chapter.number}_*.ipynb")):
            graded = grade_notebook(path, catalogue, catalogue.seed, chapter=chapter.number)
            yield line(graded, chapter.title)


def line(graded, title, width=WIDTH):
    """Return one line on how far a chapter's exercise is done."""
    done = round(width * graded.points / graded.worth) if graded.worth else 0
    total = f"{graded.points} of {graded.worth} points" if graded.results else graded.problem
    return f"{graded.chapter} {title:<28} [{'#' * done}{'.' * (width - done)}] {total}"
