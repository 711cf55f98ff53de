"""Data-parallel training: ranks, each with a copy of the net and its share of every batch.

    mpirun -n 4 python my_training.py

    comm = parallel.world()                        # MPI's ranks, or one process that is alone
    averaging = parallel.Averaging(net.parameters(), comm)
    with averaging:                                # means over the ranks, while backward runs
        F.cross_entropy(net(x), y).backward()
    optimizer.step()                               # the same on every rank

On several machines, which must see the same files: `mpirun -hosts a,b -n 4 minires train …`. When
a rank is killed, those on its machine notice, and save a checkpoint of the step. When a machine is
lost, mpirun ends all at once: `--resume` goes on from the last checkpoint.

`minires train --ranks 4`, or `train.fit(…, ranks=parallel.Ranks(comm))`, does the rest as well:
shares of batches, weights and checkpoints, metrics, batch norm, what happens when a rank is lost.
"""

from .averaging import Averaging, broadcast
from .batch_norm import SyncBatchNorm, synchronise
from .comm import ALONE, Comm, Pending, RankLost
from .nccl import NCCL
from .ranks import Ranks
from .start import among, guard, inside, launch, world

__all__ = [
    "ALONE",
    "NCCL",
    "Averaging",
    "Comm",
    "Pending",
    "RankLost",
    "Ranks",
    "SyncBatchNorm",
    "among",
    "broadcast",
    "guard",
    "inside",
    "launch",
    "synchronise",
    "world",
]
