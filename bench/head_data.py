"""Made-up clips with features of any widths on the disk, as memory maps: one dense row a clip and modality."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.clip_facts import ClipFacts
from trainer.data.clip_rows import AudioRows, VideoRows
from trainer.data.clip_table import ClipTable
from trainer.loop.head_clips import Narrations
from trainer.methods.head_spec import HeadSpec

ROWS = 3
CLASSES, SCENARIOS, LOCATIONS = 60, 10, 13
_CHUNK = 2048


@dataclass(frozen=True)
class Widths:
    """Of a row of appearance and motion (a clip has three), of a clip's audio, and of a narration."""

    appearance: int = 2048
    motion: int = 256
    audio: int = 768
    text: int = 512


WORLD = Widths(512, 128, 192, 512)
"""Those of the built-in world's backbones."""


@dataclass(frozen=True)
class MadeUpClips:
    """`count` clips in a folder; the same folder gives the same clips to every process."""

    folder: Path
    count: int
    widths: Widths

    def write(self) -> None:
        """Make the files: `count` times 35 kB with ARGO1M's widths. A clip's features lean towards its class."""
        rng = np.random.default_rng(0)
        label = rng.integers(0, CLASSES, self.count)
        np.save(self.folder / "label.npy", label)
        np.save(self.folder / "domain.npy", rng.integers(0, (SCENARIOS, LOCATIONS), (self.count, 2)))
        np.save(self.folder / "r.npy", rng.random(self.count, np.float32))
        for name, (rows, width) in self._shapes.items():
            means = rng.standard_normal((CLASSES, width), np.float32)
            noise = rng.standard_normal((_CHUNK, width), np.float32)
            values = np.memmap(self.folder / f"{name}.f32", "<f4", "w+", shape=(rows, width))
            for first in range(0, rows, _CHUNK):
                part = label[np.arange(first, min(first + _CHUNK, rows)) % self.count]
                values[first : first + _CHUNK] = 0.2 * means[part] + np.roll(noise, first // _CHUNK, 1)[: len(part)]
            values.flush()

    def array(self, name: str) -> NDArray[np.float32]:
        """ "appearance", "motion", "audio": float32 [count, width]; "text": [2 * count, width], the visual ones first.

        A memory map.
        """
        return np.memmap(self.folder / f"{name}.f32", "<f4", "r", shape=self._shapes[name])

    def column(self, name: str) -> NDArray[Any]:
        """ "label" int64 [count], "domain" int64 [count, 2] or "r" float32 [count]."""
        return np.load(self.folder / f"{name}.npy")

    def table(self) -> ClipTable:
        """The same clips as a clip table; the narrations of clip i are the texts i and count + i."""
        domain, every = self.column("domain"), np.arange(self.count)
        facts = ClipFacts(
            name="made up",
            video=np.zeros(self.count, np.int64),
            label=self.column("label"),
            scenario=domain[:, 0],
            location=domain[:, 1],
            consistency=self.column("r"),
            narration=every,
            audio_narration=self.count + every,
            video_names=("made up",),
            label_names=tuple(map(str, range(CLASSES))),
            scenario_names=tuple(map(str, range(SCENARIOS))),
            location_names=tuple(map(str, range(LOCATIONS))),
            texts=("",) * (2 * self.count),
        )
        rows = np.arange(ROWS * self.count).reshape(self.count, ROWS)
        appearance, motion = (self.array(name).reshape(ROWS * self.count, -1) for name in ("appearance", "motion"))
        heard = np.ones((self.count, 1), np.float32)
        return ClipTable(
            facts, VideoRows(appearance, motion, rows), AudioRows(self.array("audio"), every[:, None], heard)
        )

    def narrations(self) -> Narrations:
        """Both kinds in one memory map."""
        return Narrations(self.array("text")[:, None, :], np.arange(2 * self.count))

    def head_spec(self, hidden: int, out: int) -> HeadSpec:
        """The head that fits."""
        w = self.widths
        return HeadSpec(
            *(ROWS * w.appearance, ROWS * w.motion, w.audio, CLASSES, SCENARIOS, LOCATIONS, w.text),
            hidden=hidden,
            out=out,
        )

    @property
    def _shapes(self) -> dict[str, tuple[int, int]]:
        w = self.widths
        widths = {"appearance": ROWS * w.appearance, "motion": ROWS * w.motion, "audio": w.audio}
        return {**{name: (self.count, width) for name, width in widths.items()}, "text": (2 * self.count, w.text)}
