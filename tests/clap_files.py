"""Small folders of CLAP with random weights, in the layout of the Hugging Face hub."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

DEPTHS, HEADS, WIDTH, N_OUTPUTS = (1, 2, 1, 1), (1, 2, 2, 4), 8, 16
TEXT_WIDTH, TEXT_HIDDEN, N_TOKENS, N_POSITIONS = 32, 64, 262, 130


def write_tiny_clap(folder, *, fused=False, seed=0, changes=None):
    """Write a folder with weights, configurations and a tokenizer of bytes.

    ``changes`` are entries of the weights to replace; None leaves one out.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {**draw_clap(fused=fused, seed=seed), **(changes or {})}
    state = {name: value for name, value in state.items() if value is not None}
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"text_config": {"num_attention_heads": 2}}))
    front_end = {
        "sampling_rate": 48000,
        "padding": "repeatpad",
        "truncation": "fusion" if fused else "rand_trunc",
        "frequency_min": 50,
        "frequency_max": 14000,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(front_end))
    write_tokenizer(folder / "tokenizer.json")
    return str(folder)


def write_tokenizer(path):
    """Write a tokenizer that knows bytes alone, with the marks of RoBERTa."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *alphabet, "<mask>"]
    tokenizer = Tokenizer(models.BPE({piece: k for k, piece in enumerate(pieces)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(path))


def draw_clap(*, fused=False, seed=0):
    """Draw entries as transformers names them."""
    draw = _Draw(seed)
    draw.sound(fused)
    draw.texts()
    for side, n_inputs in (("audio", WIDTH << 3), ("text", TEXT_WIDTH)):
        draw.linear(f"{side}_projection.linear1", N_OUTPUTS, n_inputs)
        draw.linear(f"{side}_projection.linear2", N_OUTPUTS, N_OUTPUTS)
    return {**draw.state, "logit_scale_a": torch.tensor(3.0), "logit_scale_t": torch.tensor(2.6)}


class _Draw:
    """Entries that are drawn one after the other."""

    def __init__(self, seed):
        self.state = {}
        self._generator = torch.Generator().manual_seed(seed)

    def matrix(self, name, *shape, scale=1.4):
        values = torch.randn(shape, generator=self._generator)
        self.state[name] = scale * values / values[0].numel() ** 0.5

    def vector(self, name, n, mean=0.0, spread=0.1):
        self.state[name] = mean + spread * torch.randn(n, generator=self._generator)

    def linear(self, name, n_outputs, n_inputs):
        self.matrix(f"{name}.weight", n_outputs, n_inputs)
        self.vector(f"{name}.bias", n_outputs)

    def norm(self, name, n):
        self.vector(f"{name}.weight", n, mean=1.0)
        self.vector(f"{name}.bias", n)

    def block(self, name, width, hidden):
        for role in ("self.query", "self.key", "self.value", "output.dense"):
            self.linear(f"{name}.attention.{role}", width, width)
        self.linear(f"{name}.intermediate.dense", hidden, width)
        self.linear(f"{name}.output.dense", width, hidden)

    def sound(self, fused):
        audio = "audio_model.audio_encoder"
        self.norm(f"{audio}.batch_norm", 64)
        self.vector(f"{audio}.batch_norm.running_mean", 64, mean=-40.0, spread=5.0)
        self.vector(f"{audio}.batch_norm.running_var", 64, mean=200.0, spread=20.0)
        self.state[f"{audio}.batch_norm.num_batches_tracked"] = torch.tensor(7)
        self.matrix(f"{audio}.patch_embed.proj.weight", WIDTH, 1, 4, 4)
        self.vector(f"{audio}.patch_embed.proj.bias", WIDTH)
        self.norm(f"{audio}.patch_embed.norm", WIDTH)
        if fused:
            self.matrix(f"{audio}.patch_embed.mel_conv2d.weight", WIDTH, 1, 4, 12)
            self.vector(f"{audio}.patch_embed.fusion_model.local_att.0.bias", 2)
        for stage, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True)):
            self._stage(f"{audio}.layers.{stage}", WIDTH << stage, depth, heads)
        self.norm(f"{audio}.norm", WIDTH << 3)

    def _stage(self, name, width, depth, heads):
        for k in range(depth):
            block = f"{name}.blocks.{k}"
            self.norm(f"{block}.layernorm_before", width)
            self.norm(f"{block}.layernorm_after", width)
            self.block(block, width, 2 * width)
            self.matrix(f"{block}.attention.self.relative_position_bias_table", 225, heads)
        if width < WIDTH << 3:
            self.norm(f"{name}.downsample.norm", 4 * width)
            self.matrix(f"{name}.downsample.reduction.weight", 2 * width, 4 * width)

    def texts(self):
        text = "text_model.embeddings"
        self.matrix(f"{text}.word_embeddings.weight", N_TOKENS, TEXT_WIDTH, scale=4.0)
        self.matrix(f"{text}.position_embeddings.weight", N_POSITIONS, TEXT_WIDTH, scale=4.0)
        self.matrix(f"{text}.token_type_embeddings.weight", 1, TEXT_WIDTH)
        self.state[f"{text}.position_ids"] = torch.arange(N_POSITIONS)[None]
        self.norm(f"{text}.LayerNorm", TEXT_WIDTH)
        for k in range(2):
            block = f"text_model.encoder.layer.{k}"
            self.block(block, TEXT_WIDTH, TEXT_HIDDEN)
            self.norm(f"{block}.attention.output.LayerNorm", TEXT_WIDTH)
            self.norm(f"{block}.output.LayerNorm", TEXT_WIDTH)
        self.linear("text_model.pooler.dense", TEXT_WIDTH, TEXT_WIDTH)
