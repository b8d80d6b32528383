from __future__ import annotations

from edge.annotations.label_map import Mapped
from edge.report.text import mapping_lines, verification_lines
from edge.verify.judge import judge
from tests.edge.verify.made_runs import made_evidence


def test_unknown_rows_are_told_with_their_scores() -> None:
    evidence = made_evidence(["cut"] * 4, ["cut", "cut", "wave", "wave"], confidence=[0.9, 0.8, 0.5, 0.4])
    last = list(verification_lines(judge([evidence])))[-1]
    assert last == "  unknown     2 rows against 2: confidence AUROC 1.000, familiarity AUROC 1.000"


def test_without_unknown_rows_or_found_segments_nothing_is_told_of_them() -> None:
    lines = "\n".join(verification_lines(judge([made_evidence(["cut", "idle"], ["mix", "idle"])])))
    assert "unknown" not in lines
    assert "announced" not in lines
    found = "\n".join(verification_lines(judge([made_evidence(["cut", "cut", "idle"], ["cut", "cut", "idle"])])))
    assert "announced 1.6 s after the start" in found


def test_many_words_without_a_label_are_cut() -> None:
    lines = list(mapping_lines(Mapped({}, "CSV", unmapped={f"word{n:02}": 1 for n in range(15)})))
    assert lines[0].startswith("annotation: 15 actions have no label: word00 1, word01 1")
    assert lines[0].endswith("and 3 more words")
