"""The proof of a tuning in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields

from edge.bundle import Thresholds
from edge.tune.proof import WAYS, Gain, Proof

_NAMES = {"argmax": "plain argmax", "before": "before", "tuned": "tuned"}


def proof_lines(proof: Proof) -> Iterator[str]:
    """A line a threshold that changes, a line a set of clips."""
    yield f"  {'':<18}{'before':>10}{'tuned':>10}"
    for field in fields(Thresholds):
        before, after = getattr(proof.before, field.name), getattr(proof.after, field.name)
        yield f"  {field.name:<18}{before:>10.4g}{after:>10.4g}{'' if before != after else '   as it was'}"
    yield (
        f"  segment F1 at IoU 0.5{'':<14}" + "".join(f"{_NAMES[way]:>14}" for way in WAYS) + "   tuned - argmax [95 %]"
    )
    for name, gain in (
        ("groups left out", proof.left_out),
        ("clips not used", proof.unseen),
        ("clips fitted on", proof.fitted),
    ):
        if gain is not None:
            yield _gain_line(name, gain)
    if proof.known_kept is not None:
        yield f"  familiarity keeps {100 * proof.known_kept:.1f} % of the right labels of groups left out"


def _gain_line(name: str, gain: Gain) -> str:
    clips = "1 clip" if gain.clips == 1 else f"{gain.clips} clips"
    title = f"    {name} ({clips}, {gain.groups} groups)"
    values = "".join(f"{gain.f1[way]:>14.3f}" for way in WAYS)
    low, high = gain.over_argmax
    return f"{title:<37}{values}   {gain.f1['tuned'] - gain.f1['argmax']:+.3f} [{low:+.3f}, {high:+.3f}]"


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
        "tuned_over_argmax_95": [round(value, 4) for value in gain.over_argmax],
        "tuned_over_before_95": [round(value, 4) for value in gain.over_before],
    }
