"""A student of an encoder of sound shares its space, and keeps its words."""

import json
import os
import pickle
import shutil

import numpy as np
import pytest
import soundfile
from sklearn.base import clone

from skw2c import (
    AudioIndex,
    CLAPTextEncoder,
    CLAPTransformer,
    Distiller,
    MiniTextEncoder,
    Wav2CLIPTransformer,
    YAMNetTransformer,
    ZeroShotClassifier,
)
from skw2c.cli import main
from skw2c.datasets import make_sound_events
from skw2c.exceptions import SavedIndexError, WeightsError
from skw2c.weights import read_metadata, refer_to

from .clap_files import write_tiny_clap
from .tolerances import assert_close

SMALL = dict(
    loss="cosine", encoder="mobilenet", encoder_width=8, clip_length=1.0, batch_size=16,
    learning_rate=3e-3, devices="cpu", random_state=0, verbose=False,
)  # fmt: skip
KINDS = ["bell", "rain", "engine"]


@pytest.fixture(scope="module")
def sounds():
    return make_sound_events(60, kinds=KINDS, duration=1.0, random_state=0)


@pytest.fixture(scope="module")
def clap(tmp_path_factory):
    return write_tiny_clap(tmp_path_factory.mktemp("clap") / "tiny")


@pytest.fixture(scope="module")
def student(sounds, clap):
    return Distiller(teacher=CLAPTransformer(clap), max_epochs=2, **SMALL).fit(sounds.data)


@pytest.fixture(scope="module")
def saved(student, tmp_path_factory):
    path = tmp_path_factory.mktemp("student") / "small.safetensors"
    student.save(path, data="generated", licence="CC0")
    return str(path)


def test_it_learns_what_the_teacher_hears(clap):
    """The cosine with the teacher, on clips that were held out."""
    clips = make_sound_events(160, kinds=KINDS, duration=1.0, random_state=0).data
    training, held_out = clips[:128], clips[128:]
    teacher = CLAPTransformer(clap, sampling_rate=16000, normalize=True).fit()
    wanted, mean = teacher.transform(held_out), teacher.transform(training).mean(axis=0)

    def embed(**parameters):
        own = {**SMALL, "encoder": "resnet18", "early_stopping_patience": None, **parameters}
        distiller = Distiller(teacher=CLAPTransformer(clap), **own).fit(training)
        return distiller.to_transformer(normalize=True).transform(held_out)

    untrained, student = embed(max_epochs=1, learning_rate=1e-9), embed(max_epochs=8)
    assert (student * wanted).sum(axis=1).mean() > 0.9
    assert (untrained * wanted).sum(axis=1).mean() < 0.5
    # All vectors of a network of random weights are near their mean. How they differ is learned.
    one, other = student - mean, wanted - mean
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    assert ((one * other).sum(axis=1) / lengths).mean() > 0.1


def test_the_student_finds_the_words_of_its_teacher(student, saved, clap, sounds):
    for encoder in (student.to_transformer(), Wav2CLIPTransformer(saved)):
        assert encoder.shared_space() == "clap"
        classifier = ZeroShotClassifier(["dog", "rain"], encoder=encoder).fit()
        assert isinstance(classifier.text_encoder_, CLAPTextEncoder)
        assert classifier.text_encoder_.weights_.sha256 == refer_to(clap, folders=True).sha256
        expected = CLAPTextEncoder(clap, normalize=True).fit_transform(
            ["This is a sound of dog.", "This is a sound of rain."]
        )
        assert_close(classifier.label_vectors_, expected)
        cosines = classifier.decision_function(sounds.data[:3])
        odds = np.diff(np.log(classifier.predict_proba(sounds.data[:3])), axis=1)[:, 0]
        np.testing.assert_allclose(odds, cosines * np.exp(3.0), rtol=1e-4)
    metadata = read_metadata(saved)
    assert metadata["space"] == "clap"
    assert json.loads(metadata["words"])["path"] == clap


def test_an_index_of_a_student(saved, sounds, tmp_path):
    index = AudioIndex(Wav2CLIPTransformer(saved)).fit(sounds.data[:4])
    first = index.search("rain", k=2)
    index.save(tmp_path / "index")
    again = AudioIndex.load(tmp_path / "index").search("rain", k=2)
    np.testing.assert_array_equal(first["score"], again["score"])


def test_words_that_changed_are_not_taken(student, sounds, tmp_path):
    folder = write_tiny_clap(tmp_path / "moving")
    distiller = Distiller(teacher=CLAPTransformer(folder), max_epochs=1, **SMALL)
    encoder = distiller.fit(sounds.data[:20]).to_transformer()
    write_tiny_clap(folder, seed=7)
    with pytest.raises(WeightsError, match="changed since"):
        ZeroShotClassifier(["dog", "rain"], encoder=encoder).fit()


def test_words_of_another_network(saved, tmp_path):
    other = write_tiny_clap(tmp_path / "other", seed=4)
    with pytest.raises(ValueError, match="they were not trained for each other"):
        ZeroShotClassifier(
            ["a", "b"], encoder=Wav2CLIPTransformer(saved), text_encoder=CLAPTextEncoder(other)
        ).fit()


def test_a_student_of_a_student(student, sounds, clap):
    second = Distiller(teacher=student.to_transformer(), max_epochs=1, **SMALL)
    encoder = second.fit(sounds.data[:20]).to_transformer()
    assert encoder.shared_space() == "clap"
    assert encoder.partner_parameters("text")["weights"].path == clap


def test_a_student_of_mini_has_its_words(sounds):
    teacher = Wav2CLIPTransformer("mini", output="words")
    encoder = Distiller(teacher=teacher, max_epochs=1, **SMALL).fit(sounds.data[:20])
    classifier = ZeroShotClassifier(["dog", "rain"], encoder=encoder.to_transformer()).fit()
    assert isinstance(classifier.text_encoder_, MiniTextEncoder)
    assert classifier._temperature() == 0.03


@pytest.fixture(scope="module")
def student_of_mini(sounds):
    teacher = Wav2CLIPTransformer("mini", output="words")
    return Distiller(teacher=teacher, max_epochs=1, **SMALL).fit(sounds.data[:20])


@pytest.fixture
def moving(student_of_mini, tmp_path, monkeypatch):
    """The name of a file of weights in a working directory, where it may be lost."""
    monkeypatch.chdir(tmp_path)
    student_of_mini.save("m.safetensors")
    return "m.safetensors"


def lose(path):
    os.remove(path)


def replace_by_another(path):
    """Write weights of the same form under the same name, which have nothing to do with words."""
    sounds, vectors = np.random.default_rng(1).normal(size=(2, 20, 512))
    Distiller(max_epochs=1, **SMALL).fit(np.resize(sounds, (20, 16000)), vectors).save(path)


def forget_space(folder):
    """Make a saved index one of before spaces were kept."""
    path = folder / "index.json"
    listed = json.loads(path.read_text())
    listed["encoder"].pop("space", None)
    path.write_text(json.dumps(listed))


@pytest.mark.parametrize("damage", [lose, replace_by_another])
def test_a_saved_index_keeps_the_words_when_its_weights_are_lost(moving, sounds, tmp_path, damage):
    index = AudioIndex(Wav2CLIPTransformer(moving)).fit(sounds.data[:4]).save("lib")
    expected = index.search("rain", k=4)
    damage(moving)
    again = AudioIndex.load("lib")
    assert isinstance(again._resolve_partner("auto", "text"), MiniTextEncoder)
    assert again.search("rain", k=4).equals(expected)
    assert AudioIndex.load("lib", text_encoder="mini").search("rain", k=4).equals(expected)
    assert AudioIndex.load("lib").save("copied").search("rain", k=4).equals(expected)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lose, r"m\.safetensors.*says in which space the vectors lie: put it back"),
        (replace_by_another, r"m\.safetensors.*SHA-256.*put the former file back"),
    ],
)
def test_an_index_that_does_not_say_its_space_refuses(moving, sounds, tmp_path, damage, message):
    index = AudioIndex(Wav2CLIPTransformer(moving)).fit(sounds.data[:4]).save("lib")
    expected = index.search("rain", k=4)
    forget_space(tmp_path / "lib")
    assert AudioIndex.load("lib").search("rain", k=4).equals(expected)
    shutil.copy(moving, "kept.safetensors")
    damage(moving)
    for lost in (index, AudioIndex.load("lib")):
        with pytest.raises(WeightsError, match=message):
            lost.search("rain")
    moved = AudioIndex.load("lib", encoder=Wav2CLIPTransformer("kept.safetensors"))
    assert moved.search("rain", k=4).equals(expected)
    index.save("late")  # nothing can be said of it any more
    with pytest.raises(WeightsError, match=message):
        AudioIndex.load("late").search("rain")


def test_another_working_directory_has_another_file(moving, sounds, tmp_path, monkeypatch):
    AudioIndex(Wav2CLIPTransformer(moving)).fit(sounds.data[:4]).save("lib")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    replace_by_another("m.safetensors")
    forget_space(tmp_path / "lib")
    index = AudioIndex.load("../lib")
    index.search(sounds.data[0], by="audio")
    assert isinstance(index._resolve_partner("auto", "text"), MiniTextEncoder)


@pytest.mark.filterwarnings("ignore:encoder=Wav2CLIPTransformer is not saved")
def test_an_index_of_weights_in_memory_keeps_the_words(student_of_mini, sounds, tmp_path):
    index = AudioIndex(student_of_mini.to_transformer()).fit(sounds.data[:4])
    index.save(tmp_path / "lib")
    expected = index.search("rain", k=4)
    assert AudioIndex.load(tmp_path / "lib").search("rain", k=4).equals(expected)


@pytest.mark.parametrize("space", [3, ["mini"], {"space": 3}])
def test_a_space_that_somebody_wrote(moving, sounds, tmp_path, space):
    AudioIndex(Wav2CLIPTransformer(moving)).fit(sounds.data[:4]).save("lib")
    listed = json.loads((tmp_path / "lib" / "index.json").read_text())
    listed["encoder"]["space"] = space
    (tmp_path / "lib" / "index.json").write_text(json.dumps(listed))
    with pytest.raises(SavedIndexError, match="encoder is"):
        AudioIndex.load("lib")


@pytest.mark.parametrize(
    ("weights", "error"),
    [
        ({"path": 3}, SavedIndexError),
        ({"in_memory": {"facts": {"space": "clip"}}}, SavedIndexError),
        ({"name": "evil"}, WeightsError),
        ({"path": "/dev/zero"}, WeightsError),
        ({"path": "none\0"}, WeightsError),
    ],
)
def test_weights_that_somebody_wrote(moving, sounds, tmp_path, weights, error):
    AudioIndex(Wav2CLIPTransformer(moving)).fit(sounds.data[:4]).save("lib")
    forget_space(tmp_path / "lib")
    listed = json.loads((tmp_path / "lib" / "index.json").read_text())
    listed["encoder"]["weights"] = weights
    (tmp_path / "lib" / "index.json").write_text(json.dumps(listed))
    with pytest.raises(error):
        AudioIndex.load("lib").search("rain")


def test_weights_that_are_lost_are_named(moving, sounds):
    unfitted = Wav2CLIPTransformer(moving)
    fitted = clone(unfitted).fit()
    lose(moving)
    for encoder in (unfitted, fitted):
        with pytest.raises(WeightsError, match=r"m\.safetensors.*: put it back, or name it"):
            encoder.shared_space()
        assert "m.safetensors" in repr(encoder)
        assert clone(encoder).get_params()["weights"] == moving
        pickle.loads(pickle.dumps(encoder))
    with pytest.raises(WeightsError, match=r"m\.safetensors"):
        ZeroShotClassifier(["dog", "rain"], encoder=unfitted).fit()
    assert Wav2CLIPTransformer().shared_space() == "clip"
    assert Wav2CLIPTransformer(None).shared_space() == "clip"


def test_the_original_format_cannot_name_a_space(sounds, tmp_path):
    parameters = {**SMALL, "encoder": "resnet18", "encoder_width": 64}
    teacher = Wav2CLIPTransformer("mini", output="words")
    trained = Distiller(teacher=teacher, max_epochs=1, **parameters).fit(sounds.data[:20])
    trained.save(tmp_path / "a.safetensors")
    for distiller in (trained, Distiller().load_weights(tmp_path / "a.safetensors")):
        with pytest.raises(ValueError, match=r"the space 'mini'.*choose format='safetensors'"):
            distiller.save(tmp_path / "a.pt", format="wav2clip")
    assert not (tmp_path / "a.pt").exists()


@pytest.mark.parametrize(
    "teacher", [YAMNetTransformer(None, random_state=0), CLAPTransformer(None, output="hidden")]
)
def test_teachers_without_words(teacher, sounds):
    distiller = Distiller(teacher=teacher, max_epochs=1, **SMALL).fit(sounds.data[:20])
    assert "space" not in dict(distiller.weights_.metadata())
    assert distiller.to_transformer().shared_space() == "clip"


def test_weights_that_are_loaded_again(saved):
    distiller = Distiller(encoder="mobilenet").load_weights(saved)
    assert distiller.to_transformer().shared_space() == "clap"


@pytest.mark.parametrize(
    "student",
    [["mn01", "--n-views", "2", "--clip-length", "0.5"], ["mobilenet", "--encoder-width", "8"]],
)
def test_the_shell(clap, sounds, tmp_path, monkeypatch, student):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sounds").mkdir()
    for row, clip in enumerate(sounds.data[:20]):
        soundfile.write(tmp_path / "sounds" / f"{row}.wav", clip, 16000, subtype="FLOAT")
    teacher = ["--teacher", "clap", "--teacher-weights", clap, "--student", *student]
    command = ["distill", *teacher, "sounds", "--out", "small.safetensors", "--max-epochs", "1"]
    assert main([*command, "--batch-size", "8", "--devices", "cpu", "--quiet"]) == 0
    stated = read_metadata("small.safetensors")
    assert (stated["space"], stated["architecture"]) == ("clap", student[0])
    command = ["classify", "sounds", "--weights", "small.safetensors", "--labels", "dog,rain"]
    assert main([*command, "--out", "labels.csv", "--quiet"]) == 0
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 21


def test_the_shell_takes_either_shards_or_sounds(capsys):
    assert main(["distill", "sounds", "--shards", "x", "--out", "y.safetensors"]) == 1
    assert "pass PATH and --teacher together" in capsys.readouterr().err
