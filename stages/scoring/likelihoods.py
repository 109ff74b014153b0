"""How likely systems find held-out answers after different role prompts: ``metrics/likelihood.json``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stages.core.errors import InputError
from stages.records.files import read_jsonl
from stages.records.results import ReferenceLikelihood
from stages.records.systems import Plan, derive_seed
from stages.scoring.tables import rounded
from stages.statistics.intervals import Values, of_mean
from stages.statistics.paired import holm, mean_difference

CONDITIONS = ("own", "recorded", "other", "generic", "none")
WITHIN = (
    ("own", "none"),
    ("own", "other"),
    ("own", "generic"),
    ("recorded", "none"),
    ("recorded", "other"),
    ("recorded", "own"),
)
BETWEEN = (("own", "none"), ("none", "none"), ("recorded", "recorded"))
"""Role arm's condition and standard arm's: the paper's question first, then what training alone changed."""

Entry = dict[str, Any]
Found = dict[tuple[str, str], dict[int | None, dict[str, ReferenceLikelihood]]]
"""Model and variant → seed → conversation's id."""


def read_likelihoods(plan: Plan, data: Path = Path("data")) -> Found:
    """The records of the plan's systems that were measured: arms as trained, and the model before fine-tuning."""
    found: Found = {}
    for system in plan.systems:
        if system.condition is None:
            records = read_jsonl(data / "likelihoods" / f"{system.name}.jsonl", ReferenceLikelihood)
            found.setdefault((system.model, system.variant), {})[system.seed] = {each.id: each for each in records}
    return found


def likelihoods(found: Found, seed: int) -> dict[str, Entry]:
    """Model → variant → conditions and differences, and model → ``between`` the two arms.

    All are nats a token of the reference answer, averaged over conversations. A negative difference means that the
    first makes the answer likelier.
    """
    result: dict[str, Entry] = {}
    for (model, variant), seeds in found.items():
        values = {condition: _values(seeds, condition) for condition in CONDITIONS}
        made = {condition: array for condition, array in values.items() if array is not None}
        result.setdefault(model, {})[variant] = {
            "conditions": {condition: _mean(array) for condition, array in made.items()},
            "differences": _with_holm(
                {
                    f"{first} - {second}": _difference(
                        made[first], made[second], derive_seed(seed, "likelihood", model, variant, first, second)
                    )
                    for first, second in WITHIN
                    if first in made and second in made
                }
            ),
        }
    for model, entry in result.items():
        if between := _with_holm(dict(_between(found, model, seed))):
            entry["between"] = between
    return result


def _between(found: Found, model: str, seed: int) -> Iterator[tuple[str, Entry]]:
    role, standard = found.get((model, "role")), found.get((model, "standard"))
    if role is None or standard is None:
        return
    for first, second in BETWEEN:
        ours, theirs = _values(role, first), _values(standard, second)
        if ours is not None and theirs is not None:
            name = f"role {first} - standard {second}"
            yield name, _difference(ours, theirs, derive_seed(seed, "likelihood", model, name))


def _values(seeds: dict[int | None, dict[str, ReferenceLikelihood]], condition: str) -> Values | None:
    """Nats a token, [seeds, conversations]; None where the condition was not measured.

    Raises:
        InputError: Seeds differ in their conversations.
    """
    first = next(iter(seeds.values()))
    if not first or any(condition not in record.nats for records in seeds.values() for record in records.values()):
        return None
    if any(records.keys() != first.keys() for records in seeds.values()):
        raise InputError(
            "data/likelihoods: systems have other conversations: run `dvc repro`, which measures them anew"
        )
    rows = [[records[each].nats[condition] / records[each].tokens for each in first] for records in seeds.values()]  # type: ignore[index]
    return np.array(rows, float)


def _mean(values: Values) -> Entry:
    mean, n = float(values.mean()), values.shape[1]
    reach = of_mean(values).reach if n > 1 else None
    return {
        "nats_per_token": rounded(mean),
        "ci_low": None if reach is None else rounded(mean - reach),
        "ci_high": None if reach is None else rounded(mean + reach),
        "n": n,
        "seeds": len(values),
    }


def _difference(first: Values, second: Values, seed: int) -> Entry:
    found = mean_difference(first, second, seed)
    if found is None:
        nothing = dict.fromkeys(("ci_low", "ci_high", "p"))
        return {"delta": rounded((first - second).mean()), **nothing, "n": first.shape[1], "test": None}
    numbers = {key: rounded(getattr(found, key)) for key in ("delta", "ci_low", "ci_high", "p")}
    return {**numbers, "n": found.n, "test": found.test}


def _with_holm(entries: dict[str, Entry]) -> dict[str, Entry]:
    adjusted = holm([entry["p"] for entry in entries.values()])
    return {
        name: {**{key: entry[key] for key in ("delta", "ci_low", "ci_high", "p")}, "p_holm": rounded(p_holm)}
        | {key: entry[key] for key in ("n", "test")}
        for (name, entry), p_holm in zip(entries.items(), adjusted, strict=True)
    }
