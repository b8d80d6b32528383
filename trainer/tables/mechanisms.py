"""The mechanisms that the paper claims, tested on the runs of tables 1 and 4."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trainer.methods.paper_tables import drop_of_seen, drop_of_unseen
from trainer.models.fusion import Modalities
from trainer.tables.hypotheses import Hypothesis, hypothesis
from trainer.tables.layout import MODALITY_TITLES, layout
from trainer.tables.panels import Grid, Scores, Values, accuracy, drop_values, in_domain_accuracy
from trainer.tables.runs import out_of_domain
from trainer.tables.statistics import Comparison, compare


def mechanisms(number: int, grid: Grid, scores: Scores) -> tuple[Hypothesis, ...]:
    """The hypotheses that the runs of table `number` can test; () for tables 2 and 3."""
    if number == 1:
        return (appearance_drops_most(grid, scores),)
    if number != 4:
        return ()
    weighting = r_helps_off_screen(grid, scores)
    return (*([weighting] if weighting else []), audio_narrations_align_better(grid, scores))


def appearance_drops_most(grid: Grid, scores: Scores) -> Hypothesis:
    """Section 1 and table 1: appearance suffers more from a new domain than motion and audio do."""
    rows = {row.modalities: row for row in layout(1).rows}
    singles: tuple[Modalities, ...] = ("ap", "mo", "au")
    seen = {m: in_domain_accuracy(scores, rows[m], grid) for m in singles}
    unseen = {m: accuracy(scores, rows[m], grid) for m in singles}
    source = {m: accuracy(scores, rows[m], grid, "source") for m in singles}
    points = {m: seen[m] - unseen[m] for m in singles}
    measures: dict[str, Mapping[Modalities, Values]] = {
        "points": points,
        "% of the accuracy outside": {m: drop_values(drop_of_unseen, seen[m], unseen[m]) for m in singles},
        "% of the accuracy within": {m: drop_values(drop_of_seen, seen[m], unseen[m]) for m in singles},
        "points from unseen videos of the training domains": {m: source[m] - unseen[m] for m in singles},
    }
    differences: list[tuple[str, str, Comparison]] = [
        (f"Appearance's drop less {MODALITY_TITLES[other]}'s", unit, compare(drops["ap"], drops[other]))
        for unit, drops in measures.items()
        for other in singles[1:]
    ]
    beside = [
        f"{MODALITY_TITLES[m].capitalize()}: {seen[m].mean():.1f} % within, {unseen[m].mean():.1f} % outside the"
        f" training domains, {points[m].mean():.1f} points lost; on unseen videos of the training domains"
        f" {source[m].mean():.1f} %."
        for m in singles
    ]
    return hypothesis(
        "Is appearance's drop larger than motion's and audio's?",
        "The same test clips are classified after training with and without other videos of their domain; last, unseen"
        " videos of the training domains are compared with the test clips.",
        len(grid.splits),
        differences,
        beside,
    )


def r_helps_off_screen(grid: Grid, scores: Scores) -> Hypothesis | None:
    """Section 2.2: weighting audio by r spares the model sounds that do not belong to the action. None when nobody says
    which clips are heard from off screen."""
    rows = {row.method: row for row in layout(4).rows}
    pairs = (("erm_r", "erm", "Baseline"), ("narration_aligned", "align_audio", "With alignment"))
    wanted = {name for pair in pairs for name in pair[:2]}
    if any(not {"onscreen", "offscreen"} <= set(s.parts) for run, s in scores.items() if run.method in wanted):
        return None
    differences: list[tuple[str, str, Comparison]] = []
    beside = []
    for weighted, plain, title in pairs:
        on, off = (
            [accuracy(scores, rows[name], grid, part) for name in (weighted, plain)]
            for part in ("onscreen", "offscreen")
        )
        differences += [
            (f"{title}: gain by r on off-screen clips", "points", compare(*off)),
            (f"{title}: that gain less the gain on on-screen clips", "points", compare(off[0] - off[1], on[0] - on[1])),
        ]
        beside.append(
            f"{title}, without and with r: {off[1].mean():.1f} and {off[0].mean():.1f} % on off-screen clips,"
            f" {on[1].mean():.1f} and {on[0].mean():.1f} % on on-screen clips."
        )
    return hypothesis(
        "Does weighting by r help where sounds come from off screen?",
        "r weights the audio in training only; tests are split by whether the action itself is heard.",
        len(grid.splits),
        differences,
        beside,
    )


def audio_narrations_align_better(grid: Grid, scores: Scores) -> Hypothesis:
    """Section 2.1 and table 4: audio aligned with audio narrations (L_at^) against visual ones (L_at)."""
    rows = {row.method: row for row in layout(4).rows}
    audio, visual = rows["align_audio"], rows["align_visual"]
    auc_of = {row.method: _audio_auc(grid, scores, row.method, row.modalities) for row in (audio, visual)}
    accuracy_of = {row.method: accuracy(scores, row, grid) for row in (audio, visual)}
    differences: list[tuple[str, str, Comparison]] = [
        ("Accuracy, audio narrations less visual ones", "points", compare(*accuracy_of.values()))
    ]
    beside = [f"Accuracy: {_means(accuracy_of)} % with audio and with visual narrations."]
    audio_auc, visual_auc = auc_of.values()
    if audio_auc is not None and visual_auc is not None:
        differences.append(
            (
                "Chance that audio lies closer to its own narration than to another, audio narrations less visual ones",
                "points",
                compare(audio_auc, visual_auc),
            )
        )
        beside.append(
            "Chance that the audio of a clip lies closer to its own narration than to another one of the test clips:"
            f" {audio_auc.mean():.1f} % for audio and {visual_auc.mean():.1f} % for visual narrations (50 % knows"
            " nothing)."
        )
    return hypothesis(
        "Do audio narrations align better than visual ones?",
        "Audio is aligned with its own narrations in one training and with the visual ones in the other; tests are on"
        " the held-out domain.",
        len(grid.splits),
        differences,
        beside,
    )


def _audio_auc(grid: Grid, scores: Scores, method: str, modalities: Modalities) -> Values | None:
    """In percent; None when a run has none, since its clips are silent or not narrated."""
    found = grid.values(
        lambda split, seed: 100 * scores[out_of_domain(method, modalities, split, seed)].alignment.get("audio", np.nan)
    )
    return None if np.isnan(found).any() else found


def _means(values: Mapping[str, Values]) -> str:
    return " and ".join(f"{found.mean():.1f}" for found in values.values())
