"""How far a batch is: one line that is written over on a terminal, a line now and then elsewhere."""

import sys
import time

EVERY = 20  # lines elsewhere for the whole batch, at most
ENOUGH = 3  # things done, before their time says something: the first waits until everything is loaded


class Progress:
    """Counts what is done of a number of things, and says so on stderr.

    Args:
        total: how many there are.
        what: what they are called, in the plural.
        stream: where to say it.
    """

    def __init__(self, total, what, stream=None):
        self.total, self.what, self.done, self._worked = total, what, 0, 0
        self._stream = stream or sys.stderr
        self._rewrites = self._stream.isatty()
        self._began = time.monotonic()
        self._width = 0

    def step(self, *, worked=True):
        """Count one more.

        Args:
            worked: whether it took work; what was done before says nothing about the time that is left.
        """
        self.done += 1
        self._worked += worked
        if self._rewrites:
            self._write(f"\r{self.line():<{self._width}}")
            self._width = len(self.line())
        elif self.done == self.total or self.done % -(-self.total // EVERY) == 0:
            self._write(self.line() + "\n")

    def line(self):
        """Return what there is to say."""
        each = (time.monotonic() - self._began) / max(1, self._worked)
        left = f", about {_in_words(each * (self.total - self.done))} left"
        says_when = self._worked >= ENOUGH and self.done < self.total
        return f"{self.done} of {self.total} {self.what}{left if says_when else ''}"

    def close(self):
        """End the line, so that what follows stands below it."""
        if self._rewrites and self._width:
            self._write("\n")

    def _write(self, text):
        self._stream.write(text)
        self._stream.flush()


def _in_words(seconds):
    """Return seconds as 40 s, 5 min or 2 h 10 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
