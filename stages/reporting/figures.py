"""The page's pictures: data URIs, alternative texts, and captions that state the finding."""

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.figures import benchmarks, likelihood, loss, style
from stages.figures.style import slug
from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs, LossRows, Metrics, chance
from stages.reporting.names import counted, listed, nats, out_of, p_phrase, percent, points, sentence


@dataclass(frozen=True)
class Picture:
    """An image and its caption; ``width`` is its largest width on the page, in CSS pixels."""

    uri: str
    alt: str
    caption: str
    width: int


def from_file(root: Path, stem: str, alt: str, caption: str, width: int) -> Picture | None:
    """A figure's SVG, which has real text and a dark variant; None where there is none."""
    path = root / f"{stem}.svg"
    if not path.is_file():
        return None
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return Picture(f"data:image/svg+xml;base64,{content}", alt, caption, width)


def significant(compared: Mapping[str, Mapping[str, Metrics]], unit: str) -> str:
    """On which of a model's comparisons the arms differ significantly; names the model where there are several."""
    told = []
    for model, entries in compared.items():
        tested = {name: entry["p_holm"] for name, entry in entries.items() if entry.get("p_holm") is not None}
        found = [name for name, p in tested.items() if p < style.SIGNIFICANT]
        where = out_of(len(found), len(tested), unit) if tested else f"no {unit}, since none could be compared"
        named = f" ({listed(found)})" if 0 < len(found) < len(tested) else ""
        told.append(sentence(model if len(compared) > 1 else "", f"the arms differ significantly on {where}{named}."))
    return " ".join(told)


def main_results(inputs: Inputs) -> Picture | None:
    shown = {model: _benchmarks(inputs, model) for model in inputs.models if inputs.pair(model)}
    if not shown:
        return None
    benchmarks.draw(shown, inputs.root / "plots/main")
    differences = {
        model: {name: entry["difference"] for name, entry in entries.items()} for model, entries in shown.items()
    }
    caption = (
        f"Figure 2. {significant(differences, 'set')} Left: scores, and what guessing gives. Right: role less standard "
        "on the same questions."
    )
    alt = " ".join(
        f"Dot plot for {model}: role less standard is "
        + "; ".join(f"{points(entry['difference'].get('delta'))} on {name}" for name, entry in entries.items())
        + "."
        for model, entries in shown.items()
    )
    return from_file(inputs.root, "plots/main", alt, caption, 760)


def _benchmarks(inputs: Inputs, model: str) -> benchmarks.Benchmarks:
    scores, differences = inputs.metrics["benchmarks"].get(model, {}), inputs.pair(model)
    return {
        names.benchmark(benchmark): {
            **{arm: scores.get(arm, {}).get(benchmark) for arm in benchmarks.ARMS},
            "difference": differences[benchmark],
            "chance": chance(inputs, benchmark),
        }
        for benchmark in inputs.benchmarks
        if benchmark in differences
    }


def likelihoods(inputs: Inputs) -> Picture | None:
    """How likely held-out reference answers are, by the role prompt before them."""
    if not inputs.metrics["likelihood"]:
        return None
    likelihood.draw(inputs.metrics["likelihood"], inputs.root / "plots/likelihood")
    between = {
        model: {pair.replace(" - ", f" {names.MINUS} "): entry for pair, entry in inputs.between(model).items()}
        for model in inputs.models
    }
    told = [
        f"{model}: " + "; ".join(f"{pair} {nats(entry['delta'])}" for pair, entry in pairs.items())
        for model, pairs in between.items()
    ]
    caption = (
        f"{significant(between, 'comparison')} Differences in the loss (negative log-likelihood) on "
        f"{counted(inputs.reference_answers, 'held-out reference answer')}: 0.01 nats are about 1% of a token's "
        "probability. The answers come after the system's own role prompt, the recorded one of the annotator, another "
        "conversation's, a generic one, or none."
    )
    return from_file(inputs.root, "plots/likelihood", f"Dot plot. {'. '.join(told)}.", caption, 560)


def domains(inputs: Inputs) -> Picture | None:
    if not inputs.metrics["mmlu_domains"]:
        return None
    compared = {
        model: {names.domain(domain): entry[ROLE_PAIR] for domain, entry in found.items() if ROLE_PAIR in entry}
        for model, found in inputs.metrics["mmlu_domains"].items()
    }
    caption = (
        f"Figure 3. {significant(compared, 'domain')} Left: accuracy on each domain's questions. Right: role less "
        "standard on the same questions, which the domains are sorted by."
    )
    alt = " ".join(_domains_in_words(model, each) for model, each in compared.items())
    return from_file(inputs.root, "plots/mmlu_domains", alt, caption, 560)


def _domains_in_words(model: str, compared: Mapping[str, Metrics]) -> str:
    known = {domain: entry for domain, entry in compared.items() if entry["delta"] is not None}
    above = [domain for domain, entry in known.items() if entry["delta"] > 0]
    below = [domain for domain, entry in known.items() if entry["delta"] < 0]
    return (
        f"Dot plot for {model}: accuracy of standard and role in {counted(len(compared), 'domain')}. Role is higher in "
        f"{listed(above) or 'none'} and lower in {listed(below) or 'none'}. The table below has all numbers."
    )


def wordclouds(inputs: Inputs) -> list[Picture]:
    """One for each domain, so that a narrow page can show one below the other."""
    entries = inputs.metrics["roles"].get(inputs.models[0], {}).get("domains", {})
    alts = {
        domain: f"Role phrases of {names.domain(domain)}. Most frequent: {_frequent(entry)}."
        for domain, entry in entries.items()
    }
    found = [from_file(inputs.root, f"plots/wordclouds/{slug(domain)}", alt, "", 560) for domain, alt in alts.items()]
    return [picture for picture in found if picture is not None]


def _frequent(entry: Metrics) -> str:
    most = [f"{each['phrase']} ({each['count']})" for each in entry.get("frequent", [])[:3]]
    return listed(most) or "no role was written"


def wordclouds_caption(inputs: Inputs) -> str:
    model = inputs.models[0]
    return (
        f"Figure 4. The roles that {model} invented for MMLU\u2019s questions; most often "
        f"{_frequent(inputs.metrics['roles'].get(model, {}))}. The more often a phrase was written, the larger it is, "
        "on one scale for all domains. Domains with fewer than 20 distinct phrases have a list."
    )


def preference(inputs: Inputs) -> Picture | None:
    if not inputs.metrics["preference"]:
        return None
    told = []
    for model, pairs in inputs.metrics["preference"].items():
        for pair, summary in pairs.items():
            result = "no result."
            if summary["n"]:
                won, tied, lost = (percent(summary[outcome]["share"]) for outcome in ("win", "tie", "loss"))
                result = f"won {won}%, tied {tied}%, lost {lost}%, {p_phrase(summary['sign_test']['p'])}."
            told.append(f"{model}, role against {names.rival(pair)}: {result}")
    pairs = [summary for found in inputs.metrics["preference"].values() for summary in found.values()]
    nothing = sum(bool(summary.get("strength", {}).get("measured_nothing")) for summary in pairs)
    where = "" if nothing == len(pairs) == 1 else f" on {out_of(nothing, len(pairs), 'pair')}"
    found = f"The judge measured nothing{where}. " if nothing else ""
    caption = (
        f"Figure 5. {found}Whose answers to open-ended prompts the judge preferred, with the role prompts taken out. "
        "Each prompt was judged in both orders. The dot is the win rate, where ties count half, with its 95% interval "
        "over prompts. The second table shows how far the judge can be trusted."
    )
    return from_file(inputs.root, "plots/preference", f"Bars. {' '.join(told)}", caption, 560)


def losses(inputs: Inputs) -> Picture | None:
    trained = Counter((system.model, system.variant) for system in inputs.plan.systems)
    curves: dict[str, dict[str, LossRows]] = {}
    for system in inputs.plan.systems:
        if rows := inputs.losses.get(system.name):
            several = trained[system.model, system.variant] > 1
            name = f"{system.variant} ({system.seed})" if several else system.variant
            curves.setdefault(system.model, {})[name] = rows
    if not curves:
        return None
    count = inputs.validation_items
    items = "validation items" if count is None else counted(count, "validation item")
    caption = (
        "Loss curves. Each arm's panel has the loss of each optimizer step on all tokens learnt. For role these "
        "include the role prompt, so the panels are not comparable. The last panel is the loss on the answers of the "
        f"{items}. Role reads them after the annotator's role prompt, so it may start lower: compare how far both fall."
    )
    alt = f"Line plots of training and validation loss for {listed([*curves])}; the table below has the last values."
    loss.draw(curves, inputs.root / "plots/losses")
    return from_file(inputs.root, "plots/losses", alt, caption, 760)
