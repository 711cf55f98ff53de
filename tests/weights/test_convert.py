"""`minires convert`: format, names, precision; what it says, what it refuses."""

import numpy as np
import pytest

from minires import models, weights
from minires.__main__ import main
from minires.weights.numbers import narrowed, widened


@pytest.fixture
def net(tmp_path):
    net = models.resnet18(num_classes=3, width=4, seed=0)
    weights.save(tmp_path / "in.safetensors", net, {"data": "x", "a": "1|2"})
    return net


def call(*arguments):
    return main(["convert", *map(str, arguments)])


def test_names_there_and_back(net, tmp_path, capsys):
    source, middle, end = (tmp_path / n for n in ("in.safetensors", "hf.npz", "end.safetensors"))
    assert call(source, middle, "--names", "huggingface") == 0
    printed = capsys.readouterr().out
    assert "names: torchvision → huggingface (122 of 122 changed)" in printed
    assert f"wrote {middle}: npz, 122 arrays (102 of float32, 20 of int64)" in printed
    assert "metadata: a, data" in printed
    assert "resnet.embedder.embedder.convolution.weight" in weights.load(middle)
    assert call(middle, end, "--names", "minires") == 0
    assert end.read_bytes() == source.read_bytes()
    fresh = models.resnet18(num_classes=3, width=4, seed=1)
    weights.load_into(fresh, middle)
    np.testing.assert_array_equal(fresh.fc.weight.data, net.fc.weight.data)


@pytest.mark.parametrize(
    ("dtype", "error"), [("float16", 2**-11), ("bfloat16", 2**-8), ("float32", 0), ("float64", 0)]
)
def test_precision(dtype, error, net, tmp_path, capsys):
    out = tmp_path / "out.safetensors"
    assert call(tmp_path / "in.safetensors", out, "--dtype", dtype) == 0
    found = weights.load(out)
    for name, value in net.state_dict().items():
        if value.dtype == np.float32:
            np.testing.assert_allclose(found[name], value, rtol=error, atol=1e-7, err_msg=name)
        else:
            assert found[name].dtype == value.dtype
    header = out.read_bytes()[:4000]
    names = {"float16": b'"F16"', "bfloat16": b'"BF16"', "float32": b'"F32"', "float64": b'"F64"'}
    assert names[dtype] in header


def test_bfloat16_rounds_to_the_nearest_and_comes_back_exactly(tmp_path):
    x = np.float32([1, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-9, -1 - 2**-8 - 2**-20, 0, -0.0, np.inf,
                    np.nan, 1e-30, 3e38])  # fmt: skip
    weights.save(tmp_path / "x.safetensors", {"x": x})
    assert call(tmp_path / "x.safetensors", tmp_path / "y.safetensors", "--dtype", "bfloat16") == 0
    y = weights.load(tmp_path / "y.safetensors")["x"]
    expected = [1, 1, 1 + 2**-6, 1, -1 - 2**-7, 0, -0.0, np.inf, np.nan]
    np.testing.assert_array_equal(y[:9], np.float32(expected))
    assert np.signbit(y[6])
    np.testing.assert_allclose(y[9:], x[9:], rtol=2**-7)
    nan = np.uint32([0x7F800001, 0x7FFFFFFF, 0xFF800001]).view(np.float32)
    assert np.isnan(widened(narrowed(nan))).all()
    assert call(tmp_path / "y.safetensors", tmp_path / "z.safetensors", "--dtype", "bfloat16") == 0
    assert (tmp_path / "z.safetensors").read_bytes() == (tmp_path / "y.safetensors").read_bytes()


def test_model_and_card(net, tmp_path, capsys):
    source = weights.save(
        tmp_path / "r.safetensors", models.resnet20(width=2),
        {"model": "resnet20", "data": "cifar10", "options": '{"width": 2}', "note": "a|b"},
    )  # fmt: skip
    assert call(source, tmp_path / "o.npz", "--model", "resnet20", "--card") == 0
    assert "fits resnet20: " in capsys.readouterr().out
    card = (tmp_path / "o.md").read_text(encoding="utf-8")
    assert "resnet20, trained on cifar10." in card
    assert "| note | a\\|b |" in card
    before = sorted(tmp_path.iterdir())
    assert call(source, tmp_path / "p.npz", "--model", "resnet32") == 2
    assert "these look like weights of resnet20" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.safetensors", "in.safetensors", "--force"], "is the file to read"),
        (["in.safetensors", "./sub/../in.safetensors", "--force"], "is the file to read"),
        (["in.safetensors", "there.npz"], "there.npz is there already; --force overwrites it"),
        (["in.safetensors", "o.pth"], "expected a name in .safetensors or .npz, got '.pth'"),
        (["in.safetensors", "o.npz", "--dtype", "bfloat16"], "npz has no such numbers"),
        (
            ["big.npz", "o.npz", "--dtype", "float16"],
            "x: 1 numbers are beyond the range of float16",
        ),
        (["in.safetensors", "o.npz", "--names", "akamaster"], "read as 'kuangliu'"),
        (["in.safetensors", "o.npz", "--model", "resnet21"], "resnet20"),
        (["in.safetensors", "o.npz", "--part", "ema"], "a safetensors file has no parts"),
        (["in.safetensors", "sub"], "sub"),
        (["sub", "o.npz"], "sub"),
        (["none.pth", "o.npz"], "none.pth"),
        (["text.pth", "o.npz"], "text.pth: no file of weights"),
    ],
)
def test_refusals_write_nothing(net, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "there.npz").write_bytes(b"")
    (tmp_path / "text.pth").write_bytes(b"hello")
    weights.save("big.npz", {"x": np.float32([1, 1e6])})
    before = sorted(tmp_path.rglob("*"))
    assert call(*arguments) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
