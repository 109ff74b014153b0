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
from tests.data.rows import ANNOTATIONS

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
    opened = Counter(" ".join(role.split()[: role_prompts.OPENING_WORDS]) for role in roles)
    begun = Counter(sentence.split()[0] for sentence in second)
    addressed = sum(bool(re.search(r"\byou", sentence, re.IGNORECASE)) for sentence in second)
    (opening, most), one = opened.most_common(1)[0], len(roles) - len(second)
    return {
        "role prompts": f"{len(roles):,}",
        "words (median)": f"{min(words)} to {max(words)} ({median(words):.0f})",
        "of one sentence": f"{one} ({one / len(roles):.0%})",
        "of two": f"{len(second)} ({len(second) / len(roles):.0%})",
        "most frequent eight words at the head": f"{most} ({most / len(roles):.1%}): {opening!r}".replace("'", '"'),
        "second sentences with the most frequent first word": f"{max(begun.values())} of {len(second)}",
        "second sentences that address the assistant": f"{addressed} of {len(second)}",
    }


def review(name):
    found = rows(f"{name}.reviews.jsonl")
    verdicts = Counter(row["verdict"] for row in found)
    reasons = Counter((row["reason"] or "").partition(":")[0] for row in found if row["verdict"] == "rejected")
    passed, failed = (verdicts[a] + verdicts[b] for a, b in (("accepted", "kept"), ("rejected", "rewritten")))
    told = [f"{reasons[kind]} {text}" for kind, text in REASONS.items() if reasons[kind]]
    return {
        "changed by the writer on a second look": str(
            sum(bool(row.get("revision")) for row in found) or "not recorded"
        ),
        "accepted": str(passed),
        "rejected and mended": f"{failed}: {', '.join(told)}" if told else f"{failed}: for a hint at the answer",
    }


REASONS = {"form": "for form", "leak": "for a hint at the answer", "fit": "for not fitting the item"}


@pytest.mark.parametrize("of", [composition, review])
def test_the_tables_of_composition_and_review(of):
    lima, bundled = of("lima"), of("bundled")
    assert [
        row for row in (f"| {label} | {lima[label]} | {bundled[label]} |" for label in lima) if row not in CARD
    ] == []


def test_the_table_of_leaks_with_its_intervals():
    sampled = [row for row in rows("lima.reviews.jsonl") if row["sample"]]
    assert [row["index"] for row in sampled] == sorted(random.Random(18).sample(range(1030), 100))
    samples = [row["sample"] for row in sampled]
    for label, field in (("first (1.0)", "first_edition"), ("this one, as drafted", "second_edition")):
        found = Counter(sample[field] for sample in samples)
        plain, slight = found["plain leak"], found["slight leak"]
        assert f"| {label} | {plain} of {len(samples)} | {slight} | {share(plain + slight, len(samples))} |" in CARD


def test_what_the_writer_of_the_bundled_role_prompts_rewrote():
    found = rows("bundled.reviews.jsonl")
    rewritten = [row for row in found if row["draft"] != row["role"]]
    assert [row["verdict"] for row in rewritten] == ["rewritten"] * len(rewritten)
    assert f"rejected {len(rewritten)} of {len(found)}: {share(len(rewritten), len(found))}." in CARD


def test_the_sample_of_the_bundled_role_prompts_and_what_its_reader_found():
    found = {row["index"]: row["sample"] for row in rows("bundled.reviews.jsonl") if row["sample"]}
    assert sorted(found) == sorted(random.Random(18).sample(range(320), 60))
    leaks = Counter(sample["second_edition"] for sample in found.values())
    plain, slight = leaks["plain leak"], leaks["slight leak"]
    assert f": {plain} plain and {slight} slight, {share(plain + slight, len(found))}." in CARD


@pytest.mark.parametrize("name", ["lima", "bundled"])
def test_the_audit_trail_ends_in_the_recorded_role_prompts(name):
    recorded, reviews = rows(f"{name}.jsonl"), rows(f"{name}.reviews.jsonl")
    assert [(row["index"], row["role"]) for row in reviews] == [(row["index"], row["role"]) for row in recorded]


def test_an_accepted_draft_of_lima_is_the_role_prompt_but_for_one_word_in_six():
    reviews = [row for row in rows("lima.reviews.jsonl") if row["verdict"] == "accepted"]
    changed = [(row["revision"] or row["draft"], row["role"]) for row in reviews]
    assert sum(draft != role for draft, role in changed) == 6


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
