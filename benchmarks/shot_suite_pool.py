"""Processes for the suite in which linear algebra keeps to one thread."""

import concurrent.futures
import multiprocessing
import os

_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def quiet_pool(workers: int) -> concurrent.futures.ProcessPoolExecutor:
    """Fresh processes: on busy cores the threads of small factorisations only wait for each other.

    The variables are read when numpy is first imported, so the processes must not be forked.
    """
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    return concurrent.futures.ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn")
    )
