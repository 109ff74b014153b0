from stages.data_checks.annotations import check_keys, check_order
from stages.records.conversation import Conversation, RecordedRole, annotation_key
from tests.data_checks.samples import lines, messages

CORPUS = [Conversation(id="", source="advice", turns=[f"Question {number}?", "Answer."]) for number in range(3)]


def recorded(*changes):
    return lines(
        [
            RecordedRole(
                **{"key": annotation_key(item.turns[0]), "index": place, "source": "advice", "role": "r", **change}
            )
            for place, (item, change) in enumerate(zip(CORPUS, changes, strict=True))
        ]
    )


def test_keys_in_the_order_of_the_corpus():
    assert list(check_keys(recorded({}, {}, {}), CORPUS)) == []
    assert list(check_order(recorded({}, {}, {}))) == []


def test_a_key_that_is_not_the_hash_of_the_first_turn():
    assert messages(check_keys(recorded({}, {"key": annotation_key("Else?")}, {}), CORPUS)) == [
        "set.jsonl, line 2: the key is not the SHA-256 of the first turn of item 1"
    ]


def test_another_source():
    assert messages(check_keys(recorded({}, {}, {"source": "law"}), CORPUS)) == [
        "set.jsonl, line 3: source 'law', the item's is 'advice'"
    ]


def test_too_few_annotations():
    assert messages(check_keys(recorded({}, {}, {})[:2], CORPUS)) == ["set.jsonl: 2 annotations for 3 items"]


def test_a_wrong_index_and_a_repeated_key():
    faults = check_order(recorded({}, {"index": 2}, {"key": annotation_key("Question 0?")}))
    assert messages(faults) == [
        "set.jsonl, line 2: index 2, expected 1",
        "set.jsonl, line 3: the same key as line 1",
    ]
