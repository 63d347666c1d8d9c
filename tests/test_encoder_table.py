"""What there is to choose from, as encoders describe themselves."""

import pytest

from skw2c import (
    AudioCLIPTransformer,
    CEDTransformer,
    CLAPTransformer,
    EfficientATTransformer,
    OpenL3Transformer,
    Wav2CLIPTransformer,
    YAMNetTransformer,
    register_encoder,
)
from skw2c.cli import main
from skw2c.transformers import _encoder_registry
from skw2c.transformers._encoder_table import list_encoders
from skw2c.weights import registry


@pytest.fixture
def rows():
    return {name: row for row in list_encoders() for name in row["encoder"].split(", ")}


def test_every_name_has_a_row(rows):
    assert {"wav2clip", "mini", "clap", "mn10", "ced", "yamnet", "openl3", "audioclip"} <= set(rows)
    assert "passthrough" not in rows
    assert rows["clap"] is rows["clap-htsat-unfused"]
    assert rows["mini"]["weights"] == "in the package"
    assert rows["mini"]["words"]
    assert not rows["mini"]["images"]
    assert rows["wav2clip"]["images"]
    assert rows["clap"]["words"]
    assert not rows["mn10"]["words"]
    assert rows["openl3"]["licence"] == "CC BY 4.0"


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("wav2clip", Wav2CLIPTransformer(None)),
        ("mini", Wav2CLIPTransformer("mini", output="words")),
        ("audioclip", AudioCLIPTransformer(None)),
        ("openl3", OpenL3Transformer(None)),
        ("yamnet", YAMNetTransformer(None)),
        ("mn10", EfficientATTransformer(None)),
        ("ced-mini", CEDTransformer(None)),
        ("clap", CLAPTransformer(None)),
    ],
)
def test_numbers_are_those_of_the_networks(rows, name, encoder):
    assert rows[name]["numbers"] == len(encoder.fit().get_feature_names_out())
    assert rows[name]["rate"] == encoder.sampling_rate


def test_files_of_different_weights_do_not_share_a_name():
    """They lie in one cache."""
    names = [row.file for row in registry().values()]
    assert len(names) == len(set(names))


def test_an_encoder_of_another_package(monkeypatch, capsys):
    _encoder_registry.load_own()  # none of them into the copy alone
    monkeypatch.setattr(_encoder_registry, "_ENTRIES", dict(_encoder_registry._ENTRIES))

    @register_encoder("toy", embeds="audio")
    class Toy:
        def fit(self, X=None, y=None):
            return self

        def transform(self, X):
            return X

        def get_params(self, deep=True):
            return {}

        @classmethod
        def _get_param_names(cls):
            return []

    assert main(["encoders"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("toy")]
    assert line.split() == ["toy", *"-------"]


def test_the_shell(capsys):
    assert main(["encoders"]) == 0
    whole = capsys.readouterr().out.splitlines()
    assert whole[0].split()[:3] == ["encoder", "rate", "numbers"]
    assert any(line.startswith("yamnet") and "3.7 M" in line for line in whole)
    assert main(["encoders", "--with-words"]) == 0
    with_words = capsys.readouterr().out.splitlines()
    assert any(line.startswith("mini") for line in with_words)
    assert not any(line.startswith("yamnet") for line in with_words)
