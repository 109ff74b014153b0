"""The learning rate at each optimizer step."""


def linear_decay(step: int, steps: int, start: float, end: float) -> float:
    """From ``start`` at step 0 to ``end`` at the last of ``steps``, without warm-up (LIMA, section 3)."""
    if steps < 2:
        return start
    return start + (end - start) * step / (steps - 1)
