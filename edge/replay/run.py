"""All clips in all precisions, one after the other, and what is said at the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.annotations.label_map import Mapped
from edge.annotations.read import read_truth
from edge.bundle import Bundle, load_bundle
from edge.errors import EgoactError, StorageError
from edge.exports.write import Exported, write_exports
from edge.plain import PlainView, score_lines
from edge.recording.agreement import moment_clip
from edge.replay.options import ReplayOptions
from edge.replay.player import Player, expand
from edge.report.data import report_data
from edge.report.text import mapping_lines, verification_lines
from edge.report.write import write_report
from edge.score import merge, score_run
from edge.sinks import JsonlSink
from edge.sources.network_address import without_secrets
from edge.text import printable
from edge.verify.evidence import gather
from edge.verify.judge import judge
from edge.verify.played import Played


def replay(options: ReplayOptions) -> int:
    """Replay all clips; a clip that fails is named and does not stop the others.

    Returns 0, or 1 when a clip failed.

    Raises:
        EgoactError: the bundle, the annotation, a precision, or the folder of the report cannot be used.
    """
    bundle = load_bundle(options.bundle)
    clips = expand(options.clips)
    mapped = read_truth(options.annotations, bundle.labels, options.label_map) if options.annotations else None
    view = None if options.json else PlainView(sys.stdout)
    jsonl = JsonlSink(options.jsonl, on_error=_complain) if options.jsonl else None
    if view is not None:
        view.title(f"bundle: {bundle.describe()}")
        for line in mapping_lines(mapped) if mapped is not None else ():
            view.title(line)
    played: dict[str, list[Played]] = {}
    try:
        for precision in options.precisions:
            player = Player(bundle, precision, options, view, jsonl)
            if player.note is not None:
                _complain(f"on the CPU: {player.note}")
            if view is not None and len(options.precisions) > 1:
                view.title(f"precision {player.name}")
            try:
                played[player.name] = _all_clips(clips, player, bundle, options, mapped, view, jsonl)
            finally:
                player.close()
    finally:
        if jsonl is not None:
            jsonl.close()
    _close(options, bundle, played, mapped, view)
    complete = all(len(runs) == len(clips) for runs in played.values()) and (jsonl is None or jsonl.error is None)
    return 0 if complete else 1


def _all_clips(
    clips: Sequence[Path],
    player: Player,
    bundle: Bundle,
    options: ReplayOptions,
    mapped: Mapped | None,
    view: PlainView | None,
    jsonl: JsonlSink | None,
) -> list[Played]:
    played: list[Played] = []
    for clip in clips:
        truth = mapped.of(clip.name) if mapped is not None else None
        if mapped is not None and truth is None:
            _complain(f"{clip.name}: no rows of {options.annotations} name this clip; it is not scored")
        try:
            result = player.play(clip, truth)
        except StorageError:
            raise
        except EgoactError as error:
            _complain(error)
            continue
        score = score_run(result, truth) if truth is not None else None
        evidence = gather(result, truth, bundle.thresholds, options.label_age_ms) if truth is not None else None
        played.append(Played(moment_clip(clip), result, truth, score, evidence))
        if jsonl is not None:
            jsonl.run(result, score)
        if view is not None:
            view.summary(result, score)
    return played


def _close(
    options: ReplayOptions,
    bundle: Bundle,
    played: Mapping[str, Sequence[Played]],
    mapped: Mapped | None,
    view: PlainView | None,
) -> None:
    """Everything that is said once, after the last clip."""
    for name, runs in played.items():
        evidence = [run.evidence for run in runs if run.evidence is not None]
        scores = [run.score for run in runs if run.score is not None]
        if view is not None and len(scores) > 1:
            several = f", {name}" if len(played) > 1 else ""
            for line in (f"all {len(scores)} annotated clips{several}", *score_lines(merge(scores))):
                view.title(line)
            for line in verification_lines(judge(evidence)):
                view.title(line)
        if options.export is not None and runs:
            folder = options.export / name if len(played) > 1 else options.export
            truths = [run.truth.segments if run.truth is not None else () for run in runs]
            exports = [Exported(run.media, run.result, truth) for run, truth in zip(runs, truths, strict=True)]
            files = write_exports(folder, exports)
            if view is not None:
                view.title(f"exports: {len(files)} files in {folder}")
    if options.report is not None and any(played.values()):
        file = write_report(options.report, played, bundle, mapped)
        if view is not None:
            view.title(f"report: {file}")
    if options.json:
        print(json.dumps(report_data(played, bundle, mapped), allow_nan=False))


def _complain(problem: EgoactError | str) -> None:
    print(f"egoact replay: {printable(without_secrets(str(problem)))}", file=sys.stderr)
