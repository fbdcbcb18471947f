"""Rows are computed once, stored as they come, and found again by what was set."""

import json

import pytest
import torch

from experiments import record


@pytest.fixture
def stored(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "STORED", tmp_path)
    monkeypatch.setattr("sys.argv", ["experiment"])
    return tmp_path / "square.json"


def square(size, seed):
    """Square a number."""
    return {"result": size**2 + seed}


def threads_unless_three(size, seed):
    """Tell how many threads a row may use, but fail at size 3."""
    if size == 3:
        raise ValueError("no row of size 3")
    return {"threads": torch.get_num_threads()}


SETTINGS = record.grid(size=[2, 3], seed=[0, 1])


def test_grid_is_every_combination():
    assert SETTINGS == [
        {"size": 2, "seed": 0},
        {"size": 2, "seed": 1},
        {"size": 3, "seed": 0},
        {"size": 3, "seed": 1},
    ]


def test_rows_are_stored_in_the_order_of_the_settings_and_found_by_their_columns(stored):
    record.run_experiment("square", square, SETTINGS)
    assert [row["result"] for row in record.stored_rows("square")] == [4, 5, 9, 10]
    assert record.stored_rows("square", size=3, seed=1) == [{"size": 3, "seed": 1, "result": 10}]
    assert json.loads(stored.read_text())["made_with"]["torch"]


def test_what_is_stored_is_not_computed_again(stored, monkeypatch):
    stored.write_text(json.dumps({"made_with": record._versions(), "rows": [{"size": 2, "seed": 0, "result": "kept"}]}))
    record.run_experiment("square", square, SETTINGS)
    assert [row["result"] for row in record.stored_rows("square")] == ["kept", 5, 9, 10]
    monkeypatch.setattr("sys.argv", ["experiment", "--again"])
    record.run_experiment("square", square, SETTINGS)
    assert [row["result"] for row in record.stored_rows("square")] == [4, 5, 9, 10]


def test_rows_of_other_versions_are_not_mixed_with_new_ones(stored):
    old = json.dumps({"made_with": {"torch": "1.0"}, "rows": [{"size": 2, "seed": 0, "result": "old"}]})
    stored.write_text(old)
    with pytest.raises(SystemExit, match="other versions than are here: compute all of it with --again"):
        record.run_experiment("square", square, SETTINGS)
    assert stored.read_text() == old


def test_nothing_stored_is_said(stored):
    with pytest.raises(FileNotFoundError):
        record.stored_rows("square")


def test_a_row_that_fails_leaves_the_others_stored(stored, monkeypatch):
    monkeypatch.setattr("sys.argv", ["experiment", "--processes", "1"])
    with pytest.raises(ValueError, match="no row of size 3"):
        record.run_experiment("square", threads_unless_three, SETTINGS)
    assert record.stored_rows("square") == [{**setting, "threads": 1} for setting in SETTINGS[:2]]


def test_rows_that_are_no_longer_asked_for_go(stored):
    # Nothing is computed for size 3, which would fail: it is stored, and so are rows that the settings have not.
    rows = [{"size": size, "seed": 0, "result": size} for size in (9, 3, 2)]
    stored.write_text(json.dumps({"made_with": record._versions(), "rows": rows}))
    record.run_experiment("square", threads_unless_three, [SETTINGS[0], SETTINGS[2], SETTINGS[1]])
    assert [(row["size"], row["seed"]) for row in record.stored_rows("square")] == [(2, 0), (3, 0), (2, 1)]
    assert "threads" in record.stored_rows("square", size=2, seed=1)[0]


def test_a_table_made_elsewhere_is_stored_as_it_is(stored):
    rows = [{"kind": "lengths", "name": "größer", "peak_mb": 0.1}, {"kind": "generation", "ratio": None}]
    record.store_rows("square", rows)
    assert record.stored_rows("square") == rows
    assert record.stored_rows("square", kind="lengths", peak_mb=0.1) == rows[:1]
    assert "größer" in stored.read_text(encoding="utf-8")
    assert len(stored.read_text(encoding="utf-8").splitlines()) == len(rows) + 5  # a row a line
