"""CLAP: the outputs of transformers, clips of all lengths, texts, and files that are not right."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from skw2c import AudioIndex, CLAPTextEncoder, CLAPTransformer, ZeroShotClassifier
from skw2c.exceptions import FailedRowWarning, WeightsError
from skw2c.models.clap._clap_front_end import fill_window
from skw2c.models.clap._htsat import HTSAT
from skw2c.weights import fetch_weights, registry, sha256_of

from .clap_files import N_OUTPUTS, draw_clap, write_tiny_clap
from .tolerances import NETWORK, assert_close

RATE, WINDOW = 48000, 480_000
SHORT = ("1s", "2.1s", "5s", "10s")
ORACLE = 1e-4  # what the outputs of the original are stated to prove a port by


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny_clap(tmp_path_factory.mktemp("clap") / "tiny")


@pytest.fixture(scope="module")
def clips():
    """Of less than a window, of one, and of more."""
    rng = np.random.default_rng(3)
    lengths = (24000, 100_000, WINDOW, WINDOW + 1, 2 * WINDOW, 1_163_000)
    return [(0.1 * rng.normal(size=n)).astype(np.float32) for n in lengths]


@pytest.fixture(scope="module")
def oracle(shared):
    folder = shared / "oracles" / "clap_tiny"
    return folder, np.load(folder / "outputs.npz")


def make_clip(n_samples, seed, period):
    """The sounds of the reference: noise in steps of loudness, and a square wave."""
    index = np.arange(n_samples)
    noise = np.random.default_rng(seed).integers(-8192, 8192, n_samples) / 32768
    square = (((index // period) % 2) * 2 - 1) * 0.125
    steps = 0.5 ** ((index // 12000 + seed) % 4)
    return (noise * steps + square * 0.5 ** ((index // 30000) % 3)).astype(np.float32)


@pytest.mark.parametrize("kind", ["unfused", "fused"])
def test_vectors_are_those_of_transformers(oracle, kind):
    folder, expected = oracle
    recipes = json.loads((folder / "waveforms.json").read_text())["clips"]
    clips = [make_clip(*recipes[name]) for name in SHORT]
    for output, name in [("hidden", "hidden"), ("embedding", "projected")]:
        vectors = CLAPTransformer(folder / kind, output=output).fit_transform(clips)
        wanted = [expected[f"{kind}/{clip}/{name}"] for clip in SHORT]
        np.testing.assert_allclose(vectors, wanted, rtol=0, atol=ORACLE)
    levels = CLAPTransformer(folder / kind, output="log_mel").fit_transform(clips[1:2])
    wanted = expected[f"{kind}/2.1s/log_mel"]
    np.testing.assert_allclose(levels.reshape(1001, 64), wanted, rtol=0, atol=ORACLE)


def test_a_long_clip_is_the_mean_of_its_windows(oracle):
    folder, expected = oracle
    clip = make_clip(*json.loads((folder / "waveforms.json").read_text())["long"])
    transformer = CLAPTransformer(folder / "unfused").fit()
    wanted = expected["unfused/long/mean_of_unit"]
    np.testing.assert_allclose(transformer.transform([clip])[0], wanted, rtol=0, atol=ORACLE)
    transformer.set_params(mode="frame")
    [frames] = transformer.transform([clip])
    wanted = expected["unfused/long/projected_windows"]
    np.testing.assert_allclose(frames, wanted, rtol=0, atol=ORACLE)
    starts = transformer.frame_times(3, len(clip) / RATE)[:, 0] * RATE
    np.testing.assert_array_equal(starts, expected["unfused/long/starts"])


@pytest.mark.parametrize("kind", ["unfused", "fused"])
def test_texts_are_those_of_transformers(oracle, kind):
    folder, expected = oracle
    texts = json.loads((folder / "waveforms.json").read_text())["texts"]
    with pytest.warns(UserWarning, match=r"^1 of the texts are longer than the 77 tokens"):
        vectors = CLAPTextEncoder(folder / kind).fit_transform(texts)
    wanted = expected[f"{kind}/text/projected"]
    np.testing.assert_allclose(vectors, wanted, rtol=0, atol=ORACLE)


@pytest.mark.parametrize("kind", ["unfused", "fused"])
def test_probabilities_are_those_of_transformers(oracle, kind):
    folder, expected = oracle
    recipes, texts = (
        json.loads((folder / "waveforms.json").read_text())[name] for name in ("clips", "texts")
    )
    classifier = ZeroShotClassifier(
        texts[:2], encoder=CLAPTransformer(folder / kind), prompts="{}"
    ).fit()
    # The labels are said as they are; prettify_label takes nothing from these.
    found = classifier.predict_proba([make_clip(*recipes[name]) for name in SHORT])
    logits = expected[f"{kind}/logits_per_audio"].astype(float)
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    order = [list(classifier.classes_).index(text) for text in texts[:2]]
    np.testing.assert_allclose(found[:, order], wanted, rtol=0, atol=ORACLE)


def test_what_transformers_itself_computes(tiny, clips):
    """An oracle without reference data: the same folder, opened by transformers."""
    transformers = pytest.importorskip("transformers")
    config = transformers.ClapConfig(
        projection_dim=N_OUTPUTS,
        text_config=dict(
            vocab_size=262,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=130,
        ),
        audio_config=dict(
            patch_embeds_hidden_size=8,
            hidden_size=64,
            depths=[1, 2, 1, 1],
            num_attention_heads=[1, 2, 2, 4],
            mlp_ratio=2.0,
        ),
    )
    model = transformers.ClapModel(config).eval()
    missing, unexpected = model.load_state_dict(load_file(f"{tiny}/model.safetensors"), False)
    assert not unexpected
    assert all(name.endswith(("_index", "token_type_ids")) for name in missing)
    transformer = CLAPTransformer(tiny, output="log_mel").fit()
    inputs = torch.from_numpy(transformer.transform(clips[:3]).reshape(3, 1, 1001, 64))
    with torch.inference_mode():
        hidden = model.audio_model(inputs, torch.zeros(3, 1, dtype=torch.bool)).pooler_output
    assert_close(transformer.set_params(output="hidden").transform(clips[:3]), hidden, 10 * NETWORK)
    numbers = torch.tensor([[0, 40, 50, 60, 2], [0, 70, 2, 1, 1]])
    with torch.inference_mode():
        pooled = model.text_model(numbers, attention_mask=numbers != 1).pooler_output
        wanted = model.text_projection(pooled)
    encoder = CLAPTextEncoder(tiny).fit()
    found = encoder._network()._side(numbers)
    assert_close(found, wanted, NETWORK)


def test_same_clip_same_vector(tiny, clips):
    transformer = CLAPTransformer(tiny).fit()
    together = transformer.transform(clips)
    alone = np.concatenate([transformer.transform([clip]) for clip in clips])
    assert_close(alone, together)
    assert_close(transformer.transform(clips[::-1])[::-1], together)
    assert_close(CLAPTransformer(tiny, n_jobs=2, batch_size=1).fit_transform(clips), together)
    again = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(again.transform(clips), transformer.transform(clips))


def test_clips_of_all_lengths(tiny, clips):
    frames = CLAPTransformer(tiny, mode="frame").fit_transform(clips)
    assert [len(rows) for rows in frames] == [1, 1, 1, 2, 2, 3]
    vectors = CLAPTransformer(tiny).fit_transform(clips)
    for vector, rows in zip(vectors, frames, strict=True):
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        assert_close(vector, rows[0] if len(rows) == 1 else unit.mean(axis=0))
    hidden = CLAPTransformer(tiny, output="hidden").fit_transform(clips[-1:])
    rows = CLAPTransformer(tiny, output="hidden", mode="frame").fit_transform(clips[-1:])
    assert_close(hidden[0], rows[0].mean(axis=0))


def test_a_short_clip_is_repeated_as_often_as_it_fits_whole():
    window = fill_window(torch.arange(1.0, 200_001.0)[None])[0]
    assert window.shape == (WINDOW,)
    assert window[200_000] == 1
    assert window[399_999] == 200_000
    assert not window[400_000:].any()


def test_a_long_clip_is_read_in_blocks(tiny):
    rng = np.random.default_rng(0)
    clip = (0.1 * rng.normal(size=65 * RATE + 7)).astype(np.float32)
    transformer = CLAPTransformer(tiny, mode="frame", frame_length=1.0, hop_length=1.5).fit()
    whole = transformer.transform([clip])
    network = transformer._network()
    at_once, type(network).windows_at_once = network.windows_at_once, 3
    try:
        assert_close(transformer.transform([clip]), whole)
    finally:
        type(network).windows_at_once = at_once


def test_times_of_windows(tiny):
    transformer = CLAPTransformer(tiny, mode="frame").fit()
    np.testing.assert_array_equal(transformer.frame_times(2), [[0, 10], [10, 20]])
    np.testing.assert_array_equal(transformer.frame_times(2, 14.5), [[0, 10], [4.5, 14.5]])
    np.testing.assert_array_equal(transformer.frame_times(1, 2.5), [[0, 2.5]])
    with pytest.raises(ValueError, match=r"frame_length=11.0 seconds is more than the 10"):
        transformer.set_params(frame_length=11.0).frame_times(1)


def test_events_and_passages_end_with_the_clip(tiny):
    clip = (0.1 * np.random.default_rng(0).normal(size=14 * RATE)).astype(np.float32)
    classifier = ZeroShotClassifier(
        ["dog", "rain"], encoder=CLAPTransformer(tiny, mode="frame"), mode="frame"
    ).fit()
    events = classifier.predict_events([clip])
    assert events["onset"].min() == 0
    assert events["offset"].max() == 14
    index = AudioIndex(CLAPTransformer(tiny), mode="frame").fit([clip])
    found = index.search(["rain"], k=2)
    assert sorted(zip(found["start"], found["end"], strict=True)) == [(0, 10), (4, 14)]


def test_weights_choose_the_words(tiny, clips):
    classifier = ZeroShotClassifier(["dog", "rain"], encoder=CLAPTransformer(tiny)).fit()
    assert isinstance(classifier.text_encoder_, CLAPTextEncoder)
    assert classifier.text_encoder_.weights == tiny
    said = CLAPTextEncoder(tiny, normalize=True).fit_transform(
        ["This is a sound of dog.", "This is a sound of rain."]
    )
    assert_close(classifier.label_vectors_, said, precision=np.float32)
    plain = ZeroShotClassifier(["dog", "rain"], encoder=CLAPTransformer(tiny), prompts="{}").fit()
    assert np.abs(plain.label_vectors_ - classifier.label_vectors_).max() > 0.01
    cosines = classifier.decision_function(clips[:2])
    log_odds = np.diff(np.log(classifier.predict_proba(clips[:2])), axis=1)[:, 0]
    np.testing.assert_allclose(log_odds, cosines * np.exp(3.0), rtol=1e-4)


def test_names_stand_for_weights_and_words():
    from skw2c.transformers._encoders import make_partner

    for name in ("clap", "clap-htsat-fused", "larger_clap_general"):
        partner = make_partner(name, "text")
        assert isinstance(partner, CLAPTextEncoder)
        assert partner.weights == ("clap-htsat-unfused" if name == "clap" else name)
    with pytest.raises(ValueError, match="their cosines mean nothing"):
        ZeroShotClassifier(["a", "b"], encoder="clap", text_encoder="larger_clap_general").fit()
    assert make_partner(CLAPTransformer(output="hidden"), "text") is None


def test_weights_of_one_folder_and_words_of_another(tiny, tmp_path):
    other = write_tiny_clap(tmp_path / "other", seed=5)
    with pytest.raises(ValueError, match="they were not trained for each other"):
        ZeroShotClassifier(
            ["a", "b"], encoder=CLAPTransformer(tiny), text_encoder=CLAPTextEncoder(other)
        ).fit()


def test_texts_in_one_batch_and_rows_that_are_none(tiny):
    encoder = CLAPTextEncoder(tiny).fit()
    texts = ["rain", "a dog barks in the distance", "", "\U0001f415"]
    together = encoder.transform(texts)
    assert_close(np.concatenate([encoder.transform([text]) for text in texts]), together)
    with pytest.warns(FailedRowWarning):
        vectors = encoder.set_params(on_error="nan").transform(["rain", None])
    assert np.isnan(vectors[1]).all()


def test_an_index_is_saved_and_restored(tiny, clips, tmp_path):
    index = AudioIndex(CLAPTransformer(tiny)).fit(clips[:3])
    index.save(tmp_path / "index")
    restored = AudioIndex.load(tmp_path / "index")
    first, again = (one.search(["rain"], k=3) for one in (index, restored))
    np.testing.assert_array_equal(first["score"], again["score"])


def test_random_weights_depend_on_the_seed(clips):
    vectors = [
        CLAPTransformer(None, random_state=seed).fit_transform(clips[:1]) for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert np.abs(vectors[0] - vectors[2]).max() > 0.1


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("width", "depths", "heads", "n_parameters"),
    [
        (96, (2, 2, 6, 2), (4, 8, 16, 32), 27_534_488),
        (128, (2, 2, 12, 2), (4, 8, 16, 32), 67_824_408),
    ],
)
def test_the_official_sizes(width, depths, heads, n_parameters):
    with torch.device("meta"):
        network = HTSAT(width, depths, heads, 4.0)
    assert network.width == 8 * width
    assert count(network) == n_parameters


def test_a_dead_network_of_texts_is_refused(tmp_path):
    zeros = {
        name: torch.zeros_like(value)
        for name, value in draw_clap().items()
        if name.startswith("text_model.encoder")
    }
    dead = {**zeros, "text_model.pooler.dense.weight": torch.zeros(32, 32)}
    folder = write_tiny_clap(tmp_path / "dead", changes=dead)
    CLAPTransformer(folder).fit()
    with pytest.raises(WeightsError, match=r"a network of texts that does not work: .* cosine of"):
        CLAPTextEncoder(folder).fit()
    gone = {n: torch.zeros_like(x) for n, x in draw_clap().items() if "text_" in n}
    folder = write_tiny_clap(tmp_path / "zero", changes=gone)
    with pytest.raises(WeightsError, match="never trained, or its weights were lost"):
        CLAPTextEncoder(folder).fit()


def test_a_file_without_texts_has_sounds_alone(tmp_path):
    gone = {name: None for name in draw_clap() if name.startswith("text_")}
    folder = write_tiny_clap(tmp_path / "audio", changes=gone)
    CLAPTransformer(folder).fit()
    with pytest.raises(WeightsError, match=r"it has no entries text_model\.\*"):
        CLAPTextEncoder(folder).fit()


def test_the_broken_release_is_refused(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match="it gives all texts the same vector"):
        CLAPTransformer("larger_clap_music").fit()
    folder = write_tiny_clap(tmp_path / "copy")
    digest = sha256_of(Path(folder, "model.safetensors"))
    row = registry()["larger_clap_music"]
    monkeypatch.setitem(registry(), row.name, type(row)(**{**vars(row), "sha256": digest}))
    with pytest.raises(WeightsError, match="is not used: this file of LAION is broken"):
        CLAPTransformer(folder).fit()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"audio_projection.linear1.bias": None}, "lacks|Missing"),
        ({"audio_model.audio_encoder.norm.weight": torch.zeros(3)}, "has shape"),
        ({"audio_model.audio_encoder.norm.weight": torch.full((64,), np.nan)}, "NaN or infinite"),
        ({"audio_model.audio_encoder.extra": torch.zeros(3)}, "Unexpected"),
        ({"audio_model.audio_encoder.patch_embed.proj.weight": None}, "lacks|Missing"),
        (
            {"audio_model.audio_encoder.layers.0.blocks.0.attention.self.key.bias": None},
            "Missing",
        ),
    ],
)
def test_entries_that_do_not_fit(tmp_path, changes, message):
    folder = write_tiny_clap(tmp_path / "odd", changes=changes)
    with pytest.raises(WeightsError, match=rf"odd.*({message})"):
        CLAPTransformer(folder).fit()


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", "{", "damaged config.json"),
        ("config.json", "[]", "describes no model"),
        ("config.json", '{"audio_config": {"window_size": 7}}', "window_size is 7 in audio_config"),
        ("preprocessor_config.json", '{"sampling_rate": 44100}', "sampling_rate is 44100"),
        ("preprocessor_config.json", '{"padding": "pad"}', "padding is 'pad'"),
    ],
)
def test_descriptions_that_do_not_fit(tmp_path, file, content, message):
    folder = write_tiny_clap(tmp_path / "odd")
    Path(folder, file).write_text(content)
    with pytest.raises(WeightsError, match=message):
        CLAPTransformer(folder).fit()


def test_folders_that_hold_no_weights(tmp_path):
    with pytest.raises(WeightsError, match=r"neither model.safetensors nor pytorch_model.bin"):
        CLAPTransformer(tmp_path).fit()
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(WeightsError, match="in several parts"):
        CLAPTransformer(tmp_path).fit()
    with pytest.raises(
        WeightsError, match="neither a known name .* nor an existing file or folder"
    ):
        CLAPTransformer("clap-htsat").fit()


def test_a_folder_that_changes(tiny, tmp_path, clips):
    folder = write_tiny_clap(tmp_path / "moving")
    transformer = CLAPTransformer(folder).fit()
    identity = transformer.weights_.fingerprint
    assert identity == CLAPTransformer(tiny).fit().weights_.fingerprint
    front_end = Path(folder, "preprocessor_config.json")
    front_end.write_text(front_end.read_text().replace("50", "60"))
    with pytest.raises(WeightsError, match="changed since the estimator was fitted"):
        transformer.weights_.read()
    assert CLAPTransformer(folder).fit().weights_.fingerprint != identity


def test_weights_without_safetensors(tiny, tmp_path, clips):
    """As most repositories have them; nothing in the file is executed."""
    folder = write_tiny_clap(tmp_path / "bin")
    state = load_file(f"{folder}/model.safetensors")
    Path(folder, "model.safetensors").unlink()
    torch.save(state, Path(folder, "pytorch_model.bin"))
    expected = CLAPTransformer(tiny).fit_transform(clips[:2])
    np.testing.assert_array_equal(CLAPTransformer(folder).fit_transform(clips[:2]), expected)


def test_a_file_alone(tiny, tmp_path, clips):
    save_file(load_file(f"{tiny}/model.safetensors"), tmp_path / "clap.safetensors")
    found = CLAPTransformer(tmp_path / "clap.safetensors").fit_transform(clips[:2])
    np.testing.assert_array_equal(found, CLAPTransformer(tiny).fit_transform(clips[:2]))


def test_a_tokenizer_that_does_not_belong(tmp_path):
    folder = write_tiny_clap(tmp_path / "odd")
    Path(folder, "tokenizer.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"damaged tokenizer.json"):
        CLAPTextEncoder(folder).fit()
    state = load_file(f"{folder}/model.safetensors")
    name = "text_model.embeddings.word_embeddings.weight"
    folder = write_tiny_clap(tmp_path / "few", changes={name: state[name][:100]})
    with pytest.raises(WeightsError, match="261 tokens, and its network knows 100"):
        CLAPTextEncoder(folder).fit()


@pytest.mark.official_weights("clap-htsat-unfused")
def test_official_weights():
    fetch_weights("clap-htsat-unfused")
    vectors = CLAPTextEncoder(normalize=True).fit_transform(["a dog barks", "violin music"])
    assert vectors[0] @ vectors[1] < 0.6
    assert count(CLAPTransformer().fit()._network()._network) == 27_534_488
