"""`python -m minires_emulator FILE.cu`: the checker without minires."""

import sys

from .checker.command import main

sys.exit(main())
