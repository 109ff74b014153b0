"""How the corpus is split: ``scales.<scale>.split`` in ``params.yaml``."""

from pydantic import Field

from stages.core.parameters import Section


class SplitParameters(Section):
    """What is held out, and what of the rest is trained on.

    Attributes:
        validation: Share of the whole corpus that is held out, to the nearest 1/k.
        max_words: Most words that a training item's turns may have together; None for any number. Words, since the
            split is made once for all models, whose tokenizers differ.
        limit: How many of these training items to keep, spread over the sources; None for all.
        duplicate_similarity: Cosine of TF-IDF vectors of the first turns from which two items are near-duplicates.
    """

    validation: float = Field(gt=0, le=0.5)
    max_words: int | None = Field(None, ge=1)
    limit: int | None = Field(None, ge=1)
    duplicate_similarity: float = Field(0.8, gt=0, le=1)
