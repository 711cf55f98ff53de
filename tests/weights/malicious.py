"""Weight files made to do harm, or damaged, and what comes back.

    python tests/weights/malicious.py        prints the table in Markdown

Each case is (format, what was tried, a function that gives the file, what the error says).
"""
# ruff: noqa: E501

import io
import json
import pickle
import struct
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

import handmade as h
import numpy as np
from handmade import Raw, call, legacy, name, storage, tensor, value, zip_of, zipped

BIG = 2**62
NONE = (None,)  # the view of a storage in legacy files


class Runs:
    """A pickle of it calls a function when it is opened."""

    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


def old_tensor(**options):
    """Return a tensor as legacy files have it."""
    of = storage(view=NONE, **options.pop("of", {}))
    return tensor(of=of, **options)


def safetensors(header, data=b"", length=None):
    """Return a file with this header: a text, or what becomes JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def npy(header, data=b"", version=b"\x01\x00"):
    text = header.encode("latin-1") + b"\n"
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(text))
    return b"\x93NUMPY" + version + length + text + data


def npy_of(descr="'<f4'", shape="(2,)", data=bytes(8), more=""):
    return npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, {more}}}", data)


def npz(content, method=zipfile.ZIP_STORED):
    return zip_of({"a.npy": content}, method)


def saved_objects():
    file = io.BytesIO()
    np.savez(file, a=np.array([Runs(print, "code has run")], dtype=object))
    return file.getvalue()


def patched(data, signature, offset, form, number, which=0):
    """Change a number in a structure of a zip archive that begins with a signature."""
    place = -1
    for _ in range(which + 1):
        place = data.index(signature, place + 1)
    size = struct.calcsize(form)
    return data[: place + offset] + struct.pack(form, number) + data[place + offset + size :]


def bomb(entries=1, size=80 << 20):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    chunk = bytes(1 << 20)
    packed = b"".join(packer.compress(chunk) for _ in range(size >> 20)) + packer.flush()
    crc = 0
    for _ in range(size >> 20):
        crc = zlib.crc32(chunk, crc)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(packed), size, 5, 0)
    found = local + b"a.npy" + packed
    directory = b""
    for i in range(entries):
        directory += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 33, crc, len(packed), size, 5, 0,
            0, 0, 0, 0, 0,
        ) + (b"a.npy" if i == 0 else f"{i:05}".encode())  # fmt: skip
    end = struct.pack(
        "<4sHHHHIIH", b"PK\5\6", 0, 0, entries, entries, len(directory), len(found), 0
    )
    return found + directory + end


def nested(n, opening=b"(", closing=b"t"):
    return Raw(opening * n + b"N" + closing * n)


def laughs(n=40):
    """A tuple of two of a tuple of two…: 2^n parts, of a few bytes."""
    return Raw(b"Nq\0" + b"".join(b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(n)))


def again(function, arguments, times=20_000):
    """A list of calls of a function, all with the same tuple of arguments."""
    one = b"h\xf0h\xf1R"
    first = name(function) + b"q\xf0" + value(arguments) + b"q\xf1"
    return Raw(b"](" + first + one * times + b"e")


def pairs(n=100_000):
    return (Raw(b"](" + b"".join(value((i, None)) for i in range(n)) + b"e"),)


W = "w"
SMALL = {W: tensor()}
ZIP = lambda **kw: zipped({W: tensor(**kw)})  # noqa: E731

CASES = [
    # ---- code -----------------------------------------------------------------------------------
    ("pth", "os.system called by the pickle", lambda: zipped({W: call("os.system", "true")}),
     r"refused: the file asks for os\.system"),
    ("pth", "the same in a legacy file", lambda: legacy({W: call("posix.system", "true")}),
     r"asks for posix\.system"),
    ("pth", "builtins.eval", lambda: zipped({W: call("builtins.eval", "1")}), r"builtins\.eval"),
    ("pth", "a pickle of Python that prints", lambda: zipped(pickle.dumps({W: Runs(print, 1)}, 2)),
     r"asks for __builtin__\.print"),
    ("pth", "the same, protocol 4 (STACK_GLOBAL)",
     lambda: zipped(pickle.dumps({W: Runs(print, 1)}, 4)), r"asks for builtins\.print"),
    ("pth", "a pickle of Python instead of a file of PyTorch",
     lambda: pickle.dumps({W: Runs(print, 1)}), "a pickle, but not as torch.save makes it"),
    ("pth", "an attribute of an allowed name: OrderedDict.__class__",
     lambda: zipped({W: Raw(value("collections") + value("OrderedDict.__class__") + b"\x93)R")}),
     r"asks for collections\.OrderedDict\.__class__"),
    ("pth", "the same as GLOBAL", lambda: zipped({W: call("torch._utils.os.system", "true")}),
     r"asks for torch\._utils\.os\.system"),
    ("pth", "torch.load, hub or a module's class", lambda: zipped(call("torch.hub.load", "x/y")),
     r"asks for torch\.hub\.load.*whole net"),
    ("pth", "operation INST", lambda: zipped(b"\x80\x02(ios\nsystem\n."), "operation INST is refused"),
    ("pth", "operation OBJ", lambda: zipped(b"\x80\x02(" + name("torch.Size") + b"o."),
     "operation OBJ is refused"),
    ("pth", "operation NEWOBJ_EX", lambda: zipped(b"\x80\x04N)}\x92."), "NEWOBJ_EX is refused"),
    ("pth", "operation EXT1, the registry of copyreg", lambda: zipped(b"\x80\x02\x82\x01."),
     "EXT1 is refused"),
    ("pth", "REDUCE of a storage's class", lambda: zipped({W: call("torch.FloatStorage", 3)}),
     r"a call of torch\.FloatStorage"),
    ("pth", "REDUCE of a text", lambda: zipped({W: Raw(value("x") + b")R")}), "a call of 'x'"),
    ("pth", "NEWOBJ of a class of torch", lambda: zipped({W: Raw(name("torch.Tensor") + b")\x81")}),
     r"a call of torch\.Tensor"),
    ("pth", "BUILD: attributes for a tensor",
     lambda: zipped({W: Raw(tensor() + value({"__class__": 1}) + b"b")}), "attributes for a Stored"),
    ("pth", "BUILD: attributes for a function",
     lambda: zipped({W: Raw(name("torch._utils._rebuild_tensor_v2") + value({"a": 1}) + b"b")}),
     "attributes for a Name"),
    ("pth", "a whole net (identifier 'module')",
     lambda: legacy(Raw(value(("module", "a", "b", "c", 1)) + b"Q")), "a whole net with its class"),
    ("pth", "TorchScript: an archive with code",
     lambda: zipped(SMALL, extra={"archive/code/m.py": b"", "archive/constants.pkl": b""}),
     "TorchScript archive, which holds code"),
    ("npz", "an array of objects (a pickle)", saved_objects, "its numbers are of type 'O'"),
    # ---- reading outside --------------------------------------------------------------------------
    ("pth", "a shape beyond its storage", lambda: ZIP(shape=(1000, 4), strides=(4, 1)),
     "reaches outside its storage, which has 6 elements"),
    ("pth", "one element beyond", lambda: ZIP(shape=(7,), strides=(1,)), "outside its storage"),
    ("pth", "an offset beyond", lambda: ZIP(offset=1), "outside its storage"),
    ("pth", "a negative offset", lambda: ZIP(offset=-1), "-1 is not an integer from 0"),
    ("pth", "a stride beyond", lambda: ZIP(strides=(4, 1)), "outside its storage"),
    ("pth", "a negative stride", lambda: ZIP(strides=(-3, 1), offset=3), "-3 is not an integer"),
    ("pth", "a negative size", lambda: ZIP(shape=(-2, 3)), "a size is -2"),
    ("pth", "strides that overflow 64 bits to 0", lambda: ZIP(shape=(5, 2), strides=(BIG, 1)),
     "outside its storage"),
    ("pth", "sizes that overflow 64 bits to 0", lambda: ZIP(shape=(2**32, 2**32), strides=(0, 0)),
     "more elements than there can be"),
    ("pth", "a size beyond 64 bits", lambda: ZIP(shape=(2**64 + 2, 3)), "a size is an integer beyond"),
    ("pth", "an offset beyond 64 bits", lambda: ZIP(offset=2**64), "integer beyond 2"),
    ("pth", "more strides than sizes", lambda: ZIP(strides=(3, 1, 1)), "sizes .* but strides"),
    ("pth", "sizes that are floats", lambda: ZIP(shape=(2.0, 3.0)), "a size is 2.0"),
    ("pth", "sizes that are booleans", lambda: ZIP(shape=(True, True)), "a size is True"),
    ("pth", "100 dimensions", lambda: ZIP(shape=(1,) * 100, strides=(1,) * 100), "100 dimensions"),
    ("pth", "an empty tensor of 2^62 columns", lambda: ZIP(shape=(0, BIG), strides=(1, 1)),
     "more elements than there can be"),
    ("pth", "a storage that states more elements than it has",
     lambda: zipped({W: tensor((100,), (1,), of=storage(count=100))}), "24 bytes, expected 400"),
    ("pth", "a storage of -1 elements", lambda: ZIP(of=storage(count=-1)), "storage of -1 elements"),
    ("pth", "two sizes for one storage",
     lambda: zipped({W: tensor(), "v": tensor((100,), (1,), of=storage(count=100))}),
     "two sizes or types"),
    ("pth", "one storage read as float32 and as int64",
     lambda: zipped({W: tensor(), "v": tensor(of=storage(kind="torch.LongStorage"))}),
     "two sizes or types"),
    ("pth", "no such storage", lambda: ZIP(of=storage(key="9")), "lacks the entry 'archive/data/9'"),
    ("pth", "a storage's key that is a path", lambda: ZIP(of=storage(key="../../../etc/passwd")),
     "lacks the entry"),
    ("pth", "a storage's key that is a number", lambda: ZIP(of=storage(key=0)), "identifier of a stor"),
    ("pth", "a tensor instead of a storage", lambda: ZIP(of=tensor()), "storage is a Stored"),
    ("pth", "legacy: a view beyond its storage",
     lambda: legacy({W: tensor(of=storage(view=(("1", 4, 6),)))}), "a view of 6 elements from 4"),
    ("pth", "legacy: a negative view",
     lambda: legacy({W: tensor(of=storage(view=(("1", -2, 4),)))}), "from -2 on"),
    ("pth", "legacy: a storage states other sizes", lambda: legacy(
        {W: old_tensor()}, counts={"0": 2**60}), "elements, expected 6"),
    ("pth", "legacy: a storage of -1 elements", lambda: legacy(
        {W: old_tensor()}, counts={"0": -1}), "has -1 elements"),
    ("pth", "legacy: a storage beyond the file", lambda: legacy(
        {W: old_tensor(shape=(99,), strides=(1,), of={"count": 99})}, counts={"0": 99}), "cut off"),
    ("pth", "legacy: a storage that is not used", lambda: legacy(
        {W: old_tensor()}, keys=["0", "7"]), "'7' is not used"),
    ("pth", "legacy: a storage that is missing", lambda: legacy({W: old_tensor()}, {}),
     "lacks the storage '0'"),
    ("pth", "legacy: keys that are no texts", lambda: legacy({W: old_tensor()}, keys=[0]),
     "no list of texts"),
    ("safetensors", "offsets beyond the file",
     lambda: safetensors({W: entry(offsets=(0, 800), shape=(200,))}, bytes(8)), "safetensors: "),
    ("safetensors", "offsets that overlap",
     lambda: safetensors({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)), "safetensors: "),
    ("safetensors", "offsets that go back", lambda: safetensors({W: entry(offsets=(8, 0))}, bytes(8)),
     "safetensors: "),
    ("safetensors", "a gap between arrays",
     lambda: safetensors({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20)), "safetensors: "),
    ("safetensors", "bytes behind the last array", lambda: safetensors({W: entry()}, bytes(16)),
     "safetensors: "),
    ("safetensors", "a shape that is not its bytes",
     lambda: safetensors({W: entry(shape=(3,))}, bytes(8)), "safetensors: "),
    ("safetensors", "a shape whose product overflows",
     lambda: safetensors({W: entry(shape=(2**32, 2**32, 2))}, bytes(8)), "safetensors: "),
    ("safetensors", "a negative size", lambda: safetensors({W: entry(shape=(-2,))}, bytes(8)),
     "safetensors: "),
    ("npz", "a shape that is not its bytes", lambda: npz(npy_of(shape="(200,)")),
     "needs 800 bytes, there are 8"),
    ("npz", "a shape whose product overflows", lambda: npz(npy_of(shape=f"({2**32}, {2**32}, 2)")),
     "more elements than there can be"),
    ("npz", "a size of 300 digits", lambda: npz(npy_of(shape=f"({'9' * 300},)")), "its shape is"),
    ("npz", "a negative size", lambda: npz(npy_of(shape="(-2,)")), "header is none of an array"),
    # ---- memory and time --------------------------------------------------------------------------
    ("pth", "one element expanded to 10^12", lambda: ZIP(shape=(10**6, 10**6), strides=(0, 0)),
     "repeats elements far more often"),
    ("pth", "the same in 1,000 tensors", lambda: zipped(
        {str(i): tensor((10**6, 3), (0, 1)) for i in range(1000)}), "would take 12,000,000,000 bytes"),
    ("pth", "tuples in tuples, 2^40 parts, as a key",
     lambda: zipped(Raw(value(SMALL) + laughs() + b"Ns.")), None),
    ("pth", "the same as a tensor's size", lambda: zipped({W: call(
        "torch._utils._rebuild_tensor_v2", storage(), 0, laughs(), (1,), False, None)}), "sizes"),
    ("pth", "the same as the name of a storage", lambda: zipped({W: Raw(laughs() + b"Q")}),
     "an identifier of a storage is"),
    ("pth", "100,000 tuples in each other", lambda: zipped(nested(100_000)), "not a dict of tensors"),
    ("pth", "100,000 lists in each other", lambda: zipped(nested(100_000, b"](", b"e")),
     "not a dict of tensors"),
    ("pth", "50,000 dicts in each other", lambda: zipped(Raw(
        b"}X\1\0\0\0a" * 50_000 + value(1) + b"s" * 50_000)), "no dict of tensors by name"),
    ("pth", "a dict that holds itself", lambda: zipped(Raw(b"}q\0X\1\0\0\0ah\0s")),
     "no dict of tensors by name"),
    ("pth", "a dict in 20,000 places of a dict, itself in 20,000", lambda: zipped(Raw(
        b"}q\0}q\1" + b"".join(value(str(i)) + b"h\0s" for i in range(20_000)) + b"}"
        + b"".join(value(str(i)) + b"h\1s" for i in range(20_000)))), "no dict of tensors by name"),
    ("pth", "100,000 keys made to collide", lambda: zipped(Raw(
        value(SMALL) + b"(" + b"".join(value(i * (2**61 - 1)) + b"N" for i in range(100_000)) + b"u")),
     None),
    ("pth", "a million operations", lambda: zipped(b"\x80\x02" + b"N" * 1_000_000 + b"."),
     "more than 1,000,000 steps"),
    ("pth", "a pickle of 34 MB", lambda: zipped(bytes(33 << 20), method=8), "data.pkl has more than"),
    ("pth", "a text of 2^63 bytes (BINUNICODE8)",
     lambda: zipped(b"\x80\x04\x8d" + struct.pack("<Q", BIG) + b"x."), "but only 2 remain"),
    ("pth", "bytes of 2^62 (BINBYTES8)",
     lambda: zipped(b"\x80\x04\x8e" + struct.pack("<Q", BIG) + b"x."), "but only 2 remain"),
    ("pth", "an integer of 10^6 bytes", lambda: zipped({W: 1 << 8_000_000}), "an integer of 1000000"),
    ("pth", "an integer of 2 GB that is not there (LONG4)",
     lambda: zipped(b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"x."), "not enough data"),
    ("npz", "80 MiB of zeros, compressed", bomb, "would unpack to 83,886,080"),
    ("npz", "the same entry 50 times in the directory", lambda: bomb(50, 8 << 20),
     "overlap|same name"),
    ("npz", "an entry that states 4 GB", lambda: patched(npz(npy_of(), 8), b"PK\1\2", 24, "<I", 2**32 - 2),
     "would unpack"),
    ("npz", "a header of 60,000 brackets", lambda: npz(npy("(" * 60_000)), "longer than 10,000"),
    ("npz", "a header of 9,000 brackets", lambda: npz(npy("(" * 9_000)), "header is none"),
    ("npz", "a header that is an expression", lambda: npz(npy_of(shape="(9**9**9,)")),
     "header is none"),
    ("npz", "metadata of 100,000 brackets", lambda: zip_of({"__metadata__.npy": npy_of(
        "'|u1'", "(100000,)", b"[" * 100_000)}), "not a dict of texts"),
    ("safetensors", "a header of 2^63 bytes", lambda: safetensors(b"{}", length=2**63),
     "no file of weights"),
    ("safetensors", "a header of 100,000 brackets",
     lambda: safetensors(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "safetensors: "),
    # ---- damaged ----------------------------------------------------------------------------------
    ("any", "an empty file", lambda: b"", "the file is empty"),
    ("any", "one byte", lambda: b"P", "no file of weights"),
    ("any", "zeros", lambda: bytes(1000), "no file of weights"),
    ("any", "a page in HTML, of a failed download", lambda: b"<!DOCTYPE html>", "the download has fail"),
    ("any", "a pointer of Git LFS", lambda: b"version https://git-lfs.github.com/spec/v1\n",
     "run git lfs pull"),
    ("any", "gzip", lambda: b"\x1f\x8b\x08" + bytes(20), "unpack it"),
    ("any", "HDF5 of Keras", lambda: b"\x89HDF\r\n\x1a\n" + bytes(20), "HDF5"),
    ("any", "a tar archive of PyTorch 0.1", lambda: b"sys_info".ljust(257, b"\0") + b"ustar\x0000",
     "as PyTorch wrote until 0.1"),
    ("any", "one array of NumPy (.npy)", lambda: npy_of(), "one array without a name"),
    ("any", "a zip archive of texts", lambda: zip_of({"a.txt": b"x"}), "neither of torch.save nor"),
    ("pth", "cut off in the middle", lambda: zipped(SMALL)[:300], "damaged or cut off"),
    ("pth", "a byte of a storage changed (check sum)",
     lambda: zipped(SMALL).replace(h.FLOATS, b"\1" + h.FLOATS[1:]), "Bad CRC"),
    ("pth", "a pickle without an end", lambda: zipped(h.pickled(SMALL)[:-1]), "ends early"),
    ("pth", "an operation that there is not", lambda: zipped(b"\x80\x02\xff."), "no operation"),
    ("pth", "an empty stack", lambda: zipped(b"\x80\x02R."), "finds no value"),
    ("pth", "a memo that is empty", lambda: zipped(b"\x80\x02h\5."), "finds no value"),
    ("pth", "a mark that is missing", lambda: zipped(b"\x80\x02t."), "finds no value"),
    ("pth", "a key without a value", lambda: zipped(b"\x80\x02}(NNNu."), "lacks a value"),
    ("pth", "an identifier that is a number", lambda: zipped(b"\x80\x02K\1Q."), "identifier"),
    ("pth", "an entry twice", lambda: zip_of([("a/data.pkl", b"."), ("a/data.pkl", b".")]), "same name"),
    ("pth", "encrypted", lambda: patched(zipped(SMALL), b"PK\1\2", 8, "<H", 1), "encrypted"),
    ("pth", "two sizes of an entry", lambda: patched(zipped(SMALL), b"PK\1\2", 20, "<I", 3), "two sizes"),
    ("pth", "entries that overlap", lambda: patched(zipped(SMALL), b"PK\1\2", 42, "<I", 0, 2), "overlap"),
    ("pth", "an entry beyond the file",
     lambda: patched(zipped(SMALL), b"PK\1\2", 42, "<I", 10**6, 3), "beyond the end"),
    ("pth", "another byte order", lambda: zipped(SMALL, order=b"middle"), "byte order is b'middle'"),
    ("pth", "two pickles", lambda: zipped(SMALL, extra={"b/data.pkl": b"."}), "or several"),
    ("pth", "a list", lambda: zipped([1]), "holds a list, not a dict"),
    ("pth", "a tensor without a name", lambda: zipped(tensor()), "one tensor without a name"),
    ("pth", "an empty dict", lambda: zipped({}), "no dict of tensors by name"),
    ("pth", "a tensor whose name is a number", lambda: zipped({W: tensor(), 7: tensor()}),
     "name of a tensor is 7, not a text"),
    ("pth", "a tensor whose name is None", lambda: zipped({W: tensor(), None: tensor()}),
     "neither text nor a number"),
    ("pth", "several nets", lambda: zipped({"a": SMALL, "b": SMALL}), "several dicts of tensors"),
    ("pth", "complex numbers", lambda: ZIP(of=storage(kind="torch.ComplexFloatStorage")),
     r"torch\.ComplexFloatStorage are not read"),
    ("pth", "quantised", lambda: ZIP(by="torch._utils._rebuild_qtensor"), "quantised tensors"),
    ("pth", "sparse", lambda: zipped({W: call("torch._utils._rebuild_sparse_tensor", 1, 2)}), "sparse"),
    ("pth", "negated lazily", lambda: zipped({W: call(
        "torch._utils._rebuild_tensor_v2", storage(), 0, (2,), (1,), False, None, {"neg": True})}),
     "negated lazily"),
    ("pth", "legacy: cut off", lambda: legacy({W: old_tensor()})[:-5], "cut off"),
    ("pth", "legacy: version 7", lambda: legacy({W: old_tensor()}, version=7), "version of the format"),
    ("npz", "complex numbers", lambda: npz(npy_of("'<c8'")), "of type 'c8'"),
    ("npz", "texts", lambda: npz(npy_of("'<U2'")), "of type 'U2'"),
    ("pth", "an OrderedDict of 100,000 pairs, 20,000 times",
     lambda: zipped({W: tensor(), "a": again("collections.OrderedDict", pairs())}), None),
    ("pth", "20,000 calls with the same 100,000 arguments",
     lambda: zipped({W: again("torch.Size", (0,) * 100_000)}), "a call with 100,000 arguments"),
    ("pth", "20,000 tensors with the same 100,000 flags",
     lambda: zipped({W: again("torch._utils._rebuild_tensor_v2", (
         storage(), 0, (2, 3), (3, 1), False, None, dict.fromkeys(range(100_000), 0)))}),
     "conjugated"),
    ("pth", "200 parts under a name of a million letters",
     lambda: zipped({"a" * 1_000_000: {f"p{i}": {"w": tensor()} for i in range(200)}}),
     "no dict of tensors"),
    ("npz", "records", lambda: npz(npy_of("[('a', '<f4'), ('b', '<f4')]")), "header is none"),
    ("npz", "no array", lambda: npz(b"hello"), "not an array of NumPy"),
    ("npz", "metadata that is no JSON", lambda: zip_of({"__metadata__.npy": npy_of("'|u1'", "(2,)", b"{]")}),
     "not a dict of texts"),
    ("npz", "cut off", lambda: npz(npy_of())[:100], "damaged or cut off"),
    ("safetensors", "cut off in its header", lambda: safetensors({W: entry()}, bytes(8))[:30],
     "no file of weights"),
    ("safetensors", "cut off in its arrays", lambda: safetensors({W: entry()}, bytes(4)), "safetensors"),
    ("safetensors", "no JSON", lambda: safetensors(b"{nonsense}"), "safetensors: "),
    ("safetensors", "a list", lambda: safetensors(b"{}").replace(b"{}", b"[]"), "no file of weights"),
    ("safetensors", "NaN as a size", lambda: safetensors(
        b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', bytes(4)), "safetensors: "),
    ("safetensors", "a size of 1e3", lambda: safetensors(
        b'{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', bytes(4)), "safetensors: "),
    ("safetensors", "a name twice", lambda: safetensors(
        b'{"a":' + json.dumps(entry()).encode() + b',"a":' + json.dumps(entry()).encode() + b"}",
        bytes(8)), "a key twice|safetensors: "),
    ("safetensors", "a number as metadata", lambda: safetensors({"__metadata__": {"a": 1}}),
     "safetensors: "),
    ("safetensors", "a type that there is not", lambda: safetensors({W: entry("F33")}, bytes(8)),
     "safetensors: "),
    ("safetensors", "numbers of 8 bits (F8_E4M3)",
     lambda: safetensors({W: entry("F8_E4M3", (8,))}, bytes(8)), "F8_E4M3 .* not read"),
    ("safetensors", "a field that is missing",
     lambda: safetensors({W: {"dtype": "F32", "shape": [2]}}, bytes(8)), "safetensors: "),
    ("safetensors", "a name that is no Unicode",
     lambda: safetensors(b'{"\xff":' + json.dumps(entry()).encode() + b"}", bytes(8)), "safetensors: "),
]  # fmt: skip


def answer(make, folder):
    """Return what loading the file gives: the error, or the arrays' names."""
    from minires import weights

    path = Path(folder) / "w.pth"
    path.write_bytes(make())
    try:
        return f"arrays {', '.join(weights.load(path))}"
    except ValueError as error:
        return str(error).removeprefix(f"{path}: ")


def main():
    """Print the table."""
    print("| format | tried | came back |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, what, make, _ in CASES:
            said = answer(make, folder).replace("|", "\\|")
            print(f"| {kind} | {what} | {said if len(said) < 200 else said[:197] + '…'} |")


if __name__ == "__main__":
    sys.exit(main())
