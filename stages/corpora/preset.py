"""Where a corpus is and how it is split: ``corpora.<name>`` and ``scales.<scale>.split`` in ``params.yaml``."""

from typing import Literal

from pydantic import Field, model_validator

from stages.core.errors import InputError
from stages.core.parameters import Section
from stages.corpora.roots import Data


class CorpusPreset(Section):
    """A corpus: a JSONL file of one's own, or a repository under the root that ``run.data`` names.

    Attributes:
        path: A JSONL file in ``data/corpora``, relative to the repository's top.
        repository: A repository id; with ``file``, one JSONL file of it; else a split read by ``datasets``.
        root: The root to use whatever ``run.data`` says.
        limit: How many items to take, from the beginning; None for all.
        invalid_rows: Whether a row whose turns do not alternate, the user's first, ends the stage (``refuse``) or is
            left out, which the log counts (``skip``).
    """

    path: str | None = None
    repository: str | None = Field(None, pattern=r"^[^/\s]+/[^/\s]+$")
    file: str | None = None
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    root: Data | None = None
    limit: int | None = Field(None, ge=2)
    invalid_rows: Literal["refuse", "skip"] = "refuse"

    def root_under(self, data: Data, name: str) -> Data:
        """Where the repository is looked for when ``run.data`` is ``data``; not every corpus is bundled."""
        if data == "bundled" and self.root is None and self.repository is not None:
            raise InputError(
                f"run.corpus is {name}, which is not bundled: it needs run.data=hub, or run.data=mirror with "
                "HUB_MIRROR set"
            )
        return self.root or data

    @model_validator(mode="after")
    def _one_place(self) -> "CorpusPreset":
        if (self.path is None) == (self.repository is None):
            raise ValueError("name either a path or a repository")
        return self


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
