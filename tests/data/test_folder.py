"""Folders of images: what is read and how, and what is refused by name."""

import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from minires import data
from minires.data.folder import read_image
from tests.data import generated


def load(root, split="train", **options):
    return data.load(f"folder:{root}", split, **options)


def test_a_folder_per_class_is_read_in_the_order_of_names(tmp_path):
    written = generated.class_folders(tmp_path, n=10, classes=("dog", "cat"))
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "dog" / "notes.txt").write_text("no image", encoding="utf-8")
    train, test = load(tmp_path), load(tmp_path, "test")
    assert train.classes == ("cat", "dog")
    assert (len(train), len(test)) == (16, 4)
    assert np.bincount(train.y).tolist() == [8, 8]
    assert "drawn" in train.note
    both = {a.tobytes() for a in (*train.x, *test.x)}
    assert both == {a.tobytes() for a in written.values()}
    assert np.array_equal(load(tmp_path).x, train.x)
    for image, label in zip(test.x, test.y):
        path = next(p for p, pixels in written.items() if np.array_equal(pixels, image))
        assert path.parent.name == test.classes[label]


def test_folders_train_and_test_are_the_splits(tmp_path):
    train = generated.class_folders(tmp_path / "train", n=3, suffix=".JPG")
    generated.class_folders(tmp_path / "test", n=2, seed=1)
    images = load(tmp_path)
    assert (len(images), len(load(tmp_path, "test")), images.note) == (6, 4, "")
    assert np.array_equal(images.x[0], np.asarray(Image.open(next(iter(train)))))
    generated.class_folders(tmp_path / "test", n=2, classes=("cow",))
    with pytest.raises(ValueError, match="different classes: cow"):
        load(tmp_path)


def saved(root, image, name="x.png", **options):
    """Put an image into the folder of a class beside nine plain ones; return its pixels as read."""
    path = root / name
    image.save(path, **options)
    return read_image(path)


def test_every_kind_of_pixel_becomes_rgb(tmp_path):
    grey = np.arange(0, 240, 2, dtype=np.uint8).reshape(10, 12)
    for image in (
        Image.fromarray(grey),
        Image.fromarray(grey).convert("P"),
        Image.fromarray((grey.astype(np.uint16) << 8) + 7),
        Image.merge("LA", [Image.fromarray(grey), Image.new("L", (12, 10), 255)]),
    ):
        assert np.array_equal(saved(tmp_path, image), np.stack([grey] * 3, axis=2)), image.mode
    assert saved(tmp_path, Image.new("1", (12, 10), 1)).min() == 255
    cmyk = saved(tmp_path, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "x.jpg")
    assert cmyk.shape == (8, 8, 3)
    assert (cmyk[..., 0] > 200).all()
    assert (cmyk[..., 1:] < 60).all()


def test_what_is_transparent_is_white(tmp_path):
    rgba = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    rgba.putpixel((1, 2), (10, 20, 30, 255))
    got = saved(tmp_path, rgba)
    assert got[2, 1].tolist() == [10, 20, 30]
    assert (np.delete(got.reshape(16, 3), 9, axis=0) == 255).all()
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    assert (saved(tmp_path, palette, transparency=1) == 255).all()


def test_a_photo_is_turned_as_its_camera_says(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255  # white on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise: left becomes top
    got = saved(tmp_path, Image.fromarray(pixels), "x.jpg", exif=exif, quality=95)
    assert got.shape == (16, 8, 3)
    assert got[:7].min() > 200
    assert got[9:].max() < 50


def test_sizes_must_agree_or_be_given(tmp_path):
    generated.class_folders(tmp_path, n=5, size=(12, 10))
    generated.class_folders(tmp_path, n=5, classes=("eel",), size=(20, 40))
    with pytest.raises(ValueError, match=r"cat/\d+.png has 10 × 12, .*eel/\d+.png has 40 × 20"):
        load(tmp_path)
    assert load(tmp_path, size=16).x.shape == (12, 16, 16, 3)
    stripe = np.zeros((20, 40, 3), np.uint8)
    stripe[:, 10:30] = 200  # the central square
    Image.fromarray(stripe).save(tmp_path / "wide.png")
    assert read_image(tmp_path / "wide.png", 8)[:, 1:-1].min() > 180
    for size in (0, 2.5, "big"):
        with pytest.raises((ValueError, TypeError), match="size"):
            load(tmp_path, size=size)
    with pytest.raises(ValueError, match="size: is for"):
        data.load("digits", size=16)


# ---- refused ------------------------------------------------------------------------------------
def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width, height):
    """Return a small PNG that claims a size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def animation():
    frames = [Image.new("RGB", (4, 4), (i, 0, 0)) for i in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


def gif():
    file = io.BytesIO()
    Image.new("RGB", (12, 10)).save(file, "GIF")
    return file.getvalue()


GOOD = generated.png(np.random.default_rng(0).integers(0, 256, (12, 10, 3), np.uint8))
BROKEN = {
    "empty": (b"", "no PNG or JPEG"),
    "text": (b"hello", "no PNG or JPEG"),
    "truncated": (GOOD[: len(GOOD) // 2], "broken"),
    "no pixels": (GOOD[:40], "broken|no PNG"),
    "a wrong checksum": (GOOD[:45] + b"\xff\xff" + GOOD[47:], "broken"),
    "another format": (gif(), "no PNG or JPEG"),
    "an animation": (animation(), "animation"),
    "a small bomb": (png_of(12_000, 12_000), "more than [0-9,]+ pixels"),
    "a bomb": (png_of(30_000, 30_000), "more than [0-9,]+ pixels"),
    "a larger bomb": (png_of(2**31 - 1, 2**31 - 1), "pixels|broken|no PNG"),
    "a text of 4 MB in a few bytes": (
        GOOD[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(4 << 20))) + GOOD[33:],
        "bad.png: broken",
    ),
    "no height": (png_of(10, 0), "broken|no PNG"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_image_that_cannot_be_used_is_named(tmp_path, name):
    raw, said = BROKEN[name]
    generated.class_folders(tmp_path, n=4)
    (tmp_path / "cat" / "bad.png").write_bytes(raw)
    messages = []
    for split in ("train", "test"):
        try:
            load(tmp_path, split)
        except ValueError as error:
            messages.append(str(error))
    (message,) = messages  # it is in one of the two
    assert f"{tmp_path / 'cat' / 'bad.png'}: " in message
    assert re.search(said, message), message


def test_many_broken_images_are_counted(tmp_path):
    generated.class_folders(tmp_path, n=4)
    for i in range(20):
        (tmp_path / "dog" / f"bad{i:02}.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"bad.*\n(.*\n)+  and \d+ more"):
        load(tmp_path)


def test_folders_that_are_none_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        load(tmp_path / "none")
    with pytest.raises(ValueError, match="at least two; found none"):
        load(tmp_path)
    (tmp_path / "cat").mkdir()
    with pytest.raises(ValueError, match="at least two; found \\['cat'\\]"):
        load(tmp_path)
    (tmp_path / "dog").mkdir()
    with pytest.raises(ValueError, match="no image"):
        load(tmp_path)
    generated.class_folders(tmp_path, n=1)
    with pytest.raises(ValueError, match="one image cannot be"):
        load(tmp_path)
    (tmp_path / "train").mkdir()
    with pytest.raises(ValueError, match="one of the folders train and test"):
        load(tmp_path)
    with pytest.raises(ValueError, match="name: expected one of"):
        data.load("folder:")
