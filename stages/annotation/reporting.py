"""What the stage says: before paying, and when too much failed."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from stages.annotation.tally import Tally
from stages.chat_models.interface import Estimate
from stages.chat_models.preset import ChatPreset
from stages.chat_models.recorded import NOT_RECORDED
from stages.errors import InputError
from stages.records.conversation import AnnotatedConversation


def demand_enough(
    annotated: Iterable[AnnotatedConversation], tally: Tally, preset: ChatPreset, recorded: Path, failures: Path
) -> Iterator[AnnotatedConversation]:
    """The same conversations; after the last one, an error if more failed than the preset tolerates.

    Raises:
        InputError: Too many failed: how many, why, and what to do. A file being written is not put into place.
    """
    yield from annotated
    missing = tally.failures[NOT_RECORDED]
    if missing:
        raise InputError(_not_recorded(missing, tally.items, recorded))
    if tally.failed_share > preset.tolerated_failures:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in tally.failures.most_common())
        raise InputError(
            f"{tally.items - tally.annotated} of {tally.items} items got no role prompt ({reasons}); each stands in"
            f" {failures}. Nothing paid for is lost: running again asks only for what has no answer. To go on without"
            f" these items, raise the annotator's tolerated_failures above {tally.failed_share:.4f};"
            " to ask more often, raise its attempts"
        )
    if not tally.annotated:
        raise InputError("the corpus is empty: run `dvc repro corpus`")


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
