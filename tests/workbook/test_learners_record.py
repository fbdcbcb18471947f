"""The record: lines that are only ever added, by several notebooks at once, and that may be damaged or missing."""

import multiprocessing
import os

import pytest

from workbook import record
from workbook.folder import layout


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / layout.MARK).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_was_noted_comes_back_in_order(folder):
    record.note("guess", "01.a", said="é", right=True)
    record.note("check", "01.b", outcome="right")
    record.note("guess", "01.c", said=[1, 2], right=False)
    assert [event.get("guess") for event in record.events()] == ["01.a", None, "01.c"]
    assert [event["said"] for event in record.events("guess")] == ["é", [1, 2]]
    assert len(layout.record(folder).read_text(encoding="utf-8").splitlines()) == 3


def test_a_folder_inside_belongs_to_it(folder, monkeypatch):
    inside = folder / "notes"
    inside.mkdir()
    monkeypatch.chdir(inside)
    record.note("hint", "01.a", number=1)
    assert layout.record(folder).exists()


def test_after_a_reset_what_was_noted_before_is_past(folder):
    record.note("question", "01.why", chose="a")
    record.note("guess", "01.x", said="b")
    record.note("reset", "01", of="Exercise")
    assert record.since_reset("question", "01.why") == []
    assert len(record.since_reset("guess", "01.x")) == 1
    record.note("question", "01.why", chose="c")
    record.note("reset", "02", of="Exercise")
    record.note("reset", "01", of="Lesson")
    assert [event["chose"] for event in record.since_reset("question", "01.why")] == ["c"]
    assert record.since_reset("guess", "01.x") == []


def test_outside_a_learners_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record.note("guess", "01.a", right=True)
    assert record.events() == []
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_was_cut_off_spoils_no_other(folder):
    record.note("guess", "01.a")
    path = layout.record(folder)
    path.write_bytes(path.read_bytes() + b'{"at": "2026", "gue')
    record.note("guess", "01.b")
    assert [event["guess"] for event in record.events("guess")] == ["01.a", "01.b"]


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", b"[1, 2]\n", b"null\n3\n", b"\n\n", b'"guess"\n'])
def test_what_is_no_record_is_passed_over(folder, damage):
    layout.record(folder).write_bytes(damage)
    record.note("guess", "01.a")
    assert [event["guess"] for event in record.events("guess")] == ["01.a"]


def test_a_deleted_record_harms_nothing(folder):
    record.note("guess", "01.a")
    layout.record(folder).unlink()
    assert record.events() == []
    record.note("guess", "01.b")
    assert len(record.events()) == 1


def test_where_it_cannot_be_written_nothing_fails(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    record.note("guess", "01.a")
    assert record.events() == []


def note_many(name, folder):
    os.chdir(folder)
    for number in range(200):
        record.note("guess", f"{name}.{number}", said="x" * number)


def test_two_notebooks_at_once_lose_nothing(folder):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=note_many, args=(name, folder)) for name in ("01", "02")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(event["guess"] for event in record.events()) == sorted(
        f"{name}.{number}" for name in ("01", "02") for number in range(200)
    )
