"""The paper's tables 1 to 4: trains what they need and prints the paper's figures beside ours.

SOURCE is a rendered world (egoact world), a folder of ARGO1M's CSV or .beton files, or an own-clips CSV. Every method,
modality setting, split and seed is one training; its result is one small file in DIR/runs. A killed or repeated command
does only what is missing, and tables share their trainings.

Beside DIR/runs lie table-N.md, table-N.csv, table-N-runs.csv and table-N.svg: means with 95 % intervals over the
splits, paired tests against the table's reference row, and what the runs say of the mechanisms that the paper claims.

example:
  egoact tables 2 world --features features --out tables
  egoact tables all world --features features --out tables --seeds 5
  egoact tables 4 argo1m --features argo1m_store --narrations texts --splits Ar_ITA,Me_SAU --out tables --device cuda
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from edge.errors import UsageError
from trainer.methods.table import METHODS
from trainer.tables.layout import TABLE_NUMBERS, Layout, layout
from trainer.tables.panels import Grid, needed_runs
from trainer.tables.progress import Progress
from trainer.tables.report import report, write_files
from trainer.tables.run_score import RunScore
from trainer.tables.runs import Run, units
from trainer.tables.settings import PAPER, SMALL, TrainingSettings
from trainer.tables.source import Kind, Source, choose_splits, open_source
from trainer.tables.workers import run_units
from trainer.tables.workshop import Workshop, encoder_name


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("table", metavar="TABLE", help="1, 2, 3 or 4; several with commas; or all")
    add("source", type=Path, metavar="SOURCE", help="rendered world, folder of ARGO1M's files, or own-clips CSV")
    add("--features", type=Path, metavar="DIR", help="feature store (or Ego4D's <uid>.pt); not for .beton files")
    add("--out", type=Path, required=True, metavar="DIR", help="where results and tables go")
    add("--audio", type=Path, metavar="DIR", help="ARGO1M: another store, or a folder of <name of the CSV>.npy")
    add("--manifest", type=Path, metavar="CSV", help="ARGO1M: Ego4D's manifest.csv, to keep videos with sound only")
    add("--narrations", type=Path, metavar="DIR", help="embedded narrations (default: hashed words)")
    add("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N-1 (default: 5)")
    add("--splits", default="", metavar="A,B", help="only these (default: the paper's of each table, or all)")
    add("--methods", default="", metavar="A,B", help=f"more rows of table 2: {', '.join(METHODS)}")
    add("--epochs", type=int, metavar="N", help=f"default: {PAPER.fit.epochs}, the paper's")
    add("--workers", type=int, metavar="N", help="processes (default: 2 of one thread each on the processor, else 1)")
    add("--device", default="cpu", metavar="NAME", help="cpu (default) or cuda")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Returns 0.

    Raises:
        UsageError: an option is wrong. EgoactError: clips or features cannot be read, or the disk refuses.
    """
    _check(args)
    source = open_source(args.source, args.features, args.audio, args.manifest)
    tables = [layout(number, _names(args.methods)) for number in _numbers(args.table)]
    grids = {table.number: Grid(_splits(args.splits, source, table), tuple(range(args.seeds))) for table in tables}
    settings = _settings(source.kind, args.epochs)
    splits = tuple(dict.fromkeys(split for grid in grids.values() for split in grid.splits))
    clips_sha256 = {split: source.load(split).sha256() for split in splits}
    encoder = encoder_name(args.narrations)
    workshop = Workshop(source, args.narrations, settings, args.out, clips_sha256, encoder, args.device)

    wanted = list(dict.fromkeys(run for table in tables for run in needed_runs(table, grids[table.number])))
    missing = [run for run in wanted if workshop.ledger.read(run) is None]
    progress = Progress(sys.stderr, len(wanted), len(wanted) - len(missing))
    run_units(workshop, units(missing), args.workers or (2 if args.device == "cpu" else 1), progress.done)

    scores = {run: _finished(workshop, run) for run in wanted}
    training = f"{settings.note()} Narrations are embedded by {encoder}."
    reports = [
        report(table, grids[table.number], _of_table(table, grids[table.number], scores), source, training)
        for table in tables
    ]
    for made in reports:
        write_files(args.out, made.files)
    if args.json:
        print(json.dumps([dict(made.json) for made in reports], indent=1, allow_nan=False))
    else:
        print("\n".join(made.markdown for made in reports))
        print(f"written to {args.out}: {', '.join(name for made in reports for name in made.files)}", file=sys.stderr)
    return 0


def _check(args: argparse.Namespace) -> None:
    for option, value in (("--seeds", args.seeds), ("--epochs", args.epochs), ("--workers", args.workers)):
        if value is not None and value < 1:
            raise UsageError(f"{option} {value}: must be at least 1")
    try:
        found = torch.device(args.device).type != "cuda" or torch.cuda.is_available()
    except RuntimeError:
        found = False
    if not found:
        raise UsageError(f"--device {args.device}: there is no such device here; take cpu")


def _numbers(text: str) -> list[int]:
    if text == "all":
        return list(TABLE_NUMBERS)
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise UsageError(f"table '{text}': give 1, 2, 3 or 4, several with commas, or all") from None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _splits(text: str, source: Source, table: Layout) -> tuple[str, ...]:
    """ARGO1M's tables 1, 3 and 4 have five splits in the paper, and here too unless others are asked for."""
    chosen = choose_splits(_names(text), source)
    if text or source.kind != "argo1m":
        return chosen
    return tuple(split for split in chosen if split in table.paper_splits) or chosen


def _settings(kind: Kind, epochs: int | None) -> TrainingSettings:
    settings = PAPER if kind == "argo1m" else SMALL
    return settings if epochs is None else settings.for_epochs(epochs)


def _finished(workshop: Workshop, run: Run) -> RunScore:
    score = workshop.ledger.read(run)
    assert score is not None, f"{workshop.ledger.path(run)} was just written"
    return score


def _of_table(table: Layout, grid: Grid, scores: Mapping[Run, RunScore]) -> dict[Run, RunScore]:
    return {run: scores[run] for run in needed_runs(table, grid)}
