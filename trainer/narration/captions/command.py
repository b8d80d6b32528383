"""Write down what is heard in each clip: column 'audio_narration' of the clip CSV.

CLIPS is an own-clips CSV (video, start_s, end_s) or a CSV file of ARGO1M; the videos lie in DIR, found by their file
names (ARGO1M: <uid>.mp4). OUT has all columns and rows of CLIPS, and 'audio_narration', 'captioner' and
'captioner_version'. A clip without sound gets an empty narration. Captioners:

  audioset      no language model: the 527 scores of the BEATs that was fine-tuned on AudioSet, as a sentence; scores
                of at least 0.01 are kept in the cache, the highest five in the column 'audio_scores'
  pengi         the paper's: a checkout of microsoft/Pengi (--model) with its checkpoint in configs/; its code is run
  msclap        the captioner of the package msclap (--model: its checkpoint)
  transformers  an audio-language model of the package transformers, in a folder (--model)

Every clip is captioned once: captions are on the disk (--cache) before they are counted, so that a run that was killed
goes on where it stopped when the same command is given again. Files narrated into the same folder share the cache. With
--workers or --ray-address the videos are shared out on Ray, one worker a GPU.

example:
  egoact narrate clips.csv --videos videos --out narrated.csv --captioner audioset --limit 100
  egoact narrate clips.csv --videos videos --out narrated.csv --captioner pengi --model ~/Pengi --device cuda
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from edge.errors import EgoactError, UsageError
from edge.text import printable
from trainer.features.tasks import find_tasks
from trainer.narration.answer_log import AnswerLog, read_answers
from trainer.narration.bar import Bar
from trainer.narration.captions.audioset_captioner import AudioSetCaptioner
from trainer.narration.captions.caption_clips import Captioned, Done, caption_clips, caption_of, captioned_here
from trainer.narration.captions.captioner import Caption, Captioner, Identified
from trainer.narration.captions.clip_sounds import Stretch, columns_of, stretch_key, stretch_of
from trainer.narration.captions.msclap_captioner import MsclapCaptioner
from trainer.narration.captions.pengi_captioner import CONFIGURATIONS, PROMPT, PengiCaptioner
from trainer.narration.captions.ray_captions import CaptionWorker, captioned_by_workers
from trainer.narration.captions.transformers_captioner import PROMPT as QUESTION
from trainer.narration.captions.transformers_captioner import TransformersCaptioner
from trainer.narration.clips_file import ClipsFile, Row, write_clips
from trainer.ray_workers import RayWorkers
from trainer.train_command import check_device

ADDED = ("audio_narration", "captioner", "captioner_version")
SCORES = "audio_scores"
SHOWN_SCORES = 5
CACHE = "captions.jsonl"

Captions = Callable[[Mapping[Path, Sequence[Stretch]]], Iterator[Captioned]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("clips", type=Path, metavar="CLIPS", help="clip CSV")
    add("--videos", type=Path, required=True, metavar="DIR", help="folder of the videos")
    add("--out", type=Path, required=True, metavar="OUT", help="the clip CSV with audio narrations")
    add("--captioner", choices=("audioset", "pengi", "msclap", "transformers"), required=True, help="see above")
    add("--model", type=Path, metavar="PATH", help="see above; audioset: another checkpoint than the known one")
    add("--names", type=Path, metavar="CSV", help="audioset: names of the classes (default: in the folder of weights)")
    add("--most", type=int, default=3, metavar="N", help="audioset: sounds in a sentence (default: 3)")
    add("--least", type=float, default=0.1, metavar="X", help="audioset: lowest score in a sentence (default: 0.1)")
    add("--pengi-config", choices=CONFIGURATIONS, default=CONFIGURATIONS[0], help="default: base")
    add("--prompt", metavar="TEXT", help=f"pengi: default '{PROMPT}'; transformers: '{QUESTION}'")
    add("--cache", type=Path, metavar="FILE", help=f"what was captioned so far (default: {CACHE} beside OUT)")
    add("--limit", type=int, metavar="N", help="caption N clips more, and no others")
    add("--dry-run", action="store_true", help="say how many clips it would caption, and stop")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", metavar="NAME", help="cpu or cuda")
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add("--workers", type=int, metavar="N", help="processes on Ray (default: this one alone)")
    add("--ray-address", metavar="ADDRESS", help="of a Ray cluster: auto, HOST:PORT or ray://HOST:PORT")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Returns 0, or 1 when videos are missing or cannot be read.

    Raises:
        UsageError: an option is wrong. EgoactError: a file or the captioner fails.
    """
    _check(args)
    clips = ClipsFile(args.clips)
    columns = columns_of(clips)
    stretches = list(dict.fromkeys(stretch_of(clips.path, row, columns) for row in clips.rows()))
    if not stretches:
        raise EgoactError(f"{clips.path}: holds no clip")
    videos = _videos(args.videos, by_stem="uid" in clips.columns)
    if args.dry_run or ((args.workers or 1) == 1 and args.ray_address is None):
        captioner = _captioner(args)
        here: Captions = partial(captioned_here, captioner=captioner)
        return _narrate(args, clips, columns, stretches, videos, captioner, here)
    workers = RayWorkers(partial(_caption_worker, args), args.workers, args.ray_address, args.threads)
    try:
        identity: Identified = workers.first("identity")
        there: Captions = partial(captioned_by_workers, workers=workers)
        return _narrate(args, clips, columns, stretches, videos, identity, there)
    finally:
        workers.close()


def _narrate(
    args: argparse.Namespace,
    clips: ClipsFile,
    columns: tuple[str, str, str],
    stretches: Sequence[Stretch],
    videos: Mapping[str, Path],
    captioner: Identified,
    captioned: Captions,
) -> int:
    cache: Path = args.cache or args.out.with_name(CACHE)
    keys = {s: stretch_key(captioner, s, videos[s.video]) for s in stretches if s.video in videos}
    missing = sorted({s.video for s in stretches} - set(videos))
    if args.dry_run:
        known = read_answers(cache, caption_of)
        todo = sum(key not in known for key in keys.values())
        _print_cost(args, captioner, len(stretches), todo if args.limit is None else min(todo, args.limit), missing)
        return 1 if missing else 0
    with AnswerLog(cache, caption_of) as log:
        wanted: dict[Path, list[Stretch]] = {}
        todo_keys = [(s, key) for s, key in keys.items() if key not in log.answers][: args.limit]
        for stretch, _ in todo_keys:
            wanted.setdefault(videos[stretch.video], []).append(stretch)
        done = Done()
        if wanted:
            bar = Bar(len(todo_keys), "clips", sys.stderr)
            done = caption_clips(captioned(wanted), captioner, log, bar)
            bar.end()
        done.problems += [f"{name}: is not in {args.videos}" for name in missing]
        scored = (SCORES,) if args.captioner == "audioset" else ()
        added = [name for name in (*ADDED, *scored) if name not in clips.columns]
        told: Counter[str] = Counter()
        rows = _narrated_rows(clips, columns, captioner, keys, log.answers, told, bool(scored))
        written = write_clips(args.out, (*clips.columns, *added), rows)
    _report(args, captioner, done, written, told)
    for problem in done.problems[:20]:
        print(f"egoact narrate: {printable(problem)}", file=sys.stderr)
    if len(done.problems) > 20:
        print(f"egoact narrate: and {len(done.problems) - 20:,} videos more", file=sys.stderr)
    return 1 if done.problems else 0


def _check(args: argparse.Namespace) -> None:
    for option in ("limit", "most", "threads", "workers"):
        value = getattr(args, option)
        if value is not None and value < 1:
            raise UsageError(f"--{option} {value}: must be at least 1")
    if not 0 < args.least < 1:
        raise UsageError(f"--least {args.least:g}: must be between 0 and 1")
    if args.captioner in ("pengi", "transformers") and args.model is None:
        raise UsageError(f"--captioner {args.captioner} needs --model: its folder")
    if args.out.exists() and args.clips.exists() and args.out.samefile(args.clips):
        raise UsageError(f"--out {args.out}: would replace the clips; give another file")
    check_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)


def _videos(folder: Path, by_stem: bool) -> dict[str, Path]:
    return {task.path.stem if by_stem else task.name: task.path for task in find_tasks([folder])}


def _caption_worker(args: argparse.Namespace, device: str, threads: int) -> CaptionWorker:
    """Made in a worker's process."""
    torch.set_num_threads(threads)
    paths = {name: path.absolute() for name in ("model", "names") if (path := getattr(args, name)) is not None}
    return CaptionWorker(_captioner(argparse.Namespace(**{**vars(args), **paths, "device": device})))


def _captioner(args: argparse.Namespace) -> Captioner:
    if args.captioner == "pengi":
        return PengiCaptioner(args.model, args.pengi_config, prompt=args.prompt or PROMPT, device=args.device)
    if args.captioner == "msclap":
        return MsclapCaptioner(args.model, device=args.device)
    if args.captioner == "transformers":
        return TransformersCaptioner(args.model, prompt=args.prompt or QUESTION, device=args.device)
    return AudioSetCaptioner(args.model, args.names, device=args.device, most=args.most, least=args.least)


def _narrated_rows(
    clips: ClipsFile,
    columns: tuple[str, str, str],
    captioner: Identified,
    keys: Mapping[Stretch, str],
    answers: Mapping[str, Caption],
    told: Counter[str],
    scored: bool,
) -> Iterator[Row]:
    for row in clips.rows():
        caption = answers.get(keys.get(stretch_of(clips.path, row, columns), ""))
        text = "" if caption is None else caption.text
        told[text] += 1
        by = (captioner.name, captioner.version) if text else ("", "")
        more = {SCORES: _shown(caption)} if scored else {}
        yield {**row, **dict(zip(ADDED, (text, *by), strict=True)), **more}


def _shown(caption: Caption | None) -> str:
    scores = {} if caption is None or caption.scores is None else caption.scores
    return "; ".join(f"{name} {score:.2f}" for name, score in list(scores.items())[:SHOWN_SCORES])


def _print_cost(args: argparse.Namespace, captioner: Identified, clips: int, todo: int, missing: list[str]) -> None:
    if args.json:
        found = {"clips": clips, "calls": todo, "missing_videos": len(missing)}
        print(json.dumps({"captioner": captioner.name, "version": captioner.version, **found}))
        return
    print(f"{clips:,} different clips, {todo:,} to caption by {captioner.name} ({printable(captioner.version)})")
    if missing:
        print(f"{len(missing):,} videos are not in {printable(str(args.videos))}, first: {printable(missing[0])}")


def _report(args: argparse.Namespace, captioner: Identified, done: Done, written: int, told: Counter[str]) -> None:
    without = told.pop("", 0)
    if args.json:
        found = {"clips": written, "captioned": done.captioned, "silent": done.silent, "without_narration": without}
        by = {"captioner": captioner.name, "captioner_version": captioner.version}
        print(json.dumps({"out": str(args.out), **found, **by, "different": len(told), "failed": len(done.problems)}))
        return
    print(f"{printable(str(args.out))}: {written:,} clips, {done.captioned:,} captioned now, {without:,} not narrated")
    print(
        f"{len(told):,} different narrations by {captioner.name} ({printable(captioner.version)}); the most frequent:"
    )
    for text, count in told.most_common(5):
        print(f"  {count:>9,}  {printable(text)}")
