"""Tables of what a run took: training, answering, asking chat models."""

from stages.reporting.inputs import Inputs
from stages.reporting.table import Cell, Entry, Table


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
