"""Rows of the tables of roles, preference, training, overlap and cost; see also ``result_tables``."""

from collections.abc import Iterator

from stages.reporting import names
from stages.reporting.inputs import Inputs
from stages.reporting.table import NO_CELL, Cell, Entry, Rows, metric

FREQUENT = 3


def roles(inputs: Inputs) -> Rows:
    """Overall first, then by domain."""
    for model in inputs.metrics["roles"]:
        entry = metric(inputs, "roles", model)
        yield _roles(f"{model}: all" if len(inputs.models) > 1 else "all", entry)
        yield from (_roles(names.domain(domain), entry.at("domains", domain)) for domain in entry.at("domains").values)


def _roles(name: str, entry: Entry) -> list[Cell]:
    shown = (entry.values.get("frequent") or [])[:FREQUENT]
    text = ", ".join(f"{each['phrase']} ({each['count']})" for each in shown) or names.NOTHING
    places = tuple(f"{entry.source('frequent')}/{place}/count" for place in range(len(shown)))
    rates = [entry.percent("role_rate"), entry.percent("well_formed_rate")]
    counts = [entry.number("distinct"), entry.number("distinct_phrases"), entry.at("words").number("mean", 1)]
    return [Cell(name), entry.number("answers"), *rates, *counts, Cell(text, places)]


def belonging(inputs: Inputs) -> Rows:
    for model in inputs.metrics["roles"]:
        entry = metric(inputs, "roles", model, "belonging")
        fit = [entry.percent("share", interval=True), entry.percent("permuted"), entry.p("p")]
        classifier = [entry.percent("held_out_accuracy"), entry.percent("majority"), entry.number("trained_on")]
        yield [Cell(model), *fit, *classifier]


def preference(inputs: Inputs) -> Rows:
    for name, entry, _ in _pairs(inputs):
        shares = [entry.at(outcome).percent("share") for outcome in ("win", "tie", "loss")]
        rate = entry.percent("win_rate", interval=True)
        controlled = entry.at("length_controlled").percent("win_rate", interval=True)
        yield [Cell(name), entry.number("n"), *shares, rate, entry.at("sign_test").p("p"), controlled]


def verdicts(inputs: Inputs) -> Rows:
    """How far the verdicts can be trusted."""
    for name, entry, right in _pairs(inputs):
        rates = [
            entry.at(of).percent(key) for of, key in (("shown_first", "share"), ("flips", "rate"), ("unparsed", "rate"))
        ]
        sides = [entry.at("answers", side) for side in ("role", right)]
        lengths = [side.number("words", 0) for side in sides]
        yield [Cell(name), *rates, *lengths, *(side.number("empty") for side in sides)]


def _pairs(inputs: Inputs) -> Iterator[tuple[str, Entry, str]]:
    """Each judged pair's readable name, its numbers, and the variant on the right."""
    for model, pairs in inputs.metrics["preference"].items():
        for pair in pairs:
            right = pair.removeprefix("role - ")
            name = f"{model}: {names.variant(right)}" if len(inputs.models) > 1 else names.variant(right)
            yield name, metric(inputs, "preference", model, pair), right


def training(inputs: Inputs) -> Rows:
    counts = ("items", "left_out", "steps", "role_tokens", "answer_tokens")
    losses = ("loss", "validation_loss_before", "validation_loss", "validation_role_loss",
              "validation_answer_loss_before", "validation_answer_loss")  # fmt: skip
    for name, metrics in inputs.finetune.items():
        entry = Entry(f"metrics/finetune/{name}.json", metrics)
        if metrics:
            yield [Cell(name), *map(entry.number, counts), *(entry.number(key, 3) for key in losses)]


def compute(inputs: Inputs) -> Rows:
    """Steps and tokens of each system; systems that were not trained have none for training."""
    costs = metric(inputs, "costs")
    for name in dict.fromkeys([*costs.at("training").values, *costs.at("generation").values]):
        trained, answered = costs.at("training", name), costs.at("generation", name)
        steps = [trained.number(key) if trained.values else Cell("\u2013") for key in ("steps", "completion_tokens")]
        yield [Cell(name), *steps, answered.number("answers"), answered.number("output_tokens")]
    total = costs.at("total")
    if total.values:
        steps = [total.number(key) for key in ("steps", "completion_tokens_learnt")]
        yield [Cell("total"), *steps, NO_CELL, total.number("tokens_generated")]


def cost(inputs: Inputs) -> Rows:
    """Requests to chat models, with tokens and cost."""
    keys = ("requests", "prompt_tokens", "cached_prompt_tokens", "completion_tokens", "cost")
    asking = inputs.metrics["costs"].get("asking", {})
    for name, asked in asking.items():
        entry = metric(inputs, "costs", "asking", name)
        yield [Cell(name), Cell(", ".join(asked["models"]) or "none"), *map(entry.number, keys)]
    if asking:
        total = metric(inputs, "costs", "total")
        yield [Cell("total"), Cell("all"), total.number("requests"), *[NO_CELL] * 3, total.number("cost")]


def contamination(inputs: Inputs) -> Rows:
    for benchmark in inputs.metrics["contamination"]:
        entry = metric(inputs, "contamination", benchmark)
        runs = (entry.at(f"ngram_{size}") for size in (8, 13))
        cells = [cell for run in runs for cell in (run.number("count"), run.percent("share"), run.number("too_short"))]
        similar = [entry.at("similar").number(key) for key in ("count", "highest")]
        yield [Cell(names.benchmark(benchmark)), entry.number("questions"), *cells, *similar]
