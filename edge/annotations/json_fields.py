"""Fields of a JSON document, each checked for its kind; a complaint names the place, as `videos[3].clips[0]`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.annotations.action import fault, seconds_ns


@dataclass(frozen=True)
class Node:
    """A value inside a JSON document, and where it stands."""

    path: Path
    value: Any
    place: str = ""

    def get(self, name: str) -> Node | None:
        """A member; None when it is absent or null.

        Raises:
            AnnotationError: this is no object.
        """
        value = self._as(dict, "an object").get(name)
        return None if value is None else Node(self.path, value, f"{self.place}.{name}" if self.place else name)

    def need(self, name: str) -> Node:
        """A member that must be there.

        Raises:
            AnnotationError: it is absent or null, or this is no object.
        """
        found = self.get(name)
        if found is None:
            raise self.fault(f"no '{name}'")
        return found

    def items(self) -> Iterator[tuple[str, Node]]:
        """Members of an object.

        Raises:
            AnnotationError: this is no object.
        """
        for name, value in self._as(dict, "an object").items():
            yield name, Node(self.path, value, f"{self.place}.{name}" if self.place else name)

    def elements(self) -> Iterator[Node]:
        """Elements of a list.

        Raises:
            AnnotationError: this is no list.
        """
        for index, value in enumerate(self._as(list, "a list")):
            yield Node(self.path, value, f"{self.place}[{index}]")

    def text(self) -> str:
        """Raises AnnotationError when this is no text, or nothing but blanks."""
        value: str = self._as(str, "text").strip()
        if not value:
            raise self.fault("is empty")
        return value

    def time_ns(self) -> int:
        """Raises AnnotationError when this is no number of seconds."""
        if isinstance(self.value, str):
            raise self.fault(f"'{self.value}' is not a number")
        return seconds_ns(self.path, self.place, "time", self.value)

    def fault(self, reason: str) -> Exception:
        return fault(self.path, self.place or "top level", reason)

    def _as(self, kind: type, name: str) -> Any:
        if not isinstance(self.value, kind):
            raise self.fault(f"is not {name}")
        return self.value
