from collections import Counter

import pytest

from stages.core.errors import InputError
from stages.corpora import splitting
from stages.corpora.preset import SplitParameters
from stages.corpora.splitting import near_duplicate_groups, split, words
from stages.records.conversation import AnnotatedConversation

WORDS = ["river", "bread", "violin", "tax", "orchid", "glacier", "bridge", "saddle", "comet", "ledger"]


def item(number, source, question=None):
    question = question or f"What is {WORDS[number % 10]} {number} in {WORDS[number // 10 % 10]} about?"
    return AnnotatedConversation(
        id=f"i-{number}", source=source, turns=[question, "So."], role="From now on, you are x."
    )


ITEMS = [item(number, "law" if number % 5 == 0 else "advice") for number in range(100)]


def parameters(**changes):
    return SplitParameters(**{"validation": 0.1, **changes})


def test_every_item_stands_on_one_side_in_the_corpus_order():
    train, validation = split(ITEMS, parameters(), 17)
    assert len(validation) == pytest.approx(10, abs=1)
    assert sorted([*train, *validation], key=ITEMS.index) == ITEMS
    assert train == sorted(train, key=ITEMS.index)
    assert validation == sorted(validation, key=ITEMS.index)


def test_sources_are_held_out_in_proportion():
    _, validation = split(ITEMS, parameters(), 17)
    assert Counter(one.source for one in validation) == {"advice": 8, "law": 2}


def test_the_seed_decides():
    assert split(ITEMS, parameters(), 17) == split(ITEMS, parameters(), 17)
    assert split(ITEMS, parameters(), 17) != split(ITEMS, parameters(), 18)


def test_near_duplicates_stay_on_one_side():
    twins = [
        item(
            200 + number,
            "advice",
            f"Please tell me in plain words how the {WORDS[number % 5]} came to the old town{mark}",
        )
        for number, mark in enumerate(["?"] * 5 + ["!"] * 5)
    ]
    train, validation = split([*ITEMS, *twins], parameters(validation=0.5), 17)
    for first, second in zip(twins[:5], twins[5:], strict=True):
        assert (first in train) == (second in train)
        assert (first in validation) == (second in validation)


def test_texts_chained_by_similarity_share_a_group():
    groups = near_duplicate_groups(["how do I bake bread", "How do I bake bread?", "where is the violin"], 0.8)
    assert groups[0] == groups[1] != groups[2]


def test_a_limit_takes_sources_in_turn():
    train, _ = split(ITEMS, parameters(limit=16), 17)
    assert Counter(one.source for one in train) == {"advice": 8, "law": 8}


@pytest.mark.parametrize("changes", [{"limit": 8}, {"limit": 40}, {"max_words": 9}, {"limit": 8, "max_words": 9}])
def test_what_bounds_the_training_items_changes_nothing_of_what_is_held_out(changes):
    items = [long(one) if place % 3 == 0 else one for place, one in enumerate(ITEMS)]
    all_train, validation = split(items, parameters(), 17)
    train, same = split(items, parameters(**changes), 17)
    assert same == validation
    assert train == [one for one in all_train if one in train]
    assert len(train) == changes.get("limit", len(train)) < len(all_train)


def test_a_limit_counts_items_that_are_short_enough():
    train, validation = split([*ITEMS[:50], *(long(one) for one in ITEMS[50:])], parameters(max_words=20, limit=30), 17)
    assert len(train) == 30
    assert all(words(one) <= 20 for one in train)
    assert any(words(one) > 20 for one in validation)


def long(one):
    return one.model_copy(update={"turns": [one.turns[0], "So it goes. " * 20]})


def test_where_no_item_is_short_enough_the_shortest_is_told():
    with pytest.raises(InputError, match=r"at most 3 words, the shortest has 8: raise the scale's split\.max_words"):
        split(ITEMS, parameters(max_words=3), 17)


def test_a_corpus_of_several_blocks_has_the_same_groups(monkeypatch):
    texts = [one.turns[0] for one in ITEMS]
    whole = near_duplicate_groups(texts, 0.8)
    monkeypatch.setattr(splitting, "BLOCK", 7)
    assert (near_duplicate_groups(texts, 0.8) == whole).all()


def test_a_source_with_few_items_does_not_break_the_split():
    train, validation = split([*ITEMS, item(300, "rare")], parameters(), 17)
    assert len(train) + len(validation) == 101


def test_too_few_items_for_two_sides_is_an_error_that_says_what_helps():
    with pytest.raises(InputError, match=r"5 items, of which 5 .* takes at least 10: add items, or raise .*validation"):
        split(ITEMS[:5], parameters(), 17)
    alike = [item(number, "law", "What is a river and where does it begin?") for number in range(20)]
    with pytest.raises(InputError, match="20 items, of which 1 are no near-duplicates"):
        split(alike, parameters(), 17)


def test_as_many_items_as_folds_are_split():
    train, validation = split(ITEMS[:10], parameters(), 17)
    assert (len(train), len(validation)) == (9, 1)
