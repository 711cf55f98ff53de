"""A program on a pseudo-terminal, for tests of what one reads and types there."""

import codecs
import os
import select
import subprocess
import sys
import time

try:
    import pty
    import termios
except ImportError:  # Windows
    pty = termios = None

LONGEST = 60.0  # s
START = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"


class Program:
    """A Python program on a terminal of its own, 100 columns wide."""

    def __init__(self, *arguments, columns=100, **environment):
        self.terminal, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, sys.executable, *arguments],
            stdin=theirs, stdout=theirs, stderr=theirs,
            env=os.environ | {"COLUMNS": str(columns), "TERM": "xterm", **environment},
        )  # fmt: skip
        os.close(theirs)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = ""  # everything that was shown
        self.seen = 0  # how much of it was expected already

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    def _read(self, seconds):
        """Read what comes within a time; return whether there may be more."""
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.terminal, 4096)
        except OSError:  # the program has ended
            data = b""
        self.text += self.decoder.decode(data).replace("\r\n", "\n")
        return bool(data)

    def expect(self, text):
        """Wait until a text is shown; return what was shown before it."""
        deadline, more = time.monotonic() + LONGEST, True
        while (at := self.text.find(text, self.seen)) < 0:
            if not more or time.monotonic() > deadline:
                raise AssertionError(f"no {text!r} in:\n{self.text}")
            more = self._read(0.5)
        before, self.seen = self.text[self.seen : at], at + len(text)
        return before

    def type(self, text):
        os.write(self.terminal, text.encode())

    def interrupt(self):
        """Press Ctrl-C, when the program waits: Python may miss what comes before it reads."""
        time.sleep(0.3)
        os.write(self.terminal, b"\x03")

    def end_of_input(self):
        """Press Ctrl-D."""
        os.write(self.terminal, b"\x04")

    def wait(self):
        """Return the exit code and what was shown after the last text that was expected."""
        deadline = time.monotonic() + LONGEST
        while self._read(0.2) and time.monotonic() < deadline:
            if self.process.poll() is not None and not select.select([self.terminal], [], [], 0)[0]:
                break
        return self.process.wait(10), self.text[self.seen :]
