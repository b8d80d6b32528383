"""An append-only file of answers: one JSON object a line, on the disk before the next question is asked.

A process that is killed leaves at most a torn last line, which the next one cuts off: what was paid for is kept, and
what lies here is never asked again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from edge.errors import EgoactError
from edge.json_text import parse_json
from edge.whole_file import why

T = TypeVar("T")


class AnswerLogError(EgoactError):
    """A file of answers is damaged, held by another command, or cannot be written."""


def read_answers(path: Path, value: Callable[[Mapping[str, Any]], T]) -> dict[str, T]:
    """What the whole lines of a file hold, `value(line)` by the line's "key"; nothing where there is no file.

    Raises:
        AnswerLogError: the file cannot be read, or a whole line is no answer.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise AnswerLogError(f"{path}: cannot be read ({why(problem)})") from None
    return _parsed(path, content[: content.rfind(b"\n") + 1], value)


class AnswerLog(Generic[T]):
    """The answers of a file, which one process at a time adds to."""

    def __init__(self, path: Path, value: Callable[[Mapping[str, Any]], T]) -> None:
        """Open a file, made when missing.

        Raises:
            AnswerLogError: another process adds to it, it is damaged, or it cannot be written.
        """
        self._path, self._value = path, value
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "a+b", buffering=0)  # noqa: SIM115
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file.seek(0)
            content = self._file.readall()
            self._end = content.rfind(b"\n") + 1
            if self._end < len(content):  # the torn line of a run that was killed
                self._file.truncate(self._end)
        except BlockingIOError:
            raise AnswerLogError(f"{path}: another command is adding to it; wait for it") from None
        except OSError as problem:
            raise self._refused(problem) from None
        self.answers = _parsed(path, content[: self._end], value)

    def __enter__(self) -> AnswerLog[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def append(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Add answers, each with a "key"; they are on the disk when this returns.

        Raises:
            AnswerLogError: the disk refuses; the file is then as it was.
        """
        lines = list(lines)
        data = b"".join(json.dumps(line, ensure_ascii=False).encode(errors="replace") + b"\n" for line in lines)
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:]) or 0
            os.fsync(self._file.fileno())
        except OSError as problem:
            self._file.truncate(self._end)
            raise self._refused(problem) from None
        self._end += len(data)
        self.answers |= {str(line["key"]): self._value(line) for line in lines}

    def _refused(self, problem: OSError) -> AnswerLogError:
        return AnswerLogError(f"{self._path}: cannot be written ({why(problem)}); make room: the same command goes on")


def _parsed(path: Path, content: bytes, value: Callable[[Mapping[str, Any]], T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            fields = parse_json(line)
            found[str(fields["key"])] = value(fields)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as problem:
            raise AnswerLogError(f"{path}:{number}: no answer ({problem}); delete this line or the file") from None
    return found
