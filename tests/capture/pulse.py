"""A PulseAudio server of its own with a virtual microphone, for tests of the real sound path without a sound card.

    with PulseServer(tmp_path, rate_hz=48_000) as server:  # or the fixture pulse_server
        with server.emitter(click_every_s=0.5, drift_ppm=200):  # see tests/capture/emitter.py
            microphone = Microphone(server.device, spec)  # 'egomic'
            microphone.open(time.monotonic_ns())

The server runs as this user (root too), without D-Bus and without hardware, with all its files below `folder`. It needs
the programs and libraries of the packages in PACKAGES. Entering changes three environment variables and leaving puts
them back; processes that should hear the microphone must be started in between. The microphone is a pipe: who writes
16-bit mono samples into it in real time is the hardware. Nothing outlives the test: leaving kills the server, and the
kernel kills it when the test process dies.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import pytest

PACKAGES = ("pulseaudio", "pulseaudio-utils", "libportaudio2", "libasound2-plugins")
"""Debian packages that the tests with sound need."""

DEVICE = "egomic"
_ENVIRONMENT = ("PULSE_SERVER", "ALSA_CONFIG_PATH", "PULSE_COOKIE")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class PulseServer:
    """See the module's text. `kill` and then `start` play a sound server that crashes and comes back."""

    device = DEVICE

    def __init__(self, folder: Path, rate_hz: int = 48_000, channels: int = 1) -> None:
        self.folder = folder
        self.rate_hz = rate_hz
        self.channels = channels
        self.fifo = folder / "mic.fifo"
        self._socket = folder / "pulse.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._saved: dict[str, str | None] = {}

    def __enter__(self) -> PulseServer:
        if shutil.which("pulseaudio") is None:
            pytest.fail(f"pulseaudio is missing: sudo apt-get install {' '.join(PACKAGES)}")
        alsa = self.folder / "alsa.conf"
        alsa.write_text(
            "</usr/share/alsa/alsa.conf>\n"
            f'pcm.{DEVICE} {{ type pulse server "unix:{self._socket}" device {DEVICE} }}\n'
            f'ctl.{DEVICE} {{ type pulse server "unix:{self._socket}" }}\n'
        )
        self._saved = {name: os.environ.get(name) for name in _ENVIRONMENT}
        os.environ["PULSE_SERVER"] = f"unix:{self._socket}"
        os.environ["ALSA_CONFIG_PATH"] = str(alsa)
        os.environ["PULSE_COOKIE"] = str(self.folder / "cookie")
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        for name, value in self._saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def start(self) -> None:
        """Start the server and wait until it takes clients."""
        folder = str(self.folder)
        self.fifo.unlink(missing_ok=True)  # the server makes it and fails when it is there
        source = (
            f"module-pipe-source source_name={DEVICE} file={self.fifo} format=s16le rate={self.rate_hz} "
            f"channels={self.channels}"
        )
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        command += ["--high-priority=no", "--realtime=no", "--log-target=stderr", "--log-level=warning"]
        # The protocol comes last: a client that gets an answer finds the microphone.
        command += ["-L", source, "-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"]
        with open(self.folder / "pulse.log", "ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder, "PULSE_RUNTIME_PATH": folder},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )
        deadline = time.monotonic() + 20
        while subprocess.run(["pactl", "info"], capture_output=True, timeout=20).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                log_text = (self.folder / "pulse.log").read_text(errors="replace")
                self.kill()
                pytest.fail(f"PulseAudio did not start: {log_text}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._socket.unlink(missing_ok=True)

    def emitter(self, **options: float) -> Emitter:
        """What feeds the microphone while the `with` block lasts; options as in tests/capture/emitter.py."""
        return Emitter(self.fifo, {"rate_hz": self.rate_hz, "channels": self.channels, **options})


class Emitter:
    """The process that plays the microphone's hardware; `pid` is there for stopping it (SIGSTOP) as a fault."""

    def __init__(self, fifo: Path, options: dict[str, float]) -> None:
        self._command = [sys.executable, "-m", "tests.capture.emitter", str(fifo)]
        self._command += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Emitter:
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            self._command, cwd=root, stdout=subprocess.PIPE, env=os.environ, preexec_fn=_die_with_parent
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line != b"ready\n":
            self.__exit__(None, None, None)
            pytest.fail("the emitter did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
