"""Standard streams that are closed, full, without a reader, or unable to say ‖∂L/∂x‖."""

import io
import json
import os
import subprocess
import sys

import pytest

from minires import console
from minires.__main__ import main

MINIRES = f"{sys.executable} -m minires"
SMALL = ("gradflow", "--depths", "8", "--width", "8", "--norm", "none", "--skip", "none")


def shell(script, **variables):
    return subprocess.run(
        ["bash", "-c", script],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("redirection", "code", "message"),
    [
        ("> /dev/full", 2, "standard output: No space left on device"),
        (">&-", 2, "standard output is closed"),
        ("2>&- <&- > /dev/null", 0, ""),
        ("| true; exit ${PIPESTATUS[0]}", 141, ""),
    ],
)
def test_a_stream_that_fails_is_no_traceback(redirection, code, message):
    done = shell(f"{MINIRES} lessons list {redirection}")
    assert done.returncode == code
    assert message in done.stderr
    assert done.stderr.count("\n") == (1 if message else 0)
    assert done.stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        ("--help > /dev/full", 2, "No space left"),
        ("doctor --json > /dev/full", 2, "No space left"),
        ("gradcheck --list > /dev/full", 2, "No space left"),
        ("--help >&- 2>&-", 2, ""),
        ("nonsense 2>/dev/full", 2, ""),
        ("nonsense 2>&-", 2, ""),
        ("gradcheck relu | true; exit ${PIPESTATUS[0]}", 141, ""),
        ("--help | true; exit ${PIPESTATUS[0]}", 141, ""),
        ("lessons list | sleep 0; exit ${PIPESTATUS[0]}", 141, ""),
    ],
)
def test_streams_that_fail_with_and_without_a_buffer(call, code, message, unbuffered):
    done = shell(f"{MINIRES} {call}", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stderr.count("\n") == (1 if message else 0)


def test_an_error_from_elsewhere_is_not_blamed_on_the_output(tmp_path, capsys):
    missing = tmp_path / "missing.cu"
    assert main(["cuda-check", str(missing)]) == 2
    assert "standard output" not in capsys.readouterr().err


@pytest.fixture
def printed(monkeypatch):
    """Run `main` with standard output in an encoding; return what was printed, decoded."""

    def run(encoding, *arguments):
        out = io.TextIOWrapper(io.BytesIO(), encoding, "strict")
        monkeypatch.setattr(sys, "stdout", out)
        assert main(arguments) == 0
        out.flush()
        return out.buffer.getvalue().decode(encoding)

    return run


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(
    ("encoding", "spread"),
    [("ascii", "+-"), pytest.param("latin-1", "±", marks=pytest.mark.slow)],
)
def test_the_table_survives_an_encoding_that_lacks_symbols(tmp_path, printed, encoding, spread):
    text = printed(encoding, *SMALL, "--seeds", "2", "--out", str(tmp_path))
    assert f" {spread} " in text
    assert "8" in text
    assert "theory" in text


@pytest.mark.usefixtures("unrendered")
def test_json_means_the_same_in_any_encoding(tmp_path, printed):
    out = tmp_path / "‖∂x‖ 𝕏"
    call = (
        "gradflow",
        "--depths",
        "8",
        "--seeds",
        "1",
        "--width",
        "8",
        "--json",
        "--out",
        str(out),
    )
    text = printed("ascii", *call)
    assert json.loads(text) == json.loads((out / "run.json").read_text("utf-8"))
    assert json.loads(text)["arguments"]["out"] == str(out)


@pytest.mark.parametrize(
    ("text", "readable", "escaped"),
    [
        ("‖∂L/∂x‖ 1 ± 2", b"|dL/dx| 1 +- 2", b"\\u2016\\u2202L/\\u2202x\\u2016 1 \\u00b1 2"),
        ("3×3 é 10⁻² m²", b"3x3 e 10-2 m2", b"3\\u00d73 \\u00e9 10\\u207b\\u00b2 m\\u00b2"),
        ("中𝔸😀", b"\\u4e2dA\\ud83d\\ude00", b"\\u4e2d\\ud835\\udd38\\ud83d\\ude00"),
        ("\udcff", b"\xff", b"\\udcff"),
    ],
)
def test_stand_ins(text, readable, escaped):
    assert text.encode("ascii", "minires.readable") == readable
    assert text.encode("ascii", "minires.json") == escaped
    assert json.loads(b'"' + escaped + b'"') == text.encode("utf-16", "surrogatepass").decode(
        "utf-16", "surrogatepass"
    )


def test_every_symbol_of_ours_has_a_stand_in():
    for symbol, plain in console._STAND_INS.items():
        assert len(symbol) == 1, symbol
        assert plain.isascii(), symbol
