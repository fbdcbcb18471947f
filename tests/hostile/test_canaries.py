"""The harness itself: what an attack may do where nothing holds it is seen by the canary that waits for it."""

import subprocess
import sys

import numpy as np
import psutil
import pytest
from attack import HONEST, SCALED, TOOLS, VARIANCE, attack, attempting, dedented
from batch import wrong_grades
from canaries import Canaries

pytestmark = [
    pytest.mark.xdist_group("hostile"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the canaries are made for Linux"),
]


@pytest.fixture(scope="module")
def canaries():
    with Canaries() as canaries:
        yield canaries


def unheld(attack, canaries, number=0):
    """Run an attack's first answer in a plain child; return all that it said, as a report would quote it."""
    names = "\n".join(f"{name} = {value!r}" for name, value in canaries.names(number).items())
    task = SCALED if SCALED in attack.answers else next(iter(attack.answers))
    call = f"""
import numpy
try:
    print({task.partition(".")[2]}(numpy.ones((1, 2)), numpy.ones((1, 2))))
except BaseException as error:
    print(type(error).__name__, error)
"""
    source = "\n".join((names, TOOLS, attack.above, attack.answers[task], call))
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, encoding="utf-8", check=False)
    return done.stdout


@pytest.mark.parametrize(
    ("expression", "effect"),
    [
        ("open(SECRET).read()", "the secret file was read"),
        ("open(CLASSMATE).read()", "a classmate's file was read"),
        ("open(GRADEBOOK, 'rb').read().decode('latin-1')[-200:]", "the gradebook's file was read"),
        ("os.environ.get('CANARY')", "the environment was read"),
        ("written(CLASSMATE, '{}')", "class/ann.ipynb is not as it was"),
        ("done(os.chmod, CLASSMATE, 0)", "class/ann.ipynb is not as it was"),
        ("done(os.utime, REPORT, (0, 0))", "class/report.json is not as it was"),
        ("done(os.unlink, GRADEBOOK)", "class/gradebook.sqlite is not as it was"),
        ("done(os.rename, CLASSMATE, CLASSMATE + '.old')", "class/ann.ipynb.old is not as it was"),
        ("done(os.symlink, SECRET, MARKER)", "was made"),
        ("written(MARKER)", "was made"),
        ("written('/dev/shm/' + NOTE)", "was made"),
        ("written(__import__('tempfile').gettempdir() + '/' + NOTE)", "was made"),
        ("done(__import__('socket').create_connection, (HOST, TCP), 5)", "TCP was reached"),
        ("__import__('socket').socket(2, 2).sendto(b'x', (HOST, UDP))", "UDP was reached"),
        ("done(__import__('socket').socket(1, 1).connect, UNIX)", "the Unix socket was reached"),
        ("__import__('socket').socket(1, 2).sendto(b'x', DATAGRAMS)", "the Unix mailbox was reached"),
        ("done(__import__('socket').socket(1, 1).connect, chr(0) + ABSTRACT)", "the abstract socket was reached"),
        ("os.getpid()", "it says that it won"),
        ("system_call('kill', os.getppid(), 0)", "it says that it won"),
    ],
)
def test_what_an_attack_reaches_is_seen(canaries, expression, effect):
    said = unheld(attempting("x", expression), canaries)
    assert any(effect in seen for seen in canaries.seen(said))
    assert canaries.seen() == []  # all is as it was, for the next one


def test_what_reaches_nothing_is_not_accused(canaries):
    for number, body in enumerate(("return query", "raise ValueError(SECRET)", "won", "attempt(lambda: 1 / 0)")):
        assert canaries.seen(unheld(attack("x", body), canaries, number)) == []


def test_memory_that_is_read_or_changed_is_seen(canaries):
    assert canaries.seen(canaries.memory.value.decode()) == ["the memory was read"]
    canaries.memory.value = b"0" * len(canaries.memory.value)
    assert canaries.seen() == ["the memory was changed"]
    assert canaries.seen() == []


def test_a_process_that_stays_is_seen_and_ended(canaries, monkeypatch):
    ours = psutil.Process().children(recursive=True)  # other tests of this process have servers of their own
    monkeypatch.setattr("canaries.PATIENCE", 1)
    leaving = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True, stdout=-3, stderr=-3)"
    unheld(attack("x", leaving), canaries)
    assert any("sleep 1000" in name for name in canaries.left_over(ours))
    monkeypatch.undo()
    assert canaries.left_over(ours) == []


def test_the_text_that_tells_a_win_is_in_no_source(canaries):
    notebook = attempting("x", "1").notebook(canaries.names(0)).decode()
    assert canaries.seen(notebook) == []


# Grades ---------------------------------------------------------------------------------------------------------------


def report(scaled, variance, flags=(), problem=""):
    results = [(SCALED, scaled, list(flags)), (VARIANCE, variance, []), ("02.head_scores", 0, [])]
    results = [{"id": name, "points": points, "message": "", "flags": said} for name, points, said in results]
    return {"error": "", "report": {"problem": problem, "results": results}}


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        (report(0, 5), 0),
        (report(5, 5), 1),
        (report(1, 5), 1),
        (report(0, 4), 1),
        (report(5, 0), 2),
        (report(0, 5, problem="no notebook"), 1),
        ({"error": "Traceback", "report": {}}, 1),
    ],
)
def test_a_wrong_grade_is_told(seen, wrong):
    assert len(wrong_grades(attack("x", "return 1"), seen)) == wrong


def test_points_that_the_instructor_is_told_of_may_stay():
    may = attack("x", "return 1", may_be_flagged=True)
    assert wrong_grades(may, report(5, 5, flags=["It may call the finished function."])) == []
    assert len(wrong_grades(may, report(5, 5))) == 1
    assert len(wrong_grades(attack("x", "return 1"), report(5, 5, flags=["It may."]))) == 1


def test_points_for_what_nobody_answered_are_told():
    seen = report(0, 5)
    seen["report"]["results"][-1]["points"] = 7
    assert len(wrong_grades(attack("x", "return 1"), seen)) == 1


def test_honest_answers_are_what_they_say():
    """They are the measure of the batch, so they are run here by hand."""
    names = {}
    exec("\n".join(dedented(HONEST[task]) for task in (SCALED, VARIANCE)), names)
    query, key = np.array([[1.0, 2, 3, 4]]), np.array([[1.0, 0, 0, 1], [0, 2.0, 0, 0]])
    np.testing.assert_array_equal(names["scaled_scores"](query, key), [[2.5, 2.0]])
    np.testing.assert_array_equal(names["unit_variance_scores"](query, key, np.ones(4), np.ones(4)), [[2.5, 2.0]])
