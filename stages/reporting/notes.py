"""What tables and captions say of how their numbers came about."""

from stages.reporting.inputs import ROLE_PAIR, Inputs

GUESSING = "Guessing: the mean of one divided by the number of choices, over the questions asked."
DETECTABLE = (
    "Detectable: the smallest true difference that this comparison alone, without that correction, would find four "
    "times in five, were the two to disagree as often as here; n/a where it could find none, however large."
)
READINGS = (
    "Likeliest text: the choice whose own words are likeliest, choices not shown. Likeliest letter: choices shown, the "
    "likeliest of their letters. What was written: read from the text. The first two are taken directly after the role "
    "prompt, or at the head of the answer."
)
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


def of_scores(inputs: Inputs, *, subjects: bool = True) -> str:
    return f"Intervals are at 95%: Wilson's{_widened(inputs, subjects)}."


def of_differences(inputs: Inputs, *, subjects: bool = True) -> str:
    """Bonett and Price's intervals are of one comparison, as its p before Holm's correction is."""
    return (
        f"Intervals are at 95%: Bonett and Price's for the same questions asked of both{_widened(inputs, subjects)}; "
        "each is of one comparison alone."
    )


def _widened(inputs: Inputs, subjects: bool) -> str:
    reasons = [
        "on MMLU since questions of one subject may be alike" if subjects and "mmlu" in inputs.benchmarks else "",
        "everywhere since scores differ from one seed of training to the next" if inputs.seeds > 1 else "",
    ]
    told = " and ".join(reason for reason in reasons if reason)
    return f", widened {told}" if told else ""


def of_questions(inputs: Inputs) -> list[str]:
    """A table may leave the page, and what its benchmarks' names stand for must go with it."""
    if inputs.plan.data != "bundled":
        return []
    return [
        "The questions are this project's own in the formats of the benchmarks named, HumanEval's alone the published "
        "ones: no score here is one on a published benchmark."
    ]


def verdict(inputs: Inputs) -> str:
    """How the verdicts follow from tests and intervals."""
    points = f"{100 * inputs.margin:g} points"
    return (
        f"Verdict: higher or lower where p (Holm) is below 0.05; equal within the margin where the whole 95% "
        f"interval lies within {points}; else undecided."
    )


def holm(over: str) -> str:
    return f"p (Holm): after Holm's correction over {over}; bold where it is below 0.05."


def of_variants(inputs: Inputs) -> str:
    """What the variants in the comparisons besides role with standard are."""
    pairs = [pair for pairs in inputs.metrics["comparison"].values() for pair in pairs if pair != ROLE_PAIR]
    compared = [variant for variant in VARIANTS if any(variant in pair.split(" - ") for pair in pairs)]
    told = "; ".join(f"{variant}: {VARIANTS[variant]}" for variant in compared)
    return f"{told}." if told else ""
