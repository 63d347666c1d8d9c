"""Encoders as MTEB calls them, on tasks that are made here."""

import io

import numpy as np
import pytest
import soundfile

from skw2c import HEARTransformer, Wav2CLIPTransformer, YAMNetTransformer
from skw2c.datasets import make_sound_events
from skw2c.exceptions import AudioError
from skw2c.mteb import MTEBEncoder

from .tolerances import assert_close

RATE = 16000


@pytest.fixture(scope="module")
def sounds():
    events = make_sound_events(24, random_state=0, sampling_rate=RATE)
    return events.data, events.target_names[events.target].tolist()


def encoded(waveform):
    file = io.BytesIO()
    soundfile.write(file, waveform, RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()


class Rows:
    """Stands for a DataLoader, of which nothing but the data set is asked."""

    def __init__(self, dataset):
        self.dataset = dataset


@pytest.fixture(scope="module")
def table(sounds):
    pytest.importorskip("datasets")
    return make_table(*sounds)


def make_table(clips, labels):
    """A data set with the bytes of files."""
    import datasets

    files = [{"bytes": encoded(clip), "path": None} for clip in clips]
    columns = {"audio": files, "label": labels}
    return datasets.Dataset.from_dict(columns).cast_column("audio", datasets.Audio())


def test_each_clip_is_embedded_by_itself(table, sounds):
    model = MTEBEncoder("mini")
    vectors = model.encode(Rows(table))
    expected = Wav2CLIPTransformer("mini", output="words").fit_transform(sounds[0])
    assert_close(vectors, expected)
    some = model.encode(Rows(table.select([5, 3])))
    assert_close(some, expected[[5, 3]])


def test_sounds_and_texts_share_a_space(table):
    import datasets

    model = MTEBEncoder("mini")
    texts = datasets.Dataset.from_dict({"text": ["dog", "rain", "dog"]})
    words = model.encode(Rows(texts))
    assert words.shape == (3, model.encode(Rows(table)).shape[1])
    cosines = model.similarity(words, words)
    assert cosines.shape == (3, 3)
    assert float(cosines[0, 2]) == pytest.approx(1)
    assert_close(model.similarity_pairwise(words, words[[1, 1, 1]]), cosines[1])
    both = table.select(range(3)).add_column("text", ["dog", "rain", "dog"])
    assert np.linalg.norm(model.encode(Rows(both)), axis=1).max() <= 2


def test_a_task_of_sounds_alone(table, tmp_path):
    datasets = pytest.importorskip("datasets")
    model = MTEBEncoder(YAMNetTransformer(None, random_state=0), name="test/yamnet")
    assert model.text_encoder is None
    assert model.mteb_model_meta.modalities == ["audio"]
    assert model.encode(Rows(table.select([0]))).shape == (1, 1024)
    with pytest.raises(ValueError, match="this task has texts, and YAMNetTransformer shares"):
        model.encode(Rows(datasets.Dataset.from_dict({"text": ["dog"]})))
    with pytest.raises(ValueError, match="neither 'audio' nor 'text', but 'label'"):
        model.encode(Rows(table.remove_columns("audio")))


def test_name_of_an_encoder_that_is_registered_without_one():
    assert MTEBEncoder(HEARTransformer("some.module")).name == "skw2c/HEARTransformer"


def test_files_and_broken_ones(tmp_path):
    datasets = pytest.importorskip("datasets")
    paths = [tmp_path / "good.wav", tmp_path / "bad.wav"]
    paths[0].write_bytes(encoded(np.ones(RATE, np.float32) / 2))
    paths[1].write_bytes(b"nothing")
    table = datasets.Dataset.from_dict({"audio": list(map(str, paths))})
    table = table.cast_column("audio", datasets.Audio())
    model = MTEBEncoder("mini")
    assert model.encode(Rows(table.select([0]))).shape == (1, 512)
    with pytest.raises(AudioError, match="bad"):
        model.encode(Rows(table))


def test_what_mteb_writes_of_a_model():
    pytest.importorskip("mteb")
    meta = MTEBEncoder("mini").mteb_model_meta
    assert meta.name == "skw2c/mini"
    assert meta.embed_dim == 512
    assert meta.modalities == ["audio", "text"]
    assert meta.license == "cc-by-sa-4.0"
    assert len(meta.revision) == 64


def make_tasks(table):
    """A task of classification and one by words, with the rows of a table, and no network."""
    import datasets
    from mteb.abstasks import AbsTaskClassification
    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.abstasks.zeroshot_classification import AbsTaskZeroShotClassification

    labels = sorted(set(table["label"]))
    numbered = table.remove_columns("label").add_column(
        "label", [labels.index(label) for label in table["label"]]
    )

    def describe(name, kind, modalities):
        return TaskMetadata(
            name=name,
            description="Sounds that were generated.",
            dataset={"path": "none/none", "revision": "0"},
            type=kind,
            category="a2t" if "text" in modalities else "a2c",
            modalities=modalities,
            eval_splits=["test"],
            eval_langs=["eng-Latn"],
            main_score="accuracy",
        )

    def load(self, **options):
        self.dataset = datasets.DatasetDict({"train": numbered, "test": numbered})
        self.data_loaded = True

    class ByExamples(AbsTaskClassification):
        metadata = describe("GeneratedSounds", "AudioClassification", ["audio"])
        input_column_name = "audio"
        n_experiments = 2
        samples_per_label = 2
        load_data = load

    class ByWords(AbsTaskZeroShotClassification):
        metadata = describe("GeneratedByWords", "AudioZeroshotClassification", ["audio", "text"])
        input_column_name = "audio"
        load_data = load

        def get_candidate_labels(self):
            return [f"the sound of {label.replace('_', ' ')}" for label in labels]

    return ByExamples(), ByWords()


def test_evaluation_offline(table):
    mteb = pytest.importorskip("mteb")
    for task in make_tasks(table):
        found = mteb.evaluate(MTEBEncoder("mini"), task, cache=None, co2_tracker=False)
        [scores] = found.task_results[0].scores["test"]
        assert 0.2 < scores["accuracy"] <= 1
