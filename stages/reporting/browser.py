"""The items that the page's browser shows, as JSON: small enough to travel in the page."""

import json
from collections import defaultdict
from typing import Any

from markupsafe import Markup

from stages.chat import self_prompt
from stages.records.question import Question
from stages.records.scored import Scored
from stages.reporting import names
from stages.reporting.inputs import Inputs

MOST = 200  # items of one benchmark
LONGEST = 4_000  # characters of one answer


def payload(inputs: Inputs) -> dict[str, Any]:
    """``models``, ``benchmarks`` and ``items``; an item has an answer from each system that was asked.

    Short keys, since each stands there thousands of times: id, b(enchmark), m(odel), g(roup), d(omain), q(uestion),
    c(hoices), t(arget), a(nswers); an answer has its v(ariant), s(eed), r(ole), o(utput), w(ritten), l(etter),
    z: the likeliest text, f(inished) and x, its score.
    """
    domain_of = {
        subject: names.domain(domain)
        for domain, subjects in inputs.parameters.get("mmlu_domains", {}).items()
        for subject in subjects
    }
    answers: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for item in inputs.scored:
        answers[item.model, item.benchmark, item.id].append(_answer(inputs, item))
    items = []
    for model in inputs.models:
        for benchmark in inputs.benchmarks:
            asked = [each for each in inputs.questions[benchmark] if (model, benchmark, each) in answers]
            for identifier in evenly_spaced(asked):
                question = _question(inputs.questions[benchmark][identifier], domain_of)
                found = answers[model, benchmark, identifier]
                items.append({"id": identifier, "m": model, "b": benchmark, **question, "a": found})
    return {
        "models": inputs.models,
        "benchmarks": {each: names.benchmark(each) for each in inputs.benchmarks},
        "variants": {v: names.variant(v) for model in inputs.models for v in inputs.variants(model)},
        "items": items,
    }


def evenly_spaced(identifiers: list[str]) -> list[str]:
    if len(identifiers) <= MOST:
        return identifiers
    return [identifiers[number * len(identifiers) // MOST] for number in range(MOST)]


def _question(question: Question, domain_of: dict[str, str]) -> dict[str, Any]:
    shown = {"q": question.question, "c": question.choices, "t": question.answer, "g": question.group,
             "d": domain_of.get(question.group or "")}  # fmt: skip
    return {key: value for key, value in shown.items() if value}


def _answer(inputs: Inputs, item: Scored) -> dict[str, Any]:
    generation = inputs.generations[item.system, item.benchmark][item.id]
    text = self_prompt.split(generation.output or "")[1]
    shown = {"v": item.variant, "s": item.seed, "r": item.role, "o": clipped(text.strip()) or None, "w": item.written,
             "l": item.letter, "z": item.cloze, "x": item.score}  # fmt: skip
    finished = {} if generation.finished is None else {"f": int(generation.finished)}
    return {key: value for key, value in shown.items() if value is not None} | finished


def clipped(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} […]"


def as_script(value: dict[str, Any]) -> Markup:
    """JSON that may stand in a ``script`` element whatever the model wrote."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(safe)
