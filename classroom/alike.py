"""Which submissions of a class are alike, kept in its gradebook for the class at a glance.

Hints for the instructor, never verdicts: no student's page has them.
"""

import json
from collections import defaultdict

FACT = "alike "  # before the number of the chapter


def keep_hints(book, chapter, hints):
    """Keep the `similarity.Hint`s on a chapter in the place of the last ones."""
    pairs = [[one.first, one.second, one.likeness, sorted({shared.task for shared in one.shared})] for one in hints]
    book.set_fact(f"{FACT}{chapter}", json.dumps(pairs))


def flags(book, chapter, shown_ids):
    """Return what the class at a glance says of them: sentences by the id that reports show.

    Args:
        shown_ids: returns {id: what reports call its owner}; see `privacy.shown_ids`.
    """
    pairs = json.loads(book.fact(f"{FACT}{chapter}") or "[]")
    called = shown_ids(book, sorted({id for pair in pairs for id in pair[:2]}))
    found = defaultdict(list)
    for first, second, likeness, tasks in pairs:
        where = ", ".join(task or "a cell of their own" for task in tasks)
        for one, other in ((first, second), (second, first)):
            found[called[one]].append(
                f"Much like what {called[other]} handed in, in {where}: {likeness:.0%} of the shorter one's own work. "
                f"A hint, no verdict: read both."
            )
    return dict(found)


def without(value, student):
    """Return what is kept in a fact of this kind, without all that is about a student."""
    return json.dumps([pair for pair in json.loads(value) if student not in pair[:2]])
