"""Running statistics on the CPU: a few numbers for each channel, so NumPy's own loops are enough.

Versions
    v1  the reference's
"""

from __future__ import annotations

from ..reference.running_statistics import running_statistics_forward_v1
from ..spec import versions

VERSIONS = versions(__doc__, (running_statistics_forward_v1,))
