"""The course on the newest packages that the ranges in pyproject.toml admit, in an environment that is thrown away."""

import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

import course
from upkeep.cannot_run import CannotRun
from upkeep.notebooks import run_notebooks
from upkeep.step import UNIT_TESTS, print_header, run_step


def newest_packages(name):
    """Install the newest packages, then run the tests and the notebooks with them."""
    print_header(f"{name}: installation")
    with tempfile.TemporaryDirectory() as folder:
        python = install_newest(Path(folder))
        return [
            run_step(f"{name}: unit tests", UNIT_TESTS, python),
            run_notebooks(f"{name}: notebooks", python=python),
        ]


def install_newest(folder):
    """Make an environment of the newest packages in `folder`; return its Python.

    Raises:
        CannotRun: they cannot be had here.
    """
    course.run_installer([sys.executable, "-m", "venv", str(folder)])
    places = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
    python = Path(places["scripts"], course.PYTHON.name)
    Path(places["purelib"], "course.pth").write_text(f"{course.ROOT}\n", encoding="utf-8")
    pip_install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--only-binary=:all:"]
    wanted = ranges()
    try:
        if course.fitting_build() == "cpu":
            torch = [requirement for requirement in wanted if requirement.startswith("torch")]
            course.run_installer([*pip_install, "--retries=1", "--index-url", course.CPU_INDEX, *torch])
        course.run_installer([*pip_install, *wanted])
    except course.NotOfferedError as error:
        raise CannotRun("the newest packages could not be had, for the reason above") from error
    return python


def ranges():
    """Return the requirements of pyproject.toml, those of the tests included."""
    project = tomllib.loads((course.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["test"]]
