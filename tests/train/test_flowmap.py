"""The live map of gradient flow: as numbers, on the page, in a terminal, as a figure."""

import base64
import io
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from minires.__main__ import main
from minires.experiments import heat
from minires.train import flowmap_figure, flowmap_page
from minires.train.flowmap import QUANTITIES, FlowMap, colours
from minires.train.flowmap_terminal import MapConsole, colour_depth, draw
from minires.train.listener import Progress
from minires.train.metrics import Metrics
from minires.train.page import render
from minires.train.recipe import RECIPES
from minires.train.run import Run

NAMES = ["conv1", *(f"layer1.{i}" for i in range(5)), *(f"layer2.{i}" for i in range(5)), "fc"]


def records(steps=6, change=None):
    """Return rows of 12 layers whose gradient loses a decade a layer, but for `change`."""
    found = []
    for step in range(steps):
        for i, name in enumerate(NAMES):
            dx = 10.0 ** (i - 11)
            row = {"step": 10 * step, "loss": 1.0, "index": i, "name": name, "stream": i != 3}
            row |= {"forward_rms": 1.0, "w_norm": 2.0, "dw_norm": 0.2, "update_ratio": None}
            found.append(row | {"dx_norm": (change or {}).get((step, i), dx)})
    return found


def progress(rows=None, **changes):
    found = Progress("<net>", "tiny", "", RECIPES["he2015"], Metrics(10), 10, 60, 55, 0.1, 0.9)
    found.records = records(**changes) if rows is None else rows
    return found


def flow(**changes):
    found = FlowMap()
    assert found.take(records(**changes))
    return found


def test_values_stages_and_scale():
    found = flow(change={(2, 0): 0.0, (3, 0): math.inf, (3, 1): math.nan}).map("dx")
    assert found.values.shape == (11, 6)  # layer 4 is inside a branch
    assert found.rows[2:4] == [(3, 3), (5, 5)]
    assert found.values[:, 0] == pytest.approx([i - 11 for i in range(12) if i != 3])
    assert found.values[0, 2] == -math.inf
    assert np.argwhere(np.isnan(found.values)).tolist() == [[0, 3], [1, 3]]
    assert (found.low, found.high) == (-11, 0)
    assert found.stages == [(0, "conv1"), (1, "layer1"), (5, "layer2"), (10, "fc")]
    assert flow().map("dw").values == pytest.approx(np.full((12, 6), -1))  # all layers
    assert flow().map("update") is None
    assert FlowMap().map("dx") is None


def test_neighbours_are_joined_by_geometric_means_and_one_that_is_not_finite_shows():
    found = flow(steps=5, change={(4, 2): math.nan}).map("dx", rows=6, columns=3)
    assert found.columns == [(0, 10), (20, 30), (40, 40)]
    assert found.rows[:2] == [(1, 2), (3, 5)]
    assert found.values[0] == pytest.approx([-10.5] * 3)
    assert found.values[1, :2] == pytest.approx([-8, -8])
    assert np.isnan(found.values[1, 2])


def test_taking_records_as_they_come_is_taking_them_at_once():
    rows, bit = records(), FlowMap()
    assert [bit.take(rows[:end]) for end in (12, 12, 36, 72)] == [True, False, True, True]
    assert np.array_equal(bit.map("dx").values, flow().map("dx").values)


def test_the_page_shows_four_maps_hatched_where_nothing_is_finite():
    bad = {(2, 0): 0.0, (3, 0): math.nan}
    page = render(progress(), "running", flow(change=bad))
    assert "://" not in page
    assert re.findall(r'<figure id="map-(\w+)"', page) == ["dx", "dw", "x"]  # no update here
    section = flowmap_page.section(flow(change=bad), progress(), "diverged")
    svgs = re.findall(r"<svg.*?</svg>", section, re.DOTALL)
    svg = ElementTree.fromstring(svgs[0])
    assert "At step 50 the first layer has 1e-11, the last 11.0 decades more" in svg.get(
        "aria-label"
    )
    texts = ["".join(t.itertext()) for t in svg.iter("text")]
    assert {"layer1", "layer2", "diverged at 55", "training step", "10-11", "0", "50"} <= set(texts)
    data = base64.b64decode(svg.find("image").get("href").partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    assert pixels.shape == (11, 6, 4)
    assert np.argwhere(pixels[..., 3] == 0).tolist() == [[0, 3]]
    assert pixels[0, 2].tolist() == [0, 0, 0, 255]  # exactly 0
    assert pixels[10, 0, :3].tolist() == colours(np.array(1.0)).tolist() == [253, 231, 37]
    assert "Hatched: not finite, diverged at 55." in section
    assert "small, 10⁻¹¹" in section


def test_few_records_have_all_their_steps():
    section = flowmap_page.section(flow(steps=2), progress(), "running")
    assert section.count(">10</text>") == 3  # of three maps


def test_without_records_the_page_says_how_to_get_them():
    assert "With --record 10 this page also shows gradients" in render(progress([]), "running")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    for name, value in {"COLUMNS": "60", "LINES": "20", "TERM": "xterm", "NO_COLOR": ""}.items():
        monkeypatch.setenv(name, value)


def screen(text, height=60):
    """Return the lines of a screen on which `text` was written."""
    lines, at = [""] * height, 0
    for part in re.findall(r"\x1b\[\d*[AJK]|\x1b\[[\d;]*m|\r|\n|[^\x1b\r\n]+", text):
        if part == "\n":
            at += 1
        elif part.endswith("A") and part[0] == "\x1b":
            at -= int(part[2:-1])
        elif part == "\x1b[J":
            lines[at:] = [""] * (height - at)
        elif part == "\x1b[K":
            lines[at] = ""
        elif part[0] not in "\x1b\r":
            lines[at] += part
    return [line for line in lines if line]


def test_a_terminal_is_redrawn_in_place_and_keeps_what_is_said(terminal):
    stream = Terminal()
    console = MapConsole("dx", stream)
    for _ in range(3):
        console._last = -10.0
        console.step(progress())
    first = screen(stream.getvalue())
    assert len(first) == 6 + 4  # 11 layers in halves of lines; title, steps, scale, progress
    assert all(len(line) < 60 for line in first)
    assert first[0].startswith("gradient ‖∂L/∂x‖, layer by layer")
    assert "it 55/60" in first[-1]
    console.say("the disk is full")
    console._last = -10.0
    console.step(progress())
    assert screen(stream.getvalue()) == ["the disk is full", *first]
    net = RECIPES["he2015"]
    console.end(progress(), Run(None, net, None, "diverged", 55, 60, 1.0, []))
    last = screen(stream.getvalue())
    assert "diverged at 55" in last[-3]
    assert last[2].endswith("////")


def test_a_pipe_gets_no_map_and_no_codes(terminal):
    stream = io.StringIO()
    console = MapConsole("dx", stream)
    console._last = -10.0
    console.step(progress())
    console.end(progress(), Run(None, RECIPES["he2015"], None, "finished", 60, 60, 1.0, []))
    assert stream.getvalue() == ""


def test_letters_where_there_are_no_colours():
    assert colour_depth({"TERM": "xterm", "COLORTERM": "truecolor"}, "utf-8") == 24
    assert colour_depth({"TERM": "xterm"}, "utf-8") == 8
    assert colour_depth({"TERM": "xterm", "NO_COLOR": "1"}, "utf-8") == 0
    assert colour_depth({"TERM": "xterm"}, "ascii") == 0
    bad = {(2, 0): 0.0, (3, 0): math.nan}
    lines = draw(flow(change=bad), "dx", 33, 20, 0)
    assert (
        lines[1] == f"{'conv1':>8} " + "   " * 2 + "0000"[:3] + "///" + "   " * 2 or "0" in lines[1]
    )
    assert lines[11].split()[-1] == "@" * len(lines[11].split()[-1])
    assert "".join(lines[1:12]).isascii()
    assert draw(flow(), "dx", 12, 20, 0) == draw(flow(), "dx", 60, 5, 0) == []  # too small


def test_the_figure_says_what_the_gradient_loses():
    files = flowmap_figure.render(progress(change={(5, 0): 1e-3}), "diverged")
    assert sorted(files) == ["flow-heatmap.png", "flow-heatmap.svg"]
    text = files["flow-heatmap.svg"].decode()
    words = ("11 decades lost at step 0", "3.0 decades", "layer1", "layer2", "diverged at")
    for word in words:
        assert word in text
    assert flowmap_figure.render(progress([]), "finished") == {}
    found = flow(steps=2).map("dx")
    figure = heat.of_training(found.values, [0, 10], found.stages, "said", "", "diverged at 15")
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["0", "10"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--watch", "terminal"], "--watch terminal: shows what is recorded; add --record N"),
        (["--watch", "--record", "5", "--show", "dw"], "--show is for --watch terminal"),
        (["--watch", "terminal", "--record", "5", "--quiet"], "--quiet does not: give one"),
    ],
)
def test_options_that_do_nothing_are_refused(arguments, words, tmp_path, capsys):
    assert main(["train", "--data", "digits", "--out", str(tmp_path / "out"), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_the_command_offers_what_there_is():
    from minires.cli.train_options import SHOWN

    assert list(SHOWN) == list(QUANTITIES)
