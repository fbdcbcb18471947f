"""Rows are computed once, stored as they come, and found again by what was set."""

import json

import pytest

from experiments import record


@pytest.fixture
def stored(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "STORED", tmp_path)
    monkeypatch.setattr("sys.argv", ["experiment"])
    return tmp_path / "square.json"


def square(size, seed):
    """Square a number."""
    return {"result": size**2 + seed}


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
    stored.write_text(json.dumps({"made_with": {}, "rows": [{"size": 2, "seed": 0, "result": "kept"}]}))
    record.run_experiment("square", square, SETTINGS)
    assert [row["result"] for row in record.stored_rows("square")] == ["kept", 5, 9, 10]
    monkeypatch.setattr("sys.argv", ["experiment", "--again"])
    record.run_experiment("square", square, SETTINGS)
    assert [row["result"] for row in record.stored_rows("square")] == [4, 5, 9, 10]


def test_nothing_stored_is_said(stored):
    with pytest.raises(FileNotFoundError):
        record.stored_rows("square")
