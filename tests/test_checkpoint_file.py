"""Checkpoints made by hand: they run nothing, take no more memory than they have, and end."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch

from skw2c.training import RunFolder
from skw2c.training._checkpoint_file import read_plain

PLAIN = {
    "numbers": [1, -5, 2.5, 2**40, True, None, "text", (1, 2), float("inf")],
    "tensors": {
        "float32": torch.arange(6.0).reshape(2, 3),
        "half": torch.tensor(3.5, dtype=torch.bfloat16),
        "rare": torch.ones(3).to(torch.float8_e5m2),
        "integers": torch.arange(5).to(torch.uint16),
        "empty": torch.zeros(0, 3),
        "last": torch.randn(2, 4, 3, 3).to(memory_format=torch.channels_last),
        "turned": torch.arange(6.0).reshape(2, 3).T,
    },
    "state": torch.nn.Linear(2, 3).state_dict(),
}


def save(content):
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def rewrite(content, changes, compression=zipfile.ZIP_STORED):
    """A checkpoint whose parts are changed, by the end of their names."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", compression) as new,
    ):
        for entry in old.namelist():
            [part] = [changes[end] for end in changes if entry.endswith(end)] or [old.read(entry)]
            new.writestr(entry, part)
    return file.getvalue()


def test_what_is_saved_comes_back(tmp_path):
    (tmp_path / "x").write_bytes(save(PLAIN))
    found, wanted = (
        read_plain(tmp_path / "x"),
        torch.load(tmp_path / "x", map_location="cpu", weights_only=True),
    )
    assert found["numbers"] == PLAIN["numbers"]
    assert [type(value) for value in found["numbers"]] == [*map(type, PLAIN["numbers"])]
    assert found["state"].keys() == PLAIN["state"].keys()
    for name, value in wanted["tensors"].items():
        own = found["tensors"][name]
        assert (own.dtype, own.shape, own.stride()) == (value.dtype, value.shape, value.stride())
        torch.testing.assert_close(own.float(), value.float(), rtol=0, atol=0)


class Call:
    """What a pickle calls when it is read."""

    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value, value]
    return value


WITHIN = {
    "a call": Call(print, "run"),
    "a tensor that allocates": Call(torch.Tensor, 10**12),
    "bytes that allocate": Call(bytearray, 10**12),
    "a set": {1, 2},
    "what doubles 60 times": nested(60),
    "an array": np.arange(3),
    "one number for many": torch.zeros(1).expand(10**6, 10**6),
    "an optimizer": torch.optim.SGD([torch.zeros(1)]),
}


@pytest.mark.parametrize("kind", WITHIN)
def test_what_no_checkpoint_holds(tmp_path, kind, capsys):
    torch.save({"version": 1, "configuration": {"x": WITHIN[kind]}}, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match=r"checkpoint.pt' is not a checkpoint .*or is damaged"):
        RunFolder(tmp_path, {}).load()
    assert capsys.readouterr().out == ""


def test_a_tensor_that_lost_its_numbers(tmp_path):
    tensor = torch.zeros(3)
    tensor.untyped_storage().resize_(0)
    (tmp_path / "x").write_bytes(save({"x": tensor}))
    with pytest.raises(ValueError, match=r"a tensor of shape \(3,\) without numbers"):
        read_plain(tmp_path / "x")


PART = {"data/0": b"abcd"}
PICKLES = {
    "of nothing": b"",
    "of noise": b"\x80\x02nonsense",
    "of a list of itself": b"\x80\x02}q\x00X\x01\x00\x00\x00xh\x00s.",
    "without its end": pickle.dumps({"version": 1}, 2)[:-1],
    "of attributes of a function": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00x"
    b"K\x01sb.",
    "of a module": b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00lsq\x00\x85R.",
    "of many notes": b"\x80\x02}r\xff\xff\xff\xffX\x01\x00\x00\x00xK\x01s.",
    "of a long number": b"\x80\x02\x8b\xff\xff\xff\x7f.",
}


@pytest.mark.parametrize("kind", PICKLES)
def test_pickles_of_no_checkpoint(tmp_path, kind):
    content = rewrite(save({"version": 1}), {"data.pkl": PICKLES[kind]})
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        RunFolder(tmp_path, {}).load()


def test_more_numbers_than_there_are(tmp_path):
    """torch reads beyond the end of them."""
    content = rewrite(save({"x": torch.zeros(1000)}), {"data/0": b"abcd"})
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        RunFolder(tmp_path, {}).load()


def test_parts_that_unpack_to_more(tmp_path):
    content = save({"version": 1, "configuration": {}, "x": torch.zeros(1 << 20)})
    (tmp_path / "checkpoint.pt").write_bytes(rewrite(content, {}, zipfile.ZIP_DEFLATED))
    with pytest.raises(ValueError, match="is damaged"):
        RunFolder(tmp_path, {}).load()


def test_a_bit_that_flipped(tmp_path):
    """torch does not compare the checksums that it writes."""
    content = bytearray(save({"version": 1, "configuration": {}, "x": torch.ones(1000)}))
    content[content.index(torch.ones(1000).numpy().tobytes()) + 2002] ^= 1
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        RunFolder(tmp_path, {}).load()
