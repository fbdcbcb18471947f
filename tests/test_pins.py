"""requirements.txt: every pin runs on every Python that is promised, down to the third number."""

import importlib.metadata
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import course

ROOT = Path(__file__).parents[1]
PINS = [
    Requirement(line)
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PATCHES = range(40)  # more than a Python ever had

# This Python's own fault: its dataclasses fail where networkx defines one. course.py says so in a sentence.
BROKEN = {"networkx": "3.14.1"}


def promised():
    """Every Python from the oldest to the newest that is promised, as a string."""
    newest = course.NEWEST_PYTHON[1]
    return [f"3.{minor}.{patch}" for minor in range(11, newest + 1) for patch in PATCHES]


def refused(name, wish):
    """The promised Pythons that a package refuses by its Requires-Python."""
    accepted = SpecifierSet(wish or "")
    return [python for python in promised() if not accepted.contains(python) and BROKEN.get(name) != python]


@pytest.mark.parametrize("pin", PINS, ids=str)
def test_a_pin_refuses_no_promised_python(pin):
    try:
        package = importlib.metadata.distribution(pin.name)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{pin.name} is for another system")
    if not pin.specifier.contains(package.version, prereleases=True):
        pytest.skip(f"{pin.name} is here in version {package.version}, which is not the pinned one")
    wish = package.metadata.get("Requires-Python")
    pythons = refused(pin.name, wish)
    assert pythons == [], f"{pin} asks for Python {wish} and so refuses {pythons[0]} to {pythons[-1]}"


def test_a_refusal_by_the_third_number_is_seen():
    assert refused("soup", ">=3.11.5") == [f"3.11.{patch}" for patch in range(5)]
    assert refused("soup", ">=3.9,<3.14") == [f"3.14.{patch}" for patch in PATCHES]
    assert refused("soup", None) == refused("networkx", "!=3.14.1,>=3.11") == []


def test_every_pin_is_exact():
    assert [str(pin) for pin in PINS if [clause.operator for clause in pin.specifier] != ["=="]] == []


def test_all_that_promise_a_python_promise_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
    assert "Python 3.11 or later" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "This course needs Python 3.11 or later" in (ROOT / "course.py").read_text(encoding="utf-8")
    assert promised()[0] == "3.11.0"
