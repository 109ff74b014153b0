"""Questions with every system's answers, as JSON small enough to be part of the page; Figure 1 shows some."""

import json
import re
from collections import defaultdict
from typing import Any

from markupsafe import Markup

from stages.chat import self_prompt
from stages.records.results import Generation, Scored
from stages.records.systems import System
from stages.reporting import names
from stages.reporting.inputs import OPEN_ENDED, Inputs

MOST = 200  # items of one benchmark
LONGEST = 4_000  # characters of one answer
EXAMPLES = ("mmlu", "gsm8k", OPEN_ENDED)
SIDE_BY_SIDE = ("standard", "standard.manual", "role")

Item = dict[str, Any]


def payload(inputs: Inputs) -> dict[str, Any]:
    """``models``, ``benchmarks`` and ``items``; an item has the answer of each system that was asked.

    Keys are short, since each occurs thousands of times: id, b(enchmark), m(odel), g(roup), d(omain), q(uestion),
    p(rogram: the question is code), c(hoices), t(arget), a(nswers), j(udgements); an answer has its v(ariant), s(eed),
    r(ole), o(utput), w(ritten), l(etter), z: the likeliest text, f(inished) and x, its score.
    """
    variants = [variant for model in inputs.models for variant in inputs.variants(model)]
    return {
        "models": inputs.models,
        "benchmarks": {each: names.benchmark(each) for each in inputs.questions},
        "variants": {each: names.variant(each) for each in [*variants, *(each.variant for each in inputs.plan.rivals)]},
        "items": [item for model in inputs.models for name in inputs.questions for item in _items(inputs, model, name)],
    }


def examples(items: list[Item]) -> list[Item]:
    """The first question of each benchmark of Figure 1 that both arms answered in writing."""
    found: dict[str, Item] = {}
    for item in items:
        written = {answer["v"]: answer for answer in reversed(item["a"]) if "f" in answer}
        if written.keys() >= {"standard", "role"}:
            found.setdefault(item["b"], item | {"a": [written[each] for each in SIDE_BY_SIDE if each in written]})
    return [found[each] for each in EXAMPLES if each in found]


def _items(inputs: Inputs, model: str, benchmark: str) -> list[Item]:
    domain_of, answers = inputs.domain_of, _answers(inputs, model, benchmark)
    judged = _judgements(inputs, model) if benchmark == OPEN_ENDED else {}
    found = []
    for identifier in evenly_spaced([each for each in inputs.questions[benchmark] if each in answers]):
        asked = inputs.questions[benchmark][identifier]
        told = {"g": asked.group, "d": names.domain(domain_of.get(asked.group or "", "")),
                "p": int(asked.task is not None), "c": asked.choices, "t": asked.answer,
                "j": judged.get(identifier)}  # fmt: skip
        found.append({"id": identifier, "m": model, "b": benchmark, "q": asked.question}
                     | {key: value for key, value in told.items() if value} | {"a": answers[identifier]})  # fmt: skip
    return found


def _answers(inputs: Inputs, model: str, benchmark: str) -> dict[str, list[Item]]:
    """Question → each system's answer, in the order of the plan."""
    rivals = [rival for rival in inputs.plan.rivals if rival.rival == "chat" or rival.model == model]
    found: dict[str, list[Item]] = defaultdict(list)
    for system in [*(each for each in inputs.plan.systems if each.model == model), *rivals]:
        for identifier, generation in inputs.generations.get((system.name, benchmark), {}).items():
            scored = inputs.scored.get((system.name, benchmark, identifier))
            found[identifier].append(_answer(system, generation, scored))
    return found


def _answer(system: System, generation: Generation, scored: Scored | None) -> Item:
    role, text = self_prompt.split(generation.output or "")
    shown: Item = {"v": system.variant, "s": system.seed, "r": role or generation.role}
    shown["o"] = clipped(text.strip()) or None
    if scored is not None:
        shown |= {"w": scored.written, "l": scored.letter, "z": scored.cloze, "x": scored.score}
    shown["f"] = None if generation.finished is None else int(generation.finished)
    return {key: value for key, value in shown.items() if value is not None}


def _judgements(inputs: Inputs, model: str) -> dict[str, list[str]]:
    """Prompt → the judge's verdict on each pair of answers, naming the one shown first first."""
    found: dict[str, list[str]] = defaultdict(list)
    for each in inputs.judgements:
        if each.model == model:
            said = {None: "gave no verdict", "tie": "called it a tie"}.get(each.verdict, f"preferred {each.verdict}")
            odds = "" if each.log_odds is None else f" (log-odds of the first {names.signed(each.log_odds, 2)})"
            found[each.id].append(f"{each.first} first, {each.second} second: the judge {said}{odds}.")
    return found


def evenly_spaced(identifiers: list[str]) -> list[str]:
    if len(identifiers) <= MOST:
        return identifiers
    return [identifiers[number * len(identifiers) // MOST] for number in range(MOST)]


def clipped(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} […]"


def pieces(text: str) -> list[tuple[bool, str]]:
    """Alternating prose and fenced code, with whether it is code; a fence that was cut off runs to the end."""
    found = re.split(r"```[^\n`]*\n(.*?)(?:```|\Z)", text, flags=re.DOTALL)
    return [(bool(place % 2), piece.strip("\n")) for place, piece in enumerate(found) if piece.strip()]


def remarks(answer: Item) -> str:
    """How an answer was read, for Figure 1; ``browser.js`` does the same for the list."""
    told = ["" if answer["f"] else "cut off at the limit of tokens"]
    if "x" in answer:
        told.append(f"read as: {answer['w']}" if "w" in answer else "no answer could be read")
    told += [f"likeliest {what}: {answer[key]}" for key, what in (("l", "letter"), ("z", "text")) if key in answer]
    return "; ".join(filter(None, told))


def as_script(value: dict[str, Any]) -> Markup:
    """JSON that is safe inside a ``script`` element, whatever the model wrote."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.translate({ord(character): f"\\u{ord(character):04x}" for character in "<>&"}))
