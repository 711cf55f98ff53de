"""Files that are partial, corrupt or made to do harm: an error names each; nothing else happens."""

import gzip
import io
import os
import pickle
import struct
import tarfile

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from minires import data
from minires.data.pickles import read_batch
from tests.data import generated

BIN, PY = "cifar-10-batches-bin", "cifar-10-batches-py"


def test_a_set_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=f"looked in {tmp_path}.*minires data get cifar10"):
        data.load("cifar10", root=tmp_path)
    monkeypatch.setenv("MINIRES_DATA", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="there is no such folder"):
        data.load("cifar100")


def test_it_looks_in_the_variable_then_in_data_then_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIRES_DATA", raising=False)
    monkeypatch.setenv("MINIRES_CACHE_DIR", str(tmp_path / "cache"))
    cached = generated.cifar10_binary(tmp_path / "cache" / "data", seed=1)["train"][0]
    assert np.array_equal(data.load("cifar10").x, cached)
    local = generated.cifar_pickles(tmp_path / "data", seed=2)["train"][0]
    assert np.array_equal(data.load("cifar10").x, local)
    named = generated.cifar10_binary(tmp_path / "named", seed=3)["train"][0]
    for folder in (tmp_path / "named", tmp_path / "named" / BIN):
        monkeypatch.setenv("MINIRES_DATA", str(folder))
        assert np.array_equal(data.load("cifar10").x, named)


def test_other_files_that_are_called_train_are_left_alone(tmp_path):
    for name in ("train", "test", "train.bin"):
        (tmp_path / name).write_bytes(b"tokens of a text")
    with pytest.raises(FileNotFoundError, match="CIFAR-100 is not on this machine"):
        data.load("cifar100", root=tmp_path)
    x, _ = generated.cifar100_binary(tmp_path)["test"]
    for root in (tmp_path, tmp_path / "cifar-100-binary"):
        assert np.array_equal(data.load("cifar100", "test", root).x, x)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda f: (f / "data_batch_3.bin").unlink(), "data_batch_3.bin is missing"),
        (lambda f: cut(f / "data_batch_3.bin", -100), "data_batch_3.bin has 61,360 bytes"),
        (lambda f: cut(f / "data_batch_3.bin", 10 * 3073), "data_batch_3.bin has 10 images"),
        (lambda f: cut(f / "data_batch_3.bin", 0), "data_batch_3.bin has 0 bytes"),
        (lambda f: label(f / "data_batch_3.bin", 7, 10), "image 7 has the label 10"),
        (lambda f: label(f / "data_batch_3.bin", 0, 255), "image 0 has the label 255"),
    ],
)
def test_a_broken_binary_file_is_named(tmp_path, harm, said):
    generated.cifar10_binary(tmp_path)
    harm(tmp_path / BIN)
    with pytest.raises(ValueError, match=said) as caught:
        data.load("cifar10", root=tmp_path)
    assert "get" in str(caught.value)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


def label(path, image, value):
    raw = bytearray(path.read_bytes())
    raw[image * 3073] = value
    path.write_bytes(raw)


# ---- archives -----------------------------------------------------------------------------------
def packed(members, compress=gzip.compress):
    """Return a tar.gz of (TarInfo or name, bytes)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for info, raw in members:
            info = tarfile.TarInfo(info) if isinstance(info, str) else info
            info.size = len(raw) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(raw))
    return compress(file.getvalue())


def link(name, to, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


MEMBER = f"{BIN}/test_batch.bin"
WHOLE = packed([(MEMBER, generated.records(20)[2])])


def claiming(size, kind=tarfile.REGTYPE):
    """Return a header that promises `size` bytes, and 1 MB of zeros, packed."""
    info = tarfile.TarInfo(MEMBER)
    info.size, info.type = size, kind
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))


ARCHIVES = {
    "empty": (b"", "no whole tar.gz"),
    "no gzip": (b"PK\3\4" + bytes(100), "no whole tar.gz"),
    "a page": (b"<html>please log in</html>", "no whole tar.gz"),
    "truncated": (WHOLE[: len(WHOLE) // 2], "damaged"),
    "a wrong checksum": (WHOLE[:-8] + bytes(8), "damaged"),
    "without its end": (WHOLE[:-6], "damaged"),
    "another archive": (packed([("readme.txt", b"hello")]), "not in the archive"),
    "a path that leads out": (packed([(f"../{MEMBER}", b"x")]), "not in the archive"),
    "a link": (packed([(link(MEMBER, "/etc/passwd"), b"")]), "no file"),
    "a hard link": (packed([(link(MEMBER, "/etc/passwd", tarfile.LNKTYPE), b"")]), "no file"),
    "a pipe": (packed([(link(MEMBER, "", tarfile.FIFOTYPE), b"")]), "no file"),
    "a file of 1 TB": (claiming(1 << 40), "unpacks to more|no file of at most"),
    "a header of 1 TB": (claiming(1 << 40, tarfile.XHDTYPE), "unpacks to more"),
    "a name of 1 TB": (claiming(1 << 40, tarfile.GNUTYPE_LONGNAME), "unpacks to more"),
    "a file that ends early": (claiming(2 << 20), "damaged"),
    "another size": (packed([(MEMBER, b"hello")]), "has 5 bytes"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_broken_archive_is_refused_by_name(tmp_path, name):
    raw, said = ARCHIVES[name]
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=said) as caught:
        data.load("cifar10", "test", tmp_path)
    assert "test_batch.bin" in str(caught.value) or str(path) in str(caught.value)
    assert os.listdir(tmp_path) == [path.name]


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    """170 MB of such an archive would unpack to 170 GB; this reads no more than it must."""
    monkeypatch.setattr("minires.data.cifar.MOST_UNPACKED", 40 << 20)
    info = tarfile.TarInfo("big")
    info.size = 1 << 33
    zeros = gzip.compress(bytes(16 << 20), 1)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(
        gzip.compress(info.tobuf(tarfile.GNU_FORMAT)) + zeros * 512
    )
    with pytest.raises(ValueError, match="unpacks to more"):
        data.load("cifar10", "test", tmp_path)


# ---- pickles ------------------------------------------------------------------------------------
class Run:
    def __reduce__(self):
        return os.system, ("echo harm > harm",)


class Allocate:
    def __reduce__(self):
        return np.ndarray, ((1 << 30, 1 << 30), "u1")


def batch(**changes):
    planes = np.zeros((3, 3072), np.uint8)
    made = {b"labels": [0, 1, 2], b"data": planes} | {k.encode(): v for k, v in changes.items()}
    return pickle.dumps(made, 2)


LAUGHS = b"Nq\0" + b"".join(bytes([ord("h"), i, 0x86, ord("q"), i + 1]) for i in range(60))
ARRAY = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R"
U1 = b"cnumpy\ndtype\nX\2\0\0\0u1\x85R"
PICKLES = {
    "runs a command": (pickle.dumps({b"data": Run()}), "(posix|nt).system.*refused"),
    "of protocol 0": (pickle.dumps({b"data": Run()}, 0), "refused"),
    "asks for builtins": (b"\x80\x02c__builtin__\neval\nU\x011\x85R.", "eval.*refused"),
    "asks for a part of numpy": (b"\x80\x02cnumpy\nload\nU\x01x\x85R.", "numpy.load.*refused"),
    "an array of 1 TB": (pickle.dumps({b"data": Allocate()}), "call of ndarray is refused"),
    "a memo of 64 GB": (b"\x80\x02}r\xff\xff\xff\xff.", "data: expected"),
    "a string of 4 GB": (b"\x80\x02T\xff\xff\xff\x7fabc.", "expected"),
    "a string of 2^63 bytes": (
        b"\x80\x04\x8e" + struct.pack("<Q", 2**63) + b".",
        "expected|large|count",
    ),
    "a number of 1 GB": (b"\x80\x02\x8b" + struct.pack("<I", 1 << 30) + b".", "LONG4 is refused"),
    "bytes in an encoding that is none": (
        b"\x80\x02c_codecs\nencode\nX\1\0\0\0aX\1\0\0\0b\x86R.",
        "another encoding",
    ),
    "objects for bytes": (batch(data=np.array([[None] * 3072] * 3, object)), "expected bytes"),
    "floats for bytes": (batch(data=np.zeros((3, 3072))), "expected bytes"),
    "too few pixels": (batch(data=np.zeros((3, 3071), np.uint8)), "3072"),
    "no pixels": (batch(data=[1, 2]), "3072"),
    "a label too few": (batch(labels=[0, 1]), "3 labels"),
    "labels that are text": (batch(labels=["a", "b", "c"]), "integers"),
    "labels that are true": (batch(labels=[True, 1, 2]), "integers"),
    "no dictionary": (pickle.dumps([1, 2, 3], 2), "dictionary"),
    "a tuple of 2^60 parts as a key": (b"\x80\x02}" + LAUGHS + b"Ns.", "a key that is a tuple"),
    "a tuple of 2^60 parts as a name": (b"\x80\x04" + LAUGHS + b"X\1\0\0\0a\x93.", "a tuple where"),
    "a tuple of 2^60 parts as a dtype": (
        b"\x80\x02cnumpy\ndtype\n" + LAUGHS + b"\x85R.",
        "a tuple where",
    ),
    "a tuple of 2^60 parts as a shape": (
        ARRAY + b"(N" + LAUGHS + U1 + b"NNtb.",
        "not two integers",
    ),
    "text of 1 MB that becomes bytes a thousand times": (
        b"\x80\x02](c_codecs\nencode\nq\1X\0\0\x10\0" + bytes(1 << 20) + b"q\2X\6\0\0\0latin1"
        b"\x86q\3" + b"h\1h\3R" * 1000 + b"e.",
        "more bytes than it has",
    ),
    "a dictionary that contains itself": (b"\x80\x02}q\x00U\x01ah\x00s.", "data: expected"),
    "keys that are lists": (b"\x80\x02}]U\x01as.", "a key that is a list"),
    "an empty stack": (b"\x80\x02.", "damaged"),
    "no mark": (b"\x80\x02}u.", "damaged"),
    "nothing": (b"", "expected|exhausted|end"),
    "text": (b"hello, world", "damaged"),
}


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_that_is_no_batch_is_refused(tmp_path, monkeypatch, name):
    raw, said = PICKLES[name]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=said):
        read_batch(raw, b"labels")
    generated.cifar_pickles(tmp_path)
    (tmp_path / PY / "test_batch").write_bytes(raw)
    with pytest.raises(ValueError, match="test_batch"):
        data.load("cifar10", "test", tmp_path)
    assert not (tmp_path / "harm").exists()


def test_a_state_that_lies_about_its_size_is_refused():
    raw = batch()
    place = raw.index(struct.pack("<H", 3072), 20)  # the second of the array's sizes
    for size in (3071, 65535, 0):
        with pytest.raises(ValueError, match="an array of shape"):
            read_batch(raw[:place] + struct.pack("<H", size) + raw[place + 2 :], b"labels")


@hypothesis.given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6), st.integers(0, 9400)
)
def test_a_mutated_batch_gives_a_batch_or_an_error(changes, end):
    raw = bytearray(batch())
    for place, value in changes:
        raw[place] = value
    for mutated in (bytes(raw), bytes(raw[:end])):
        try:
            pixels, labels = read_batch(mutated, b"labels")
        except ValueError:
            continue
        assert pixels.shape == (len(labels), 3072)
        assert labels.dtype == np.int64


@pytest.mark.slow
def test_a_hundred_thousand_mutations_of_batches():
    rng = np.random.default_rng(0)
    whole = batch(filenames=[b"a.png", b"b.png", b"c.png"], batch_label=b"one of one")
    head = len(whole) - 9216
    for _ in range(100_000):
        raw = bytearray(whole)
        for _ in range(rng.integers(1, 9)):
            place = int(rng.integers(0, head // 2))
            raw[place if rng.random() < 0.5 else -1 - place] = int(rng.integers(0, 256))
        try:
            pixels, labels = read_batch(bytes(raw), b"labels")
        except ValueError:
            continue
        assert pixels.shape == (len(labels), 3072)
