"""What the stage says: before paying, and when too much failed."""

import math
from pathlib import Path

from stages.annotation.tally import Tally
from stages.chat_models.interface import Estimate
from stages.chat_models.preset import ChatPreset
from stages.chat_models.recorded import NOT_RECORDED
from stages.errors import InputError


def demand_enough(tally: Tally, preset: ChatPreset, recorded: Path, failures: Path) -> None:
    """Stop the stage where more items failed than the preset tolerates.

    Raises:
        InputError: How many failed, why, and what to do.
    """
    if not tally.items:
        raise InputError("the corpus is empty: run `dvc repro corpus`")
    if missing := tally.failures[NOT_RECORDED]:
        raise InputError(_not_recorded(missing, tally.items, recorded))
    if not tally.annotated or tally.failed_share > preset.tolerated_failures:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(tally.failures.items()))
        raise InputError(
            f"{tally.items - tally.annotated} of {tally.items} items got no role prompt ({reasons}); each stands in"
            f" {failures}. Nothing paid for is lost: running again asks only for what has no answer." + _way_on(tally)
        )


def _way_on(tally: Tally) -> str:
    if not tally.annotated:
        return " Choose an annotator that can do it"
    share = math.ceil(tally.failed_share * 1e4) / 1e4
    return (
        f" To go on without these items, raise the annotator's tolerated_failures to {share:.4f};"
        " to ask more often, raise its attempts"
    )


def _not_recorded(missing: int, items: int, recorded: Path) -> str:
    corpus = recorded.stem
    return (
        f"{missing} of {items} items of corpus {corpus!r} have no recorded annotation in {recorded}. Either have them"
        f" annotated: set the key's environment variable and run `python -m stages.annotate --annotator openai"
        f" --corpus {corpus} --record`, then commit that file; or put a file of recorded annotations there,"
        " or limit the corpus to the items that have one"
    )


def describe_estimate(estimate: Estimate) -> str:
    return "\n".join(
        [
            f"requests: {estimate.requests}, of which {estimate.cached} cached and {estimate.missing} missing",
            f"tokens of the missing: about {estimate.prompt_tokens} in, {estimate.completion_tokens} out",
            f"cost: about ${estimate.cost:.2f}, at most ${estimate.cost_at_most:.2f} if each is answered at once",
        ]
    )
