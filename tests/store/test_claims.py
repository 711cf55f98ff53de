"""Claims: one process computes a run, and none waits for one that is gone."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from minires import processes
from minires.store import Store, claims

KEY = "0123456789abcdef"


def write(path, **changes):
    """Write a claim as another process would have; return its file."""
    file = claims.path_of(path, KEY)
    file.write_text(json.dumps(vars(claims.me()) | changes), encoding="utf-8")
    return file


def ended():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def taken(path):
    with claims.claim(path, KEY) as holder:
        return holder is None


def old(file, seconds=claims.STALE + 5):
    os.utime(file, (time.time() - seconds,) * 2)


def test_a_claim_keeps_others_out_until_it_is_given_back(tmp_path):
    assert claims.holder(tmp_path, KEY) is None
    with claims.claim(tmp_path, KEY) as holder:
        assert holder is None
        assert claims.holder(tmp_path, KEY).pid == os.getpid()
        with claims.claim(tmp_path, KEY) as second:
            assert second.pid == os.getpid()
        assert claims.path_of(tmp_path, KEY).exists()  # that of the first
    assert claims.holder(tmp_path, KEY) is None
    assert list(tmp_path.iterdir()) == []


def test_a_claim_is_given_back_after_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="no such luck"), claims.claim(tmp_path, KEY):
        raise RuntimeError("no such luck")
    assert taken(tmp_path)


def test_of_many_at_once_one_has_it(tmp_path):
    together, mine = threading.Barrier(8), []

    def compete():
        together.wait()
        with claims.claim(tmp_path, KEY) as holder:
            mine.append(holder is None)
            together.wait()

    threads = [threading.Thread(target=compete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(mine) == 1


def test_the_claim_of_a_process_that_has_ended_is_void(tmp_path):
    write(tmp_path, pid=ended())
    assert claims.holder(tmp_path, KEY) is None
    assert taken(tmp_path)


def test_another_process_with_the_number_of_one_that_has_ended_holds_nothing(tmp_path):
    if processes.begun(os.getpid()) is None:
        pytest.skip("this system does not tell when a process began")
    write(tmp_path, started=processes.begun(os.getpid()) - 1)
    assert taken(tmp_path)


def test_the_claim_of_a_living_process_counts_until_it_is_silent_for_long(tmp_path):
    file = write(tmp_path)
    assert not taken(tmp_path)
    old(file, claims.STALE - 30)
    assert not taken(tmp_path)
    old(file)  # it is stopped, say
    assert taken(tmp_path)


def test_of_another_machine_only_silence_tells(tmp_path):
    file = write(tmp_path, machine="elsewhere", host="elsewhere", pid=ended())
    assert str(claims.holder(tmp_path, KEY)).endswith(" on elsewhere")
    assert not taken(tmp_path)
    old(file)
    assert claims.holder(tmp_path, KEY) is None
    assert taken(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": 1}', "\x00"])
def test_a_claim_that_cannot_be_read_counts_until_it_is_old(text, tmp_path):
    file = claims.path_of(tmp_path, KEY)
    file.write_text(text, encoding="utf-8")
    assert not taken(tmp_path)
    old(file)
    assert taken(tmp_path)


def test_a_claim_is_renewed(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "RENEW", 0.01)
    with claims.claim(tmp_path, KEY):
        file = claims.path_of(tmp_path, KEY)
        old(file)
        end = time.monotonic() + 5
        while time.time() - file.stat().st_mtime > 60 and time.monotonic() < end:
            time.sleep(0.01)
        assert not taken(tmp_path)


def test_who_lost_a_claim_does_not_give_back_that_of_its_successor(tmp_path):
    with claims.claim(tmp_path, KEY):
        theirs = write(tmp_path, token="theirs").read_text(encoding="utf-8")
    assert claims.path_of(tmp_path, KEY).read_text(encoding="utf-8") == theirs


def test_a_claim_that_has_taken_the_place_of_a_void_one_stays(tmp_path):
    void = claims.Holder("here", claims._machine(), ended(), None, "void")
    file = write(tmp_path)
    claims._remove(tmp_path, file, void)
    assert claims.holder(tmp_path, KEY).pid == os.getpid()
    assert list(tmp_path.iterdir()) == [file]


def test_where_nothing_can_be_written_everybody_computes(tmp_path):
    place = tmp_path / "file"
    place.write_text("", encoding="utf-8")
    assert taken(place)


def test_a_store_lists_no_claims_as_runs_and_removes_old_ones(tmp_path):
    store = Store(tmp_path)
    store.runs_path.mkdir()
    file = write(store.runs_path)
    assert store.keys() == []
    assert store.unfinished() == []
    old(file, 700)
    assert store.unfinished() == [file]
    store.remove(file.name)
    assert not file.exists()
