"""Grades a class on a Dask cluster: a scheduler hands the submissions to workers on other machines.

The workers run the course's own code, the same version as here, and hold answers in the jail of their machine. What a
worker sends back is believed, and whoever reaches an open scheduler can run what they like on its workers: on a network
with strangers, use TLS. Needs dask.distributed, the extra `cluster`.
"""

import contextlib
import functools
import os
import socket
import threading
from concurrent.futures import Executor

from classroom.batch import close_judges, grade_one, version_of

PATIENCE = 30  # seconds in which a scheduler answers, and has a worker
_one_at_a_time = threading.Lock()  # a worker may have several threads; its judge serves one submission after the other


class SchedulerError(Exception):
    """The cluster cannot be used; the text says why, and what to do."""


class Cluster:
    """A connection to a scheduler; a context that closes it.

    Args:
        address: such as "tcp://10.0.0.1:8786", or "tls://..." with the files of TLS.
        place: of the catalogue, as for `load_catalogue`; the same on the workers.
        ca, cert, key: paths of the files of TLS: who signs, this side's certificate and its key; all three or none.
        patience: seconds to wait for the scheduler, and for its first worker.

    Attributes:
        workers: how many submissions the workers can grade at a time.

    Raises:
        SchedulerError: dask.distributed is not installed, nobody answers, there are no workers, or one has another
            version of the course.
    """

    def __init__(self, address, place, *, ca=None, cert=None, key=None, patience=PATIENCE):
        self._version, self._place = version_of(place), place
        self._client = _connected(address, _security(address, ca, cert, key), patience)
        try:
            self.workers = self._ready(address, patience)
        except BaseException:
            self._client.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):  # the grades are here; a worker that is gone needs no farewell
            self._client.run(close_judges, on_error="ignore")
        self._client.close()

    def start(self):
        """Return an `Executor` on the workers. What was lost with a worker that ended goes to another one."""
        return OnCluster(self._client.get_executor(pure=False))

    def work(self):
        """Return what is done with a job there, in the place of `grade_one`: it refuses in another version."""
        return functools.partial(grade_there, self._version)

    def _ready(self, address, patience):
        """Return how many submissions the workers can grade at a time, once there is one and all are asked."""
        try:
            self._client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            raise SchedulerError(
                f"The scheduler at {address} has no workers. On each machine that is to grade: `dask worker {address}`."
            ) from None
        for worker, told in self._client.run(version_there, self._place, on_error="return").items():
            if isinstance(told, BaseException):
                raise SchedulerError(
                    f"The worker at {worker} cannot grade: {_in_short(told)}. It needs the course that is here, "
                    f"installed where its Python looks: `pip install -e .` in its folder."
                )
            if told != self._version:
                raise SchedulerError(_other_version(worker, told, self._version))
        return max(1, sum(self._client.nthreads().values()))


class OnCluster(Executor):
    """Dask's own executor, which is ended as every other one is.

    Args:
        executor: what `distributed.Client.get_executor` returns.
    """

    def __init__(self, executor):
        self._executor = executor

    def submit(self, function, /, *arguments, **keywords):
        return self._executor.submit(function, *arguments, **keywords)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._executor.shutdown(wait=wait and not cancel_futures)  # Dask cancels what it does not wait for


# In a worker ----------------------------------------------------------------------------------------------------------


@functools.cache
def version_there(place):
    """Return the version of the course on this machine: see `version_of`."""
    return version_of(place)


def grade_there(version, job):
    """Return what `grade_one` does; a refusal names the machine, and there is one if the course has another version."""
    here = f"{socket.gethostname()} (process {os.getpid()})"
    try:
        found = version_there(job.catalogue)
    except Exception as error:
        return {"student": job.student, "refused": f"The worker on {here} cannot grade: {_in_short(error)}."}
    if found != version:
        return {"student": job.student, "refused": _other_version(here, found, version)}
    with _one_at_a_time:
        reply = grade_one(job)
    if "refused" in reply:
        return {"student": job.student, "refused": f"The worker on {here} does not grade. {reply['refused']}"}
    return reply


# --------------------------------------------------------------------------------------------------------------------


def _connected(address, security, patience):
    """Return the client of a scheduler."""
    try:
        from distributed import Client
    except ImportError:
        raise SchedulerError(
            "A scheduler needs dask.distributed, which is not installed here: "
            "`python -m pip install -e .[cluster]` in the course's folder."
        ) from None
    try:
        return Client(address, security=security, timeout=patience, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise SchedulerError(
            f"No scheduler answers at {address} ({_in_short(error)}). `dask scheduler` starts one, and prints its "
            f"address; with TLS it begins with tls://."
        ) from None


def _security(address, ca, cert, key):
    """Return what TLS needs, or None without."""
    given = {"--tls-ca": ca, "--tls-cert": cert, "--tls-key": key}
    missing = [name for name, file in given.items() if file is None]
    if len(missing) == len(given):
        if address.startswith("tls://"):
            raise SchedulerError(f"{address} speaks TLS: give {', '.join(given)}.")
        return None
    if missing:
        raise SchedulerError(f"TLS takes three files; {', '.join(missing)} is missing.")
    for name, file in given.items():
        if not os.path.isfile(file):
            raise SchedulerError(f"{name}: there is no file {file}.")
    if not address.startswith("tls://"):
        raise SchedulerError(f"With TLS, the scheduler's address begins with tls://; this one is {address}.")
    try:
        from distributed.security import Security
    except ImportError:
        return None  # who connects says so
    return Security(
        tls_ca_file=os.fspath(ca),
        tls_client_cert=os.fspath(cert),
        tls_client_key=os.fspath(key),
        require_encryption=True,
    )


def _other_version(worker, found, wanted):
    return (
        f"The worker at {worker} has another version of the course ({found}) than this machine ({wanted}), and might "
        f"give other grades. Bring the same version to all of them, and start the workers again."
    )


def _in_short(error):
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
