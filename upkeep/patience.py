"""A pytest plugin that gives nbval patience: a notebook fails by what it computes or by a kernel that dies.

By itself nbval fails a cell when an output follows its reply by more than five seconds, or a kernel takes ten to say
hello: on a busy machine that judges the machine. And it notices a dead kernel only when its time limit ends. Here a
message is waited for as long as the kernel lives.
"""

from queue import Empty

import nbval.plugin
import pytest
from nbval.kernel import RunningKernel

A_DAY = 24 * 60 * 60  # seconds; a backstop against a kernel that lives and no longer answers
GLANCE = 5  # seconds between two looks whether the kernel lives


class PatientKernel(RunningKernel):
    """A kernel whose messages are waited for as long as it lives."""

    def get_message(self, stream, timeout=None):
        """Return the next message of a stream.

        Raises:
            RuntimeError: the kernel died.
            queue.Empty: a day went by.
        """
        for _ in range(A_DAY // GLANCE):
            lives = self.is_alive()  # asked before the look, because a kernel may speak and then die
            try:
                return super().get_message(stream, timeout=GLANCE)
            except Empty:
                if not lives:
                    raise RuntimeError("The kernel died.") from None
        raise Empty

    def _ensure_iopub_up(self):
        # What a kernel publishes before it is listened to is lost, so nbval asks until it hears something.
        while True:
            self.await_reply(self.kc.kernel_info())
            try:
                self.kc.get_iopub_msg(timeout=1)
            except Empty:
                continue
            return


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.option.nbval_kernel_startup_timeout = config.option.nbval_cell_timeout = A_DAY
    nbval.plugin.RunningKernel = PatientKernel
