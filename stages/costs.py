"""Add up what the run took: optimizer steps, tokens learnt and generated, requests, US dollars. Never times.

Writes metrics/costs.json.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.core import command_line
from stages.records.files import iterate_jsonl, read_json, write_json
from stages.records.results import Generation
from stages.records.systems import Plan, read_plan

METRICS = Path("metrics/costs.json")
TRAINING = ("steps", "completion_tokens")
ASKING = ("requests", "prompt_tokens", "cached_prompt_tokens", "completion_tokens", "cost", "models")

Numbers = dict[str, Any]


def main() -> None:
    command_line.parser(__doc__).parse_args()
    write_json(METRICS, costs(read_plan(), Path()))


def costs(plan: Plan, root: Path) -> Numbers:
    """By system: ``training`` and ``generation``; by who was asked: ``asking``; and ``total``.

    Answers from the request cache count as if they were asked for now, so that two runs give the same numbers.
    """
    trained = [system.name for system in plan.systems if system.arm is not None and system.condition is None]
    answering = [system.name for system in [*plan.systems, *plan.rivals] if system.rival != "chat"]
    asked = {
        f"annotator: {plan.annotator}": "metrics/annotate.json",
        f"judge: {plan.judge}": "metrics/judge.json",
        **{
            f"rival: {each.model}": f"data/generations/{each.name}/requests.json"
            for each in plan.rivals
            if each.rival == "chat"
        },
    }
    training = {name: _chosen(root / f"metrics/finetune/{name}.json", TRAINING) for name in trained}
    generation = {name: _generated(root / f"data/generations/{name}") for name in answering}
    asking = {who: _chosen(root / path, ASKING) for who, path in asked.items()}
    return {
        "training": training,
        "generation": generation,
        "asking": asking,
        "total": {
            "steps": _sum(training, "steps"),
            "completion_tokens_learnt": _sum(training, "completion_tokens"),
            "tokens_generated": _sum(generation, "output_tokens"),
            "requests": _sum(asking, "requests"),
            "cost": round(_sum(asking, "cost"), 6),
        },
    }


def _chosen(path: Path, keys: Sequence[str]) -> Numbers:
    found = read_json(path)
    return {key: found[key] for key in keys}


def _generated(folder: Path) -> Numbers:
    """Of all benchmarks and the open-ended prompts; text that a condition puts into a turn was not generated."""
    answers = (each for path in sorted(folder.glob("*.jsonl")) for each in iterate_jsonl(path, Generation))
    tokens = [each.output_tokens for each in answers if each.output is not None]
    return {"answers": len(tokens), "output_tokens": sum(tokens)}


def _sum(parts: dict[str, Numbers], key: str) -> Any:
    return sum(part[key] for part in parts.values())


if __name__ == "__main__":
    command_line.run(main)
