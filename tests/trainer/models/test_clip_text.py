from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from tests.trainer.models.network import cut_network
from tests.trainer.models.tiny_clip import DIM, write_clip
from trainer.models.clip_text import ClipText, load_clip_text
from trainer.models.transformers_package import import_transformers
from trainer.narration.clean_up import variants
from trainer.narration.encode import encode_narrations

TEXTS = [
    "She cuts the carrot with a knife",
    "The woman cuts the carrot with a knife",
    "",
    "water runs",
    "#o a man x puts £5 – or 5 € – on the table",
    " ".join(f"cut{i}" for i in range(60)),  # far more than 77 tokens
]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing here may touch the network."""
    attempts = cut_network(monkeypatch)
    yield
    assert attempts == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def clip(folder: Path) -> ClipText:
    return load_clip_text(folder)


@torch.no_grad()
def library_vectors(folder: Path, texts: list[str]) -> NDArray[np.float32]:
    """The library called directly, on all texts at once, as sentence-transformers does it for clip-ViT-B-32."""
    library = import_transformers()
    model = library.CLIPModel.from_pretrained(folder).float().eval()
    tokenizer = library.CLIPTokenizerFast.from_pretrained(folder)
    tokens = tokenizer(texts, padding=True, truncation=True, max_length=77, return_tensors="pt")
    output = model.text_model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
    return model.text_projection(output.pooler_output).numpy()


def vectors_of_tokens(folder: Path, tokens: list[list[int]]) -> NDArray[np.float32]:
    model = import_transformers().CLIPModel.from_pretrained(folder).eval()
    with torch.no_grad():
        return np.concatenate(
            [model.text_projection(model.text_model(torch.tensor([row])).pooler_output).numpy() for row in tokens]
        )


def test_vectors_equal_the_library(folder: Path, clip: ClipText) -> None:
    vectors = clip.encode(TEXTS)
    assert (vectors.shape, vectors.dtype, clip.dim) == ((len(TEXTS), DIM), np.float32, DIM)
    np.testing.assert_allclose(vectors, library_vectors(folder, TEXTS), rtol=0, atol=2e-6)


def test_they_are_not_normalised_and_tell_texts_apart(clip: ClipText) -> None:
    vectors = clip.encode(TEXTS)
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.abs(lengths - 1).min() > 0.1
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2) + 10 * np.eye(len(TEXTS))
    assert distances.min() > 0.1


def test_longer_texts_lose_their_tail_and_keep_the_end_of_text(folder: Path, clip: ClipText) -> None:
    library = import_transformers()
    tokenizer = library.CLIPTokenizerFast.from_pretrained(folder)
    ids = tokenizer(TEXTS[-1])["input_ids"]
    assert len(ids) > 77
    kept = [*ids[:76], tokenizer.eos_token_id]
    np.testing.assert_allclose(clip.encode(TEXTS[-1:]), vectors_of_tokens(folder, [kept]), rtol=0, atol=2e-6)
    longer, other = clip.encode([TEXTS[-1] + " and more", "the " + TEXTS[-1]])
    np.testing.assert_allclose(longer, clip.encode(TEXTS[-1:])[0], rtol=0, atol=2e-6)
    assert np.abs(longer - other).max() > 0.01


def test_tokens_of_a_known_text(folder: Path, clip: ClipText) -> None:
    """Byte pairs by hand: lower case, merged by the list, one token a digit and a mark, an end on both sides."""
    vocabulary = import_transformers().CLIPTokenizerFast.from_pretrained(folder).get_vocab()
    expected = ["<|startoftext|>", "she</w>", "cuts</w>", "the</w>", "m", "a", "t</w>", "1</w>", "2</w>", "!</w>"]
    tokens = [vocabulary[token] for token in [*expected, "<|endoftext|>"]]
    np.testing.assert_allclose(
        clip.encode(["She  CUTS the mat 12!"]), vectors_of_tokens(folder, [tokens]), rtol=0, atol=2e-6
    )


def test_companions_and_padding_do_not_count(clip: ClipText) -> None:
    """More texts than a batch holds, of all lengths, in one call, against each on its own."""
    texts = [f"{'the man cuts ' * (i % 9)}thing {i}" for i in range(150)]
    together = clip.encode(texts)
    for i in (0, 1, 8, 63, 64, 65, 149):
        np.testing.assert_allclose(together[i], clip.encode([texts[i]])[0], rtol=0, atol=2e-6)


def test_nothing_gives_nothing(clip: ClipText) -> None:
    assert clip.encode([]).shape == (0, DIM)


def test_every_published_form_gives_the_same_vectors(tmp_path: Path, clip: ClipText) -> None:
    write_clip(tmp_path / "pickled", form="pickled")
    write_clip(tmp_path / "inside" / "0_CLIPModel")  # sentence-transformers' repository
    write_clip(tmp_path / "text", form="text")
    for form in ("pickled", "inside", "text"):
        other = load_clip_text(tmp_path / form)
        np.testing.assert_array_equal(other.encode(TEXTS), clip.encode(TEXTS), err_msg=form)
        assert other.name == clip.name


def test_openai_configuration_means_the_last_token(tmp_path: Path, clip: ClipText) -> None:
    """Their files say eos_token_id 2 (transformers pull request 24773)."""
    other = load_clip_text(write_clip(tmp_path, eos_token_id=2, bos_token_id=0, pad_token_id=1))
    np.testing.assert_array_equal(other.encode(TEXTS), clip.encode(TEXTS))


def test_half_precision_files_are_run_in_float32(tmp_path: Path, clip: ClipText) -> None:
    weights = write_clip(tmp_path) / "model.safetensors"
    save_file({name: value.half() for name, value in load_file(weights).items()}, weights, {"format": "pt"})
    config = (tmp_path / "config.json").read_text()
    assert '"float32"' in config
    (tmp_path / "config.json").write_text(config.replace('"float32"', '"float16"'))
    vectors = load_clip_text(tmp_path).encode(TEXTS)
    np.testing.assert_allclose(vectors, library_vectors(tmp_path, TEXTS), rtol=0, atol=2e-6)
    assert np.abs(vectors - clip.encode(TEXTS)).max() > 1e-5


def test_the_name_follows_weights_and_vocabulary(tmp_path: Path, clip: ClipText) -> None:
    weights = write_clip(tmp_path / "a") / "model.safetensors"
    state = load_file(weights)
    state["text_model.final_layer_norm.bias"][0] += 1e-3
    save_file(state, weights, {"format": "pt"})
    vocabulary = write_clip(tmp_path / "b") / "vocab.json"
    vocabulary.write_text(vocabulary.read_text().replace('"the</w>"', '"tho</w>"').replace('"sh"', '"so"'))
    (tmp_path / "b" / "merges.txt").write_text("#version: 0.2\nt h\nth o</w>\ns o\nc u\ncu t\ncut s</w>\n")
    names = {clip.name, load_clip_text(tmp_path / "a").name, load_clip_text(tmp_path / "b").name}
    assert len(names) == 3


def test_narrations_are_kept_as_clip_gives_them(tmp_path: Path, clip: ClipText) -> None:
    narrations = ["#C C cuts #unsure.", "#O A man X waits", "#C C cuts the mat"]
    features = encode_narrations(narrations, clip, tmp_path, chunk=2)
    assert (features.encoder, features.array.shape) == (clip.name, (3, 5, DIM))
    for narration, row in zip(narrations, features.rows_of(narrations), strict=True):
        np.testing.assert_allclose(features.array[row], clip.encode(variants(narration)), rtol=0, atol=2e-6)


def test_weights_are_frozen(clip: ClipText) -> None:
    assert not any(parameter.requires_grad for parameter in clip._model.parameters())
    assert not clip._model.training


def test_torchaudio_can_be_imported_afterwards_if_it_could_before() -> None:
    import_transformers()
    assert sys.modules.get("torchaudio", "absent") is not None
