"""Numbers, times and outcomes in words, as every report says them."""

import math
from datetime import timedelta

OUTCOMES = {
    "right": "right",
    "wrong": "not right yet",
    "raised": "stopped with an error",
    "borrowed": "calls the finished thing",
    "timed out": "did not come to an end",
    "crashed": "took its process down",
    "unreadable": "could not be read",
    "not attempted": "not attempted",
    "not run": "not run",
}


MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"


def number(value):
    """Return a number without needless decimals."""
    value = round(float(value), 2) + 0.0  # and never -0
    if not math.isfinite(value):
        return "?"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def counted(count, noun, plural=""):
    """Return "1 point", "2 points"."""
    return f"{number(count)} {noun if count == 1 else plural or f'{noun}s'}"


def share(part, whole):
    """Return a share in percent; "" of nothing."""
    return f"{round(100 * part / whole)} %" if whole else ""


def lasting(time):
    """Return how long a `timedelta` is: its two largest units."""
    seconds = int(time / timedelta(seconds=1))
    units = [("day", seconds // 86400), ("hour", seconds // 3600 % 24), ("minute", seconds // 60 % 60)]
    parts = [counted(count, name) for name, count in units if count][:2]
    return " and ".join(parts) or "less than a minute"


def moment(time):
    """Return a date and time of day."""
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".rstrip()
