"""How often a role prompt has a rare word that is in the answer and not in the question.

Topic alone explains a part, so two controls stand beside it: the answer to the nearest question of the same source, and
any other answer of that source. The drafts were written before anyone read them beside the answers: what they have is
what role prompts written blind have.

`python -m tests.data.rare_stems bundled`; with HUB_MIRROR set, `… lima`. `--roles FILE` measures another edition's.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from stages.chat.self_prompt import OPENING
from stages.corpora.preset import CorpusPreset
from stages.corpora.reading import read_corpus
from stages.records.conversation import Conversation
from tests.data.rows import ANNOTATIONS

RARE = 0.01
WORD = re.compile(r"[a-z]+(?:['\u2019][a-z]+)*")
FEWEST_LETTERS = 4
SUFFIXES = (
    *("ization", "isation", "ations", "ation", "ments", "ment", "ness", "ities", "ity", "ings", "ing", "ists", "ist"),
    *("ically", "ical", "ics", "ic", "ers", "er", "ors", "or", "ies", "ied", "ed", "es", "ly", "al", "s", "e", "y"),
)


class Shared(NamedTuple):
    """Numbers of role prompts that share a rare stem, and the share of their rare stems that are in the answer."""

    roles: int
    answer: int
    nearest: int
    another: float
    of_stems: float


def stem(word: str) -> str:
    """The word without its first fitting suffix of :data:`SUFFIXES`, if that leaves four letters."""
    word = re.sub("['\u2019]s$", "", word)
    fitting = (suffix for suffix in SUFFIXES if word.endswith(suffix) and len(word) - len(suffix) >= FEWEST_LETTERS)
    return word.removesuffix(next(fitting, ""))


def stems(text: str) -> set[str]:
    return {stem(word) for word in WORD.findall(text.lower())}


def shared(roles: Sequence[str], corpus: Sequence[Conversation]) -> Shared:
    """A stem is rare that fewer than 1% of the corpus's items have; one that the first user turn has does not count."""
    asked = [stems(item.turns[0]) for item in corpus]
    answers = [stems(" ".join(item.turns[1:])) for item in corpus]
    frequency = Counter(found for pair in zip(asked, answers, strict=True) for found in set.union(*pair))
    added = [
        {found for found in stems(role.removeprefix(OPENING)) if frequency[found] < RARE * len(corpus)} - question
        for role, question in zip(roles, asked, strict=True)
    ]
    vectors = TfidfVectorizer(stop_words="english", sublinear_tf=True).fit_transform([item.turns[0] for item in corpus])
    likeness, sources = (vectors @ vectors.T).toarray(), np.array([item.source for item in corpus])
    nearest, another = 0, 0.0
    for place, new in enumerate(added):
        others = np.flatnonzero((sources == sources[place]) & (np.arange(len(corpus)) != place))
        hits = np.array([bool(new & answers[other]) for other in others])
        nearest += int(hits[likeness[place, others].argmax()])
        another += float(hits.mean())
    own = [len(new & answer) for new, answer in zip(added, answers, strict=True)]
    return Shared(len(roles), sum(map(bool, own)), nearest, another, sum(own) / sum(map(len, added)))


def corpus_of(name: str) -> list[Conversation]:
    root = "bundled" if name == "bundled" else None
    return read_corpus(name, CorpusPreset(repository="GAIR/lima", file="train.jsonl", root=root), "mirror")


def field(path: Path, *names: str) -> list[str]:
    """Of each line the first of the fields that it has."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [next(row[name] for name in names if row.get(name)) for row in rows]


def measured(name: str, editions: Sequence[Path] = ()) -> list[str]:
    """Rows of the card's table: the drafts, other editions' files, the recorded role prompts."""
    corpus = corpus_of(name)
    roles = {"drafts": field(ANNOTATIONS / f"{name}.reviews.jsonl", "revision", "draft")}
    roles |= {path.stem: field(path, "role") for path in editions}
    roles["this edition"] = field(ANNOTATIONS / f"{name}.jsonl", "role")
    rows = []
    for edition, texts in roles.items():
        found = shared(texts, corpus)
        counts = f"{found.answer} of {found.roles:,} | {found.nearest} | {found.another:.1f} | {found.of_stems:.1%}"
        rows.append(f"| `{name}`, {edition} | {counts} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=["bundled", "lima"])
    parser.add_argument("--roles", type=Path, nargs="*", default=[], help="JSONL files with a field `role`")
    arguments = parser.parse_args()
    print(*measured(arguments.corpus, arguments.roles), sep="\n")


if __name__ == "__main__":
    main()
