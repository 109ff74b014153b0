import pytest

from stages.core.errors import InputError
from stages.costs import costs
from stages.records.files import write_json, write_jsonl
from stages.records.results import Generation
from stages.records.systems import Plan, System

STANDARD, ROLE = (System(model="tiny", arm=arm, seed=1) for arm in ("standard", "role"))
STRIPPED = ROLE.model_copy(update={"condition": "stripped"})
OFFICIAL, CHAT = System(model="tiny", rival="official"), System(model="gpt", rival="chat")
NAMES = {"corpus": "bundled", "annotator": "recorded", "judge": "strong", "data": "bundled", "scale": "mini"}


def asked(requests, cost):
    counts = {"prompt_tokens": 10 * requests, "cached_prompt_tokens": requests, "completion_tokens": 5 * requests}
    return {"requests": requests, **counts, "cost": cost, "models": ["m"]}


@pytest.fixture
def root(tmp_path):
    write_json(tmp_path / "metrics/annotate.json", asked(0, 0.0) | {"items": 3})
    write_json(tmp_path / "metrics/judge.json", asked(8, 0.25))
    write_json(tmp_path / "data/generations/rival-gpt/requests.json", asked(2, 0.125))
    for system in (STANDARD, ROLE):
        write_json(tmp_path / f"metrics/finetune/{system.name}.json", {"steps": 4, "completion_tokens": 100, "loss": 2})
    for tokens, system in enumerate((STANDARD, ROLE, STRIPPED, OFFICIAL, CHAT), start=1):
        answer = {"prompt": "", "role": None, "output": "", "output_tokens": tokens, "finished": True}
        answers = [Generation(id=str(number), **answer) for number in range(2)]
        for benchmark in ("open_ended",) if system.rival else ("mmlu", "open_ended"):
            write_jsonl(tmp_path / f"data/generations/{system.name}/{benchmark}.jsonl", answers)
    return tmp_path


def plan(*systems, rivals=()):
    return Plan(systems=list(systems), rivals=list(rivals), benchmarks=["mmlu"], **NAMES)


def test_everything_is_added_up(root):
    found = costs(plan(STANDARD, ROLE, STRIPPED, rivals=(OFFICIAL, CHAT)), root)
    assert found["training"] == {
        name: {"steps": 4, "completion_tokens": 100} for name in ("tiny-standard-1", "tiny-role-1")
    }
    assert found["generation"] == {
        "tiny-standard-1": {"answers": 4, "output_tokens": 4},
        "tiny-role-1": {"answers": 4, "output_tokens": 8},
        "tiny-role.stripped-1": {"answers": 4, "output_tokens": 12},
        "tiny-official": {"answers": 2, "output_tokens": 8},
    }
    assert {who: entry["requests"] for who, entry in found["asking"].items()} == {
        "annotator: recorded": 0,
        "judge: strong": 8,
        "rival: gpt": 2,
    }
    assert found["total"] == {
        "steps": 8,
        "completion_tokens_learnt": 200,
        "tokens_generated": 32,
        "requests": 10,
        "cost": 0.375,
    }


def test_what_an_earlier_choice_left_is_not_counted(root):
    assert costs(plan(STANDARD), root)["total"]["requests"] == 8
    assert list(costs(plan(STANDARD), root)["generation"]) == ["tiny-standard-1"]


def test_a_missing_file_is_named(root):
    (root / "metrics/judge.json").unlink()
    with pytest.raises(InputError, match=r"metrics/judge\.json does not exist"):
        costs(plan(STANDARD), root)
