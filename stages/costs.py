"""Add up what the run took: optimizer steps, tokens learnt and generated, requests, US dollars. Never times.

Writes metrics/costs.json.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.core import command_line
from stages.records.files import iterate_jsonl, read_json, write_json
from stages.records.results import Generation
from stages.records.systems import Plan, System, read_plan

METRICS = Path("metrics/costs.json")

Numbers = dict[str, Any]
ASKING = ("requests", "prompt_tokens", "cached_prompt_tokens", "completion_tokens", "cost", "models")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    plan = read_plan()
    write_json(METRICS, costs(plan, Path()))


def costs(plan: Plan, root: Path) -> Numbers:
    """By system: ``training`` and ``generation``; by who was asked: ``asking``; and ``total``.

    Answers from the request cache count as if they were asked for now, so that two runs give the same numbers.
    """
    systems = [*plan.systems, *(rival for rival in plan.rivals if rival.rival == "official")]
    training = {system.name: _training(root, system) for system in plan.systems if _is_trained(system)}
    generation = {system.name: _generation(root, system) for system in systems}
    asking = {f"{who}: {name}": _asking(path) for who, name, path in _asked(plan, root)}
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


def _is_trained(system: System) -> bool:
    return system.arm is not None and system.condition is None


def _training(root: Path, system: System) -> Numbers:
    found = read_json(root / f"metrics/finetune/{system.name}.json")
    return {key: found[key] for key in ("steps", "completion_tokens")}


def _generation(root: Path, system: System) -> Numbers:
    """Of all benchmarks and the open-ended prompts; text that a condition puts into a turn was not generated."""
    paths = sorted((root / f"data/generations/{system.name}").glob("*.jsonl"))
    tokens = [
        each.output_tokens for path in paths for each in iterate_jsonl(path, Generation) if each.output is not None
    ]
    return {"answers": len(tokens), "output_tokens": sum(tokens)}


def _asked(plan: Plan, root: Path) -> list[tuple[str, str, Path]]:
    """Each chat model that was asked: as what, its name, and the file with the numbers of its requests."""
    rivals = [rival for rival in plan.rivals if rival.rival == "chat"]
    return [
        ("annotator", plan.annotator, root / "metrics/annotate.json"),
        ("judge", plan.judge, root / "metrics/judge.json"),
        *(("rival", each.model, root / f"data/generations/{each.name}/requests.json") for each in rivals),
    ]


def _asking(path: Path) -> Numbers:
    found = read_json(path)
    return {key: found[key] for key in ASKING}


def _sum(parts: Mapping[str, Numbers], key: str) -> Any:
    return sum(part[key] for part in parts.values())


if __name__ == "__main__":
    command_line.run(main)
