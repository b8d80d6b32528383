"""Train a head on the features of clips, with the paper's method, its ablations or its rivals.

SOURCE is a folder of ARGO1M's CSV or .beton files, an own-clips CSV, or a rendered world (egoact world). With --split a
domain is held out and tested at the end; without it (own clips, world) all domains are trained on. RUN gets
model.safetensors (the best epoch on validation clips), last.safetensors, config.json and metrics.jsonl, and where
TensorBoard is installed (egoact[tensorboard]) a folder for it. A killed run goes on with --resume, to the same weights.

The schedule is the paper's unless options say otherwise. The head is 4096 and 512 wide for ARGO1M, 192 and 128 for
others.
Several GPUs or machines: torchrun --nproc-per-node 8 -m edge.cli train ... --device cuda

example:
  egoact train argo1m --split Ar_ITA --features argo1m_store --narrations texts --out runs/ar --device cuda
  egoact train world --split Co-Cat --features features --out runs/cat --method cir --seed 1
  egoact train clips.csv --features features --out runs/mine --drop-video 0.15 --drop-audio 0.15
  egoact train world --split Co-Cat --features features --out runs/x --hyper weight=0.2 --modalities ap+mo
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import torch

from edge.errors import UsageError
from edge.text import printable
from trainer.checkpoint import CONFIG, CheckpointConfig, load_checkpoint, save_checkpoint
from trainer.data.clip_table import ClipTable
from trainer.data.table_hash import table_sha256
from trainer.evaluation import evaluate_clips, markdown
from trainer.loop.errors import RunError
from trainer.loop.fit import fit
from trainer.loop.head_clips import HeadClips, Narrations, embed_narrations
from trainer.loop.metrics import METRICS, has_tensorboard
from trainer.loop.ranks import current_ranks, join_torchrun, leave_torchrun
from trainer.loop.run_state import STATE
from trainer.loop.settings import FitSettings, Precision, Sampling
from trainer.loop.whole_run_file import remove_run_file
from trainer.methods.head_spec import HeadSpec
from trainer.methods.table import METHODS
from trainer.models.fusion import LayerOrder, Modalities
from trainer.narration.hashed_text import HashedText
from trainer.narration.text_features import TextFeatures
from trainer.parts import Files, Parts, load_parts

ALIASES = {"ours": "narration_aligned", "baseline": "erm"}
LARGE, SMALL = (4096, 512), (192, 128)
"""Widths of the head: CIR's for ARGO1M, those of the shipped bundle for others."""
PAPER = FitSettings()


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("source", type=Path, metavar="SOURCE", help="folder or CSV file, see above")
    add("--features", type=Path, metavar="DIR", help="feature store (or Ego4D's <uid>.pt); not for .beton files")
    add("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    add("--split", metavar="NAME", help="what is held out: Ar_ITA, Co-Cat, or SCENARIO/LOCATION of own clips")
    add("--method", default="ours", metavar="NAME", help=f"{', '.join([*ALIASES, *METHODS])} (default: ours)")
    add("--hyper", action="append", default=[], metavar="NAME=VALUE", help="hyper-parameter of the method; repeatable")
    add("--modalities", choices=get_args(Modalities), default="ap+mo+au", help="default: ap+mo+au")
    add("--hidden", type=int, metavar="N", help="width of every encoder's first layer")
    add("--width", type=int, metavar="N", help="width of every encoder's second layer")
    add("--order", choices=get_args(LayerOrder), default="fc-relu-bn", help="default: fc-relu-bn, the paper's")
    add("--epochs", type=int, default=PAPER.epochs, metavar="N", help=f"default: {PAPER.epochs}")
    add(
        "--batch", type=int, default=PAPER.batch, metavar="N", help=f"default: {PAPER.batch}, of all processes together"
    )
    add("--lr", type=float, default=PAPER.lr, metavar="X", help=f"default: {PAPER.lr:g}")
    add("--milestones", default="30,40", metavar="A,B", help="epochs after which lr is divided by ten (default: 30,40)")
    add("--drop-video", type=float, default=0.0, metavar="P", help="share of clips whose video is hidden (default: 0)")
    add("--drop-audio", type=float, default=0.0, metavar="P", help="likewise for sound")
    add("--sampling", choices=get_args(Sampling), default="shuffled", help="equal shares of classes or domains")
    add("--keep", choices=("best", "last"), default="best", help="which epoch's weights (default: best on validation)")
    add("--seed", type=int, default=0, metavar="N", help="default: 0")
    add("--actions-only", action="store_true", help="own clips, world: leave the background out, as ARGO1M does")
    add("--audio", type=Path, metavar="DIR", help="ARGO1M: another store, or a folder of <name of the CSV>.npy")
    add("--manifest", type=Path, metavar="CSV", help="ARGO1M: Ego4D's manifest.csv, to keep videos with sound only")
    add("--narrations", type=Path, metavar="DIR", help="embedded narrations (default: hashed words)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", metavar="NAME", help="cpu or cuda")
    add(
        "--precision",
        choices=get_args(Precision),
        default=PAPER.precision,
        help="of the products; auto: bfloat16 on a GPU that has it, else float32",
    )
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add("--save-every", type=float, default=60.0, metavar="S", help="seconds between two savings (default: 60)")
    add("--resume", action="store_true", help="go on with the run in RUN")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Returns 0.

    Raises:
        UsageError: an option is wrong. EgoactError: clips or features cannot be read, or the disk refuses.
    """
    settings, hyper = _settings(args), _hyper(args.hyper)
    if args.resume and (args.out / CONFIG).exists():
        return _finished(args.out, args.json)
    _check_folder(args.out, args.resume)
    if args.threads:
        torch.set_num_threads(args.threads)
    device = join_torchrun(args.device)
    first = current_ranks().first

    def say(line: str) -> None:
        if first:
            print(printable(line), file=sys.stderr, flush=True)

    files = Files(args.source, args.features, args.audio, args.manifest)
    parts = load_parts(files, args.split, actions_only=args.actions_only)
    train = head_clips(parts.train, args.narrations, device)
    validation = None if parts.validation is None else head_clips(parts.validation, args.narrations, device)
    spec = _head_spec(args, parts, train)
    say(_counts(parts))
    if not has_tensorboard():
        say(f"figures go to {args.out / METRICS}; for TensorBoard: pip install 'egoact[tensorboard]'")

    method = ALIASES.get(args.method, args.method)
    result = fit(method, hyper, spec, train, validation, settings, args.out, say, args.save_every)

    if first:
        test = None if parts.test is None else head_clips(parts.test, args.narrations, device)
        clips = {"validation": validation, "test": test}
        figures = {
            name: evaluate_clips(result.method, part, parts.background)
            for name, part in clips.items()
            if part is not None
        }
        config = CheckpointConfig(
            method=method,
            hyper=hyper,
            labels=parts.train.facts.label_names,
            background=parts.background,
            head=spec,
            feature_spec=parts.feature_spec,
            split=args.split or "",
            seed=settings.seed,
            settings=asdict(settings),
            metrics={"best_epoch": result.best_epoch, **{name: found.summary() for name, found in figures.items()}},
            data_sha256=table_sha256(parts.train),
        )
        save_checkpoint(args.out, result.method, config, result.last_state)
        remove_run_file(args.out / STATE)
        if args.json:
            print(json.dumps({"run": str(args.out), "epochs": result.epochs, **config.metrics}, indent=1))
        else:
            print("\n\n".join(markdown(f"{name} clips", found) for name, found in figures.items()))
    leave_torchrun()
    return 0


def head_clips(table: ClipTable, narrations: Path | None, device: torch.device) -> HeadClips:
    """The clips on the device, with their narrations; every value that they use is read once before.

    Raises:
        DatasetError: a feature is NaN or infinite. TextFeatureError: a narration is not embedded.
    """
    table.require_finite()
    return HeadClips(table, table_narrations(table, narrations), device)


def table_narrations(table: ClipTable, folder: Path | None) -> Narrations:
    """The embedded texts of a table: those in `folder`, or hashed words.

    Raises:
        TextFeatureError: the folder holds no embeddings, or lacks a text.
    """
    if folder is None:
        return embed_narrations(table.facts.texts, HashedText())
    features = TextFeatures(folder)
    return Narrations(features.array, features.rows_of(table.facts.texts))


def _head_spec(args: argparse.Namespace, parts: Parts, train: HeadClips) -> HeadSpec:
    hidden, out = LARGE if parts.kind == "argo1m" else SMALL
    return train.head_spec(
        hidden=args.hidden or hidden, out=args.width or out, modalities=args.modalities, order=args.order
    )


def _settings(args: argparse.Namespace) -> FitSettings:
    for option in ("epochs", "batch", "hidden", "width", "threads", "lr"):
        value = getattr(args, option)
        if value is not None and not value > 0:
            raise UsageError(f"--{option} {value}: must be above 0")
    if min(args.drop_video, args.drop_audio) < 0 or args.drop_video + args.drop_audio > 1:
        raise UsageError("--drop-video and --drop-audio must be shares of the clips, together at most 1")
    try:
        milestones = tuple(int(part) for part in args.milestones.split(",") if part)
    except ValueError:
        raise UsageError(f"--milestones {args.milestones}: write epochs with commas between them, as 30,40") from None
    check_device(args.device)
    return FitSettings(
        epochs=args.epochs,
        batch=args.batch,
        lr=args.lr,
        milestones=milestones,
        drop_video=args.drop_video,
        drop_audio=args.drop_audio,
        sampling=args.sampling,
        keep=args.keep,
        precision=args.precision,
        seed=args.seed,
    )


def check_device(name: str) -> None:
    """Raises UsageError when there is no such device."""
    try:
        found = torch.device(name).type != "cuda" or torch.cuda.is_available()
    except RuntimeError:
        found = False
    if not found:
        raise UsageError(f"--device {name}: there is no such device here; take cpu")


def _hyper(pairs: list[str]) -> dict[str, Any]:
    """NAME=VALUE: numbers, true and false as JSON writes them; anything else is a word."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--hyper {pair}: write NAME=VALUE, as weight=0.2")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _check_folder(folder: Path, resume: bool) -> None:
    if (folder / CONFIG).exists():
        raise RunError(f"{folder}: holds a finished run; look at it with 'egoact evaluate', or give another folder")
    if (folder / STATE).exists() and not resume:
        raise RunError(f"{folder}: holds an unfinished run; go on with --resume, or give another folder")


def _finished(folder: Path, as_json: bool) -> int:
    """A run that was killed after its last file is finished: whoever gives the command again finds it so."""
    remove_run_file(folder / STATE)
    _, config = load_checkpoint(folder)
    if as_json:
        print(json.dumps({"run": str(folder), "epochs": config.settings["epochs"], **config.metrics}, indent=1))
    else:
        print(printable(f"{folder}: finished already; look at it with 'egoact evaluate'"), file=sys.stderr)
    return 0


def _counts(parts: Parts) -> str:
    counts = {"train on": parts.train, "validate on": parts.validation, "test on": parts.test}
    told = [f"{0 if part is None else len(part):,} to {what}" for what, part in counts.items()]
    return f"clips: {', '.join(told)}"
