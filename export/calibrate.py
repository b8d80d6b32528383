"""Calibrates a bundle: ranges -> flavours -> gate -> selection -> temperatures -> a new bundle in its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.audit import changes, sensitivities, smallest_exclusion
from calibration.gate import MIN_WINDOWS, Verdict, judge
from calibration.hold_out import HoldOut, collect, head_logits
from calibration.ranges import collect_ranges
from calibration.scales import Scales, load_scales, save_scales
from calibration.select import REFERENCE, select
from calibration.temperatures import FittedTemperature, fit_temperatures
from calibration.windows import CalibrationWindow, audio_feeds, calibration_windows, video_feeds
from edge.bundle import BASE_FILES, Bundle, Choice, load_bundle, rewrite_manifest, write_bundle
from edge.engines.base import Tensors
from edge.engines.load import Engines, load_engines
from edge.engines.onnxruntime import OnnxRuntimeEngine
from edge.new_folder import new_bundle_folder, restore
from edge.precision import Precisions, processor_can, temperature
from export.calibration_clips import CalibrationClips
from export.calibration_report import Audit, CalibrateOptions, CalibrationReport, provenance
from export.flavours import BACKBONES, write_flavours

Log = Callable[[str], None]
TENSORRT_WINDOWS = 420
"""Of the hold-out: ONNX Runtime takes seconds a window where the device takes milliseconds."""
SAMPLE_WINDOWS = 6
"""Windows kept in memory: for the FP16 overflow check, the audit and the speed measurement."""


def calibrate(options: CalibrateOptions, clips: CalibrationClips, log: Log) -> CalibrationReport:
    """Run all steps; `options.out` appears whole or stays as it was.

    Raises:
        EgoactError: a clip, the bundle, the scales or the disk is at fault; the message says which.
    """
    restore(options.bundle)
    original = load_bundle(options.bundle)
    with new_bundle_folder(options.out) as folder:
        bundle = _copy(original, folder)
        run = _Run(options, clips, bundle, log)
        report = run.everything()
        rewrite_manifest(
            bundle,
            temperatures={key: fitted.temperature for key, fitted in report.temperatures.items()},
            selection=report.selection,
            provenance={**bundle.provenance, "calibration": provenance(options, clips, report)},
        )
    return report


class _Run:
    """One calibration; the steps stand in `everything`, top to bottom."""

    def __init__(self, options: CalibrateOptions, clips: CalibrationClips, bundle: Bundle, log: Log) -> None:
        self.options = options
        self.clips = clips
        self.bundle = bundle
        self.log = log
        self.folder = bundle.path
        self.threads = options.threads or 0
        self.f32 = load_engines(bundle, threads=options.threads)
        self.samples: dict[str, list[Tensors]] = {}

    def everything(self) -> CalibrationReport:
        scales = {name: self.scales(name) for name in BACKBONES}
        flavours = {name: write_flavours(self.folder, name, scales[name], self.samples[name]) for name in BACKBONES}
        engines = {REFERENCE: self.f32, **self.cpu_engines()}
        held = self.collect(engines, self.clips.hold_out)
        audits = {}
        for name in BACKBONES:
            verdict = self.judge(engines, held, name)
            self.log(f"{name} in INT8: {verdict.reason}")
            if self.options.audit or _mendable(verdict):
                audits[name], held = self.audit(name, scales[name], verdict, held)
                if audits[name].excluded:
                    excluded = audits[name].excluded
                    flavours[name] = write_flavours(
                        self.folder, name, scales[name], self.samples[name], exclude=excluded
                    )
        engines |= self.cpu_engines()
        selection = {"cpu": select(engines, held, self.speed_inputs(), self.options.gate)}
        logits = self.mixtures(held, tuple(engines), "cpu")
        if not self.options.cpu_only:
            trt = self.tensorrt_engines()
            held_trt = self.collect({REFERENCE: self.f32, **trt}, self.clips.hold_out, TENSORRT_WINDOWS)
            selection["tensorrt"] = self.select_for_tensorrt(held_trt, tuple(trt))
            fitted_trt = self.fit(self.mixtures(held_trt, (REFERENCE, *trt), "tensorrt"), REFERENCE, held_trt)
        temperatures = self.fit(logits, REFERENCE, held)
        if not self.options.cpu_only:
            # FP32 stands in both; the larger hold-out speaks for it.
            temperatures = fitted_trt | temperatures
        both = logits["int8"]
        names = [self.bundle.labels[k] if k >= 0 else "" for k in held.labels]
        return CalibrationReport(
            flavours=flavours,
            audits=audits,
            selection=selection,
            temperatures=temperatures,
            verdict=judge(logits[REFERENCE], both, held.labels, self.options.gate),
            by_class=tuple(changes(logits[REFERENCE], both, held.labels, names)),
            by_domain=tuple(changes(logits[REFERENCE], both, held.labels, held.domains)),
        )

    def scales(self, name: str) -> Scales:
        """Measured now, or read from the bundle that is being calibrated again."""
        graph, file = self.folder / f"{name}.onnx", f"{name}.scales.json"
        self.samples[name] = _take(self.feeds(name), SAMPLE_WINDOWS)
        if self.options.reuse_scales:
            scales = load_scales(self.options.bundle / file, graph)
        else:
            self.log(f"{name}: ranges of {self.options.windows} windows of {len(self.clips.ranges)} clips")
            scales = collect_ranges(
                graph,
                self.feeds(name),
                method=self.options.method,
                threads=self.threads,
                clips=len(self.clips.ranges),
            )
        save_scales(self.folder / file, scales)
        return scales

    def feeds(self, name: str) -> Iterator[Tensors]:
        """Inputs of a backbone, one window at a time, from the start."""
        windows: Iterator[CalibrationWindow] = calibration_windows(
            self.clips.ranges,
            self.bundle.window,
            count=self.options.windows,
            annotations=self.options.annotations,
            background_label=self.bundle.background_label,
        )
        return video_feeds(windows) if name == "video" else audio_feeds(windows, self.f32.fbank)

    def cpu_engines(self) -> dict[str, Engines]:
        """Engine sets of what the CPU runs beside FP32."""
        bundle = rewrite_manifest(self.bundle)
        wanted = [p for p in ("bf16", "int8") if processor_can(p) or p == "int8"]
        return {p: load_engines(bundle, Precisions(p, p), threads=self.options.threads) for p in wanted}

    def tensorrt_engines(self) -> dict[str, Engines]:
        """What TensorRT will compute, computed by ONNX Runtime: OpenVINO is wrong on signed Q/DQ behind a Concat."""

        def backbone(name: str, precision: str) -> OnnxRuntimeEngine:
            graph = self.folder / f"{name}.{precision}-trt.onnx"
            return OnnxRuntimeEngine(graph, name=name, threads=self.options.threads)

        def made(precision: str) -> Engines:
            return replace(self.f32, video=backbone("video", precision), audio=backbone("audio", precision))

        return {precision: made(precision) for precision in ("f16", "int8")}

    def collect(self, engines: Mapping[str, Engines], clips: tuple[Path, ...], at_most: int | None = None) -> HoldOut:
        windows = min(self.options.hold_out_windows, at_most or self.options.hold_out_windows)
        per_clip = -(-windows // len(clips))
        return collect(
            self.bundle, engines, clips, self.clips.truth, self.clips.domains, per_clip=per_clip, progress=self.log
        )

    def judge(self, engines: Mapping[str, Engines], held: HoldOut, name: str) -> Verdict:
        head = engines[REFERENCE].head
        mixture = ("int8", REFERENCE) if name == "video" else (REFERENCE, "int8")
        reference = head_logits(head, held, REFERENCE, REFERENCE)
        return judge(reference, head_logits(head, held, *mixture), held.labels, self.options.gate)

    def audit(self, name: str, scales: Scales, verdict: Verdict, held: HoldOut) -> tuple[Audit, HoldOut]:
        """Rank the layers; while the gate fails, exclude from the top. Also gives the hold-out with new features."""
        graph = self.folder / f"{name}.onnx"
        ranked = sensitivities(graph, scales, self.samples[name], threads=self.threads, progress=self.log)
        latest = held
        if not _mendable(verdict):
            return Audit(tuple(ranked), (), verdict), held

        def attempt(excluded: tuple[str, ...]) -> Verdict:
            nonlocal latest
            if excluded:
                write_flavours(self.folder, name, scales, self.samples[name], exclude=excluded)
                engines = {"int8": self.cpu_engines()["int8"]}
                latest = _replaced(held, name, self.collect(engines, self.clips.hold_out))
            found = self.judge({REFERENCE: self.f32}, latest, name)
            self.log(f"{name} with {len(excluded)} layers in floating point: {found.reason}")
            return found

        excluded, final = smallest_exclusion([layer.node for layer in ranked], attempt)
        attempt(excluded)
        return Audit(tuple(ranked), excluded, final), latest

    def mixtures(self, held: HoldOut, precisions: tuple[str, ...], backend: str) -> dict[str, NDArray[np.float32]]:
        """Logits of every pair of precisions, by temperature key."""
        pairs = [Precisions(video, audio, backend) for video in precisions for audio in precisions]
        return {pair.key: head_logits(self.f32.head, held, pair.video, pair.audio) for pair in pairs}

    def fit(
        self, logits: Mapping[str, NDArray[np.float32]], reference: str, held: HoldOut
    ) -> dict[str, FittedTemperature]:
        own = temperature(self.bundle, Precisions(REFERENCE, REFERENCE))
        return fit_temperatures(logits, reference, own, held.labels)

    def speed_inputs(self) -> dict[str, Tensors]:
        return {name: self.samples[name][0] for name in BACKBONES}

    def select_for_tensorrt(self, held: HoldOut, precisions: tuple[str, ...]) -> dict[str, Choice]:
        """By the gate alone, INT8 before FP16 before FP32: speed is known only where the plan is built."""
        reference = head_logits(self.f32.head, held, REFERENCE, REFERENCE)
        chosen = {}
        for name in BACKBONES:
            verdicts = {}
            for precision in precisions:
                pair = (precision, REFERENCE) if name == "video" else (REFERENCE, precision)
                logits = head_logits(self.f32.head, held, *pair)
                verdicts[precision] = judge(reference, logits, held.labels, self.options.gate)
            passing = [p for p in ("int8", "f16") if verdicts[p].passed]
            best = passing[0] if passing else REFERENCE
            told = "; ".join(f"{p}: {verdict.reason}" for p, verdict in verdicts.items())
            evidence = {p: {**asdict(verdict), "ms": None} for p, verdict in verdicts.items()}
            chosen[name] = Choice(
                best,
                f"{best} by the gate alone, speed not measured yet, FP16 sums not simulated; {told}",
                evidence,
            )
        return chosen


def _copy(original: Bundle, folder: Path) -> Bundle:
    """The FP32 graphs and the manifest, alone in a new folder."""
    for name in BASE_FILES:
        shutil.copyfile(original.path / name, folder / name)
    return write_bundle(
        folder,
        labels=original.labels,
        background_label=original.background_label,
        window=original.window,
        feature_dims=original.feature_dims,
        temperatures={REFERENCE: temperature(original, Precisions(REFERENCE, REFERENCE))},
        thresholds=original.thresholds,
        provenance=original.provenance,
    )


def _mendable(verdict: Verdict) -> bool:
    """Whether leaving layers out of INT8 may make the gate pass: more windows it cannot make."""
    return not verdict.passed and verdict.windows >= MIN_WINDOWS


def _take(feeds: Iterator[Tensors], count: int) -> list[Tensors]:
    """Feeds spread over all of them: the first ones would all be of one clip."""
    kept: list[Tensors] = []
    step = 1
    for index, feed in enumerate(feeds):
        if index % step == 0:
            kept.append(feed)
        if len(kept) == 2 * count:
            kept, step = kept[::2], 2 * step
    return kept[:count]


def _replaced(held: HoldOut, name: str, fresh: HoldOut) -> HoldOut:
    if name == "audio":
        return replace(held, audio={**held.audio, **fresh.audio})
    return replace(held, appearance={**held.appearance, **fresh.appearance}, motion={**held.motion, **fresh.motion})
