"""Tables of scores and differences."""

from collections.abc import Iterator

from stages.reporting import names, notes
from stages.reporting.inputs import ROLE_PAIR, Inputs, chance
from stages.reporting.table import Cell, Entry, Table

SIGNIFICANT = 0.05
MAIN = ("base", "standard", "role")


def is_significant(entry: Entry) -> bool:
    p = entry.values.get("p_holm")
    return p is not None and p < SIGNIFICANT


def main_table(inputs: Inputs) -> Table:
    """Benchmarks down, variants across."""
    variants = [variant for variant in MAIN if any(variant in inputs.variants(model) for model in inputs.models)]
    rows = []
    for model, benchmark in _each(inputs):
        cells = [Cell(names.benchmark(benchmark)), *_first(inputs, model, benchmark, variants)]
        for variant in variants:
            entry = Entry("metrics/benchmarks.json", inputs.metrics["benchmarks"]).at(model, variant, benchmark)
            cells.append(entry.percent("score", "ci_low", "ci_high", variant=variant))
        difference = Entry("metrics/comparison.json", inputs.metrics["comparison"]).at(model, ROLE_PAIR, benchmark)
        cells.append(difference.points("delta", strong=is_significant(difference)))
        rows.append(_with_model(inputs, model, cells))
    head = ["Benchmark", "Reading", "n", "Guessing", *(names.variant(variant) for variant in variants), "Difference"]
    return Table(
        "main",
        "Main results: score in per cent",
        _model_head(inputs, head),
        rows,
        [
            notes.of_scores(inputs),
            notes.GUESSING,
            "Difference: role less standard, in percentage points; bold where p < 0.05 after Holm's correction over "
            "the benchmarks.",
            notes.READINGS,
            *_reasons(inputs),
            *notes.of_questions(inputs),
        ],
        labels=1 + (len(inputs.models) > 1),
        words=[1 + (len(inputs.models) > 1)],
    )


def _first(inputs: Inputs, model: str, benchmark: str, variants: list[str]) -> list[Cell]:
    entries = [
        Entry("metrics/benchmarks.json", inputs.metrics["benchmarks"]).at(model, variant, benchmark)
        for variant in variants
    ]
    asked = next((entry for entry in entries if entry.values), Entry("", {}))
    guessed = chance(inputs, benchmark)
    reading = str(asked.values.get("reading"))
    return [
        Cell(names.READINGS.get(reading, reading)),
        asked.number("n"),
        Cell("\u2013" if guessed is None else names.percent(guessed)),
    ]


def difference_table(inputs: Inputs) -> Table:
    rows = []
    for model, benchmark in _each(inputs):
        entry = Entry("metrics/comparison.json", inputs.metrics["comparison"]).at(model, ROLE_PAIR, benchmark)
        if entry.values:
            rows.append(_with_model(inputs, model, [Cell(names.benchmark(benchmark)), *_difference(entry)]))
    return Table(
        "differences",
        "Role less standard, in percentage points",
        _model_head(inputs, ["Benchmark", *DIFFERENCE_HEAD]),
        rows,
        [
            notes.of_differences(inputs),
            notes.holm("the benchmarks of one model"),
            notes.verdict(inputs),
            notes.DETECTABLE,
            *notes.of_questions(inputs),
        ],
        labels=1 + (len(inputs.models) > 1),
        words=[place + (len(inputs.models) > 1) for place in (5, 7)],
    )


DIFFERENCE_HEAD = ["n", "Difference", "p", "p (Holm)", "Verdict", "Detectable", "Test"]


def _difference(entry: Entry) -> list[Cell]:
    test = entry.values.get("test")
    return [
        entry.number("n"),
        entry.points("delta", "ci_low", "ci_high", strong=is_significant(entry)),
        entry.p("p"),
        entry.p("p_holm"),
        Cell(names.VERDICTS.get(str(entry.values.get("verdict")), names.NOTHING)),
        entry.percent("detectable"),
        Cell(names.TESTS.get(test, test) if test else names.NOTHING),
    ]


def controls_table(inputs: Inputs) -> Table:
    """Every comparison but role with standard."""
    rows = []
    for model, pairs in inputs.metrics["comparison"].items():
        for pair, benchmarks in pairs.items():
            for benchmark in benchmarks if pair != ROLE_PAIR else ():
                entry = Entry("metrics/comparison.json", inputs.metrics["comparison"]).at(model, pair, benchmark)
                cells = [Cell(pair.replace(" - ", f" {names.MINUS} ")), Cell(names.benchmark(benchmark))]
                rows.append(_with_model(inputs, model, [*cells, *_scores(inputs, model, pair, benchmark),
                                                        *_difference(entry)[:5]]))  # fmt: skip
    return Table(
        "controls",
        "Controls and conditions",
        _model_head(inputs, ["Comparison", "Benchmark", "First", "Second", *DIFFERENCE_HEAD[:5]]),
        rows,
        [
            notes.of_variants(inputs),
            f"Scores in per cent, differences in percentage points. {notes.of_differences(inputs)}",
            f"{notes.holm('the benchmarks of one comparison')} No correction is made for the number of comparisons.",
            *notes.of_questions(inputs),
        ],
        labels=2 + (len(inputs.models) > 1),
        words=[8 + (len(inputs.models) > 1)],
    )


def _scores(inputs: Inputs, model: str, pair: str, benchmark: str) -> Iterator[Cell]:
    for variant in pair.split(" - "):
        entry = Entry("metrics/benchmarks.json", inputs.metrics["benchmarks"]).at(model, variant, benchmark)
        yield entry.percent("score", variant=variant)


def readings_table(inputs: Inputs) -> Table:
    """Every reading of each answer, what was picked most, and how many answers could not be read."""
    rows = []
    for model, benchmark in _each(inputs):
        for variant in inputs.variants(model):
            entry = Entry("metrics/benchmarks.json", inputs.metrics["benchmarks"]).at(model, variant, benchmark)
            if entry.values:
                reading = str(entry.values.get("reading"))
                cells = [
                    Cell(names.benchmark(benchmark)),
                    Cell(names.variant(variant), variant=variant),
                    Cell(names.READINGS.get(reading, reading)),
                    *(entry.percent(key) for key in ("score_cloze", "score_letter", "score_written", "f1", "macro")),
                    _most_picked(entry),
                    *(entry.percent(key) for key in ("majority", "unparsed_rate", "role_rate", "seed_sd")),
                ]
                rows.append(_with_model(inputs, model, cells))
    head = [
        "Benchmark", "Variant", "Scored by", "Text", "Letter", "Written", "F1", "Macro", "Most picked", "Majority",
        "Unread", "Role", "Seeds' SD",
    ]  # fmt: skip
    return Table(
        "readings",
        "How answers were read, in per cent",
        _model_head(inputs, head),
        rows,
        [
            notes.READINGS,
            "Most picked: the choice that the model takes most often, and its share; where that is nearly all, the "
            "score follows the share of that key. Majority: what always giving the most frequent key would score. "
            "Macro: mean over MMLU's subjects. F1: mean overlap of words with the right answer.",
            "Unread: no answer was found in what was written. Role: opens with a well-formed role prompt. Seeds' SD: "
            "standard deviation of the score over seeds of training.",
            *notes.of_questions(inputs),
        ],
        labels=2 + (len(inputs.models) > 1),
        words=[2 + (len(inputs.models) > 1)],
    )


def _most_picked(entry: Entry) -> Cell:
    picks = entry.at("picks")
    label = next(iter(picks.values), None)
    if label is None:
        return Cell("\u2013")
    return Cell(f"{label} {names.percent(picks.values[label])}", (picks.source(label),))


def likelihood_table(inputs: Inputs) -> Table:
    """Within each arm, and between the two: differences in nats a token of the reference answers."""
    rows = []
    metrics = Entry("metrics/likelihood.json", inputs.metrics["likelihood"])
    for model, variants in inputs.metrics["likelihood"].items():
        for variant in variants:
            of = metrics.at(model, variant) if variant == "between" else metrics.at(model, variant, "differences")
            for pair in of.values:
                entry = of.at(pair)
                cells = [Cell("between arms" if variant == "between" else names.variant(variant), variant=variant)]
                cells += [Cell(pair.replace(" - ", f" {names.MINUS} ")), entry.number("n")]
                cells += [entry.nats("delta", "ci_low", "ci_high"), entry.p("p"), entry.p("p_holm")]
                rows.append(_with_model(inputs, model, cells))
    return Table(
        "likelihood",
        "Reference answers: differences in nats a token",
        _model_head(inputs, ["System", "Comparison", "n", "Difference", "p", "p (Holm)"]),
        rows,
        [
            "The negative log-likelihood of held-out conversations' first answers, after the system's own role prompt, "
            "the recorded one, another item's, a generic one, or none. Below zero the first makes answers likelier.",
            "Intervals are at 95%, over conversations; p (Holm) is corrected over the comparisons of one system.",
        ],
        labels=2 + (len(inputs.models) > 1),
    )


def domains_table(inputs: Inputs) -> Table:
    rows = []
    for model, domains in inputs.metrics["mmlu_domains"].items():
        for domain in domains:
            entry = Entry("metrics/mmlu_domains.json", inputs.metrics["mmlu_domains"]).at(model, domain)
            difference = entry.at(ROLE_PAIR)
            cells = [
                Cell(names.domain(domain)),
                (entry.at("standard") if entry.at("standard").values else entry.at("role")).number("n"),
                *(entry.at(arm).percent("score", "ci_low", "ci_high", variant=arm) for arm in ("standard", "role")),
                difference.points("delta", "ci_low", "ci_high", strong=is_significant(difference)),
                difference.p("p_holm"),
                Cell(names.VERDICTS.get(str(difference.values.get("verdict")), names.NOTHING)),
                difference.percent("detectable"),
            ]
            rows.append(_with_model(inputs, model, cells))
    head = ["Domain", "n", "standard", names.variant("role"), "Difference", "p (Holm)", "Verdict", "Detectable"]
    return Table(
        "domains",
        "MMLU by domain: score in per cent",
        _model_head(inputs, head),
        rows,
        [
            f"{notes.of_scores(inputs, subjects=False)} Differences in percentage points, with Bonett and Price's "
            f"intervals of one comparison alone. {notes.holm('the domains')}",
            notes.DETECTABLE,
            *notes.of_questions(inputs),
        ],
        labels=1 + (len(inputs.models) > 1),
    )


def _each(inputs: Inputs) -> list[tuple[str, str]]:
    return [(model, benchmark) for model in inputs.models for benchmark in inputs.benchmarks]


def _with_model(inputs: Inputs, model: str, cells: list[Cell]) -> list[Cell]:
    return [Cell(model), *cells] if len(inputs.models) > 1 else cells


def _model_head(inputs: Inputs, head: list[str]) -> list[str]:
    return ["Model", *head] if len(inputs.models) > 1 else head


def _reasons(inputs: Inputs) -> list[str]:
    """Why a score is missing."""
    found = {}
    for variants in inputs.metrics["benchmarks"].values():
        for benchmarks in variants.values():
            for benchmark, entry in benchmarks.items():
                if entry.get("score") is None and entry.get("reason"):
                    found[benchmark] = entry["reason"]
    return [f"{names.benchmark(benchmark)} has no score: {reason}." for benchmark, reason in found.items()]
