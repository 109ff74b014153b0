"""Rows of each table: the function of its name."""

from collections.abc import Iterator

from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs
from stages.reporting.table import NO_CELL, Cell, Entry, Rows, metric

DASH = "\u2013"
FREQUENT = 3


def main(inputs: Inputs) -> Rows:
    """One row per benchmark; the comparison comes first, so that a narrow page shows it without scrolling."""
    before = any("base" in inputs.variants(model) for model in inputs.models)
    for model, benchmark, named in _each(inputs):
        scores = {each: metric(inputs, "benchmarks", model, each, benchmark) for each in ("standard", "role", "base")}
        standard, role, base = (each.percent("score", interval=True, variant=arm) for arm, each in scores.items())
        difference = metric(inputs, "comparison", model, ROLE_PAIR, benchmark).points("delta")
        chance = inputs.chance(benchmark)
        guessing = Cell(DASH if chance is None else names.percent(chance))
        asked = next((entry for entry in scores.values() if entry.values), Entry("", {}))
        last = [base if before else NO_CELL, guessing, asked.number("n"), _reading(asked)]
        yield [*named, standard, role, difference, *last]


def differences(inputs: Inputs) -> Rows:
    for model, benchmark, named in _each(inputs):
        entry = metric(inputs, "comparison", model, ROLE_PAIR, benchmark)
        if entry.values:
            test = entry.values.get("test") or names.NOTHING
            yield [*named, *_difference(entry), entry.percent("detectable"), Cell(names.TESTS.get(test, test))]


def controls(inputs: Inputs) -> Rows:
    """Every comparison but role with standard."""
    for model in inputs.models:
        for pair, benchmarks in inputs.metrics["comparison"].get(model, {}).items():
            for benchmark in benchmarks if pair != ROLE_PAIR else ():
                scores = [
                    metric(inputs, "benchmarks", model, variant, benchmark).percent("score", variant=variant)
                    for variant in pair.split(" - ")
                ]
                named = [_model(inputs, model), _pair(pair), Cell(names.benchmark(benchmark))]
                yield [*named, *scores, *_difference(metric(inputs, "comparison", model, pair, benchmark))]


def readings(inputs: Inputs) -> Rows:
    """Every reading's score, the most frequent pick, and how many answers could not be read."""
    for model, benchmark, named in _each(inputs):
        for variant in inputs.variants(model):
            entry = metric(inputs, "benchmarks", model, variant, benchmark)
            if entry.values:
                scores = map(entry.percent, ("score_cloze", "score_letter", "score_written", "f1", "macro"))
                picks = entry.at("picks")
                label = next(iter(picks.values), None)
                pick = Cell(DASH)
                if label is not None:
                    pick = Cell(f"{label} {names.percent(picks.values[label])}", (picks.source(label),))
                rates = map(entry.percent, ("majority", "unparsed_rate", "role_rate", "seed_sd"))
                yield [*named, Cell(names.variant(variant), variant=variant), _reading(entry), *scores, pick, *rates]


def likelihood(inputs: Inputs) -> Rows:
    """Within each arm, and between the two: differences in nats a token of the reference answers."""
    for model, variants in inputs.metrics["likelihood"].items():
        for variant in variants:
            between = variant == "between"
            system = Cell("between arms" if between else names.variant(variant), variant=variant)
            of = metric(inputs, "likelihood", model, variant, *([] if between else ["differences"]))
            for pair in of.values:
                entry = of.at(pair)
                numbers = [entry.number("n"), entry.nats("delta", interval=True), entry.p("p"), entry.p("p_holm")]
                yield [_model(inputs, model), system, _pair(pair), *numbers]


def domains(inputs: Inputs) -> Rows:
    for model, found in inputs.metrics["mmlu_domains"].items():
        for domain in found:
            entry = metric(inputs, "mmlu_domains", model, domain)
            standard, role, both = (entry.at(each) for each in ("standard", "role", ROLE_PAIR))
            yield [
                _model(inputs, model),
                Cell(names.domain(domain)),
                standard.percent("score", interval=True, variant="standard"),
                role.percent("score", interval=True, variant="role"),
                both.points("delta", interval=True),
                both.p("p_holm"),
                _verdict(both),
                both.percent("detectable"),
                (standard if standard.values else role).number("n"),
            ]


def roles(inputs: Inputs) -> Rows:
    """Overall first, then by domain."""
    for model in inputs.metrics["roles"]:
        whole = metric(inputs, "roles", model)
        parts = {names.domain(domain): whole.at("domains", domain) for domain in whole.at("domains").values}
        for name, entry in {f"{model}: all" if len(inputs.models) > 1 else "all": whole, **parts}.items():
            shown = (entry.values.get("frequent") or [])[:FREQUENT]
            text = ", ".join(f"{each['phrase']} ({each['count']})" for each in shown) or names.NOTHING
            places = tuple(f"{entry.source('frequent')}/{place}/count" for place in range(len(shown)))
            rates = map(entry.percent, ("role_rate", "well_formed_rate"))
            counts = [*map(entry.number, ("distinct", "distinct_phrases")), entry.at("words").number("mean", 1)]
            yield [Cell(name), entry.number("answers"), *rates, *counts, Cell(text, places)]


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
        rates = {"shown_first": "share", "flips": "rate", "unparsed": "rate"}
        sides = [entry.at("answers", side) for side in ("role", right)]
        lengths = [side.number("words", 0) for side in sides]
        rated = [entry.at(of).percent(key) for of, key in rates.items()]
        yield [Cell(name), *rated, *lengths, *(side.number("empty") for side in sides)]


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
        steps = [trained.number(key) if trained.values else Cell(DASH) for key in ("steps", "completion_tokens")]
        yield [Cell(name), *steps, *map(answered.number, ("answers", "output_tokens"))]
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
        similar = map(entry.at("similar").number, ("count", "highest"))
        yield [Cell(names.benchmark(benchmark)), entry.number("questions"), *cells, *similar]


def _each(inputs: Inputs) -> Iterator[tuple[str, str, list[Cell]]]:
    """Model, benchmark, and the cells that name them."""
    for model in inputs.models:
        for benchmark in inputs.benchmarks:
            yield model, benchmark, [_model(inputs, model), Cell(names.benchmark(benchmark))]


def _pairs(inputs: Inputs) -> Iterator[tuple[str, Entry, str]]:
    """Each judged pair's readable name, its numbers, and the variant on the right."""
    for model, pairs in inputs.metrics["preference"].items():
        for pair in pairs:
            right = pair.removeprefix("role - ")
            name = f"{model}: {names.variant(right)}" if len(inputs.models) > 1 else names.variant(right)
            yield name, metric(inputs, "preference", model, pair), right


def _model(inputs: Inputs, model: str) -> Cell:
    """Named where there are several."""
    return Cell(model) if len(inputs.models) > 1 else NO_CELL


def _pair(pair: str) -> Cell:
    return Cell(pair.replace(" - ", f" {names.MINUS} "))


def _reading(entry: Entry) -> Cell:
    reading = str(entry.values.get("reading"))
    return Cell(names.READINGS.get(reading, reading))


def _difference(entry: Entry) -> list[Cell]:
    delta = entry.points("delta", interval=True)
    return [entry.number("n"), delta, entry.p("p"), entry.p("p_holm"), _verdict(entry)]


def _verdict(entry: Entry) -> Cell:
    verdict = entry.values.get("verdict") or names.NOTHING
    return Cell("equal within the margin" if verdict == "equivalent" else verdict)
