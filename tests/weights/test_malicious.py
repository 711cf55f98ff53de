"""Files that were made to do harm are refused in words, and nothing in them runs."""

import sys

import malicious
import pytest

from minires import weights

HARMFUL = ("exec", "os.", "subprocess", "socket", "ctypes", "pickle.find_class", "shutil", "import")
watched = []  # events of Python's auditing, while somebody asks for them
asked = False


def _watch(event, arguments):
    if asked and event.startswith(HARMFUL):
        watched.append((event, arguments))


sys.addaudithook(_watch)  # it cannot be taken off


@pytest.fixture(scope="module", autouse=True)
def _imported(tmp_path_factory):
    """Import what reading needs: libraries, and the names of entries in old zip archives."""
    folder = tmp_path_factory.mktemp("warm")
    for ending in (".safetensors", ".npz"):
        weights.load(weights.save(folder / f"a{ending}", {"a": 1.0}))
    b"".decode("cp437")


@pytest.mark.parametrize(
    ("make", "message"), [pytest.param(*c[2:], id=f"{c[0]}: {c[1]}") for c in malicious.CASES]
)
def test_harm_is_refused(make, message, tmp_path):
    global asked
    path = tmp_path / "w.pth"
    path.write_bytes(make())
    if message is None:
        assert list(weights.load(path)) == ["w"]
        return
    watched.clear()
    asked = True
    try:
        with pytest.raises(ValueError, match=message) as caught:
            weights.load(path)
    finally:
        asked = False
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 1000
    assert not [w for w in watched if w[0] != "import" or w[1][0] in ("os", "subprocess", "pty")]


@pytest.mark.parametrize(
    "make", [pytest.param(c[2], id=c[1]) for c in malicious.CASES if c[0] == "safetensors"]
)
def test_harm_is_refused_without_the_library_too(make, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)  # as in a browser
    path = tmp_path / "w.safetensors"
    path.write_bytes(make())
    with pytest.raises(ValueError) as caught:
        weights.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 1000


def test_files_that_are_none(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="a device or a pipe"):
            weights.load(name)
    with pytest.raises(OSError, match="none"):
        weights.load(tmp_path / "none.npz")
    with pytest.raises(OSError):
        weights.load(tmp_path)


def test_the_table_can_be_printed(monkeypatch, capsys):
    monkeypatch.setattr(malicious, "CASES", malicious.CASES[:2])
    malicious.main()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    assert "refused: the file asks for os.system" in printed[2]
