"""The page's pictures: each as a data URI with words for those who do not see it."""

import base64
from dataclasses import dataclass
from pathlib import Path

from stages.reporting import names
from stages.reporting.formatting import counted, listed, p_phrase, percent
from stages.reporting.inputs import ROLE_PAIR, Inputs
from stages.reporting.result_tables import SIGNIFICANT

TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Picture:
    """An image and its caption.

    Attributes:
        width: How wide it stands at most, in CSS pixels.
    """

    uri: str
    alt: str
    caption: str
    width: int


def uri(content: bytes, suffix: str) -> str:
    return f"data:{TYPES[suffix]};base64,{base64.b64encode(content).decode('ascii')}"


def from_file(root: Path, names_: list[str], alt: str, caption: str, width: int) -> Picture | None:
    """The first of the files that is there; None where there is none."""
    for name in names_:
        path = root / name
        if path.is_file():
            return Picture(uri(path.read_bytes(), path.suffix), alt, caption, width)
    return None


def domains(inputs: Inputs) -> Picture | None:
    if not inputs.metrics["mmlu_domains"]:
        return None
    caption = (
        "Figure 3. MMLU by domain: both arms with 95% intervals (left), and their difference (right; filled where p < 0.05 "
        "after Holm's correction)."
    )
    alt = " ".join(_domains_in_words(inputs, model) for model in inputs.metrics["mmlu_domains"])
    return from_file(inputs.root, ["plots/mmlu_domains.svg", "plots/mmlu_domains.png"], alt, caption, 560)


def _domains_in_words(inputs: Inputs, model: str) -> str:
    found = inputs.metrics["mmlu_domains"][model]
    compared = {domain: entry[ROLE_PAIR] for domain, entry in found.items() if ROLE_PAIR in entry}
    known = {domain: entry for domain, entry in compared.items() if entry["delta"] is not None}
    above = [names.domain(domain) for domain, entry in known.items() if entry["delta"] > 0]
    below = [names.domain(domain) for domain, entry in known.items() if entry["delta"] < 0]
    significant = sum(entry["p_holm"] is not None and entry["p_holm"] < SIGNIFICANT for entry in known.values())
    return (
        f"Dot plot for {model}: accuracy of standard and role in {counted(len(found), 'domain')}. Role stands higher in "
        f"{listed(above) or 'none'}, lower in {listed(below) or 'none'}; {counted(significant, 'difference')} significant. "
        "The table below has all numbers."
    )


def wordclouds(inputs: Inputs) -> Picture | None:
    if not inputs.metrics["roles"]:
        return None
    model = inputs.models[0]
    domain_entries = inputs.metrics["roles"].get(model, {}).get("domains", {})
    most = [
        f"{names.domain(domain)}: {', '.join(each['phrase'] for each in entry['frequent'][:2]) or 'none'}"
        for domain, entry in domain_entries.items()
    ]
    caption = (
        f"Figure 4. The roles that {model} invented for MMLU's questions, by domain: noun phrases of its role prompts, at "
        "most 40 a domain, larger and darker the more often they were written."
    )
    alt = f"Word clouds. The most frequent roles are, for {'; for '.join(most)}." if most else "No role was written."
    return from_file(inputs.root, ["plots/wordclouds.png"], alt, caption, 1000)


def preference(inputs: Inputs) -> Picture | None:
    if not inputs.metrics["preference"]:
        return None
    parts = []
    for model, pairs in inputs.metrics["preference"].items():
        for pair, summary in pairs.items():
            rival = names.variant(pair.removeprefix("role - "))
            if summary["n"]:
                shares = (percent(summary[outcome]["share"]) for outcome in ("win", "tie", "loss"))
                won, tied, lost = shares
                parts.append(
                    f"{model}, role against {rival}: won {won}%, tied {tied}%, lost {lost}%, "
                    f"{p_phrase(summary['sign_test']['p'])}."
                )
            else:
                parts.append(f"{model}, role against {rival}: no result.")
    caption = "Figure 5. Whose answers to open-ended prompts the judge preferred, role prompts taken out."
    files = ["plots/preference.svg", "plots/preference.png"]
    return from_file(inputs.root, files, f"Bars. {' '.join(parts)}", caption, 560)


def losses(inputs: Inputs) -> Picture | None:
    from stages.figures import loss

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
        "Loss curves. Left: each optimizer step's loss on all tokens learnt, which for role include the role prompt, so that "
        "the arms' curves do not compare. Right: loss on the answers of the validation items, which does."
    )
    alt = f"Line plots of training and validation loss for {listed([*curves])}. The table below has first and last values."
    return Picture(uri(loss.svg(curves), ".svg"), alt, caption, 860)
