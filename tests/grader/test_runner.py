"""The child process: what it is given, what it gives back, and what ends it."""

import contextlib
import functools
import os
import sys
import textwrap
import time

import numpy as np
import psutil
import pytest

from grader.advice import told
from grader.call import Terms
from grader.program import Program
from grader.reply import Crashed, TimedOut
from grader.runner import DEFAULT_LIMITS, Limits, Runner

TABLE = np.arange(6.0).reshape(2, 3)
OTHER = np.arange(20.0, dtype=np.float32).reshape(4, 5)
PLAIN = ()  # layers of a jail: none
CASES = [{"table": TABLE, "factor": 3}, {"table": OTHER, "factor": 2}]
LITTLE_MEMORY = Limits(memory=512 * 2**20)
A_SECOND = Limits(seconds=1, patience=600)  # of computing; by the clock as long as it takes on a busy machine
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux holds a process to this limit")

RUNNERS = contextlib.ExitStack()


def program(body, *statements):
    source = "import numpy as np\ndef f(table, factor):\n" + textwrap.indent(textwrap.dedent(body), "    ")
    return Program("f", statements, source)


@functools.cache
def runner_of(own, hidden, limits, layers=None):
    return RUNNERS.enter_context(Runner(own=own, hidden=hidden, limits=limits, layers=layers, trust=True))


@pytest.fixture(scope="module", autouse=True)
def _ends_the_runners():
    with RUNNERS:
        yield


def run_program(program, cases_inputs, terms, *, hidden=(), limits=DEFAULT_LIMITS, layers=None):
    """Return what comes back for each case of a program in a child of its own."""
    with runner_of(terms.own, hidden, limits, layers).run(program, terms) as child:
        return [child(inputs, 2**20) for inputs in cases_inputs]


def run(body, *statements, cases=CASES, library="numpy", finished=(), own=(), **options):
    return run_program(program(body, *statements), cases, Terms(library, finished, own), **options)


def test_arrays_and_numbers_go_in_and_arrays_come_out():
    replies = run("return factor * table.sum(axis=-1)")
    np.testing.assert_array_equal(replies[0].value, [9.0, 36.0])
    np.testing.assert_array_equal(replies[1].value, [20.0, 70.0, 120.0, 170.0])
    assert [reply.dtype for reply in replies] == ["float64", "float32"]


def test_each_case_has_its_own_outcome():
    replies = run("if len(table) == 2: return 1 / (factor - 3)\nreturn table")
    assert (replies[0].status, replies[0].error, replies[0].line) == (
        "raised",
        "ZeroDivisionError",
        "1 / (factor - 3)",
    )
    np.testing.assert_array_equal(replies[1].value, OTHER)


def test_a_loop_without_end_is_stopped_and_keeps_what_came_before():
    replies = run("while len(table) == 4: print('x' * 10_000)\nreturn table", limits=A_SECOND)
    assert replies[0].status == "returned"
    assert replies[1] == TimedOut(1)


def test_computing_is_counted_and_waiting_is_not():
    replies = run("import time\ntime.sleep(1.5)\nreturn table", limits=A_SECOND)
    assert [reply.status for reply in replies] == ["returned", "returned"]


def test_each_case_has_its_own_time():
    body = """
        import time
        began = time.process_time()
        while time.process_time() < began + 0.7: pass
        return table
    """
    assert [reply.status for reply in run(body, cases=CASES * 2, limits=A_SECOND)] == ["returned"] * 4


def test_what_waits_forever_is_stopped_in_the_end():
    replies = run("import time\ntime.sleep(10**6)", limits=Limits(seconds=10, patience=0.2))
    assert replies == [TimedOut(2.0, waiting=True), None]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel is asked what a child does, in a jail")
def test_what_sleeps_at_every_look_is_stopped_much_earlier():
    replies = run("import time\ntime.sleep(10**6)", limits=Limits(seconds=10, patience=10**6, sleep=0.5))
    assert replies == [TimedOut(0.5, waiting=True), None]


def test_a_thread_that_computes_while_the_answer_waits_for_it_is_no_sleep():
    body = """
        import threading
        thread = threading.Thread(target=lambda: sum(range(3 * 10**7)))
        thread.start()
        thread.join()
        return table
    """
    replies = run(body, limits=Limits(seconds=60, sleep=0.2))
    assert [reply.status for reply in replies] == ["returned", "returned"]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a process has no group to be ended with")
def test_nothing_that_the_answer_started_outlives_it():
    body = """
        import subprocess, sys
        started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(10**6)"])
        return np.array(started.pid)
    """
    number = int(run(body, cases=CASES[:1], layers=PLAIN)[0].value)
    for _ in range(600):  # a process that was killed may take a moment to be gone, where the machine has other work
        if is_gone(number):
            break
        time.sleep(0.1)
    assert is_gone(number)


def is_gone(number):
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_left_behind_does_not_keep_the_judge_waiting():
    body = """
        import os, time
        if os.fork() == 0:
            time.sleep(10**6)
        os._exit(7)
    """
    assert run(body, layers=PLAIN)[0] == Crashed("the process ended by itself with exit code 7")


def test_a_child_answers_as_often_as_it_is_asked_and_keeps_its_state():
    counting = program("COUNT.append(1)\nreturn table * len(COUNT)", "COUNT = []")
    with runner_of((), (), DEFAULT_LIMITS).run(counting, Terms()) as child:
        for number in range(1, 6):
            table = np.full((number, 2), 1.0)
            np.testing.assert_array_equal(child({"table": table, "factor": None}, 1000).value, table * number)


def test_a_reply_that_is_not_ours_ends_the_answer():
    """Whoever finds the line to the judge may write what they like: it is refused, and nothing is waited for."""
    body = """
        import os
        for number in range(3, 30):
            try:
                os.write(number, b"x" * 64)
            except OSError:
                pass
        os._exit(0)
    """
    reply = run(body)[0]
    assert isinstance(reply, Crashed)
    assert reply.reason.startswith(("its reply was not one of ours: a text of", "the process ended"))


def test_a_process_that_ends_itself_is_told_apart():
    replies = run("import os\nos._exit(7)")
    assert replies == [Crashed("the process ended by itself with exit code 7"), None]


@pytest.mark.skipif(os.name != "posix", reason="signals end processes on POSIX systems only")
def test_a_signal_is_named():
    replies = run("import ctypes\nctypes.string_at(0)")
    assert replies[0] == Crashed("the process was ended by SIGSEGV")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="real-time signals are Linux's")
def test_a_signal_without_a_name_is_told():
    replies = run("import os\nos.kill(os.getpid(), 35)", layers=PLAIN)
    assert replies[0] == Crashed("the process was ended by signal 35")


def test_an_answer_that_clears_its_folder_costs_itself_nothing():
    body = """
        import os, shutil
        for name in os.listdir():
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
        return table
    """
    assert [reply.status for reply in run(body, layers=PLAIN)] == ["returned", "returned"]


def test_sys_exit_is_an_exception_like_others():
    assert run("import sys\nsys.exit()")[0].error == "SystemExit"


@ON_LINUX
def test_too_much_memory_is_a_memory_error():
    replies = run("return np.ones(2**27)", limits=LITTLE_MEMORY)
    assert replies[0].error == "MemoryError"


@ON_LINUX
@pytest.mark.parametrize("way", ["import torch", "from course_lib import evaluation"])
def test_a_library_that_the_answer_names_costs_none_of_its_memory(way):
    """PyTorch comes by way of `evaluation`, too, and is there before the limit is set."""
    body = f"{way}\nimport sys\nreturn sys.modules['tor' + 'ch'].from_numpy(table) * 2"
    replies = run(body, own=("course_lib",), limits=Limits(memory=64 * 2**20))
    np.testing.assert_array_equal(replies[0].value, TABLE * 2)


@ON_LINUX
@pytest.mark.parametrize("layers", [None, PLAIN], ids=["jailed", "plain"])
def test_no_file_is_written(layers):
    body = """
        with open("large", "wb") as file:
            file.write(bytes(1))
        return table
    """
    assert run(body, layers=layers)[0].error in ("OSError", "PermissionError")


def test_an_answer_may_draw_what_it_computes():
    body = (
        "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\naxes.plot(table)\nplt.show()\nreturn table * 2"
    )
    np.testing.assert_array_equal(run(body)[0].value, TABLE * 2)


def test_a_result_too_large_is_told_by_its_shape():
    reply = run("return np.ones((3, 2**20))")[0]
    assert (reply.value, reply.shape, reply.dtype) == (None, (3, 2**20), "float64")


def test_an_input_that_was_blown_up_is_not_sent_back():
    reply = run("table.resize((2**10, 2**10), refcheck=False)\nreturn np.ones(2)")[0]
    assert (reply.status, reply.after) == ("returned", {"table": None})


def test_the_judge_cannot_be_imported():
    for module in ("grader", "grader.compare", "pantry", "pantry.shelf"):
        reply = run(f"import {module}\nreturn table", hidden=("grader", "pantry"))[0]
        assert (reply.status, reply.error) == ("raised", "ImportError")
        assert "is not available while an answer is judged" in reply.message


def test_the_answer_starts_in_a_place_of_its_own_and_sees_no_secrets(monkeypatch):
    monkeypatch.setenv("COURSE_SECRET", "42")
    body = """
        import os
        return np.array(["COURSE_SECRET" in os.environ, os.path.samefile(os.getcwd(), os.environ["HOME"])])
    """
    assert run(body)[0].value.tolist() == [False, True]


def test_the_inputs_come_back_as_the_answer_left_them():
    reply = run("table += 1\nreturn table * 0")[0]
    np.testing.assert_array_equal(reply.after["table"], TABLE + 1)
    np.testing.assert_array_equal(CASES[0]["table"], np.arange(6.0).reshape(2, 3))


def test_definitions_run_one_by_one_and_may_fail():
    replies = run("return table + ONE", "import no_such_library", "ONE = 1", "TWO = undefined")
    np.testing.assert_array_equal(replies[0].value, TABLE + 1)


def test_a_stray_line_in_the_answer_cell_does_not_matter():
    source = "print(undefined)\ndef f(table, factor):\n    return table\ncheck('00.row_sums', f)\nf(undefined, 2)"
    assert run_program(Program("f", (), source), CASES, Terms())[0].status == "returned"


def test_an_exit_beside_the_function_does_not_matter():
    source = "def f(table, factor):\n    return table\nimport sys\nsys.exit()"
    replies = run_program(Program("f", ("import sys\nx = sys.exit()",), source), CASES, Terms())
    assert replies[0].status == "returned"


def test_the_line_that_raised_may_stand_in_another_cell():
    reply = run("return helper(table)", "def helper(x):\n    return x / nothing")[0]
    assert (reply.error, reply.line) == ("NameError", "return x / nothing")


def test_the_line_that_raised_is_never_the_librarys():
    reply = run("import course_lib\nreturn course_lib.softmax(factor)", own=("course_lib",))[0]
    assert (reply.error, reply.line) == ("TypeError", "course_lib.softmax(factor)")


def test_the_line_that_raised_is_the_answers_where_no_library_is_the_courses():
    reply = run("import course_lib\nreturn course_lib.softmax(factor)", layers=PLAIN)[0]
    assert "raise" in reply.line


@pytest.mark.parametrize("way", ["import torch", "from torch import nn", "import torch.nn as nn"])
def test_a_library_that_the_answer_names_is_loaded_before_its_time_begins(way):
    body = f"{way}\nimport time\nreturn np.array([time.process_time() - BEGAN, LOADED])"
    definition = "import time, sys\nBEGAN, LOADED = time.process_time(), 'torch' in sys.modules"
    assert run(body, definition)[0].value[1] == 1


def test_an_answer_cell_that_fails_before_its_function_says_where():
    source = "if undefined:\n    def f(table, factor):\n        return table"
    reply = run_program(Program("f", (), source), CASES, Terms())[0]
    assert (reply.status, reply.error, reply.line) == ("raised", "NameError", "if undefined:")


def test_warnings_are_no_errors():
    body = """
        import sys, warnings
        warnings.warn("careful")
        print("hello", file=sys.stderr)
        return np.log(table * 0)
    """
    replies = run(body)
    assert replies[0].status == "returned"


def test_tensors_come_back_as_arrays():
    reply = run("import torch\nreturn torch.from_numpy(table).requires_grad_() * 2")[0]
    np.testing.assert_array_equal(reply.value, TABLE * 2)
    assert reply.kind == "Tensor"


@pytest.mark.parametrize("name", ["course_lib.softmax", "torch.softmax", "torch.nn.functional.softmax"])
def test_finished_things_are_noticed_under_any_name(name):
    module, _, function = name.rpartition(".")
    body = f"""
        import importlib, torch
        mine = getattr(importlib.import_module("{module}"), "{function}")
        return mine(torch.from_numpy(table), -1)
    """
    reply = run(body, "import torch", finished=(name,), own=("course_lib",), cases=CASES[:1])[0]
    assert name in reply.called


@pytest.mark.parametrize(("called", "noticed"), [("clip_grad_norm_", True), ("clip_grad_value_", False)])
def test_a_decorated_function_is_not_taken_for_its_neighbor(called, noticed):
    body = f"""
        inside = torch.from_numpy(table).requires_grad_()
        inside.sum().backward()
        torch.nn.utils.{called}([inside], 0.5)
        return inside.grad
    """
    name = "torch.nn.utils.clip_grad_norm_"  # PyTorch puts one and the same wrapper around both
    reply = run(body, "import torch", finished=(name,), cases=CASES[:1])[0]
    assert (name in reply.called) is noticed


def test_a_file_that_is_not_there_for_the_grader_is_told_so():
    reply = run("return np.load('/etc/hostname')")[0]
    assert reply.error in ("PermissionError", "FileNotFoundError")
    assert told(reply).endswith("it works with what it is handed.")
