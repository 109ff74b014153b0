"""What the notes below tables say of this run: the words that ``templates/tables.yaml`` leaves open."""

from collections.abc import Sequence

from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs

# What is compared besides the two arms: of training, and of how a trained arm is asked.
VARIANTS = {
    "base": "the model before fine-tuning",
    "shuffled": "trained with the role prompts of other items",
    "constant": "trained with one generic role prompt for all items",
    "restated": "trained to restate the question's first sentence, without a role",
    "brief": "trained with the first sentence of the role prompts alone",
    "role.stripped": "role, kept from writing a role prompt",
    "role.generic": "role, its turn begun with a generic role prompt",
    "role.random": "role, its turn begun with the role prompt that it wrote for another question",
    "role.oracle": "role, its turn begun with a role prompt written by hand",
    "standard.manual": "standard, asked with a role prompt written by hand",
    "standard.cot": "standard, its turn begun with a request to think step by step",
}


def filled(inputs: Inputs, notes: Sequence[str]) -> list[str]:
    """Notes with what is said in braces; those without words are left out."""
    recorded = bool(inputs.metrics["annotate"]) and not inputs.metrics["annotate"].get("requests")
    local = inputs.preset("judges", inputs.plan.judge).get("kind") == "local"
    told = {
        "scores": f"Intervals are at 95%: Wilson's{_widened(inputs, subjects=True)}.",
        "scores_of_domains": f"Intervals are at 95%: Wilson's{_widened(inputs, subjects=False)}.",
        "differences": "Intervals are at 95%: Bonett and Price's for the same questions asked of both"
        f"{_widened(inputs, subjects=True)}; each is of one comparison alone.",
        "readings": "Likeliest text: the choice whose own words are likeliest, choices not shown. Likeliest letter: "
        "the letter that is likeliest, choices shown. What was written: read from the text. The first two are taken "
        "directly after the role prompt, or at the head of the answer.",
        "holm": "p (Holm): p made larger by Holm's correction, since all rows of one comparison are tested together; a "
        "difference is bold where it is below 0.05.",
        "detectable": "Detectable: the smallest true difference that this comparison would find four times in five, "
        "without Holm's correction and if the two disagree as often as here; n/a where it could find none, however "
        "large.",
        "margin": f"{100 * inputs.margin:g}",
        "missing": " ".join(dict.fromkeys(text for model in inputs.models for text in of_missing(inputs, model))),
        "questions": " ".join(of_questions(inputs)),
        "variants": of_variants(inputs),
        "own_chat_versions": " ".join(_own_chat_versions(inputs)),
        "recorded": " Recorded annotations were read; what they once cost is not known here." if recorded else "",
        "judged_here": " The judge ran locally, which costs no dollars." if local else "",
    }
    return [text for note in notes if (text := note.format_map(told).strip())]


def _widened(inputs: Inputs, *, subjects: bool) -> str:
    reasons = [
        "on MMLU since questions of one subject may be alike" if subjects and "mmlu" in inputs.benchmarks else "",
        "everywhere since scores differ from one seed of training to the next" if inputs.seeds > 1 else "",
    ]
    told = " and ".join(filter(None, reasons))
    return f", widened {told}" if told else ""


def of_questions(inputs: Inputs) -> list[str]:
    """A table may leave the page, and what its benchmarks' names stand for must go with it."""
    if inputs.plan.data != "bundled":
        return []
    if "humaneval" in inputs.benchmarks:
        return ["Only HumanEval's score is one on a published benchmark: the other questions are this project's own."]
    return ["No score here is one on a published benchmark: the questions are this project's own."]


def of_missing(inputs: Inputs, model: str) -> list[str]:
    """Why a score is missing."""
    reasons = {
        names.benchmark(benchmark): entry["reason"]
        for benchmarks in inputs.metrics["benchmarks"].get(model, {}).values()
        for benchmark, entry in benchmarks.items()
        if entry.get("score") is None and entry.get("reason")
    }
    return [f"{benchmark} has no score: {reason}." for benchmark, reason in reasons.items()]


def of_variants(inputs: Inputs) -> str:
    """What the variants in the comparisons besides role with standard are."""
    pairs = [pair for pairs in inputs.metrics["comparison"].values() for pair in pairs if pair != ROLE_PAIR]
    compared = [variant for variant in VARIANTS if any(variant in pair.split(" - ") for pair in pairs)]
    told = "; ".join(f"{variant}: {VARIANTS[variant]}" for variant in compared)
    return f"{told}." if told else ""


def _own_chat_versions(inputs: Inputs) -> list[str]:
    """Models whose comparison with ``base`` is the one with the official chat version."""
    return [
        f"Before fine-tuning, {model} is its own official chat version."
        for model, pairs in inputs.metrics["preference"].items()
        if "role - base" in pairs and (inputs.preset("models", model).get("official") or {}).get("source") == "itself"
    ]
