"""Trees of /sys, /proc, /dev and /etc as machines show them, written under a folder: file -> text, link -> target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def link_tree(root: Path, links: Mapping[str, str]) -> Path:
    """Symbolic links under root: link -> target, as it stands in the link."""
    for name, target in links.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    return root


def usb_camera(root: Path, *, numbers: tuple[int, int] = (0, 1), port: str = "1-2") -> Path:
    """A webcam with its two nodes: pictures and metadata."""
    name = "usb-046d_HD_Pro_Webcam_C920_9A2B-video-index"
    interface = f"sys/devices/pci0000:00/usb1/{port}/{port}:1.0"
    files = {f"sys/devices/pci0000:00/usb1/{port}/idVendor": "046d\n", f"{interface}/bInterfaceClass": "0e\n"}
    links = {}
    for index, number in enumerate(numbers):
        node = f"{interface}/video4linux/video{number}"
        files |= {f"dev/video{number}": "", f"{node}/name": "HD Pro Webcam C920\n", f"{node}/index": f"{index}\n"}
        links |= {
            f"sys/class/video4linux/video{number}": f"../../../{node}",
            f"{node}/device": "../../",
            f"dev/v4l/by-id/{name}{index}": f"../../video{number}",
            f"dev/v4l/by-path/pci-0000:00:14.0-usb-0:2:1.0-video-index{index}": f"../../video{number}",
        }
    return link_tree(write_tree(root, files), links)


def csi_camera(root: Path, number: int) -> Path:
    """A camera at a Jetson's CSI connector: no serial number, so no link under by-id."""
    node = f"sys/devices/platform/tegra-capture-vi/video4linux/video{number}"
    write_tree(root, {f"dev/video{number}": "", f"{node}/name": "vi-output, imx219 9-0010\n"})
    return link_tree(
        root,
        {f"sys/class/video4linux/video{number}": f"../../../{node}", f"{node}/device": "../../../tegra-capture-vi"},
    )


def process(root: Path, pid: int, command: str, open_files: tuple[str, ...]) -> Path:
    write_tree(root, {f"proc/{pid}/comm": f"{command}\n", f"proc/{pid}/fd/.keep": ""})
    return link_tree(root, {f"proc/{pid}/fd/{3 + n}": target for n, target in enumerate(open_files)})


def ina3221(hwmon: int, rails: Mapping[int, tuple[str, int, int]]) -> dict[str, str]:
    """A monitor at /sys/class/hwmon/hwmonN; channel -> (label, mV, mA). Channel 7 is the kernel's 'sum of shunts'."""
    folder = f"sys/class/hwmon/hwmon{hwmon}"
    files = {
        f"{folder}/name": "ina3221\n",
        f"{folder}/in7_label": "sum of shunt voltages\n",
        f"{folder}/in7_input": "9\n",
    }
    for channel, (label, millivolts, milliamperes) in rails.items():
        files |= {
            f"{folder}/in{channel}_label": f"{label}\n",
            f"{folder}/in{channel}_enable": "1\n",
            f"{folder}/in{channel}_input": f"{millivolts}\n",
            f"{folder}/curr{channel}_input": f"{milliamperes}\n",
            f"{folder}/curr{channel}_crit_alarm": "0\n",
        }
    return files


def zone(number: int, name: str, milli_c: int | str, trips: Mapping[str, int] | None = None) -> dict[str, str]:
    folder = f"sys/class/thermal/thermal_zone{number}"
    files = {f"{folder}/type": f"{name}\n", f"{folder}/temp": f"{milli_c}\n"}
    for index, (kind, trip) in enumerate((trips or {}).items()):
        files |= {f"{folder}/trip_point_{index}_type": f"{kind}\n", f"{folder}/trip_point_{index}_temp": f"{trip}\n"}
    return files


def cooler(number: int, name: str, state: int) -> dict[str, str]:
    folder = f"sys/class/thermal/cooling_device{number}"
    return {f"{folder}/type": f"{name}\n", f"{folder}/cur_state": f"{state}\n"}


ORIN_NANO_POWER = {
    **ina3221(3, {1: ("VDD_IN", 5000, 1200), 2: ("VDD_CPU_GPU_CV", 5000, 300), 3: ("VDD_SOC", 5000, 280)}),
    **zone(0, "cpu-thermal", 51_250, {"passive": 99_000, "critical": 104_500}),
    **zone(1, "gpu-thermal", 49_500, {"passive": 99_000, "critical": 104_500}),
    **zone(2, "cv0-thermal", -256_000, {"critical": 104_500}),
    **zone(8, "tj-thermal", 51_500, {"passive": 99_000, "critical": 104_500}),
    **cooler(0, "pwm-fan", 3),
    **cooler(1, "cpufreq-cpu0", 0),
    "sys/class/hwmon/hwmon1/name": "soctherm_oc\n",
    "sys/class/hwmon/hwmon1/oc1_event_cnt": "0\n",
    "sys/class/hwmon/hwmon1/oc3_event_cnt": "7\n",
}

AGX_ORIN_POWER = {
    **ina3221(4, {1: ("VDD_GPU_SOC", 20_000, 250), 2: ("VDD_CPU_CV", 20_000, 150), 3: ("VIN_SYS_5V0", 5000, 1100)}),
    **ina3221(5, {1: ("NC", 5000, 0), 2: ("VDDQ_VDD2_1V8AO", 5000, 160), 3: ("NC", 5000, 0)}),
}

THOR_POWER = {
    **ina3221(2, {1: ("VDD_GPU", 12_000, 500), 2: ("VDD_CPU_SOC_MSS", 12_000, 800), 3: ("VIN_SYS_5V0", 5000, 1500)}),
    "sys/class/hwmon/hwmon6/name": "ina238\n",
    "sys/class/hwmon/hwmon6/power1_input": "38250000\n",
}

LAPTOP_POWER = {
    "sys/class/powercap/intel-rapl/enabled": "1\n",
    "sys/class/powercap/intel-rapl:0/name": "package-0\n",
    "sys/class/powercap/intel-rapl:0/energy_uj": "1000000\n",
    "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "262143328850\n",
    "sys/class/powercap/intel-rapl:0:0/name": "core\n",
    "sys/class/powercap/intel-rapl:0:0/energy_uj": "400000\n",
    "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count": "12\n",
    **zone(0, "acpitz", 44_000, {"critical": 105_000}),
    **zone(1, "x86_pkg_temp", 61_000, {"passive": 0}),
    **cooler(0, "Processor", 0),
    **cooler(9, "TCC Offset", 6),
}

LAPTOP = {
    **LAPTOP_POWER,
    "proc/cpuinfo": "".join(
        f"processor\t: {core}\nmodel name\t: Intel(R) Core(TM) Ultra 7 155H\nflags\t\t: sse4_2 avx2 avx_vnni\n\n"
        for core in range(4)
    ),
    "proc/meminfo": "MemTotal:       32000000 kB\nMemAvailable:   20000000 kB\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm\n",
}

ORIN_NANO = {
    **ORIN_NANO_POWER,
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
    "proc/cpuinfo": "".join(
        f"processor\t: {core}\nFeatures\t: fp asimd aes asimdhp asimddp\nCPU part\t: 0xd42\n\n" for core in range(6)
    ),
    "proc/meminfo": "MemTotal:        7700000 kB\nMemAvailable:    5200000 kB\n",
    "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n",
    "etc/nvpmodel.conf": """# comments
< POWER_MODEL ID=0 NAME=15W >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=1 NAME=25W >
< POWER_MODEL ID=2 NAME=MAXN_SUPER >
< PM_CONFIG DEFAULT=1 >
""",
    "var/lib/nvpmodel/status": "pmode:0001",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_min_freq": "729600\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq": "1344000\n",
    "sys/class/devfreq/17000000.gpu/min_freq": "306000000\n",
    "sys/class/devfreq/17000000.gpu/max_freq": "918000000\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "arch_sys_counter\n",
    "sys/devices/system/clocksource/clocksource0/available_clocksource": "arch_sys_counter\n",
}
