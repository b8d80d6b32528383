"""BEATs audio transformer (Chen et al., "BEATs: Audio Pre-Training with Acoustic Tokenizers", ICML 2023).

Parameter names are those of the official checkpoints (microsoft/unilm, beats/); the positional convolution's weight
normalisation is folded into one weight (`beats_checkpoint`). Attention is written with plain products, so it exports.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH = 16  # a token covers 16 frames x 16 mel bins
POSITION_KERNEL = 128
POSITION_GROUPS = 16
POSITION_BUCKETS = 320
MAX_DISTANCE = 800
# Logits are computed 32 times smaller and shifted by their maximum before they are scaled back: no overflow in FP16.
LOGIT_GUARD = 32.0


class Beats(nn.Module):
    """BEATs encoder of any depth and width.

    Args:
        dim: width of a token. layers, heads, ffn: the transformer's depth, attention heads and feed-forward width.
        patch_embed: channels of the patch convolution, projected to `dim` (must differ from it, as the official one).
        num_classes: width of the classifier (AudioSet: 527); None for no head.
        dropout: probability on each residual branch, in training only.
    """

    def __init__(
        self,
        dim: int = 768,
        layers: int = 12,
        heads: int = 12,
        ffn: int = 3072,
        patch_embed: int = 512,
        num_classes: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_classes = num_classes
        self.patch_embedding = nn.Conv2d(1, patch_embed, PATCH, stride=PATCH, bias=False)
        self.layer_norm = nn.LayerNorm(patch_embed)
        self.post_extract_proj = nn.Linear(patch_embed, dim)
        self.encoder = Encoder(dim, layers, heads, ffn, dropout)
        self.predictor = None if num_classes is None else nn.Linear(dim, num_classes)
        self.apply(_initialise)

    def forward(self, fbank: Tensor) -> Tensor:
        """fbank [N, T, 128] normalised -> the mean of the tokens, [N, dim]."""
        return self.tokens(fbank).mean(dim=1)

    def tokens(self, fbank: Tensor) -> Tensor:
        """fbank [N, T, 128] normalised -> [N, 8 * (T // 16), dim], time-major. T must be at least 16."""
        patches = self.patch_embedding(fbank[:, None])
        channels, rows, columns = (int(size) for size in patches.shape[1:])
        patches = patches.reshape(-1, channels, rows * columns).transpose(1, 2)
        return self.encoder(self.post_extract_proj(self.layer_norm(patches)))

    def classify(self, embedding: Tensor) -> Tensor:
        """Mean token [N, dim] -> logits [N, num_classes]; AudioSet's scores are their sigmoid."""
        if self.predictor is None:
            raise ValueError("this BEATs has no classification head: build it with num_classes")
        return self.predictor(embedding)


class Encoder(nn.Module):
    """Convolutional position embedding, then transformer layers that share one relative position bias."""

    def __init__(self, dim: int, layers: int, heads: int, ffn: int, dropout: float) -> None:
        super().__init__()
        convolution = nn.Conv1d(dim, dim, POSITION_KERNEL, padding=POSITION_KERNEL // 2, groups=POSITION_GROUPS)
        self.pos_conv = nn.Sequential(convolution, DropLast(), nn.GELU())
        self.layer_norm = nn.LayerNorm(dim)
        self.layers = nn.ModuleList([Layer(dim, heads, ffn, layers, dropout, owns_bias=i == 0) for i in range(layers)])

    def forward(self, tokens: Tensor) -> Tensor:
        position = self.pos_conv(tokens.transpose(1, 2)).transpose(1, 2)
        tokens = self.layer_norm(tokens + position)
        bias = cast(Layer, self.layers[0]).self_attn.position_bias(int(tokens.shape[1]))
        for layer in self.layers:
            tokens = layer(tokens, bias)
        return tokens


class DropLast(nn.Module):
    """An even kernel with half of it as padding gives one position too many."""

    def forward(self, features: Tensor) -> Tensor:
        return features[:, :, :-1]


class Layer(nn.Module):
    """Post-norm transformer layer with DeepNorm (Wang et al. 2022, table 1, encoder only).

    The residual is scaled by alpha = (2 * layers)^(1/4); the branch starts small, by beta = (8 * layers)^(-1/4).
    """

    def __init__(self, dim: int, heads: int, ffn: int, layers: int, dropout: float, owns_bias: bool) -> None:
        super().__init__()
        self.alpha = (2 * layers) ** 0.25
        self.beta = (8 * layers) ** -0.25
        self.self_attn = GatedAttention(dim, heads, owns_bias)
        self.self_attn_layer_norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, ffn)
        self.fc2 = nn.Linear(ffn, dim)
        self.final_layer_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        tokens = self.self_attn_layer_norm(tokens * self.alpha + self.dropout(self.self_attn(tokens, bias)))
        update = self.fc2(F.gelu(self.fc1(tokens)))
        return self.final_layer_norm(tokens * self.alpha + self.dropout(update))


class GatedAttention(nn.Module):
    """Self-attention whose relative position bias is gated by the query (WavLM, Chen et al. 2022, equations 2 to 5)."""

    def __init__(self, dim: int, heads: int, owns_bias: bool) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim {dim} is not a multiple of heads {heads}")
        self.heads = heads
        self.head_dim = dim // heads
        self.k_proj = nn.Linear(dim, dim)
        self.v_proj = nn.Linear(dim, dim)
        self.q_proj = nn.Linear(dim, dim)
        self.out_proj = nn.Linear(dim, dim)
        self.grep_linear = nn.Linear(self.head_dim, 8)
        self.grep_a = nn.Parameter(torch.ones(1, heads, 1, 1))
        if owns_bias:
            self.relative_attention_bias = nn.Embedding(POSITION_BUCKETS, heads)

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """tokens [N, L, dim], bias [1, heads, L, L] -> [N, L, dim]."""
        query, key, value = (self._split(project(tokens)) for project in (self.q_proj, self.k_proj, self.v_proj))
        logits = torch.matmul(query * (self.head_dim**-0.5 / LOGIT_GUARD), key.transpose(2, 3))
        logits = (logits - logits.amax(dim=3, keepdim=True)) * LOGIT_GUARD
        weights = torch.softmax(logits + self._gate(query) * bias, dim=3)
        mixed = torch.matmul(weights, value).transpose(1, 2)
        return self.out_proj(mixed.reshape(-1, int(tokens.shape[1]), self.heads * self.head_dim))

    def position_bias(self, length: int) -> Tensor:
        """Bias of every pair of positions, [1, heads, length, length]."""
        buckets = _relative_buckets(length).to(self.relative_attention_bias.weight.device)
        return self.relative_attention_bias(buckets).permute(2, 0, 1)[None]

    def _split(self, tokens: Tensor) -> Tensor:
        length = int(tokens.shape[1])  # a constant in the exported graph, whose shapes are static
        return tokens.reshape(-1, length, self.heads, self.head_dim).transpose(1, 2)

    def _gate(self, query: Tensor) -> Tensor:
        length = int(query.shape[2])
        gates = torch.sigmoid(self.grep_linear(query).reshape(-1, self.heads, length, 2, 4).sum(dim=4))
        return gates[..., 0:1] * (gates[..., 1:2] * self.grep_a - 1.0) + 2.0


def _relative_buckets(length: int) -> Tensor:
    """T5's bidirectional buckets (Raffel et al. 2020): exact for near positions, logarithmic up to MAX_DISTANCE."""
    half = POSITION_BUCKETS // 2
    exact = half // 2
    position = torch.arange(length)
    offset = position[None, :] - position[:, None]
    distance = offset.abs()
    # float32 as in the reference: in another precision a distance at a boundary may fall into the next bucket.
    log_ratio = torch.log(distance.clamp(min=1).float() / exact) / math.log(MAX_DISTANCE / exact)
    far = (exact + (log_ratio * (half - exact)).long()).clamp(max=half - 1)
    return (offset > 0).long() * half + torch.where(distance < exact, distance, far)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, (nn.Linear, nn.Conv1d)) and module.bias is not None:
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Conv1d):
        nn.init.normal_(module.weight, std=math.sqrt(4.0 / (POSITION_KERNEL * module.out_channels)))
    if isinstance(module, Layer):  # `apply` visits children first, so this has the last word
        for linear in (module.self_attn.q_proj, module.self_attn.k_proj):
            nn.init.xavier_normal_(linear.weight)
        for linear in (module.self_attn.v_proj, module.self_attn.out_proj, module.fc1, module.fc2):
            nn.init.xavier_normal_(linear.weight, gain=module.beta)


def beats_base(num_classes: int | None = None) -> Beats:
    """The published size: 12 layers, 768 wide, 90.3 M parameters."""
    return Beats(num_classes=num_classes)


def beats_small(num_classes: int | None = None, dropout: float = 0.0) -> Beats:
    """The shipped small variant: 3 layers, 192 wide, 1.4 M parameters."""
    return Beats(dim=192, layers=3, heads=4, ffn=512, patch_embed=128, num_classes=num_classes, dropout=dropout)
