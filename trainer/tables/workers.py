"""Units of runs shared out to a few processes of one thread each.

A worker lives on a pipe: it ends when the other end is gone, so that nothing is left behind by a killed command.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import torch

from edge.errors import EgoactError
from trainer.tables.runs import Run
from trainer.tables.workshop import Workshop

Done = Callable[[Sequence[Run]], None]
"""Called in this process after every unit."""


def run_units(workshop: Workshop, units: Sequence[Sequence[Run]], workers: int, done: Done) -> None:
    """Train all units; with one worker in this process, which then uses all its threads.

    Raises:
        EgoactError: what a unit raised, or a worker was killed. What is finished by then stays.
    """
    if workers == 1:
        for unit in units:
            workshop.work(unit)
            done(unit)
        return
    context, waiting = multiprocessing.get_context("spawn"), list(reversed(units))
    processes: list[SpawnProcess] = []
    busy: list[Connection] = []
    try:
        for _ in range(min(workers, len(units))):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, workshop), daemon=True)
            process.start()
            theirs.close()  # else the end of the process would not be seen here
            processes.append(process)
            busy.append(ours)
            ours.send(waiting.pop())
        while busy:
            for connection in wait(busy):
                assert isinstance(connection, Connection)
                done(_answer(connection))
                if waiting:
                    connection.send(waiting.pop())
                else:
                    busy.remove(connection)
                    connection.close()
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _answer(connection: Connection) -> Sequence[Run]:
    try:
        unit, problem = connection.recv()
    except (EOFError, ConnectionError):
        raise EgoactError(
            "a worker process was killed (out of memory?); give the command again, with --workers 1: finished runs stay"
        ) from None
    if problem is not None:
        raise problem
    return unit


def _serve(connection: Connection, workshop: Workshop) -> None:
    """The life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends its workers itself
    torch.set_num_threads(1)
    while True:
        try:
            unit = connection.recv()
        except EOFError:
            return
        problem: BaseException | None = None
        try:
            workshop.work(unit)
        except EgoactError as error:
            problem = error
        except Exception as error:  # a defect: what it says must reach the command
            problem = RuntimeError(traceback.format_exception_only(error)[-1].strip())
        connection.send((unit, problem))
