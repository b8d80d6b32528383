"""Language models of a few thousand random weights, written as `transformers` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from trainer.models.transformers_package import import_transformers

CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}<|AUDIO|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ("<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>")


def byte_tokenizer(library: Any, chat_template: str | None) -> Any:
    """One token a byte, and the special ones."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = library.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=SPECIAL[0], eos_token=SPECIAL[1], additional_special_tokens=SPECIAL[2:]
    )
    fast.chat_template = chat_template
    return fast


def write_causal(folder: Path, *, chat_template: str | None = CHAT, says: str = "") -> Path:
    """A Llama; with `says`, one that replies this to anything: every token's successor is written into its weights."""
    library = import_transformers()
    tokenizer = byte_tokenizer(library, chat_template)
    torch.manual_seed(0)
    size = len(tokenizer)
    config = library.LlamaConfig(
        vocab_size=size,
        hidden_size=size + 1 if size % 2 else size,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        tie_word_embeddings=False,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    model = library.LlamaForCausalLM(config)
    if says:
        reply = [*tokenizer(says, add_special_tokens=False)["input_ids"], 1]
        assert len(set(reply)) == len(reply), "each token has one successor"
        assistant = SPECIAL.index("<|assistant|>")
        with torch.no_grad():
            for weight in model.parameters():
                weight.zero_()
            model.model.norm.weight.fill_(1.0)
            for layer in model.model.layers:
                layer.input_layernorm.weight.fill_(1.0)
                layer.post_attention_layernorm.weight.fill_(1.0)
            for token in range(size):
                model.model.embed_tokens.weight[token, token] = 1.0
            for token, successor in zip([assistant, *reply], reply, strict=False):
                model.lm_head.weight[successor, token] = 1.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_audio_model(folder: Path) -> Path:
    """A Qwen2-Audio with random weights."""
    library = import_transformers()
    tokenizer = byte_tokenizer(library, None)
    torch.manual_seed(0)
    config = library.Qwen2AudioConfig(
        audio_config={
            "d_model": 16,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "num_mel_bins": 16,
            "max_source_positions": 1500,
        },
        text_config={
            "model_type": "qwen2",
            "vocab_size": len(tokenizer),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
        },
        audio_token_index=SPECIAL.index("<|AUDIO|>"),
    )
    model = library.Qwen2AudioForConditionalGeneration(config)
    model.generation_config.eos_token_id = 1
    model.generation_config.pad_token_id = 0
    model.save_pretrained(folder)
    extractor = library.WhisperFeatureExtractor(feature_size=16, sampling_rate=16_000)
    library.Qwen2AudioProcessor(extractor, tokenizer, chat_template=CHAT).save_pretrained(folder)
    return folder
