"""How often Python looks for garbage in a process that ends soon."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (1_000_000, 20, 100)
"""Only where there is much: what is garbage by the end needn't be found before."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """For the length of the block, look for garbage seldom."""
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
