"""The picture of a net: what is in it, for nets of every kind."""

import xml.etree.ElementTree as ElementTree

import pytest

import minires as mr
from minires import models, nn
from minires.__main__ import main
from minires.models.catalogue import ENTRIES
from minires.summary.diagram import CONCAT, SHORTCUT, diagram
from minires.summary.fold import lines_of
from minires.summary.parts import rows_of

SVG = "{http://www.w3.org/2000/svg}"


def drawn(net, shape, **options):
    text = diagram(mr.summary(net, shape, **options))
    root = ElementTree.fromstring(text)
    words = [t.text for t in root.iter(f"{SVG}text")]
    ways = [p.get("stroke") for p in root.iter(f"{SVG}path") if "Q" in p.get("d")]
    return words, ways


def test_a_residual_net():
    words, ways = drawn(models.resnet20(width=4), (3, 16, 16), name="resnet20")
    assert words[0].startswith("resnet20: ")
    assert [w for w in words if w and w.startswith("× ")] == ["× 3", "× 2", "× 2"]
    assert ways == [SHORTCUT] * 5  # folded: 1 + 2 + 2 blocks
    assert words.count("zero-padding") == 2
    for label in ("layer1", "layer2", "layer3", "BasicBlock 0 … 2", "4×16×16", "16×4×4", "3×3 /2"):
        assert label in words


def test_its_plain_twin_has_no_way_around():
    words, ways = drawn(models.plain20(width=4), (3, 16, 16))
    assert ways == []
    assert "no shortcuts" in words
    assert [w for w in words if w and w.startswith("× ")] == ["× 3", "× 2", "× 2"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"shortcut": "B"}, "1×1 /2"),
        ({"shortcut": "C"}, "1×1"),
        ({"shortcut": "gate"}, "zero-padding, Gate"),
        ({"shortcut": "exclusive:-6", "order": "preact"}, "ExclusiveGate"),
        ({"branch_scale": "skipinit"}, "× α"),
        ({"branch_scale": "fixup", "norm": "none"}, "Shift"),
        ({"order": "preact"}, "tail"),
        ({"order": "bn-after-add"}, "BasicBlock 0"),
        ({"order": "relu-before-add"}, "BasicBlock 0"),
    ],
)
def test_variants(options, told):
    words, ways = drawn(models.resnet20(width=4, **options), (3, 16, 16))
    assert told in words
    assert ways == [SHORTCUT] * 5


def test_a_bottleneck_with_projections():
    rows = rows_of(lines_of(mr.summary(models.resnet50(width=4), (3, 32, 32)).layers))
    assert [row.label for row in rows] == ["", "layer1", "layer2", "layer3", "layer4", ""]
    assert [[b.count for b in row.items] for row in rows[1:5]] == [[1, 2], [1, 3], [1, 5], [1, 2]]
    assert [row.items[0].shortcut for row in rows[1:5]] == ["1×1", "1×1 /2", "1×1 /2", "1×1 /2"]
    parts = [part.kind for part in rows[1].items[0].parts]
    assert parts == [*["conv", "norm", "act"] * 2, "conv", "norm", "sum", "act"]


def test_a_dense_net():
    words, ways = drawn(models.build("densenet40", growth=4), (3, 16, 16))
    assert set(ways) == {CONCAT}
    assert any("growing" in w for w in words if w)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))

    def forward(self, x):
        return x + self.body(x)


def test_nets_of_ones_own():
    words, ways = drawn(nn.Sequential(*(Residual() for _ in range(5))), (4,), name="<own> & mine")
    assert words[0].startswith("<own> & mine: ")
    assert ways == [SHORTCUT]
    assert "× 5" in words
    wide = nn.Sequential(*(nn.Linear(i + 1, i + 2) for i in range(40)))
    text = diagram(mr.summary(wide, (1,)))
    width = float(ElementTree.fromstring(text).get("width"))
    assert width < 1400
    for net in (nn.Sequential(), nn.Linear(4, 3), nn.Identity(), nn.Sequential(nn.ReLU())):
        drawn(net, (4,))


def test_svg_of_the_command(tmp_path, capsys):
    file = tmp_path / "deep" / "net.svg"
    assert main(["summary", "plain20", "--option", "width=4", "--svg", str(file)]) == 0
    assert f"wrote {file}" in capsys.readouterr().out
    assert "plain20: " in file.read_text(encoding="utf-8")
    assert main(["summary", "plain20", "--option", "width=4", "--svg", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(e, id=e.name, marks=[pytest.mark.slow] * (e.parameters > 300_000))
        for e in ENTRIES
        if e.macs < 2e9
    ],
)
def test_every_registered_net_fits_a_screen_and_is_drawn(entry):
    found = mr.summary(models.build(entry.name, seed=0), entry.input_shape(), batch=2)
    assert (found.total.parameters, found.total.macs) == (entry.parameters, entry.macs)
    lines = found.text().splitlines()
    assert len(lines) < 52
    assert max(map(len, lines)) <= 100
    picture = ElementTree.fromstring(diagram(found))
    assert float(picture.get("width")) < 1300
    assert float(picture.get("height")) < 1600
