"""What tables and captions say of how their numbers came about."""

from stages.reporting.inputs import Inputs

GUESSING = "Guessing: the mean of one divided by the number of choices, over the questions asked."
HOLM = "bold where p < 0.05 after Holm's correction over the benchmarks"
DETECTABLE = (
    "Detectable: the smallest true difference that this comparison alone, without that correction, would find four "
    "times in five, were the two to disagree as often as here; n/a where there are too few questions to find any."
)


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
