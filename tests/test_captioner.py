"""AudioCaptioner: it learns to say what it hears, and keeps the manners of an estimator."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from torch import nn

from skw2c import AudioCaptioner, Wav2CLIPTransformer
from skw2c.exceptions import AudioError, FailedClipWarning, LeftOutWarning, TextError
from skw2c.metrics import cider_d
from skw2c.models import (
    END,
    PAD,
    START,
    UNKNOWN,
    CaptionDecoder,
    get_caption_decoder,
    pad_frames,
    search_captions,
)
from skw2c.training import CaptionBatches

KINDS = ["A dog barks.", "Rain falls on a roof", "bells ring, far away", "a car passes by"]
SAID = ["a dog barks", "rain falls on a roof", "bells ring far away", "a car passes by"]
SMALL = dict(d_model=32, n_heads=2, dim_feedforward=64, learning_rate=3e-3, random_state=0)


def make_clips(rng, n_clips, scale=1.0):
    """Vectors of 1 to 5 frames around one of four points, and the kinds."""
    points = np.random.default_rng(9).normal(size=(4, 16))
    kinds = np.arange(n_clips) % 4
    clips = [
        scale * (points[kind] + 0.3 * rng.normal(size=(rng.integers(1, 6), 16))) for kind in kinds
    ]
    return clips, kinds


@pytest.fixture(scope="module")
def world():
    """Clips and their captions, of the same kinds for training and for the test."""
    rng = np.random.default_rng(0)
    clips, kinds = make_clips(rng, 80)
    unseen, unseen_kinds = make_clips(rng, 24)
    return dict(
        clips=clips,
        captions=[KINDS[kind] for kind in kinds],
        unseen=unseen,
        unseen_said=[SAID[kind] for kind in unseen_kinds],
    )


@pytest.fixture(scope="module")
def trained(world):
    captioner = AudioCaptioner("passthrough", **SMALL, max_epochs=40)
    return captioner.fit(world["clips"], world["captions"])


@pytest.fixture
def captioner(trained):
    return copy.deepcopy(trained)


@pytest.fixture(scope="module")
def ambiguous(world):
    """Most captions of a clip begin alike and differ then; the rest are all the same."""
    kinds = [
        ["a dog", "a cat", "a cow", "the sea is loud", "the sea is loud"],
        ["some rain", "some wind", "some hail", "bells ring far away", "bells ring far away"],
    ]
    captions = [kinds[row % 2] for row in range(80)]
    clips = [frames + 3 * (row % 2) for row, frames in enumerate(world["clips"])]
    captioner = AudioCaptioner("passthrough", **SMALL, max_epochs=6)
    return captioner.fit(clips, captions), clips


# It learns


def test_it_learns_to_describe_unseen_clips(trained, world):
    predicted = trained.predict(world["unseen"])
    assert predicted.shape == (24,)
    assert predicted.tolist() == world["unseen_said"]
    truth = [[caption] for caption in world["unseen_said"]]
    score = trained.score(world["unseen"], world["unseen_said"])
    assert score == cider_d(predicted, truth) > 9
    shuffled = np.random.default_rng(0).permutation(predicted)
    assert score > 2 * cider_d(shuffled, truth)


def test_frames_are_told_apart_by_their_order():
    """The order of two frames alone says which caption is meant."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 8))
    orders = [(one, other), (other, one)]
    clips = np.array([orders[row % 2] for row in range(60)])
    clips += 0.1 * rng.normal(size=clips.shape)
    captions = [["first a dog then a cat", "first a cat then a dog"][row % 2] for row in range(60)]
    captioner = AudioCaptioner(
        "passthrough",
        **SMALL,
        dropout=0.0,
        batch_size=16,
        max_epochs=40,
        early_stopping_patience=None,
    ).fit(clips[:50], captions[:50])
    assert captioner.predict(clips[50:]).tolist() == captions[50:]


def test_history_tells_how_it_went(trained):
    history = trained.history_
    assert history.columns.tolist() == [
        "epoch",
        "training_loss",
        "validation_loss",
        "learning_rate",
        "seconds",
    ]
    assert history["epoch"].tolist() == list(range(1, trained.n_iter_ + 1))
    assert history["validation_loss"].idxmin() + 1 == trained.best_epoch_
    assert history["training_loss"].iloc[-1] < history["training_loss"].iloc[0] / 5


def test_each_caption_is_an_example(world):
    captions = [[caption, "something is heard"] for caption in world["captions"]]
    parameters = {**SMALL, "learning_rate": 1e-3}
    captioner = AudioCaptioner("passthrough", **parameters, max_epochs=1, validation_fraction=0)
    twice = captioner.fit(world["clips"], captions)
    assert {"something", "dog"} <= set(twice.vocabulary_)
    numpy_captions = [np.array(own) for own in captions]
    again = clone(captioner).fit(world["clips"], numpy_captions)
    assert again.history_["training_loss"].tolist() == twice.history_["training_loss"].tolist()


def test_a_clip_with_all_its_captions_is_on_one_side_of_the_split(monkeypatch):
    rng = np.random.default_rng(0)
    seen = {}

    class Spy(CaptionBatches):
        def __init__(self, examples, training, validation, **options):
            seen.update(training=examples.clips[training], validation=examples.clips[validation])
            super().__init__(examples, training, validation, **options)

    monkeypatch.setattr("skw2c.captioning._audio_captioner.CaptionBatches", Spy)
    clips, _ = make_clips(rng, 20)
    captions = [["a"] * (1 + row % 3) for row in range(20)]
    captioner = AudioCaptioner("passthrough", **SMALL, validation_fraction=0.25, max_epochs=1)
    captioner.fit(clips, captions)
    assert len(set(seen["validation"])) == 5
    assert set(seen["training"]) | set(seen["validation"]) == set(range(20))
    assert not set(seen["training"]) & set(seen["validation"])


def test_early_stopping_keeps_the_best_weights(world):
    rng = np.random.default_rng(0)
    noise = [" ".join(rng.choice(list("abcdef"), 5)) for _ in range(80)]
    captioner = AudioCaptioner(
        "passthrough", **SMALL, max_epochs=60, early_stopping_patience=2, validation_fraction=0.3
    ).fit(world["clips"], noise)
    assert captioner.n_iter_ == captioner.best_epoch_ + 2 < 60
    longer = clone(captioner).set_params(max_epochs=captioner.best_epoch_)
    longer.fit(world["clips"], noise)
    assert longer.weights_.sha256 == captioner.weights_.sha256


def test_a_loss_that_is_no_number(world):
    captioner = AudioCaptioner("passthrough", **{**SMALL, "learning_rate": 1e30}, max_epochs=3)
    with pytest.raises(FloatingPointError, match="lower learning_rate .now 1e") as caught:
        captioner.fit(world["clips"], world["captions"])
    # The loop is that of other trainings, which have more that could be changed.
    assert "precision" not in str(caught.value)
    assert "checkpoint_dir" not in str(caught.value)
    with pytest.raises(NotFittedError):
        captioner.predict(world["clips"])


# Words


def test_the_vocabulary_is_of_the_training_captions(world):
    captioner = AudioCaptioner("passthrough", **SMALL, max_epochs=1, validation_fraction=0.1)
    captions = [f"{SAID[row % 4]} w{row}" for row in range(80)]
    captioner.fit(world["clips"], captions)
    names = list(captioner.vocabulary_)
    assert names[:4] == ["<pad>", "<sos>", "<eos>", "<unk>"]
    assert list(captioner.vocabulary_.values()) == list(range(len(names)))
    assert sum(name.startswith("w") for name in names) == 72  # 8 of 80 are held out
    counts = [sum(name in caption.split() for caption in captions) for name in names[4:10]]
    assert counts == sorted(counts, reverse=True)


def test_rare_words_are_unknown_and_never_said(world):
    captions = [f"unique{row} {caption}" for row, caption in enumerate(world["captions"])]
    captioner = AudioCaptioner("passthrough", **SMALL, min_count=2, max_epochs=40)
    captioner.fit(world["clips"], captions)
    assert not any(name.startswith("unique") for name in captioner.vocabulary_)
    predicted = captioner.predict(world["unseen"])
    words = {word for caption in predicted for word in caption.split()}
    assert words <= {word for caption in SAID for word in caption.split()}
    with pytest.raises(ValueError, match="min_count=99 leaves no words: the most frequent one"):
        captioner.set_params(min_count=99).fit(world["clips"], captions)


@pytest.mark.parametrize("beam_size", [1, 3])
def test_captions_of_one_word(world, beam_size):
    captioner = AudioCaptioner("passthrough", **SMALL, beam_size=beam_size, max_epochs=20)
    captioner.fit(world["clips"], [caption.split()[0] for caption in SAID] * 20)
    assert captioner.predict(world["unseen"][:4]).tolist() == ["a", "rain", "bells", "a"]


def test_captions_end_at_the_latest(captioner, world):
    captioner.set_params(max_length=2)
    assert captioner.predict(world["unseen"][:3]).tolist() == ["a dog", "rain falls", "bells ring"]
    long = [f"{caption} and on and on" for caption in world["captions"]]
    captioner.set_params(max_length=4, max_epochs=30).fit(world["clips"], long)
    assert captioner.predict(world["unseen"][:2]).tolist() == ["a dog barks and", "rain falls on a"]
    assert "and" in captioner.vocabulary_


@pytest.mark.parametrize(
    ("captions", "error", "message"),
    [
        (["a", "b", ""], TextError, "The caption of row 2 is '', which has no words"),
        (["a", ["b", " ..."], "c"], TextError, "The caption of row 1 is ' ...', which has no"),
        (["a", [], "c"], ValueError, "Row 1 has no caption"),
        (["a", None, "c"], TextError, "The caption of row 1: it is None of type NoneType"),
        (["a", ["b", 3.5], "c"], TextError, "The caption of row 1: it is 3.5 of type float"),
        (["a", "b"], ValueError, "inconsistent numbers of samples"),
        ("abc", TypeError, "captions is 'abc', expected a list"),
        (None, TypeError, "captions is None"),
    ],
)
def test_what_is_no_captions(captions, error, message):
    clips, _ = make_clips(np.random.default_rng(0), 3)
    with pytest.raises(error, match=message):
        AudioCaptioner("passthrough", **SMALL).fit(clips, captions)


# Batches, beams, determinism


def test_batches_and_neighbours_make_no_difference(ambiguous):
    captioner, clips = copy.deepcopy(ambiguous[0]), ambiguous[1]
    rng = np.random.default_rng(1)
    clips = [clip + rng.normal(size=clip.shape) for clip in clips[:30]]
    for beam_size in (1, 3):
        captioner.set_params(beam_size=beam_size, batch_size=32)
        expected = captioner.predict(clips)
        assert len(set(expected)) > 1
        for batch_size in (1, 7):
            captioner.set_params(batch_size=batch_size)
            assert captioner.predict(clips).tolist() == expected.tolist()
        assert captioner.predict(clips[::-1]).tolist() == expected[::-1].tolist()
        assert captioner.predict(clips[:1]).tolist() == expected[:1].tolist()


def test_filling_is_not_heard(trained, world):
    decoder = get_caption_decoder(trained.weights_, "cpu")
    clip = trained.scaler_.transform(world["unseen"][0])
    frames, n_frames = pad_frames([clip, np.full((40, 16), 1e3)], decoder.to_words.weight)
    frames[0, len(clip) :] = 1e6
    words = torch.tensor([[START, 4, 5, 6]] * 2)
    logits, _ = decoder(words, decoder.encode_frames(frames, n_frames))
    alone = pad_frames([clip], decoder.to_words.weight)
    expected, _ = decoder(words[:1], decoder.encode_frames(*alone))
    assert torch.allclose(logits[:1], expected, atol=1e-12)


def log_probability(captioner, clip, caption):
    """Of a caption and its end, divided by their number, computed in one go."""
    decoder = get_caption_decoder(captioner.weights_, "cpu")
    heard = decoder.encode_frames(
        *pad_frames([captioner.scaler_.transform(clip)], decoder.to_words.weight)
    )
    numbers = [captioner.vocabulary_[word] for word in caption.split()]
    logits, _ = decoder(torch.tensor([[START, *numbers]]), heard)
    logits[..., [PAD, START, UNKNOWN]] = -torch.inf
    logits[:, 0, END] = -torch.inf
    chosen = logits[0].log_softmax(dim=1)[range(len(numbers) + 1), [*numbers, END]]
    return chosen.mean().item()


def test_a_beam_finds_captions_at_least_as_probable(ambiguous):
    captioner, clips = copy.deepcopy(ambiguous[0]), ambiguous[1][:20]
    by_beam = {}
    for beam_size in (1, 4):
        predicted = captioner.set_params(beam_size=beam_size).predict(clips)
        by_beam[beam_size] = np.array(
            [log_probability(captioner, *pair) for pair in zip(clips, predicted, strict=True)]
        )
    assert (by_beam[4] >= by_beam[1] - 1e-12).all()
    assert by_beam[4].mean() > by_beam[1].mean() + 0.1
    assert set(predicted) == {"the sea is loud", "bells ring far away"}


def every_caption(decoder, heard, max_length, n_words):
    """All captions and their totals, by looking at each."""
    found, open_ = [], [((), 0.0)]
    for step in range(max_length):
        longer = []
        for words, total in open_:
            logits, _ = decoder(torch.tensor([[START, *words]]), heard)
            logits = logits[0, -1]
            logits[[PAD, START, UNKNOWN] + [END] * (step == 0)] = -torch.inf
            scores = logits.log_softmax(dim=0).tolist()
            if step:
                found.append((words, (total + scores[END]) / (len(words) + 1)))
            longer += [((*words, word), total + scores[word]) for word in range(4, n_words)]
        open_ = longer
    return found + [(words, total / len(words)) for words, total in open_]


def test_a_beam_that_holds_everything_finds_the_best():
    torch.manual_seed(0)
    decoder = CaptionDecoder(5, 7, d_model=8, n_heads=2, dim_feedforward=8, n_layers=2)
    decoder = decoder.double().eval()
    for row in range(4):
        frames = torch.full((1, 2, 5), float(row)).double()
        heard = decoder.encode_frames(frames, torch.tensor([2]))
        every = every_caption(decoder, heard, 3, 7)
        words, _ = max(every, key=lambda pair: pair[1])
        [found] = search_captions(decoder, frames, torch.tensor([2]), beam_size=60, max_length=3)
        assert found == list(words)


def test_seeds(trained, world):
    again = clone(trained).fit(world["clips"], world["captions"])
    assert again.weights_.sha256 == trained.weights_.sha256
    assert again.predict(world["unseen"]).tolist() == trained.predict(world["unseen"]).tolist()
    state = torch.get_rng_state()
    other = clone(trained).set_params(random_state=1, max_epochs=1)
    other.fit(world["clips"], world["captions"])
    assert other.weights_.sha256 != trained.weights_.sha256
    assert torch.equal(torch.get_rng_state(), state)


def test_units_make_no_difference():
    """Vectors are standardised, also by a column that never changes."""
    rng = np.random.default_rng(0)
    clips, kinds = make_clips(rng, 40, scale=1e-4)
    clips = [np.column_stack([clip, np.full(len(clip), 7.0)]) for clip in clips]
    captioner = AudioCaptioner("passthrough", **SMALL, max_epochs=40)
    captioner.fit(clips, [KINDS[kind] for kind in kinds])
    assert captioner.predict(clips[:4]).tolist() == SAID


# The network


def as_torch_layer(layer, n_heads):
    """The same layer, as torch has it."""
    d_model, hidden = layer.norms[0].weight.shape[0], layer.feed_forward[0].out_features
    theirs = nn.TransformerDecoderLayer(d_model, n_heads, hidden, dropout=0, batch_first=True)
    state = {}
    for name, part in (
        ("self_attn", layer.self_attention),
        ("multihead_attn", layer.cross_attention),
    ):
        for kind in ("weight", "bias"):
            both = [getattr(part.query, kind), getattr(part.key_value, kind)]
            state[f"{name}.in_proj_{kind}"] = torch.cat(both)
            state[f"{name}.out_proj.{kind}"] = getattr(part.output, kind)
    for number, own in ((1, layer.feed_forward[0]), (2, layer.feed_forward[3])):
        state |= {f"linear{number}.{kind}": value for kind, value in own.named_parameters()}
    for number, own in enumerate(layer.norms, start=1):
        state |= {f"norm{number}.{kind}": value for kind, value in own.named_parameters()}
    theirs.load_state_dict(state)
    return theirs.double().eval()


def test_the_decoder_is_a_transformer():
    """The layers give what torch's own give, with its causal mask, and word by word."""
    torch.manual_seed(0)
    decoder = CaptionDecoder(6, 11, d_model=12, n_heads=3, dim_feedforward=20, n_layers=2)
    decoder = decoder.double().eval()
    frames, words = torch.randn(4, 5, 6).double(), torch.randint(11, (4, 7))
    n_frames = torch.tensor([5, 1, 3, 2])
    heard = decoder.encode_frames(frames, n_frames)
    logits, _ = decoder(words, heard)

    position = torch.arange(8)[:, None] / 1e4 ** (torch.arange(0, 12, 2) / 12)
    table = torch.stack([position.sin(), position.cos()], dim=2).flatten(1).double()
    memory = decoder.projection(frames) + table[:5]
    x = decoder.embedding(words) + table[:7]
    for layer in decoder.layers:
        x = as_torch_layer(layer, 3)(
            x,
            memory,
            tgt_mask=nn.Transformer.generate_square_subsequent_mask(7, dtype=torch.float64),
            memory_key_padding_mask=torch.arange(5) >= n_frames[:, None],
        )
    assert torch.allclose(logits, decoder.to_words(x), atol=1e-6)

    past, one_by_one = (), []
    for step in range(7):
        following, past = decoder(words[:, step : step + 1], heard, past)
        one_by_one.append(following)
    assert torch.allclose(logits, torch.cat(one_by_one, dim=1), atol=1e-12)


# Vectors and clips


def test_frames_in_every_form(captioner, world):
    frames = np.stack([clip[:1] for clip in world["unseen"]])
    expected = captioner.predict(list(frames)).tolist()
    assert captioner.predict(frames).tolist() == expected
    assert captioner.predict(frames.tolist()).tolist() == expected
    ragged = np.empty(24, dtype=object)
    ragged[:] = list(frames)
    assert captioner.predict(ragged).tolist() == expected
    integers = [np.ones((2, 16), dtype=int)]
    assert captioner.predict(integers).tolist() == captioner.predict([np.ones((2, 16))]).tolist()


def test_clips_of_one_frame(world):
    frames = np.stack([clip.mean(axis=0, keepdims=True) for clip in world["clips"]])
    captioner = AudioCaptioner("passthrough", **SMALL, max_epochs=30)
    captioner.fit(frames, world["captions"])
    assert captioner.predict(frames[:4]).tolist() == SAID


def test_one_clip_is_enough(world):
    captioner = AudioCaptioner("passthrough", **SMALL, max_epochs=30)
    captioner.fit(world["clips"][:1], [["a dog", "a dog"]])
    assert captioner.predict(world["clips"][:1]).tolist() == ["a dog"]
    assert captioner.history_["validation_loss"].isna().all()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.full((2, 16), np.nan), "Row 1: Input X contains NaN"),
        (np.full((2, 16), np.inf), "Row 1: Input X contains infinity"),
        (np.ones((2, 15)), "Row 1: got vectors of dimension 15, expected 16"),
        (np.ones((0, 16)), "Row 1: Found array with 0 sample"),
        (np.ones(16), "Row 1: Expected 2D array"),
        (None, "Row 1: "),
    ],
)
def test_frames_that_are_none(captioner, world, bad, message):
    clips = [world["unseen"][0], bad]
    with pytest.raises(ValueError, match=message):
        captioner.predict(clips)
    with pytest.raises(ValueError, match=message):
        captioner.fit(clips, ["a", "b"])
    with pytest.raises(ValueError, match="X is empty"):
        captioner.predict([])


def test_frames_with_nan_are_left_out(captioner, world):
    captioner.set_params(on_error="nan", max_epochs=2)
    clips = list(world["clips"])
    clips[2] = np.full((3, 16), np.nan)
    clips[5] = np.where(np.arange(3)[:, None] == 1, np.nan, np.ones((3, 16)))
    clips[7] = None
    with pytest.warns(LeftOutWarning, match="3 of 80 clips failed and are left out") as record:
        captioner.fit(clips, world["captions"])
    assert record[0].filename == __file__
    assert [row for row, _, _ in record[0].message.failures] == [2, 5, 7]
    predicted = captioner.predict(clips)
    assert [row for row in range(80) if predicted[row] is None] == [2, 5, 7]
    kept = [row for row in range(80) if row not in (2, 5, 7)]
    without = clone(captioner).fit(
        [clips[row] for row in kept], [world["captions"][row] for row in kept]
    )
    assert without.weights_.sha256 == captioner.weights_.sha256
    failed = [predicted[row] or "" for row in range(80)]
    score = captioner.score(clips, world["captions"])
    assert score == cider_d(failed, [[caption] for caption in world["captions"]])
    with pytest.raises(ValueError, match="There are no clips to train on: the vectors of all 2"):
        captioner.fit([clips[2], None], ["a", "b"])


@pytest.fixture
def of_sounds(tiny_checkpoint):
    encoder = Wav2CLIPTransformer(tiny_checkpoint)
    return AudioCaptioner(encoder, **SMALL, max_epochs=2, validation_fraction=0)


def test_sounds(of_sounds, wav_files, waveforms):
    captions = [SAID[row % 4] for row in range(6)]
    predicted = of_sounds.fit(wav_files, captions).predict(wav_files)
    assert of_sounds.encoder_.mode == "frame"
    assert of_sounds.encoder.mode == "clip"
    assert all(isinstance(caption, str) and caption for caption in predicted)
    assert clone(of_sounds).fit(waveforms, captions).predict(wav_files).tolist() == (
        predicted.tolist()
    )
    frames = of_sounds.encoder_.transform(wav_files)
    passed = clone(of_sounds).set_params(encoder="passthrough").fit(frames, captions)
    assert passed.weights_.sha256 == of_sounds.weights_.sha256
    frozen = FrozenEstimator(
        Wav2CLIPTransformer(of_sounds.encoder.weights, mode="frame", tail="pad").fit()
    )
    for encoder in (frozen, make_pipeline(FunctionTransformer(), frozen)):
        other = clone(of_sounds).set_params(encoder=encoder).fit(wav_files, captions)
        assert other.weights_.sha256 == of_sounds.weights_.sha256


def test_sounds_in_a_table(of_sounds, wav_files):
    table = pd.DataFrame({"file": wav_files})
    captions = pd.Series([SAID[row % 4] for row in range(6)], index=range(6, 12))
    expected = of_sounds.fit(wav_files, captions.tolist()).predict(wav_files).tolist()
    assert not hasattr(of_sounds, "feature_names_in_")
    assert of_sounds.fit(table, captions).predict(table).tolist() == expected
    assert of_sounds.feature_names_in_.tolist() == ["file"]
    with pytest.raises(ValueError, match="feature names should match"):
        of_sounds.predict(table.rename(columns={"file": "other"}))


def test_sounds_that_cannot_be_read(of_sounds, wav_files):
    clips = [wav_files[0], "missing.wav", *wav_files[1:]]
    captions = [SAID[row % 4] for row in range(7)]
    with pytest.raises(AudioError, match=r"Row 1 \('missing.wav'\)"):
        of_sounds.fit(clips, captions)
    of_sounds.set_params(on_error="nan", encoder__on_error="nan")
    with pytest.warns(LeftOutWarning), pytest.warns(FailedClipWarning):
        of_sounds.fit(clips, captions)
    with pytest.warns(FailedClipWarning):
        predicted = of_sounds.predict(clips)
    assert [caption is None for caption in predicted] == [row == 1 for row in range(7)]


def test_encoders_by_name(tiny_checkpoint, monkeypatch, waveforms):
    weights = Wav2CLIPTransformer(tiny_checkpoint).fit().weights_
    monkeypatch.setattr(Wav2CLIPTransformer, "_refer_to_weights", lambda self: weights)
    captioner = AudioCaptioner(
        **SMALL, max_epochs=1, frame_length=0.5, hop_length=0.25, n_jobs=2, on_error="nan"
    ).fit(waveforms, SAID + SAID[:2])
    encoder = captioner.encoder_
    assert (encoder.mode, encoder.frame_length, encoder.hop_length) == ("frame", 0.5, 0.25)
    assert (encoder.n_jobs, encoder.on_error) == (2, "nan")


def test_encoders_of_no_frames(world):
    captioner = AudioCaptioner(FunctionTransformer(np.array), **SMALL)
    vectors = np.stack([clip[0] for clip in world["clips"]])
    with pytest.raises(ValueError, match=r"frames, .* first clip have shape \(16,\)"):
        captioner.fit(vectors, world["captions"])


# Manners


def test_manners(trained, world):
    before = dict(vars(trained))
    predicted = trained.predict(world["unseen"])
    trained.score(world["unseen"], world["unseen_said"])
    assert vars(trained) == before
    learned = {name for name in before if not name.startswith("_")} - set(trained.get_params())
    assert learned == {
        "best_epoch_",
        "encoder_",
        "n_iter_",
        "scaler_",
        "vocabulary_",
        "weights_",
    }
    assert predicted.dtype == object
    with pytest.raises(NotFittedError):
        clone(trained).predict(world["unseen"])
    with pytest.raises(NotFittedError):
        clone(trained).history_  # noqa: B018
    assert "AudioCaptioner" in trained._repr_html_()
    assert repr(clone(trained)) == repr(trained)
    assert clone(trained).get_params() == trained.get_params()


def test_tags():
    tags = get_tags(AudioCaptioner())
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array
    assert tags.target_tags.required
    assert not get_tags(AudioCaptioner("passthrough")).input_tags.string
    assert get_tags(AudioCaptioner(on_error="nan")).input_tags.allow_nan


def test_pickles_hold_arrays_alone(trained, world):
    pickled = pickle.dumps(trained)
    assert b"torch" not in pickled
    assert pickle.loads(pickled).predict(world["unseen"]).tolist() == world["unseen_said"]
    assert copy.deepcopy(trained).predict(world["unseen"]).tolist() == world["unseen_said"]


def test_what_was_fitted_stays_though_parameters_change(captioner, world):
    captioner.set_params(n_heads=4, d_model=64, dim_feedforward=8, n_layers=3)
    assert captioner.predict(world["unseen"]).tolist() == world["unseen_said"]


def test_a_fit_that_fails_leaves_the_former_one(captioner, world):
    with pytest.raises(ValueError, match="min_count"):
        captioner.set_params(min_count=999).fit(world["clips"], world["captions"])
    assert captioner.predict(world["unseen"]).tolist() == world["unseen_said"]


def test_progress(world, capsys):
    captioner = AudioCaptioner("passthrough", **SMALL, max_epochs=2, verbose=True)
    captioner.fit(world["clips"], world["captions"])
    told = capsys.readouterr().out
    assert "epoch   2/2: training loss" in told
    assert "validation loss" in told
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        captioner.set_params(verbose=False).fit(world["clips"], world["captions"])
    assert not capsys.readouterr().out


def test_searches_and_folds(world):
    captioner = AudioCaptioner("passthrough", **SMALL, max_epochs=2)
    clips, captions = world["clips"][:40], world["captions"][:40]
    assert cross_val_score(captioner, clips, captions, cv=2).shape == (2,)
    grid = GridSearchCV(captioner, {"learning_rate": [1e-6, 1e-2]}, cv=2)
    assert grid.fit(clips, captions).best_params_ == {"learning_rate": 1e-2}


def test_longer_beams_than_there_are_words():
    clips = np.eye(3)[:, None]
    captioner = AudioCaptioner("passthrough", **SMALL, max_epochs=3, beam_size=50, max_length=3)
    predicted = captioner.fit(clips, ["a", "a", "a"]).predict(clips)
    assert {word for caption in predicted for word in caption.split()} == {"a"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (dict(d_model=30, n_heads=4), "d_model=30 is not a multiple of n_heads=4"),
        (dict(beam_size=0), "'beam_size' parameter"),
        (dict(dropout=1.0), "'dropout' parameter"),
        (dict(max_length=0), "'max_length' parameter"),
        (dict(validation_fraction=1.0), "'validation_fraction' parameter"),
        (dict(encoder="wave2vec"), "an audio encoder: did you mean 'wav2clip'"),
        (dict(device="gpu9"), "device='gpu9' cannot be used"),
        (dict(on_error="skip"), "'on_error' parameter"),
    ],
)
def test_bad_parameters(world, parameters, message):
    captioner = AudioCaptioner(**{"encoder": "passthrough", **SMALL, **parameters})
    with pytest.raises(ValueError, match=message):
        captioner.fit(world["clips"], world["captions"])


def test_bad_parameters_of_a_fitted_captioner(captioner, world):
    with pytest.raises(ValueError, match="'beam_size' parameter"):
        captioner.set_params(beam_size=0).predict(world["unseen"])


def test_openvino_is_for_the_encoder_alone(captioner, world):
    captioner.set_params(device="openvino")
    assert captioner.predict(world["unseen"]).tolist() == world["unseen_said"]
