"""Weight files with something changed: bytes, or what they mean to the readers of the format."""

# ruff: noqa: E501

import io
import json
import pickletools
import random
import struct
import zipfile
from pathlib import Path

import handmade as h
import numpy as np

GOLDEN = Path(__file__).with_name("files")
NUMBERS = [0, 1, 2, 3, 4, 5, 7, 8, 16, 24, 32, 64, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**16,
           2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**33, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64,
           -1, -2, -3, -(2**31), -(2**63)]  # fmt: skip
MOST_BYTES = 1 << 20  # of a mutated file: parts may be repeated, several times
NAMES = [
    "os.system", "posix.system", "builtins.eval", "builtins.exec", "builtins.getattr",
    "subprocess.Popen", "pickle.loads", "collections.OrderedDict", "torch.FloatStorage",
    "torch.LongStorage", "torch.BFloat16Storage", "torch.ByteStorage", "torch.ComplexFloatStorage",
    "torch.storage.UntypedStorage", "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_parameter",
    "torch._tensor._rebuild_from_type_v2", "torch._utils._rebuild_sparse_tensor",
    "argparse.Namespace", "torch.float64", "torch.Tensor", "numpy.dtype", "collections.defaultdict",
]  # fmt: skip
CODES = b"()]}lt\x85\x86\x87RbsuaeQq\x00h\x00N\x88\x89.02ioX\x00c\x81\x82\x90\x93\x94\x8f\x92"
WORDS = [b"F32", b"F64", b"F16", b"BF16", b"I64", b"U8", b"BOOL", b"I8", b"F4", b"C64"]


def seeds(kind):
    """Return sound files of a format: "zip", "legacy", "safetensors", "npz"."""
    if kind in ("zip", "legacy"):
        files = [p.read_bytes() for p in sorted(GOLDEN.glob(f"{kind}_*.pth"))]
        of = {"0": h.FLOATS, "1": bytes(range(16)), "2": bytes(24)}
        made = {
            "a": (h.storage(view=(None,)), (2, 3), (3, 1)),
            "t": (h.storage(view=(None,)), (3, 2), (1, 3)),
            "b": (h.storage("1", 8, "torch.BFloat16Storage", view=(None,)), (8,), (1,)),
            "i": (h.storage("2", 3, "torch.LongStorage", view=(None,)), (), ()),
        }
        if kind == "zip":
            found = {
                k: h.tensor(s, t, of=h.Raw(o.replace(b"NtQ", b"tQ")))
                for k, (o, s, t) in made.items()
            }
            return [*files, h.zipped(found, of), h.zipped({"state_dict": found, "epoch": 3}, of)]
        found = {k: h.tensor(s, t, of=o) for k, (o, s, t) in made.items()}
        sizes = dict(zip(of, (4, 2, 8), strict=True))
        return [*files, h.legacy(found, {k: (v, sizes[k]) for k, v in of.items()})]
    arrays = {
        "w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(4, dtype=np.float16),
        "n": np.array(7), "m": np.array([True, False]), "e": np.zeros((0, 2), np.int8),
    }  # fmt: skip
    file = io.BytesIO()
    if kind == "npz":
        np.savez(file, **arrays)
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)
        return [file.getvalue(), packed.getvalue()]
    from safetensors.numpy import save

    return [save(arrays), save(arrays, {"k": "v"}), save({"w": arrays["w"]})]


def mutated(kind, files, random):
    """Return a file with one to four changes."""
    data = random.choice(files)
    structured = {"zip": of_zip, "npz": of_zip, "legacy": of_pickles, "safetensors": of_header}[
        kind
    ]
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        change = structured if random.random() < 0.75 else of_bytes
        data = change(data, random, files)[:MOST_BYTES]
    return data


# ---- bytes --------------------------------------------------------------------------------------
def of_bytes(data, random, files):
    """Flip bits, set bytes and integers, cut, insert, repeat, splice with another file."""
    data = bytearray(data)
    place = random.randrange(len(data) + 1)
    match random.randrange(9):
        case 0 if data:
            data[place % len(data)] ^= 1 << random.randrange(8)
        case 1 if data:
            data[place % len(data)] = random.randrange(256)
        case 2:
            size = random.choice((1, 2, 4, 8))
            number = random.choice(NUMBERS) % 256**size
            data[place : place + size] = number.to_bytes(size, random.choice(("little", "big")))
        case 3:
            del data[place:]
        case 4:
            del data[place : place + random.choice((1, 2, 8, 50))]
        case 5:
            data[place:place] = random.randbytes(random.choice((1, 2, 8, 50)))
        case 6:
            length = random.choice((1, 4, 40, 400))
            data[place:place] = data[place : place + length] * random.choice((1, 2, 50))
        case 7:
            other = random.choice(files)
            data[place:] = other[random.randrange(len(other)) :]
        case _:
            data[place:place] = random.choice((b"\0" * 9, b"\xff" * 9, b"PK\1\2", b"PK\5\6"))
    return bytes(data)


# ---- pickles ------------------------------------------------------------------------------------
def operations(data):
    """Return the operations of the pickle that `data` begins with, and what follows them."""
    places, file = [], io.BytesIO(data)
    try:
        for _, _, place in pickletools.genops(file):
            places.append(place)
    except ValueError:  # damaged before
        return [data], b""
    end = file.tell()
    return [data[a:b] for a, b in zip(places, [*places[1:], end], strict=True)], data[end:]


def of_pickle(data, random):
    """Change operations of one pickle: drop, repeat, swap, insert; numbers and names."""
    steps, rest = operations(data)
    if not steps:
        return data
    i, j = random.randrange(len(steps)), random.randrange(len(steps))
    match random.randrange(13):
        case 0:
            del steps[i]
        case 1:
            part, times = steps[i : i + random.choice((1, 3, 20))], random.choice((1, 2, 300))
            steps[i:i] = part * min(times, MOST_BYTES // (1 + sum(map(len, part))))
        case 2:
            steps[i], steps[j] = steps[j], steps[i]
        case 3:
            code = random.choice(CODES)
            steps.insert(i, bytes([code]) + random.choice((b"", b"\0", b"\1\0\0\0")))
        case 4:
            steps.insert(i, h.name(random.choice(NAMES)))
        case 5:
            names = [k for k, step in enumerate(steps) if step[:1] == b"c"] or [i]
            steps[random.choice(names)] = h.name(random.choice(NAMES))
        case _:
            numbers = [k for k, step in enumerate(steps) if step[:1] in (b"K", b"M", b"J")] or [i]
            steps[random.choice(numbers)] = h.integer(random.choice(NUMBERS))
    return b"".join(steps) + rest


def of_pickles(data, random, _):
    """Change one of the five pickles of a legacy file, mostly that of the tensors."""
    rest, before = data, []
    for _ in range(random.choice((0, 1, 2, 3, 3, 3, 3, 3, 4))):
        steps, after = operations(rest)
        if not after:
            break
        before.append(b"".join(steps))
        rest = after
    return b"".join(before) + of_pickle(rest, random)


# ---- archives -----------------------------------------------------------------------------------
def of_zip(data, random, files):
    """Change an entry (with a sound check sum), the directory, or the entries' names and order."""
    if random.random() < 0.25:
        return of_directory(data, random)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [(i.filename, archive.read(i)) for i in archive.infolist()]
    except Exception:  # damaged before
        return of_bytes(data, random, files)
    if not entries:
        return of_bytes(data, random, files)
    main = [k for k, (name, _) in enumerate(entries) if name.endswith((".npy", ".pkl"))] or [0]
    k = random.choice(main) if random.random() < 0.85 else random.randrange(len(entries))
    name, content = entries[k]
    match random.randrange(10):
        case 0:
            del entries[k]
        case 1:
            entries[k] = (random.choice(entries)[0], content)
        case 2:
            entries.append((name, content))
        case 3:
            entries[k] = (
                random.choice(("archive/data.pkl", "a/constants.pkl", "data.pkl", "x.npy")),
                content,
            )
        case 4 if content:
            entries[k] = (name, of_bytes(content, random, [content]))
        case _ if name.endswith(".pkl"):
            entries[k] = (name, of_pickle(content, random))
        case _ if name.endswith(".npy"):
            entries[k] = (name, of_array(content, random))
        case _:
            entries[k] = (name, content[: random.randrange(len(content) + 1)])
    return h.zip_of(entries, random.choice((0, 0, 0, 8)))


def of_directory(data, random):
    """Set a field of an entry's header, of its record in the directory, or of the directory's end."""
    fields = {
        b"PK\3\4": [(4, "H"), (6, "H"), (8, "H"), (14, "I"), (18, "I"), (22, "I"), (26, "H"), (28, "H")],
        b"PK\1\2": [(6, "H"), (8, "H"), (10, "H"), (16, "I"), (20, "I"), (24, "I"), (28, "H"),
                    (30, "H"), (32, "H"), (34, "H"), (42, "I")],
        b"PK\5\6": [(4, "H"), (6, "H"), (8, "H"), (10, "H"), (12, "I"), (16, "I"), (20, "H")],
    }  # fmt: skip
    signature = random.choice(list(fields))
    places = [i for i in range(len(data)) if data.startswith(signature, i)]
    if not places:
        return data
    offset, form = random.choice(fields[signature])
    place, size = random.choice(places) + offset, struct.calcsize(form)
    old = int.from_bytes(data[place : place + size], "little")
    number = random.choice((random.choice(NUMBERS), old + random.choice((-1, 1, 4, -30, 30))))
    new = (number % 256**size).to_bytes(size, "little")
    return data[:place] + new + data[place + size :]


def of_array(data, random):
    """Change the header of an array of NumPy."""
    start = data.find(b"{")
    end = data.find(b"\n", start)
    if start not in (10, 12) or end < 0:
        return data
    header = data[start:end].rstrip()
    number = str(random.choice(NUMBERS)).encode()
    choices = [
        (b"False", b"True"), (b"<", b">"), (b"f4", random.choice((b"f8", b"i8", b"O", b"c8", b"U1"))),
        (b"(", b"(" + number + b", "), (b"2,", number + b","), (b"(", b"((("), (b"'shape'", b"'x'"),
        (b"descr", b"descr': 1, 'x"), (b", 3", b""), (b")", b", " + number + b")"), (b"}", b"}}"),
    ]  # fmt: skip
    header = header.replace(*random.choice(choices), 1).ljust(end - start)
    length = (len(header) + 1 + random.choice((0, 0, 0, 0, 1, 300))) % 65536
    return data[:8] + length.to_bytes(start - 8, "little") + header + data[end:]


# ---- safetensors --------------------------------------------------------------------------------
def of_header(data, random, _):
    """Change the header in JSON: offsets, shapes, types, names; its length; its text."""
    length = int.from_bytes(data[:8], "little")
    text, rest = data[8 : 8 + length], data[8 + length :]
    try:
        header = json.loads(text)
        entry = header[random.choice([k for k in header if k != "__metadata__"])]
        number = random.choice((random.choice(NUMBERS), random.randrange(40), 1.5, None, "1", [1]))
        match random.randrange(9):
            case 0:
                entry["data_offsets"][random.randrange(2)] = number
            case 1:
                entry["shape"].insert(random.randrange(3), number)
            case 2:
                entry["shape"] = entry["shape"][1:]
            case 3:
                entry["dtype"] = random.choice(WORDS).decode()
            case 4:
                del entry[random.choice(list(entry))]
            case 5:
                header[random.choice(("z", "__metadata__", "w"))] = random.choice(
                    (entry, number, {})
                )
            case 6:
                entry["shape"], entry["dtype"] = [12], "U8"
            case _:
                other = header[random.choice([k for k in header if k != "__metadata__"])]
                entry["data_offsets"] = list(other["data_offsets"])
        text = json.dumps(header).encode()
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        text = of_bytes(text or b"{", random, [data])
    match random.randrange(8):
        case 0:
            text = text.replace(b":", random.choice((b":[", b":{", b": NaN,", b":1e9,")), 1)
        case 1:
            text = text[:-1] + b"," + text[1:]  # everything twice
    length = len(text) + random.choice((0, 0, 0, 0, 0, 1, -1, 2**62))
    return struct.pack("<Q", max(0, length)) + text + rest


def nth(kind, files, seed, n):
    """Return mutated file number n: the same whenever it is asked for."""
    return mutated(kind, files, random.Random(f"{kind}/{seed}/{n}"))
