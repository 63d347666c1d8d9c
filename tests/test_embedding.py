"""Long runs: rows are never lost, results are kept, work is ahead but never far."""

import pickle
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
import soundfile
import torch

from skw2c import Wav2CLIPTransformer
from skw2c.exceptions import AudioError, FailedClipWarning
from skw2c.models import FrozenWav2CLIP
from skw2c.system._prefetch import prefetch, prefetch_map

from .processes import run_python
from .tolerances import assert_close


@pytest.fixture
def mixed(wav_files, waveforms, tmp_path):
    """Six good clips, and bad ones at rows 0, 3, 4 and 9."""
    (tmp_path / "text.wav").write_text("no sound at all")
    bad = [tmp_path / "missing.wav", str(tmp_path / "text.wav"), np.array([np.nan]), None]
    clips = list(wav_files)
    for row, item in zip((0, 3, 4, 9), bad, strict=True):
        clips.insert(row, item)
    return clips


BAD_ROWS = [0, 3, 4, 9]


@pytest.mark.parametrize("n_jobs", [None, 3])
def test_nan_keeps_every_row(tiny_checkpoint, wav_files, mixed, n_jobs):
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(wav_files)
    transformer = Wav2CLIPTransformer(tiny_checkpoint, on_error="nan", n_jobs=n_jobs)
    with pytest.warns(FailedClipWarning) as record:
        vectors = transformer.fit(mixed).transform(mixed)
    assert vectors.shape == (10, 16)
    assert vectors.dtype == np.float32
    assert np.flatnonzero(np.isnan(vectors).all(1)).tolist() == BAD_ROWS
    assert_close(np.delete(vectors, BAD_ROWS, axis=0), expected)
    [warning] = [entry.message for entry in record]
    rows, files, causes = zip(*warning.failures, strict=True)
    assert list(rows) == BAD_ROWS
    assert files == (str(mixed[0]), mixed[3], None, None)
    assert "does not exist" in causes[0]
    assert "sample 0 is nan" in causes[2]
    assert str(warning).startswith("4 of 10 clips failed and are rows of NaN")
    assert repr(mixed[3]) in str(warning)
    assert "and 1 more" in str(warning)
    assert record[0].filename == __file__
    copy = pickle.loads(pickle.dumps(warning))
    assert copy.failures == warning.failures


def test_nan_in_frame_mode(tiny_checkpoint, mixed):
    transformer = Wav2CLIPTransformer(
        tiny_checkpoint, on_error="nan", mode="frame", frame_length=0.5, hop_length=0.5
    )
    with pytest.warns(FailedClipWarning):
        frames = transformer.fit_transform(mixed)
    assert frames.shape == (10,)
    for row in BAD_ROWS:
        assert frames[row].shape == (1, 16)
        assert np.isnan(frames[row]).all()
    with pytest.warns(FailedClipWarning):
        frames = transformer.transform([mixed[1], None])
    assert frames.shape == (2, 2, 16)
    assert np.isnan(frames[1]).all()


def test_nothing_but_failures(tiny_checkpoint):
    transformer = Wav2CLIPTransformer(tiny_checkpoint, on_error="nan")
    with pytest.warns(FailedClipWarning, match="2 of 2"):
        assert np.isnan(transformer.fit_transform(["a.wav", "b.wav"])).all()


def test_nan_in_a_table(tiny_checkpoint, waveforms):
    table = np.stack([waveforms[0], waveforms[2]])
    table[1, 77] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        Wav2CLIPTransformer(tiny_checkpoint).fit(table)
    transformer = Wav2CLIPTransformer(tiny_checkpoint, on_error="nan")
    with pytest.warns(FailedClipWarning, match="row 1: sample 77 is inf"):
        vectors = transformer.fit_transform(table)
    assert np.isnan(vectors).all(1).tolist() == [False, True]


def test_no_warning_where_nothing_fails(tiny_checkpoint, wav_files):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Wav2CLIPTransformer(tiny_checkpoint, on_error="nan").fit_transform(wav_files)


@pytest.mark.parametrize("n_jobs", [None, 4])
def test_raise_names_the_first_bad_row(tiny_checkpoint, mixed, n_jobs):
    transformer = Wav2CLIPTransformer(tiny_checkpoint, n_jobs=n_jobs)
    with pytest.raises(AudioError, match="^Row 2 .*text.wav"):
        transformer.fit_transform(mixed[1:])
    with pytest.raises(AudioError, match="^Row 0 .*missing.wav"):
        transformer.fit_transform(mixed)


def test_raise_does_not_wait_for_what_comes_after(tiny_checkpoint, wav_files, monkeypatch):
    counts = count_computed(monkeypatch)
    transformer = Wav2CLIPTransformer(tiny_checkpoint).fit(wav_files)
    monkeypatch.setattr("skw2c.transformers._embedding._MOST_WORKERS", 1)
    with pytest.raises(AudioError, match="Row 0"):
        transformer.transform(["missing.wav", *wav_files])
    assert not counts


def test_interrupt_does_not_wait_for_long_files(tmp_path, tiny_checkpoint):
    """Control-C ends a run within the files that are being read, not after them."""
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 16000, 1) as file:
        for _ in range(40):
            file.write(np.random.default_rng(0).uniform(-0.5, 0.5, 16000 * 60))
    code = (
        "import sys, time, os, signal, threading\n"
        "from skw2c import Wav2CLIPTransformer as T\n"
        "t = T(sys.argv[1]).fit([''])\n"
        "start = time.monotonic(); t.transform([sys.argv[2]]); whole = time.monotonic() - start\n"
        "threading.Timer(0.2 * whole, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "start = time.monotonic()\n"
        "try: t.transform([sys.argv[2]] * 24)\n"
        "except KeyboardInterrupt: print((time.monotonic() - start) / whole)"
    )
    result = run_python("-c", code, tiny_checkpoint, path)
    # A task is eight files and takes eight times as long as one.
    assert float(result.stdout) < 4


def count_computed(monkeypatch):
    """Count the frames that the network sees."""
    counts = []
    encode = FrozenWav2CLIP.encode

    def counting(self, inputs, output):
        counts.append(len(inputs))
        return encode(self, inputs, output)

    monkeypatch.setattr(FrozenWav2CLIP, "encode", counting)
    return counts


@pytest.mark.parametrize("as_memory", [str, lambda path: joblib.Memory(path, verbose=0)])
def test_memory_computes_only_what_is_new(
    tiny_checkpoint, wav_files, waveforms, tmp_path, monkeypatch, as_memory
):
    counts = count_computed(monkeypatch)
    parameters = {"memory": as_memory(tmp_path / "cache"), "batch_size": 4}
    transformer = Wav2CLIPTransformer(tiny_checkpoint, **parameters).fit(wav_files)
    first = transformer.transform(wav_files[:4])
    assert sum(counts) == 4
    both = transformer.transform(wav_files)
    assert sum(counts) == 6
    np.testing.assert_array_equal(both[:4], first)
    again = Wav2CLIPTransformer(tiny_checkpoint, **parameters).fit_transform(wav_files[::-1])
    assert sum(counts) == 6
    np.testing.assert_array_equal(again[::-1], both)


def test_memory_knows_clips_by_content_and_configuration(
    tiny_checkpoint, wav_files, waveforms, tmp_path, monkeypatch
):
    counts = count_computed(monkeypatch)
    path = tmp_path / "a.wav"
    soundfile.write(path, waveforms[0], 16000)
    transformer = Wav2CLIPTransformer(tiny_checkpoint, memory=tmp_path / "cache").fit([path])

    def n_computed(clips, **parameters):
        counts.clear()
        transformer.set_params(**parameters).fit(clips).transform(clips)
        return sum(counts)

    assert n_computed([path]) == 1
    path.rename(tmp_path / "renamed.wav")
    assert n_computed([tmp_path / "renamed.wav"]) == 0
    soundfile.write(path, waveforms[2], 16000)
    assert n_computed([path]) == 1
    assert n_computed([waveforms[1]]) == 1
    assert n_computed([waveforms[1].copy()]) == 0
    assert n_computed([waveforms[1]], sampling_rate=8000) == 1
    assert n_computed([path], output="encoder") == 1
    assert n_computed([path], mode="frame") == 1
    assert n_computed([path], hop_length=0.5) == 1
    assert n_computed([path], hop_length=0.5) == 0
    assert n_computed([path], normalize=True, batch_size=2, n_jobs=2, verbose=0) == 0
    assert n_computed([path], weights=None, random_state=0) == 1
    assert n_computed([path], random_state=1) == 1


def test_interrupted_run_goes_on(tiny_checkpoint, waveforms, tmp_path, monkeypatch):
    clips = [np.roll(waveforms[0], k) for k in range(40)]
    transformer = Wav2CLIPTransformer(tiny_checkpoint, memory=tmp_path, batch_size=2).fit(clips)
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(clips)
    counts = count_computed(monkeypatch)
    counting = FrozenWav2CLIP.encode

    def interrupted(self, inputs, output):
        if sum(counts) >= 20:
            raise KeyboardInterrupt
        return counting(self, inputs, output)

    monkeypatch.setattr(FrozenWav2CLIP, "encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        transformer.transform(clips)
    monkeypatch.setattr(FrozenWav2CLIP, "encode", counting)
    done = sum(counts)
    assert 20 <= done < 40
    assert_close(transformer.transform(clips), expected)
    assert sum(counts) == 40


def test_failures_are_not_kept(tiny_checkpoint, waveforms, tmp_path):
    path = tmp_path / "a.wav"
    transformer = Wav2CLIPTransformer(tiny_checkpoint, memory=tmp_path / "c", on_error="nan")
    with pytest.warns(FailedClipWarning):
        assert np.isnan(transformer.fit_transform([path])).all()
    soundfile.write(path, waveforms[0], 16000)
    assert np.isfinite(transformer.fit_transform([path])).all()


def test_progress_bar(tiny_checkpoint, wav_files, capsys):
    Wav2CLIPTransformer(tiny_checkpoint, verbose=True).fit_transform(wav_files)
    assert "6/6" in capsys.readouterr().err
    Wav2CLIPTransformer(tiny_checkpoint).fit_transform(wav_files)
    output = capsys.readouterr()
    assert output.err == output.out == ""


def test_prefetch_map_keeps_order_and_does_not_run_away():
    started = []

    def work(item):
        started.append(item)
        time.sleep(0.001 * (item % 3))
        return item**2

    results = prefetch_map(work, range(100), 3, inner_threads=1)
    assert next(results) == 0
    time.sleep(0.1)
    assert len(started) <= 8
    assert list(results) == [k**2 for k in range(1, 100)]


def test_prefetch_map_stops_when_its_reader_does():
    started = []
    results = prefetch_map(started.append, range(1000), 2, inner_threads=1)
    next(results)
    results.close()
    assert len(started) < 10


def test_prefetch_map_limits_the_threads_of_torch_only_inside():
    import torch

    before = torch.get_num_threads()
    seen = list(prefetch_map(lambda _: torch.get_num_threads(), range(4), 2, inner_threads=1))
    assert seen == [1] * 4
    assert torch.get_num_threads() == before
    outside = []
    thread = threading.Thread(target=lambda: outside.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert outside == [before]


def test_prefetch_passes_errors_on():
    def fail():
        yield 1
        yield 2
        raise AudioError("broken")

    items = prefetch(fail())
    assert next(items) == 1
    with pytest.raises(AudioError, match="broken"):
        list(items)


def test_workers_do_not_look_for_libraries(monkeypatch):
    """The search could wait for a worker that imports one, and that for the search."""
    from skw2c.system import _prefetch

    searching = []

    class Controller(_prefetch.ThreadpoolController):
        def __init__(self):
            searching.append(threading.current_thread())
            super().__init__()

    monkeypatch.setattr(_prefetch, "ThreadpoolController", Controller)
    _prefetch._openmp.cache_clear()
    for _ in range(2):
        threads = prefetch_map(lambda _: torch.get_num_threads(), range(8), 3, inner_threads=1)
        assert set(threads) == {1}
    assert searching == [threading.main_thread()]
