"""What the doctor says of made-up machines, letter by letter, and that nothing can stop it.

EGOACT_WRITE_GOLDEN=1 writes the expected texts anew: read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import pytest

from edge.bundle import SHIPPED, Bundle
from edge.cli import main
from edge.doctor.agreement import measured_cosines
from edge.doctor.command import CHECKS
from edge.doctor.finding import Group, run_checks
from edge.doctor.host import Host, Screen
from edge.doctor.probe import PROBES, ProbeError, Probes
from edge.doctor.text import is_ready, report_data, report_lines
from edge.precision import Precisions, processor_can
from edge.text import cell_width
from tests.edge.doctor.hosts import FACTS, HOSTS, laptop, probes
from tests.edge.fake_machine import csi_camera, process
from tests.edge.network_trap import network_trap
from tests.tiny_bundle import make_bundle

GOLDEN = Path(__file__).parent / "golden"
BROKEN = {"not_in_group_video"}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "bundle")


def examine(host: Host) -> tuple[Group, ...]:
    return run_checks(CHECKS, host)


def golden(name: str, text: str) -> str:
    file = GOLDEN / name
    if os.environ.get("EGOACT_WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(HOSTS))
def test_text_and_json_of_a_machine(name: str, tmp_path: Path, bundle: Bundle) -> None:
    groups = examine(HOSTS[name](tmp_path / "root", bundle))
    text = "\n".join(report_lines(groups, colour=False)) + "\n"
    assert all(cell_width(line) <= 80 for line in text.splitlines() if "->" not in line)
    text, data = (
        part.replace(str(bundle.path), "BUNDLE") for part in (text, json.dumps(report_data(groups), indent=1) + "\n")
    )
    assert text == golden(f"{name}.txt", text)
    assert data == golden(f"{name}.json", data)
    assert is_ready(groups) == (name not in BROKEN)


@pytest.mark.parametrize("name", list(HOSTS))
def test_every_problem_has_one_command(name: str, tmp_path: Path, bundle: Bundle) -> None:
    for group in examine(HOSTS[name](tmp_path / "root", bundle)):
        for finding in group.findings:
            if finding.state in ("warning", "broken"):
                assert finding.mend, finding
                assert "\n" not in finding.mend


def findings(host: Host) -> dict[str, tuple[str, str, str | None]]:
    return {f.name: (f.state, f.value, f.mend) for group in examine(host) for f in group.findings}


def raises(*words: object) -> object:
    raise RuntimeError("the disk\x1b[31m is on fire")


SEAMS = [f.name for f in fields(Host) if "Callable" in str(f.type)]


@pytest.mark.parametrize("seam", SEAMS)
def test_a_check_that_throws_stops_no_other(seam: str, tmp_path: Path, bundle: Bundle) -> None:
    host = laptop(tmp_path / "root", bundle)
    expected = len(findings(host))
    broken = replace(host, **{seam: raises})
    if seam in ("groups", "can_open"):  # only asked when something is missing
        broken = replace(broken, cameras=HOSTS["not_in_group_video"](tmp_path / "other", bundle).cameras)
        broken = replace(broken, root=tmp_path / "other", microphones=lambda: ())
    if seam == "cosines":  # only asked where another precision than FP32 is taken
        broken = replace(broken, choose=lambda bundle: Precisions("int8", "bf16"))
        expected += 1
    found = findings(broken)
    unknown = [value for state, value, _ in found.values() if state == "unknown"]
    assert unknown
    assert all(value == "could not be checked: the disk\\x1b[31m is on fire" for value in unknown)
    assert len(found) > expected // 2


def test_a_machine_without_any_file_is_examined(tmp_path: Path, bundle: Bundle) -> None:
    found = findings(replace(laptop(tmp_path / "root", bundle), root=tmp_path / "nothing"))
    assert found["processor"][0] == "unknown"
    assert found["clock"][0] == "unknown"


@pytest.mark.parametrize("library", ["numpy", "soxr", "av", "opencv", "openvino"])
def test_without_a_library_live_would_not_work(library: str, tmp_path: Path, bundle: Bundle) -> None:
    host = laptop(tmp_path / "root", bundle)
    for error in (ProbeError("gone", missing=True), ProbeError("it crashes with SIGSEGV", missing=False)):
        groups = examine(replace(host, probe=probes({**FACTS, library: error, "cuda": error, "tensorrt": error})))
        assert not is_ready(groups)
        assert "would not work" in report_lines(groups, colour=False)[-1]


def test_a_damaged_bundle_is_broken(tmp_path: Path, bundle: Bundle) -> None:
    graph = bundle.path / "head.onnx"
    graph.write_bytes(graph.read_bytes() + b"x")
    state, value, mend = findings(laptop(tmp_path / "root", bundle))["bundle"]
    assert state == "broken"
    assert "head.onnx: sha256" in value
    assert mend


def test_a_damaged_plan_is_named(tmp_path: Path, bundle: Bundle) -> None:
    host = HOSTS["orin"](tmp_path / "root", bundle)
    (plan,) = bundle.path.rglob("*.plan")
    plan.write_bytes(b"machine c0de")
    state, value, mend = findings(host)["plan video f32"]
    assert (state, mend) == ("warning", f"egoact build {bundle.path} --precision f32")
    assert "plan_sha256 differs" in value


def test_plans_of_another_device(tmp_path: Path, bundle: Bundle) -> None:
    host = HOSTS["orin"](tmp_path / "root", bundle)
    folder = bundle.path / "plans" / "orin-sm87-8mp"
    folder.rename(folder.with_name("orin-sm87-16mp"))
    state, value, mend = findings(host)["plans"]
    assert state == "warning"
    assert "orin-sm87-16mp do not fit" in value
    assert mend == f"egoact build {bundle.path} --precision auto"


def test_a_camera_that_somebody_holds(tmp_path: Path, bundle: Bundle) -> None:
    host = laptop(tmp_path / "root", bundle)
    process(host.root, 4211, "zoom", ("/dev/video0",))
    state, value, mend = findings(host)["camera"]
    assert (state, mend) == ("warning", "kill 4211")
    assert "zoom has it open" in value


@pytest.mark.parametrize(
    ("change", "name", "word"),
    [
        ({"python": (3, 15, 0)}, "Python", "tested up to 3.13"),
        ({"screen": Screen(True, 60, 20, "utf-8")}, "terminal", "enlarge"),
        ({"screen": Screen(True, 100, 30, "ANSI_X3.4-1968")}, "terminal", "broken"),
        ({"environ": {}}, "terminal", "TERM is not set"),
        ({"can_write": lambda folder: False}, "disk", "cannot be written"),
        ({"free_bytes": lambda folder: 10**6}, "disk", "recordings will be short"),
    ],
)
def test_what_is_not_as_it_should_be(
    change: dict[str, object], name: str, word: str, tmp_path: Path, bundle: Bundle
) -> None:
    state, value, _ = findings(replace(laptop(tmp_path / "root", bundle), **change))[name]
    assert state != "ok"
    assert word in value


def test_a_camera_with_raw_data_needs_gstreamer(tmp_path: Path, bundle: Bundle) -> None:
    host = HOSTS["orin"](tmp_path / "root", bundle)
    csi_camera(host.root, 2)
    found = [f for group in examine(host) for f in group.findings if f.name == "camera"]
    assert [f.state for f in found] == ["ok", "warning"]
    assert found[1].mend == "pip uninstall -y opencv-python-headless"


def test_a_slow_clock_source(tmp_path: Path, bundle: Bundle) -> None:
    host = laptop(tmp_path / "root", bundle)
    folder = "sys/devices/system/clocksource/clocksource0"
    (host.root / folder / "current_clocksource").write_text("hpet\n")
    state, _, mend = findings(host)["clock"]
    assert (state, mend) == ("warning", f"echo tsc | sudo tee /{folder}/current_clocksource")


def test_probes_of_this_machine_answer_or_say_why() -> None:
    asked = Probes()
    for name in ("numpy", "soxr", "av", "opencv", "openvino", "textual"):
        assert asked.facts(name)["version"]
    for name in set(PROBES) - {"numpy", "soxr", "av", "opencv", "openvino", "textual"}:
        with suppress(ProbeError):
            assert asked.facts(name)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashes with SIGSEGV"),
        ("raise SystemExit(3)", "exit code 3"),
        ("import time; time.sleep(60)", "hangs"),
        ("import egoact_has_no_such_module", "no such module|No module"),
    ],
)
def test_a_library_that_misbehaves_harms_only_its_own_process(
    code: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "soxr.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path.cwd()}")
    monkeypatch.setattr("edge.doctor.probe.TIMEOUT_S", 3.0)
    with pytest.raises(ProbeError, match=word):
        Probes(("soxr",)).facts("soxr")


def test_without_portaudio_there_is_no_second_line_about_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path.cwd()}")
    asked = Probes(("portaudio", "microphones"))
    for name in ("portaudio", "microphones"):
        with pytest.raises(ProbeError) as error:
            asked.facts(name)
        assert error.value.missing


def test_the_command_on_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--record", str(tmp_path / "not" / "yet")])
    out, err = capsys.readouterr()
    assert err == ""
    assert ("egoact live would work;" in out) == (code == 0)
    assert list(tmp_path.iterdir()) == [], "the doctor only reads"


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    data = json.loads(capsys.readouterr().out)
    assert data["ready"] == (code == 0)
    assert {f["state"] for group in data["groups"] for f in group["findings"]} <= {"ok", "warning", "broken", "unknown"}


def test_no_network_is_opened(tmp_path: Path) -> None:
    """Neither by the doctor nor by the processes that try out libraries."""
    env, log = network_trap(tmp_path / "trap")
    done = subprocess.run([sys.executable, "-m", "edge.cli", "doctor"], env=env, capture_output=True, timeout=120)
    assert done.returncode in (0, 1)
    assert not log.exists(), log.read_text()
    # The client library of PulseAudio makes the folder of its cookie.
    left = {path.relative_to(tmp_path / "trap" / "home").parts[:2] for path in (tmp_path / "trap/home").rglob("*")}
    assert left <= {(".config",), (".config", "pulse")}


def test_a_precision_whose_kernels_are_wrong_here_is_found(tmp_path: Path, bundle: Bundle) -> None:
    host = replace(laptop(tmp_path / "root", bundle), choose=lambda bundle: Precisions("int8", "bf16"))
    state, value, mend = findings(host)["agreement"]
    assert (state, mend) == ("ok", None)
    assert "int8+bf16" in value
    wrong = replace(host, cosines=lambda bundle, precision: {"appearance": 0.99, "motion": 0.98, "audio": -0.07})
    state, value, mend = findings(wrong)["agreement"]
    assert state == "broken"
    assert "audio -0.070" in value
    assert mend is not None
    assert mend.endswith("--precision f32")
    assert "agreement" not in findings(laptop(tmp_path / "other", bundle)), "FP32 needs no comparison"
    hung = replace(host, cosines=raises)
    assert findings(hung)["agreement"][0] == "unknown"


def test_the_shipped_precisions_compute_fp32s_features_on_this_processor() -> None:
    """Also where OpenVINO's kernels for AMX are wrong, which it must not use: see edge/__init__.py."""
    for precision in ("int8", "bf16") if processor_can("bf16") else ("int8",):
        cosines = measured_cosines(SHIPPED, f"{precision}+{precision}")
        assert set(cosines) == {"appearance", "motion", "audio"}
        assert min(cosines.values()) > 0.95, (precision, cosines)
