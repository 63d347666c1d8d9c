"""HuggingFaceAudioTransformer: models of transformers as an encoder, and what is refused."""

import json
import pickle
import shutil
import socket
import sys
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.base import clone

from skw2c import AudioIndex, HuggingFaceAudioTransformer, hear
from skw2c.exceptions import (
    FailedClipWarning,
    OptionalDependencyError,
    SavedIndexError,
    WeightsError,
)
from skw2c.models.huggingface import FrameGrid, FrozenHuggingFace, WindowGrid
from skw2c.models.huggingface import _frozen_hugging_face as frozen_module
from skw2c.models.huggingface._sound_models import SoundModel
from skw2c.transformers._encoder_registry import names_of_encoders, registration_of

from .clap_files import write_tiny_clap
from .conftest import make_tone
from .huggingface_files import KINDS, N_BLOCKS, WAVEFORM_KINDS, WIDTH, draw_model, run, write_model
from .tolerances import FEW, assert_close

pytest.importorskip("transformers")

RATE = 16000
AST_WINDOW = 163840
SOUND_KINDS = [*WAVEFORM_KINDS, "ast", "whisper"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("hugging face")
    return {kind: write_model(home / kind, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(3)
    return [make_tone(rng, n) for n in (RATE, 24000, 5000, 20001)]


@pytest.fixture
def other(folders, tmp_path):
    """A folder that a test may change."""
    return shutil.copytree(folders["wav2vec2-group"], tmp_path / "model")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("something asks the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def change_json(folder, name, **changes):
    path = folder / name
    stated = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in stated.items() if v is not None}))


def change_weights(folder, change):
    state = load_file(folder / "model.safetensors")
    save_file(change(state), folder / "model.safetensors")


# The vectors are those of transformers


@pytest.mark.parametrize("layer", [-1, 0, 2, "mean"])
@pytest.mark.parametrize("kind", [kind for kind in WAVEFORM_KINDS if kind != "sew"])
def test_waveform_models(folders, clips, kind, layer):
    model, extractor = draw_model(kind)
    expected = [run(model, extractor, clip, layer) for clip in clips]
    transformer = HuggingFaceAudioTransformer(folders[kind], layer=layer).fit()
    vectors = transformer.transform(clips)
    assert (vectors.dtype, vectors.shape) == (np.float32, (4, WIDTH))
    assert_close(vectors, np.stack([frames.mean(axis=0) for frames in expected]))
    frames = transformer.set_params(mode="frame").transform(clips)
    assert [len(f) for f in frames] == [49, 74, 15, 62]
    for ours, theirs in zip(frames, expected, strict=True):
        assert_close(ours, theirs)


def test_layers_are_counted_from_both_ends(folders, clips):
    vectors = {
        layer: HuggingFaceAudioTransformer(folders["hubert"], layer=layer).fit_transform(clips)
        for layer in range(-N_BLOCKS - 1, N_BLOCKS + 1)
    }
    for layer in range(N_BLOCKS + 1):
        np.testing.assert_array_equal(vectors[layer], vectors[layer - N_BLOCKS - 1])
    for layer in (-N_BLOCKS - 2, N_BLOCKS + 1):
        with pytest.raises(ValueError, match=f"layer={layer} must be 'mean' or a number from -4"):
            HuggingFaceAudioTransformer(folders["hubert"], layer=layer).fit()


def test_the_last_layer_of_large_models_is_normalised(folders, clips):
    """transformers gives the last hidden state of these before their final normalisation."""
    model, extractor = draw_model("wav2vec2-layer")
    given = extractor(clips[0], sampling_rate=RATE, return_tensors="pt")["input_values"]
    with torch.inference_mode():
        expected = model(given).last_hidden_state[0].mean(dim=0)
    [vector] = HuggingFaceAudioTransformer(folders["wav2vec2-layer"]).fit_transform(clips[:1])
    assert_close(vector, expected)


def test_sew_has_inner_frames_at_another_rate(folders, clips):
    model, extractor = draw_model("sew")
    transformer = HuggingFaceAudioTransformer(folders["sew"], mode="frame").fit()
    [frames] = transformer.transform(clips[:1])
    theirs = run(model, extractor, clips[0])
    # It fills up the last frame of an odd number with zeros, which are nobody's vector.
    assert len(theirs) == 49
    assert not theirs[-1].any()
    assert_close(frames, theirs[:48])
    assert transformer.transform([np.ones(400)]).shape == (1, 1, WIDTH)
    with pytest.raises(ValueError, match=r"layer=1 has frames at another rate .* only layer=-1"):
        transformer.set_params(layer=1).fit()


@pytest.mark.parametrize("layer", [-1, 1, "mean"])
def test_audio_spectrogram_transformer(folders, clips, layer):
    model, extractor = draw_model("ast")
    expected = [run(model, extractor, clip, layer)[:2].mean(axis=0) for clip in clips]
    transformer = HuggingFaceAudioTransformer(folders["ast"], layer=layer)
    assert_close(transformer.fit_transform(clips), np.stack(expected))


def test_its_last_layer_is_pooled_as_by_itself(folders, clips):
    model, extractor = draw_model("ast")
    given = extractor(clips[0], sampling_rate=RATE, return_tensors="pt")
    with torch.inference_mode():
        expected = model(**given).pooler_output
    assert_close(HuggingFaceAudioTransformer(folders["ast"]).fit_transform(clips[:1]), expected)


@pytest.mark.parametrize("layer", [-1, 1, "mean"])
def test_whisper(folders, clips, layer):
    model, extractor = draw_model("whisper")
    transformer = HuggingFaceAudioTransformer(folders["whisper"], layer=layer).fit()
    vectors = transformer.transform(clips)
    transformer.set_params(mode="frame")
    for clip, vector, frames in zip(clips, vectors, transformer.transform(clips), strict=True):
        n_frames = -(-len(clip) // 320)
        theirs = run(model, extractor, clip, layer)
        assert len(theirs) == 1500
        assert_close(frames, theirs[:n_frames])
        assert_close(vector, theirs[:n_frames].mean(axis=0))
    assert transformer.frame_times(2).tolist() == [[0, 0.02], [0.02, 0.04]]


@pytest.mark.parametrize("kind", SOUND_KINDS)
def test_a_clip_alone_and_among_others(folders, clips, kind):
    together = HuggingFaceAudioTransformer(folders[kind]).fit_transform(clips)
    transformer = HuggingFaceAudioTransformer(folders[kind], n_jobs=2, batch_size=3).fit()
    alone = np.concatenate([transformer.transform([clip]) for clip in clips])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    backwards = transformer.transform(clips[::-1] * 3)
    np.testing.assert_allclose(backwards, np.tile(together[::-1], (3, 1)), atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_padding_would_change_the_vector(folders, clips):
    """Why clips are not padded to one length: normalisation over time takes the zeros in."""
    model, extractor = draw_model("wav2vec2-group")
    given = extractor(
        [clips[2], clips[1]],
        sampling_rate=RATE,
        padding=True,
        return_attention_mask=True,
        return_tensors="pt",
    )
    with torch.inference_mode():
        padded = model(**given).last_hidden_state[0, :15].mean(dim=0).numpy()
    vectors = HuggingFaceAudioTransformer(folders["wav2vec2-group"]).fit_transform(clips[1:3])
    assert np.abs(vectors[1] - padded).max() > 1e-3


@pytest.mark.parametrize("kind", ["hubert", "ast", "whisper"])
def test_short_clips(folders, kind):
    transformer = HuggingFaceAudioTransformer(folders[kind]).fit()
    short = make_tone(np.random.default_rng(0), 399)
    filled = np.pad(short, (0, 1))
    np.testing.assert_array_equal(transformer.transform([short]), transformer.transform([filled]))
    assert np.isfinite(transformer.transform([short[:1], np.zeros(RATE)])).all()


def test_the_rate_is_that_of_the_feature_extractor(tmp_path):
    parameters = dict(extractor={"sampling_rate": 24000, "do_normalize": False})
    folder = write_model(tmp_path / "fast", "wavlm", **parameters)
    transformer = HuggingFaceAudioTransformer(folder, mode="frame").fit()
    clip = make_tone(np.random.default_rng(0), 24000, rate=24000)
    [frames] = transformer.transform([(clip, 24000)])
    assert_close(frames, run(*draw_model("wavlm", **parameters), clip))
    [resampled] = transformer.transform([clip[:RATE]])  # a second at 16 kHz
    assert len(resampled) == len(frames) == 74
    np.testing.assert_allclose(transformer.frame_times(2)[1], [320 / 24000, 720 / 24000])


def test_samples_far_beyond_one_matter_to_some(folders, tmp_path, clips):
    loud = [100 * clips[0]]
    HuggingFaceAudioTransformer(folders["hubert"]).fit_transform(loud)  # scales by itself
    folder = write_model(tmp_path / "plain", "hubert", extractor={"do_normalize": False})
    with pytest.warns(UserWarning, match=r"beyond \[-1, 1\]"):
        HuggingFaceAudioTransformer(folder).fit_transform(loud)


# Long clips


@pytest.mark.parametrize("kind", ["wav2vec2-group", "wav2vec2-layer", "sew"])
@pytest.mark.parametrize("n_samples", [31999, 32000, 32400, 48000, 51333, 80400])
def test_frames_of_long_clips_are_given_once(folders, kind, n_samples):
    """Each frame is that of the window it belongs to, computed by transformers."""
    model, extractor = draw_model(kind)
    clip = make_tone(np.random.default_rng(1), n_samples)
    transformer = HuggingFaceAudioTransformer(folders[kind], mode="frame", window_length=1.0)
    [frames] = transformer.fit_transform([clip])
    n_frames = 1 + (n_samples - 400) // 320
    per_window = 49
    if kind == "sew":
        n_frames, per_window = n_frames // 2 * 2, 48
    assert len(frames) == n_frames
    length = (per_window - 1) * 320 + 400
    for start in range(0, n_frames, per_window):
        own = min(start, n_frames - per_window)  # the last one begins earlier
        theirs = run(model, extractor, clip[own * 320 :][:length])[:per_window]
        count = min(per_window, n_frames - start)
        assert_close(frames[start : start + count], theirs[per_window - count :])
    [vector] = transformer.set_params(mode="clip").transform([clip])
    assert_close(vector, frames.mean(axis=0), FEW)


def test_a_clip_of_one_window_is_heard_whole(folders):
    clip = make_tone(np.random.default_rng(1), 16079)  # 49 frames and 319 samples more
    transformer = HuggingFaceAudioTransformer(folders["wav2vec2-group"], window_length=1.0)
    expected = run(*draw_model("wav2vec2-group"), clip).mean(axis=0)
    assert_close(transformer.fit_transform([clip])[0], expected)


def test_ast_hears_what_is_beyond_its_window(folders):
    model, extractor = draw_model("ast")
    clip = make_tone(np.random.default_rng(1), 20 * RATE)
    transformer = HuggingFaceAudioTransformer(folders["ast"]).fit()
    parts = [clip[:AST_WINDOW], clip[-AST_WINDOW:]]
    expected = np.mean([run(model, extractor, part)[:2].mean(axis=0) for part in parts], axis=0)
    vectors = transformer.transform([clip, clip[:AST_WINDOW]])
    assert_close(vectors[0], expected)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-4
    transformer.set_params(mode="frame")
    [frames], durations = transformer.embed_with_durations([clip])
    np.testing.assert_allclose(frames.mean(axis=0), vectors[0], atol=1e-5)
    assert transformer.frame_times(2, durations[0]).tolist() == [[0, 10.24], [9.76, 20]]


def test_whisper_beyond_its_window(folders):
    model, extractor = draw_model("whisper")
    clip = make_tone(np.random.default_rng(1), 31 * RATE + 5)
    transformer = HuggingFaceAudioTransformer(folders["whisper"], mode="frame").fit()
    [frames] = transformer.transform([clip])
    assert len(frames) == 1551
    assert_close(frames[:1500], run(model, extractor, clip[: 30 * RATE]))
    assert_close(frames[1500:], run(model, extractor, clip[51 * 320 :])[-51:])


@pytest.mark.parametrize("kind", ["hubert", "ast"])
def test_long_clips_are_read_part_by_part(folders, kind, monkeypatch):
    lengths = []

    def note(self, windows, layer):
        lengths.extend(map(len, windows))
        return np.zeros((len(windows), 1499, WIDTH), np.float32)

    monkeypatch.setattr(SoundModel, "embed", note)
    transformer = HuggingFaceAudioTransformer(folders[kind]).fit()
    transformer.transform([np.ones(20 * 60 * RATE, np.float32)])
    assert max(lengths) <= 30 * RATE
    assert len(lengths) == {"hubert": 41, "ast": 118}[kind]


@pytest.mark.parametrize(
    "grid", [FrameGrid(3, 5, 4), FrameGrid(3, 5, 4, unit=2), FrameGrid(3, 3, 4, counts_last=True)]
)
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_windows_do_not_depend_on_blocks(grid, block):
    for n_samples in range(1, 80):
        clip = np.arange(n_samples, dtype=np.float32)
        blocks = np.split(clip, range(block, n_samples, block))
        windows, given = list(grid.cut_blocks(blocks)), 0
        for window in windows:
            assert window.samples[0] == 3 * (given - window.skip)
            assert np.diff(window.samples).max(initial=1) == 1
            given += window.count
        assert given == grid.count(n_samples)
        last = windows[-1]
        assert n_samples - last.samples[-1] <= 3 * grid.unit + (grid.unit > 1)
        if len(windows) > 1:
            full = {len(window.samples) for window in windows[:-1]}
            assert full == {grid.length}
            assert last.skip + last.count == grid.per_window


def test_little_is_kept_of_a_long_clip():
    most = 0

    def blocks():
        for _ in range(500):
            yield np.zeros(100, np.float32)

    for grid in (FrameGrid(10, 20, 30), WindowGrid(300)):
        for window in grid.cut_blocks(blocks()):
            base = window.samples.base
            most = max(most, window.samples.size if base is None else base.size)
    assert most < 1500


def test_windows_are_computed_together_where_it_pays(folders, monkeypatch):
    clip = make_tone(np.random.default_rng(1), 5 * RATE)
    transformer = HuggingFaceAudioTransformer(folders["wav2vec2-group"], window_length=1.0).fit()
    alone = transformer.transform([clip])
    monkeypatch.setitem(frozen_module._WINDOWS_PER_BATCH, "cpu", 4)
    sizes, embed = [], SoundModel.embed

    def note(self, windows, layer):
        sizes.append(len(windows))
        return embed(self, windows, layer)

    monkeypatch.setattr(SoundModel, "embed", note)
    np.testing.assert_allclose(transformer.transform([clip]), alone, atol=1e-5)
    assert sizes == [4, 2]
    transformer.set_params(batch_size=1).transform([clip])
    assert sizes[2:] == [1] * 6


def test_window_length(folders):
    for kind in ("ast", "whisper"):
        with pytest.raises(
            ValueError, match="window_length=5 cannot be chosen .* leave it at None"
        ):
            HuggingFaceAudioTransformer(folders[kind], window_length=5).fit()
    with pytest.raises(ValueError, match=r"0.01 seconds is 160 samples .* at least 400 \(0.025"):
        HuggingFaceAudioTransformer(folders["hubert"], window_length=0.01).fit()
    transformer = HuggingFaceAudioTransformer(folders["hubert"], window_length=5).fit()
    transformer.set_params(model=folders["ast"], window_length=None).fit()
    assert transformer.frame_times(1).tolist() == [[0, 10.24]]


# Folders


def test_a_model_with_a_head(tmp_path, clips):
    folder = write_model(tmp_path / "ctc", "wav2vec2-group", head="ForCTC")
    expected = HuggingFaceAudioTransformer(folder).fit_transform(clips)
    model, extractor = draw_model("wav2vec2-group", head="ForCTC")
    assert_close(expected[0], run(model.wav2vec2, extractor, clips[0]).mean(axis=0))
    bare = tmp_path / "bare"
    model.wav2vec2.save_pretrained(bare)
    extractor.save_pretrained(bare)
    np.testing.assert_array_equal(HuggingFaceAudioTransformer(bare).fit_transform(clips), expected)


def test_other_forms_of_the_same_model(folders, other, clips):
    """Names of older versions, half precision, a pickled file and a processor's description."""
    expected = HuggingFaceAudioTransformer(folders["wav2vec2-group"]).fit_transform(clips)
    state = load_file(other / "model.safetensors")
    new, old = "parametrizations.weight.original", "weight_"
    renamed = {
        name.replace(f"{new}0", f"{old}g").replace(f"{new}1", f"{old}v"): value
        for name, value in state.items()
        if name != "masked_spec_embed"
    }
    assert renamed.keys() != state.keys()
    torch.save(renamed, other / "pytorch_model.bin")
    (other / "model.safetensors").unlink()
    stated = json.loads((other / "preprocessor_config.json").read_text())
    (other / "preprocessor_config.json").unlink()
    (other / "processor_config.json").write_text(json.dumps({"feature_extractor": stated}))
    np.testing.assert_array_equal(HuggingFaceAudioTransformer(other).fit_transform(clips), expected)
    torch.save({name: value.half() for name, value in renamed.items()}, other / "pytorch_model.bin")
    half = HuggingFaceAudioTransformer(other).fit_transform(clips)
    np.testing.assert_allclose(half, expected, atol=2e-2)  # half precision has three digits


def test_a_whisper_without_its_decoder(folders, tmp_path, clips):
    folder = shutil.copytree(folders["whisper"], tmp_path / "encoder")
    change_weights(folder, lambda s: {n: x for n, x in s.items() if not n.startswith("decoder.")})
    expected = HuggingFaceAudioTransformer(folders["whisper"]).fit_transform(clips)
    np.testing.assert_array_equal(
        HuggingFaceAudioTransformer(folder).fit_transform(clips), expected
    )


BLOCK = "encoder.layers.1.feed_forward.output_dense"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: {n: x for n, x in s.items() if not n.startswith(BLOCK)},
            rf"the network 'wav2vec2'\. Missing: {BLOCK}.bias, {BLOCK}.weight\. Unexpected: none",
        ),
        (lambda s: {**s, "encoder.more": torch.ones(2)}, "Unexpected: encoder.more"),
        (lambda s: {**s, "classifier.bias": torch.ones(2)}, "Unexpected: classifier.bias"),
        (
            lambda s: {
                **{f"wav2vec2.{n}": x for n, x in s.items()},
                "wav2vec2.encoder.more": torch.ones(2),
            },
            "Unexpected: .*encoder.more",
        ),
        (lambda s: {f"hubert.{n}": x for n, x in s.items()}, "Missing: encoder.* and .* more"),
        (
            lambda s: {**s, f"{BLOCK}.bias": torch.ones(3)},
            rf"{BLOCK}.bias has shape \(3,\), expected \(32,\)",
        ),
        (
            lambda s: {**s, f"{BLOCK}.bias": torch.full((32,), torch.nan)},
            f"is damaged: {BLOCK}.bias holds NaN",
        ),
        (lambda s: {"only": torch.ones(1)}, "states 3 layers, and there are 1 entries"),
    ],
)
def test_weights_that_do_not_fit(other, change, message):
    change_weights(other, change)
    with pytest.raises(WeightsError, match=f"The folder of weights .*{message}"):
        HuggingFaceAudioTransformer(other).fit()


def test_weights_that_cannot_be_read(other):
    (other / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="damaged or not a safetensors file"):
        HuggingFaceAudioTransformer(other).fit()
    (other / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"has neither model.safetensors nor pytorch_model.bin"):
        HuggingFaceAudioTransformer(other).fit()

    class Attack:
        def __reduce__(self):
            return pytest.fail, ("it was run",)

    torch.save({"encoder": Attack()}, other / "pytorch_model.bin")
    with pytest.raises(WeightsError):
        HuggingFaceAudioTransformer(other).fit()


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("config.json", {"model_type": None}, "config.json without model_type"),
        (
            "config.json",
            {"model_type": "w2v"},
            r"is of the kind 'w2v', which transformers .* not know",
        ),
        (
            "config.json",
            {"model_type": "w2v", "auto_map": {"AutoModel": "evil.Model"}},
            "code from outside is never run here",
        ),
        ("config.json", {"hidden_size": "large"}, "has a damaged config.json"),
        ("config.json", {"hidden_size": 64}, "has shape|does not fit"),
        ("config.json", {"hidden_size": 1 << 18}, "does not fit its config.json: the network has"),
        ("config.json", {"num_hidden_layers": 10**9}, "states 1000000000 layers"),
        ("config.json", {"num_attention_heads": 5}, "does not fit the network 'wav2vec2'"),
        ("config.json", {"quantization_config": {"quant_method": "x"}}, "quantised weights"),
        ("preprocessor_config.json", {"sampling_rate": "16k"}, "sampling_rate='16k', expected"),
        ("preprocessor_config.json", {"sampling_rate": 0}, "sampling_rate=0, expected"),
        (
            "preprocessor_config.json",
            {"feature_extractor_type": "ClapFeatureExtractor"},
            "names the feature extractor 'ClapFeatureExtractor' in preprocessor_config.json",
        ),
    ],
)
def test_descriptions_that_do_not_fit(other, name, changes, message):
    change_json(other, name, **changes)
    with pytest.raises(WeightsError, match=message):
        HuggingFaceAudioTransformer(other).fit()


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_descriptions_that_cannot_be_read(other, name):
    for content, message in (
        ("{", f"damaged {name}"),
        ("[1]", f"a {name} that describes no model"),
    ):
        (other / name).write_text(content)
        with pytest.raises(WeightsError, match=message):
            HuggingFaceAudioTransformer(other).fit()
    (other / name).unlink()
    with pytest.raises(WeightsError, match=f"has no config.json|has neither {name}"):
        HuggingFaceAudioTransformer(other).fit()


def test_how_it_is_computed_is_not_left_to_the_file(other, folders, clips):
    """Some names of an implementation of attention mean code that is fetched from the hub."""
    change_json(
        other,
        "config.json",
        attn_implementation="kernels-community/flash-attn",
        auto_map={"AutoModel": "evil.Model"},
        return_dict=False,
        output_hidden_states=True,
        dtype="float16",
    )
    expected = HuggingFaceAudioTransformer(folders["wav2vec2-group"]).fit_transform(clips)
    np.testing.assert_array_equal(HuggingFaceAudioTransformer(other).fit_transform(clips), expected)


def test_models_that_are_not_run(folders, tmp_path):
    with pytest.raises(WeightsError, match="is of the kind 'bert', which hears no sound"):
        HuggingFaceAudioTransformer(folders["bert"]).fit()
    with pytest.raises(
        WeightsError, match="is of the kind 'encodec', .* not checked here.*wav2vec2, hubert"
    ):
        HuggingFaceAudioTransformer(folders["encodec"]).fit()
    clap = write_tiny_clap(tmp_path / "clap")
    change_json(tmp_path / "clap", "config.json", model_type="clap")
    with pytest.raises(WeightsError, match="is of the kind 'clap', .* Use CLAPTransformer"):
        HuggingFaceAudioTransformer(clap).fit()
    adapter = write_model(tmp_path / "adapter", "wav2vec2-group", add_adapter=True)
    with pytest.raises(WeightsError, match="7 vectors for a second .* expected 49.*adapter"):
        HuggingFaceAudioTransformer(adapter).fit()
    noisy = write_model(tmp_path / "noisy", "whisper", extractor={"dither": 0.1})
    with pytest.raises(WeightsError, match=r"dither=0\.1, which adds noise at random"):
        HuggingFaceAudioTransformer(noisy).fit()
    fast = write_model(tmp_path / "fast", "ast", extractor={"sampling_rate": 24000})
    with pytest.raises(WeightsError, match="at 24000 Hz"):
        HuggingFaceAudioTransformer(fast).fit()
    short = write_model(tmp_path / "short", "whisper", extractor={"chunk_length": 10})
    with pytest.raises(WeightsError, match="cannot be run on what its feature extractor gives"):
        HuggingFaceAudioTransformer(short).fit()


@pytest.mark.filterwarnings("ignore:At least one mel filter")  # its lowest ones, in NumPy
def test_both_front_ends_of_ast_agree(clips, monkeypatch):
    """It takes that of torchaudio where it finds it, and else one in NumPy."""
    from transformers.models.audio_spectrogram_transformer import (
        feature_extraction_audio_spectrogram_transformer as module,
    )

    spectrograms = []
    for available in {module.is_speech_available(), False}:
        monkeypatch.setattr(module, "is_speech_available", lambda known=available: known)
        extractor = module.ASTFeatureExtractor()
        spectrograms.append(extractor(clips[1], sampling_rate=RATE)["input_values"][0])
    # Both take logarithms, of which small numbers are the least exact.
    np.testing.assert_allclose(spectrograms[0], spectrograms[-1], atol=1e-3)


def test_a_folder_that_changed(other, clips):
    transformer = HuggingFaceAudioTransformer(other).fit()
    change_weights(other, lambda s: {**s, f"{BLOCK}.bias": torch.zeros(32)})
    changed = HuggingFaceAudioTransformer(other).fit()
    assert changed.weights_.fingerprint != transformer.weights_.fingerprint
    for k in range(4):  # other networks take the place of the first
        HuggingFaceAudioTransformer(other, device="cpu" if k % 2 else "auto").fit()
    from skw2c.models import _network_cache

    _network_cache._networks.clear()
    with pytest.raises(WeightsError, match="changed since the estimator was fitted"):
        transformer.transform(clips)


def test_what_counts_of_a_folder(other):
    before = HuggingFaceAudioTransformer(other).fit().weights_.fingerprint
    (other / "README.md").write_text("A model.")
    assert HuggingFaceAudioTransformer(other).fit().weights_.fingerprint == before
    stated = json.loads((other / "preprocessor_config.json").read_text())
    processor = {"feature_extractor": {**stated, "do_normalize": False}}
    (other / "processor_config.json").write_text(json.dumps(processor))
    assert HuggingFaceAudioTransformer(other).fit().weights_.fingerprint != before


@pytest.mark.parametrize("model", ["./nothing", "nothing", "~/no/such folder"])
def test_no_folder(model):
    with pytest.raises(WeightsError, match="is no folder .* a name on the Hugging Face hub"):
        HuggingFaceAudioTransformer(model).fit()


def test_a_file_is_no_folder(other):
    with pytest.raises(WeightsError, match="is a file and no folder"):
        HuggingFaceAudioTransformer(other / "model.safetensors").fit()


# The hub


@pytest.fixture
def hub(monkeypatch):
    """Stands for the hub's client; notes what it is asked for."""
    import huggingface_hub

    calls = []

    def install(download):
        def snapshot_download(name, *, revision=None, local_files_only=False, allow_patterns=None):
            calls.append((name, revision, local_files_only, allow_patterns))
            return download(local_files_only)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
        return calls

    return install


def test_three_ways_out_without_network(hub):
    def fail(local_files_only):
        raise ConnectionError("no route to host")

    hub(fail)
    with pytest.raises(WeightsError) as caught:
        HuggingFaceAudioTransformer("facebook/hubert-base-ls960@main").fit()
    message = str(caught.value)
    assert "three ways out" in message
    assert "ConnectionError: no route to host" in message
    assert "hf download facebook/hubert-base-ls960 --revision main --local-dir" in message
    assert "model=(model, feature_extractor)" in message


def test_it_is_fetched_once(hub, folders, clips):
    cache = []

    def download(local_files_only):
        if local_files_only and not cache:
            raise FileNotFoundError
        cache.append(folders["hubert"])
        return folders["hubert"]

    calls = hub(download)
    vectors = HuggingFaceAudioTransformer("someone/hubert@v1.0").fit_transform(clips)
    expected = HuggingFaceAudioTransformer(folders["hubert"]).fit_transform(clips)
    np.testing.assert_array_equal(vectors, expected)
    assert [call[:3] for call in calls] == [
        ("someone/hubert", "v1.0", True),
        ("someone/hubert", "v1.0", False),
    ]
    assert "pytorch_model.bin" not in calls[1][3]
    HuggingFaceAudioTransformer("someone/hubert").fit()
    assert calls[2:] == [("someone/hubert", None, True, None)]


def test_other_weights_are_fetched_where_there_are_no_safe_ones(hub, other):
    state = load_file(other / "model.safetensors")
    (other / "model.safetensors").unlink()

    def download(local_files_only):
        if local_files_only:
            raise FileNotFoundError
        if len(calls) == 3:
            torch.save(state, other / "pytorch_model.bin")
        return str(other)

    calls = hub(download)
    HuggingFaceAudioTransformer("someone/old").fit()
    assert "pytorch_model.bin" in calls[2][3]


def test_a_saved_index_finds_its_model_in_the_cache(hub, folders, tmp_path, clips):
    folder = shutil.copytree(folders["hubert"], tmp_path / "first")
    calls = hub(lambda local_files_only: str(folder))
    index = make_index("someone/hubert").fit(clips)
    index.save(tmp_path / "index")
    folder = folder.rename(tmp_path / "second")
    loaded = AudioIndex.load(tmp_path / "index")
    assert loaded.search(clips[1:2], by="audio", k=1)["item"][0] == index.items_[1]
    assert all(local_files_only for _, _, local_files_only, _ in calls)


# Loaded objects


def test_a_pair_of_objects(folders, clips):
    model, extractor = draw_model("wav2vec2-layer", head="ForCTC")
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    transformer = HuggingFaceAudioTransformer((model, extractor)).fit()
    vectors = transformer.transform(clips)
    expected = run(model.eval().wav2vec2, extractor, clips[1]).mean(axis=0)
    assert_close(vectors[1], expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.config._attn_implementation != "eager"
    np.testing.assert_array_equal(clone(transformer).fit_transform(clips), vectors)
    assert clone(transformer).model[0] is model


@pytest.mark.parametrize("kind", ["ast", "whisper"])
def test_pairs_of_other_kinds(folders, kind, clips):
    expected = HuggingFaceAudioTransformer(folders[kind]).fit_transform(clips)
    model, extractor = draw_model(kind)
    assert_close(HuggingFaceAudioTransformer((model, extractor)).fit_transform(clips), expected)
    if kind == "whisper":
        pair = (model.get_encoder(), extractor)
        assert_close(HuggingFaceAudioTransformer(pair).fit_transform(clips), expected)


def test_a_pair_is_known_by_what_is_in_it(clips, tmp_path):
    model, extractor = draw_model("hubert")
    transformer = HuggingFaceAudioTransformer((model, extractor), memory=tmp_path).fit()
    same = HuggingFaceAudioTransformer(draw_model("hubert")).fit()
    assert same.weights_ == transformer.weights_
    for pair in (draw_model("hubert", 1), draw_model("hubert", extractor={"do_normalize": False})):
        assert HuggingFaceAudioTransformer(pair).fit().weights_ != same.weights_
    vectors = transformer.transform(clips)
    model.encoder.layer_norm.bias.data.add_(1)
    np.testing.assert_array_equal(transformer.transform(clips), vectors)  # that of its own copy
    assert np.abs(transformer.fit().transform(clips) - vectors).max() > 1e-3


def test_pairs_that_are_none(clips):
    model, extractor = draw_model("hubert")
    for pair, message in (
        ((model,), "tuple of 1 objects must be a pair"),
        ((extractor, model), "The first of .* is a Wav2Vec2FeatureExtractor, expected a model"),
        ((model, print), "The second of .* expected a feature extractor"),
        (
            (model, draw_model("ast")[1]),
            "class ASTFeatureExtractor, and the kind 'hubert' has Wav2Vec2",
        ),
        (draw_model("encodec"), "The loaded model is of the kind 'encodec'"),
    ):
        with pytest.raises(ValueError, match=message):
            HuggingFaceAudioTransformer(pair).fit()
    with pytest.raises(ValueError, match="'model' parameter of HuggingFaceAudioTransformer"):
        HuggingFaceAudioTransformer(model).fit()


def test_a_pair_is_not_pickled(clips, tmp_path):
    transformer = HuggingFaceAudioTransformer(draw_model("hubert")).fit()
    with pytest.raises(TypeError, match=r"cannot be pickled.*save_pretrained\(folder\)"):
        pickle.dumps(transformer)
    index = make_index(transformer.model).fit(clips)
    with pytest.warns(UserWarning, match="its parameter 'model' does not fit into JSON"):
        index.save(tmp_path)
    with pytest.raises(SavedIndexError, match="pass it"):
        AudioIndex.load(tmp_path).search(clips[:1], by="audio")
    AudioIndex.load(tmp_path, encoder=index.encoder).search(clips[:1], by="audio")
    other = HuggingFaceAudioTransformer(draw_model("hubert", 1))
    with pytest.raises(SavedIndexError, match="they differ in weights"):
        AudioIndex.load(tmp_path, encoder=other)


# The house


def test_pickles_carry_no_network(folders, clips):
    transformer = HuggingFaceAudioTransformer(folders["hubert"], layer=1).fit()
    content = pickle.dumps(transformer)
    assert len(content) < 2000
    np.testing.assert_array_equal(
        pickle.loads(content).transform(clips),
        transformer.transform(clips),
    )


def make_index(model, **parameters):
    encoder = HuggingFaceAudioTransformer(model, **parameters)
    return AudioIndex(encoder, text_encoder=None, image_encoder=None)


def test_a_saved_index(folders, clips, tmp_path):
    index = make_index(folders["wavlm"], layer="mean").fit(clips)
    index.save(tmp_path)
    loaded = AudioIndex.load(tmp_path)
    assert loaded.encoder.get_params()["layer"] == "mean"
    assert loaded.search(clips[1:2], by="audio", k=1)["item"][0] == index.items_[1]
    same = HuggingFaceAudioTransformer(folders["wavlm"], layer="mean", n_jobs=2)
    AudioIndex.load(tmp_path, encoder=same)
    for other in (
        HuggingFaceAudioTransformer(folders["wavlm"], layer=2),
        HuggingFaceAudioTransformer(folders["hubert"], layer="mean"),
    ):
        with pytest.raises(SavedIndexError, match="they differ in"):
            AudioIndex.load(tmp_path, encoder=other)


def test_it_has_no_name():
    assert registration_of(HuggingFaceAudioTransformer("some/name")).name is None
    assert not {"huggingface", "hugging-face", "transformers"} & set(names_of_encoders("audio"))


def test_memory_knows_layers_and_windows(folders, tmp_path, clips):
    clip = [np.concatenate(clips)]
    variants = [dict(), dict(layer=2), dict(layer="mean"), dict(window_length=1.5)]
    plain = [
        HuggingFaceAudioTransformer(folders["hubert"], **variant).fit_transform(clip)
        for variant in variants
    ]
    for _ in range(2):
        for variant, expected in zip(variants, plain, strict=True):
            transformer = HuggingFaceAudioTransformer(
                folders["hubert"], memory=tmp_path / "memory", **variant
            )
            np.testing.assert_array_equal(transformer.fit_transform(clip), expected)


def test_as_a_module_of_hear(folders, clips):
    transformer = HuggingFaceAudioTransformer(folders["hubert"], window_length=0.5).fit()
    model = hear.to_hear(transformer, hop_length=0.25)
    sound = torch.from_numpy(clips[0])[None]
    assert_close(hear.get_scene_embeddings(sound, model), transformer.transform(clips[:1]), FEW)
    vectors, times = hear.get_timestamp_embeddings(sound, model)
    assert times[0].tolist() == [0, 250, 500, 750]
    length = 7760  # 24 frames
    around = clips[0][8000 - length // 2 :][:length]
    assert_close(vectors[0, 2], transformer.transform([around])[0])


def test_failed_clips(folders, clips):
    transformer = HuggingFaceAudioTransformer(folders["hubert"], on_error="nan").fit()
    with pytest.warns(FailedClipWarning, match="1 of 2 clips failed"):
        vectors = transformer.transform([clips[0], "missing.wav"])
    assert np.isnan(vectors).all(axis=1).tolist() == [False, True]


def test_many_threads(folders, clips):
    transformer = HuggingFaceAudioTransformer(folders["hubert"], layer="mean").fit()
    expected = transformer.transform(clips)
    results = [None] * 4

    def work(k):
        results[k] = transformer.transform(clips * 3)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_array_equal(result, np.tile(expected, (3, 1)))


def test_without_transformers(folders, monkeypatch):
    from skw2c.models import _network_cache

    monkeypatch.setattr(_network_cache, "_networks", _network_cache.OrderedDict())
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(OptionalDependencyError, match=r"skw2c\[transformers\]"):
        HuggingFaceAudioTransformer(folders["hubert"]).fit()


def test_it_says_nothing_that_is_not_asked(other, capfd, clips):
    import transformers

    verbosity = transformers.utils.logging.get_verbosity()
    HuggingFaceAudioTransformer(other).fit_transform(clips)
    assert capfd.readouterr() == ("", "")
    assert transformers.utils.logging.get_verbosity() == verbosity
    assert transformers.utils.logging.is_progress_bar_enabled()


def test_the_frozen_encoder_is_light(folders):
    transformer = HuggingFaceAudioTransformer(folders["hubert"]).fit()
    one, two = transformer._network(), transformer._network()
    assert isinstance(one, FrozenHuggingFace)
    assert one._model is two._model
