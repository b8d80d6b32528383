"""Exports read back by other people's readers: FFmpeg for WebVTT, pympi for ELAN, our own reader for the CSV."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path

import av
import pympi
import pytest

from edge.annotations import read_annotations
from edge.contract import NS_PER_S, Segment
from edge.errors import EgoactError
from edge.exports.elan import elan
from edge.exports.segments_csv import segments_csv
from edge.exports.webvtt import webvtt
from edge.exports.write import Exported, write_exports
from tests.edge.snapshots import run_result, seconds, truth_segments

NOW = datetime(2026, 11, 25, tzinfo=timezone.utc)
HOSTILE = 'a-->b <i>&\x1b[0m, "q"\n]]>'


def test_webvtt_as_ffmpeg_reads_it(tmp_path: Path) -> None:
    result = replace(run_result(), segments=(seconds(1.5, 3.25, "cut", 0.83), seconds(3661.0, 3662.5, HOSTILE, 0.5)))
    path = tmp_path / "clip.vtt"
    path.write_text(webvtt(result), encoding="utf-8")
    with av.open(str(path)) as held:
        packets = [p for p in held.demux() if p.size]
    ms = [round(1000 * p.pts * p.time_base) for p in packets]
    assert ms == [1500, 3_661_000]
    assert [round(1000 * p.duration * p.time_base) for p in packets] == [1750, 1500]
    assert bytes(packets[0]).decode() == "cut (83 %)"
    assert bytes(packets[1]).decode() == 'a--&gt;b &lt;i&gt;&amp;\\x1b[0m, "q"\\x0a]]&gt; (50 %)'


def test_elan_as_pympi_reads_it(tmp_path: Path) -> None:
    result, truth = run_result(), (*truth_segments(), seconds(3.5, 4.5, HOSTILE))
    path = tmp_path / "clip.eaf"
    path.write_text(elan(result, truth, tmp_path / "kitchen.mp4", tmp_path, written=NOW), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document = pympi.Eaf(str(path))
    assert set(document.get_tier_names()) == {"egoact", "egoact confidence", "annotated", "annotated 2"}
    said = [(round(s.start_ns / 1e6), round(s.end_ns / 1e6), s.label) for s in result.segments]
    assert sorted(document.get_annotation_data_for_tier("egoact")) == sorted(said)
    values = [
        *document.get_annotation_data_for_tier("annotated"),
        *document.get_annotation_data_for_tier("annotated 2"),
    ]
    assert len(values) == len(truth)
    assert (3500, 4500, 'a-->b <i>&\\x1b[0m, "q"\\x0a]]>') in values
    for tier in ("annotated", "annotated 2"):
        times = sorted(document.get_annotation_data_for_tier(tier))
        assert all(before[1] <= after[0] for before, after in pairwise(times))
    assert document.media_descriptors[0]["RELATIVE_MEDIA_URL"] == "./kitchen.mp4"
    assert document.adocument["FORMAT"] == "3.0"


def test_elan_elements_stand_in_the_order_of_the_schema(tmp_path: Path) -> None:
    from xml.etree import ElementTree

    text = elan(run_result(), (), tmp_path / "x.mkv", tmp_path / "deep", written=NOW)
    root = ElementTree.fromstring(text)
    assert [e.tag for e in root] == ["HEADER", "TIME_ORDER", "TIER", "TIER", "LINGUISTIC_TYPE"]
    assert [e.tag for e in root[0]] == ["MEDIA_DESCRIPTOR", "PROPERTY"]
    slots = [e.attrib["TIME_SLOT_ID"] for e in root.iter("TIME_SLOT")]
    values = [int(e.attrib["TIME_VALUE"]) for e in root.iter("TIME_SLOT")]
    assert values == sorted(values)
    assert root[0][0].attrib["RELATIVE_MEDIA_URL"] == "../x.mkv"
    references = {e.attrib[n] for e in root.iter("ALIGNABLE_ANNOTATION") for n in ("TIME_SLOT_REF1", "TIME_SLOT_REF2")}
    assert references <= set(slots)
    ids = [e.attrib["ANNOTATION_ID"] for e in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(set(ids)) == len(ids)


def test_the_csv_is_an_annotation_again(tmp_path: Path) -> None:
    path = tmp_path / "segments.csv"
    results = [run_result(), run_result(30.0, clip='b,"x".mp4')]
    path.write_text(segments_csv(results), encoding="utf-8")
    read = read_annotations(path)
    assert list(read) == ["kitchen.mp4", 'b,"x".mp4']
    for result in results:
        expected = [(s.label, round(s.start_ns / 1e6), round(s.end_ns / 1e6)) for s in result.segments]
        assert [(s.label, round(s.start_ns / 1e6), round(s.end_ns / 1e6)) for s in read[result.clip]] == expected


def test_all_files_of_two_clips_of_one_name(tmp_path: Path) -> None:
    runs = [Exported(tmp_path / folder / "a.mp4", run_result(5.0, clip="a.mp4"), ()) for folder in ("x", "y")]
    files = write_exports(tmp_path / "out", runs)
    assert {f.name for f in files} == {"segments.csv", "a.vtt", "a.eaf", "a-2.vtt", "a-2.eaf"}
    assert all(f.stat().st_size for f in files)


def test_a_segment_without_length_still_has_a_cue_and_no_segments_no_cue() -> None:
    empty = replace(run_result(), segments=())
    assert webvtt(empty) == "WEBVTT\n\n"
    point = replace(run_result(), segments=(Segment(NS_PER_S, NS_PER_S, "cut", 0.5),))
    assert "00:00:01.000 --> 00:00:01.001" in webvtt(point)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EgoactError, match="cannot be written") as raised:
        write_exports(tmp_path / "file", [])
    assert "\n" not in str(raised.value)
