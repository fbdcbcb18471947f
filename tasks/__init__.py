"""The course's tasks and questions, a folder for each chapter; the file of a task is named for its function."""

from grader.catalogue import Catalogue
from tasks.rules import cases_that_see, enough, telling_sizes

CATALOGUE = Catalogue(
    __name__,
    seed=2017,  # of "Attention is all you need"
    own=("course_lib",),
    hidden=("workbook",),
    rules=(enough, telling_sizes, cases_that_see),
)
