"""What an instructor sets for a class: grading.toml.

timezone = "Europe/Berlin"        # of times without an offset
seed = 17                         # without it, one is drawn for each chapter and kept in the gradebook
time_limit = 2.0                 # seconds of computing for each case
memory_limit = 2048               # MiB for each answer
catalogue = "../private_tasks"    # the folder of the tasks, seen from this file; without it, the course's
submitted = "known"               # or "file times": where nothing better is known, when a file was last written
patterns = ['(?P<student>s\\d+)_.*']    # whose a file is: fits all of its path, whose end students choose

[late]
percent_per_day = 10              # of the points earned, for each day that has begun
grace_minutes = 15                # in which nothing is late
at_most = 50                      # percent

[chapter.02]
weight = 2.0                      # in the mark for the whole class; 1 without it
deadline = 2026-03-01T23:59:00
seed = 5
late = false                      # or a table as above, for this chapter alone
points = {"02.scaled_scores" = 20}    # in the place of what the task gives
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from types import MappingProxyType
from zoneinfo import ZoneInfo

from classroom.collecting.patterns import PatternError, check_pattern

FILE = "grading.toml"
LARGEST_SEED = 2**31 - 1
SUBMITTED = ("known", "file times")


class SettingsError(Exception):
    """A grading.toml that cannot be used; the text says where, and the way out."""


@dataclass(frozen=True)
class LateRule:
    """What lateness costs.

    Attributes:
        percent_per_day: of the points earned, for each day that has begun since the deadline.
        grace: how long after the deadline nothing is late.
        at_most: percent that are taken off in all.
    """

    percent_per_day: float
    grace: timedelta = timedelta(0)
    at_most: float = 100.0


@dataclass(frozen=True)
class ChapterSettings:
    """What holds for one chapter; `late` is None if lateness costs nothing, `points` replace those of a task."""

    weight: float = 1.0
    deadline: datetime | None = None
    late: LateRule | None = None
    seed: int | None = None
    points: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Settings:
    """What holds for a class; see the top of this file. A limit or catalogue of None is the usual one."""

    timezone: tzinfo | None = None
    seed: int | None = None
    time_limit: float | None = None
    memory_limit: int | None = None
    catalogue: str | None = None
    submitted: str = "known"
    patterns: tuple[str, ...] = ()
    late: LateRule | None = None
    chapters: Mapping[str, ChapterSettings] = field(default_factory=dict)

    def chapter(self, number):
        """Return the `ChapterSettings` of a chapter."""
        return self.chapters.get(number, ChapterSettings(late=self.late, seed=self.seed))


def read_settings(path):
    """Return the `Settings` in a file.

    Raises:
        SettingsError: it cannot be read, has a key that means nothing, or a value that cannot be.
    """
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}. Texts stand in quotes, tables below [their name].") from None
    return _Reader(path).settings(found)


class _Reader:
    """Turns nested dictionaries into settings, and says where one of them is wrong."""

    def __init__(self, path):
        self.path = path

    def settings(self, found):
        read = {
            "timezone": self.timezone,
            "seed": self.seed,
            "time_limit": self.above_0,
            "memory_limit": self.whole,
            "catalogue": self.text,
            "submitted": self.submitted,
            "patterns": self.patterns,
            "late": self.late,
            "chapter": lambda value, _: value,
        }
        taken = self.table(found, "", read)
        chapters = self.named(taken.pop("chapter", {}), "chapter")
        settings = Settings(**taken)
        if settings.catalogue is not None:
            settings = replace(settings, catalogue=str((self.path.parent / settings.catalogue).resolve()))
        made = {number: self.chapter(value, f"chapter.{number}", settings) for number, value in chapters.items()}
        return replace(settings, chapters=made)

    def chapter(self, found, where, settings):
        def deadline(value, place):
            return self.deadline(value, place, settings.timezone)

        read = {
            "weight": self.not_below_0,
            "deadline": deadline,
            "late": self.late,
            "seed": self.seed,
            "points": self.points,
        }
        return ChapterSettings(**{"late": settings.late, "seed": settings.seed} | self.table(found, where, read))

    def table(self, found, where, read):
        """Return the values of a table, each as the function of its key reads it."""
        for key in self.named(found, where):
            if key not in read:
                near = difflib.get_close_matches(key, read, n=1)
                way = f"Did you mean {near[0]}?" if near else f"There are {', '.join(read)}."
                raise SettingsError(f"{self.path}: {_joined(where, key)} means nothing. {way}")
        return {key: read[key](value, _joined(where, key)) for key, value in found.items()}

    def named(self, value, where):
        if not isinstance(value, dict):
            raise self.wrong(where, value, f"a table, [{where}], with a line for each setting")
        return value

    def wrong(self, where, value, expected):
        return SettingsError(f"{self.path}: {where} is {value!r}; expected {expected}.")

    def number(self, value, where, expected, low, high=10**9):
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(where, value, expected)
        return value

    def whole(self, value, where):
        if not isinstance(value, int):
            raise self.wrong(where, value, "a whole number above 0")
        return self.number(value, where, "a whole number above 0", 1)

    def seed(self, value, where):
        expected = f"a whole number from 0 to {LARGEST_SEED}"
        if not isinstance(value, int):
            raise self.wrong(where, value, expected)
        return self.number(value, where, expected, 0, LARGEST_SEED)

    def above_0(self, value, where):
        return float(self.number(value, where, "a number above 0", 1e-9))

    def not_below_0(self, value, where):
        return float(self.number(value, where, "a number, 0 or more", 0))

    def percent(self, value, where):
        return float(self.number(value, where, "percent, a number from 0 to 100", 0, 100))

    def text(self, value, where):
        if not isinstance(value, str) or not value:
            raise self.wrong(where, value, "a text in quotes")
        return value

    def submitted(self, value, where):
        if value not in SUBMITTED:
            raise self.wrong(where, value, " or ".join(map(repr, SUBMITTED)))
        return value

    def timezone(self, value, where):
        try:
            return ZoneInfo(self.text(value, where))
        except (ValueError, OSError, LookupError):  # a name that is none, or Windows without the package tzdata
            if value == "UTC":
                return UTC
            raise self.wrong(
                where,
                value,
                'a time zone such as "Europe/Berlin"; or write deadlines with their offset, '
                "2026-03-01T23:59:00+01:00, and leave this out",
            ) from None

    def deadline(self, value, where, timezone):
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value) if len(value) <= len("2026-03-01") else datetime.fromisoformat(value)
            except ValueError:
                raise self.wrong(where, value, "a time such as 2026-03-01T23:59:00+01:00") from None
        if not isinstance(value, datetime):
            shown = value.isoformat() if isinstance(value, date) else value
            raise self.wrong(where, shown, "a time as well as a day, such as 2026-03-01T23:59:00+01:00")
        if value.tzinfo is None and timezone is None:
            raise self.wrong(
                where,
                value.isoformat(),
                f'a time with its offset, {value.isoformat()}+01:00, or timezone = "..." above',
            )
        return value if value.tzinfo else value.replace(tzinfo=timezone)

    def patterns(self, value, where):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(where, value, "a list of texts, ['(?P<student>...)_.*']")
        for one in value:
            try:
                check_pattern(one)
            except PatternError as error:
                raise SettingsError(f"{self.path}: {where}: {error}") from None
        return tuple(value)

    def late(self, value, where):
        if value is False:
            return None
        read = {"percent_per_day": self.percent, "grace_minutes": self.not_below_0, "at_most": self.percent}
        if not isinstance(value, dict):
            raise self.wrong(where, value, "false, or a table with percent_per_day, grace_minutes, at_most")
        found = self.table(value, where, read)
        if "percent_per_day" not in found:
            raise SettingsError(f"{self.path}: {where} does not say percent_per_day.")
        return LateRule(
            found["percent_per_day"], timedelta(minutes=found.get("grace_minutes", 0)), found.get("at_most", 100.0)
        )

    def points(self, value, where):
        return MappingProxyType(
            {task: self.not_below_0(points, _joined(where, task)) for task, points in self.named(value, where).items()}
        )


def _joined(where, key):
    return f"{where}.{key}" if where else key
