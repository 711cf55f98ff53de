"""From counts of basic blocks to counts of source lines.

A line that lies in several blocks of a function (the parts of a `for`, say) was run as often as the
block that ran most; the instantiations of a template add up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .build import Module, is_users


def add_counts(
    lines: dict[str, dict[int, int]], module: Module, counts: npt.NDArray[np.uint64]
) -> None:
    """Add to `lines[file][line]` how often a launch ran it; lines that never ran get a 0.

    `counts` has how often each address of the code was passed.
    """
    most: dict[tuple[str, str, int], int] = {}  # by function, file and line
    for site, (function, places) in zip(module.block_sites, module.blocks):
        passed = int(counts[site])
        for file, line in places:
            if line and is_users(file):
                key = (function, file, line)
                most[key] = max(most.get(key, 0), passed)
    for (_, file, line), times in most.items():
        of_file = lines.setdefault(file, {})
        of_file[line] = of_file.get(line, 0) + times
