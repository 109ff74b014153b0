"""Rows of the tables of scores and differences; ``templates/tables.yaml`` has their columns and words."""

from collections.abc import Iterator

from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs, chance
from stages.reporting.table import NO_CELL, Cell, Entry, Rows, metric

DASH = "\u2013"


def main(inputs: Inputs) -> Rows:
    """One row per benchmark; the comparison comes first, so that a narrow page shows it without scrolling."""
    before = any("base" in inputs.variants(model) for model in inputs.models)
    for model, benchmark in _each(inputs):
        scores = {each: metric(inputs, "benchmarks", model, each, benchmark) for each in ("standard", "role", "base")}
        difference = metric(inputs, "comparison", model, ROLE_PAIR, benchmark)
        asked = next((entry for entry in scores.values() if entry.values), Entry("", {}))
        guessed = chance(inputs, benchmark)
        standard, role, base = (
            entry.percent("score", interval=True, variant=variant) for variant, entry in scores.items()
        )
        yield [
            _model(inputs, model),
            Cell(names.benchmark(benchmark)),
            standard,
            role,
            difference.points("delta"),
            base if before else NO_CELL,
            Cell(DASH if guessed is None else names.percent(guessed)),
            asked.number("n"),
            _reading(asked),
        ]


def differences(inputs: Inputs) -> Rows:
    for model, benchmark in _each(inputs):
        entry = metric(inputs, "comparison", model, ROLE_PAIR, benchmark)
        test = entry.values.get("test")
        told = [entry.percent("detectable"), Cell(names.TESTS.get(test, test) if test else names.NOTHING)]
        if entry.values:
            yield [_model(inputs, model), Cell(names.benchmark(benchmark)), *_difference(entry), *told]


def controls(inputs: Inputs) -> Rows:
    """Every comparison but role with standard."""
    for model, pairs in inputs.metrics["comparison"].items():
        for pair, benchmarks in pairs.items():
            for benchmark in benchmarks if pair != ROLE_PAIR else ():
                scores = [
                    metric(inputs, "benchmarks", model, variant, benchmark).percent("score", variant=variant)
                    for variant in pair.split(" - ")
                ]
                named = [_model(inputs, model), _pair(pair), Cell(names.benchmark(benchmark))]
                yield [*named, *scores, *_difference(metric(inputs, "comparison", model, pair, benchmark))]


def readings(inputs: Inputs) -> Rows:
    """Every reading's score, the most frequent pick, and how many answers could not be read."""
    for model, benchmark in _each(inputs):
        for variant in inputs.variants(model):
            entry = metric(inputs, "benchmarks", model, variant, benchmark)
            if entry.values:
                named = [_model(inputs, model), Cell(names.benchmark(benchmark))]
                scores = [entry.percent(key) for key in ("score_cloze", "score_letter", "score_written", "f1", "macro")]
                rates = [entry.percent(key) for key in ("majority", "unparsed_rate", "role_rate", "seed_sd")]
                variant_cell = Cell(names.variant(variant), variant=variant)
                yield [*named, variant_cell, _reading(entry), *scores, _most_picked(entry), *rates]


def likelihood(inputs: Inputs) -> Rows:
    """Within each arm, and between the two: differences in nats a token of the reference answers."""
    for model, variants in inputs.metrics["likelihood"].items():
        for variant in variants:
            between = variant == "between"
            of = metric(inputs, "likelihood", model, variant, *([] if between else ["differences"]))
            for pair in of.values:
                entry = of.at(pair)
                system = Cell("between arms" if between else names.variant(variant), variant=variant)
                numbers = [entry.number("n"), entry.nats("delta", interval=True), entry.p("p"), entry.p("p_holm")]
                yield [_model(inputs, model), system, _pair(pair), *numbers]


def domains(inputs: Inputs) -> Rows:
    for model, found in inputs.metrics["mmlu_domains"].items():
        for domain in found:
            entry = metric(inputs, "mmlu_domains", model, domain)
            difference = entry.at(ROLE_PAIR)
            arms = {arm: entry.at(arm) for arm in ("standard", "role")}
            asked = arms["standard"] if arms["standard"].values else arms["role"]
            yield [
                _model(inputs, model),
                Cell(names.domain(domain)),
                *(each.percent("score", interval=True, variant=arm) for arm, each in arms.items()),
                difference.points("delta", interval=True),
                difference.p("p_holm"),
                _verdict(difference),
                difference.percent("detectable"),
                asked.number("n"),
            ]


def _each(inputs: Inputs) -> Iterator[tuple[str, str]]:
    return ((model, benchmark) for model in inputs.models for benchmark in inputs.benchmarks)


def _model(inputs: Inputs, model: str) -> Cell:
    """Named where there are several."""
    return Cell(model) if len(inputs.models) > 1 else NO_CELL


def _reading(entry: Entry) -> Cell:
    reading = str(entry.values.get("reading"))
    return Cell(names.READINGS.get(reading, reading))


def _difference(entry: Entry) -> list[Cell]:
    delta = entry.points("delta", interval=True)
    return [entry.number("n"), delta, entry.p("p"), entry.p("p_holm"), _verdict(entry)]


def _verdict(entry: Entry) -> Cell:
    return Cell(names.VERDICTS.get(str(entry.values.get("verdict")), names.NOTHING))


def _pair(pair: str) -> Cell:
    return Cell(pair.replace(" - ", f" {names.MINUS} "))


def _most_picked(entry: Entry) -> Cell:
    picks = entry.at("picks")
    label = next(iter(picks.values), None)
    if label is None:
        return Cell(DASH)
    return Cell(f"{label} {names.percent(picks.values[label])}", (picks.source(label),))
