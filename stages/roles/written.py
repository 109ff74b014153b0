"""The role prompts that a model wrote for MMLU's questions, and the noun phrase by which each names its expert.

"From now on, you are a seasoned marine biologist who …" names a seasoned marine biologist. Rules find the phrase rather
than a language model, so that the same prompt gives the same phrase on every machine.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stages.chat import self_prompt
from stages.records.results import Scored

VARIANT = "role"
BENCHMARK = "mmlu"


@dataclass(frozen=True)
class WrittenRole:
    """What one system wrote at the head of its answer to one question; ``role`` is None where it wrote no role."""

    id: str
    seed: int | None
    domain: str
    role: str | None
    well_formed: bool

    @property
    def phrase(self) -> str | None:
        return None if self.role is None else noun_phrase(self.role)


def written_roles(items: Iterable[Scored], domain_of: dict[str, str]) -> dict[str, list[WrittenRole]]:
    """For each model of which the role arm answered MMLU: an entry a question and seed, in the order of the items."""
    models: dict[str, list[WrittenRole]] = {}
    for item in items:
        if item.variant == VARIANT and item.benchmark == BENCHMARK and item.group in domain_of:
            entry = WrittenRole(item.id, item.seed, domain_of[item.group], item.role, item.role_well_formed)
            models.setdefault(item.model, []).append(entry)
    return models


def phrases(written: Iterable[WrittenRole]) -> Counter[str]:
    """How often each noun phrase was written; upper and lower case count as one, shown in the form met most often."""
    forms: dict[str, Counter[str]] = {}
    for entry in written:
        if phrase := entry.phrase:
            forms.setdefault(phrase.lower(), Counter())[phrase] += 1
    return Counter({max(sorted(seen), key=seen.__getitem__): seen.total() for seen in forms.values()})


def most_frequent(counts: Counter[str], number: int) -> list[tuple[str, int]]:
    """Of equal counts the alphabetically first."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0].lower(), entry[0]))[:number]


def in_domain(written: Sequence[WrittenRole], domain: str) -> list[WrittenRole]:
    return [entry for entry in written if entry.domain == domain]


MOST_WORDS = 6
ARTICLES = frozenset({"a", "an", "the", "my", "your", "our", "one"})
# What follows is about the person and no longer their name.
ENDS = frozenset(
    """
    who whose whom that which where when while because if so but or nor yet than like unlike with without for from at by
    as upon onto to into toward towards near behind beyond beside besides between among amongst amid about above across
    along around against after before during since until throughout through over under within inside outside off out
    up down via per based known is are was were has have had will would can could should must may might and/or you your
    """.split()  # noqa: SIM905  a list would take a page
)
# Participles and adjectives that open a clause when they stand behind the noun.
BEHIND = frozenset(
    """
    able adept apt at-home aware born brought called capable conversant drawn eager employed famed famous fluent fond
    good known named noted proficient renowned responsible specialised specialising specialized specializing steeped
    taught tasked trained treating turned used versed well-versed willing working writing
    """.split()  # noqa: SIM905
)
# "A linguist attached to a museum": a participle before these opens a clause.
COMPLEMENTS = frozenset({"to", "by", "in", "with", "on", "for", "from", "at", "as"})
# Heads that say little until it is said of what: "lecturer in geology", "expert on Roman roads".
OPEN_HEADS = frozenset(
    """
    academic adviser advisor authority coach connoisseur consultant expert graduate historian instructor lecturer master
    mentor practitioner professional professor researcher scholar scientist specialist student teacher trainer tutor
    """.split()  # noqa: SIM905
)
# In "a teacher and mother of four" the second noun is another; in "a food and drink writer" it is not.
PERSON = re.compile(r"(?:ist|ian|eer|er|or|ant|ent|yst|ess|man|woman|mother|father|parent|doctor|nurse|chef|coach)$")

# "You are, by profession, a tax adviser": what stands before the article.
ASIDE = re.compile(r"\s*,?\s*by (?:profession|trade|training),?\s", re.IGNORECASE)

ABBREVIATION = re.compile(r"(?:[A-Za-z]\.)+|St\.|Dr\.|Ph\.D\.")
WORD = re.compile(r"(?:(?<!\w)\.)?[^\W_]+(?:[-'’.&+#/][^\W_]+|[+#]+)*\.?(?:'s|’s)?|[.,;:!?()\[\]–—\"“”-]")  # noqa: RUF001


def noun_phrase(role: str) -> str | None:
    """The noun phrase of a role prompt, in lower case but for names' capitals; None where it names nobody.

    "From now on, you are a professor of organic chemistry at a small college." gives "professor of organic chemistry".
    """
    told = ASIDE.sub(" ", role.removeprefix(self_prompt.OPENING), count=1)
    words = WORD.findall(told)
    if [word.lower() for word in words[:3]] == ["one", "of", "the"]:
        words = words[3:]
    while words and words[0].lower() in ARTICLES:
        words = words[1:]
    kept: list[str] = []
    for place, word in enumerate(words[:MOST_WORDS]):
        if _ends_before(word, kept, words[place + 1 :]):
            break
        kept.append(word.removesuffix("."))
        if word.endswith(".") and not ABBREVIATION.fullmatch(word):
            break
    while kept and kept[-1].lower() in {"of", "in", "on", "and", "&", *ARTICLES}:
        kept.pop()
    return " ".join(kept) or None


def _ends_before(word: str, kept: list[str], after: list[str]) -> bool:
    """Whether the phrase ends before a word."""
    lower, last = word.lower(), kept[-1].lower() if kept else ""
    if not (word[0].isalnum() or word[1:].isalnum()) or lower in ENDS:
        return True
    if not kept or lower in BEHIND:
        return bool(kept)
    if lower in {"in", "on"}:
        return last not in OPEN_HEADS
    if lower.endswith(("ed", "ing")):
        return bool(after) and after[0].lower() in COMPLEMENTS
    if lower == "and":
        return PERSON.search(last) is not None and not {"of", "in", "on"} & set(kept)
    return lower in ARTICLES and last not in {"of", "in", "on", "and"}
