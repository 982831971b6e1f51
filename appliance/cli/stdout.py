"""Standard output for what was asked, and for nothing else."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_stdout() -> Iterator[None]:
    """Send to stderr what native libraries print: programs read stdout."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
