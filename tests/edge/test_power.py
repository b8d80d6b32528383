"""Power, heat and throttling from trees of /sys as machines show them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge.contract import NS_PER_S
from edge.power import PowerReader
from tests.edge.fake_machine import (
    AGX_ORIN_POWER,
    LAPTOP_POWER,
    ORIN_NANO_POWER,
    THOR_POWER,
    cooler,
    ina3221,
    write_tree,
    zone,
)


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_ns = 5 * NS_PER_S

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wait_until_ns(self, t_ns: int, stop: threading.Event) -> bool:
        raise AssertionError("power is read, not waited for")


def write(root: Path, file: str, text: object) -> None:
    (root / file).write_text(f"{text}\n")


def test_orin_nano_total_is_its_input_rail(tmp_path: Path) -> None:
    reading = PowerReader(write_tree(tmp_path, ORIN_NANO_POWER)).read()
    assert reading.milliwatts == {"VDD_IN": 6000, "VDD_CPU_GPU_CV": 1500, "VDD_SOC": 1400}
    assert (reading.total_mw, reading.total_is) == (6000, "VDD_IN")
    # cv0 sleeps and reports -256 degrees: it has no temperature
    assert reading.temperatures_c == {"cpu": 51.25, "gpu": 49.5, "tj": 51.5}
    assert reading.trips_c == {"cpu": 99.0, "gpu": 99.0, "cv0": 104.5, "tj": 99.0}
    assert reading.throttling is None, "a fan that turns and events of the past hold nothing back"


def test_agx_orin_sums_the_rails_that_lie_side_by_side(tmp_path: Path) -> None:
    reading = PowerReader(write_tree(tmp_path, AGX_ORIN_POWER)).read()
    assert reading.milliwatts["VDDQ_VDD2_1V8AO"] == 800
    assert "NC" not in reading.milliwatts
    assert reading.total_mw == 5000 + 3000 + 5500
    assert reading.total_is == "sum of VDD_GPU_SOC, VDD_CPU_CV, VIN_SYS_5V0"


def test_thor_total_is_the_monitor_at_its_input(tmp_path: Path) -> None:
    reading = PowerReader(write_tree(tmp_path, THOR_POWER)).read()
    assert (reading.total_mw, reading.total_is) == (38_250, "VIN")


def test_rails_of_a_board_nobody_knows_have_no_total(tmp_path: Path) -> None:
    reading = PowerReader(write_tree(tmp_path, ina3221(0, {1: ("VDD_A", 5000, 100), 2: ("VDD_B", 5000, 10)}))).read()
    assert reading.milliwatts == {"VDD_A": 500, "VDD_B": 50}
    assert reading.total_mw is None
    assert reading.total_is is None


def test_hwmon_numbers_mean_nothing(tmp_path: Path) -> None:
    for number in (0, 17):
        root = write_tree(tmp_path / str(number), ina3221(number, {1: ("VDD_IN", 5000, 1000)}))
        assert PowerReader(root).read().total_mw == 5000


def test_throttling_in_words(tmp_path: Path) -> None:
    root = write_tree(tmp_path, ORIN_NANO_POWER)
    reader = PowerReader(root)
    write(root, "sys/class/hwmon/hwmon1/oc3_event_cnt", 8)
    write(root, "sys/class/hwmon/hwmon3/curr1_crit_alarm", 1)
    write(root, "sys/class/thermal/cooling_device1/cur_state", 2)
    assert reader.read().throttling == "over-current event oc3; VDD_IN above its limit; slowed: cpufreq-cpu0"
    write(root, "sys/class/hwmon/hwmon3/curr1_crit_alarm", 0)
    assert reader.read().throttling == "slowed: cpufreq-cpu0", "an event counts once"


def test_laptop_power_is_energy_over_time(tmp_path: Path) -> None:
    root, clock = write_tree(tmp_path, LAPTOP_POWER), HandClock()
    reader = PowerReader(root, clock)
    write(root, "sys/class/powercap/intel-rapl:0/energy_uj", 1_000_000 + 24_000_000)
    clock.now_ns += 2 * NS_PER_S
    reading = reader.read()
    assert reading.milliwatts == {"package-0": 12_000}, "parts of a package would count twice"
    assert reading.total_is == "processor packages only (RAPL)"
    # the trip point of x86_pkg_temp is switched off, TCC Offset is a setting and no throttling
    assert reading.trips_c == {"acpitz": 105.0}
    assert reading.throttling is None


def test_laptop_counter_that_wraps(tmp_path: Path) -> None:
    root, clock = write_tree(tmp_path, LAPTOP_POWER), HandClock()
    write(root, "sys/class/powercap/intel-rapl:0/energy_uj", 262_143_328_850 - 1_000_000)
    reader = PowerReader(root, clock)
    write(root, "sys/class/powercap/intel-rapl:0/energy_uj", 4_000_000)
    clock.now_ns += NS_PER_S
    assert reader.read().total_mw == 5000


def test_processor_too_hot_is_told_once(tmp_path: Path) -> None:
    root = write_tree(tmp_path, LAPTOP_POWER)
    reader = PowerReader(root)
    write(root, "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", 13)
    assert reader.read().throttling == "processor too hot"
    assert reader.read().throttling is None


def test_energy_that_only_root_may_read_is_absent(tmp_path: Path) -> None:
    root = write_tree(tmp_path, LAPTOP_POWER)
    (root / "sys/class/powercap/intel-rapl:0/energy_uj").unlink()
    reading = PowerReader(root).read()
    assert reading.milliwatts == {}
    assert reading.total_mw is None


@pytest.mark.parametrize("junk", ["", "nan", "12 mA", "\0\0", "99999999999999999999x"])
def test_junk_is_absent_and_never_an_exception(tmp_path: Path, junk: str) -> None:
    root = write_tree(tmp_path, {**ORIN_NANO_POWER, **cooler(2, "devfreq-gpu", 0), **zone(9, "soc0-thermal", junk)})
    reader = PowerReader(root)
    for file in root.rglob("*_input"):
        file.write_text(junk)
    for file in root.rglob("cur_state"):
        file.write_text(junk)
    reading = reader.read()
    assert reading.milliwatts == {}
    assert "soc0" not in reading.temperatures_c


def test_a_machine_that_shows_nothing(tmp_path: Path) -> None:
    reading = PowerReader(tmp_path / "nothing").read()
    assert (reading.milliwatts, reading.total_mw, reading.temperatures_c, reading.throttling) == ({}, None, {}, None)


def test_this_machine_can_be_read() -> None:
    PowerReader().read()
