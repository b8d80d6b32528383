"""The loop of a rating run: pairs go out to a rater, what comes back is on the disk before it is counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from trainer.narration.answer_log import AnswerLog
from trainer.narration.bar import Bar
from trainer.narration.rating.rater import Pair, Rater, RaterError, Rating, UnratedError, pair_key

HOPELESS_ROW = 8
"""So many batches in a row that fail, beside those under way, end the run: the rater is gone."""

Ratings = AnswerLog["float | None"]
"""Percentage, or None where no reply was one, by `pair_key`."""


@dataclass
class Spent:
    """What a run cost."""

    calls: int = 0
    rated: int = 0
    missing: int = 0
    """Pairs whose replies were no percentages."""
    problems: list[str] = field(default_factory=list)
    """Why pairs could not be rated this time, one line a pair."""


def percent_of(line: Mapping[str, Any]) -> float | None:
    """The rating in a line of the log."""
    value = line["percent"]
    return None if value is None else float(value)


def rate_pairs(pairs: Sequence[Pair], rater: Rater, log: Ratings, bar: Bar) -> Spent:
    """Rate `pairs`, all different and none in `log`; what is under way when the run is given up is kept, too.

    Raises:
        RaterError: no pair can be rated any more. AnswerLogError: the disk refuses.
    """
    spent = Spent()
    batches = _batches(pairs, rater.batch_pairs)
    running: dict[Future[list[Rating]], list[Pair]] = {}
    failed_row = 0
    with ThreadPoolExecutor(rater.concurrency) as threads:
        try:
            while True:
                for batch in itertools.islice(batches, rater.concurrency - len(running)):
                    running[threads.submit(rater.rate, batch)] = batch
                if not running:
                    return spent
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                finished = [(running.pop(future), future) for future in done]
                _keep(finished, rater, log, bar, spent)
                for _, future in finished:  # after all that came back is kept
                    problem = future.exception()
                    failed_row = failed_row + 1 if isinstance(problem, UnratedError) else 0
                    if problem is not None and not isinstance(problem, UnratedError):
                        raise problem
                    if failed_row > HOPELESS_ROW + rater.concurrency:
                        raise RaterError(f"{problem}; {failed_row} failures in a row; what was rated is kept")
        except BaseException:
            rater.stop()
            wait(running)
            _keep([(batch, future) for future, batch in running.items()], rater, log, bar, spent)
            raise


def _keep(
    finished: Iterable[tuple[list[Pair], Future[list[Rating]]]], rater: Rater, log: Ratings, bar: Bar, spent: Spent
) -> None:
    lines: list[dict[str, Any]] = []
    count = 0
    for batch, future in finished:
        count += len(batch)
        problem = future.exception()
        if problem is not None:
            spent.problems += [str(problem)] * len(batch)
            continue
        for pair, rating in zip(batch, future.result(), strict=True):
            spent.calls += rating.calls
            spent.rated += rating.percent is not None
            spent.missing += rating.percent is None
            lines.append({"key": pair_key(rater.name, pair), **rating._asdict(), **pair._asdict(), "rater": rater.name})
    if lines:
        log.append(lines)
    trouble = (spent.missing and f"{spent.missing} missing", spent.problems and f"{len(spent.problems)} failed")
    bar.add(count, ", ".join(part for part in trouble if part))


def _batches(pairs: Iterable[Pair], size: int) -> Iterator[list[Pair]]:
    iterator = iter(pairs)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
