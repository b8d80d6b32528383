"""What a reader must know of a table beside its numbers."""

from __future__ import annotations

from trainer.methods.paper_tables import (
    SPLITS,
    TABLE_1,
    TABLE_1_PRINTED_MEAN_DROP,
    TABLE_2,
    TABLE_2_PRINTED_MEAN,
    TABLE_3,
    TABLE_3_PRINTED_MEAN,
    TABLE_4,
    TABLE_4_PRINTED_MEAN,
    drop_of_seen,
    drop_of_unseen,
    mean,
)
from trainer.models.fusion import Modalities
from trainer.tables.layout import METHOD_TITLES, MODALITY_TITLES, Layout
from trainer.tables.panels import Grid, Scores
from trainer.tables.source import Kind
from trainer.tables.split_clips import FOLDS
from trainer.tables.statistics import EXACT_FLIPS, LEVEL, RANDOM_FLIPS, least_p

PRINTED_DROPS: tuple[tuple[Modalities, str, float], ...] = (("au", "Sh IND", 21.6), ("ap", "Cl US-MN", 38.2))
"""Cells of table 1 that do not follow from the accuracies printed beside them."""


def notes(table: Layout, kind: Kind, description: str, training: str, grid: Grid, scores: Scores) -> list[str]:
    """Paragraphs below a table."""
    return [
        description,
        _clips(grid, scores),
        training,
        *_statistics(table, grid),
        *([_DEFINITIONS] if table.number == 1 else []),
        *_paper(table, kind, grid),
    ]


_DEFINITIONS = (
    f"Within the domain: the test domain's videos are divided into {FOLDS} parts; training sees the training domains"
    " and all parts but one, and is tested on that one; together the tests cover the clips that the training outside is"
    " tested on. The paper does not say how it made this division. Accuracies on unseen videos of the training domains"
    " come from the trainings outside; they belong to other clips, which may be easier or harder."
    " The paper divides a drop by the accuracy outside, which gives larger figures than the usual division by the"
    " accuracy within; both are given."
)


def _clips(grid: Grid, scores: Scores) -> str:
    counts = {run.split: score.parts["test"].clips for run, score in scores.items() if run.fold is None}
    tested = [counts[split] for split in grid.splits]
    least, most = min(tested), max(tested)
    of_split = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return (
        f"Test clips: {of_split} a split, {sum(tested):,} in all; every one of them counts. (CIR's released code drops"
        " the last incomplete batch of an evaluation, up to 127 clips.)"
    )


def _statistics(table: Layout, grid: Grid) -> list[str]:
    splits, seeds = len(grid.splits), len(grid.seeds)
    others = len(table.rows) - 1
    lines = [f"{splits} splits, {seeds} {'seed' if seeds == 1 else 'seeds'} ({', '.join(map(str, grid.seeds))})."]
    if splits > 1:
        lines.append(
            f"Intervals: Student's t, {100 * LEVEL:g} %, over the {splits} split means (each the mean of its seeds)."
            " What varies is the held-out domain, with its finite test set; seeds are averaged, not counted as"
            " evidence. Splits share most of their training clips, so that they are not quite independent."
        )
    else:
        lines.append("One split: no interval and no statement about other domains.")
    if seeds > 1:
        lines.append("s.d.: standard deviation over seeds within a split, pooled over the splits.")
    drawn = f"{RANDOM_FLIPS:,} drawn choices" if splits * seeds > EXACT_FLIPS else "all choices"
    lines.append(
        f"Tests against '{table.reference}': differences paired by split and seed, two-sided sign-flip permutation,"
        f" adjusted for {others} rows (Holm). p (splits) flips whole splits: does it hold for other domains? Its"
        f" smallest value before the adjustment is {least_p(splits):.3g}. p (runs) flips every pair ({drawn}): does it"
        " hold on these splits for other seeds?"
    )
    return lines


def _paper(table: Layout, kind: Kind, grid: Grid) -> list[str]:
    if kind == "argo1m":
        lines = ["In brackets: the paper's cells. It gives neither seeds nor intervals."]
        missing = [split for split in grid.splits if split not in table.paper_splits]
        if missing:
            lines.append(f"The paper's table has no {', '.join(missing)}: its means are over the other splits.")
    else:
        lines = [
            "The paper's figures are means over ARGO1M's splits, computed from its cells: other clips, classes and"
            " backbones. Only the order of rows and the sign of differences can be compared. It gives neither seeds nor"
            " intervals."
        ]
    return [*lines, *_misprints(table)]


def _misprints(table: Layout) -> list[str]:
    if table.number == 1:
        return [_table_1_misprints()]
    printed: dict[str, tuple[float, float]] = {}
    if table.number == 2:
        printed = {METHOD_TITLES[m]: (TABLE_2_PRINTED_MEAN[m], mean(TABLE_2[m])) for m in TABLE_2}
    elif table.number == 3:
        printed = {MODALITY_TITLES[m]: (TABLE_3_PRINTED_MEAN[m], mean(TABLE_3[m])) for m in TABLE_3}
    else:
        printed = {METHOD_TITLES[m]: (TABLE_4_PRINTED_MEAN[m], mean(TABLE_4[m])) for m in TABLE_4}
    odd = [
        f"{said:g} for '{title}' (its cells give {found:.2f})"
        for title, (said, found) in printed.items()
        if abs(said - found) > 0.0501  # more than rounding
    ]
    return [f"The paper prints a mean of {' and '.join(odd)}."] if odd else []


def _table_1_misprints() -> str:
    cells = []
    for setting, split, said in PRINTED_DROPS:
        seen, unseen = (side[SPLITS.index(split)] for side in TABLE_1[setting])
        cells.append(f"{said:g} % for {MODALITY_TITLES[setting]} on {split} ({drop_of_unseen(seen, unseen):.1f} %)")
    means = []
    for setting, said in TABLE_1_PRINTED_MEAN_DROP.items():
        pairs = list(zip(*TABLE_1[setting], strict=True))
        found = mean(tuple(drop_of_unseen(*pair) for pair in pairs))
        usual = mean(tuple(drop_of_seen(*pair) for pair in pairs))
        means.append(f"{MODALITY_TITLES[setting]} {said:g} ({found:.1f}; {usual:.1f} of the accuracy within)")
    return (
        f"Inconsistent in the paper's table 1, with what its accuracies give: {' and '.join(cells)}. Its mean drops:"
        f" {', '.join(means)}. Its last mean is the ratio of the printed mean"
        " accuracies, while the other rows average the ratios. The figures shown here are computed from the printed"
        " accuracies."
    )
