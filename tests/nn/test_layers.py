"""Layers beside convolution and batch norm: what they promise, and what they refuse."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minires as mr
import minires.functional as F
from minires import Tensor, models, nn, optim, use_backend

BACKENDS = ("reference", "cpu", "cuda-sim")


def normal(*shape, seed=0, dtype="float64"):
    return Tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


LAYERS = {
    "GELU(approximate='none')": (lambda: nn.GELU(), (2, 3)),
    "GELU(approximate='tanh')": (lambda: nn.GELU("tanh"), (2, 3)),
    "SiLU()": (lambda: nn.SiLU(), (2, 3)),
    "LeakyReLU(negative_slope=0.2)": (lambda: nn.LeakyReLU(0.2), (2, 3)),
    "LayerNorm((3, 4), eps=1e-05, elementwise_affine=True)": (
        lambda: nn.LayerNorm([3, 4]),
        (2, 3, 4),
    ),
    "GroupNorm(2, 4, eps=1e-05, affine=True)": (lambda: nn.GroupNorm(2, 4), (2, 4, 3, 3)),
    "Dropout2d(p=0.3)": (lambda: nn.Dropout2d(0.3), (2, 3, 4, 4)),
    "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), "
    "output_padding=(1, 1), dilation=(2, 2), groups=2, bias=False)": (
        lambda: nn.ConvTranspose2d(2, 4, 3, 2, 1, 1, 2, False, 2),
        (2, 2, 3, 4),
    ),
    "PixelShuffle(upscale_factor=2)": (lambda: nn.PixelShuffle(2), (2, 4, 3, 3)),
    "PixelUnshuffle(downscale_factor=3)": (lambda: nn.PixelUnshuffle(3), (2, 4, 3, 6)),
    "Upsample(scale_factor=2, mode='nearest')": (lambda: nn.Upsample(None, 2), (2, 3, 4, 4)),
    "Upsample(size=(5, 6), mode='bilinear', align_corners=True)": (
        lambda: nn.Upsample((5, 6), None, "bilinear", True),
        (2, 3, 4, 4),
    ),
}


@pytest.mark.parametrize("text", LAYERS)
def test_text_copies_pickles_and_backends(text):
    build, shape = LAYERS[text]
    layer, x = build(), normal(*shape, dtype="float32")
    assert repr(layer) == text

    def run(layer, backend="cpu"):
        mr.manual_seed(3)
        t = Tensor(x.data, requires_grad=True)
        with use_backend(backend):
            y = layer(t)
            y.backward(np.cos(np.arange(y.size, dtype="f")).reshape(y.shape))
        return y.data, t.grad

    expected = run(layer)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert all(np.array_equal(a, b) for a, b in zip(run(twin), expected, strict=True))
        assert all(p is not q for p, q in zip(twin.parameters(), layer.parameters(), strict=True))
    for backend in ("reference", "cuda-sim"):
        for a, b in zip(run(layer, backend), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
    twin = build().double()
    assert twin(normal(*shape)).dtype == np.float64
    if text.startswith("Dropout2d"):
        assert np.array_equal(layer.eval()(x).data, x.data)


# ---- activations --------------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gates_at_the_ends_of_the_numbers(backend, dtype):
    big = np.finfo(dtype).max
    x = Tensor(np.array([big, -big, 1e30, -1e30, 0, np.nan, 88, -88], dtype), requires_grad=True)
    for f in (F.gelu, F.silu, lambda x: F.gelu(x, "tanh")):
        x.grad = None
        with use_backend(backend):
            y = f(x)
            y.backward(np.ones(8, dtype))
        np.testing.assert_allclose(
            y.data, np.array([big, 0, 1e30, 0, 0, np.nan, 88, 0], dtype), atol=1e-35
        )
        np.testing.assert_allclose(x.grad, [1, 0, 1, 0, 0.5, np.nan, 1, 0], atol=1e-35)


def test_the_two_gelus_differ_by_less_than_said():
    x = Tensor(np.linspace(-6, 6, 20001))
    difference = np.abs(F.gelu(x).data - F.gelu(x, "tanh").data).max()
    assert 0.0004 < difference < 0.0005


@pytest.mark.parametrize("name", ["gelu", "silu", "relu"])
def test_the_gain_keeps_the_scale(name):
    z = normal(2_000_000, seed=1)
    scale = np.sqrt((getattr(F, name)(z).data ** 2).mean())
    assert nn.init.calculate_gain(name) * scale == pytest.approx(1, rel=2e-3)


@pytest.mark.parametrize("name", ["gelu", "silu", "leaky_relu"])
def test_models_take_them_as_activation(name):
    net = models.resnet(8, width=2, activation=name, seed=0)
    loss = F.cross_entropy(net(normal(2, 3, 8, 8, dtype="float32")), np.array([1, 2]))
    loss.backward()
    assert all(np.isfinite(p.grad).all() for p in net.parameters())


# ---- normalisation ------------------------------------------------------------------------------
@given(
    groups=st.integers(1, 3),
    each=st.integers(1, 3),
    h=st.integers(1, 4),
    shift=st.floats(-100, 100),
    scale=st.floats(0.1, 100),
)
def test_group_norm_forgets_shift_and_scale_of_each_group(groups, each, h, shift, scale):
    x = normal(2, groups * each, h, 3)
    plain = F.group_norm(x, groups, eps=1e-12).data
    by_group = plain.reshape(2, groups, -1)
    np.testing.assert_allclose(by_group.mean(-1), 0, atol=1e-9)
    np.testing.assert_allclose(by_group.std(-1), 1, rtol=1e-6)
    moved = F.group_norm(Tensor(x.data * scale + shift), groups, eps=1e-12).data
    np.testing.assert_allclose(moved, plain, atol=1e-6)


def test_layer_norm_is_group_norm_of_one_group():
    x = normal(3, 4, 5, 2)
    one = F.group_norm(x, 1).data
    np.testing.assert_allclose(F.layer_norm(x, (4, 5, 2)).data, one, rtol=1e-10, atol=1e-12)
    instance = F.group_norm(x, 4).data
    np.testing.assert_allclose(F.layer_norm(x, (5, 2)).data, instance, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_norms_survive_a_large_mean(offset):
    """float32 sums of squares would lose the variance altogether."""
    x = (offset + np.random.default_rng(0).standard_normal((4, 8, 6, 6))).astype(np.float32)
    for f in (lambda x: F.group_norm(x, 2), lambda x: F.layer_norm(x, (8, 6, 6))):
        exact = f(Tensor(x.astype(np.float64))).data
        np.testing.assert_allclose(f(Tensor(x)).data, exact, atol=2e-3 if offset else 1e-5)


# ---- dropout2d ----------------------------------------------------------------------------------
def test_dropout2d_drops_whole_channels():
    mr.manual_seed(0)
    x = Tensor(np.ones((200, 50, 2, 3), np.float32), requires_grad=True)
    y = F.dropout2d(x, 0.25)
    per_channel = y.data.reshape(200, 50, 6)
    assert (per_channel == per_channel[..., :1]).all()
    assert set(np.unique(y.data)) == {0, np.float32(4 / 3)}
    assert (per_channel[..., 0] == 0).mean() == pytest.approx(0.25, abs=0.02)
    y.sum().backward()
    assert np.array_equal(x.grad, y.data)
    assert F.dropout2d(x, 0.25, training=False) is x


# ---- larger and smaller images ------------------------------------------------------------------
@given(
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    window=st.integers(1, 3),
    extra=st.integers(0, 2),
    groups=st.integers(1, 2),
    backend=st.sampled_from(["reference", "cpu"]),
)
def test_transposed_convolution_is_the_adjoint(
    stride, padding, dilation, window, extra, groups, backend
):
    """<conv(z), x> = <z, conv_transpose(x)> for all z and x."""
    size = 3 * stride + dilation * (window - 1) + 1 - 2 * padding + min(extra, stride - 1)
    if size < 1:
        return
    w = normal(4, 3, window, window, seed=1)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    z = normal(2, 3 * groups, size, size, seed=2)
    with use_backend(backend):
        y = F.conv2d(z, w, **options)
        x = normal(*y.shape, seed=3)
        back = F.conv_transpose2d(x, w, output_padding=min(extra, stride - 1), **options)
    assert back.shape == z.shape
    assert (back.data * z.data).sum() == pytest.approx((x.data * y.data).sum(), rel=1e-9, abs=1e-9)


@given(r=st.integers(1, 3), c=st.integers(1, 3), h=st.integers(1, 3), w=st.integers(1, 3))
def test_unshuffle_undoes_shuffle(r, c, h, w):
    x = normal(2, c * r * r, h, w)
    y = F.pixel_shuffle(x, r)
    assert y.shape == (2, c, h * r, w * r)
    assert np.array_equal(F.pixel_unshuffle(y, r).data, x.data)
    assert y.data[1, c - 1, h * r - 1, 0] == x.data[1, (c - 1) * r * r + r * (r - 1), h - 1, 0]


@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.tuples(st.integers(1, 13), st.integers(1, 13)),
    way=st.sampled_from([("nearest", None), ("bilinear", False), ("bilinear", True)]),
)
def test_resizing_keeps_constants_and_stays_within_limits(shape, size, way):
    mode, corners = way
    x = normal(2, 3, *shape)
    y = F.interpolate(x, size, mode=mode, align_corners=corners).data
    assert y.shape == (2, 3, *size)
    assert y.min() >= x.data.min() - 1e-12
    assert y.max() <= x.data.max() + 1e-12
    same = F.interpolate(Tensor(np.full((1, 1, *shape), 0.1)), size, mode=mode)
    np.testing.assert_allclose(same.data, 0.1, rtol=1e-15)
    if size == shape:
        np.testing.assert_allclose(y, x.data, rtol=1e-12, atol=1e-15)
    if corners:  # the corners are the corners'
        for i, j in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
            if min(size) > 1:
                np.testing.assert_allclose(y[..., i, j], x.data[..., i, j], rtol=1e-10)


def test_a_ramp_stays_a_ramp():
    x = Tensor(np.arange(5.0).reshape(1, 1, 1, 5) * np.ones((1, 1, 4, 1)))
    y = F.interpolate(x, scale_factor=2, mode="bilinear").data[0, 0]
    np.testing.assert_allclose(y[3], [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4])
    y = F.interpolate(x, (7, 9), mode="bilinear", align_corners=True).data[0, 0]
    np.testing.assert_allclose(y[3], np.linspace(0, 4, 9))
    y = F.interpolate(x, (4, 10)).data[0, 0]
    assert np.array_equal(y[0], np.repeat(np.arange(5), 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_resizing_takes_the_pixels_that_pytorch_takes(dtype):
    def line(n, **options):
        x = Tensor(np.arange(n, dtype=dtype).reshape(1, 1, 1, n))
        return F.interpolate(x, **options).data[0, 0, 0].tolist()

    # Places are computed in float32, where 10 · 0.7 is 7; with float32's 0.7 alone it is less.
    assert line(14, size=(1, 20))[9:12] == [6, 7, 7]
    assert line(26, size=(1, 22))[11] == 12  # 13 in float64
    assert line(5, scale_factor=(1, 1.7)) == [0, 0, 1, 1, 2, 2, 3, 4]
    assert line(2, scale_factor=(1, 2.2)) == [0, 0, 1, 1]  # twice as many: not ⌊i / 2.2⌋
    assert line(4, scale_factor=(1, 1.2), mode="bilinear") == [0, 1, 2, 3]  # as many: no change
    expected = [0, 1 / 2, 7 / 6, 11 / 6]  # 1 / 1.5 apart, not 3 / 4
    found = line(3, scale_factor=(1, 1.5), mode="bilinear")
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_nan_stays_where_it_is(mode):
    x = np.zeros((1, 1, 6, 6))
    x[0, 0, 0, 0] = np.nan
    y = F.interpolate(Tensor(x), scale_factor=2, mode=mode).data[0, 0]
    assert np.isnan(y[0, 0])
    assert np.isfinite(y[3:]).all()
    assert np.isfinite(y[:, 3:]).all()


# ---- what is refused ----------------------------------------------------------------------------
IMAGE = (2, 4, 5, 5)
REFUSED = [
    (lambda x: F.gelu(x, "sigmoid"), ValueError, "'none' or 'tanh', got 'sigmoid'"),
    (lambda x: nn.GELU("fast"), ValueError, "'none' or 'tanh'"),
    (lambda x: F.gelu(x.data), TypeError, "expected a Tensor, got ndarray"),
    (lambda x: F.silu(Tensor(np.arange(3))), TypeError, "floating"),
    (lambda x: F.leaky_relu(x, np.nan), ValueError, "negative_slope"),
    (lambda x: F.leaky_relu(Tensor(np.arange(3))), TypeError, "leaky_relu"),
    (lambda x: nn.LeakyReLU("steep"), TypeError, "negative_slope"),
    (lambda x: F.layer_norm(x, (4, 5)), ValueError, r"expected x of shape \(…, 4, 5\), got"),
    (lambda x: F.layer_norm(x, ()), ValueError, "layer_norm"),
    (lambda x: F.layer_norm(x, 5.0), TypeError, "normalized_shape: expected an integer"),
    (lambda x: nn.LayerNorm([]), ValueError, "at least one dimension"),
    (lambda x: nn.LayerNorm(0), ValueError, "normalized_shape: expected at least 1"),
    (lambda x: nn.LayerNorm(5)(x), TypeError, "float64 but weight is float32"),
    (lambda x: F.layer_norm(x, 5, normal(4)), ValueError, r"weight: expected shape \(5,\)"),
    (lambda x: F.layer_norm(x, 5, eps=-1), ValueError, "eps"),
    (lambda x: F.group_norm(x, 3), ValueError, "num_groups = 3 must divide C = 4"),
    (lambda x: F.group_norm(x, 0), ValueError, "num_groups"),
    (lambda x: F.group_norm(Tensor(np.zeros(3)), 1), ValueError, r"\(N, C, …\)"),
    (lambda x: nn.GroupNorm(3, 4), ValueError, "must divide num_channels = 4"),
    (lambda x: nn.GroupNorm(3, 6)(x), ValueError, "with C = 6, got"),
    (lambda x: F.dropout2d(normal(3, 4)), ValueError, r"dropout2d: expected shape \(N, C, H, W\)"),
    (lambda x: F.dropout2d(x, 1.0), ValueError, "dropout2d: expected 0 <= p < 1, got 1"),
    (lambda x: nn.Dropout2d(-0.1), ValueError, "p: expected 0 <= p < 1"),
    (lambda x: F.conv_transpose2d(x, normal(3, 2, 3, 3)), ValueError, "x has C = 4 .* w C = 3"),
    (lambda x: F.conv_transpose2d(x, normal(4, 2, 3, 3), groups=3), ValueError, "groups = 3"),
    (lambda x: F.conv_transpose2d(x, normal(4, 3, 3)), ValueError, "w: expected shape"),
    (lambda x: F.conv_transpose2d(x, normal(4, 2, 3, 3), normal(3)), ValueError, "b: expected"),
    (
        lambda x: F.conv_transpose2d(x, normal(4, 2, 3, 3), None, 2, 0, 2),
        ValueError,
        "output_padding: expected less than the stride",
    ),
    (lambda x: F.conv_transpose2d(x, normal(4, 2, 1, 1), None, 1, 3), ValueError, "leaves"),
    (lambda x: F.conv_transpose2d(x, normal(4, 2, 3, 3), None, 10**6), ValueError, "too"),
    (
        lambda x: F.conv_transpose2d(x, normal(4, 2, 3, 3, dtype="float32")),
        TypeError,
        "x is float64 but w is float32",
    ),
    (lambda x: nn.ConvTranspose2d(4, 6, 3, groups=4), ValueError, "groups = 4 must divide"),
    (lambda x: nn.ConvTranspose2d(4, 6, 3, output_padding=1), ValueError, "output_padding"),
    (lambda x: nn.ConvTranspose2d(4, 6, 0), ValueError, "kernel_size"),
    (lambda x: F.pixel_shuffle(x, 3), ValueError, "must be a multiple of 3² = 9"),
    (lambda x: F.pixel_shuffle(x, 1.5), TypeError, "upscale_factor: expected an integer"),
    (lambda x: F.pixel_shuffle(normal(4, 4), 2), ValueError, r"expected shape \(N, C, H, W\)"),
    (lambda x: F.pixel_unshuffle(x, 2), ValueError, "must be multiples of 2"),
    (lambda x: nn.PixelShuffle(0), ValueError, "upscale_factor: expected at least 1"),
    (lambda x: F.interpolate(x), ValueError, "either size or scale_factor"),
    (lambda x: F.interpolate(x, 2, 2), ValueError, "either size or scale_factor"),
    (lambda x: F.interpolate(x, 2, mode="bicubic"), ValueError, "'nearest' or 'bilinear'"),
    (lambda x: F.interpolate(x, 2, align_corners=True), ValueError, "leave it out"),
    (lambda x: F.interpolate(x, 0), ValueError, "size: expected at least 1"),
    (lambda x: F.interpolate(x, (2, 3, 4)), ValueError, "size: expected one integer or two"),
    (lambda x: F.interpolate(x, scale_factor=0.1), ValueError, "leaves .* pixels"),
    (lambda x: F.interpolate(x, scale_factor=np.inf), ValueError, "scale_factor"),
    (lambda x: F.interpolate(x, scale_factor=(1, 2, 3)), ValueError, "one number or two"),
    (lambda x: F.interpolate(x, 10**6), ValueError, "too large"),
    (
        lambda x: F.interpolate(x, 3, mode="bilinear", align_corners="yes"),
        TypeError,
        "align_corners: expected True or False",
    ),
    (lambda x: F.interpolate(normal(2, 0, 3, 3), 2), ValueError, "without zeros"),
    (lambda x: F.interpolate(Tensor(np.zeros(IMAGE, int)), 2), TypeError, "floating"),
    (lambda x: nn.Upsample(), ValueError, "either size or scale_factor"),
    (lambda x: nn.Upsample(2, mode="cubic"), ValueError, "'nearest' or 'bilinear'"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED, ids=map(str, range(len(REFUSED))))
def test_refusals_say_what_came(call, error, message):
    with pytest.raises(error, match=message):
        call(normal(*IMAGE))


def test_new_norms_are_left_out_of_weight_decay():
    net = nn.Sequential(nn.ConvTranspose2d(2, 2, 3), nn.LayerNorm((2, 3, 3)), nn.GroupNorm(1, 2))
    decayed, others = optim.groups(net, 0.1)
    assert [p.shape for p in decayed["params"]] == [(2, 2, 3, 3)]
    assert len(others["params"]) == 5
