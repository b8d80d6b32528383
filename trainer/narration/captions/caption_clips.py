"""The loop of a captioning run: the sound of the next video is decoded while the captioner is busy."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import EgoactError
from trainer.features.prefetch import prefetched
from trainer.narration.answer_log import AnswerLog
from trainer.narration.bar import Bar
from trainer.narration.captions.captioner import Caption, Captioner, Identified, Samples
from trainer.narration.captions.clip_sounds import Stretch, read_stretches, stretch_key

Captions = AnswerLog[Caption]
Captioned = tuple[Path, Sequence[Stretch], "list[Caption | None] | str"]
"""A video, stretches of it, and their captions (None where there is no sound) or why they cannot be read."""
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


def caption_clips(captioned: Iterable[Captioned], captioner: Identified, log: Captions, bar: Bar) -> Done:
    """Keep captions of stretches, none of them in `log`; they are on the disk before they are counted.

    Raises:
        CaptionerError: the captioner fails. AnswerLogError: the disk refuses. What was captioned is kept.
    """
    done = Done()
    for path, stretches, captions in captioned:
        if isinstance(captions, str):
            done.problems.append(captions)
            bar.add(len(stretches), f"{len(done.problems)} videos failed")
            continue
        lines = []
        for stretch, caption in zip(stretches, captions, strict=True):
            key = stretch_key(captioner, stretch, path)
            told = (caption or Caption(""))._asdict()
            lines.append({"key": key, **told, **stretch._asdict(), "captioner": captioner.name})
        log.append(lines)
        silent = captions.count(None)
        done.captioned += len(captions) - silent
        done.silent += silent
        bar.add(len(captions))
    return done


def captioned_here(wanted: Mapping[Path, Sequence[Stretch]], captioner: Captioner) -> Iterator[Captioned]:
    """Caption the stretches of videos in this process, a batch at a time.

    Raises:
        CaptionerError: the captioner fails.
    """
    for path, stretches, sounds in prefetched(_sounds(wanted, captioner)):
        if isinstance(sounds, str):
            yield path, stretches, sounds
            continue
        pairs = iter(zip(stretches, sounds, strict=True))
        while batch := list(itertools.islice(pairs, captioner.batch_clips)):
            heard = [sound for _, sound in batch if sound is not None]
            captions = iter(captioner.caption(heard) if heard else [])
            told = [None if sound is None else next(captions) for _, sound in batch]
            yield path, [stretch for stretch, _ in batch], told


def _sounds(wanted: Mapping[Path, Sequence[Stretch]], captioner: Captioner) -> Iterator[Sounds]:
    for path, stretches in wanted.items():
        try:
            yield path, stretches, read_stretches(path, stretches, captioner)
        except EgoactError as problem:
            yield path, stretches, str(problem)
