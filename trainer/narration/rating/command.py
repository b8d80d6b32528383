"""Rate how well the visual and the audio narration of each clip agree, 0..1: column 'consistency' of the clip CSV.

CLIPS is an own-clips CSV or a CSV file of ARGO1M, with the columns 'narration' and 'audio_narration' (others: see
options). OUT has all of its columns and rows, and the columns 'consistency' (what 'egoact train' weights sound by) and
'consistency_by' (the rater). Raters:

  server        any OpenAI-compatible server (vLLM, llama.cpp, Ollama, hosted ones); a key, where the server wants one,
                comes from the environment (OPENAI_API_KEY) and is written nowhere
  transformers  a causal language model in a folder on this machine
  embedded      no language model: a small model on sentence embeddings, made by 'egoact rate-train'

Language models are asked at temperature 0, by default with the prompt of the paper. A reply counts only when it is one
percentage from 0 to 100; otherwise the model is asked again (--asks), and then the rating is missing, never guessed.
Every pair of narrations is asked once, however many clips have it: what came back is on the disk (--cache) before it is
counted, so that a run that was killed goes on where it stopped when the same command is given again. Files rated into
the same folder share the cache. With --workers or --ray-address many processes on Ray load a local model; a server is a
cluster by itself.

example:
  egoact rate clips.csv --out rated.csv --rater server --server http://localhost:8000/v1 --model llama-3 --dry-run
  egoact rate clips.csv --out rated.csv --rater server --server http://localhost:8000/v1 --model llama-3
  egoact rate clips.csv --out rated.csv --rater transformers --model models/smollm2 --limit 100
  egoact rate clips.csv --out rated.csv --rater embedded --model rater.safetensors
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from edge.errors import EgoactError, UsageError
from edge.text import printable
from trainer.narration.answer_log import AnswerLog, read_answers
from trainer.narration.bar import Bar
from trainer.narration.clips_file import ClipsFile, Row, cell_of, write_clips
from trainer.narration.encoder_choice import encoder_named
from trainer.narration.rating.backoff import Backoff
from trainer.narration.rating.embedded_rater import EmbeddedRater
from trainer.narration.rating.prompt import PAPER_PROMPT, read_prompt
from trainer.narration.rating.rate_pairs import Spent, percent_of, rate_pairs
from trainer.narration.rating.rater import Pair, Rater, pair_key, pair_of
from trainer.narration.rating.ray_rater import RaterWorker, RayRater
from trainer.narration.rating.server_rater import ServerRater
from trainer.narration.rating.summary import Summary
from trainer.narration.rating.transformers_rater import TransformersRater
from trainer.ray_workers import RayWorkers
from trainer.train_command import check_device

ADDED = ("consistency", "consistency_by")
CACHE = "ratings.jsonl"
Missing = Literal["one", "drop", "keep"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("clips", type=Path, metavar="CLIPS", help="clip CSV")
    add("--out", type=Path, required=True, metavar="OUT", help="the clip CSV with ratings")
    add("--rater", choices=("server", "transformers", "embedded"), required=True, help="see above")
    add("--server", metavar="URL", help="base address of the server, such as http://localhost:8000/v1")
    add("--model", metavar="NAME", required=True, help="the server's name of it; else a folder or a file")
    add("--encoder", metavar="DIR", help="embedded: sentence encoder (default: the package's MiniLM); or 'hashed'")
    add("--prompt", type=Path, metavar="FILE", help="another prompt; {visual} and {audio} stand for the narrations")
    add("--missing", choices=("one", "drop", "keep"), default="one", help="clips without a rating: 1.0, out, or empty")
    add("--visual-column", default="narration", metavar="NAME", help="default: narration")
    add("--audio-column", default="audio_narration", metavar="NAME", help="default: audio_narration; several: a,b")
    add("--cache", type=Path, metavar="FILE", help=f"what was answered so far (default: {CACHE} beside OUT)")
    add("--limit", type=int, metavar="N", help="ask about N pairs more, and no others")
    add("--dry-run", action="store_true", help="say how many calls it would take, and stop")
    add("--asks", type=int, default=3, metavar="N", help="times a pair is asked at most (default: 3)")
    add("--concurrency", type=int, default=16, metavar="N", help="server: requests at a time (default: 16)")
    add("--attempts", type=int, default=6, metavar="N", help="server: tries of a request that fails (default: 6)")
    add("--pause-s", type=float, default=1.0, metavar="S", help="server: first pause after a failure (default: 1)")
    add("--timeout-s", type=float, default=120.0, metavar="S", help="server: longest wait for a reply (default: 120)")
    add(
        "--max-tokens",
        type=int,
        default=64,
        metavar="N",
        help="longest reply (default: 64; more for models that think)",
    )
    add("--key-variable", default="OPENAI_API_KEY", metavar="NAME", help="environment variable of the key")
    add("--batch", type=int, default=16, metavar="N", help="transformers: pairs at a time (default: 16)")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", metavar="NAME", help="cpu or cuda")
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add("--workers", type=int, metavar="N", help="processes on Ray (default: this one alone)")
    add("--ray-address", metavar="ADDRESS", help="of a Ray cluster: auto, HOST:PORT or ray://HOST:PORT")
    add("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Returns 0, or 1 when pairs failed.

    Raises:
        UsageError: an option is wrong. EgoactError: a file or the rater fails.
    """
    _check(args)
    clips = ClipsFile(args.clips)
    clips.require((args.visual_column, *args.audio_column.split(",")))
    shared_out = (args.workers or 1) > 1 or args.ray_address is not None
    workers = None
    if shared_out and not args.dry_run:
        workers = RayWorkers(partial(_rater_worker, args), args.workers, args.ray_address, args.threads)
    try:
        return _rate(args, clips, _rater(args) if workers is None else RayRater(workers))
    finally:
        if workers is not None:
            workers.close()


def _rate(args: argparse.Namespace, clips: ClipsFile, rater: Rater) -> int:
    cache: Path = args.cache or args.out.with_name(CACHE)
    count, pairs = _count_pairs(clips, args)
    if args.dry_run:
        return _print_cost(args, rater, count, pairs, cache)
    with AnswerLog(cache, percent_of) as log:
        unknown = [pair for pair in pairs if pair_key(rater.name, pair) not in log.answers]
        asked = unknown[: args.limit]
        spent = Spent()
        if asked:
            bar = Bar(len(asked), "pairs", sys.stderr)
            spent = rate_pairs(asked, rater, log, bar)
            bar.end()
        summary = Summary()
        columns = (*clips.columns, *(name for name in ADDED if name not in clips.columns))
        write_clips(args.out, columns, _rated_rows(clips, args, rater.name, log.answers, summary))
    _report(args, summary, spent, len(pairs), len(pairs) - len(unknown))
    for problem, times in _most_frequent(spent.problems):
        print(f"egoact rate: {times:,} pairs failed: {printable(problem)}", file=sys.stderr)
    return 1 if spent.problems else 0


def _check(args: argparse.Namespace) -> None:
    for option in ("limit", "asks", "concurrency", "attempts", "max_tokens", "batch", "threads", "workers"):
        value = getattr(args, option)
        if value is not None and value < 1:
            raise UsageError(f"--{option.replace('_', '-')} {value}: must be at least 1")
    for option in ("pause_s", "timeout_s"):
        if not getattr(args, option) > 0:
            raise UsageError(f"--{option.replace('_', '-')} {getattr(args, option):g}: must be more than 0")
    if (args.rater == "server") != (args.server is not None):
        raise UsageError("--server URL goes with --rater server, and is needed there")
    if args.rater == "server" and (args.workers or args.ray_address):
        raise UsageError("--rater server: the server is the cluster; raise --concurrency, not --workers")
    if args.rater == "embedded" and args.prompt:
        raise UsageError("--prompt: the embedded rater is not asked anything")
    if args.out.exists() and args.clips.exists() and args.out.samefile(args.clips):
        raise UsageError(f"--out {args.out}: would replace the clips; give another file")
    check_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)


def _rater_worker(args: argparse.Namespace, device: str, threads: int) -> RaterWorker:
    """Made in a worker's process."""
    torch.set_num_threads(threads)
    model = str(Path(args.model).absolute())
    return RaterWorker(_rater(argparse.Namespace(**{**vars(args), "device": device, "model": model})))


def _rater(args: argparse.Namespace) -> Rater:
    if args.rater == "embedded":
        return EmbeddedRater(Path(args.model), encoder_named(args.encoder, args.device))
    prompt = read_prompt(args.prompt) if args.prompt else PAPER_PROMPT
    shared = {"asks": args.asks, "max_tokens": args.max_tokens}
    if args.rater == "transformers":
        return TransformersRater(Path(args.model), prompt, device=args.device, batch_pairs=args.batch, **shared)
    return ServerRater(
        args.server,
        args.model,
        prompt,
        Backoff(attempts=args.attempts, first_s=args.pause_s),
        concurrency=args.concurrency,
        timeout_s=args.timeout_s,
        key_variable=args.key_variable,
        **shared,
    )


def _count_pairs(clips: ClipsFile, args: argparse.Namespace) -> tuple[int, list[Pair]]:
    """The number of clips, and their pairs, each once, in the order of the file."""
    count = 0
    pairs: dict[Pair, None] = {}
    for count, row in enumerate(clips.rows(), start=1):  # noqa: B007
        pair = pair_of(row[args.visual_column], cell_of(row, args.audio_column))
        if pair is not None:
            pairs[pair] = None
    if not count:
        raise EgoactError(f"{clips.path}: holds no clip")
    return count, list(pairs)


def _rated_rows(
    clips: ClipsFile, args: argparse.Namespace, rater: str, answers: Mapping[str, float | None], summary: Summary
) -> Iterator[Row]:
    for row in clips.rows():
        pair = pair_of(row[args.visual_column], cell_of(row, args.audio_column))
        key = None if pair is None else pair_key(rater, pair)
        percent = None if key is None else answers.get(key)
        if percent is not None:
            summary.add(percent / 100)
            yield {**row, "consistency": f"{percent / 100:.4f}", "consistency_by": rater}
            continue
        asked = key in answers
        summary.without_pair += key is None
        summary.missing += asked
        summary.not_asked += key is not None and not asked
        if args.missing == "drop":
            summary.dropped += 1
            continue
        # A pair that nobody was asked about yet is no missing rating: its cell stays empty.
        one = args.missing == "one" and (asked or key is None)
        yield {**row, "consistency": "1.0" if one else "", "consistency_by": ""}


def _print_cost(args: argparse.Namespace, rater: Rater, count: int, pairs: list[Pair], cache: Path) -> int:
    known = read_answers(cache, percent_of)
    unknown = [pair for pair in pairs if pair_key(rater.name, pair) not in known][: args.limit]
    most = len(unknown) * (1 if args.rater == "embedded" else args.asks)
    found = {"clips": count, "pairs": len(pairs), "cached": sum(pair_key(rater.name, p) in known for p in pairs)}
    found |= {"calls": len(unknown), "most_calls": most}
    if args.json:
        print(json.dumps({"rater": rater.name, **found}))
    else:
        print(
            f"{count:,} clips, {len(pairs):,} different pairs, {found['cached']:,} of them in {printable(str(cache))}"
        )
        again = f", {most:,} if no reply is a percentage" if most > len(unknown) else ""
        print(f"{len(unknown):,} calls of {printable(rater.name)}{again}")
    return 0


def _report(args: argparse.Namespace, summary: Summary, spent: Spent, pairs: int, cached: int) -> None:
    cost = {"pairs": pairs, "cached": cached, "calls": spent.calls, "failed": len(spent.problems)}
    if args.json:
        print(json.dumps({"out": str(args.out), **cost, **summary.as_json()}))
        return
    print(f"{printable(str(args.out))}: {pairs:,} pairs, {cached:,} known before, {spent.calls:,} calls")
    print("\n".join(summary.lines()))


def _most_frequent(problems: list[str], most: int = 5) -> list[tuple[str, int]]:
    counts = {problem: problems.count(problem) for problem in dict.fromkeys(problems)}
    return sorted(counts.items(), key=lambda item: -item[1])[:most]
