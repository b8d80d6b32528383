from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edge.cli import main
from tests.argo1m_files import FAULTS, Argo1mFiles, write_argo1m
from trainer.data.argo1m import SPLITS


def checked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of `egoact data check`."""
    code = main(["data", "check", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def errors(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f["code"], f["message"]) for f in report["findings"] if f["level"] == "error"]


def codes(report: dict[str, Any], level: str) -> set[str]:
    return {finding["code"] for finding in report["findings"] if finding["level"] == level}


def everything(files: Argo1mFiles) -> tuple[object, ...]:
    return files.csv_folder, "--features", files.pt_folder, "--manifest", files.manifest


def test_files_that_are_right_pass_and_are_counted(
    right_files: Argo1mFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = checked(capsys, *everything(right_files))
    assert (code, report["ok"], codes(report, "error"), codes(report, "warning")) == (0, True, set(), set())
    assert report["kind"] == "ARGO1M, CSV files"
    train, _, test = report["parts"]
    assert [part["name"] for part in report["parts"]] == ["Ar_ITA_train.csv", "Ar_ITA_val.csv", "Ar_ITA_test.csv"]
    clips = right_files.parts["train"]
    assert (train["clips"], train["videos"], len(train["domains"])) == (len(clips), 18, 9)
    assert sum(train["classes"].values()) == sum(train["domains"].values()) == len(clips)
    assert (len(train["classes"]), test["domains"]) == (60, {"Arts and craft/Catania": 12})
    expected = np.histogram([np.float32(clip.consistency) for clip in clips], 10, (0, 1))[0]
    assert train["ratings"] == expected.tolist()
    assert (train["narrated"], train["audio_narrated"]) == (1, 1)
    assert train["sound"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_planted_fault_is_found(files: Argo1mFiles, capsys: pytest.CaptureFixture[str], fault: str) -> None:
    expected, plant = FAULTS[fault]
    plant(files)
    code, report = checked(capsys, *everything(files))
    assert (code, report["ok"]) == (1, False)
    assert {found for found, _ in errors(report)} == {expected}
    assert all(message.isprintable() and (";" in message or ":" in message) for _, message in errors(report))


def test_what_is_odd_but_usable_is_a_warning(files: Argo1mFiles, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *others = files.parts["train"]
    files.rewrite("train", [replace(first, end=900), replace(second, start=1, end=0), *others])
    code, report = checked(capsys, *everything(files))
    assert (code, codes(report, "warning")) == (0, {"rows"})
    messages = [f["message"] for f in report["findings"] if f["code"] == "rows"]
    assert [what in " ".join(messages) for what in ("end behind their last row", "ends before it starts")] == [
        True,
        True,
    ]


def test_label_names_that_disagree_with_their_numbers_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_argo1m(tmp_path / "a", style="raw", clips_per_domain=1)
    clip = files.parts["test"][0]
    path = files.csv("test")
    code, report = checked(capsys, path)
    assert (code, codes(report, "error")) == (0, set())
    path.write_text(path.read_text().replace(f",{clip.label}.0\n", f",{(clip.label + 1) % 60}.0\n", 1))
    code, report = checked(capsys, path)
    assert (code, codes(report, "error")) == (1, {"label-names"})


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("10,5.333,160", None),
        ("10,4.8,144", None),  # one hop before the first row
        ("10,6.4,192", None),  # the end of the first row
        ("10,4.76,143", "'action_start_feature_idx' and"),
        ("10,6.44,193", "'action_start_feature_idx' and"),
        ("10,5.5,160", "'timeframe' at 30 fps and 'timestamp' are apart"),
        ("10,,193", "'action_start_feature_idx' and 'timeframe'"),
        ("10,,143", "'action_start_feature_idx' and 'timeframe'"),
        ("10,6.44,", "'action_start_feature_idx' and 'timestamp'"),
        ("10,,", None),
    ],
)
def test_a_clip_starts_within_its_first_row_or_one_hop_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cells: str, expected: str | None
) -> None:
    path = tmp_path / "Ar_ITA_train.csv"
    header = "uid,label,scenario_idx,location_idx,action_end_feature_idx,action_start_feature_idx,timestamp,timeframe"
    path.write_text(f"{header}\nu,1,2,3,12,{cells}\n")
    code, report = checked(capsys, path)
    found = [message for code, message in errors(report) if code == "times"]
    assert code == (0 if expected is None else 1)
    assert all(expected in message for message in found) if expected else found == []


def test_a_few_clips_off_are_a_warning(files: Argo1mFiles, capsys: pytest.CaptureFixture[str]) -> None:
    clips = files.parts["train"] * 6
    files.rewrite("train", clips)
    lines = files.csv("train").read_text().splitlines()
    assert f",{clips[0].timeframe}," in lines[1]
    lines[1] = lines[1].replace(f",{clips[0].timeframe},", f",{clips[0].timeframe + 300},", 1)
    files.csv("train").write_text("\n".join(lines) + "\n")
    code, report = checked(capsys, files.csv_folder)
    assert (code, codes(report, "warning")) == (0, {"times"})


def test_a_validation_part_of_the_test_domain_is_a_warning(
    files: Argo1mFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    files.rewrite("val", files.parts["test"])
    code, report = checked(capsys, files.csv_folder)
    assert (code, codes(report, "warning")) == (0, {"overlap"})


def test_a_test_part_of_another_domain_than_its_name_is_a_warning(
    files: Argo1mFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in files.parts:
        files.csv(part).rename(files.csv_folder / f"Co_JPN_{part}.csv")
    code, report = checked(capsys, files.csv_folder)
    assert (code, codes(report, "warning")) == (0, {"held-out"})


def test_only_the_splits_that_are_asked_for_are_checked(files: Argo1mFiles, capsys: pytest.CaptureFixture[str]) -> None:
    (files.csv_folder / "Sp_COL_train.csv").write_text("nothing\n")
    assert checked(capsys, files.csv_folder)[0] == 1
    assert checked(capsys, files.csv_folder, "--split", "Arts_and_craft_ITA")[0] == 0
    code, report = checked(capsys, files.csv_folder, "--split", "Sp_COL")
    assert (code, codes(report, "error")) == (1, {"csv", "missing-part"})


def test_beton_files_are_checked_too(files: Argo1mFiles, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = checked(capsys, files.beton_folder, "--manifest", files.manifest)
    assert (code, len(report["parts"]), report["parts"][0]["clips"]) == (0, 3, 36)
    path = files.beton("test")
    data = bytearray(path.read_bytes())
    behind = data.index(b'["#C C')  # the narration lies behind the features
    data[behind - 4 : behind] = np.float32(np.nan).tobytes()
    path.unlink()
    path.write_bytes(data)
    assert codes(checked(capsys, files.beton_folder)[1], "error") == {"nan"}
    assert checked(capsys, files.beton_folder, "--quick")[0] == 0
    path.unlink()
    path.write_bytes(data[:-3])
    assert checked(capsys, path, "--quick")[0] == 0  # the table of allocations at the end is not needed
    path.unlink()
    path.write_bytes(data[: len(data) // 2])
    assert codes(checked(capsys, path)[1], "error") == {"beton"}


def test_quick_does_not_read_values(files: Argo1mFiles, capsys: pytest.CaptureFixture[str]) -> None:
    FAULTS["NaN in features"][1](files)
    assert checked(capsys, *everything(files))[0] == 1
    assert checked(capsys, *everything(files), "--quick")[0] == 0


def test_a_packed_store_is_made_and_checked(files: Argo1mFiles, capsys: pytest.CaptureFixture[str]) -> None:
    store = files.folder / "store"
    assert main(["data", "pack", str(files.csv_folder), "--features", str(files.pt_folder), "--out", str(store)]) == 0
    assert "rows of 24 videos" in capsys.readouterr().out
    assert checked(capsys, files.csv_folder, "--features", store)[0] == 0
    assert checked(capsys, store)[0] == 0
    with open(store / "motion.f32", "r+b") as file:
        file.write(np.float32(np.inf).tobytes())
    for source in ((files.csv_folder, "--features", store), (store,)):
        code, report = checked(capsys, *source)
        assert (code, codes(report, "error")) == (1, {"nan"})
    files.rewrite("test", [replace(clip, uid="another") for clip in files.parts["test"]])
    assert codes(checked(capsys, files.csv_folder, "--features", store)[1], "error") == {"missing-features", "nan"}


def test_audio_by_clip_tells_what_has_sound(files: Argo1mFiles, capsys: pytest.CaptureFixture[str]) -> None:
    for part, clips in files.parts.items():
        values = np.ones((len(clips), 4), np.float32)
        values[: len(clips) // 2] = 0
        np.save(files.folder / f"{files.csv(part).stem}.npy", values)
    code, report = checked(capsys, files.csv_folder, "--audio", files.folder)
    assert (code, report["parts"][0]["sound"]) == (0, 0.5)
    np.save(files.folder / "Ar_ITA_test.npy", values[:2])
    code, report = checked(capsys, files.csv_folder, "--audio", files.folder)
    assert (code, codes(report, "error")) == (1, {"audio"})


def test_a_full_disk_while_packing_is_one_line(
    files: Argo1mFiles, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainer.features.store.os.fsync", full)
    arguments = ["data", "pack", str(files.csv_folder), "--features", str(files.pt_folder)]
    assert main([*arguments, "--out", str(files.folder / "store")]) == 1
    assert capsys.readouterr().err == (
        f"egoact data: {files.folder / 'store'}: cannot be written (no space left on device); make room or give another"
        " folder\n"
    )


def test_the_plain_report_is_lines_that_end_in_a_verdict(
    files: Argo1mFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    FAULTS["label 60"][1](files)
    torch.save(torch.zeros(3, 5), files.pt_folder / f"{files.parts['test'][0].uid}.pt")
    assert main(["data", "check", *map(str, everything(files))]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"ARGO1M, CSV files: {files.csv_folder}"
    assert [line.split()[0] for line in lines if line.startswith("error")] == ["error", "error"]
    assert lines[-1] == "something is wrong: 2 errors, 0 warnings"


@pytest.mark.parametrize("name", ["folder", "none", "manifest.csv"])
def test_other_sources_are_refused(files: Argo1mFiles, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (files.folder / "folder").mkdir()
    code = main(["data", "check", str(files.folder / name)])
    captured = capsys.readouterr()
    assert code == (1 if name == "manifest.csv" else 2)
    assert captured.err.startswith("egoact data: ")
    assert captured.err.count("\n") == 1


def test_an_unknown_split_is_refused_with_the_names(
    right_files: Argo1mFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "check", str(right_files.csv_folder), "--split", "Xy_ABC"]) == 1
    assert SPLITS[0].code in capsys.readouterr().err
