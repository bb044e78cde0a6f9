"""Two processes that torch.distributed can join, as its launcher starts them."""

import os
import socket

import numpy as np
from numpy.testing import assert_allclose


def in_two_ranks(function, folder):
    """Call ``function(rank, folder)`` in a process for each of two ranks; raise their errors."""
    import torch

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(_be_a_rank, args=(function, folder, port), nprocs=2)


def assert_each_holds_all_rows(folder):
    """Compare what each rank has recorded, in R.npy, to the expected one, in expectedR.npy."""
    recorded = [np.load(folder / f"{rank}.npy") for rank in (0, 1)]
    expected = [np.load(folder / f"expected{rank}.npy") for rank in (0, 1)]
    assert all(np.isnan(half).any() for half in expected)  # each holds a part only
    whole = np.where(np.isnan(expected[0]), expected[1], expected[0])
    for true_proba in recorded:
        assert_allclose(true_proba, whole, atol=1e-6)


def _be_a_rank(rank, function, folder, port):
    import torch

    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    torch.set_num_threads(1)
    function(rank, folder)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
