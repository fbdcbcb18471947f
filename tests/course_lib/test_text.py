"""The text of Shakespeare: read as it is written, and told where it cannot be had."""

import hashlib
import os
from dataclasses import replace

import pytest

from course_lib.data import text
from course_lib.data.download import DataUnavailable, data_folder
from course_lib.data.text import SHAKESPEARE, load_shakespeare


def test_a_text_in_the_data_folder_is_read(tmp_path, monkeypatch, capsys):
    content = "Où va-t-il?\nTo be, or not to be — 是\n"
    (tmp_path / SHAKESPEARE.name).write_bytes(content.encode())
    digest = hashlib.sha256(content.encode()).hexdigest()
    monkeypatch.setattr(text, "SHAKESPEARE", replace(SHAKESPEARE, digest=digest))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert load_shakespeare() == content
    assert capsys.readouterr() == ("", "")


def test_without_text_and_network(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match=r"tinyshakespeare\.txt is not there, and COURSE_OFFLINE is set"):
        load_shakespeare()


@pytest.mark.skipif(
    not os.environ.get("COURSE_DATA") or not (data_folder() / SHAKESPEARE.name).exists(),
    reason="COURSE_DATA names no folder with the text",
)
def test_the_text_itself(monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    shakespeare = load_shakespeare()
    assert shakespeare.startswith("First Citizen:\nBefore we proceed any further, hear me speak.\n")
    assert len(shakespeare) == SHAKESPEARE.size == 1_115_394
    assert len(set(shakespeare)) == 65
