"""The role prompts that a model wrote for MMLU's questions, gathered from the scored items."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stages.records.scored import Scored
from stages.roles.phrase import noun_phrase

VARIANT = "role"
BENCHMARK = "mmlu"


@dataclass(frozen=True)
class Written:
    """What one system wrote at the head of its answer to one question; ``role`` is None where it wrote no role."""

    id: str
    seed: int | None
    domain: str
    role: str | None
    well_formed: bool

    @property
    def phrase(self) -> str | None:
        return None if self.role is None else noun_phrase(self.role)


def written_roles(items: Iterable[Scored], domain_of: dict[str, str]) -> dict[str, list[Written]]:
    """For each model of which the role arm answered MMLU: an entry a question and seed, in the order of the items."""
    models: dict[str, list[Written]] = {}
    for item in items:
        if item.variant == VARIANT and item.benchmark == BENCHMARK and item.group in domain_of:
            entry = Written(item.id, item.seed, domain_of[item.group], item.role, item.role_well_formed)
            models.setdefault(item.model, []).append(entry)
    return models


def phrases(written: Iterable[Written]) -> Counter[str]:
    """How often each noun phrase was written; upper and lower case count as one, shown in the form met most often."""
    forms: dict[str, Counter[str]] = {}
    for entry in written:
        if phrase := entry.phrase:
            forms.setdefault(phrase.lower(), Counter())[phrase] += 1
    return Counter({max(sorted(seen), key=seen.__getitem__): seen.total() for seen in forms.values()})


def most_frequent(counts: Counter[str], number: int) -> list[tuple[str, int]]:
    """Of equal counts the alphabetically first."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0].lower(), entry[0]))[:number]


def in_domain(written: Sequence[Written], domain: str) -> list[Written]:
    return [entry for entry in written if entry.domain == domain]
