"""CLIP's models and weights: found, checked, never run, and never with a wrong GELU."""

import io
import json
import pickle
import warnings
import zipfile

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from skw2c import CLIPImageEncoder, CLIPTextEncoder
from skw2c.exceptions import OptionalDependencyError, WeightsError, WeightsNotAvailableError
from skw2c.models import get_frozen_clip
from skw2c.weights import CLIPReference, read_checkpoint, refer_to_clip, registry, sha256_of

from .conftest import write_tiny_clip
from .tolerances import assert_close

TEXTS = ["a dog", "rain on a roof", "church bells"]


def build(folder, seed=0):
    """A random model of open_clip, made by open_clip alone."""
    with torch.random.fork_rng(), warnings.catch_warnings():
        torch.manual_seed(seed)
        model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    return model.eval()


def encode(model, texts=TEXTS):
    with torch.inference_mode():
        return model.encode_text(open_clip.get_tokenizer("ViT-B-32")(texts)).numpy()


def write_openai_archive(model, path):
    """Write the weights as OpenAI does: traced, in half precision, with three numbers more."""
    numbers = {"input_resolution": 64, "context_length": 77, "vocab_size": 49408}
    for name, value in numbers.items():
        vars(model).pop(name, None)
        model.register_buffer(name, torch.tensor(value))
    half = model.half()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _trace(half).save(path)
    for name, value in numbers.items():
        delattr(model, name)
        setattr(model, name, value)
    return model.float()


def _trace(model):
    image = torch.zeros(1, 3, 64, 64).half()
    return torch.jit.trace_module(model, {"encode_image": (image,)}, check_trace=False)


@pytest.fixture
def plain_clip(tmp_path):
    """The tiny CLIP under a name that has the plain GELU, as `ViT-B-32` has."""
    folder = tmp_path / "plain"
    folder.mkdir()
    return write_tiny_clip(folder, quick_gelu=False)


@pytest.mark.parametrize("kind", ["state_dict.pt", "whole.safetensors", "lightning.ckpt"])
def test_checkpoints(tiny_clip, tmp_path, kind):
    model = build(tiny_clip, seed=3)
    path = tmp_path / kind
    if kind.endswith("safetensors"):
        save_file(model.state_dict(), path)
    elif kind.endswith("ckpt"):
        torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, path)
    else:
        torch.save(model.state_dict(), path)
    encoder = CLIPTextEncoder(tiny_clip, path).fit()
    assert_close(encoder.transform(TEXTS), encode(model))
    assert encoder.weights_.sha256 == sha256_of(path)


def test_a_folder_has_its_own_weights(tmp_path):
    folder = write_tiny_clip(tmp_path)
    with pytest.raises(WeightsError, match="holds no weights .* pretrained=None gives"):
        CLIPTextEncoder(folder).fit()
    model = build(folder, seed=4)
    save_file(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    for name in (folder, f"local-dir:{folder}", tmp_path):
        encoder = CLIPTextEncoder(name).fit()
        assert_close(encoder.transform(TEXTS), encode(model))


def test_a_path_is_never_taken_for_a_tag(tmp_path):
    folder = write_tiny_clip(tmp_path)
    save_file(build(folder).state_dict(), tmp_path / "open_clip_model.safetensors")
    for path in ("no/such.pt", "such.safetensors", tmp_path / "such"):
        with pytest.raises(WeightsError, match="nor an existing file"):
            CLIPTextEncoder(folder, path).fit()


def test_a_folder_that_changes(tmp_path):
    folder = write_tiny_clip(tmp_path)
    reference = CLIPTextEncoder(folder, None, random_state=0).fit().weights_
    write_tiny_clip(tmp_path, quick_gelu=False)
    with pytest.raises(WeightsError, match="changed since the estimator was fitted"):
        reference.read_configuration()


def test_a_tag_is_not_the_same_as_its_file():
    """A tag also says how images are prepared, and whether the GELU is quick."""
    by_tag = CLIPReference("ViT-B-32", "metaclip_400m", sha256="a")
    by_path = CLIPReference("ViT-B-32", "/a.pt", sha256="a")
    assert by_tag.fingerprint != by_path.fingerprint
    assert by_path.fingerprint == CLIPReference("ViT-B-32", "/b.pt", sha256="a").fingerprint


def test_torchscript_with_any_byte_wrong(tiny_clip, tmp_path):
    path = tmp_path / "a.pt"
    write_openai_archive(build(tiny_clip), path)
    with zipfile.ZipFile(path) as archive:
        [name] = [n for n in archive.namelist() if n.endswith("/data.pkl")]
        content = archive.read(name)
        others = [n for n in archive.namelist() if n.endswith("constants.pkl")]
    rng = np.random.default_rng(0)
    for _ in range(100):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] = rng.integers(256)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, bytes(damaged))
            archive.writestr(others[0], b"")
        with pytest.raises(WeightsError):
            read_checkpoint(path)


@pytest.mark.parametrize("script", [False, True])
def test_torchscript_is_read_without_running_it(tmp_path, script):
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).eval()
    module[0].weight.data = torch.randn(3, 4).T  # not contiguous
    module.register_buffer("few", torch.zeros(0))
    module[1].half()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = (
            torch.jit.script(module)
            if script
            else torch.jit.trace(module.float(), torch.zeros(2, 3))
        )
        compiled.save(tmp_path / "a.pt")
        expected = torch.jit.load(tmp_path / "a.pt").state_dict()
    state = read_checkpoint(tmp_path / "a.pt")
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        assert state[name].dtype == value.dtype
        torch.testing.assert_close(state[name], value, rtol=0, atol=0)


class Harmful:
    def __reduce__(self):
        return (print, ("it ran",))


def test_torchscript_that_would_run_something(tmp_path, capsys):
    content = io.BytesIO()
    pickle.Pickler(content, protocol=2).dump({"weight": Harmful()})
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", content.getvalue())
        archive.writestr("a/constants.pkl", b"")
    with pytest.raises(WeightsError, match=r"are refused: it asks for .*print"):
        read_checkpoint(path)
    assert "it ran" not in capsys.readouterr().out


def test_torchscript_that_is_damaged(tiny_clip, tmp_path):
    path = tmp_path / "a.pt"
    write_openai_archive(build(tiny_clip), path)
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "b.pt", "w") as part:
        for name in whole.namelist():
            if not name.endswith("/data/3"):
                part.writestr(name, whole.read(name))
    with pytest.raises(WeightsError, match="damaged or truncated"):
        CLIPTextEncoder(tiny_clip, tmp_path / "b.pt").fit()


def test_openai_weights_get_their_gelu_under_a_plain_name(plain_clip, tmp_path):
    teacher = write_openai_archive(
        build(write_tiny_clip(tmp_path), seed=5), tmp_path / "ViT-B-32.pt"
    )
    expected = encode(teacher)
    trap = build(plain_clip)
    trap.load_state_dict(teacher.state_dict())
    assert np.abs(encode(trap) - expected).max() > 1e-3  # what open_clip would give
    encoder = CLIPTextEncoder(plain_clip, tmp_path / "ViT-B-32.pt").fit()
    assert_close(encoder.transform(TEXTS), expected)
    assert get_frozen_clip(encoder.weights_, "cpu").quick_gelu
    # A file without OpenAI's marks is read as the model's name says.
    save_file(teacher.state_dict(), tmp_path / "unmarked.safetensors")
    unmarked = CLIPTextEncoder(plain_clip, tmp_path / "unmarked.safetensors").fit()
    assert_close(unmarked.transform(TEXTS), encode(trap))


def test_the_teacher_is_openai_with_quick_gelu(monkeypatch, tmp_path):
    """The download is OpenAI's own file, and both names of the model run it with quick GELU."""
    entry = registry()["clip-vit-b-32"]
    assert entry.url == open_clip.get_pretrained_cfg("ViT-B-32", "openai")["url"]
    assert entry.sha256 in entry.url
    for model in ("ViT-B-32", "ViT-B/32", "ViT-B-32-quickgelu"):
        monkeypatch.setattr(
            "skw2c.weights._open_clip._find_file", lambda *a, **k: tmp_path / "stand in"
        )
        (tmp_path / "stand in").write_bytes(b"")
        reference = refer_to_clip(model, "OpenAI", 0, progress=False)
        assert reference.pretrained == "openai"
        from skw2c.models.clip._clip_network import _tag_wants_quick_gelu

        assert _tag_wants_quick_gelu(open_clip, reference)


def test_tags_prepare_images_their_own_way(tmp_path, monkeypatch):
    from skw2c.models.clip._clip_network import _preprocessing

    siglip = _preprocessing(open_clip, CLIPReference("ViT-B-16-SigLIP", "webli"))
    assert siglip["resize_mode"] == "squash"
    assert siglip["mean"] == (0.5, 0.5, 0.5)
    # A local file says nothing of it: all tags of this model agree.
    assert _preprocessing(open_clip, CLIPReference("ViT-B-16-SigLIP", "/a.pt")) == siglip


def test_random_models(tiny_clip):
    first, again, other = (
        CLIPTextEncoder(tiny_clip, None, random_state=seed).fit_transform(TEXTS)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    images = CLIPImageEncoder(tiny_clip, None, random_state=0).fit()
    assert (
        images.weights_.seed == CLIPTextEncoder(tiny_clip, None, random_state=0).fit().weights_.seed
    )


def test_random_models_draw_from_nobody_else(tiny_clip):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    CLIPTextEncoder(tiny_clip, None, random_state=77).fit_transform(TEXTS)
    torch.testing.assert_close(torch.rand(3), expected)


def test_nothing_is_said_of_random_weights(tiny_clip, capfd):
    CLIPTextEncoder(tiny_clip, None, random_state=78).fit()
    captured = capfd.readouterr()
    assert captured.err == captured.out == ""


def test_offline(monkeypatch, tmp_path):
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "cache"))
    unreachable = registry()["clip-vit-b-32"].url.replace("https://", "http://localhost:1/")
    from dataclasses import replace

    entry = replace(registry()["clip-vit-b-32"], url=unreachable)
    monkeypatch.setitem(registry(), "clip-vit-b-32", entry)
    with pytest.raises(
        WeightsNotAvailableError, match=r"four ways out: .*encoder='mini'.*pretrained=None"
    ):
        CLIPTextEncoder().fit()


def test_other_tags_offline(monkeypatch, tmp_path):
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path / "cache"))

    def fail(*args, **kwargs):
        raise FileNotFoundError("no network")

    monkeypatch.setattr(open_clip, "download_pretrained", fail)
    with pytest.raises(WeightsNotAvailableError, match=r"'laion2b_s34b_b79k'.*\(FileNotFoundError"):
        CLIPTextEncoder("ViT-B-32", "laion2b_s34b_b79k").fit()


def test_a_file_of_the_hub_is_found_and_checked(monkeypatch, tmp_path, tiny_clip):
    """The cache of the Hugging Face hub is used without asking the hub."""
    monkeypatch.setenv("SKW2C_CACHE", str(tmp_path))
    repository = tmp_path / "open_clip" / "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    save_file(build(tiny_clip).state_dict(), tmp_path / "a.safetensors")
    blob = repository / "blobs" / sha256_of(tmp_path / "a.safetensors")
    blob.parent.mkdir()
    (tmp_path / "a.safetensors").rename(blob)
    snapshot = repository / "snapshots" / "abc" / "open_clip_model.safetensors"
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(blob)
    reference = refer_to_clip("ViT-B-32", "laion2b_s34b_b79k", 0, progress=False)
    assert reference.sha256 == blob.name
    assert reference.locate() == snapshot
    with open(blob, "r+b") as file:
        file.write(b"x")
    with pytest.raises(WeightsError, match="damaged: their checksum is not the one"):
        reference.locate()


def test_weights_that_changed_or_went(tiny_clip, tmp_path):
    path = tmp_path / "a.safetensors"
    save_file(build(tiny_clip, seed=6).state_dict(), path)
    encoder = pickle.loads(pickle.dumps(CLIPTextEncoder(tiny_clip, path).fit()))
    encoder.transform(TEXTS)
    reference = encoder.weights_
    save_file(build(tiny_clip, seed=7).state_dict(), path)
    with pytest.raises(WeightsError, match="changed since the estimator was fitted"):
        reference.locate()
    path.unlink()
    with pytest.raises(WeightsError, match="is gone; put it back"):
        reference.locate()


@pytest.mark.parametrize(
    ("model", "pretrained", "error", "message"),
    [
        (
            "ViT-B-23",
            None,
            ValueError,
            "neither a model of open_clip nor a folder.*Near names: ViT-B-32",
        ),
        ("ViT-B-32", "opanai", WeightsError, "neither a tag .*'openai', .* nor an existing file"),
        ("ViT-B-32", "no/file.pt", WeightsError, "nor an existing file .looked for '/"),
    ],
)
def test_names_that_mean_nothing(model, pretrained, error, message):
    with pytest.raises(error, match=message):
        CLIPTextEncoder(model, pretrained).fit()


def test_files_that_are_no_weights(tiny_clip, tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(b"not at all")
    with pytest.raises(WeightsError, match="not a torch checkpoint"):
        CLIPTextEncoder(tiny_clip, path).fit()
    state = build(tiny_clip).state_dict()
    torch.save({name: value for name, value in state.items() if "ln_final" not in name}, path)
    with pytest.raises(WeightsError, match="do not fit the model"):
        CLIPTextEncoder(tiny_clip, path).fit()
    state["ln_final.weight"][0] = torch.nan
    torch.save(state, path)
    with pytest.raises(WeightsError, match="ln_final.weight holds NaN"):
        CLIPTextEncoder(tiny_clip, path).fit()


@pytest.mark.parametrize(
    "content",
    ["{", "{}", json.dumps({"model_cfg": {}}), "[]", json.dumps({"model_cfg": {"embed_dim": "x"}})],
)
def test_folders_that_describe_no_model(tmp_path, content):
    (tmp_path / "open_clip_config.json").write_text(content)
    with pytest.raises(WeightsError, match=r"not a configuration of open_clip|expected a number"):
        CLIPTextEncoder(tmp_path, None).fit()


def test_folders_that_describe_an_impossible_model(tmp_path):
    folder = write_tiny_clip(tmp_path, vision_cfg=3)
    with pytest.raises(WeightsError, match="open_clip cannot build model="):
        CLIPTextEncoder(folder, None).fit()


def test_openvino_is_for_sound(tiny_clip):
    with pytest.raises(ValueError, match="runs Wav2CLIP, not CLIP"):
        CLIPTextEncoder(tiny_clip, None, device="openvino").fit()


def test_without_open_clip(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    with pytest.raises(OptionalDependencyError, match=r'pip install "skw2c\[clip\]"'):
        CLIPTextEncoder().fit()


@pytest.mark.official_weights
def test_official_clip_says_what_was_published(shared):
    """The real text tower gives the real vectors of Detic's table, in half precision."""
    import pandas as pd

    folder = shared / "data" / "clip_text_vitb32"
    names = pd.read_csv(folder / "coco_names.csv")
    vectors = CLIPTextEncoder().fit_transform(names["prompt"])
    published = np.load(folder / "coco.npy").astype(float)
    cosines = (vectors * published).sum(1) / np.linalg.norm(vectors, axis=1)
    assert (cosines / np.linalg.norm(published, axis=1)).min() > 0.999
