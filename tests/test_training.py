"""Training by itself: pieces, plans, losses, augmentation, checkpoints, several processes."""

import errno
import multiprocessing
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from skw2c.models import Distillation, build_student
from skw2c.training import (
    Plan,
    RunFolder,
    RunState,
    Targets,
    TensorClips,
    WaveformAugmentation,
    WaveformClips,
    choose_engine,
)
from skw2c.training._clips import repeat_to
from skw2c.training._engine import FabricEngine
from skw2c.training._failure import Cures, explain
from skw2c.training._targets import average, average_frames

from .conftest import REPOSITORY
from .tolerances import FEW, tolerance

RATE = 16000
PACKAGE = REPOSITORY / "skw2c"


def test_frames_of_a_piece_are_those_of_its_seconds():
    """A vector holds the second that its frame is shown at, so that means tell which were taken."""
    seconds = np.arange(300)[:, None] / 30
    for start in (0, 1, 15999, 16000, 53333, 80000):
        first = int(start / RATE * 30)
        expected = seconds[first : first + 150].mean()
        assert average_frames(seconds, 30.0, RATE, start, 5 * RATE) == pytest.approx(
            expected, rel=1e-6
        )


def test_frames_at_the_end_and_of_slow_rates():
    frames = np.array([[0.0], [1.0], [2.0]])
    assert (
        average_frames(frames, 1.0, RATE, 10 * RATE, RATE) == 2
    )  # the sound goes on after the pictures
    assert average_frames(frames, 0.1, RATE, 0, RATE) == 0  # a frame in ten seconds, a piece of one
    assert average(frames) == 1
    assert average_frames(frames.astype(np.float16), 1.0, RATE, 0, 3 * RATE).dtype == np.float32


def test_short_clips_are_repeated():
    np.testing.assert_array_equal(repeat_to(np.array([1, 2, 3]), 7), [1, 2, 3, 1, 2, 3, 1])
    np.testing.assert_array_equal(repeat_to(np.arange(9), 4), np.arange(4))


@pytest.mark.parametrize("length", [50, 100, 250])
def test_tensors_are_read_as_arrays_are(rng, length):
    waveforms = rng.normal(size=(6, 100)).astype(np.float32)
    frames = Targets(list(rng.normal(size=(6, 20, 3)).astype(np.float32)), 3000.0, RATE)
    texts = rng.normal(size=(6, 3)).astype(np.float32)
    rows = np.array([4, 0, 3])
    starts = np.array([10, 0, 50]) if length == 50 else np.zeros(3, np.int64)
    batches = [
        kind(samples, frames, texts).read(rows, starts, length)
        for kind, samples in (
            (WaveformClips, list(waveforms)),
            (TensorClips, torch.from_numpy(waveforms)),
        )
    ]
    for name in ("waveforms", "targets", "texts"):
        one, other = (getattr(batch, name) for batch in batches)
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    np.testing.assert_array_equal(
        batches[0].waveforms[0, : min(length, 50)], waveforms[4][starts[0] :][: min(length, 50)]
    )


def test_fingerprint_tells_data_apart(rng):
    samples, vectors = rng.normal(size=(4, 50)).astype(np.float32), rng.normal(size=(4, 1, 3))

    def fingerprint(samples=samples, vectors=vectors, rate=30.0, texts=None):
        return WaveformClips(samples, Targets(vectors, rate, RATE), texts).fingerprint

    assert fingerprint() == fingerprint()
    others = [
        fingerprint(samples=samples[::-1]),
        fingerprint(vectors=vectors + 1),
        fingerprint(rate=1.0),
        fingerprint(texts=vectors[:, 0]),
    ]
    assert len({fingerprint(), *others}) == 5


# ---- plans


def make_plan(n_clips=103, **changes):
    n_samples = np.random.default_rng(0).integers(50, 400, n_clips)
    parameters = dict(length=100, batch_size=16, validation_fraction=0.2, seed=3)
    return Plan(n_samples, **{**parameters, **changes})


def test_plan_splits_without_overlap():
    training, validation = make_plan().split()
    assert len(validation) == 21
    assert sorted([*training, *validation]) == list(range(103))


def test_groups_stay_together():
    groups = np.arange(103) // 4
    training, validation = make_plan(groups=groups).split()
    assert not {*groups[training]} & {*groups[validation]}
    assert len({*groups[validation]}) == 5
    assert len(training) + len(validation) == 103


def test_every_clip_is_seen_within_a_few_epochs():
    plan = make_plan()
    seen = set()
    for epoch in range(6):
        batches = plan.training(epoch)
        sizes = {len(batch.rows) for batch in batches}
        assert len(sizes) == 1
        rows = np.concatenate([batch.rows for batch in batches])
        assert len(set(rows)) == len(rows) > 103 * 0.8 - len(batches)
        seen |= set(rows)
    assert seen == set(plan.split()[0])


def test_pieces_lie_within_their_clips():
    plan = make_plan()
    for batch in plan.training(0) + plan.validation():
        ends = batch.starts + np.minimum(plan.length, plan.n_samples[batch.rows])
        assert (batch.starts >= 0).all()
        assert (ends <= plan.n_samples[batch.rows]).all()
    starts = [plan.training(epoch)[0].starts for epoch in range(2)]
    assert not np.array_equal(*starts)


def test_plan_depends_on_seed_and_epoch_alone():
    one, other = make_plan(), make_plan()
    one.training(0)  # what was drawn before does not matter
    for mine, its in zip(one.training(5), other.training(5), strict=True):
        np.testing.assert_array_equal(mine.rows, its.rows)
        np.testing.assert_array_equal(mine.starts, its.starts)
    assert not np.array_equal(make_plan(seed=4).split()[1], one.split()[1])
    assert one.step_seeds(1, 2, 0) == other.step_seeds(1, 2, 0)
    seeds = {
        seed
        for epoch in range(3)
        for step in range(3)
        for rank in range(2)
        for seed in one.step_seeds(epoch, step, rank)
    }
    assert len(seeds) == 36


@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
@pytest.mark.parametrize("n_clips", [2, 3, 5, 9, 10, 21])
@pytest.mark.parametrize("batch_size", [2, 4, 16])
def test_no_clip_is_ever_compared_with_itself_alone(n_clips, batch_size, world_size):
    """A batch of one has no loss, and processes with different shares wait for each other."""
    for part in (0.0, 0.5):
        plan = make_plan(
            n_clips, batch_size=batch_size, world_size=world_size, validation_fraction=part
        )
        for rows, batches in zip(plan.split(), (plan.training(0), plan.validation()), strict=True):
            assert bool(batches) == (len(rows) >= max(2, world_size))
            sizes = {len(batch.rows) for batch in batches}
            assert len(sizes) <= 1
            for size in sizes:
                assert size >= 2
                assert size % world_size == 0
                assert size <= max(batch_size, world_size)


def test_processes_share_each_batch():
    plan = make_plan(world_size=3)
    for piece in plan.training(0) + plan.validation():
        shares = [plan.share(piece, rank) for rank in range(3)]
        assert len({len(share.rows) for share in shares}) == 1
        np.testing.assert_array_equal(np.concatenate([s.rows for s in shares]), piece.rows)
        np.testing.assert_array_equal(np.concatenate([s.starts for s in shares]), piece.starts)


# ---- losses


def cross_entropies(x, y, scale):
    """The symmetric loss by numpy in double precision, straight from the formula."""
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
    logits = scale * x @ y.T

    def entropy(logits):
        return np.mean(np.log(np.exp(logits).sum(axis=1)) - np.diag(logits))

    return (entropy(logits) + entropy(logits.T)) / 2


class Linear(torch.nn.Module):
    def __init__(self, n_features=6):
        super().__init__()
        self.layer = torch.nn.Linear(10, n_features)

    def forward(self, waveforms):
        return self.layer(waveforms[:, :10])


def make_distillation(loss, with_texts=False, n_features=6):
    torch.manual_seed(0)
    student, n_features = build_student(Linear(n_features), 64)
    model = Distillation(student, n_features, 4, loss, with_texts).eval()
    for number, parameter in enumerate(p for n, p in model.named_parameters() if "scale" in n):
        parameter.data.fill_(np.log(3.0 + number))
    return model


@pytest.mark.parametrize("with_texts", [False, True])
@pytest.mark.parametrize("loss", ["cx", "clip_i", "clip"])
def test_losses_are_those_of_the_formulas(loss, with_texts):
    model = make_distillation(loss, with_texts, n_features=4 if loss == "clip" else 6)
    x, v, t = (torch.randn(5, width) for width in (10, 4, 4))
    a = model.audio_encoder(x)
    g, f = model.audio_transform, model.image_transform
    terms = {
        "cx": lambda: [(a, f(v)), (g(a), v), (g(a), t)],
        "clip_i": lambda: [(a, f(v)), (a, f(t))],
        "clip": lambda: [(a, v), (a, t)],
    }[loss]()
    terms = terms if with_texts else terms[:-1]
    expected = np.mean(
        [
            cross_entropies(*(s.detach().double().numpy() for s in pair), 3.0 + number)
            for number, pair in enumerate(terms)
        ]
    )
    assert model(x, v, t if with_texts else None).item() == pytest.approx(
        expected,
        abs=tolerance(10.0, FEW),  # the largest of the logits
    )


@pytest.mark.parametrize("with_texts", [False, True])
def test_cosine_loss_is_one_minus_the_cosine(with_texts):
    model = make_distillation("cosine", with_texts, n_features=6)
    x, v, t = (torch.randn(5, width) for width in (10, 4, 4))
    g = model.audio_transform(model.audio_encoder(x)).detach().double().numpy()
    pairs = [(g, y.double().numpy()) for y in ((v, t) if with_texts else (v,))]
    cosines = [
        (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1) for a, b in pairs
    ]
    loss = model(x, v, t if with_texts else None)
    assert loss.item() == pytest.approx(1 - np.mean(cosines), abs=tolerance(1.0, FEW))
    assert model.describe() == {}


def test_cx_has_two_scales_of_their_own_and_the_names_of_the_release():
    names = set(Distillation(*build_student("resnet18", 2), 4, "cx", False).state_dict())
    assert {"loss_fn_a.logit_scale", "loss_fn_i.logit_scale"} <= names
    assert {f"{side}_transform.sequential.3.bias" for side in ("audio", "image")} <= names
    assert {"audio_encoder.spectrogram.window", "audio_encoder.conv1.weight"} <= names


def test_scales_stay_at_100_or_below_and_come_back():
    model = make_distillation("cx")
    model.loss_fn_a.logit_scale.data.fill_(7.0)
    model.after_step()
    assert model.describe()["scale_a"] == pytest.approx(100)
    assert model.describe()["scale_i"] == pytest.approx(4)
    x, v = torch.randn(5, 10), torch.randn(5, 4)
    model(x, v).backward()
    assert model.loss_fn_a.logit_scale.grad.abs() > 0


@pytest.mark.parametrize("loss", ["clip", "clip_i"])
def test_release_format_has_the_identity_where_nothing_is_projected(loss):
    model = Distillation(*build_student("resnet18", 1), 8, loss, False).eval()
    state = model.encoder_state()
    first, last = (state[f"audio_transform.sequential.{layer}.weight"] for layer in (0, 3))
    torch.testing.assert_close(first, torch.eye(8))
    torch.testing.assert_close(last, torch.eye(8))


def test_build_student_checks_the_contract():
    encoder = Linear()
    encoder.sampling_rate = "16k"
    with pytest.raises(ValueError, match="encoder has sampling_rate='16k', expected a whole"):
        build_student(encoder, 64)
    with pytest.raises(ValueError, match="encoder_width=8 does not apply to encoder='mn04'"):
        build_student("mn04", 8)
    with pytest.raises(ValueError, match=r"turned \(2, 16000\) into \(2, 6, 1\)"):
        build_student(torch.nn.Sequential(Linear(), torch.nn.Unflatten(1, (6, 1))), 64)


# ---- augmentation


def augment(waveforms, seed=0, **parameters):
    return WaveformAugmentation(**parameters)(waveforms, torch.Generator().manual_seed(seed))


def test_augmentation_is_drawn_from_its_generator_alone():
    waveforms = torch.randn(8, 1000)
    state = torch.random.get_rng_state()
    torch.testing.assert_close(augment(waveforms), augment(waveforms), rtol=0, atol=0)
    assert not torch.equal(augment(waveforms), augment(waveforms, seed=1))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_augmentation_can_do_nothing():
    waveforms = torch.randn(4, 100)
    same = augment(waveforms, time_scale=1.0, inversion_probability=0, noise_probability=0)
    torch.testing.assert_close(same, waveforms)


def test_inversion_turns_about_half_of_the_clips():
    waveforms = torch.arange(200.0).repeat(400, 1)
    turned = augment(waveforms, time_scale=1.0, noise_probability=0)[:, 0] == 199
    assert 0.4 < turned.float().mean() < 0.6


def test_noise_has_the_ratio_that_was_asked_for():
    waveforms = 0.1 * torch.randn(50, 8000)
    parameters = dict(time_scale=1.0, inversion_probability=0, noise_probability=1)
    noise = augment(waveforms, snr=(20.0, 20.0), **parameters) - waveforms
    ratios = 10 * torch.log10(waveforms.square().mean(1) / noise.square().mean(1))
    torch.testing.assert_close(ratios, torch.full((50,), 20.0), atol=0.3, rtol=0)


def test_time_is_scaled_by_up_to_the_factor():
    """The pitch of a tone tells how fast it plays."""
    t = torch.arange(16000) / RATE
    waveforms = torch.sin(2 * torch.pi * 1000 * t).repeat(200, 1)
    scaled = augment(waveforms, inversion_probability=0, noise_probability=0)
    pitches = torch.fft.rfft(scaled).abs().argmax(1) / 1000
    assert pitches.min() > 0.66
    assert pitches.max() < 1.51
    assert pitches.min() < 0.7
    assert pitches.max() > 1.4
    assert pitches.log().mean().abs() < 0.1
    silent = (scaled == 0).float().mean(1)
    assert (silent[pitches > 1.2] > 0.1).all()  # faster clips are shorter, and put into silence
    assert (silent[pitches < 0.98] < 0.01).all()


# ---- the loop


def test_there_is_one_loop():
    """What trains estimators takes its steps in one file."""
    rooms = [PACKAGE / room for room in ("training", "distillation", "captioning", "classifiers")]
    files = [path for room in rooms for path in room.rglob("*.py")]
    stepping = [path.name for path in files if ".zero_grad(" in path.read_text("utf-8")]
    assert stepping == ["_loop.py"]


def test_state_keeps_the_names_under_which_checkpoints_hold_it():
    assert list(vars(RunState())) == [
        "epoch",
        "step",
        "total",
        "seconds",
        "history",
        "best_loss",
        "best_epoch",
        "best_state",
    ]


# ---- checkpoints


STATE = {"seed": 3, "model": {"weight": torch.arange(5.0)}}


def test_checkpoint_comes_back(tmp_path):
    folder = RunFolder(tmp_path / "run", {"loss": "cx"})
    assert folder.load() is None
    folder.save(STATE)
    content = folder.load()
    assert content["seed"] == 3
    assert torch.equal(content["model"]["weight"], STATE["model"]["weight"])


def test_checkpoint_of_another_run_is_refused_and_kept(tmp_path):
    RunFolder(tmp_path, {"loss": "cx", "batch_size": 8}).save(STATE)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(ValueError, match=r"batch_size \(then 8, now 9\).*another checkpoint_dir"):
        RunFolder(tmp_path, {"loss": "cx", "batch_size": 9}).load()
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04cut"])
def test_damaged_checkpoint_is_named(tmp_path, content):
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint.pt.*resume=False"):
        RunFolder(tmp_path, {}).load()


def test_checkpoint_runs_no_code(tmp_path):
    torch.save({"version": 1, "configuration": {}, "model": os.getcwd}, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match="damaged"):
        RunFolder(tmp_path, {}).load()


def test_full_disk_leaves_the_former_checkpoint(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path, {})
    folder.save(STATE)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left.*former one is intact.*Make room"):
            folder.save({**STATE, "seed": 4})
    assert folder.load()["seed"] == 3
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


# ---- several processes


PROCESSES = """
import sys
import torch
from skw2c.models import Distillation, build_student
from skw2c.training import choose_engine


class Student(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(80, 32), torch.nn.GELU(), torch.nn.Linear(32, 24)
        )

    def forward(self, waveforms):
        return self.layers(waveforms[:, :80])


engine = choose_engine(int(sys.argv[1]), 1, "32-true")
torch.manual_seed(0)
model = Distillation(*build_student(Student(), 0), 16, "cx", True)
for module in model.modules():
    if isinstance(module, torch.nn.Dropout):
        module.p = 0.0  # each process draws its own
forward, optimizer = engine.setup(model, torch.optim.Adam(model.parameters()))
torch.manual_seed(1)
batch = torch.randn(64, 100), torch.randn(64, 16), torch.randn(64, 16)
size = 64 // engine.world_size
own = [part[engine.rank * size : (engine.rank + 1) * size] for part in batch]
loss = forward(*own, engine.gather)
engine.backward(loss)
assert engine.agree(float(engine.rank)) == 0.0
if engine.rank == 0:
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    torch.save({"world": engine.world_size, "loss": loss.detach(), **gradients}, sys.argv[2])
"""


def test_two_processes_of_32_are_one_of_64(tmp_path):
    pytest.importorskip("lightning_fabric")
    (tmp_path / "program.py").write_text(PROCESSES)
    results = []
    for n in (1, 2):
        command = [sys.executable, "program.py", str(n), f"{n}.pt"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)  # noqa: S603
        results.append(torch.load(tmp_path / f"{n}.pt", weights_only=True))
    assert [result.pop("world") for result in results] == [1, 2]
    assert results[0].keys() == results[1].keys()
    for name, value in results[0].items():
        # A tenth of the smallest gradients that there are, and many times what rounding does.
        torch.testing.assert_close(results[1][name], value, rtol=0, atol=1e-5)
        assert value.abs().max() > 1e-4


@pytest.mark.parametrize("many", [False, True])
def test_gradients_are_clipped_to_a_norm(many):
    if many:
        pytest.importorskip("lightning_fabric")
    engine = FabricEngine("cpu", 1, 1, "32-true") if many else choose_engine("cpu", 1, "32-true")
    model = torch.nn.Linear(3, 2)
    forward, optimizer = engine.setup(model, torch.optim.AdamW(model.parameters()))
    engine.backward(forward(torch.full((5, 3), 100.0)).sum())
    before = torch.cat([p.grad.flatten() for p in model.parameters()])
    engine.clip_gradients(forward, optimizer, 1.0)
    after = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.testing.assert_close(after, before / before.norm())


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("can_be_kept", [True, False])
def test_cures_are_those_that_the_run_has(precision, can_be_kept):
    failure = {"epoch": 3, "loss": float("nan"), "learning_rate": 0.1}
    cures = Cures(None, can_be_kept, is_lower_precision=precision != "32-true")
    message = explain(failure, 2, 0.5, cures)
    assert message.startswith("The loss of epoch 3 is nan. The best epoch so far is 2")
    assert "lower learning_rate (now 0.1)" in message
    assert ("choose precision='32-true'" in message) == (precision == "bf16-mixed")
    assert ("checkpoint_dir" in message) == can_be_kept


def _type_in_a_console(patch):
    patch.setattr(sys, "ps1", ">>> ", raising=False)


def _type_in_a_notebook(patch):
    patch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: object()))


def _give_the_code_to_python(patch):
    patch.setattr(sys, "argv", ["-c"])
    patch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)


def _pipe_the_code_into_python(patch):
    patch.setattr(sys, "argv", [""])
    patch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)


def _be_a_worker(patch):
    patch.setattr(multiprocessing.current_process(), "_name", "LokyProcess-1")


@pytest.mark.parametrize(
    "way",
    [
        _type_in_a_console,
        _type_in_a_notebook,
        _give_the_code_to_python,
        _pipe_the_code_into_python,
        _be_a_worker,
    ],
)
def test_what_cannot_be_started_again_is_refused_before(monkeypatch, way):
    pytest.importorskip("lightning_fabric")
    for name in ("LOCAL_RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    way(monkeypatch)
    message = r'devices=2 starts .*notebook.*__name__ == "__main__".*torchrun.*distill.*devices=1'
    with pytest.raises(ValueError, match=message):
        choose_engine(2, 1, "32-true")
    assert "LOCAL_RANK" not in os.environ


def test_python_c_is_not_killed(tmp_path):
    pytest.importorskip("lightning_fabric")
    program = (
        "from skw2c.training import choose_engine\n"
        "try:\n    choose_engine(2, 1, '32-true')\n"
        "except ValueError as exc:\n    assert 'devices=1' in str(exc)\n"
        "else:\n    raise AssertionError\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
