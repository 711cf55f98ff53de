"""Files as torch.save makes them, put together by hand, so that they can also be wrong."""

import io
import struct
import warnings
import zipfile

MAGIC = 0x1950A86A20F9469CFC6C


class Raw(bytes):
    """Operations of a pickle that leave one value on the stack."""


def integer(n):
    if -(2**31) <= n < 2**31:
        return Raw(b"J" + struct.pack("<i", n))
    data = n.to_bytes((n.bit_length() + 8) // 8, "little", signed=True)
    if len(data) < 256:
        return Raw(b"\x8a" + bytes([len(data)]) + data)
    return Raw(b"\x8b" + struct.pack("<i", len(data)) + data)


def value(v):
    """Return operations for a plain value; Raw ones stay as they are."""
    if isinstance(v, Raw):
        return v
    if v is None or isinstance(v, bool):
        return Raw({None: b"N", True: b"\x88", False: b"\x89"}[v])
    if isinstance(v, int):
        return integer(v)
    if isinstance(v, float):
        return Raw(b"G" + struct.pack(">d", v))
    if isinstance(v, str):
        data = v.encode("utf-8", "surrogatepass")
        return Raw(b"X" + struct.pack("<I", len(data)) + data)
    if isinstance(v, bytes):
        return Raw(b"B" + struct.pack("<I", len(v)) + v)
    if isinstance(v, tuple):
        return Raw(b"(" + b"".join(map(value, v)) + b"t")
    if isinstance(v, list):
        return Raw(b"](" + b"".join(map(value, v)) + b"e")
    if isinstance(v, dict):
        return Raw(b"}(" + b"".join(value(k) + value(x) for k, x in v.items()) + b"u")
    raise TypeError(v)


def name(text):
    module, _, last = text.rpartition(".")
    return Raw(f"c{module}\n{last}\n".encode())


def call(function, *arguments):
    return Raw(name(function) + value(arguments) + b"R")


def storage(key="0", count=6, kind="torch.FloatStorage", tag="storage", view=()):
    return Raw(value((tag, name(kind), key, "cpu", count, *view)) + b"Q")


def tensor(shape=(2, 3), strides=(3, 1), offset=0, of=None, by="torch._utils._rebuild_tensor_v2"):
    rest = () if by.endswith("_tensor") else (False, call("collections.OrderedDict"))
    return call(by, of if of is not None else storage(), offset, shape, strides, *rest)


def pickled(v, protocol=2):
    return bytes([0x80, protocol]) + value(v) + b"."


FLOATS = struct.pack("<6f", 1, 2, 3, 4, 5, 6)


def zipped(found, storages=None, root="archive", order=b"little", extra=None, method=0):
    """Return a file of the zip format; `found` are a value or a whole pickle."""
    data = found if type(found) is bytes else pickled(found)
    entries = {f"{root}/data.pkl": data}
    if order is not None:
        entries[f"{root}/byteorder"] = order
    for key, content in ({"0": FLOATS} if storages is None else storages).items():
        entries[f"{root}/data/{key}"] = content
    return zip_of({**entries, f"{root}/version": b"3\n", **(extra or {})}, method)


def zip_of(entries, method=zipfile.ZIP_STORED):
    """Return a zip archive of entries by name, or of pairs where names are there twice."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for entry, content in entries.items() if isinstance(entries, dict) else entries:
            info = zipfile.ZipInfo(entry)
            info.compress_type = method
            archive.writestr(info, content)
    return file.getvalue()


def legacy(found, storages=None, keys=None, version=1001, counts=None):
    """Return a file of the legacy format; storages are (bytes, size of an element) by key."""
    storages = {"0": (FLOATS, 4)} if storages is None else storages
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    data = found if type(found) is bytes else pickled(found)
    data = pickled(MAGIC) + pickled(version) + pickled(system) + data
    data += pickled(list(storages) if keys is None else keys)
    for key, (content, size) in storages.items():
        count = (counts or {}).get(key, len(content) // size)
        data += struct.pack("<q", count) + content
    return data
