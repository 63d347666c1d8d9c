"""`embed_corpus` and ``skw2c embed --out FOLDER/``: no row lost, doubled or torn, the same bits."""

import errno
import hashlib
import io
import json
import multiprocessing
import os
import re
import signal
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

from skw2c import EfficientATTransformer, Wav2CLIPTransformer, embed_corpus
from skw2c.cli import main
from skw2c.corpus import _folder, _storage
from skw2c.corpus._file_work import FileWork, bundle
from skw2c.corpus._folder import CorpusFolder
from skw2c.corpus._plan import Plan, cut
from skw2c.exceptions import AudioError, CorpusError, FailedFileWarning
from skw2c.files import Stamp
from skw2c.models import FrozenWav2CLIP
from skw2c.system._locks import LockedError
from skw2c.transformers import _batches
from skw2c.transformers._embedding import ClipEmbedder
from skw2c.transformers._file_embedder import FileEmbedder
from skw2c.weights import keep_in_memory, refer_to

from .conftest import make_tone
from .crashing_encoder import CrashingTransformer
from .processes import Python
from .tolerances import assert_close

COLUMNS = ["file", "vector", "error", "size", "modified", "etag", "digest", "seconds"]
LONG_AGO = 1_700_000_000


def write_sound(path, seed, seconds=0.5):
    """Write a tone, last changed long ago, so that its time proves that it is the same."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    soundfile.write(path, make_tone(rng, round(16000 * seconds)), 16000, subtype="FLOAT")
    os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture
def sounds(tmp_path, monkeypatch):
    """A working directory with 40 sounds, which make three parts."""
    for number in range(40):
        write_sound(tmp_path / "sounds" / f"{number:02}.wav", number, 0.3 + 0.1 * (number % 5))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "sounds"


@pytest.fixture
def embed(tiny_checkpoint):
    """`embed_corpus` with a small encoder, into ``vectors``."""

    def run(files="sounds", out="vectors", **parameters):
        encoder = Wav2CLIPTransformer(tiny_checkpoint)
        return embed_corpus(files, out, encoder, **{"verbose": False, **parameters})

    return run


def read(out="vectors"):
    """The rows of a data set by file, which are there once each."""
    table = pd.read_parquet(out)
    assert table["file"].is_unique
    return table.sort_values("file").set_index("file")


def contents(out="vectors"):
    return {path.name: path.read_bytes() for path in Path(out).glob("part-*.parquet")}


def names(numbers, folder="sounds"):
    return [os.path.abspath(f"{folder}/{number:02}.wav") for number in numbers]


def test_data_set(sounds, embed, tiny_checkpoint):
    result = embed()
    assert (result.n_files, result.n_embedded, result.n_parts) == (40, 40, 3)
    assert result.failures == []
    assert result.failures_file is None
    table = read()
    assert ["file", *table.columns] == COLUMNS
    assert table.index.tolist() == names(range(40))
    expected = Wav2CLIPTransformer(tiny_checkpoint).fit_transform(names(range(40)))
    np.testing.assert_array_equal(np.stack(table["vector"]), expected)
    first = sounds / "00.wav"
    assert table["size"].iloc[0] == first.stat().st_size
    assert table["modified"].iloc[0].value == LONG_AGO * 10**9
    assert table["digest"].iloc[0] == hashlib.sha256(first.read_bytes()).hexdigest()
    np.testing.assert_allclose(table["seconds"], [0.3 + 0.1 * (k % 5) for k in range(40)])
    assert result.seconds == pytest.approx(table["seconds"].sum())
    assert sorted(contents()) == [f"part-{number:06}.parquet" for number in range(3)]
    schema = pq.read_schema("vectors/part-000000.parquet")
    assert str(schema.field("vector").type) == "fixed_size_list<element: float>[16]"
    facts = json.loads(schema.metadata[b"skw2c"])
    checksum = hashlib.sha256(Path(tiny_checkpoint).read_bytes()).hexdigest()
    assert facts["encoder"]["identity"] == f"sha256 {checksum}"
    assert facts["encoder"]["class"] == "Wav2CLIPTransformer"
    assert facts["created_by"].startswith("skw2c ")


def test_nothing_is_done_twice(sounds, embed, monkeypatch):
    embed()
    before = contents()
    monkeypatch.setattr(FileEmbedder, "embed", lambda *_: pytest.fail("a file is embedded again"))
    assert embed().n_embedded == 0
    assert contents() == before


def test_new_changed_touched_and_missing_files(sounds, embed):
    embed()
    before, parts = read(), contents()
    write_sound(sounds / "03.wav", 99)
    write_sound(sounds / "deep" / "40.wav", 40)
    os.utime(sounds / "05.wav", (LONG_AGO + 9, LONG_AGO + 9))
    (sounds / "39.wav").unlink()
    result = embed()
    assert (result.n_files, result.n_embedded, result.n_parts) == (41, 2, 4)
    after = read()
    changed, touched, gone, added = names([3, 5, 39]) + names([40], "sounds/deep")
    assert set(after.index) - set(before.index) == {added}
    assert after.loc[changed, "digest"] != before.loc[changed, "digest"]
    assert not np.array_equal(after.loc[changed, "vector"], before.loc[changed, "vector"])
    assert after.loc[touched, "modified"].value == (LONG_AGO + 9) * 10**9
    for file in set(before.index) - {changed}:
        np.testing.assert_array_equal(after.loc[file, "vector"], before.loc[file, "vector"])
    assert contents()["part-000001.parquet"] == parts["part-000001.parquet"]
    assert embed().n_embedded == 0
    result = embed(missing="remove")
    assert (result.n_files, result.n_embedded) == (40, 0)
    assert gone not in read().index
    write_sound(sounds / "39.wav", 39, 0.7)
    assert embed().n_embedded == 1
    np.testing.assert_array_equal(read().loc[gone, "vector"], before.loc[gone, "vector"])


def test_other_files_of_an_earlier_run_stay(sounds, embed):
    embed(names(range(20)))
    result = embed(names(range(20, 40)), missing="remove")
    assert (result.n_files, result.n_embedded) == (40, 20)
    assert len(read()) == 40


def test_a_part_without_files_is_removed(sounds, embed):
    embed(names(range(16)))
    embed(names(range(16, 20)))
    for number in range(16, 20):
        (sounds / f"{number}.wav").unlink()
    assert embed(names(range(16)), missing="remove").n_files == 16
    assert sorted(contents()) == ["part-000000.parquet"]


def test_content_decides_on_what_has_just_changed(sounds, embed):
    now = time.time()
    os.utime(sounds / "00.wav", (now, now))
    embed()
    before = read()
    stamp = (sounds / "00.wav").stat()
    write_sound(sounds / "00.wav", 77, 0.3)
    os.utime(sounds / "00.wav", ns=(stamp.st_mtime_ns, stamp.st_mtime_ns))
    assert (sounds / "00.wav").stat().st_size == stamp.st_size
    assert embed().n_embedded == 1
    assert read()["digest"].iloc[0] != before["digest"].iloc[0]


@pytest.mark.parametrize("seconds", [-(10**9), 5 * 10**9, 2**34 - 1])
def test_clocks_that_are_wrong(sounds, embed, seconds):
    os.utime(sounds / "00.wav", (seconds, seconds))
    embed()
    assert embed().n_embedded == 0


def test_failures_are_rows(sounds, embed):
    (sounds / "03.wav").write_bytes(b"no sound")
    os.utime(sounds / "03.wav", (LONG_AGO, LONG_AGO))
    files = [*names(range(5)), str(sounds / "none.wav"), str(sounds)]
    with pytest.warns(FailedFileWarning, match="3 of 7 files failed and have no vector") as caught:
        result = embed(files)
    assert caught[0].message.failures == result.failures
    assert [Path(file).name for _, file, _ in result.failures] == ["sounds", "03.wav", "none.wav"]
    table = read()
    assert table["vector"].isna().tolist() == table["error"].notna().tolist()
    assert "the file does not exist" in table.loc[str(sounds / "none.wav"), "error"]
    assert "it is a folder" in table.loc[str(sounds), "error"]
    listed = pd.read_csv("vectors/_corpus/failures.csv")
    assert listed["file"].tolist() == [file for _, file, _ in result.failures]
    assert listed["error"].tolist() == [cause for _, _, cause in result.failures]
    write_sound(sounds / "none.wav", 1)
    (sounds / "03.wav").write_bytes((sounds / "04.wav").read_bytes())
    with pytest.warns(FailedFileWarning, match="1 of 7"):
        assert embed(files).n_embedded == 2
    assert embed(files[:4], out="others").failures_file is None


def test_failed_files_are_tried_again_if_asked_for(sounds, embed, monkeypatch):
    real = FileEmbedder.embed

    def fail(self, paths, stopped):
        is_bad = paths[0].endswith("07.wav")
        return [AudioError("out of luck")] if is_bad else real(self, paths, stopped)

    with monkeypatch.context() as patched:
        patched.setattr(FileEmbedder, "embed", fail)
        with pytest.warns(FailedFileWarning, match="out of luck"):
            embed()
    with pytest.warns(FailedFileWarning, match="out of luck"):
        assert embed().n_embedded == 0
    result = embed(retry_failed=True)
    assert (result.n_embedded, result.failures) == (1, [])


def test_stop_at_the_first_failure(sounds, embed):
    (sounds / "39.wav").write_bytes(b"no sound")
    with pytest.raises(AudioError, match=r"39.wav': the file is not a sound .* on_error='nan'"):
        embed(on_error="raise")
    (sounds / "39.wav").unlink()
    assert embed(on_error="raise").n_embedded < 39


def test_a_file_that_changes_while_it_is_read(sounds, embed, monkeypatch):
    real = FileEmbedder.embed

    def embed_and_write(self, paths, stopped):
        if paths[0].endswith("07.wav"):
            os.utime(paths[0])
        return real(self, paths, stopped)

    with monkeypatch.context() as patched:
        patched.setattr(FileEmbedder, "embed", embed_and_write)
        with pytest.warns(FailedFileWarning, match="it changes while"):
            embed()
    os.utime(sounds / "07.wav", (LONG_AGO, LONG_AGO))
    assert embed().failures == []


def test_frames(sounds, tiny_checkpoint):
    encoder = Wav2CLIPTransformer(tiny_checkpoint, mode="frame", hop_length=0.1, tail="pad")
    write_sound(sounds / "01.wav", 1, 1.33)
    (sounds / "02.wav").write_bytes(b"no sound")
    files = names(range(3))
    with pytest.warns(FailedFileWarning):
        embed_corpus(files, "vectors", encoder, verbose=False)
    table = pd.read_parquet("vectors")
    assert table.columns.tolist() == ["file", "start", "end", *COLUMNS[1:]]
    for file in files[:2]:
        rows = table[table["file"] == file]
        [vectors], [duration] = encoder.fit().embed_with_durations([file])
        np.testing.assert_array_equal(np.stack(rows["vector"]), vectors)
        np.testing.assert_array_equal(
            rows[["start", "end"]], encoder.frame_times(len(vectors), duration)
        )
    assert table[table["file"] == files[2]]["vector"].isna().tolist() == [True]
    write_sound(sounds / "00.wav", 5, 0.7)
    with pytest.warns(FailedFileWarning):
        assert embed_corpus(files, "vectors", encoder, verbose=False).n_embedded == 1
    again = pd.read_parquet("vectors")
    pd.testing.assert_frame_equal(again.iloc[1:], table.iloc[1:])
    assert again["digest"][0] != table["digest"][0]


def test_any_transformer(sounds, tiny_checkpoint):
    pipeline = make_pipeline(Wav2CLIPTransformer(tiny_checkpoint), Normalizer())
    files = names(range(4))
    expected = pipeline.fit_transform(files)
    (sounds / "02.wav").write_bytes(b"no sound")
    with pytest.warns(FailedFileWarning, match="the file is not a sound"):
        embed_corpus(files, "vectors", pipeline, verbose=False)
    table = read().drop(index=files[2])
    np.testing.assert_array_equal(np.stack(table["vector"]), expected[[0, 1, 3]])
    with pytest.warns(FailedFileWarning):
        embed_corpus(files, "others", CrashingTransformer(), verbose=False)
    assert len(read("others")["vector"].iloc[0]) == 2
    with pytest.raises(CorpusError, match=r"another encoder: wav2cliptransformer.class is"):
        embed_corpus(files, "vectors", CrashingTransformer(), verbose=False)


@pytest.mark.parametrize("device", ["cpu", "onnxruntime"])
def test_a_vector_has_the_bits_of_its_file_alone(sounds, device):
    """Short files are computed in groups, and whatever has changed is with others another time."""
    encoder = Wav2CLIPTransformer("mini", device=device).fit()
    assert FileEmbedder(encoder).files_at_once > 1
    embed_corpus(sounds, "together", encoder, verbose=False)
    for number in (0, 5, 17):
        embed_corpus(names([number]), f"alone {number}", encoder, verbose=False)
        [row], whole = read(f"alone {number}")["vector"], read("together")["vector"]
        np.testing.assert_array_equal(row, whole[names([number])[0]])


def test_batches_for_which_memory_lacks_are_told(sounds, monkeypatch):
    """The warning may come from a thread, so it is looked for where warnings are made."""
    told, complete = [], FrozenWav2CLIP.encode

    def with_little_memory(self, inputs, output):
        if len(inputs) > 1:
            raise MemoryError
        return complete(self, inputs, output)

    embed_corpus(names(range(0, 40, 5)), "whole", "mini", verbose=False)
    monkeypatch.setattr(FrozenWav2CLIP, "encode", with_little_memory)
    monkeypatch.setattr(_batches, "warn_caller", told.append)
    embed_corpus(names(range(0, 40, 5)), "halved", "mini", verbose=False)
    assert "batch_size=1" in told[0]
    pd.testing.assert_frame_equal(read("halved"), read("whole"))


def test_large_files_are_worked_on_alone():
    sizes = [10, 20, 30, None, 500, 90, 40, 50]
    files = [
        FileWork(str(k), Stamp(size), None, retry_failed=False) for k, size in enumerate(sizes)
    ]
    groups = ["".join(file.name for file in group) for group in bundle(files, 3, 100)]
    assert groups == ["012", "3", "4", "5", "67"]
    assert list(bundle([], 3, 100)) == []


def test_batches_of_clips(sounds, embed, monkeypatch):
    """As on a GPU, which is not kept busy by one clip at a time."""
    (sounds / "03.wav").write_bytes(b"no sound")
    with pytest.warns(FailedFileWarning, match="1 of 40"):
        embed(out="alone")
    monkeypatch.setattr(ClipEmbedder, "is_best_in_threads", False)
    with pytest.warns(FailedFileWarning, match="1 of 40"):
        assert embed(out="together").n_embedded == 39
    alone, together = (read(out) for out in ("alone", "together"))
    vectors = [np.stack(table["vector"].dropna()) for table in (alone, together)]
    assert_close(vectors[0], vectors[1])
    pd.testing.assert_frame_equal(alone.drop(columns="vector"), together.drop(columns="vector"))


def test_cancelled_channels_are_warned_of(sounds, embed):
    tone = make_tone(np.random.default_rng(0), 8000)
    soundfile.write(sounds / "05.wav", np.stack([tone, -tone], axis=1), 16000, subtype="FLOAT")
    with pytest.warns(UserWarning, match=r"The channels of .*05\.wav'\) cancel each other out"):
        embed()


def test_samples_far_beyond_are_warned_of_as_transform_does(sounds, recwarn):
    encoder = EfficientATTransformer(weights=None, random_state=0)
    paths = [str(sounds / f"{number:02}.wav") for number in range(40)]
    tone = make_tone(np.random.default_rng(0), 8000)
    soundfile.write(paths[5], 4e4 * tone, 16000, subtype="FLOAT")
    soundfile.write(paths[30], 3e4 * tone, 16000, subtype="FLOAT")
    encoder.fit_transform(paths)
    embed_corpus("sounds", "vectors", encoder, verbose=False)
    expected, told = [str(warning.message) for warning in recwarn]
    assert told == expected
    assert re.search(r"row 5 \('.*05\.wav'\) .*, row 30 \('.*30\.wav'\) .*beyond \[-1, 1\]", told)


def test_samples_far_beyond_do_not_matter_to_all(sounds, recwarn, monkeypatch):
    encoder = EfficientATTransformer(weights=None, random_state=0)
    monkeypatch.setattr(EfficientATTransformer, "_heeds_scale", False)
    tone = make_tone(np.random.default_rng(0), 8000)
    soundfile.write(sounds / "05.wav", 4e4 * tone, 16000, subtype="FLOAT")
    embed_corpus(names(range(4, 7)), "vectors", encoder, verbose=False)
    assert not recwarn.list


@pytest.mark.parametrize("container", ["pandas", "polars"])
@pytest.mark.parametrize("mode", ["clip", "frame"])
def test_containers_of_scikit_learn(sounds, tiny_checkpoint, mode, container):
    encoder = Wav2CLIPTransformer(tiny_checkpoint, mode=mode, frame_length=0.1, hop_length=0.1)
    pipeline = make_pipeline(encoder, FunctionTransformer()).fit(names([0]))
    files = names(range(0, 40, 5))
    embed_corpus(files, "expected", pipeline, verbose=False)
    with config_context(transform_output=container):
        embed_corpus(files, "global", pipeline, verbose=False)
    pipeline.set_output(transform=container)
    embed_corpus(files, "own", pipeline, verbose=False)
    assert [step._sklearn_output_config["transform"] for step in pipeline] == [container] * 2
    for out in ("global", "own"):
        pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet("expected"))


def test_names_of_any_kind(sounds, embed):
    strange = [os.fsencode(sounds) + b"/\xe9.wav", os.fsencode(sounds) + b"/a,b\n.wav"]
    for number, name in enumerate(strange):
        os.rename(sounds / f"{number + 1:02}.wav", name)
    files = [*map(os.fsdecode, strange), "sounds/00.wav", str(sounds / "00.wav")]
    assert embed(files).n_files == 3
    assert embed(files).n_embedded == 0
    assert read().index.tolist() == [
        str(sounds / name) for name in ("00.wav", "\\xe9.wav", "a,b\n.wav")
    ]


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ("none", ValueError, "the file or folder 'none' does not exist"),
        ("sounds/*.ogg", ValueError, "no files match the pattern"),
        ([], ValueError, "X is empty: got no files"),
        ([b"sounds/00.wav"], TypeError, "Row 0: .* is not a path"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "select the one that holds the files"),
    ],
)
def test_files_that_are_none(sounds, embed, files, error, message):
    with pytest.raises(error, match=message):
        embed(files)
    assert not Path("vectors").exists()


def test_collections_of_files(sounds, embed):
    frame = pd.DataFrame({"file": ["sounds/00.wav", "sounds/01.wav"]})
    for files in ("sounds/0[01].wav", frame, frame["file"], tuple(frame["file"])):
        assert embed(files).n_files == 2
    assert embed("sounds/00.wav").n_embedded == 0


def test_the_encoder_of_a_folder_stays(sounds, embed, tiny_checkpoint):
    embed(names(range(2)))
    encoder = Wav2CLIPTransformer(tiny_checkpoint, normalize=True)
    with pytest.raises(CorpusError, match="another encoder: normalize is False there and True"):
        embed_corpus("sounds", "vectors", encoder, verbose=False)
    other = Wav2CLIPTransformer(None, random_state=0)
    with pytest.raises(CorpusError, match="another encoder: weights is 'sha256"):
        embed_corpus("sounds", "vectors", other, verbose=False)


def test_folders_of_something_else(sounds, embed):
    with pytest.raises(CorpusError, match=r"holds '00.wav', but not _corpus/corpus.json"):
        embed(out="sounds")
    with pytest.raises(NotADirectoryError, match="is a file, expected a folder"):
        embed(out="sounds/00.wav")
    embed(names(range(2)))
    description = Path("vectors/_corpus/corpus.json")
    content = json.loads(description.read_text())
    description.write_text(json.dumps({**content, "version": 2}))
    with pytest.raises(CorpusError, match="version 2 of the format, and this skw2c reads version"):
        embed()
    description.write_text("{")
    with pytest.raises(CorpusError, match=r"corpus.json' is damaged"):
        embed()


def test_damage(sounds, embed):
    embed()
    before = read()
    part = Path("vectors/part-000001.parquet")
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 255
    for damaged in (bytes(content), content[: len(content) // 2], b""):
        part.write_bytes(damaged)
        # Of a part it is found out by its checksums as it is read, and here by a missing end.
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            embed()
        if damaged != bytes(content):
            assert "part-000001.parquet' is damaged, and is written again" in str(caught[0].message)
            pd.testing.assert_frame_equal(read(), before)
    Path("vectors/_corpus/plan.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorpusError, match=r"plan.parquet' is damaged .* delete it"):
        embed()
    Path("vectors/_corpus/plan.parquet").unlink()
    assert embed().n_embedded == 0
    pd.testing.assert_frame_equal(read(), before)


def test_a_full_disk(sounds, embed, monkeypatch):
    written = []

    def write(path, content, **options):
        if "part-" in str(path):
            written.append(path)
            if len(written) == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, content, **options)

    real = _storage.write_atomically
    monkeypatch.setattr(_storage, "write_atomically", write)
    with pytest.raises(OSError, match="No space left"):
        embed()
    assert len(contents()) == 1
    assert embed().n_files == 40
    assert len(read()) == 40


def test_shares(sounds, embed):
    whole = embed(out="whole")
    results = [embed(part=(k, 3)) for k in (2, 1, 3)]
    assert sum(result.n_embedded for result in results) == whole.n_embedded
    assert contents() != {}
    pd.testing.assert_frame_equal(read(), read("whole"))
    assert embed().n_embedded == 0
    for part in ((0, 2), (3, 2), (1,), (1.0, 2)):
        with pytest.raises(ValueError, match="part="):
            embed(part=part)


def test_two_runs_at_once(sounds, embed):
    embed(names(range(2)))
    with CorpusFolder("vectors").hold_run((1, 1)):
        with pytest.raises(LockedError, match="Another run is writing the vectors in .*vectors'"):
            embed()
        assert embed(part=(1, 2)).n_files > 0
    assert embed().n_files == 40


def test_runs_that_change_the_plan_at_once(sounds, embed):
    errors = []

    def run(k):
        try:
            embed(names(range(10 * k, 40)), part=(k, 3))
        except Exception as exc:
            errors.append(exc)

    threads = [threading.Thread(target=run, args=(k,)) for k in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    embed()
    assert len(read()) == 40


def test_parts_are_bounded():
    sizes = np.array([5, 5, 5, 80, 5, 5, 30, 30, 30, 5])
    assert cut(sizes, 3, 100).tolist() == [0, 0, 0, 1, 2, 2, 3, 4, 5, 2]
    assert cut(np.full(5, 20), 10, 80).tolist() == [0, 0, 0, 0, 1]
    texts = pa.array([f"{number:06}" for number in range(5000)])
    plan = Plan.empty().extend(texts.slice(0, 4000), np.ones(4000, int), 1000, 10**9)
    assert {len(plan.rows(number)) for number in plan.numbers} == {125}
    longer = plan.extend(texts, np.ones(5000, int), 1000, 10**9)
    assert longer.table.slice(0, 4000) == plan.table
    assert sorted(longer.table["file"].to_pylist()) == texts.to_pylist()
    assert longer.extend(texts, np.ones(5000, int), 7, 7) is longer


def kill_after(n_parts, embed):
    """Embed in a process of its own, which is killed once so many parts are there."""
    process = multiprocessing.get_context("fork").Process(target=embed, daemon=True)
    process.start()
    while process.is_alive() and len(contents()) < n_parts:
        time.sleep(0.001)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def test_kill_and_resume(sounds, embed):
    for number in range(40, 200):
        write_sound(sounds / f"{number}.wav", number)
    embed(out="whole")
    killed = [kill_after(n_parts, embed) for n_parts in (1, 3, 6)]
    assert killed == 3 * [True]
    finished = contents()
    assert 6 <= len(finished) < 13
    for content in finished.values():
        assert pq.read_metadata(io.BytesIO(content)).num_rows == 16
    assert embed().n_embedded == 200 - 16 * len(finished)
    assert finished.items() <= contents().items()
    pd.testing.assert_frame_equal(read(), read("whole"))
    assert not list(Path("vectors").glob(".skw2c*"))


def test_interrupt_a_program(sounds, embed, tiny_checkpoint):
    for number in range(40, 400):
        os.link(sounds / f"{number % 40:02}.wav", sounds / f"{number:03}.wav")
    command = ["-m", "skw2c", "embed", "sounds", "--out", "vectors/", "--quiet"]
    process = Python(*command, "--weights", tiny_checkpoint)
    while process.poll() is None and not contents():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130, error
    assert "finished parts are kept in vectors/; to resume, give the same command" in error
    n_finished = len(contents())
    assert embed().n_embedded == 400 - 16 * n_finished
    assert len(read()) == 400


def test_same_bits_on_a_cluster(sounds, embed, client):
    (sounds / "11.wav").write_bytes(b"no sound")
    for out, cluster in (("one", None), ("two", client)):
        with pytest.warns(FailedFileWarning, match="1 of 40"):
            result = embed(out=out, client=cluster)
        assert result.n_embedded == 39
    pd.testing.assert_frame_equal(read("one"), read("two"), check_exact=True)
    with pytest.warns(FailedFileWarning, match="1 of 40"):
        assert embed(names(range(11)), out="two", client=client).n_embedded == 0


def test_a_worker_is_killed(sounds, embed, client):
    embed(out="whole")
    for number in range(40, 200):
        write_sound(sounds / f"{number:03}.wav", number, 1)
    [victim, _] = client.run(os.getpid).values()

    def kill():
        while not list(Path("vectors").glob("part-*.parquet")):
            time.sleep(0.002)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    result = embed(client=client)
    killer.join()
    assert (result.n_files, result.failures) == (200, [])
    table = read()
    assert len(table) == 200
    pd.testing.assert_frame_equal(table.loc[names(range(40))], read("whole"))


def test_a_file_that_kills_is_named(sounds, client):
    (sounds / "05.wav").rename(sounds / "poison.wav")
    with pytest.warns(FailedFileWarning, match="1 of 40"):
        result = embed_corpus(
            "sounds", "vectors", CrashingTransformer(), client, verbose=False, bytes_per_part=10**9
        )
    [(_, file, cause)] = result.failures
    assert file == str(sounds / "poison.wav")
    assert "the process that read it was killed, more than once" in cause
    table = read()
    assert len(table) == 40
    assert table["vector"].notna().sum() == 39
    assert table.loc[file, "digest"] is not None
    assert os.listdir("vectors/_corpus/pieces") == []
    with pytest.warns(FailedFileWarning, match="1 of 40"):
        assert (
            embed_corpus(
                "sounds", "vectors", CrashingTransformer(), client, verbose=False
            ).n_embedded
            == 0
        )


def test_workers_that_are_of_no_use(sounds, embed, client, monkeypatch):
    monkeypatch.setattr("skw2c.corpus._on_cluster._versions", lambda: {"skw2c": "9", "torch": "2"})
    with pytest.raises(CorpusError, match=r"The worker tcp://.* and this process has skw2c 9 and"):
        embed(client=client)
    monkeypatch.undo()
    os.chdir(sounds.parent)
    monkeypatch.setattr(CorpusFolder, "identity", lambda self: "another")
    with pytest.raises(
        CorpusError, match="does not find the folder .* on a disk that all machines"
    ):
        embed(client=client)


def test_weights_in_memory_stay_here(sounds, tiny_checkpoint, client):
    weights = refer_to(tiny_checkpoint)
    encoder = Wav2CLIPTransformer(keep_in_memory(weights.read()))
    assert embed_corpus("sounds", "vectors", encoder, verbose=False).n_embedded == 40
    with pytest.raises(ValueError, match="save them to a file that all workers see"):
        embed_corpus("sounds", "others", encoder, client, verbose=False)


@pytest.mark.parametrize(
    ("client", "error", "message"),
    [
        (0, ValueError, "client=0 must be at least one worker"),
        (1.5, TypeError, r"client=1\.5 must be None, a number of local workers"),
        ("10.0.0.5", ConnectionError, r"There is no scheduler of Dask at '10\.0\.0\.5'"),
    ],
)
def test_clients_that_are_none(sounds, embed, monkeypatch, client, error, message):
    monkeypatch.setattr("skw2c.corpus._cluster._SECONDS_TO_CONNECT", 0.1)
    with pytest.raises(error, match=message):
        embed(client=client)


def skw2c_embed(*arguments):
    return main(["embed", *arguments, "--quiet"])


def test_command_line(sounds, tiny_checkpoint, capsys):
    weights = ["--weights", tiny_checkpoint]
    (sounds / "03.wav").write_bytes(b"no sound")
    (sounds / "notes.txt").write_text("no sound")
    assert skw2c_embed("sounds", "--out", "vectors/", *weights) == 3
    error = capsys.readouterr().err
    assert "skw2c: 1 file was skipped: 1 .txt\n" in error
    assert "03.wav: the file is not a sound or media file" in error
    assert "skw2c: vectors/: files in all: 40, embedded now: 39, failed: 1; per second: " in error
    assert skw2c_embed("sounds", "--out", "vectors", *weights) == 3
    assert "vectors: files in all: 40, embedded now: 0, failed: 1\n" in capsys.readouterr().err
    (sounds / "03.wav").unlink()
    assert skw2c_embed("sounds", "--out", "vectors/", *weights, "--remove-missing") == 0
    assert len(read()) == 39
    for k in "12":
        assert skw2c_embed("sounds", "--out", "shares/", *weights, "--part", f"{k}/2") == 0
    pd.testing.assert_frame_equal(read("shares"), read())
    assert skw2c_embed("sounds", "--out", "vectors/", *weights, "--normalize") == 1
    assert "another encoder: normalize is False there and True here" in capsys.readouterr().err


def test_command_line_raises_if_asked_for(sounds, tiny_checkpoint, capsys):
    (sounds / "03.wav").write_bytes(b"no sound")
    arguments = ["--weights", tiny_checkpoint, "--on-error", "raise", "--retry-failed"]
    assert skw2c_embed("sounds", "--out", "vectors/", *arguments) == 1
    error = capsys.readouterr().err
    assert "03.wav': the file is not a sound" in error
    assert "pass --on-error nan" in error


def test_tables_of_files(sounds, tiny_checkpoint, capsys):
    arguments = ["--out", "vectors/", "--weights", tiny_checkpoint]
    table = pd.DataFrame({"id": [1, 2], "sound": ["sounds/00.wav", "sounds/01.wav"]})
    table.to_csv("table.csv", index=False)
    table.rename(columns={"sound": "file"}).to_parquet("table.parquet")
    assert skw2c_embed("--files", "table.csv:sound", *arguments) == 0
    assert skw2c_embed("--files", "table.parquet", "sounds/02.wav", *arguments) == 0
    assert read().index.tolist() == names(range(3))
    for given, message in [
        ("table.csv:none", "has no column 'none', but 'id', 'sound': name one, as in table.csv:id"),
        ("table.csv", "has no column 'file'"),
        ("none.parquet:x", "the table 'none.parquet' of --files does not exist"),
        ("notes.txt:x", "must be a table that ends in .csv, .tsv or .parquet"),
    ]:
        assert skw2c_embed("--files", given, *arguments) == 1
        assert message in capsys.readouterr().err
    Path("gap.csv").write_text("file,x\nsounds/00.wav,1\n,2\n")
    assert skw2c_embed("--files", "gap.csv", *arguments) == 1
    assert "has no name of a file in row 1 of 'file'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dask", "2"], "--dask only works with a folder, --out a.csv/"),
        (["--part", "1/2"], "--part only works with a folder"),
        (["--retry-failed"], "--retry-failed only works with a folder"),
    ],
)
def test_options_of_folders(sounds, capsys, arguments, message):
    assert skw2c_embed("sounds", "--out", "a.csv", *arguments) == 1
    assert message in capsys.readouterr().err


def test_wrong_options(sounds, capsys):
    for arguments, message in [
        (["sounds", "--dask", "0"], "got '0', expected a number of workers, or an address"),
        (["sounds", "--part", "3/2"], "got '3/2', expected a part such as 1/4"),
    ]:
        with pytest.raises(SystemExit):
            skw2c_embed(*arguments, "--out", "vectors/")
        assert message in capsys.readouterr().err
    assert skw2c_embed("sounds", "--out", "vectors") == 1
    assert "or in a slash for a folder of Parquet files: vectors/" in capsys.readouterr().err
    assert skw2c_embed("--out", "vectors/") == 1
    assert "there are no files to embed" in capsys.readouterr().err
    assert _folder.is_corpus("vectors") is False
