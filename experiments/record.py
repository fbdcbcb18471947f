"""The table of an experiment: computed row by row, stored as JSON with what it was made with, read by the lesson."""

import argparse
import json
import platform
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from importlib.metadata import version
from itertools import product
from multiprocessing import get_context
from pathlib import Path

from tqdm.auto import tqdm

STORED = Path(__file__).parent / "stored"
MADE_WITH = ("numpy", "torch", "scikit-learn", "Babel")


def stored_rows(name, **wanted):
    """Return the stored rows of experiment `name`: all of them, or those whose columns have the values `wanted`.

    A row is a dict: what was set (such as model, train_size, seed) and what came out (such as accuracy).

    Raises:
        FileNotFoundError: nothing is stored under this name.
    """
    rows = _read(_path(name))["rows"]
    return [row for row in rows if all(row[column] == value for column, value in wanted.items())]


def grid(**columns):
    """Return every combination of the columns' values, one dict each: the rows of a table that is still to compute."""
    return [dict(zip(columns, values, strict=True)) for values in product(*columns.values())]


def run_experiment(name, run, settings):
    """Compute the rows of `settings` that are not stored yet, two at a time, and store each as soon as it is there.

    Args:
        name: of the stored file.
        run: a function at the top level of its file: run(**setting) gives a dict of results.
        settings: a list of dicts, such as `grid` makes.

    Stops with a sentence if the stored rows were made with other versions, for a table states one set of them.
    From the command line `--again` computes everything anew, and `--processes 1` one row at a time.
    """
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--again", action="store_true", help="compute the stored rows anew as well")
    parser.add_argument("--processes", type=int, default=2, help="rows computed at the same time (default: 2)")
    given = parser.parse_args()
    path = _path(name)
    stored = _read(path) if path.exists() and not given.again else {"made_with": _versions(), "rows": []}
    if stored["made_with"] != _versions():  # one table, one set of versions
        raise SystemExit(f"{path.name} was made with other versions than are here: compute all of it with --again.")
    rows = stored["rows"]
    done = {
        _key(setting, setting): row
        for setting in settings
        for row in rows
        if _key(row, setting) == _key(setting, setting)
    }
    missing = [setting for setting in settings if _key(setting, setting) not in done]
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        futures = {pool.submit(partial(run, **setting)): setting for setting in missing}
        for future in tqdm(as_completed(futures), total=len(missing), desc=name):
            setting = futures[future]
            done[_key(setting, setting)] = {**setting, **future.result()}
            _write(path, [done[key] for setting in settings if (key := _key(setting, setting)) in done])


def store_rows(name, rows):
    """Store a table that something else has computed as a whole, such as a benchmark whose rows take turns."""
    _write(_path(name), rows)


def _path(name):
    return STORED / f"{name}.json"


def _key(row, setting):
    """What was set in a row, as something that can be looked up."""
    return tuple((column, row.get(column)) for column in setting)


def _one_thread():
    import torch

    torch.set_num_threads(1)  # two rows at a time, so that neither waits for the other's threads


def _read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _versions():
    return {"python": platform.python_version(), **{package: version(package) for package in MADE_WITH}}


def _write(path, rows):
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)  # a row a line: diffs can be read
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'{{\n "made_with": {json.dumps(_versions())},\n "rows": [\n{lines}\n ]\n}}\n', encoding="utf-8")
