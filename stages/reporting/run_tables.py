"""Tables of preference, training, contamination and what was spent."""

from collections.abc import Iterator, Sequence

from stages.reporting import names
from stages.reporting.inputs import Inputs
from stages.reporting.table import Cell, Entry, Table


def preference_table(inputs: Inputs) -> Table:
    rows = []
    for name, entry, _ in _pairs(inputs):
        shares = (entry.at(outcome).percent("share") for outcome in ("win", "tie", "loss"))
        rates = (each.percent("win_rate", "ci_low", "ci_high") for each in (entry, entry.at("length_controlled")))
        plain, controlled = rates
        rows.append([Cell(name), entry.number("n"), *shares, plain, entry.at("sign_test").p("p"), controlled])
    return Table(
        "preference",
        "The judge's preference on open-ended prompts, in per cent",
        ["Role against", "Prompts", "Win", "Tie", "Loss", "Win rate", "p", "Length-controlled"],
        rows,
        [
            "Each pair was judged in both orders; a verdict that changes with the order (flip) is a tie. Win rate: "
            f"ties count half. p: sign test of wins against losses{_many(rows)}.",
            "Length-controlled: the win rate that a regression gives at equal length.",
            *_own_chat_versions(inputs),
        ],
    )


def _many(rows: Sequence[object]) -> str:
    return ", each pair by itself: no correction for their number is made" if len(rows) > 1 else ""


def _own_chat_versions(inputs: Inputs) -> list[str]:
    """Models whose comparison with `base` is the one with the official chat version."""
    own = [
        model
        for model, pairs in inputs.metrics["preference"].items()
        if "role - base" in pairs and (inputs.preset("models", model).get("official") or {}).get("source") == "itself"
    ]
    return [f"Before fine-tuning, {model} is its own official chat version." for model in own]


def verdicts_table(inputs: Inputs) -> Table:
    """How far the verdicts can be trusted."""
    rows = [
        [
            Cell(name),
            entry.at("shown_first").percent("share"),
            entry.at("flips").percent("rate"),
            entry.at("unparsed").percent("rate"),
            *(entry.at("answers", side).number("words", 0) for side in ("role", right)),
            *(entry.at("answers", side).number("empty") for side in ("role", right)),
        ]
        for name, entry, right in _pairs(inputs)
    ]
    return Table(
        "verdicts",
        "How far the verdicts can be trusted",
        [
            "Role against",
            "First shown",
            "Flips",
            "Unread",
            "Words, role",
            "Words, other",
            "Empty, role",
            "Empty, other",
        ],
        rows,
        [
            "In per cent: how often the answer shown first was preferred, where 50 is no bias; verdicts that change "
            "with the order; replies without a verdict. Words: mean length of whole answers. Empty: answers of which "
            "nothing is left without the role prompt.",
        ],
    )


def _pairs(inputs: Inputs) -> Iterator[tuple[str, Entry, str]]:
    """Each judged pair's name for people, its numbers, and the variant on the right."""
    for model, pairs in inputs.metrics["preference"].items():
        for pair in pairs:
            name = names.variant(pair.removeprefix("role - "))
            entry = Entry("metrics/preference.json", inputs.metrics["preference"]).at(model, pair)
            yield (f"{model}: {name}" if len(inputs.models) > 1 else name), entry, pair.removeprefix("role - ")


def compute_table(inputs: Inputs) -> Table:
    """What each system's training and answers took."""
    metrics = inputs.metrics["costs"]
    costs = Entry("metrics/costs.json", metrics)
    names_of = dict.fromkeys([*metrics.get("training", {}), *metrics.get("generation", {})])
    rows = [
        [
            Cell(name),
            *_trained(costs.at("training", name)),
            *(costs.at("generation", name).number(key) for key in ("answers", "output_tokens")),
        ]
        for name in names_of
    ]
    total = costs.at("total")
    if rows:
        rows.append([Cell("total"), *(total.number(key) for key in ("steps", "completion_tokens_learnt")),
                     Cell(""), total.number("tokens_generated")])  # fmt: skip
    return Table(
        "compute",
        "What training and answering took",
        ["System", "Steps", "Tokens learnt", "Answers", "Tokens generated"],
        rows,
        [
            "Steps: of the optimizer. Tokens learnt: those of the completions, over all epochs; prompts are read and "
            "not learnt. Tokens generated: in all answers to the benchmarks and the open-ended prompts.",
        ],
    )


def _trained(entry: Entry) -> list[Cell]:
    """Of what was not trained as such, the model before fine-tuning and conditions, nothing was."""
    keys = ("steps", "completion_tokens")
    return [entry.number(key) if entry.values else Cell("\u2013") for key in keys]


def cost_table(inputs: Inputs) -> Table:
    """What chat models were asked, and for how much."""
    metrics = inputs.metrics["costs"]
    costs = Entry("metrics/costs.json", metrics)
    keys = ("requests", "prompt_tokens", "cached_prompt_tokens", "completion_tokens", "cost")
    rows = [
        [
            Cell(name),
            Cell(", ".join(entry["models"]) or "none"),
            *(costs.at("asking", name).number(key) for key in keys),
        ]
        for name, entry in metrics.get("asking", {}).items()
    ]
    if rows:
        total = costs.at("total")
        empty = Cell("")
        rows.append([Cell("total"), Cell("all"), total.number("requests"), empty, empty, empty, total.number("cost")])
    return Table(
        "cost",
        "What asking chat models took",
        [
            "Asked",
            "Models that answered",
            "Requests",
            "Prompt tokens",
            "Of these cached",
            "Answer tokens",
            "Cost (US$)",
        ],
        rows,
        [_paid(inputs), "What an earlier run paid for and the request cache kept counts like new."] if rows else [],
        labels=2,
    )


def _paid(inputs: Inputs) -> str:
    """What the dollars hold, which are counted at the prices of the presets."""
    annotate = inputs.metrics["annotate"]
    recorded = bool(annotate) and not annotate.get("requests")
    local = inputs.preset("judges", inputs.plan.judge).get("kind") == "local"
    parts = [
        "Dollars are counted at the prices that the presets state",
        "recorded annotations were read, and what they once cost is not known here" if recorded else "",
        "the judge ran locally, which costs no dollars" if local else "",
    ]
    return "; ".join(part for part in parts if part) + "."
