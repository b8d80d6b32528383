"""Which clips ranges are measured on, and which judge the result: never the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from calibration.clip_picks import MIN_CLIPS
from calibration.errors import CalibrationError
from edge.annotations import read_annotations
from edge.contract import Segment
from edge.sources.clip_files import find_clips
from trainer.data.clips_csv import read_clips_csv


@dataclass(frozen=True)
class CalibrationClips:
    """Clips of one calibration."""

    ranges: tuple[Path, ...]
    hold_out: tuple[Path, ...]
    truth: Mapping[str, tuple[Segment, ...]]
    """Annotated segments by clip name; empty without an annotation."""
    domains: Mapping[str, str]
    """'scenario/location' by clip name, where the annotation says so."""


def calibration_clips(
    paths: Sequence[Path], annotations: Path | None, hold_out: Sequence[Path] = ()
) -> CalibrationClips:
    """Read the annotation and split the clips.

    Without `hold_out`, every second clip of each domain is held out, in order of name: both halves see every domain
    that has two clips.

    Raises:
        SourceError: no clips.
        AnnotationError: the annotation is refused.
        CalibrationError: too few clips, or a clip is in both sets.
    """
    clips = find_clips(paths)
    truth = read_annotations(annotations) if annotations else {}
    domains = _domains(annotations) if annotations else {}
    if annotations:
        clips = tuple(clip for clip in clips if clip.name in truth)
    if hold_out:
        ranges, held = clips, find_clips(hold_out)
        both = {clip.name for clip in ranges} & {clip.name for clip in held}
        if both:
            raise CalibrationError(f"{min(both)}: in --clips and in --hold-out; a clip cannot judge what it shaped")
    else:
        ordered = sorted(clips, key=lambda clip: (domains.get(clip.name, ""), clip.name))
        ranges, held = tuple(ordered[::2]), tuple(ordered[1::2])
    if len(ranges) < MIN_CLIPS or not held:
        kind = "annotated clips" if annotations else "clips"
        needed = MIN_CLIPS if hold_out else 2 * MIN_CLIPS
        raise CalibrationError(
            f"calibration takes at least {needed} {kind}, and there are {len(clips)}: half of them judge the result; "
            "give more with --clips DIR"
        )
    return CalibrationClips(ranges, held, truth, domains)


def _domains(annotations: Path) -> dict[str, str]:
    return {
        name: f"{marks[0].scenario}/{marks[0].location}"
        for name, marks in read_clips_csv(annotations).items()
        if marks and (marks[0].scenario or marks[0].location)
    }
