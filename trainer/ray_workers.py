"""Workers on Ray: embedded on this machine, or on a cluster whose address is given.

What a command does by itself it does here with many processes; its files are written by the process that was started.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import Queue
from typing import Any, TypeVar

from edge.errors import EgoactError

AHEAD = 4
"""At most this many tasks a worker are begun or wait for their turn: bounds memory when one task takes long."""
ATTEMPTS = 2
CONNECT_S = 10.0

Task = TypeVar("Task")
MakeWorker = Callable[[str, int], Any]
"""(device, processor threads) -> the worker; must be picklable, and is called in the worker's process."""


class RayError(EgoactError):
    """Ray cannot be started or reached, or a worker cannot be made."""


class WorkerDiedError(EgoactError):
    """A worker died on the same task ATTEMPTS times."""


class RayWorkers:
    """One worker a GPU, or `workers` of them on processors.

    A worker that dies (killed for memory, or a library crashed) is replaced, and its task tried once more.
    """

    def __init__(
        self, make: MakeWorker, workers: int | None = None, address: str | None = None, threads: int | None = None
    ) -> None:
        """Start or reach Ray and make the workers; close with `close`.

        Args:
            workers: their number; None takes the number of GPUs, else of processors divided by `threads`.
            address: of a cluster ('auto', 'HOST:PORT', 'ray://HOST:PORT'); None starts Ray inside this process.
                Files are named by paths, which must be the same on all its machines.
            threads: processor threads a worker; None divides this machine's.

        Raises:
            RayError: Ray is not installed, does not start, cannot be reached, or has not what the workers need.
        """
        self._ray = ray = _import_ray()
        self._make = make
        if address is not None:
            _check_answers(address)
        processors = os.cpu_count() or 1
        embedded = {"num_cpus": max(processors, workers or 1), "include_dashboard": False}
        try:
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level="ERROR",
                **({} if address else embedded),
            )
        except (ConnectionError, OSError, ValueError, RuntimeError) as error:
            # Ray's own message does not say when it was a token that is missing (from 2.59 on, clusters ask for one).
            hint = "; where the cluster asks for a token, set RAY_AUTH_MODE=token" if address else ""
            raise RayError(f"Ray at {address or 'this machine'}: {_first_line(error)}{hint}") from error
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        if workers is None:
            workers = gpus or max(1, int(resources.get("CPU", 1)) // (threads or 1))
        self.count = workers
        self._threads = threads or max(1, processors // workers)
        self._options = {"num_gpus": 1 if gpus else 0, "num_cpus": 1}
        if gpus and workers > gpus:
            self.close()
            raise RayError(f"{workers} workers were asked for, but Ray has {gpus} GPUs; give --workers {gpus}")
        self._actors = [self._actor() for _ in range(workers)]
        self._idle: Queue[Any] = Queue()
        for actor in self._actors:
            self._idle.put(actor)

    def first(self, method: str) -> Any:
        """What a method of the first worker gives; for what all workers would say alike.

        Raises:
            RayError: the worker does not start. EgoactError: whatever the method raises.
        """
        try:
            return self._get(self._actors[0].call.remote(method, ()))
        except self._ray.exceptions.RayActorError as error:
            reason = str(error).strip().splitlines()[-1]
            raise RayError(f"a worker did not start ({reason}); is egoact installed on all machines?") from error

    def ask(self, method: str, *arguments: Any) -> Any:
        """What a method of an idle worker gives; called from as many threads as there are workers.

        Raises:
            WorkerDiedError: it died on it, and so did its successor. EgoactError: whatever the method raises.
        """
        actor = self._idle.get()
        try:
            for _ in range(ATTEMPTS):
                try:
                    return self._get(actor.call.remote(method, arguments))
                except self._ray.exceptions.RayActorError:
                    actor = self._actor()
            raise WorkerDiedError(f"the worker died on it {ATTEMPTS} times (memory?)")
        finally:
            self._idle.put(actor)

    def outcomes(
        self, tasks: Sequence[Task], method: str, when_died: Callable[[Task, WorkerDiedError], Any]
    ) -> Iterator[Any]:
        """One outcome a task, in the order of the tasks; `when_died` makes that of a task on which workers die."""
        waiting = deque(enumerate(tasks))
        idle = list(self._actors)
        running: dict[Any, tuple[int, Task, Any, int]] = {}
        done: dict[int, Any] = {}
        turn = 0
        while turn < len(tasks):
            while idle and waiting and waiting[0][0] < turn + AHEAD * len(self._actors):
                index, task = waiting.popleft()
                actor = idle.pop()
                running[actor.call.remote(method, (task,))] = (index, task, actor, 1)
            (finished,), _ = self._ray.wait(list(running), num_returns=1)
            index, task, actor, attempt = running.pop(finished)
            try:
                done[index] = self._get(finished)
                idle.append(actor)
            except self._ray.exceptions.RayActorError:
                replacement = self._actor()
                self._actors[self._actors.index(actor)] = replacement
                if attempt < ATTEMPTS:
                    running[replacement.call.remote(method, (task,))] = (index, task, replacement, attempt + 1)
                    continue
                done[index] = when_died(task, WorkerDiedError(f"the worker died on it {ATTEMPTS} times (memory?)"))
                idle.append(replacement)
            while turn in done:
                yield done.pop(turn)
                turn += 1

    def close(self) -> None:
        """Stop the workers, and Ray where it was started here."""
        self._ray.shutdown()

    def _actor(self) -> Any:
        actor_class = self._ray.remote(**self._options)(_Worker)
        return actor_class.remote(self._make, "cuda" if self._options["num_gpus"] else "cpu", self._threads)

    def _get(self, result: Any) -> Any:
        """The result of a worker's method, or the error that it raised, as it was raised there."""
        try:
            return self._ray.get(result)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, EgoactError):
                raise error.cause from None
            raise RayError(f"a worker failed: {_first_line(error.cause)}") from error


class _Worker:
    """Loads its networks when it is first asked: an actor's constructor cannot report an error."""

    def __init__(self, make: MakeWorker, device: str, threads: int) -> None:
        self._arguments = (device, threads)
        self._make = make
        self._made: Any = None

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        if self._made is None:
            self._made = self._make(*self._arguments)
        return getattr(self._made, method)(*arguments)


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ModuleNotFoundError:
        raise RayError("Ray is not installed; install it (pip install 'egoact[train]'), or use --workers 1") from None
    return ray


def _check_answers(address: str) -> None:
    """Ray itself waits a minute and writes pages for an address where nobody listens."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return  # 'auto' and the like: Ray finds out at once
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise RayError(f"no Ray cluster answers at {address} ({error}); start one: ray start --head") from None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
