"""Every error a user can meet, with the exit code a script can test for.

A message says what is wrong, with which file, and what to do about it, in one sentence or two.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BAD_INPUT = 3
    MODEL = 4
    UNAVAILABLE = 5
    INTERRUPTED = 130


class LiftlineError(Exception):
    """Base of every expected failure: its text is meant for the user, no traceback is needed."""

    exit_code = ExitCode.FAILED


class UsageError(LiftlineError):
    """The request itself makes no sense: contradicting or unusable options."""

    exit_code = ExitCode.USAGE


class InvalidInputError(LiftlineError):
    """An input file is missing, broken or of another format than it should be."""

    exit_code = ExitCode.BAD_INPUT


class InvalidVideoError(InvalidInputError):
    """The video can't be opened, has no frames, or is damaged beyond use."""


class LimitExceededError(InvalidInputError):
    """The input is larger than a limit allows: pixels, frames, duration, people."""


class InvalidArtifactError(InvalidInputError):
    """A stored artifact isn't what its name says: wrong kind, schema version, shape or checksum."""


class AlteredArtifactError(InvalidArtifactError):
    """A stored artifact is gone or holds other bytes than were stored, however often it is read."""


class UnsafePickleError(InvalidInputError):
    """A pickle asks for more than plain containers and NumPy arrays, so it isn't loaded."""


class ModelError(LiftlineError):
    """A model file is missing, altered, or not usable for the job."""

    exit_code = ExitCode.MODEL


class OutputError(LiftlineError):
    """A result can't be written: no permission, no space."""


class UnavailableError(LiftlineError):
    """A server (NATS, S3, the gateway) can't be reached or doesn't answer; the same may work a little later."""

    exit_code = ExitCode.UNAVAILABLE


class WrongAnswerError(UnavailableError):
    """A server's answer can't be right; asked again it may be.

    answer: what tells it from another wrong one, so that one that stays the same can be believed in the end; None
    where it says nothing of the object that was asked for, as a page of somebody else's.
    """

    def __init__(self, message: str, *, answer: str | None = None) -> None:
        super().__init__(message)
        self.answer = answer


class Cancelled(LiftlineError):  # noqa: N818 - an outcome, not a failure
    """The work was told to stop."""

    exit_code = ExitCode.INTERRUPTED


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it came of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def first_line(error: BaseException) -> str:
    """What a library says of an error in its first line, cut off where that is long; its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
