"""The test of a trained head on clips: with all modalities, without audio, without video, and for every domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.contract import HEAD_MASK, MODES
from trainer.evaluate import Metrics, as_json, confusion, metrics, softmax
from trainer.loop.head_clips import HeadClips
from trainer.loop.predict import masked_logits
from trainer.methods.method import Method

SEEN = {"all": "all", "video": "without audio", "audio": "without video"}
"""What a mode is called in a table."""


@dataclass(frozen=True)
class Evaluation:
    """Figures of a head on some clips."""

    modes: dict[str, Metrics]
    """Mode -> figures, for the modes of `edge.contract.MODES` in which the head sees anything."""
    domains: dict[str, dict[str, Metrics]]
    """'SCENARIO/LOCATION' -> mode -> figures."""
    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    """int64 [K, K]: rows are true labels, columns are predictions with all modalities."""

    def summary(self) -> dict[str, dict[str, Any]]:
        """The modes' figures as JSON values."""
        return as_json(self.modes)

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "modes": _plain(self.modes),
            "domains": {name: _plain(found) for name, found in self.domains.items()},
            "labels": list(self.labels),
            "confusion": self.confusion.tolist(),
        }


def evaluate_clips(method: Method, clips: HeadClips, background: str | None = None) -> Evaluation:
    """Judge every clip: none is dropped, whatever the size of the batches."""
    seen = [i for i, mask in enumerate(HEAD_MASK) if any(mask[list(s)].all() for s in method.model.streams)]
    probabilities = softmax(masked_logits(method, clips, HEAD_MASK[seen]))
    facts = clips.table.facts
    label = None if background is None else facts.label_names.index(background)
    code = facts.scenario * len(facts.location_names) + facts.location

    def figures(chosen: NDArray[np.bool_]) -> dict[str, Metrics]:
        return {
            MODES[i]: metrics(probabilities[chosen, place], facts.label[chosen], label) for place, i in enumerate(seen)
        }

    domains = {
        "/".join(domain): _code(facts.scenario_names, facts.location_names, domain) for domain in facts.domain_counts()
    }
    return Evaluation(
        modes=figures(np.ones(len(clips), bool)),
        domains={name: figures(code == number) for name, number in domains.items()},
        labels=facts.label_names,
        confusion=confusion(probabilities[:, 0].argmax(axis=1), facts.label, len(facts.label_names)),
    )


def markdown(name: str, found: Evaluation) -> str:
    """A table of the modes, and one of the domains where there are several."""
    lines = [
        f"| {name} | clips | top-1 | mean class | calibration error |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {SEEN[mode]} | {m.clips:,} | {m.top1:.1%} | {m.mean_class:.1%} | {m.calibration_error:.3f} |"
            for mode, m in found.modes.items()
        ),
    ]
    if len(found.domains) > 1:
        modes = list(found.modes)
        lines += [
            "",
            f"| domain | clips | {' | '.join(SEEN[mode] for mode in modes)} |",
            "|---|---:" + "|---:" * len(modes) + "|",
        ]
        for domain, of_mode in found.domains.items():
            cells = " | ".join(f"{of_mode[mode].top1:.1%}" for mode in modes)
            lines.append(f"| {domain} | {of_mode[modes[0]].clips:,} | {cells} |")
    return "\n".join(lines)


def _code(scenarios: Sequence[str], locations: Sequence[str], domain: tuple[str, str]) -> int:
    return scenarios.index(domain[0]) * len(locations) + locations.index(domain[1])


def _plain(figures: dict[str, Metrics]) -> dict[str, dict[str, Any]]:
    """JSON has no NaN."""
    return {mode: {k: v if v == v else None for k, v in asdict(m).items()} for mode, m in figures.items()}
