"""Small folders of models of transformers with random weights, and what transformers gives."""

from pathlib import Path

import numpy as np
import torch

WIDTH, N_BLOCKS = 32, 3
_WAVEFORMS = dict(
    hidden_size=WIDTH,
    num_hidden_layers=N_BLOCKS,
    num_attention_heads=2,
    intermediate_size=48,
    conv_dim=(16,) * 7,
    num_conv_pos_embeddings=16,
    num_conv_pos_embedding_groups=2,
)
_SEW = {**_WAVEFORMS, "conv_dim": (16,) * 13}
_LAYER_NORM = dict(feat_extract_norm="layer", do_stable_layer_norm=True)
_AST = dict(hidden_size=WIDTH, num_hidden_layers=N_BLOCKS, num_attention_heads=2)
_WHISPER = dict(
    d_model=WIDTH,
    encoder_layers=N_BLOCKS,
    encoder_attention_heads=2,
    encoder_ffn_dim=48,
    decoder_layers=1,
    decoder_attention_heads=2,
    decoder_ffn_dim=48,
    vocab_size=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    decoder_start_token_id=1,
)
_BERT = dict(
    hidden_size=WIDTH,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=48,
    vocab_size=64,
)

KINDS = {
    "wav2vec2-group": ("Wav2Vec2", _WAVEFORMS, "Wav2Vec2"),
    "wav2vec2-layer": ("Wav2Vec2", {**_WAVEFORMS, **_LAYER_NORM}, "Wav2Vec2"),
    "hubert": ("Hubert", _WAVEFORMS, "Wav2Vec2"),
    "wavlm": ("WavLM", _WAVEFORMS, "Wav2Vec2"),
    "data2vec": ("Data2VecAudio", _WAVEFORMS, "Wav2Vec2"),
    "unispeech": ("UniSpeech", _WAVEFORMS, "Wav2Vec2"),
    "conformer": ("Wav2Vec2Conformer", _WAVEFORMS, "Wav2Vec2"),
    "sew": ("SEW", _SEW, "Wav2Vec2"),
    "ast": ("AST", {**_AST, "intermediate_size": 48}, "AST"),
    "whisper": ("Whisper", _WHISPER, "Whisper"),
    "bert": ("Bert", _BERT, None),
    "encodec": ("Encodec", dict(num_filters=4, hidden_size=8, codebook_dim=8), "Encodec"),
}
WAVEFORM_KINDS = [name for name, (_, _, extractor) in KINDS.items() if extractor == "Wav2Vec2"]


def draw_model(kind, seed=0, *, head="Model", extractor=None, **configuration):
    """Draw a model, and make its feature extractor (None where it has none)."""
    import transformers

    name, sizes, heard_by = KINDS[kind]
    config = getattr(transformers, f"{name}Config")(**{**sizes, **configuration})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, f"{name}{head}")(config).eval()
        for parameter_name, value in model.named_parameters():
            if value.ndim < 2 or parameter_name.endswith("token"):  # all zeros or ones
                value.data.add_(0.1 * torch.randn_like(value))
    if heard_by is None:
        return model, None
    return model, getattr(transformers, f"{heard_by}FeatureExtractor")(**(extractor or {}))


def write_model(folder, kind, seed=0, **parameters):
    """Write a folder in the layout of the Hugging Face hub; return its path."""
    model, extractor = draw_model(kind, seed, **parameters)
    model.save_pretrained(folder)
    if extractor is not None:
        extractor.save_pretrained(folder)
    return str(Path(folder))


def run(model, extractor, waveform, layer=-1):
    """The hidden states (n_tokens, width) that transformers gives for a waveform by itself."""
    network = model.get_encoder() if hasattr(model, "decoder") else model
    rate = extractor.sampling_rate
    given = extractor(waveform, sampling_rate=rate, return_tensors="pt")
    name = network.main_input_name
    with torch.inference_mode():
        outputs = network(given[name], output_hidden_states=True)
    states = [*outputs.hidden_states[:-1], outputs.last_hidden_state]
    if layer == "mean":
        return np.mean([state[0].numpy() for state in states], axis=0)
    return states[layer][0].numpy()
