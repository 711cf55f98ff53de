"""ONNX files: whole nets and single operations against onnxruntime, and what is refused."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models, nn

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install minires[onnx]")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install minires[onnx]")

from family import CASES, build, inputs_for  # noqa: E402

import minires.onnx as mo  # noqa: E402
from minires.onnx.operators import CONVERTERS, SAME  # noqa: E402

SOME = ("resnet20", "resnet20 C", "resnet18 odd", "resnext50_32x4d", "densenet40", "vdsr")
EVERY = [pytest.param(n, marks=[] if n in SOME else [pytest.mark.slow]) for n in CASES]


class Net(nn.Module):
    """A net whose forward is a function of one tensor."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return (
            self.function(x) if self.function.__code__.co_argcount == 1 else self.function(self, x)
        )


def saved(net, path, shape, **options):
    """Write and check a net; `save` itself compares it with onnxruntime."""
    found = mo.save(net, path, shape, **options)
    assert found.difference < 1e-5
    return onnx.load(path)


@pytest.mark.parametrize("name", EVERY)
def test_every_net_of_the_family(name, tmp_path):
    case = CASES[name]
    net = build(case, "float32")
    shape = inputs_for(case).shape[1:]
    assert mo.save(net, tmp_path / "net.onnx", shape).difference < 1e-5
    assert net.training  # as it was


def test_names_shapes_and_metadata(tmp_path):
    net = models.resnet(8, width=4, shortcut="B", seed=0)
    model = saved(net, tmp_path / "a.onnx", (3, 16, 16), metadata={"data": "cifar10"})
    state = net.state_dict()
    weights = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(weights[name], value)
    names = [node.name for node in model.graph.node]
    assert names[:3] == ["conv1/Conv", "bn1/BatchNormalization", "act/Relu"]
    assert "layer2.0.downsample.0/Conv" in names
    assert names[-1] == "fc/Gemm"
    assert len(set(names)) == len(names)
    (x,), (y,) = model.graph.input, model.graph.output
    assert (x.name, y.name) == ("input", "output")
    assert [d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim] == [
        "batch",
        3,
        16,
        16,
    ]
    assert [d.dim_param or d.dim_value for d in y.type.tensor_type.shape.dim] == ["batch", 10]
    assert {p.key: p.value for p in model.metadata_props} == {"data": "cifar10"}
    assert (model.producer_name, model.opset_import[0].version) == ("minires", 17)
    again = mo.save(net, tmp_path / "b.onnx", (3, 16, 16), metadata={"data": "cifar10"}).path
    assert again.read_bytes() == (tmp_path / "a.onnx").read_bytes()


@pytest.mark.parametrize("opset", [13, 18, 21])
def test_opsets_and_a_fixed_batch(opset, tmp_path):
    net = models.resnet(8, width=4)
    model = saved(net, tmp_path / "a.onnx", (3, 8, 8), opset=opset, batch=5)
    assert model.opset_import[0].version == opset
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 5


OPERATIONS = {
    "arithmetic": lambda x: (x + 1) * 2 - x / 3 + (1 - x) * x,
    "unary": lambda x: (-x).exp() + x.abs().sqrt() + x.tanh() + F.sigmoid(x) + (x * x + 1).log(),
    "powers": lambda x: x**2 + 2**x,
    "clip": lambda x: x.clip(-0.5, 0.5) + x.clip(0) + x.clip(max=0.25),
    "constants": lambda x: x * mr.tensor(np.arange(8.0, dtype=np.float32)),
    "reductions": lambda x: x.sum(1) + x.mean((1,), keepdim=True).sum(1) + x.max(1),
    "extremes": lambda x: x.max(3, keepdim=True) - x.min(3, keepdim=True),
    "variance": lambda x: x.var((1, 2, 3)),
    "softmax": lambda x: F.log_softmax(x.flatten(1)),
    "shapes": lambda x: x.permute(0, 2, 3, 1).reshape(x.shape[0], 64, -1).transpose(1, 2),
    "one row of all": lambda x: x.reshape(-1, 8),
    "squeezed": lambda x: x[:, :1].squeeze(1).unsqueeze(-1),
    "slices": lambda x: x[:, 1, ::2, 3:-1] + x[..., -1, 1::2, :4],
    "backwards": lambda x: x[:, ::-1, -2::-3],
    "concat": lambda x: F.concat([x, 2 * x, x[:, :1]], 1),
    "pad": lambda x: F.pad(x, (1, 2, 0, 3), 0.5),
    "matmul": lambda x: x @ x.transpose(2, 3),
    "max pool": lambda x: F.max_pool2d(x, 3, 2, 1, dilation=1),
    "dilated pool": lambda x: F.max_pool2d(x, 2, 1, dilation=2),
    "average pool": lambda x: F.avg_pool2d(x, (3, 2), 2, (1, 0), count_include_pad=False),
    "average of borders": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "adaptive pool": lambda x: F.adaptive_avg_pool2d(x, (3, 2)),
    "global pool": lambda x: F.adaptive_avg_pool2d(x, 1),
    "max pool, ceiled": lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True),
    "add_relu": lambda x: F.add_relu(x, -2 * x),
    "where": lambda x: F.where(np.arange(8) % 2 == 0, x, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name, tmp_path):
    saved(Net(OPERATIONS[name]), tmp_path / "net.onnx", (3, 8, 8))


LAYERS = {
    "grouped": lambda: nn.Conv2d(4, 6, 3, 2, padding=1, groups=2),
    "dilated": lambda: nn.Conv2d(4, 3, (3, 1), padding=(2, 0), dilation=2, bias=False),
    "depthwise": lambda: nn.Conv2d(4, 4, 3, groups=4),
    "without factors": lambda: nn.BatchNorm2d(4, affine=False, eps=1e-3),
    "linear": lambda: nn.Linear(8, 3, bias=False),
    "dropout": lambda: nn.Sequential(nn.Dropout(0.5), nn.Flatten(), nn.Linear(256, 3)),
    "gate": lambda: models.Gate(4),
    "norm, residual": lambda: Net(
        lambda self, x: F.batch_norm_relu(
            x, self.bn.running_mean, self.bn.running_var, self.bn.weight, self.bn.bias, 2 * x
        ),
        bn=nn.BatchNorm2d(4),
    ),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "layer norm": lambda: nn.LayerNorm((8, 8)),
    "activations": lambda: nn.Sequential(nn.GELU(), nn.SiLU(), nn.LeakyReLU(0.2)),
    "GELU by tanh": lambda: nn.GELU("tanh"),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 3, 2, padding=1, output_padding=1, groups=2),
    "pixel shuffle": lambda: nn.Sequential(nn.PixelShuffle(2), nn.PixelUnshuffle(4)),
    "enlarged": lambda: nn.Upsample(scale_factor=2, mode="nearest"),
    "enlarged, bilinear": lambda: nn.Upsample((11, 5), mode="bilinear"),
    "shared": lambda: Net(lambda self, x: self.conv(self.conv(x)), conv=nn.Conv2d(4, 4, 1)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, tmp_path):
    saved(LAYERS[name](), tmp_path / "net.onnx", (4, 8, 8))


def test_float64_stays_float64(tmp_path):
    net = models.mlp_stack(4, 8).double()
    found = mo.save(net, tmp_path / "net.onnx", (8,))
    assert found.difference < 1e-13
    initializer = onnx.load(found.path).graph.initializer[0]
    assert onnx.numpy_helper.to_array(initializer).dtype == np.float64


class Square(mr.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x

    @staticmethod
    def backward(ctx, dy):
        return dy


class ReLU(Square):
    """Not what it is called."""


def of_batch(x):
    return x.reshape(x.shape[0] * 3, -1)[: x.shape[0]]


REFUSED = {
    "a Function of yours": (Square.apply, "Square in part.0 cannot be written in ONNX"),
    "one that is called as ours": (ReLU.apply, "ReLU in part.0 cannot be written in ONNX"),
    "NumPy inside": (lambda x: x * mr.tensor(np.tanh(x.data)), "Mul in part.0: it uses values"),
    "comparisons": (lambda x: F.where(x > 0, x, 0.0), "Where in part.0: it uses values"),
    "chance": (lambda x: F.dropout(x, 0.5), "Mul in part.0: it uses values that depend on"),
    "the batch's size": (lambda x: x * len(x.data), "Mul in part.0: it uses values"),
    "rows by the batch's size": (of_batch, "GetItem in part.0: its options depend"),
    "two sizes by it": (
        lambda x: (x.flatten(1) @ x.flatten(1).T).reshape(1, x.shape[0], x.shape[0]),
        "two sizes of the new shape (1, 2, 2)",
    ),
    "indices": (lambda x: x[:, [0, 2]], "GetItem in part.0: only integers and slices"),
    "statistics of the batch": (
        lambda x: F.batch_norm(x, None, None, training=True),
        "BatchNorm in part.0 takes the statistics of the batch",
    ),
    "several outputs": (lambda x: (x, x), "the net returned tuple; expected one Tensor"),
    "no function of the input": (
        lambda x: mr.tensor(np.ones(3, np.float32)) * 2, "does not depend on its input",
    ),
    "the input itself": (lambda x: x, "does not come from recorded operations"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_refused_with_its_place(name, tmp_path):
    function, told = REFUSED[name]
    net = Net(lambda self, x: self.part(x), part=nn.Sequential(Net(lambda x: function(x))))
    with pytest.raises(ValueError) as caught:
        mo.save(net, tmp_path / "net.onnx", (3, 8, 8))
    assert told in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_writing_into_the_input_is_refused(tmp_path):
    def forward(x):
        x[:, 0] = 0
        return x + 1

    with pytest.raises(ValueError, match="the net writes into its input"):
        mo.save(Net(forward), tmp_path / "net.onnx", (3, 8, 8))


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"opset": 12}, ValueError, "opset: expected at least 13"),
        ({"opset": 99}, ValueError, "opset: expected 13 to"),
        ({"batch": 0}, ValueError, "batch"),
        ({"batch": "any"}, TypeError, "batch"),
        ({"input_shape": "3x8x8"}, TypeError, "input_shape: expected sizes without the batch"),
        ({"input_shape": (3, 0, 8)}, ValueError, "input_shape"),
        ({"net": "resnet20"}, TypeError, "net: expected a Module, got str"),
    ],
)
def test_wrong_arguments(options, error, told, tmp_path):
    given = {"net": models.resnet(8, width=2), "path": tmp_path / "a", "input_shape": (3, 8, 8)}
    with pytest.raises(error) as caught:
        mo.save(**given | options)
    assert told in str(caught.value)


def test_a_wrong_converter_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setitem(SAME, "ReLU", "Abs")
    with pytest.raises(RuntimeError, match="differs from the net's"):
        mo.save(models.resnet(8, width=2), tmp_path / "a.onnx", (3, 8, 8))


def test_without_the_package_the_command_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r'python -m pip install "minires\[onnx\]"'):
        mo.save(models.resnet(8, width=2), tmp_path / "a.onnx", (3, 8, 8))


def test_each_converter_is_of_a_function_that_there_is():
    found, stack = set(), [mr.Function]
    while stack:
        kind = stack.pop()
        stack += kind.__subclasses__()
        found.add(kind.__name__)
    assert {*SAME, *CONVERTERS} - {"Alias"} <= found
