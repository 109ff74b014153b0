"""The page's pictures: each as a data URI with words for those who do not see it."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from stages.figures import benchmarks, likelihood, loss, style
from stages.figures.slug import slug
from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs, Metrics, chance
from stages.reporting.names import counted, listed, nats, p_phrase, percent, points
from stages.reporting.result_tables import SIGNIFICANT

TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Picture:
    """An image and its caption.

    Attributes:
        width: How wide it stands at most, in CSS pixels.
        wide: Whether it is moved sideways on a narrow screen rather than made too small to read.
    """

    uri: str
    alt: str
    caption: str
    width: int
    wide: bool = False


def uri(content: bytes, suffix: str) -> str:
    return f"data:{TYPES[suffix]};base64,{base64.b64encode(content).decode('ascii')}"


def drawn(figure: Callable[[], Figure]) -> str:
    """A figure that is on the page alone."""
    with style.styled():
        written = io.BytesIO()
        no_dates = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure().savefig(written, format="svg", metadata=no_dates)
    return uri(written.getvalue(), ".svg")


def from_file(root: Path, stem: str, alt: str, caption: str, width: int, *, wide: bool = False) -> Picture | None:
    """The smaller of a figure's PNG and SVG; None where there is neither."""
    paths = [root / f"{stem}{suffix}" for suffix in (".svg", ".png")]
    there = [path for path in paths if path.is_file()]
    if not there:
        return None
    chosen = min(there, key=lambda path: path.stat().st_size)
    return Picture(uri(chosen.read_bytes(), chosen.suffix), alt, caption, width, wide)


def main_results(inputs: Inputs) -> Picture | None:
    shown = {model: _benchmarks(inputs, model) for model in inputs.models if inputs.pair(model)}
    if not shown:
        return None
    benchmarks.draw(shown, inputs.root / "plots/main")
    caption = (
        "Figure 2. Scores on n questions with 95% intervals (left; the stroke is what guessing gives), and role less "
        "standard on the same questions (right; filled where p < 0.05 after Holm's correction). The tables below say "
        "which intervals and tests these are."
    )
    alt = " ".join(
        f"Dot plot for {model}: role less standard is "
        + "; ".join(f"{points(entry['difference'].get('delta'))} on {name}" for name, entry in found.items())
        + "."
        for model, found in shown.items()
    )
    return from_file(inputs.root, "plots/main", alt, caption, 760, wide=True)


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
    told = [
        f"{model}: " + "; ".join(f"{pair} {nats(entry['delta'])}" for _, pair, entry in _compared(found))
        for model, found in inputs.metrics["likelihood"].items()
    ]
    caption = (
        f"Reference answers of {counted(inputs.reference_answers, 'held-out conversation')}: difference of their "
        "negative log-likelihood in nats a token, with 95% intervals; filled where p < 0.05 after Holm's correction. "
        "Left of zero the first makes the answers likelier."
    )
    return from_file(inputs.root, "plots/likelihood", f"Dot plot. {'. '.join(told)}.", caption, 560)


def _compared(variants: Metrics) -> list[tuple[str, str, Metrics]]:
    return [("between", pair, entry) for pair, entry in variants.get("between", {}).items()]


def domains(inputs: Inputs) -> Picture | None:
    if not inputs.metrics["mmlu_domains"]:
        return None
    caption = (
        "Figure 3. MMLU by domain: both arms on n questions with 95% intervals (left; what guessing gives is dotted), "
        "and their difference (right; filled where p < 0.05 after Holm's correction over the domains)."
    )
    alt = " ".join(_domains_in_words(inputs, model) for model in inputs.metrics["mmlu_domains"])
    return from_file(inputs.root, "plots/mmlu_domains", alt, caption, 560)


def _domains_in_words(inputs: Inputs, model: str) -> str:
    found = inputs.metrics["mmlu_domains"][model]
    compared = {domain: entry[ROLE_PAIR] for domain, entry in found.items() if ROLE_PAIR in entry}
    known = {domain: entry for domain, entry in compared.items() if entry["delta"] is not None}
    above = [names.domain(domain) for domain, entry in known.items() if entry["delta"] > 0]
    below = [names.domain(domain) for domain, entry in known.items() if entry["delta"] < 0]
    significant = sum(entry["p_holm"] is not None and entry["p_holm"] < SIGNIFICANT for entry in known.values())
    return (
        f"Dot plot for {model}: accuracy of standard and role in {counted(len(found), 'domain')}. Role stands higher "
        f"in {listed(above) or 'none'}, lower in {listed(below) or 'none'}; {counted(significant, 'difference')} "
        "significant. The table below has all numbers."
    )


def wordclouds(inputs: Inputs) -> list[Picture]:
    """One for each domain, so that they stand one below the other where the page is narrow."""
    entries = inputs.metrics["roles"].get(inputs.models[0], {}).get("domains", {})
    found = [
        from_file(inputs.root, f"plots/wordclouds/{slug(domain)}", _cloud_in_words(domain, entry), "", 560)
        for domain, entry in entries.items()
    ]
    return [picture for picture in found if picture is not None]


def _cloud_in_words(domain: str, entry: Metrics) -> str:
    most = [f"{each['phrase']} ({each['count']})" for each in entry["frequent"][:3]]
    return f"Word cloud for {names.domain(domain)}. Most frequent: {listed(most) or 'no role was written'}."


def preference(inputs: Inputs) -> Picture | None:
    if not inputs.metrics["preference"]:
        return None
    parts = []
    for model, pairs in inputs.metrics["preference"].items():
        for pair, summary in pairs.items():
            rival = names.rival(pair)
            if summary["n"]:
                shares = (percent(summary[outcome]["share"]) for outcome in ("win", "tie", "loss"))
                won, tied, lost = shares
                parts.append(
                    f"{model}, role against {rival}: won {won}%, tied {tied}%, lost {lost}%, "
                    f"{p_phrase(summary['sign_test']['p'])}."
                )
            else:
                parts.append(f"{model}, role against {rival}: no result.")
    caption = (
        "Figure 5. Whose answers to n open-ended prompts the judge preferred, role prompts taken out. A bar: shares of "
        "the prompts, each judged in both orders. The dot: the win rate, ties counted half, with its 95% interval over "
        "prompts. What the judge is, and how far it can be trusted, is said above and in the second table."
    )
    return from_file(inputs.root, "plots/preference", f"Bars. {' '.join(parts)}", caption, 560)


def _validation(inputs: Inputs) -> str:
    count = inputs.validation_items
    return "validation items" if count is None else counted(count, "validation item")


def losses(inputs: Inputs) -> Picture | None:
    curves: dict[str, dict[str, list[dict[str, float | None]]]] = {}
    for system in inputs.plan.systems:
        if rows := inputs.losses.get(system.name):
            several = sum(other.variant == system.variant and other.model == system.model
                          for other in inputs.plan.systems) > 1  # fmt: skip
            name = f"{system.variant} ({system.seed})" if several else system.variant
            curves.setdefault(system.model, {})[name] = rows
    if not curves:
        return None
    caption = (
        "Loss curves. Left: each optimizer step's loss on all tokens learnt, which for role include the role prompt, "
        f"so that the arms' curves do not compare. Right: loss on the answers of the {_validation(inputs)}, "
        "which role reads after the annotator's role prompt, so that its curve may start lower: compare how far each "
        "falls."
    )
    alt = f"Line plots of training and validation loss for {listed([*curves])}; the table below has the last values."
    return Picture(drawn(lambda: loss.figure(curves)), alt, caption, 760, wide=True)
