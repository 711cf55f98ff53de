"""`minires train`, `evaluate` and `predict`, as one types them."""

import io
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from minires import data
from minires.__main__ import main
from minires.cli import predict
from minires.train.console import Console, duration
from minires.train.listener import Progress
from minires.train.metrics import Metrics, Row
from minires.train.page import Page, render
from minires.train.recipe import RECIPES

TRAIN = ["train", "--data", "digits", "--option", "width=2", "--iterations", "24", "--lr", "0.05"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "out"
    assert main([*TRAIN, "--out", str(folder), "--watch", "--quiet"]) == 0
    return folder


def test_train_says_what_came_out(out, capsys):
    capsys.readouterr()
    assert main([*TRAIN, "--out", str(out)]) == 2
    assert "holds a finished run (resnet20)" in capsys.readouterr().err
    assert main(["train", "--resume", "--out", str(out), "--json"]) == 0
    found = capsys.readouterr()
    document = json.loads(found.out)
    assert document["iteration"] == 24
    assert document["recipe"]["crop"] == "none"  # a mirrored digit is another
    assert document["origin"]["data"] == "digits"
    assert "24 iterations (2.182 epochs) from iteration 24" in found.err
    assert "it had finished: its results are written anew" in found.err


def test_train_tells_what_it_scales_and_what_it_leaves_out(tmp_path, capsys):
    arguments = ["--iterations", "4", "--seed", "1", "--out", str(tmp_path)]
    assert main(["train", "--data", "digits", "--option", "width=2", *arguments]) == 0
    found = capsys.readouterr()
    assert "the rate is cut at 2, 3 iterations: milestones scale with the length" in found.err
    assert "digits: no augmentation" in found.err
    assert "training error" in found.out
    assert "test error" in found.out
    assert "of 297 images" in found.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "resnet21"], "no net is called 'resnet21'"),
        (["--model", "vdsr"], "--model vdsr: this net does not classify images"),
        (["--option", "wdth=2"], "wdth"),
        (["--option", "width"], "expected KEY=VALUE"),
        (["--option", "num_classes=3"], "leave it out, the data decides it"),
        (["--out", ""], "--out: name a folder"),
        (["--recipe", "he"], "there are he2015"),
        (["--data", "mnist"], "expected one of cifar10"),
        (["--set", "rate=1"], "a recipe has no rate"),
        (["--set", "ema=2"], "ema: expected"),
        (["--set", "nesterov=no"], "nesterov: expected True or False, got 'no'"),
        (["--epochs", "1", "--minutes", "1"], "not allowed with"),
        (["--epochs", "-1"], "expected a positive number"),
        (["--checkpoint-every", "5x"], "expected iterations"),
        (["--resume"], "start without --resume"),
        (["--resume", "--force"], "give one of them"),
    ],
)
def test_wrong_calls_are_told(tmp_path, capsys, arguments, words):
    call = ["train", "--out", str(tmp_path), *arguments]
    if "--data" not in arguments:
        call += ["--data", "digits"]
    try:
        code = main(call)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert words in capsys.readouterr().err


def test_evaluate(out, capsys):
    assert main(["evaluate", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    document = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert found["error"] == document["test_error"]
    assert np.array(found["confusion"]).sum() == 297
    assert main(["evaluate", str(out / "model.safetensors"), "--flip"]) == 0
    text = capsys.readouterr().out
    assert "logits averaged over the image and its mirror image" in text
    assert "true class" in text
    assert main(["evaluate", str(out), "--data", "synthetic"]) == 2
    assert "takes images of (8, 8, 1)" in capsys.readouterr().err
    assert main(["evaluate", str(out / "no")]) == 2


def test_a_net_of_a_folder_is_evaluated_on_that_folder(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for i in range(10):
            pixels = rng.integers(0, 255, (12, 16, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{i}.png")
    out = str(tmp_path / "out")
    call = ["--data", f"folder:{tmp_path / 'pets'}", "--size", "8", "--batch-size", "8", "--quiet"]
    assert main(["train", *call, "--option", "width=2", "--iterations", "2", "--out", out]) == 0
    assert main(["evaluate", out]) == 0
    assert "of 4 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"options": '{"width": 30000}'}, "more weights than the file"),
        ({"options": '{"weights": "cifar10", "width": 1}'}, "shape"),
        ({"options": "[1]"}, "incomplete"),
        ({"options": '{"seed": 1, "wdth": 1}'}, "takes no option 'wdth'"),
        ({"model": "resnet1202"}, "more weights than the file|lacks|missing"),
        ({"model": "no"}, "no net is called"),
        ({"shape": "[1000000, 1000000, 1]"}, "incomplete.*sizes of an image"),
        ({"shape": "[8, 9, 3]"}, "incomplete"),
        ({"normalise": '{"mean": [NaN], "std": [1]}'}, "incomplete"),
        ({"classes": "7"}, "incomplete"),
        ({"kind": "minires checkpoint"}, "holds minires checkpoint"),
        ({"source": "[", "data": "no"}, "name: expected one of cifar10"),
    ],
)
def test_a_file_that_lies_about_its_net_is_refused(out, tmp_path, capsys, changes, words):
    from minires import weights

    file = out / "model.safetensors"
    path = weights.save(
        tmp_path / "m.safetensors", weights.load(file), weights.metadata(file) | changes
    )
    assert main(["evaluate", str(path)]) == 2
    said = capsys.readouterr().err
    assert re.search(words, said), said
    assert str(path) in said or "source" in changes


def test_a_trained_net_is_converted_with_its_channels_and_classes(out, tmp_path, capsys):
    call = ["convert", str(out / "model.safetensors"), str(tmp_path / "w.npz")]
    assert main([*call, "--model", "resnet20"]) == 0
    assert "fits resnet20" in capsys.readouterr().out
    assert main([*call, "--model", "plain20", "--force"]) == 2


def test_labels_of_a_file_do_nothing_to_the_terminal(capsys):
    labels = [{"label": "\x1b]0;cat\x07\n", "probability": 1.0}]
    predict._show("a.png", np.zeros((2, 2, 3), np.uint8), labels, picture=False)
    assert capsys.readouterr().out == "a.png: ?]0;cat?? 100.0 %\n"


@pytest.fixture
def pictures(tmp_path):
    test = data.load("digits", "test")
    for i in range(2):
        Image.fromarray(test.x[i, :, :, 0]).resize((80, 80), 0).save(tmp_path / f"{i}.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "0.png").read_bytes()[:60])
    (tmp_path / "text.png").write_text("no image", encoding="utf-8")
    return tmp_path


def test_predict(out, pictures, capsys):
    good = [str(pictures / f"{i}.png") for i in range(2)]
    assert main(["predict", *good, "--weights", str(out), "--json", "--top", "10"]) == 0
    found = json.loads(capsys.readouterr().out)
    for entry in found:
        p = [label["probability"] for label in entry["labels"]]
        assert sum(p) == pytest.approx(1)
        assert p == sorted(p, reverse=True)
    bad = [str(pictures / name) for name in ("cut.png", "text.png", "none.png")] + [str(pictures)]
    assert main(["predict", bad[0], good[0], *bad[1:], "--weights", str(out)]) == 1
    captured = capsys.readouterr()
    assert f"{good[0]}: " in captured.out
    assert "\x1b" not in captured.out  # no terminal, no picture
    for path, words in zip(
        bad, ("broken (", "no PNG or JPEG image", "there is no file", "is a folder"), strict=True
    ):
        line = next(line for line in captured.err.splitlines() if path in line and words in line)
        assert line.startswith("minires: ")
    assert main(["predict", good[0], "--weights", "resnet20:nothing"]) == 2
    assert "no weights 'nothing' of resnet20" in capsys.readouterr().err


def test_an_image_is_cropped_to_the_nets_ratio(tmp_path):
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200  # the central square
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert (predict.read_image(tmp_path / "wide.png", (10, 10, 3)) == 200).all()
    huge = Image.new("1", (10_000, 10_000))
    huge.save(tmp_path / "huge.png")
    with pytest.raises(ValueError, match="more than 89,478,485 pixels"):
        predict.read_image(tmp_path / "huge.png", (10, 10, 3))


def test_an_image_is_read_as_it_was_for_training(tmp_path):
    """16-bit grey keeps its shades, what is clear is white; only PNG and JPEG are opened."""
    Image.fromarray(np.full((4, 4), 0x8000, np.uint16)).save(tmp_path / "deep.png")
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    for channels in (1, 3):
        assert (predict.read_image(tmp_path / "deep.png", (4, 4, channels)) == 128).all()
        assert (predict.read_image(tmp_path / "clear.png", (4, 4, channels)) == 255).all()
    (tmp_path / "page.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(ValueError, match="no PNG or JPEG image"):
        predict.read_image(tmp_path / "page.png", (4, 4, 3))


def test_a_picture_of_half_blocks():
    x = np.zeros((4, 2, 3), np.uint8)
    x[0, 0] = (1, 2, 3)
    x[1, 0] = (4, 5, 6)
    lines = predict.blocks(x).split("\n")
    assert len(lines) == 2
    assert lines[0].startswith("\x1b[38;2;1;2;3;48;2;4;5;6m▀")
    assert all(line.endswith("\x1b[0m") for line in lines)


def progress():
    metrics = Metrics(10)
    for i in range(10):
        metrics.add(2.0 - i / 10, 5, 10)
    rows = [("epoch", 0.5, None), ("test", None, 0.25), ("epoch", 0.4, None)]
    for i, (kind, train, test) in enumerate(rows, start=1):
        row = Row(kind, 5 * i, i / 2, 0.1, train_error=train, test_error=test)
        metrics.rows.append(row)
    found = Progress("<net>", "tiny", "a & b", RECIPES["he2015"], metrics, 10, 20, 15, 0.1, 0.75)
    found.seconds, found.images_per_second, found.eta = 30.0, 1234.0, 10.0
    return found


def test_the_page_follows_by_itself(tmp_path):
    page = render(progress(), "running")
    assert '<meta http-equiv="refresh" content="5">' in page
    assert "http-equiv" not in render(progress(), "finished")
    assert "://" not in page  # nothing is fetched
    assert "<svg" in page
    assert "&lt;net&gt; errs on 25.00 % of the test images" in page
    assert "a &amp; b" in page
    assert page.count("<polyline") == 2
    ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    Page(tmp_path).begin(progress())
    assert (tmp_path / "watch.html").read_text(encoding="utf-8") == page


def test_the_curves_say_what_they_show(out):
    picture = (out / "curves.svg").read_text(encoding="utf-8")
    assert "resnet20 errs on" in picture
    assert "digits; one run. Training: the batches as they ran, an epoch for a point" in picture
    assert "rate × 0.1" in picture
    with Image.open(out / "curves.png") as image:
        assert image.width > 900


def test_the_page_of_a_run_is_at_its_end(out):
    page = (out / "watch.html").read_text(encoding="utf-8")
    assert "http-equiv" not in page
    assert "finished" in page


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_in_a_terminal_and_in_a_pipe(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for stream, lines in ((Terminal(), True), (io.StringIO(), False)):
        console = Console(stream)
        console.begin(progress())
        console._last = 0.0
        console.step(progress())
        text = stream.getvalue()
        assert text.startswith(
            "<net> on tiny (a & b): 20 iterations (2 epochs) from iteration 15\n"
        )
        assert ("kernels that were never used here are compiled" in text) is lines
        assert ("\r\x1b[K" in text) is lines
        assert ("error 50.0 %" in text) is lines
        assert ("ETA 10 s" in text) is lines
        console.row(progress(), Row("test", 15, 1.5, 0.1, test_error=0.25))
        assert stream.getvalue().endswith("test error 25.00 %\n")
        console.row(progress(), Row("epoch", 15, 1.5, 0.1, train_error=0.25))
        assert stream.getvalue().endswith("test error 25.00 %\n")


def test_durations():
    assert [duration(s) for s in (0, 59.4, 60, 3599, 3601)] == [
        *("0 s", "59 s", "1:00", "59:59", "1:00:01")
    ]
