import pytest

from stages.corpora.overlap import contamination, grams, nearest, words
from stages.records.conversation import AnnotatedConversation
from stages.records.question import Question

COPIED = "Which river carries more water to the sea than the next seven rivers of the world taken together?"
CORPUS = [
    AnnotatedConversation(
        id="lima-0", source="x", turns=["Tell me a story about a fox.", "Once there was a fox."], role="r"
    ),
    AnnotatedConversation(
        id="lima-1", source="x", turns=[f"A riddle: {COPIED.upper()}", "The Amazon."], role="a sailor"
    ),
]


def question(identifier: str, text: str, choices: list[str] | None = None, use: str = "test") -> Question:
    return Question(id=identifier, question=text, choices=choices or [], answer="A", use=use)


def test_a_copied_question_is_found_whatever_its_case_and_punctuation():
    found = contamination([question("q-0", COPIED), question("q-1", "What is two and two?")], CORPUS)
    assert found["ngram_13"]["count"] == 1
    assert found["ngram_13"]["share"] == 0.5
    assert found["ngram_13"]["examples"] == [{"question": "q-0", "conversation": "lima-1"}]
    assert found["ngram_8"]["too_short"] == 1
    assert found["similar"]["count"] == 1
    assert found["similar"]["examples"][0]["question"] == "q-0"


def test_a_shared_run_may_stand_in_a_choice_or_in_a_role_prompt():
    role = "From now on, you are a baker who rises at three and lights the oven before anybody stirs."
    corpus = [CORPUS[0].model_copy(update={"role": role})]
    found = contamination([question("q", "Who?", ["nobody", role])], corpus)
    assert found["ngram_13"]["count"] == 1


def test_no_run_crosses_from_the_question_into_a_choice():
    left, right = COPIED.split(" than ")  # of 8 and 10 words
    assert contamination([question("q", left, [f"than {right}"])], CORPUS)["ngram_13"]["count"] == 0


def test_shots_are_not_counted():
    assert contamination([question("q", COPIED, use="shot")], CORPUS)["questions"] == 0


def test_no_text_is_told():
    text = str(contamination([question("q-0", COPIED)], CORPUS))
    assert "river" not in text.lower()


@pytest.mark.parametrize("questions", [[], [question("q", "…")]])
def test_nothing_to_compare_is_no_error(questions):
    found = contamination(questions, [])
    assert found["ngram_8"]["count"] == 0
    assert found["similar"]["count"] == 0


def test_grams_are_runs_of_words():
    assert words("A, b-c; 3.5!") == ["a", "b", "c", "3", "5"]
    assert grams("a b c", 2) == {("a", "b"), ("b", "c")}
    assert grams("a", 2) == set()


def test_the_nearest_text_is_found():
    places, cosines = nearest(["a fox in the snow"], ["a bear in the wood", "the fox in the snow", "nothing"])
    assert places.tolist() == [1]
    assert 0.5 < cosines[0] <= 1


def test_texts_without_words_are_no_error():
    assert nearest(["…"], ["—"])[1].tolist() == [0.0]
