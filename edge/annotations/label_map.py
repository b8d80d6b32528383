"""From the words of an annotation to the labels of a bundle, by written tables with the columns `from,to`.

A word is looked up in the user's table, then among the labels themselves, then, unless the file is the user's own CSV,
in the built-in table (`verbs.csv`: verbs of EPIC-KITCHENS-100 and of ARGO1M that plainly mean one of our labels).
An empty `to` leaves the action out: nobody is judged by it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.annotations.action import Action, AnnotationFile, fault
from edge.annotations.csv_table import csv_rows
from edge.annotations.truth import Span, Truth
from edge.contract import Segment

BUILT_IN = Path(__file__).parent / "verbs.csv"
COLUMNS = ("from", "to")


@dataclass(frozen=True)
class Mapped:
    """The truth about each video, in the labels of the bundle, and what became of the annotators' words."""

    truths: Mapping[str, Truth]
    """By file name or video id."""
    format: str
    renamed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(word, label) -> actions; words that are labels themselves are not listed."""
    unmapped: Mapping[str, int] = field(default_factory=dict)
    """Word -> actions for which the bundle has no label; they keep their word, and count as unknown to the model."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Word -> actions that the user's table leaves out."""
    notes: tuple[str, ...] = ()

    def of(self, clip: str) -> Truth | None:
        """The truth about a clip, by its file name, or by its name without the suffix (a dataset's video id)."""
        found = self.truths.get(clip)
        return found if found is not None else self.truths.get(clip.rpartition(".")[0])


def read_label_map(path: Path, labels: Sequence[str]) -> dict[str, str]:
    """A table of the user: word (as `key` spells it) -> label, '' to leave it out.

    Raises:
        AnnotationError: no such table, a word twice with two labels, or a label that the bundle does not have.
    """
    table: dict[str, str] = {}
    for line, cells in csv_rows(path, COLUMNS):
        word, label = key(cells["from"]), cells["to"]
        if not word:
            raise fault(path, line, "no 'from': fill it in or delete the row")
        if label and label not in labels:
            raise fault(path, line, f"'{label}' is not a label of the bundle ({', '.join(labels)})")
        if table.setdefault(word, label) != label:
            raise fault(path, line, f"'{cells['from']}' is mapped twice, to '{table[word]}' and to '{label}'")
    return table


def map_labels(file: AnnotationFile, labels: Sequence[str], table: Mapping[str, str] | None = None) -> Mapped:
    """Give every action its label. `table` is the user's, from `read_label_map`.

    Raises:
        AnnotationError: the built-in table is damaged.
    """
    tables = [table or {}, {key(label): label for label in labels}]
    if not file.own_words:
        tables.append({key(c["from"]): c["to"] for _, c in csv_rows(BUILT_IN, COLUMNS) if c["to"] in labels})
    segments: dict[str, list[Segment]] = {}
    left_out: dict[str, list[Span]] = {}
    renamed: Counter[tuple[str, str]] = Counter()
    unmapped: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for action in file.actions:
        word, label = _look_up(action, tables)
        segments.setdefault(action.video, [])
        if label == "":
            dropped[word] += 1
            left_out.setdefault(action.video, []).append((action.start_ns, action.end_ns))
            continue
        if label is None:
            unmapped[action.name] += 1
        elif key(word) != key(label):
            renamed[word, label] += 1
        segments[action.video].append(Segment(action.start_ns, action.end_ns, label or action.name, 1.0))
    videos = dict.fromkeys((*segments, *(file.spans or ())))
    truths = {
        video: Truth(
            tuple(sorted(segments.get(video, ()), key=lambda s: (s.start_ns, s.end_ns))),
            None if file.spans is None else file.spans.get(video, ()),
            tuple(left_out.get(video, ())),
        )
        for video in videos
    }
    return Mapped(truths, file.format, renamed, unmapped, dropped, file.notes)


def key(word: str) -> str:
    """How words are compared: case, and blanks or underscores against hyphens, make no difference."""
    return re.sub(r"[\s_-]+", "-", word.strip().casefold()).strip("-")


def _look_up(action: Action, tables: Sequence[Mapping[str, str]]) -> tuple[str, str | None]:
    """The word that was found, and its label; the name and None when no table has it."""
    for table in tables:
        for term in action.terms:
            label = table.get(key(term))
            if label is not None:
                return term, label
    return action.name, None
