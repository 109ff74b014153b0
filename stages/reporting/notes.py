"""The parts of the notes below tables that depend on the run; ``templates/tables.yaml`` has the rest."""

from collections.abc import Sequence

from stages.reporting import names
from stages.reporting.inputs import ROLE_PAIR, Inputs

# What is compared besides the two arms: controls of training, and conditions under which a trained arm is asked.
VARIANTS = {
    "base": "the model before fine-tuning",
    "shuffled": "trained with the role prompts of other items",
    "constant": "trained with one generic role prompt for all items",
    "restated": "trained to restate the question's first sentence, without a role",
    "brief": "trained with the first sentence of the role prompts alone",
    "role.stripped": "role, not allowed to write a role prompt",
    "role.generic": "role, given a generic role prompt in place of its own",
    "role.random": "role, given the role prompt that it wrote for another question",
    "role.oracle": "role, given a role prompt written by hand",
    "standard.manual": "standard, asked with a role prompt written by hand",
    "standard.cot": "standard, its turn begun with a request to think step by step",
}


def filled(inputs: Inputs, notes: Sequence[str]) -> list[str]:
    """The notes with their ``{braces}`` filled in, without those that become empty."""
    recorded = bool(inputs.metrics["annotate"]) and not inputs.metrics["annotate"].get("requests")
    local = inputs.preset("judges", inputs.plan.judge).get("kind") == "local"
    told = {
        "scores": f"Intervals are at 95%: Wilson's{_widened(inputs, subjects=True)}.",
        "scores_of_domains": f"Intervals are at 95%: Wilson's{_widened(inputs, subjects=False)}.",
        "differences": "Intervals are at 95%, by Bonett and Price's method for paired answers"
        f"{_widened(inputs, subjects=True)}; they are not corrected for the number of comparisons.",
        "readings": "Likeliest text: the choice whose text the model finds likeliest; the choices are not shown. "
        "Likeliest letter: the likeliest letter after the choices were shown. Both are taken directly after the role "
        "prompt, or where the answer begins. What was written: an answer found in the text.",
        "holm": "p (Holm): p after Holm's correction for testing all rows of a comparison; differences are bold where "
        "it is below 0.05.",
        "detectable": "Detectable: the smallest true difference that this comparison would find four times in five, "
        "before Holm's correction and if the two disagree as often as here; n/a where it could find none of any size.",
        "margin": f"{100 * inputs.margin:g}",
        "missing": " ".join(dict.fromkeys(text for model in inputs.models for text in of_missing(inputs, model))),
        "questions": " ".join(of_questions(inputs)),
        "variants": of_variants(inputs),
        "own_chat_versions": " ".join(_own_chat_versions(inputs)),
        "recorded": " The annotations were recorded earlier; what they cost is not known here." if recorded else "",
        "judged_here": " The judge ran on this machine, free of charge." if local else "",
    }
    return [text for note in notes if (text := note.format_map(told).strip())]


def _widened(inputs: Inputs, *, subjects: bool) -> str:
    reasons = [
        "on MMLU because questions of one subject may be alike" if subjects and "mmlu" in inputs.benchmarks else "",
        "everywhere because scores differ between training seeds" if inputs.seeds > 1 else "",
    ]
    told = " and ".join(filter(None, reasons))
    return f", widened {told}" if told else ""


def of_questions(inputs: Inputs) -> list[str]:
    """Tables are used outside the page too, so each says what its benchmarks' names stand for."""
    if inputs.plan.data != "bundled":
        return []
    if "humaneval" in inputs.benchmarks:
        return ["Only HumanEval is a published benchmark here: the other questions are this project's own."]
    return ["No score here is on a published benchmark: the questions are this project's own."]


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
    """What the variants are that are compared besides role and standard."""
    pairs = [pair for pairs in inputs.metrics["comparison"].values() for pair in pairs if pair != ROLE_PAIR]
    compared = [variant for variant in VARIANTS if any(variant in pair.split(" - ") for pair in pairs)]
    told = "; ".join(f"{variant}: {VARIANTS[variant]}" for variant in compared)
    return f"{told}." if told else ""


def _own_chat_versions(inputs: Inputs) -> list[str]:
    """Models for which ``base`` is the official chat version."""
    return [
        f"Before fine-tuning, {model} is its own official chat version."
        for model, pairs in inputs.metrics["preference"].items()
        if "role - base" in pairs and (inputs.preset("models", model).get("official") or {}).get("source") == "itself"
    ]
