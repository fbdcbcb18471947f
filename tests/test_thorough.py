"""Tests that only `course.py test --all` runs: each says why, and there are some."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def marks():
    """Every use of the marker `thorough` in tests/, as source."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "thorough":
                yield f"{path.relative_to(ROOT)}:{node.lineno}", calls.get(id(node))


def test_every_thorough_test_says_why_it_is_one():
    found = dict(marks())
    assert found
    reasons = {place: ast.unparse(call.args[0]) if call and call.args else "" for place, call in found.items()}
    assert [place for place, reason in reasons.items() if len(reason.split()) < 3] == []


def test_a_thorough_test_runs_only_when_it_is_asked_for(tmp_path):
    (tmp_path / "test_sample.py").write_text(
        "import pytest\n"
        "@pytest.mark.thorough('takes an hour or more')\n"
        "def test_long(): print('an hour')\n"
        "def test_short(): print('a moment')\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "-s"]
    command += ["--rootdir", str(tmp_path), str(tmp_path / "test_sample.py")]
    said = [
        subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, encoding="utf-8").stdout
        for options in ([], ["-m", "thorough"])
    ]
    assert ["an hour" in text for text in said] == [False, True]
    assert ["a moment" in text for text in said] == [True, False]
