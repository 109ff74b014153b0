from pathlib import Path

import pytest

from stages.annotation.annotating import request_role
from stages.annotation.reporting import Tally, demand_enough
from stages.chat_models import Estimate, Outcome
from stages.chat_models.preset import ChatPreset, LocalPreset
from stages.core.errors import InputError
from stages.records.conversation import Conversation


def demand(good: int, *failures: str, tolerated: float = 0.0) -> None:
    preset: ChatPreset = LocalPreset(kind="local", tolerated_failures=tolerated)
    request = request_role(Conversation(id="1", source="s", turns=["a", "b"]), "")
    tally = Tally(preset)
    for failure in [None] * good + list(failures):
        tally.count(Outcome(request, None if failure else "role", failure))
    demand_enough(tally, preset, Path("data/annotations/mine.jsonl"), Path("logs/failures.jsonl"))


def test_all_annotated_is_enough_and_so_is_what_the_preset_tolerates() -> None:
    demand(3)
    demand(9, "refused", tolerated=0.1)


@pytest.mark.parametrize(
    ("good", "failures", "tolerated", "told"),
    [
        (9, ["refused"], 0.05, r"1 of 10 items .*refused: 1.*logs/failures\.jsonl.*tolerated_failures to 0\.1000"),
        (0, ["refused", "too short"], 0.9, "2 of 2 items .*Choose an annotator"),
        (
            5,
            ["not recorded"],
            0.9,
            r"1 of 6 items of corpus 'mine' have no recorded annotation in data/annotations/mine",
        ),
        (0, [], 0.0, "the corpus is empty"),
    ],
)
def test_less_ends_the_stage_and_says_what_to_do(good: int, failures: list[str], tolerated: float, told: str) -> None:
    with pytest.raises(InputError, match=told):
        demand(good, *failures, tolerated=tolerated)


def test_the_estimate_reads_well() -> None:
    told = str(Estimate(1030, 30, 900_000, 80_000, 6.9, 12.34))
    assert "requests: 1030, of which 30 cached and 1000 missing" in told
    assert "about $6.90, at most $12.34" in told
