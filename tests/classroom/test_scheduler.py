"""A class on a Dask cluster: the same grades to the bit, whatever becomes of the workers; refusals say why."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from classroom import batch, scheduler
from classroom.batch import Here, Job, RefusedError, grade_all
from classroom.scheduler import Cluster, SchedulerError
from grader.runner import DEFAULT_LIMITS
from jail.keeper import NoJailError
from made_class import RIGHT, WRONG, notebook

distributed = pytest.importorskip("distributed", reason="dask.distributed is an extra: pip install -e .[cluster]")
pytestmark = [
    pytest.mark.filterwarnings("default"),  # of Dask and tornado as their processes come and go
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers hold answers in a jail, which is Linux's"),
]


def jobs(place, count=8):
    """Return the submissions of a class, every third of them wrong."""
    answers = [WRONG if number % 3 == 0 else RIGHT for number in range(count)]
    return [
        Job(
            f"student {number}",
            "01",
            str(place),
            7,
            DEFAULT_LIMITS.seconds,
            DEFAULT_LIMITS.memory,
            notebooks=((f"{number}.ipynb", notebook((answer, "01.row_sums"), f"number = {number}"), {}),),
        )
        for number, answer in enumerate(answers)
    ]


def replies(pairs):
    return {job.student: reply for job, reply in pairs}


@pytest.fixture
def two_processes(sums, monkeypatch):
    """The address of a scheduler with two workers, each a process of its own."""
    root = os.path.dirname(os.path.dirname(batch.__file__))
    monkeypatch.setenv("PYTHONPATH", root)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def one_thread():
    """The address of a scheduler with a worker in this process."""
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None)
    with cluster:
        yield cluster.scheduler_address
    batch.close_judges()


def test_a_cluster_gives_the_same_grades_with_a_worker_killed_in_the_middle(sums, two_processes):
    here = replies(grade_all(jobs(sums), Here, 1))
    there, killed = {}, False
    with Cluster(two_processes, sums) as cluster:
        assert cluster.workers == 2
        for job, reply in grade_all(jobs(sums), cluster.start, cluster.workers, cluster.work()):
            there[job.student] = reply
            if not killed:
                workers = cluster._client.run(os.getpid)
                os.kill(next(iter(workers.values())), signal.SIGKILL)
                killed = True
    assert there == here
    assert {reply["report"]["points"] for reply in here.values()} == {0, 4}
    assert all(reply["sound"] for reply in there.values())


def test_a_worker_without_a_jail_refuses_the_work_of_strangers(sums, one_thread, monkeypatch):
    def no_jail(*_, trust=False, **__):
        assert not trust
        raise NoJailError("Answers would run on this machine not jailed. If you trust everyone, say so with --trust")

    monkeypatch.setattr(batch, "Judge", no_jail)
    with (
        Cluster(one_thread, sums) as cluster,
        pytest.raises(RefusedError, match=r"The worker on .* does not grade\. .*not jailed.*--trust"),
    ):
        list(grade_all(jobs(sums, 2), cluster.start, cluster.workers, cluster.work()))


def test_a_worker_with_another_version_of_the_course_is_told_before_anything_is_graded(sums, one_thread, monkeypatch):
    monkeypatch.setattr(scheduler, "version_there", lambda place: "another")
    with pytest.raises(SchedulerError, match=r"another version of the course \(another\)"):
        Cluster(one_thread, sums)


def test_a_worker_that_comes_later_with_another_version_refuses(sums):
    reply = scheduler.grade_there("another", jobs(sums, 1)[0])
    assert "another version of the course" in reply["refused"]


def test_a_scheduler_that_does_not_answer_or_has_no_workers_is_told(sums):
    with pytest.raises(SchedulerError, match=r"No scheduler answers at tcp://127\.0\.0\.1:1 "):
        Cluster("tcp://127.0.0.1:1", sums, patience=1)
    cluster = distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None)
    with cluster, pytest.raises(SchedulerError, match="has no workers"):
        Cluster(cluster.scheduler_address, sums, patience=1)


def certificates(folder):
    """Make a certificate authority, and a certificate for whoever takes part, with the openssl of this machine."""
    ca, key, request, cert = (folder / name for name in ("ca.pem", "key.pem", "request.pem", "cert.pem"))
    names = folder / "names.txt"
    names.write_text("subjectAltName = IP:127.0.0.1, DNS:localhost", encoding="ascii")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    commands = [
        [*new, "-x509", "-days", "2", "-keyout", folder / "ca.key", "-out", ca],
        [*new, "-keyout", key, "-out", request],
        [
            *("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", folder / "ca.key", "-CAcreateserial"),
            *("-days", "2", "-extfile", names, "-out", cert),
        ],
    ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
    return ca, cert, key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates with")
def test_over_tls_only_those_with_a_certificate_take_part(sums, tmp_path):
    ca, cert, key = map(str, certificates(tmp_path))
    security = distributed.security.Security(
        tls_ca_file=ca,
        require_encryption=True,
        **{
            f"tls_{role}_{kind}": file
            for role in ("scheduler", "worker", "client")
            for kind, file in (("cert", cert), ("key", key))
        },
    )
    how = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(security=security, protocol="tls://", **how) as one:
        address = one.scheduler_address
        with Cluster(address, sums, ca=ca, cert=cert, key=key) as cluster:
            told = replies(grade_all(jobs(sums, 2), cluster.start, cluster.workers, cluster.work()))
        with pytest.raises(SchedulerError, match="speaks TLS: give --tls-ca, --tls-cert, --tls-key"):
            Cluster(address, sums)
        with pytest.raises(SchedulerError, match="No scheduler answers"):
            Cluster(address.replace("tls://", "tcp://"), sums, patience=1)
    assert told == replies(grade_all(jobs(sums, 2), Here, 1))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"ca": "ca.pem"}, "TLS takes three files; --tls-cert, --tls-key is missing"),
        ({"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}, "--tls-ca: there is no file ca.pem"),
    ],
)
def test_files_of_tls_that_are_missing_are_told(files, told):
    with pytest.raises(SchedulerError, match=told):
        scheduler._security("tls://here:8786", *(files.get(name) for name in ("ca", "cert", "key")))
