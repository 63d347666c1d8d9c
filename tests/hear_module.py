"""A toy module of the HEAR API: the loudness of eight bands, mixed at random, every 25 ms."""

import torch

__version__ = "1.0"


def load_model(model_file_path=""):
    model = torch.nn.Module()
    model.sample_rate, model.scene_embedding_size, model.timestamp_embedding_size = 16000, 6, 6
    mixing = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))
    model.register_buffer("mixing", torch.load(model_file_path) if model_file_path else mixing)
    return model


def get_timestamp_embeddings(audio, model):
    n_frames = -(-audio.shape[1] // 400)
    padded = torch.nn.functional.pad(audio, (0, 400 * n_frames - audio.shape[1]))
    spectra = torch.fft.rfft(padded.unflatten(1, (n_frames, 400))).abs()[..., :200]
    bands = spectra.unflatten(2, (8, 25)).mean(3)
    times = 12.5 + 25 * torch.arange(n_frames, device=audio.device)
    return torch.log1p(bands) @ model.mixing, times.repeat(len(audio), 1)


def get_scene_embeddings(audio, model):
    return get_timestamp_embeddings(audio, model)[0].mean(1)
