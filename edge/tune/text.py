"""The proof of a tuning in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields

from edge.bundle import Thresholds
from edge.plain import percent
from edge.tune.proof import WAYS, Gain, Interval, Proof

_NAMES = {"argmax": "plain argmax", "before": "before", "tuned": "tuned"}
_TITLE = 46


def proof_lines(proof: Proof) -> Iterator[str]:
    """The thresholds, then a line a set of clips: segment F1, and what of it a viewer of the stream gets."""
    yield f"  {'':<18}{'before':>10}{'tuned':>10}"
    for field in fields(Thresholds):
        before, after = getattr(proof.before, field.name), getattr(proof.after, field.name)
        yield f"  {field.name:<18}{before:>10.4g}{after:>10.4g}{'' if before != after else '   as it was'}"
    columns = "".join(f"{_NAMES[way]:>14}" for way in WAYS)
    yield f"{'  segment F1 at IoU 0.5':<{_TITLE}}{columns}   {'tuned - argmax [95 %]':<25} tuned - before [95 %]"
    sets = (("groups left out", proof.left_out), ("clips not used", proof.unseen), ("clips fitted on", proof.fitted))
    for name, gain in sets:
        if gain is not None:
            yield _gain_line(name, gain)
    yield "  seconds of annotated action whose label was announced already"
    for name, gain in sets:
        if gain is not None:
            shares = "".join(f"{percent(gain.streaming[way]):>14}" for way in ("before", "tuned"))
            yield f"{f'    {name}':<{_TITLE}}{'':>14}{shares}"
    if proof.known_kept is not None:
        yield f"  familiarity keeps {100 * proof.known_kept:.1f} % of the right labels of groups left out"


def _gain_line(name: str, gain: Gain) -> str:
    clips = "1 clip" if gain.clips == 1 else f"{gain.clips} clips"
    groups = "1 group" if gain.groups == 1 else f"{gain.groups} groups"
    title = f"    {name} ({clips}, {groups})"
    values = "".join(f"{gain.f1[way]:>14.3f}" for way in WAYS)
    over_argmax = _difference(gain.f1["tuned"] - gain.f1["argmax"], gain.over_argmax)
    over_before = _difference(gain.f1["tuned"] - gain.f1["before"], gain.over_before)
    return f"{title:<{_TITLE}}{values}   {over_argmax:<25} {over_before}"


def _difference(mean: float, interval: Interval) -> str:
    return f"{mean:+.3f}" + (f" [{interval[0]:+.3f}, {interval[1]:+.3f}]" if interval is not None else "")


def proof_data(proof: Proof) -> dict[str, object]:
    """Plain JSON values, for --json and for the bundle's provenance."""
    sets = {"groups_left_out": proof.left_out, "clips_not_used": proof.unseen, "clips_fitted_on": proof.fitted}
    return {
        "before": asdict(proof.before),
        "after": asdict(proof.after),
        "segment_f1": {name: _gain_data(gain) for name, gain in sets.items() if gain is not None},
        "right_labels_known": None if proof.known_kept is None else round(proof.known_kept, 4),
    }


def _gain_data(gain: Gain) -> dict[str, object]:
    return {
        "clips": gain.clips,
        "groups": gain.groups,
        **{way: round(value, 4) for way, value in gain.f1.items()},
        "tuned_over_argmax_95": gain.over_argmax and [round(value, 4) for value in gain.over_argmax],
        "tuned_over_before_95": gain.over_before and [round(value, 4) for value in gain.over_before],
        "streaming_share": {way: None if v is None else round(v, 4) for way, v in gain.streaming.items()},
    }
