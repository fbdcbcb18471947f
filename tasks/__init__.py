"""The course's tasks and questions, a folder for each chapter; the file of a task is named for its function."""

from pathlib import Path

from grader.catalogue import Catalogue, Parts
from tasks.rules import cases_that_see, enough, telling_sizes

CATALOGUE = Catalogue(
    __name__,
    seed=2017,  # of "Attention is all you need"
    own=("course_lib",),
    hidden=("workbook", "solutions", "exercises"),
    rules=(enough, telling_sizes, cases_that_see),
    parts=Parts(
        "my_transformer", "solutions.my_transformer", Path(__file__).parents[1] / "solutions" / "my_transformer.py"
    ),
)
