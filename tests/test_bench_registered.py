"""Registered encoders as rows of the tables: weights that are named, found, or not there."""

import json
import os

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchmarks import run_all
from benchmarks.running import options
from benchmarks.running.cells import NotHereError
from benchmarks.systems import catalogue, registered
from benchmarks.tasks import TASKS, zero_shot
from skw2c import CLAPTextEncoder, CLAPTransformer
from skw2c.datasets import make_sound_events
from skw2c.weights import registry

from .ced_files import write_ced
from .clap_files import write_tiny_clap
from .efficientat_files import write_efficientat

KINDS = ["rain", "engine"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Small networks of random weights, by the names of encoders."""
    folder = tmp_path_factory.mktemp("weights")
    return {
        "clap": write_tiny_clap(folder / "tiny clap"),
        "mn10": write_efficientat(folder / "tiny.pt"),
        "ced": write_ced(folder / "ced.safetensors"),
    }


@pytest.fixture(scope="module")
def esc_folder(tmp_path_factory):
    """Twenty short sounds of two classes, in the layout of ESC-50."""
    root = tmp_path_factory.mktemp("data") / "ESC-50-master"
    (root / "audio").mkdir(parents=True)
    (root / "meta").mkdir()
    sounds, rows = make_sound_events(20, kinds=KINDS, duration=1.0, random_state=0), []
    for row, (clip, target) in enumerate(zip(sounds.data, sounds.target, strict=True)):
        soundfile.write(root / "audio" / f"{row}.wav", clip, 16000)
        rows.append((f"{row}.wav", row // 4 + 1, target, KINDS[target], False, row, "A"))
    columns = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "meta" / "esc50.csv", index=False)
    return root


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("skw2c.weights._fetch.Downloader.__init__", refuse)


def refuse(*arguments, **parameters):
    raise AssertionError("it asks the network")


def parse(*arguments):
    return options.parse_arguments(["--data-root", ".", *arguments], TASKS, [])


def find(name, *arguments):
    return registered.find_registered(name, parse(*arguments))


def run(arguments, tmp_path):
    """Run the tables; the scores and problems that they hold."""
    assert run_all.main([*arguments, "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    return pd.read_csv(tmp_path / "out" / "scores.csv", keep_default_na=False)


def test_in_every_task_that_they_suit(weights, esc_folder, tmp_path, empty_cache):
    features = [f"{name}={path}" for name, path in weights.items()]
    tasks = ["classification", "zero-shot", "querying"]
    arguments = ["--data-root", str(esc_folder), "--datasets", "esc50", "--features", *features]
    scores = run([*arguments, "--tasks", *tasks, "--probe", "logistic"], tmp_path)
    assert not (scores["kind"] == "problem").any()
    suited = scores[scores["kind"] == "score"].groupby("system")["task"].agg(set)
    assert suited["clap (tiny clap)"] == {"classification", "zero-shot", "querying"}
    for system in ("mn10 (tiny.pt)", "ced (ced.safetensors)"):
        assert suited[system] == {"classification"}


def test_official_weights_that_are_not_there(esc_folder, tmp_path, empty_cache):
    """It says which, and asks no network."""
    arguments = ["--data-root", str(esc_folder), "--datasets", "esc50", "--probe", "logistic"]
    arguments += ["--features", "mfcc", "clap", "ced", "--tasks", "classification", "zero-shot"]
    scores = run(arguments, tmp_path)
    problems = scores[scores["kind"] == "problem"].set_index(["system", "task"])["problem"]
    said = problems["clap-htsat-unfused", "zero-shot"]
    for part in (
        "clap-htsat-unfused_pytorch_model.bin is neither in the folder of --weights-dir nor in",
        registry()["clap-htsat-unfused"].url,
        "weights elsewhere are named as clap=PATH",
    ):
        assert part in said
    assert set(problems.index) == {
        ("clap-htsat-unfused", "classification"),
        ("clap-htsat-unfused", "zero-shot"),
        ("ced-mini", "classification"),
    }


def test_a_folder_of_weights(weights, tmp_path, empty_cache):
    os.symlink(weights["clap"], tmp_path / "larger_clap_general")
    system = find("larger_clap_general", "--weights-dir", str(tmp_path))
    assert system.title == "larger_clap_general"
    assert system.encoder().weights_.path == str(tmp_path / "larger_clap_general")
    assert system.text_encoder().weights_.path == str(tmp_path / "larger_clap_general")
    with pytest.raises(NotHereError, match=r"larger_clap_music_and_speech_pytorch_model\.bin"):
        find("larger_clap_music_and_speech", "--weights-dir", str(tmp_path)).encoder()


def test_weights_without_what_goes_with_them(tmp_path, empty_cache):
    """The encoder of texts needs a tokenizer, which nothing is asked for."""
    (tmp_path / registry()["clap-htsat-unfused"].file).write_bytes(b"")
    system = find("clap", "--weights-dir", str(tmp_path))
    with pytest.raises(NotHereError, match=r"clap-tokenizer_tokenizer\.json is not in the cache"):
        system.text_encoder()


def test_titles(weights, monkeypatch):
    titles = {name: find(name).title for name in ("clap", "efficientat", "mn04", "ced", "yamnet")}
    assert titles == {
        "clap": "clap-htsat-unfused",
        "efficientat": "mn10",
        "mn04": "mn04",
        "ced": "ced-mini",
        "yamnet": "yamnet",
    }
    monkeypatch.setattr(registered, "sha256_of", lambda path: registry()["mn10"].sha256)
    assert find(f"efficientat={weights['mn10']}").title == "mn10"


def test_weights_that_cannot_be_meant(tmp_path):
    with pytest.raises(ValueError, match=r"clap=nowhere names weights that are not there"):
        find("clap=nowhere")
    known = catalogue.official_systems(parse())
    with pytest.raises(ValueError, match="unknown system 'clop=x'"):
        catalogue.choose_systems(parse("--features", "clop=x"), known)


def test_waveforms_are_at_16_khz(weights, rng):
    """Clips of the generated world are arrays, whatever rate an encoder is used to."""
    system = find(f"clap={weights['clap']}")
    tone = rng.normal(size=16000).astype(np.float32) / 10
    expected = CLAPTransformer(weights["clap"], sampling_rate=16000).fit_transform([tone])
    np.testing.assert_array_equal(system.encoder().transform([tone]), expected)
    assert system.sampling_rate == 48000  # of pieces that are cut for it
    assert catalogue.official_systems(parse())["openl3"].sampling_rate == 48000


def test_names_become_sentences_for_clap(weights):
    class System:
        @staticmethod
        def text_encoder():
            return CLAPTextEncoder(weights["clap"], normalize=True).fit()

    prompts = ["rain", ["an engine", "an engine that runs"]]
    found = zero_shot.embed_prompts(prompts, System)
    sentences = ["This is a sound of rain.", "an engine", "an engine that runs"]
    one, *two = System.text_encoder().transform(sentences)
    mean = np.mean(two, axis=0)
    expected = np.stack([one, mean / np.linalg.norm(mean)])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert zero_shot.put_into_words(prompts, object()) == prompts


def test_the_oracle_of_clap(shared, esc_folder, tmp_path, empty_cache):
    folder = shared / "oracles" / "clap_tiny" / "unfused"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    arguments = ["--data-root", str(esc_folder), "--datasets", "esc50"]
    scores = run([*arguments, "--features", f"clap={folder}", "--tasks", "zero-shot"], tmp_path)
    assert (scores["kind"] == "score").any()
    assert set(scores["system"]) == {"clap (unfused)"}
    cells = (tmp_path / "out" / "cache" / "cells" / "zero-shot").glob("*.json")
    [cell] = [json.loads(path.read_text()) for path in cells]
    assert cell["n"] == 20
