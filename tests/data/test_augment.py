"""Augmentation: the batch is what an obvious, slow version makes of each image, bit by bit."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from minires import data
from minires.data import warp as warping
from minires.data.augment import AREA, RATIO


def images(n=9, h=12, w=10, c=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (n, h, w, c), dtype=np.uint8)
    return data.Images(x, rng.integers(0, 4, n), tuple("abcd"))


def first_epoch(some, augment, epoch=0, kind="channel", **options):
    normalise = data.Normalise.of(some, kind)
    loader = data.ImageLoader(
        some, len(some), augment=augment, normalise=normalise, shuffle=False, workers=0, **options
    )
    ((x, _),) = loader.batches(epoch)
    return x, normalise


def slowly(some, augment, draws, normalise):
    """Return the batch made image by image, with np.pad, slices and reversed axes."""
    made = []
    mode = {"zero": "constant", "reflect": "reflect"}[augment.padding]
    pad = augment.pad if augment.crop == "pad" else 0
    y = normalise(some.x).transpose(0, 2, 3, 1)
    for image, (top, left, height, width), flip, hole in zip(y, *draws):
        image = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode)
        image = image[top + pad : top + pad + height, left + pad : left + pad + width]
        image = (image[:, ::-1] if flip else image).copy()
        image[hole[0] : hole[1], hole[2] : hole[3]] = 0
        made.append(image)
    return np.stack(made).transpose(0, 3, 1, 2)


@hypothesis.given(
    shape=st.tuples(
        st.integers(1, 5), st.integers(3, 9), st.integers(3, 9), st.sampled_from([1, 3])
    ),
    crop=st.sampled_from(["pad", "none"]),
    pad=st.integers(0, 12),
    flip=st.sampled_from(["random", "alternating", "none"]),
    cutout=st.integers(0, 12),
    size=st.none() | st.tuples(st.integers(1, 12), st.integers(1, 12)),
    padding=st.sampled_from(["zero", "reflect"]),
    kind=st.sampled_from(["channel", "pixel"]),
    epoch=st.integers(0, 3),
)
def test_crops_flips_and_cutout_are_those_of_a_slow_version(
    shape, crop, pad, flip, cutout, size, padding, kind, epoch
):
    some = images(*shape)
    augment = data.Augment(crop, pad, flip, cutout, size, padding)
    try:
        augment.output(*shape[1:3])
        normalise = data.Normalise.of(some, kind)
    except ValueError:
        hypothesis.reject()
    draws = augment.draw(*shape[:3], seed=0, epoch=epoch)
    expected = slowly(some, augment, draws, normalise)
    got, _ = first_epoch(some, augment, epoch, kind)
    assert got.dtype == np.float32
    assert got.transpose(0, 2, 3, 1).flags.c_contiguous
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("padding", ["zero", "reflect"])
@pytest.mark.parametrize("crop", ["pad", "resized"])
def test_numpy_and_compiled_loops_give_the_same_bits(crop, padding):
    some = images(40, 17, 13)
    augment = data.Augment(crop, 5, cutout=4, size=(9, 15), padding=padding)
    normalise = data.Normalise.of(some, "pixel")
    arguments = (some.x, np.arange(40)[::-1].copy(), augment.draw(40, 17, 13, 1, 2))
    arguments += (normalise.tables(some.x.shape), augment.output(17, 13))
    options = {"scaled": crop == "resized", "reflect": crop == "pad" and padding == "reflect"}
    compiled = warping.warp(*arguments, **options)
    plain = warping.warp(*arguments, **options, how=(warping.crop, warping.resize))
    np.testing.assert_array_equal(compiled, plain)


def test_normalisation_is_what_it_says():
    some = images()
    pixels = some.x.astype(np.float64) / 255
    got, normalise = first_epoch(some, None)
    expected = (pixels - pixels.mean((0, 1, 2))) / pixels.std((0, 1, 2))
    np.testing.assert_allclose(got.transpose(0, 2, 3, 1), expected, atol=1e-6)
    np.testing.assert_array_equal(normalise(some.x), got)
    got, normalise = first_epoch(some, None, kind="pixel")
    centred = pixels - pixels.mean(0)
    np.testing.assert_allclose(got.transpose(0, 2, 3, 1), centred / centred.std(), atol=1e-6)
    again = data.Normalise.from_state(normalise.state())
    np.testing.assert_array_equal(again(some.x), got)


def test_boxes_of_pad_crops_are_uniform():
    draws = data.Augment(pad=2, flip="random").draw(20_000, 8, 6, seed=0, epoch=0)
    assert (draws.box[:, 2:] == (8, 6)).all()
    for axis in (0, 1):
        counts = np.bincount(draws.box[:, axis] + 2, minlength=5)
        assert len(counts) == 5
        assert abs(counts - 4000).max() < 300  # 5 standard deviations
    assert abs(draws.flip.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(draws.box[:, 0], draws.box[:, 1])[0, 1]) < 0.03
    assert abs(np.corrcoef(draws.box[:, 0], draws.flip)[0, 1]) < 0.03


def test_boxes_of_resized_crops_have_the_areas_and_ratios_of_inception():
    box = data.Augment("resized").draw(20_000, 128, 128, seed=0, epoch=0).box
    top, left, height, width = box.T.astype(float)
    assert (box[:, :2] >= 0).all()
    assert (top + height <= 128).all()
    assert (left + width <= 128).all()
    area = height * width / 128**2
    assert AREA[0] - 0.01 < area.min() < 0.1
    assert area.max() <= 1
    assert abs(np.median(width / height) - 1) < 0.03
    assert RATIO[0] - 0.05 < (width / height).min()
    assert (width / height).max() < RATIO[1] + 0.1
    thin = data.Augment("resized").draw(100, 3, 300, seed=0, epoch=0).box
    assert (thin[:, 2:] >= 1).all()
    assert (thin[:, 1] + thin[:, 3] <= 300).all()


def test_alternating_flips_show_each_image_both_ways():
    augment = data.Augment(flip="alternating")
    flips = [augment.draw(1000, 8, 8, seed=5, epoch=e).flip for e in range(4)]
    assert (flips[0] != flips[1]).all()
    assert (flips[0] == flips[2]).all()
    assert (flips[1] == flips[3]).all()
    assert 0.4 < flips[0].mean() < 0.6
    assert (augment.draw(1000, 8, 8, seed=6, epoch=0).flip != flips[0]).any()


def test_each_kind_of_draw_has_a_stream_of_its_own():
    plain = data.Augment(flip="none").draw(50, 8, 8, seed=3, epoch=7)
    for augment in (data.Augment(), data.Augment(cutout=3), data.Augment(flip="alternating")):
        assert np.array_equal(augment.draw(50, 8, 8, seed=3, epoch=7).box, plain.box)
    order = np.random.default_rng((3, 7)).integers(0, 9, (50, 2)) - 4
    assert not np.array_equal(plain.box[:, :2], order)


def test_holes_of_cutout_are_squares_clipped_at_the_edge():
    hole = data.Augment(crop="none", cutout=5).draw(2000, 12, 12, 0, 0).hole
    heights, widths = hole[:, 1] - hole[:, 0], hole[:, 3] - hole[:, 2]
    assert hole.min() == 0
    assert hole.max() == 12
    assert (heights.max(), widths.max()) == (5, 5)
    assert heights.min() == 3  # centred on the first row or the last
    inside = (hole[:, 0] > 0) & (hole[:, 1] < 12)
    assert (heights[inside] == 5).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"crop": "random"}, "crop: expected one of pad, resized, none"),
        ({"flip": True}, "flip"),
        ({"padding": "edge"}, "padding"),
        ({"pad": -1}, "pad"),
        ({"pad": 1.5}, "pad"),
        ({"cutout": -3}, "cutout"),
        ({"size": 0}, "size"),
        ({"size": (3, 4, 5)}, "size"),
        ({"size": 99}, "does not fit into images of 12 × 10 with 4 pixels"),
        ({"crop": "none", "size": 11}, "does not fit.*crop='resized'"),
        ({"pad": 10, "padding": "reflect"}, "cannot be mirrored"),
        ({"crop": "resized", "size": 1 << 20}, "too many pixels"),
    ],
)
def test_augmentation_refuses(options, said):
    with pytest.raises((ValueError, TypeError), match=said):
        data.Augment(**options).output(12, 10)


REFUSED = [
    (lambda: data.Normalise.of(images(), "image"), "'channel' or 'pixel'"),
    (lambda: data.Normalise([0.5], [0.0]), "above 0"),
    (lambda: data.Normalise([0.5], [np.nan]), "finite"),
    (lambda: data.Normalise([0.5, 0.5], [1.0]), "mean .C,."),
    (lambda: data.Normalise([], []), "above 0"),
    (lambda: data.Normalise.from_state({"mean": [0.5]}), "std is missing"),
    (lambda: data.Normalise([0.5], [1.0])(images().x), "expected shape"),
    (lambda: data.Normalise([0.5] * 3, [1.0] * 3)(images().x[0]), "uint8 .N, H, W, C."),
    (
        lambda: data.Normalise.of(
            data.Images(np.zeros((3, 4, 4, 1), np.uint8), np.arange(3), "abc")
        ),
        "do not differ",
    ),
    (lambda: data.Images(np.zeros((2, 4, 4, 1)), np.arange(2), "ab"), "uint8"),
    (lambda: data.Images(np.zeros((2, 4, 4), np.uint8), np.arange(2), "ab"), "uint8"),
    (lambda: data.Images(np.zeros((0, 4, 4, 1), np.uint8), np.arange(0), "ab"), "at least one"),
    (lambda: data.Images(np.zeros((2, 0, 4, 1), np.uint8), np.arange(2), "ab"), "H is 0"),
    (lambda: data.Images(np.zeros((2, 4, 4, 1), np.uint8), np.arange(3), "abc"), "one label"),
    (lambda: data.Images(np.zeros((2, 4, 4, 1), np.uint8), np.arange(2), "a"), "0 to 0"),
    (lambda: data.Images(np.zeros((2, 4, 4, 1), np.uint8), np.ones(2), "ab"), "integers"),
    (lambda: images().subset(10), "has 9"),
    (lambda: images().subset([0, -1]), "has 9"),
    (lambda: images().subset([]), "indices"),
    (lambda: images().subset("all"), "indices"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_images_and_normalisation_refuse(case):
    make, said = REFUSED[case]
    with pytest.raises((ValueError, TypeError), match=said):
        make()


def test_a_subset_says_so():
    some = images()
    few = some.subset([4, 2])
    assert np.array_equal(few.x, some.x[[4, 2]])
    assert (few.note, some.subset(3).subset(2).note) == (
        "2 of 9 images",
        "3 of 9 images; 2 of 3 images",
    )


def test_names_that_come_without_files():
    for name, shape in (("digits", (8, 8, 1)), ("synthetic", (32, 32, 3))):
        train, test = data.load(name), data.load(name, "test")
        assert train.x.shape[1:] == test.x.shape[1:] == shape
        assert set(train.y) == set(test.y) == set(range(10))
        assert len(train.classes) == 10
    digits = data.load_digits()
    x, _ = first_epoch(data.load("digits"), None)
    np.testing.assert_allclose(x, digits.x_train, atol=0.01)
    for wrong in ("mnist", "", 7):
        with pytest.raises((ValueError, TypeError), match="name: expected"):
            data.load(wrong)
    with pytest.raises(ValueError, match="'train' or 'test'"):
        data.load("digits", "validation")
