"""The page on what goes wrong names slips that exist."""

import re
from pathlib import Path

from tasks import CATALOGUE

PAGE = (Path(__file__).parents[2] / "docs" / "what_goes_wrong.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(\d\d\w?\.\w+): (\w+)`", PAGE)


def test_every_slip_on_the_page_exists():
    tasks = {task_id: CATALOGUE.task(task_id) for task_id, _ in NAMED}
    known = {(one, mistake.name) for one, task in tasks.items() for mistake in (*task.slips, *task.mistakes)}
    assert [named for named in NAMED if named not in known] == []


def test_every_line_of_the_table_names_one_and_most_chapters_are_there():
    table = [line for line in PAGE.splitlines() if line.startswith("|") and "told by" not in line]
    lines = table[1 : next(place for place, line in enumerate(table) if "caches of keys" in line) - 2]
    assert len(lines) > 20
    assert all(re.search(r"`\d\d\w?\.\w+: \w+`", line) for line in lines)
    assert len({task_id[:2] for task_id, _ in NAMED}) >= 7
