"""Checks of role prompts: of each by the annotator's rules within narrower bounds, and of all of them together."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from stages.annotation.checks import InvalidAnswer, check_role
from stages.chat.self_prompt import OPENING
from stages.records.conversation import Conversation, RecordedRole
from tests.data.checks import check_near_duplicates, check_repeats
from tests.data.rows import Line

SENTENCE_END = re.compile(r"(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)[.!?][\"'\u201d\u2019)]*\s+(?=[^a-z])")
WORDS, WORDS_BY_HAND = (12, 60), (20, 60)
MOST_SENTENCES, FIRST_SENTENCE_WORDS = 2, 6
FEWEST_OF_ONE_SENTENCE = 0.3
MOST_SECOND_SENTENCES_ALIKE = 0.5
OPENING_WORDS = 3  # after the head that all share: with it, eight
MOST_OF_ONE_OPENING = 0.01
LONG_OPENING_WORDS = 8
WINS_FOR_A_LOSS, SEED = 3, 17
UNKNOWN = Conversation(id="", source="", turns=["", ""])  # a conversation not at hand: nothing can be quoted from it


def sentences(role: str) -> list[str]:
    return SENTENCE_END.split(role)


def check_form(
    lines: Sequence[Line[str]], words: tuple[int, int], conversations: Sequence[Conversation] | None = None
) -> Iterator[str]:
    """Each role by the annotator's rules, against its own conversation where they are given."""
    for place, line in enumerate(lines):
        role = line.row
        try:
            check_role(role, UNKNOWN if conversations is None else conversations[place])
        except InvalidAnswer as error:
            yield line.fault(f"role: {error}")
        if role != role.strip():
            yield line.fault("role: space at its ends")
        if not words[0] <= len(role.split()) <= words[1]:
            yield line.fault(f"role: {len(role.split())} words, expected {words[0]} to {words[1]}")


def check_shapes(lines: Sequence[Line[str]]) -> Iterator[str]:
    """One or two sentences, of which the first stands by itself; and no shape that most of the roles have."""
    path, split = lines[0].path, [sentences(line.row) for line in lines]
    for line, parts in zip(lines, split, strict=True):
        if len(parts) > MOST_SENTENCES:
            yield line.fault(f"role: {len(parts)} sentences, expected one or two")
        first = len(parts[0].removeprefix(OPENING).split())
        if first < FIRST_SENTENCE_WORDS:
            yield line.fault(f"role: its first sentence has {first} words after {OPENING!r}, expected 6 or more")
    second = [parts[1] for parts in split if len(parts) > 1]
    if (len(lines) - len(second)) / len(lines) < FEWEST_OF_ONE_SENTENCE:
        yield f"{path}: {len(lines) - len(second)} of {len(lines)} roles are of one sentence, expected 30%"
    for word, count in Counter(sentence.split()[0] for sentence in second).items():
        if count / len(second) > MOST_SECOND_SENTENCES_ALIKE:
            yield f"{path}: {count} of {len(second)} second sentences begin with {word!r}, expected half at most"


def check_variety(lines: Sequence[Line[str]]) -> Iterator[str]:
    """No two roles are alike, and few open alike: by three words, so by any longer opening, 1% or three at most."""
    yield from check_repeats(lines, "role", lambda role: role)
    yield from check_near_duplicates(lines, lambda role: role)
    yield from check_openings(lines, OPENING_WORDS, max(3, int(MOST_OF_ONE_OPENING * len(lines))))
    yield from check_openings(lines, LONG_OPENING_WORDS, 1)


def check_openings(lines: Sequence[Line[str]], words: int, most: int) -> Iterator[str]:
    opened: dict[str, list[Line[str]]] = defaultdict(list)
    for line in lines:
        opened[" ".join(line.row.removeprefix(OPENING).lower().split()[:words])].append(line)
    for opening, sharing in opened.items():
        if len(sharing) > most:
            yield sharing[most].fault(f"{len(sharing)} roles open with {opening!r}, expected at most {most}")


def check_places(lines: Sequence[Line[RecordedRole]]) -> Iterator[str]:
    """Indexes count from 0, and no key stands twice."""
    yield from check_repeats(lines, "key", lambda row: row.key)
    for place, line in enumerate(lines):
        if line.row.index != place:
            yield line.fault(f"index {line.row.index}, expected {place}")


def check_keys(lines: Sequence[Line[RecordedRole]], corpus: Sequence[Conversation]) -> Iterator[str]:
    """Each annotation has the key and the source of the item at its place."""
    if len(lines) != len(corpus):
        yield f"{lines[0].path}: {len(lines)} annotations for {len(corpus)} items"
    for line, item in zip(lines, corpus, strict=False):
        if line.row.key != item.key:
            yield line.fault(f"the key is not the SHA-256 of the first turn of item {line.row.index}")
        if line.row.source != item.source:
            yield line.fault(f"source {line.row.source!r}, the item's is {item.source!r}")


def check_fit(lines: Sequence[Line[str]], corpus: Sequence[Conversation]) -> Iterator[str]:
    """Most roles are nearer to the first turn of their own item than to another's."""
    nearer, farther = nearer_and_farther([line.row for line in lines], corpus)
    if nearer < WINS_FOR_A_LOSS * farther:
        yield f"{lines[0].path}: roles nearer to their own item than to another: {nearer}, farther: {farther}"


def nearer_and_farther(roles: Sequence[str], corpus: Sequence[Conversation]) -> tuple[int, int]:
    """How many roles are nearer to their own item than to another drawn at random, and how many the other way round.

    By cosines of TF-IDF vectors; those that share no word with either are in neither number.
    """
    items = [item.turns[0] for item in corpus]
    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True).fit([*roles, *items])
    of_roles, of_items = vectorizer.transform(roles), vectorizer.transform(items)
    shift = np.random.default_rng(SEED).integers(1, len(items), size=len(items))
    others = of_items[(np.arange(len(items)) + shift) % len(items)]
    own = np.asarray(of_roles.multiply(of_items).sum(axis=1)).ravel()
    other = np.asarray(of_roles.multiply(others).sum(axis=1)).ravel()
    return int((own > other).sum()), int((own < other).sum())
