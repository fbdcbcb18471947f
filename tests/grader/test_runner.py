"""The child process: what it is given, what it gives back, and what ends it."""

import os
import sys
import textwrap

import numpy as np
import pytest

from grader.reply import Reply, from_bytes, to_bytes
from grader.runner import Crashed, Limits, TimedOut, run_program
from grader.submission import Program

TABLE = np.arange(6.0).reshape(2, 3)
OTHER = np.arange(20.0, dtype=np.float32).reshape(4, 5)
CASES = [{"table": TABLE, "factor": 3}, {"table": OTHER, "factor": 2}]
QUICK = Limits(seconds=1.5, memory=512 * 2**20)


def run(body, *definitions, cases=CASES, **options):
    source = "import numpy as np\ndef f(table, factor):\n" + textwrap.indent(textwrap.dedent(body), "    ")
    return run_program(Program("f", definitions, source), cases, **{"limits": QUICK} | options)


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
        "if len(table) == 2: return 1 / (factor - 3)",
    )
    np.testing.assert_array_equal(replies[1].value, OTHER)


def test_a_loop_without_end_is_stopped_and_keeps_what_came_before():
    replies = run("while len(table) == 4: print('x' * 10_000)\nreturn table")
    assert replies[0].status == "returned"
    assert replies[1] == TimedOut(1.5)


def test_a_process_that_ends_itself_is_told_apart():
    replies = run("import os\nos._exit(7)")
    assert replies == [Crashed("the process ended by itself with exit code 7"), None]


@pytest.mark.skipif(os.name != "posix", reason="signals end processes on POSIX systems only")
def test_a_signal_is_named():
    replies = run("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert replies[0] == Crashed("the process was ended by SIGSEGV")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="real-time signals are Linux's")
def test_a_signal_without_a_name_is_told():
    replies = run("import os\nos.kill(os.getpid(), 35)")
    assert replies[0] == Crashed("the process was ended by signal 35")


def test_an_answer_that_clears_its_folder_costs_itself_nothing():
    body = """
        import os, shutil
        for name in os.listdir():
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
        open("reply-000.npz", "w").close()
        return table
    """
    assert [reply.status for reply in run(body)] == ["returned", "returned"]


@pytest.mark.skipif(os.name != "posix", reason="such files are POSIX's")
def test_a_reply_that_is_no_file_is_not_waited_for():
    body = """
        import os
        os.mkfifo("../reply-000.npz")
        while True: pass
    """
    assert run(body)[0] == Crashed("its reply is no file of ours")


def test_sys_exit_is_an_exception_like_others():
    assert run("import sys\nsys.exit()")[0].error == "SystemExit"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux holds a process to a limit on memory")
def test_too_much_memory_is_a_memory_error():
    replies = run("return np.ones(2**27)")
    assert replies[0].error == "MemoryError"


def test_a_result_too_large_is_not_sent():
    assert run("return np.ones(2**23)", limits=Limits(seconds=5))[0].value is None


def test_the_judge_cannot_be_imported():
    reply = run("from grader import catalogue\nreturn table")[0]
    assert (reply.status, reply.error) == ("raised", "ImportError")
    assert run("import grader.compare\nreturn table")[0].status == "raised"


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
    assert run_program(Program("f", (), source), CASES, limits=QUICK)[0].status == "returned"


def test_an_exit_beside_the_function_does_not_matter():
    source = "def f(table, factor):\n    return table\nimport sys\nsys.exit()"
    replies = run_program(Program("f", ("import sys\nx = sys.exit()",), source), CASES, limits=QUICK)
    assert replies[0].status == "returned"


def test_the_line_that_raised_may_stand_in_another_cell():
    reply = run("return helper(table)", "def helper(x):\n    return x / nothing")[0]
    assert (reply.error, reply.line) == ("NameError", "return x / nothing")


def test_the_line_that_raised_is_never_the_librarys():
    reply = run("import course_lib\nreturn course_lib.softmax(factor)")[0]
    assert (reply.error, reply.line) == ("TypeError", "return course_lib.softmax(factor)")


def test_a_library_that_the_answer_names_costs_it_neither_time_nor_memory():
    body = "import torch\nreturn torch.from_numpy(table)"
    assert run(body, limits=Limits(seconds=5, memory=2**26))[0].status == "returned"


def test_an_answer_cell_that_fails_before_its_function_says_where():
    source = "if undefined:\n    def f(table, factor):\n        return table"
    reply = run_program(Program("f", (), source), CASES, limits=QUICK)[0]
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
    reply = run("import torch\nreturn torch.from_numpy(table).requires_grad_() * 2", limits=Limits(seconds=60))[0]
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
    reply = run(body, "import torch", finished=(name,), limits=Limits(seconds=60), cases=CASES[:1])[0]
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
    reply = run(body, "import torch", finished=(name,), limits=Limits(seconds=60), cases=CASES[:1])[0]
    assert (name in reply.called) is noticed


def test_a_reply_survives_the_crossing():
    reply = Reply(
        "returned", value=np.eye(2, 3), kind="ndarray", dtype="float64", after={"x": np.arange(4)}, called=("a.b",)
    )
    back = from_bytes(to_bytes(reply))
    np.testing.assert_array_equal(back.value, reply.value)
    np.testing.assert_array_equal(back.after["x"], [0, 1, 2, 3])
    assert (back.status, back.kind, back.called) == ("returned", "ndarray", ("a.b",))


@pytest.mark.parametrize("data", [b"", b"not a zip", to_bytes(Reply("returned"))[:-30]])
def test_a_damaged_reply_is_an_error_of_one_kind(data):
    with pytest.raises(ValueError, match="not an archive of ours"):
        from_bytes(data)


def test_a_reply_that_lies_about_its_status_is_refused():
    with pytest.raises(ValueError, match="status 'right'"):
        from_bytes(to_bytes(Reply("right")))
