"""Downloads, from a server on this machine that behaves well, badly, or not at all."""

import contextlib
import dataclasses
import hashlib
import http.server
import shutil
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from minires import data
from minires.__main__ import main
from minires.data import download
from minires.data.cifar import md5
from minires.data.cifar_layouts import CIFAR10, SETS
from tests.data import generated

ARCHIVE = "cifar-10-binary.tar.gz"


class Handler(http.server.BaseHTTPRequestHandler):
    """The first part of the path says how to behave."""

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.server.asked.append(kind)
        raw = self.server.raw
        if kind == "redirect":
            self.send_response(302)
            self.send_header("Location", f"/good/{ARCHIVE}")
            self.end_headers()
        elif kind == "loop":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
        elif kind == "missing":
            self.send_error(404)
        elif kind == "hang":
            self.server.stop.wait(20)
        elif kind == "stall":
            self.send(raw[:5000], len(raw))
            self.server.stop.wait(20)
        elif kind == "slow":
            self.send(raw[:5000], len(raw))
            self.server.stop.wait(0.3)
            self.wfile.write(raw[5000:])
        elif kind == "truncated":
            self.send(raw[: len(raw) // 2], len(raw))
        elif kind == "short":
            self.send(raw[: len(raw) // 2])
        elif kind == "wrong":
            self.send(bytes(len(raw)))
        elif kind == "login":
            self.send(b"<html>please log in</html>")
        elif kind == "endless":
            self.send(raw + bytes(3_000_000))
        else:
            self.send(raw)

    def send(self, raw, length=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw) if length is None else length))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client has heard enough
            self.wfile.write(raw)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    root = tmp_path_factory.mktemp("archive")
    return SimpleNamespace(truth=generated.cifar10_archive(root), path=root / ARCHIVE, root=root)


@pytest.fixture
def server(archive):
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.raw, served.asked, served.stop = archive.path.read_bytes(), [], threading.Event()
    thread = threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    served.base = f"http://127.0.0.1:{served.server_port}/"
    yield served
    served.stop.set()
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture
def official(archive, monkeypatch):
    """CIFAR-10 whose official files are the generated ones; return what sets its mirrors."""
    raw, folder = archive.path.read_bytes(), archive.root / "unpacked" / "cifar-10-batches-bin"
    sums = {path.name: md5(path.read_bytes()) for path in folder.iterdir()}
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "SILENCE", 0.2)

    def with_mirrors(*mirrors):
        layout = dataclasses.replace(
            CIFAR10.layouts[0],
            md5=sums,
            sha256=hashlib.sha256(raw).hexdigest(),
            size=len(raw),
            mirrors=mirrors,
        )
        made = dataclasses.replace(CIFAR10, layouts=(layout,))
        monkeypatch.setitem(SETS, "cifar10", made)
        return made

    return with_mirrors


def left(root):
    return sorted(p.name for p in root.rglob("*"))


@pytest.mark.parametrize("kind", ["good", "redirect"])
def test_a_download_is_whole_and_is_not_made_twice(
    kind, server, official, archive, tmp_path, capsys
):
    official(f"{server.base}{kind}/")
    assert main(["data", "get", "cifar10", "--root", str(tmp_path)]) == 0
    got = data.load("cifar10", "train", tmp_path)
    assert np.array_equal(got.x, archive.truth["train"][0])
    assert "md5" not in got.note
    assert len(left(tmp_path)) == 7
    asked = len(server.asked)
    assert main(["data", "get", "cifar10", "--root", str(tmp_path)]) == 0
    assert len(server.asked) == asked
    assert main(["data", "verify", "cifar10", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("official") == 8


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "404"),
        ("truncated", "ended too early"),
        ("short", "bytes"),
        ("wrong", "SHA-256"),
        ("login", "26 of"),
        ("endless", "more than"),
        ("hang", "no answer within"),
        ("stall", "no answer within"),
        ("loop", "redirects"),
    ],
)
def test_a_bad_mirror_is_told_of_and_the_next_one_is_asked(kind, said, server, official, tmp_path):
    cifar = official(f"{server.base}{kind}/")
    with pytest.raises(ConnectionError, match=said) as caught:
        download.get(cifar, tmp_path)
    assert "copy it to" in str(caught.value)
    assert left(tmp_path) == []
    cifar = official(f"{server.base}{kind}/", f"{server.base}good/")
    assert download.get(cifar, tmp_path).name == "cifar-10-batches-bin"
    assert server.asked[-1] == "good"
    assert len(left(tmp_path)) == 7


def test_a_slow_mirror_is_left_for_another_but_taken_if_it_is_the_only_one(
    server, official, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(download, "PATIENCE", 0.1)
    monkeypatch.setattr(download, "SLOW", 1e9)
    monkeypatch.setattr(download, "SILENCE", 5)
    download.get(official(f"{server.base}slow/", f"{server.base}good/"), tmp_path / "a")
    assert server.asked == ["slow", "good"]
    download.get(official(f"{server.base}slow/", f"{server.base}missing/"), tmp_path / "b")
    assert server.asked[2:] == ["slow", "missing", "slow"]


def test_where_nothing_answers_it_says_what_to_do(official, tmp_path, capsys):
    official("http://127.0.0.1:9/")
    assert main(["data", "get", "cifar10", "--root", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    for part in ("cannot be reached", "offline", f"copy it to {tmp_path}", "digits"):
        assert part in said


@pytest.mark.parametrize(("name", "told"), [("digits", "come with"), ("mnist", "expected cifar10")])
def test_what_cannot_be_downloaded_is_told(name, told, capsys):
    with pytest.raises(SystemExit):
        main(["data", "get", name])
    assert told in capsys.readouterr().err


def test_a_given_address_is_used_and_a_wrong_one_refused(server, official, tmp_path, capsys):
    official("http://127.0.0.1:9/")
    get = ["data", "get", "cifar10", "--root", str(tmp_path), "--url"]
    for url in ("ftp://host/" + ARCHIVE, server.base + "good/other.zip", "nothing", "http:///x"):
        assert main([*get, url]) == 2
        assert "expected an address" in capsys.readouterr().err
    assert main([*get, f"{server.base}good/{ARCHIVE}?download=1"]) == 0


def test_space_and_folder_are_looked_at_first(server, official, tmp_path, monkeypatch):
    cifar = official(f"{server.base}good/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    with pytest.raises(OSError, match=r"1 MB free, \d+ MB are needed"):
        download.get(cifar, tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="is a file"):
        download.get(cifar, tmp_path / "file" / "data")
    assert server.asked == []


def test_what_is_broken_is_replaced_and_what_is_another_edition_is_kept(
    server, official, archive, tmp_path, capsys
):
    cifar = official(f"{server.base}good/")
    folder = download.get(cifar, tmp_path)
    (folder / "data_batch_2.bin").write_bytes(b"half")
    (folder / "test_batch.bin").unlink()
    assert main(["data", "verify", "cifar10", "--root", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "data_batch_2.bin has 4 bytes" in said
    assert "test_batch.bin is missing" in said
    download.get(cifar, tmp_path)
    assert np.array_equal(data.load("cifar10", "test", tmp_path).x, archive.truth["test"][0])
    _, _, other = generated.records(20, seed=99)
    (folder / "test_batch.bin").write_bytes(other)
    with pytest.raises(ValueError, match="not the official ones"):
        download.get(cifar, tmp_path)
    assert (folder / "test_batch.bin").read_bytes() == other


def test_a_failure_while_unpacking_leaves_the_archive_out(server, official, tmp_path, monkeypatch):
    cifar = official(f"{server.base}good/")

    def full(path, raw):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.results, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        download.get(cifar, tmp_path)
    assert left(tmp_path) == []
