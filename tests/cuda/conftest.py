"""What a run inherits from whoever started it must not matter: signals and time limits."""

import signal

import pytest


@pytest.fixture(autouse=True)
def signals_as_a_shell_gives_them(monkeypatch):
    """In the background of a script SIGINT is ignored; other parents block signals."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGCHLD: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    mask = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    monkeypatch.delenv("MINIRES_EMULATOR_LIMIT", raising=False)
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number, handler in before.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)


@pytest.fixture
def write(tmp_path):
    """Write a CUDA file and return its path."""

    def make(text, name="k.cu"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return make
