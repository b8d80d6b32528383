from __future__ import annotations

import hashlib

import numpy as np
import pytest

from trainer.narration.hashed_text import TEXT_DIM, clean_narration, embed_texts


@pytest.mark.parametrize(
    ("narration", "clean"),
    [
        ("#C C cuts the bamboo with a knife.", "She cuts the bamboo with a knife"),
        ("#c c picks #unsure", "She picks something"),
        ("#C is doing something", "She is doing something"),
        ("#O A man X talks to #C C", "#o a man x talks to She"),
        ("  A motor   is heard ", "a motor is heard"),
        ("", ""),
    ],
)
def test_marks_of_ego4d_become_english(narration: str, clean: str) -> None:
    assert clean_narration(narration) == clean


def test_unit_length_and_the_same_on_every_machine() -> None:
    [vector] = embed_texts(["motor"])
    bits = "".join(f"{byte:08b}" for byte in hashlib.sha512(b"motor").digest())
    expected = np.array([1.0 if bit == "1" else -1.0 for bit in bits]) / np.sqrt(TEXT_DIM)
    np.testing.assert_allclose(vector, expected, atol=1e-6)


def test_shared_words_bring_sentences_together_and_order_counts() -> None:
    cut, cut_other, drill, swapped = embed_texts(
        [
            "#C C cuts the carrot with a knife.",
            "#C C cuts the plank with a saw.",
            "a motor hums",
            "knife a with carrot the cuts she",
        ]
    )
    assert cut @ cut_other > 0.4
    assert abs(cut @ drill) < 0.3
    assert cut @ cut_other < cut @ swapped < 0.999


def test_case_and_trailing_dot_do_not_count() -> None:
    first, second = embed_texts(["Water runs.", "water runs"])
    np.testing.assert_array_equal(first, second)


def test_shapes_of_nothing() -> None:
    assert embed_texts([]).shape == (0, TEXT_DIM)
    assert not embed_texts([""]).any()
