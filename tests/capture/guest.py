"""A virtual machine with Debian's own kernel, for the drivers that the host's kernel lacks: vivid, snd-aloop.

The guest sees this machine's files read-only: it runs the same Python and the same code, and what it writes is lost.
Software emulation: about 10 s to boot, and Python starts ten times slower than on the host.
Needs the Debian packages qemu-system-x86, busybox-static, cpio and kmod; the kernel is downloaded (70 MB, once).
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

CACHE = Path.home() / ".cache" / "egoact-tests" / "guest-kernel"
PROGRAMS = ("qemu-system-x86_64", "busybox", "cpio", "modprobe", "depmod", "apt-get")

_NEEDED_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")

_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
while read line; do insmod $line || echo "cannot load $line"; done < /modules/order
mkdir -p /lower /rw /host
mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576,cache=loose,ro hostroot /lower
mount -t tmpfs tmpfs /rw; mkdir -p /rw/upper /rw/work
mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work overlay /host
for place in proc sys dev; do mount --bind /$place /host/$place; done
mkdir -p /host/dev/shm /host/dev/pts; mount -t tmpfs tmpfs /host/dev/shm; mount -t devpts devpts /host/dev/pts
ip link set lo up
cp /task /host/guest-task
echo "guest: begin"
chroot /host /bin/bash /guest-task
echo "guest: end $?"
poweroff -f
"""


def missing_programs() -> list[str]:
    """What must be installed before a guest can run."""
    return [name for name in PROGRAMS if not _program(name)]


def _program(name: str) -> str | None:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


def run_in_guest(task: str, modules: Mapping[str, str], folder: Path, timeout_s: float = 290) -> str:
    """What the bash script `task` printed in a guest with these kernel modules (name -> options).

    `folder`: for the guest's files. Raises AssertionError, with all that the guest said, when the script failed.
    """
    kernel = _kernel()
    disk = _initial_disk(task, modules, kernel, folder)
    (image,) = (kernel / "boot").glob("vmlinuz-*")
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2", "-m", "2048"]
    command += ["-nodefaults", "-nographic", "-serial", "stdio", "-monitor", "none", "-no-reboot"]
    command += ["-kernel", str(image), "-initrd", str(disk)]
    command += ["-append", "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off nokaslr tsc=reliable"]
    share = "local,path=/,mount_tag=hostroot,security_model=none,readonly=on,multidevs=remap"
    done = subprocess.run(
        [*command, "-virtfs", share], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s
    )
    said = done.stdout.replace("\r", "")
    assert "guest: end 0" in said, said + done.stderr
    return said.split("guest: begin\n", 1)[1].split("guest: end 0")[0]


def _kernel() -> Path:
    """The unpacked kernel package of this Debian, downloaded when it is not there yet."""
    depends = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], check=True, capture_output=True, text=True)
    package = next(word for word in depends.stdout.split() if word.startswith("linux-image-6"))
    target = CACHE / package
    if not target.is_dir():
        download = CACHE / "download"
        shutil.rmtree(download, ignore_errors=True)
        download.mkdir(parents=True)
        subprocess.run(["apt-get", "download", "-qq", package], check=True, cwd=download)
        (archive,) = download.glob("*.deb")
        subprocess.run(["dpkg", "-x", archive.name, "unpacked"], check=True, cwd=download)
        release = package.removeprefix("linux-image-")
        subprocess.run([_program("depmod") or "depmod", "-b", "unpacked", release], check=True, cwd=download)
        (download / "unpacked").rename(target)
        shutil.rmtree(download)
    return target


def _initial_disk(task: str, modules: Mapping[str, str], kernel: Path, folder: Path) -> Path:
    root = folder / "initial-disk"
    for name in ("bin", "dev", "proc", "sys", "modules"):
        (root / name).mkdir(parents=True)
    shutil.copy(_program("busybox") or "busybox", root / "bin" / "busybox")
    (root / "init").write_text(_INIT)
    (root / "init").chmod(0o755)
    (root / "task").write_text(task)
    order: dict[str, str] = {}
    for module in (*_NEEDED_MODULES, *modules):
        for path in _module_files(kernel, module):
            order.setdefault(path.name, modules.get(path.name.removesuffix(".ko"), ""))
            shutil.copy(path, root / "modules" / path.name)
    lines = [f"/modules/{name} {options}" for name, options in order.items()]
    (root / "modules" / "order").write_text("\n".join([*lines, ""]))
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"], input=names.encode(), cwd=root, check=True, capture_output=True
    )
    disk = folder / "initial-disk.gz"
    disk.write_bytes(gzip.compress(packed.stdout, 1))
    return disk


def _module_files(kernel: Path, module: str) -> list[Path]:
    """The module's file after those that it depends on; none when it is built into the kernel."""
    (release,) = (path.name for path in (kernel / "lib" / "modules").iterdir())
    command = [_program("modprobe") or "modprobe", "-d", str(kernel), "-S", release, "--show-depends", module]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [Path(line.split()[1]) for line in shown.splitlines() if line.startswith("insmod")]
