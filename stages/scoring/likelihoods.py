"""How likely systems find held-out answers after different role prompts: ``metrics/likelihood.json``."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core.errors import InputError
from stages.records.files import read_jsonl
from stages.records.results import ReferenceLikelihood, RoleGiven
from stages.records.systems import Plan, derive_seed
from stages.scoring.comparison import with_holm
from stages.scoring.tables import rounded
from stages.statistics.intervals import Values, of_mean
from stages.statistics.paired import mean_difference

CONDITIONS: tuple[RoleGiven, ...] = ("own", "recorded", "other", "generic", "none")
WITHIN = [("own", second) for second in ("none", "other", "generic")]
WITHIN += [("recorded", second) for second in ("none", "other", "own")]
BETWEEN = (("own", "none"), ("none", "none"), ("recorded", "recorded"))
"""Role arm's condition and standard arm's: the paper's question first, then what training alone changed."""

Entry = dict[str, Any]
Seeds = dict[int | None, dict[str, ReferenceLikelihood]]
"""Seed → conversation's id."""


def read_likelihoods(plan: Plan, data: Path = Path("data")) -> dict[tuple[str, str], Seeds]:
    """By model and variant, the records of systems that were measured: arms as trained, models before fine-tuning."""
    found: dict[tuple[str, str], Seeds] = {}
    for system in plan.systems:
        if system.condition is None:
            records = read_jsonl(data / "likelihoods" / f"{system.name}.jsonl", ReferenceLikelihood)
            found.setdefault((system.model, system.variant), {})[system.seed] = {each.id: each for each in records}
    return found


def likelihoods(found: dict[tuple[str, str], Seeds], seed: int) -> dict[str, Entry]:
    """Model → variant → conditions and differences, and model → ``between`` the two arms.

    All are nats a token of the reference answer, averaged over conversations. A negative difference means that the
    first makes the answer likelier.
    """
    result: dict[str, Entry] = {}
    measured = {key: _measured(seeds) for key, seeds in found.items()}
    for (model, variant), values in measured.items():
        differences = {
            f"{first} - {second}": _difference(
                values[first], values[second], derive_seed(seed, "likelihood", model, variant, first, second)
            )
            for first, second in WITHIN
            if first in values and second in values
        }
        conditions = {condition: _mean(array) for condition, array in values.items()}
        result.setdefault(model, {})[variant] = {"conditions": conditions, "differences": with_holm(differences)}
    for model, entry in result.items():
        role, standard = measured.get((model, "role"), {}), measured.get((model, "standard"), {})
        both = {f"role {a} - standard {b}": (a, b) for a, b in BETWEEN if a in role and b in standard}
        if both:
            differences = {
                name: _difference(role[first], standard[second], derive_seed(seed, "likelihood", model, name))
                for name, (first, second) in both.items()
            }
            entry["between"] = with_holm(differences)
    return result


def _measured(seeds: Seeds) -> dict[str, Values]:
    """Nats a token, [seeds, conversations], by condition; without those that some conversation lacks.

    Raises:
        InputError: Seeds differ in their conversations.
    """
    first, *others = seeds.values()
    if any(records.keys() != first.keys() for records in others):
        raise InputError(
            "data/likelihoods: systems have other conversations: run `dvc repro`, which measures them anew"
        )
    rows = [[records[identifier] for identifier in first] for records in seeds.values()]
    made = [name for name in CONDITIONS if first and all(name in record.nats for row in rows for record in row)]
    return {name: np.array([[record.nats[name] / record.tokens for record in row] for row in rows]) for name in made}


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
