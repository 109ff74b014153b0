"""How the corpus is split: ``scales.<scale>.split`` in ``params.yaml``."""

from pydantic import Field

from stages.parameters import Section


class SplitParameters(Section):
    """What is kept, and what of it is held out.

    Attributes:
        validation: Share of the items held out, to the nearest 1/k.
        limit: How many items to keep, spread over the sources; None for all.
        duplicate_similarity: Cosine of TF-IDF vectors of the first turns from which two items are near-duplicates.
    """

    validation: float = Field(gt=0, le=0.5)
    limit: int | None = Field(None, ge=8)
    duplicate_similarity: float = Field(0.8, gt=0, le=1)
