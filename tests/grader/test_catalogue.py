"""A catalogue is a folder: what is in it is found, what does not fit is said."""

import sys

import numpy as np
import pytest

from grader.catalogue import Catalogue, CatalogueError, load_catalogue

TASK = """
import numpy as np
from grader.task import Case, Mistake, Task

def {name}(x):
    return 2 * x

TASK = Task(id="{id}", title="t", difficulty=1, minutes=1, reference={name}, legal=(), hints=(), mistakes=(),
            draw=lambda rng, n: dict(x=rng.normal(size=n)), cases=(Case("one", dict(n=3)),))
"""
QUESTIONS = """
from grader.task import Choice, Question
QUESTIONS = (Question("01.why", "Why?", (Choice("a", "b", right=True),)),)
"""
PACKAGE = "from grader.catalogue import Catalogue\nCATALOGUE = Catalogue(__name__, seed=1)"


@pytest.fixture
def write_catalogue(tmp_path, monkeypatch):
    """Write a package of files by name, and forget it afterwards."""

    def write(name, **files):
        folder = tmp_path / name
        given = {"__init__": PACKAGE, "chapter_01/__init__": "TITLE = 'First'\nTASKS = ('twice',)", **files}
        for file, content in given.items():
            path = folder / f"{file}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return folder

    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    yield write
    for module in set(sys.modules) - known:
        del sys.modules[module]


def task(name, id):
    return TASK.format(name=name, id=id)


def test_a_folder_is_found_and_loaded(write_catalogue):
    files = {"chapter_01/twice": task("twice", "01.twice"), "chapter_01/questions": QUESTIONS, "notes": ""}
    folder = write_catalogue("larder_one", **files)
    catalogue = load_catalogue(folder)
    assert catalogue.numbers == ["01"]
    assert [(one.title, one.number) for one in catalogue.chapters] == [("First", "01")]
    np.testing.assert_array_equal(catalogue.task("01.twice").reference(np.ones(2)), [2.0, 2.0])
    assert catalogue.question("01.why").choices[0].right
    assert catalogue.hidden == ("grader", "larder_one")


def test_a_chapter_is_loaded_when_it_is_asked_for(write_catalogue):
    second = {"chapter_02/__init__": "raise RuntimeError('too early')"}
    folder = write_catalogue("larder_two", **{"chapter_01/twice": task("twice", "01.twice")}, **second)
    catalogue = load_catalogue(folder)
    assert catalogue.numbers == ["01", "02"]
    assert catalogue.task("01.twice").function == "twice"
    with pytest.raises(RuntimeError, match="too early"):
        catalogue.task("02.thrice")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "do not agree on twice"),
        ({"chapter_01/twice": "TASK", "chapter_01/thrice": ""}, "do not agree on thrice"),
        ({"chapter_01/twice": task("twice", "01.thrice")}, "holds the task '01.thrice'; expected 01.twice"),
        ({"chapter_01/twice": task("twice", "02.twice")}, "holds the task '02.twice'; expected 01.twice"),
    ],
)
def test_files_that_do_not_fit_are_told(write_catalogue, files, words):
    folder = write_catalogue(f"larder_{abs(hash(words))}", **files)
    with pytest.raises(CatalogueError, match=words):
        load_catalogue(folder).chapters  # noqa: B018 - to look is to load


def test_a_private_file_is_no_task(write_catalogue):
    files = {"chapter_01/twice": task("twice", "01.twice"), "chapter_01/_draws": ""}
    assert len(load_catalogue(write_catalogue("larder_three", **files)).chapters) == 1


def test_what_is_not_there_is_answered_with_the_nearest(write_catalogue):
    catalogue = load_catalogue(write_catalogue("larder_four", **{"chapter_01/twice": task("twice", "01.twice")}))
    for wanted in ("01.twise", "twice"):
        with pytest.raises(LookupError, match=r"there is no task .*Did you mean '01.twice'\?"):
            catalogue.task(wanted)
    with pytest.raises(LookupError, match=r"there is no chapter '07'\. There are 01"):
        catalogue.chapter("07")
    with pytest.raises(LookupError, match="there is no question"):
        catalogue.question(None)


def test_a_place_without_a_catalogue_is_told(tmp_path, write_catalogue):
    for place, words in (
        ("no_such_package", "there is no catalogue 'no_such_package'"),
        (tmp_path, "is no catalogue: a folder with an __init__.py"),
        (tmp_path / "gone", "is no catalogue"),
        ("json", "holds no CATALOGUE"),
    ):
        with pytest.raises(CatalogueError, match=words):
            load_catalogue(place)
    assert isinstance(load_catalogue("tasks"), Catalogue)


def test_an_error_inside_a_catalogue_is_not_taken_for_its_absence(write_catalogue):
    folder = write_catalogue("larder_five", __init__="import no_such_module_at_all")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        load_catalogue(folder)
