"""Seeds: each program's follows from the root seed and its own name."""

import hashlib
import random


def derive_seed(root: int, *names: str) -> int:
    """A seed in [0, 2**31) that depends on the root seed and on the names, and on nothing else."""
    digest = hashlib.sha256("/".join([str(root), *names]).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def generator(root: int, *names: str) -> random.Random:
    return random.Random(derive_seed(root, *names))
