"""What a calibration was asked, what it found out, and how that is told and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from calibration.audit import GroupChange, Sensitivity
from calibration.gate import Gate, Verdict
from calibration.temperatures import FittedTemperature
from edge.bundle import Choice
from edge.plain import percent
from export.calibration_clips import CalibrationClips
from export.flavours import FlavourReport

DEFAULT_METHOD = "percentile"
WORST_LAYERS = 10


@dataclass(frozen=True)
class CalibrateOptions:
    """What `egoact calibrate` was asked to do."""

    bundle: Path
    out: Path
    method: str = DEFAULT_METHOD
    windows: int = 64
    hold_out_windows: int = 400
    annotations: Path | None = None
    gate: Gate = field(default_factory=Gate)
    audit: bool = False
    reuse_scales: bool = False
    cpu_only: bool = False
    threads: int | None = None


@dataclass(frozen=True)
class Audit:
    """What was found out about one backbone."""

    layers: tuple[Sensitivity, ...]
    excluded: tuple[str, ...]
    verdict: Verdict
    """After the exclusion, with this backbone alone on eight bits."""


@dataclass(frozen=True)
class CalibrationReport:
    """Everything that a calibration found out."""

    flavours: Mapping[str, FlavourReport]
    audits: Mapping[str, Audit]
    selection: Mapping[str, Mapping[str, Choice]]
    temperatures: Mapping[str, FittedTemperature]
    verdict: Verdict
    """Both backbones on eight bits together, on the CPU."""
    by_class: tuple[GroupChange, ...]
    by_domain: tuple[GroupChange, ...]


def provenance(options: CalibrateOptions, clips: CalibrationClips, report: CalibrationReport) -> dict[str, Any]:
    """What the bundle keeps of it."""
    return {
        "method": options.method,
        "windows": options.windows,
        "clips": len(clips.ranges),
        "hold_out": {"clips": len(clips.hold_out), **asdict(report.verdict)},
        "excluded": {name: list(audit.excluded) for name, audit in report.audits.items() if audit.excluded},
        "kept_in_f32": {name: dict(f.cpu.skipped) for name, f in report.flavours.items()},
        "calibration_error": {
            key: {"before": t.error_before, "after": t.error_after} for key, t in report.temperatures.items()
        },
    }


def report_lines(report: CalibrationReport) -> list[str]:
    """For people."""
    lines = [f"INT8 on the CPU, both backbones: {report.verdict.reason}"]
    for backend, choices in report.selection.items():
        lines += [f"  {backend:<9} {engine:<6} {choice.reason}" for engine, choice in choices.items()]
    for key in ("f32", "bf16", "int8"):
        if key in report.temperatures:
            lines.append(f"  {_temperature_line(key, report.temperatures[key])}")
    for name, flavours in report.flavours.items():
        saved = flavours.cpu.bytes_before / flavours.cpu.bytes_after
        lines.append(
            f"  {name}: {len(flavours.cpu.quantised)} of {len(flavours.cpu.quantised) + len(flavours.cpu.skipped)} "
            f"products in INT8, file {saved:.1f}x smaller"
        )
    for name, audit in report.audits.items():
        lines += _audit_lines(name, audit)
    if report.audits:
        lines += _change_lines("class", report.by_class) + _change_lines("domain", report.by_domain)
    return lines


def report_data(report: CalibrationReport) -> dict[str, Any]:
    """The same for machines."""
    return {
        "verdict": asdict(report.verdict),
        "selection": {b: {e: asdict(c) for e, c in choices.items()} for b, choices in report.selection.items()},
        "temperatures": {key: asdict(fitted) for key, fitted in report.temperatures.items()},
        "flavours": {
            name: {
                "quantised": list(f.cpu.quantised),
                "skipped": f.cpu.skipped,
                "kept_in_f32": [k.node for k in f.f16.kept],
            }
            for name, f in report.flavours.items()
        },
        "audits": {name: asdict(audit) for name, audit in report.audits.items()},
        "by_class": [asdict(change) for change in report.by_class],
        "by_domain": [asdict(change) for change in report.by_domain],
    }


def _temperature_line(key: str, fitted: FittedTemperature) -> str:
    line = f"temperature of {key}: {fitted.temperature:.3f}"
    if fitted.error_before is None or fitted.error_after is None:
        return line
    return f"{line}, calibration error {fitted.error_before:.4f} -> {fitted.error_after:.4f}"


def _audit_lines(name: str, audit: Audit) -> list[str]:
    lines = [f"audit of {name}: share of the INT8 noise that goes when one layer alone stays in floating point"]
    lines += [f"  {100 * layer.share:6.1f} %  {layer.node}" for layer in audit.layers[:WORST_LAYERS]]
    if audit.excluded:
        lines.append(f"  kept in floating point: {', '.join(audit.excluded)}; then {audit.verdict.reason}")
    return lines


def _change_lines(kind: str, found: Sequence[GroupChange]) -> list[str]:
    if not found:
        return []
    lines = [f"what INT8 changed by {kind}: windows, same label, accuracy before -> after"]
    for change in found:
        accuracy = f"{percent(change.accuracy_before)} -> {percent(change.accuracy_after)}"
        lines.append(f"  {change.name:<28}{change.windows:>5}   {percent(change.agreement):>8}   {accuracy}")
    return lines
