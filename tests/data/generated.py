"""Small files in the formats of CIFAR and of folders of images, drawn from a seed."""

import io
import pickle
import struct
import tarfile

import numpy as np
from PIL import Image

TRAIN10 = [f"data_batch_{i}.bin" for i in range(1, 6)]


def records(n, classes=10, seed=0, label_bytes=1):
    """Return n images (n, 32, 32, 3) uint8, their labels, and the bytes of a binary file."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    y = rng.integers(0, classes, n)
    labels = np.zeros((n, label_bytes), np.uint8)
    labels[:, -1] = y
    planes = x.transpose(0, 3, 1, 2).reshape(n, -1)
    return x, y, np.concatenate([labels, planes], axis=1).tobytes()


def cifar10_binary(root, n=20, seed=0):
    """Write root/cifar-10-batches-bin with n images a file; return images and labels by split."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    parts = [records(n, seed=(seed, i)) for i in range(6)]
    for name, (_, _, raw) in zip([*TRAIN10, "test_batch.bin"], parts):
        (folder / name).write_bytes(raw)
    train = [np.concatenate([p[k] for p in parts[:5]]) for k in (0, 1)]
    return {"train": train, "test": list(parts[5][:2])}


def cifar10_archive(root, n=20, seed=0):
    """Write root/cifar-10-binary.tar.gz; return as `cifar10_binary`."""
    truth = cifar10_binary(root / "unpacked", n, seed)
    folder = root / "unpacked" / "cifar-10-batches-bin"
    with tarfile.open(root / "cifar-10-binary.tar.gz", "w:gz") as archive:
        archive.add(folder, folder.name)
    return truth


def cifar100_binary(root, n=200, seed=0):
    """Write root/cifar-100-binary; return images and labels by split."""
    folder = root / "cifar-100-binary"
    folder.mkdir(parents=True)
    truth = {}
    for i, split in enumerate(("train", "test")):
        x, y, raw = records(n, 100, (seed, i), label_bytes=2)
        (folder / f"{split}.bin").write_bytes(raw)
        truth[split] = [x, y]
    return truth


def cifar_pickles(root, name="cifar10", n=20, protocol=2, seed=0):
    """Write the layout of torchvision; return images and labels by split."""
    ten = name == "cifar10"
    folder = root / ("cifar-10-batches-py" if ten else "cifar-100-python")
    folder.mkdir(parents=True)
    files = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"] if ten else ["train", "test"]
    key = b"labels" if ten else b"fine_labels"
    parts = []
    for i, file in enumerate(files):
        x, y, _ = records(n, 10 if ten else 100, (seed, i))
        planes = x.transpose(0, 3, 1, 2).reshape(n, -1).copy()
        batch = {key: y.tolist(), b"data": planes, b"filenames": [b"a.png"] * n}
        (folder / file).write_bytes(pickle.dumps(batch, protocol))
        parts.append((x, y))
    train = [np.concatenate([p[k] for p in parts[:-1]]) for k in (0, 1)]
    return {"train": train, "test": list(parts[-1])}


def python2_batch(x, y, label=b"training batch 1 of 5"):
    """Return a batch as Python 2's cPickle writes it, which is how CIFAR-10 is distributed."""

    def text(s):
        return b"U" + bytes([len(s)]) + s

    planes = x.transpose(0, 3, 1, 2).tobytes()
    labels = b"".join(b"K" + bytes([k]) for k in y)
    shape = b"M" + struct.pack("<H", len(x)) + b"M" + struct.pack("<H", 3072) + b"\x86"
    dtype = b"cnumpy\ndtype\nq\x0a" + text(b"u1") + b"K\0K\1\x87Rq\x0b"
    dtype += b"(K\3" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\7cnumpy\nndarray\nq\x08K\0\x85"
    array += text(b"b") + b"\x87Rq\t(K\1" + shape + dtype
    array += b"\x89T" + struct.pack("<I", len(planes)) + planes + b"tb"
    items = text(b"batch_label") + b"q\2" + text(label) + b"q\3"
    items += text(b"labels") + b"q\4]q\5(" + labels + b"e" + text(b"data") + b"q\6" + array
    items += text(b"filenames") + b"q\x0c]q\r(" + text(b"leptodactylus.png") * len(x) + b"e"
    return b"\x80\2}q\1(" + items + b"u."


def class_folders(root, n=10, classes=("cat", "dog"), size=(12, 10), suffix=".png", seed=0):
    """Write root/CLASS/*.png; return {path: pixels}."""
    rng = np.random.default_rng(seed)
    written = {}
    for name in classes:
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
            path = root / name / f"{i:03}{suffix}"
            Image.fromarray(pixels).save(path)
            written[path] = pixels
    return written


def png(pixels, **options):
    """Return the bytes of a PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()
