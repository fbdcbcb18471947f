"""The script that makes the model of lesson 00: a training of a few steps, and what it does with the result."""

import pytest

from authoring import date_reader as script
from course_lib import date_reader
from course_lib.training import Plan


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """Let the script write beside a copy of the source, not into the course."""
    source = tmp_path / "date_reader.py"
    source.write_text('FILE = 1\nDIGEST = "0123"  # SHA-256\nMORE = "DIGEST"\n', encoding="utf-8")
    monkeypatch.setattr(date_reader, "FILE", tmp_path / "date_reader.npz")
    monkeypatch.setattr(date_reader, "__file__", str(source))
    monkeypatch.setattr(script, "PLAN", Plan(steps=3, warmup=1))
    made = script.trained(seed=1, plan=script.PLAN, examples=200)
    monkeypatch.setattr(script, "trained", lambda seed: made)
    return source


def test_one_that_reads_well_is_stored_with_its_hash(beside, monkeypatch, capsys):
    monkeypatch.setattr(script, "measured", lambda reader: 0.995)
    assert script.make(seed=1) == 0
    (line,) = [line for line in beside.read_text(encoding="utf-8").splitlines() if line.startswith("DIGEST")]
    digest = line.split('"')[1]
    assert digest in capsys.readouterr().out
    assert line == f'DIGEST = "{digest}"  # SHA-256'
    assert date_reader.read_file(date_reader.FILE, digest).longest <= 38
    assert sorted(path.name for path in beside.parent.iterdir()) == ["date_reader.npz", "date_reader.py"]


@pytest.mark.parametrize(("share", "dry", "status"), [(0.98, False, 1), (0.995, True, 0)])
def test_a_bad_one_and_a_dry_run_leave_everything_as_it_is(beside, monkeypatch, capsys, share, dry, status):
    monkeypatch.setattr(script, "measured", lambda reader: share)
    before = beside.read_text(encoding="utf-8")
    assert script.make(seed=1, dry=dry) == status
    assert beside.read_text(encoding="utf-8") == before
    assert [path.name for path in beside.parent.iterdir()] == ["date_reader.py"]
    assert ("nothing was stored" in capsys.readouterr().err) == (status == 1)
