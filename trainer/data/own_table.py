"""Own clips and the built-in world -> the same clip table as ARGO1M's.

A clip is what the device classifies (see `clips_csv.live_clips`): the last three rows of a moment, and the newest row's
audio window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.contract import WindowSpec
from edge.recognizer import MIN_COVERAGE
from trainer.data.clip_facts import ClipFacts, Domain
from trainer.data.clip_rows import AudioRows, VideoRows
from trainer.data.clip_table import ClipTable
from trainer.data.clips_csv import Annotation, LiveClip, live_clips, read_clips_csv
from trainer.data.errors import DatasetError
from trainer.features.store import FeatureStore

UNNAMED = "unnamed"
"""Scenario or location of a video whose annotations name none."""


def own_table(
    annotations_csv: Path, store: FeatureStore, spec: WindowSpec, background_label: str, labels: Sequence[str] = ()
) -> ClipTable:
    """All live clips of an own-clips CSV (`video,start_s,end_s,label[,scenario,location,...]`).

    A video's domain is the scenario and location that most of its annotations name.

    Args:
        labels: the classes in order; those of the file in alphabetical order, then the background, when none are given.

    Raises:
        AnnotationError: the CSV cannot be read.
        FeatureStoreError: a video is not in the store.
        DatasetError: a label is not among `labels`, or there is no clip.
    """
    annotations = read_clips_csv(annotations_csv)
    clips = [
        clip
        for video, rows in annotations.items()
        for clip in live_clips(video, rows, store.video(video).start_tick.tolist(), spec, background_label)
    ]
    if not labels:
        found = {a.label for rows in annotations.values() for a in rows} - {background_label}
        labels = (*sorted(found), background_label)
    domains = {video: video_domain(rows) for video, rows in annotations.items()}
    return live_table(annotations_csv.name, store, clips, labels, domains)


def live_table(
    name: str,
    store: FeatureStore,
    clips: Sequence[LiveClip],
    labels: Sequence[str],
    domains: Mapping[str, Domain],
) -> ClipTable:
    """The table of live clips, in their order; arguments as of `live_facts`.

    Raises:
        FeatureStoreError: a video is not in the store.
        DatasetError: a label is not among `labels`, or there is no clip.
    """
    facts = live_facts(name, clips, labels, domains)
    first_row = _first_rows(store, facts.video_names)
    rows = np.array([clip.rows for clip in clips], np.int64) + first_row[facts.video][:, None]
    newest = rows[:, -1:]
    coverage = store.index()["audio_coverage"].to_numpy()
    audio = AudioRows(store.array("audio"), newest, (coverage[newest] >= MIN_COVERAGE).astype(np.float32))
    return ClipTable(facts, VideoRows(store.array("appearance"), store.array("motion"), rows), audio)


def live_facts(name: str, clips: Sequence[LiveClip], labels: Sequence[str], domains: Mapping[str, Domain]) -> ClipFacts:
    """What is known of live clips beside their features.

    Args:
        name: what errors call them.
        labels: the classes in order.
        domains: (scenario, location) of every video.

    Raises:
        DatasetError: a label is not among `labels`, or there is no clip.
    """
    label_of = {label: index for index, label in enumerate(labels)}
    unknown = sorted({clip.label for clip in clips} - set(label_of))
    if unknown:
        raise DatasetError(f"{name}: label '{unknown[0]}' is none of the {len(labels)} classes; rename it or add it")
    videos = {video: index for index, video in enumerate(dict.fromkeys(clip.video for clip in clips))}
    scenarios = tuple(sorted({domains[video][0] for video in videos}))
    locations = tuple(sorted({domains[video][1] for video in videos}))
    texts: dict[str, int] = {}

    def column(values: list[int]) -> NDArray[np.int64]:
        return np.array(values, np.int64)

    def text_index(text: str) -> int:
        return texts.setdefault(text, len(texts)) if text else -1

    return ClipFacts(
        name=name,
        video=column([videos[clip.video] for clip in clips]),
        label=column([label_of[clip.label] for clip in clips]),
        scenario=column([scenarios.index(domains[clip.video][0]) for clip in clips]),
        location=column([locations.index(domains[clip.video][1]) for clip in clips]),
        consistency=np.array([clip.consistency for clip in clips], np.float32),
        narration=column([text_index(clip.narration) for clip in clips]),
        audio_narration=column([text_index(clip.audio_narration) for clip in clips]),
        video_names=tuple(videos),
        label_names=tuple(labels),
        scenario_names=scenarios,
        location_names=locations,
        texts=tuple(texts),
    )


def video_domain(annotations: Sequence[Annotation]) -> Domain:
    """The (scenario, location) that most annotations of a video name."""
    named = Counter((a.scenario or UNNAMED, a.location or UNNAMED) for a in annotations)
    return named.most_common(1)[0][0] if named else (UNNAMED, UNNAMED)


def _first_rows(store: FeatureStore, videos: Sequence[str]) -> NDArray[np.int64]:
    """Row of the store's arrays at which each video begins."""
    index = store.index()
    names, rows = index["video"].to_numpy(), index["row"].to_numpy()
    first = {name: int(row) for name, row in zip(names[::-1], rows[::-1], strict=True)}
    return np.array([first[video] for video in videos], np.int64)
