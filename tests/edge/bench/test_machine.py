from __future__ import annotations

from pathlib import Path

import pytest

from edge.bench.foreign_load import ForeignLoad
from edge.bench.machine import machine_facts


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_jetson_tells_mode_and_clocks(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/cpuinfo": "processor : 0\nmodel name : ARMv8 Processor\nFeatures : fp asimddp\n",
            "proc/meminfo": "MemTotal:  8000000 kB\n",
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano\0",
            "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 1\n",
            "var/lib/nvpmodel/status": "pmode:0002",
            "etc/nvpmodel.conf": "< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n",
            "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "1728000\n",
            "sys/devices/system/cpu/cpufreq/policy0/scaling_min_freq": "1728000\n",
            "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq": "1728000\n",
            "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "schedutil\n",
        },
    )
    found = machine_facts(root)
    assert (found.board, found.jetpack, found.power_mode) == ("NVIDIA Jetson Orin Nano", "6.2", "MAXN_SUPER")
    assert (found.clock_mhz, found.clocks_pinned, found.governor) == (1728.0, True, "schedutil")
    assert (found.processor, found.memory_gb) == ("ARMv8 Processor", pytest.approx(8.192))
    assert found.fast_precisions == ("f32", "int8")


def test_a_machine_that_tells_nothing_is_described_all_the_same(tmp_path: Path) -> None:
    found = machine_facts(tmp_path)
    assert found.processor
    assert (found.board, found.power_mode, found.clock_mhz, found.clocks_pinned) == (None, None, None, None)
    assert "numpy" in found.packages


def test_foreign_load_is_what_others_used_of_all_cores(tmp_path: Path) -> None:
    """Of 1000 ticks 600 were busy; this test itself used next to none of them."""
    root = write(tmp_path, {"proc/stat": "cpu 100 0 100 900 100 0 0 0 0 0\n"})
    load = ForeignLoad(root)
    write(root, {"proc/stat": "cpu 600 50 100 1100 300 0 0 50 70 0\n"})
    assert load.share() == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize("text", [None, "", "cpu\n", "cpu 1 2 3\n"])
def test_foreign_load_that_the_kernel_does_not_tell_is_none(tmp_path: Path, text: str | None) -> None:
    root = tmp_path if text is None else write(tmp_path, {"proc/stat": text})
    assert ForeignLoad(root).share() is None
