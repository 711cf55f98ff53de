"""A lesson read on a terminal shows all of its prose, and the code that a reader has to see."""

import pytest

from minires.__main__ import main


@pytest.fixture(autouse=True)
def sandbox(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_reading_begins_at_the_beginning_and_shows_tagged_code(capsys):
    assert main(["lessons", "run", "0", "--fast", "--no-pause"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("Lesson 0: How does backward() work?") < shown.index("Exercise 0.1")
    assert "        gradients[source] = part" in shown  # the code with the bug
    assert "GRAPH = {" not in shown
