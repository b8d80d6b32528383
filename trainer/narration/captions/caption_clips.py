"""The loop of a captioning run: the sound of the next video is decoded while the captioner is busy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import EgoactError
from trainer.features.prefetch import prefetched
from trainer.narration.answer_log import AnswerLog
from trainer.narration.bar import Bar
from trainer.narration.captions.captioner import Caption, Captioner, Samples
from trainer.narration.captions.clip_sounds import Stretch, read_stretches, stretch_key

Captions = AnswerLog[Caption]
Sounds = tuple[Path, Sequence[Stretch], "list[Samples | None] | str"]
"""A video, stretches of it, and their sounds or why they cannot be read."""


@dataclass
class Done:
    """What became of a run."""

    captioned: int = 0
    silent: int = 0
    """Stretches without sound: their caption is empty."""
    problems: list[str] = field(default_factory=list)
    """Videos that cannot be read, one line each."""


def caption_of(line: Mapping[str, Any]) -> Caption:
    """The caption in a line of the log."""
    return Caption(str(line["text"]), line.get("scores"))


def caption_clips(wanted: Mapping[Path, Sequence[Stretch]], captioner: Captioner, log: Captions, bar: Bar) -> Done:
    """Caption the stretches of videos, none of them in `log`; a batch is on the disk before it is counted.

    Raises:
        CaptionerError: the captioner fails. AnswerLogError: the disk refuses. What was captioned is kept.
    """
    done = Done()
    for path, stretches, sounds in prefetched(_sounds(wanted, captioner)):
        if isinstance(sounds, str):
            done.problems.append(sounds)
            bar.add(len(stretches), f"{len(done.problems)} videos failed")
            continue
        pairs = iter(zip(stretches, sounds, strict=True))
        while batch := list(itertools.islice(pairs, captioner.batch_clips)):
            heard = [sound for _, sound in batch if sound is not None]
            captions = iter(captioner.caption(heard) if heard else [])
            lines = []
            for stretch, sound in batch:
                caption = next(captions) if sound is not None else Caption("")
                key = stretch_key(captioner, stretch, path)
                lines.append({"key": key, **caption._asdict(), **stretch._asdict(), "captioner": captioner.name})
            log.append(lines)
            done.captioned += len(heard)
            done.silent += len(batch) - len(heard)
            bar.add(len(batch))
    return done


def _sounds(wanted: Mapping[Path, Sequence[Stretch]], captioner: Captioner) -> Iterator[Sounds]:
    for path, stretches in wanted.items():
        try:
            yield path, stretches, read_stretches(path, stretches, captioner)
        except EgoactError as problem:
            yield path, stretches, str(problem)
