"""The page's pictures: data URIs, alternative texts, and captions that state the finding."""

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from stages.figures import dots, loss, style
from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs, LossRows, Metrics
from stages.reporting.names import counted, listed, nats, out_of, p_phrase, percent, points


@dataclass(frozen=True)
class Picture:
    """An image and its caption; ``width`` is its largest width on the page, in CSS pixels."""

    uri: str
    alt: str
    caption: str
    width: int


def from_file(inputs: Inputs, stem: str, alt: str, caption: str, width: int = 560) -> Picture | None:
    """A figure's SVG, which has real text and a dark variant; None where there is none."""
    path = inputs.root / f"plots/{stem}.svg"
    if not path.is_file():
        return None
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return Picture(f"data:image/svg+xml;base64,{content}", alt, caption, width)


def significant(compared: Mapping[str, Mapping[str, Metrics]], unit: str) -> str:
    """On which of a model's comparisons the arms differ significantly; names the model where there are several."""
    told = []
    for model, entries in compared.items():
        tested = {name: entry for name, entry in entries.items() if entry.get("p_holm") is not None}
        found = [name for name, entry in tested.items() if style.significant(entry)]
        where = out_of(len(found), len(tested), unit) if tested else f"no {unit}, since none could be compared"
        named = f" ({listed(found)})" if 0 < len(found) < len(tested) else ""
        subject = model if len(compared) > 1 else ""
        told.append(names.sentence(subject, f"the arms differ significantly on {where}{named}."))
    return " ".join(told)


def main(inputs: Inputs) -> Picture | None:
    """Figure 2: scores of both arms on every benchmark."""
    shown = {model: _benchmarks(inputs, model) for model in inputs.models if inputs.pair(model)}
    if not shown:
        return None
    style.save(dots.benchmarks(shown), inputs.root / "plots/main")
    compared = {model: {name: rows[ROLE_PAIR] for name, rows in found.items()} for model, found in shown.items()}
    caption = (
        f"Figure 2. {significant(compared, 'set')} Left: scores, and what guessing gives. Right: role less standard "
        "on the same questions."
    )
    told = []
    for model, entries in compared.items():
        differences = "; ".join(f"{points(entry.get('delta'))} on {name}" for name, entry in entries.items())
        told.append(f"Dot plot for {model}: role less standard is {differences}.")
    return from_file(inputs, "main", " ".join(told), caption, 760)


def _benchmarks(inputs: Inputs, model: str) -> dots.Rows:
    return {
        names.benchmark(benchmark): {
            **{arm: inputs.scores(model, arm).get(benchmark) for arm in dots.ARMS},
            ROLE_PAIR: difference,
            "chance": inputs.chance(benchmark),
        }
        for benchmark in inputs.benchmarks
        if (difference := inputs.pair(model).get(benchmark)) is not None
    }


def likelihood(inputs: Inputs) -> Picture | None:
    """How likely held-out reference answers are, by the role prompt before them."""
    if not inputs.metrics["likelihood"]:
        return None
    style.save(dots.likelihood(inputs.metrics["likelihood"]), inputs.root / "plots/likelihood")
    between = {
        model: {pair.replace(" - ", f" {names.MINUS} "): entry for pair, entry in inputs.between(model).items()}
        for model in inputs.models
    }
    told = [
        f"{model}: " + "; ".join(f"{pair} {nats(entry['delta'])}" for pair, entry in pairs.items())
        for model, pairs in between.items()
    ]
    beginnings = f"{inputs.measured} of " if inputs.measured else ""
    caption = (
        f"{significant(between, 'comparison')} Differences in the loss (negative log-likelihood) on {beginnings}"
        f"{counted(inputs.reference_answers, 'held-out reference answer')}: 0.01 nats are about 1% of a token's "
        "probability. The answers come after the system's own role prompt, the recorded one of the annotator, another "
        "conversation's, a generic one, or none."
    )
    return from_file(inputs, "likelihood", f"Dot plot. {'. '.join(told)}.", caption)


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
    told = []
    for model, entries in compared.items():
        higher = listed([domain for domain, entry in entries.items() if (entry["delta"] or 0) > 0])
        lower = listed([domain for domain, entry in entries.items() if (entry["delta"] or 0) < 0])
        told.append(
            f"Dot plot for {model}: accuracy of standard and role in {counted(len(entries), 'domain')}. Role is higher "
            f"in {higher or 'none'} and lower in {lower or 'none'}. The table below has all numbers."
        )
    return from_file(inputs, "mmlu_domains", " ".join(told), caption)


def wordclouds(inputs: Inputs) -> list[Picture]:
    """One for each domain, so that a narrow page can show one below the other."""
    found = []
    for domain, entry in inputs.metrics["roles"].get(inputs.models[0], {}).get("domains", {}).items():
        alt = f"Role phrases of {names.domain(domain)}. Most frequent: {_frequent(entry)}."
        found.append(from_file(inputs, f"wordclouds/{style.slug(domain)}", alt, ""))
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
    pairs = [(model, *each) for model, found in inputs.metrics["preference"].items() for each in found.items()]
    if not inputs.metrics["preference"]:
        return None
    told = []
    for model, pair, summary in pairs:
        result = "no result."
        if summary["n"]:
            won, tied, lost = (percent(summary[outcome]["share"]) for outcome in ("win", "tie", "loss"))
            result = f"won {won}%, tied {tied}%, lost {lost}%, {p_phrase(summary['sign_test']['p'])}."
        told.append(f"{model}, role against {names.rival(pair)}: {result}")
    nothing = sum(bool(summary.get("strength", {}).get("measured_nothing")) for *_, summary in pairs)
    where = "" if nothing == len(pairs) == 1 else f" on {out_of(nothing, len(pairs), 'pair')}"
    found = f"The judge measured nothing{where}. " if nothing else ""
    caption = (
        f"Figure 5. {found}Whose answers to open-ended prompts the judge preferred, with the role prompts taken out. "
        "Each prompt was judged in both orders. The dot is the win rate, where ties count half, with its 95% interval "
        "over prompts. The second table shows how far the judge can be trusted."
    )
    return from_file(inputs, "preference", f"Bars. {' '.join(told)}", caption)


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
    caption = (
        "Loss curves. Each arm's panel has the loss of each optimizer step on all tokens learnt. For role these "
        "include the role prompt, so the panels are not comparable. The last panel is the loss on the answers of "
        f"{inputs.validation_items}. Role reads them after the annotator's role prompt, so it may start lower: compare "
        "how far both fall."
    )
    alt = f"Line plots of training and validation loss for {listed([*curves])}; the table below has the last values."
    style.save(loss.figure(curves), inputs.root / "plots/losses")
    return from_file(inputs, "losses", alt, caption, 760)
