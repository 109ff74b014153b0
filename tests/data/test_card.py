"""The figures in the card of the role prompts, computed from the files: a card that has gone stale fails."""

import json
import random
import re
from collections import Counter
from itertools import pairwise
from statistics import median

import pytest

from stages.statistics.intervals import wilson
from tests.data import role_prompts
from tests.data.rare_stems import corpus_of, measured
from tests.data.rows import ANNOTATIONS, BUNDLED
from tests.data.test_annotations import before_last_revision

CARD = (ANNOTATIONS / "README.md").read_text(encoding="utf-8")


def rows(file):
    with (ANNOTATIONS / file).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def share(part, whole):
    low, high = wilson(part, whole)
    return f"{part / whole:.0%} ({100 * low:.0f} to {100 * high:.0f})"


def composition(name):
    """What the files of one configuration show, by the label that the card gives it."""
    roles = [row["role"] for row in rows(f"{name}.jsonl")]
    words = [len(role.split()) for role in roles]
    second = [parts[1] for parts in map(role_prompts.sentences, roles) if len(parts) > 1]
    head = len(role_prompts.OPENING.split()) + role_prompts.OPENING_WORDS
    opened = Counter(" ".join(role.split()[:head]) for role in roles)
    begun = Counter(sentence.split()[0] for sentence in second)
    addressed = sum(bool(re.search(r"\byou", sentence, re.IGNORECASE)) for sentence in second)
    most, one = max(opened.values()), len(roles) - len(second)
    first = [opening for opening, count in opened.items() if count == most]
    return {
        "role prompts": f"{len(roles):,}",
        "words (median)": f"{min(words)} to {max(words)} ({median(words):g})",
        "of one sentence": f"{one} ({one / len(roles):.0%})",
        "of two": f"{len(second)} ({len(second) / len(roles):.0%})",
        "most frequent eight words at the head": f"{most} ({most / len(roles):.1%}): "
        + (f'"{first[0]}"' if len(first) == 1 else f"{len(first)} openings"),
        "second sentences with the most frequent first word": f"{max(begun.values())} of {len(second)}",
        "second sentences that address the assistant": f"{addressed} of {len(second)}",
    }


def review(name):
    found = rows(f"{name}.reviews.jsonl")
    verdicts = Counter(row["verdict"] for row in found)
    reasons = Counter((row["reason"] or "").partition(":")[0] for row in found if row["verdict"] == "rejected")
    passed, failed = (verdicts[a] + verdicts[b] for a, b in (("accepted", "kept"), ("rejected", "rewritten")))
    again = [row for row in found if row["second_review"]]
    last = Counter(row["last_revision"]["why"] for row in found if row.get("last_revision"))
    told = [f"{reasons[kind]} {text}" for kind, text in REASONS.items() if reasons[kind]]
    return {
        "changed by the writer on a second look": str(
            sum(bool(row.get("revision")) for row in found) or "not recorded"
        ),
        "accepted": str(passed),
        "rejected and mended": f"{failed}: {', '.join(told)}" if told else f"{failed}: for a hint at the answer",
        "read again in a second review": str(len(again)),
        "changed after it": str(sum(before_last_revision(row) != row["second_review"]["role"] for row in again)),
        "changed after a third review, for a hint at the answer": str(last["third review"]),
        "changed last, for a frequent opening": str(last["opening"]),
    }


REASONS = {"form": "for form", "leak": "for a hint at the answer", "fit": "for not fitting the item"}


@pytest.mark.parametrize("of", [composition, review])
def test_the_tables_of_composition_and_review(of):
    lima, bundled = of("lima"), of("bundled")
    assert [
        row for row in (f"| {label} | {lima[label]} | {bundled[label]} |" for label in lima) if row not in CARD
    ] == []


def leaks() -> dict[str, list[str]]:
    """What readers found in each sample, by the label that the card gives it."""
    lima, bundled = rows("lima.reviews.jsonl"), rows("bundled.reviews.jsonl")
    samples = [row["sample"] for row in lima if row["sample"]]
    again = {row["index"]: row["second_review"] for row in lima if row["second_review"]}
    whole = [row["second_review"] for row in bundled]
    return {
        "`lima`, first edition": [sample["first_edition"] for sample in samples],
        "`lima`, this edition's drafts": [sample["second_edition"] for sample in samples],
        "`lima`, after the review, another sample": [one["leak"] for one in again.values() if one["why"] == "sample"],
        "`lima`, those rewritten": [one["leak"] for one in again.values() if one["why"] == "rewritten before"],
        "`bundled`, after its writer's review, a sample": [one["leak"] for one in whole if one["why"] == "sample"],
        "`bundled`, after its writer's review, all": [one["leak"] for one in whole],
        "`bundled`, after the second review, another sample": [
            row["third_review"]["leak"] for row in bundled if row["third_review"]
        ],
    }


@pytest.mark.parametrize("label", leaks())
def test_the_table_of_leaks_with_its_intervals(label):
    found = Counter(leaks()[label])
    plain, slight, read = found["plain leak"], found["slight leak"], found.total()
    assert f"| {label} | {read} | {plain} | {slight} | {share(plain + slight, read)} |" in CARD


@pytest.mark.parametrize(("file", "field", "size"), [("lima", "sample", 100), ("bundled", "third_review", 60)])
def test_a_sample_is_drawn_by_the_seed_that_the_card_names(file, field, size):
    reviews = rows(f"{file}.reviews.jsonl")
    drawn = sorted(random.Random(18).sample(range(len(reviews)), size))
    assert [row["index"] for row in reviews if row[field]] == drawn


def test_the_card_of_the_corpus_tells_of_its_role_prompts_what_their_own_does():
    card = (BUNDLED / "GAIR/lima/README.md").read_text(encoding="utf-8")
    numbers, words = composition("bundled"), r"(\S+ to \S+) \((\S+)\)"
    spread, middle = re.fullmatch(words, numbers["words (median)"]).groups()
    one, two = (numbers[label].split()[0] for label in ("of one sentence", "of two"))
    assert f"320 prompts of {spread} words (median {middle}). {one} have one sentence and {two} have two." in card
    last = Counter(leaks()["`bundled`, after the second review, another sample"])
    assert f"found {last['slight leak']} slight hints: {share(last['slight leak'], last.total())}." in card


def test_an_accepted_draft_stands_until_the_second_review_but_for_one_word_in_six():
    for name, changed in (("lima", 6), ("bundled", 0)):
        reviews = [row for row in rows(f"{name}.reviews.jsonl") if row["verdict"] in {"accepted", "kept"}]
        read = [(row.get("revision") or row["draft"], (row["second_review"] or row)["role"]) for row in reviews]
        assert sum(draft != role for draft, role in read) == changed


def test_shared_rare_words_of_the_bundled_set_and_their_blind_level():
    drafts, recorded = measured("bundled")
    assert drafts in CARD
    assert recorded in CARD


def test_the_nearness_of_the_bundled_role_prompts_to_their_items():
    roles = [row["role"] for row in rows("bundled.jsonl")]
    nearer, farther = role_prompts.nearer_and_farther(roles, corpus_of("bundled"))
    assert f"of `bundled`, {nearer} and {farther}. The others share no word with either." in CARD


def test_the_changelog_has_the_version_that_the_card_and_the_citation_name():
    from stages.tools.role_set import TEMPLATES

    version = re.search(r"^Version (\S+)\. ", CARD, re.MULTILINE).group(1)
    changes = re.findall(r"^- \*\*(\S+)\*\*", CARD, re.MULTILINE)
    assert changes[0] == version
    assert all(later > earlier for later, earlier in pairwise(changes))
    assert f"\nversion: {version}\n" in (TEMPLATES / "CITATION.cff").read_text(encoding="utf-8")
    assert json.loads((TEMPLATES / "croissant.json").read_text(encoding="utf-8"))["version"] == version
