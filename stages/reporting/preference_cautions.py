"""Limits and cautions of the judge's preference."""

from collections.abc import Iterator

from stages.reporting import names
from stages.reporting.formatting import counted, listed, percent, sentence
from stages.reporting.inputs import Inputs, Metrics

FLIPS = 0.25
LONGER = 1.5  # times as many words


def preference(inputs: Inputs) -> Iterator[str]:
    for model, pairs in inputs.metrics["preference"].items():
        subject = model if len(inputs.models) > 1 else ""
        judges = {summary["judge"] for summary in pairs.values() if summary.get("judge")}
        yield from (_judge(judge, model) for judge in sorted(judges))
        rates = {
            f"against {names.rival(pair)}": summary.get("flips", {}).get("rate") for pair, summary in pairs.items()
        }
        high = [f"{percent(rate)}% {against}" for against, rate in rates.items() if rate is not None and rate > FLIPS]
        if high:
            text = (
                f"many verdicts change when the answers change places: {listed(high)}. A judge that goes by position "
                "says little about the answers."
            )
            yield sentence(subject, text)
        yield from (sentence(subject, text) for pair, summary in pairs.items() for text in _unequal(pair, summary))


def _judge(judge: str, model: str) -> str:
    if judge.startswith(f"{model} itself"):
        return (
            f"The judge of preference is {judge}: the arms are its own offspring, and its judgement was not checked. "
            "Its verdicts show that the machinery works; they do not show which answers people would prefer."
        )
    return f"The judge of preference is one model, {judge}: its taste is not that of people, and was not checked here."


def _unequal(pair: str, summary: Metrics) -> Iterator[str]:
    """Answers that were no answers, or whose lengths alone may have decided."""
    against = names.rival(pair)
    sides = {"role": summary.get("answers", {}).get("role", {}),
             against: summary.get("answers", {}).get(pair.removeprefix("role - "), {})}  # fmt: skip
    if empty := [f"{counted(side['empty'], 'answer')} of {name}" for name, side in sides.items() if side.get("empty")]:
        yield (
            f"of the answers judged between role and {against}, {listed(empty)} had nothing left without the role "
            "prompt: cut off at the limit of tokens, or never begun."
        )
    if seen := [f"{counted(side['cut'], 'answer')} of {name}" for name, side in sides.items() if side.get("cut")]:
        yield f"of the answers judged between role and {against}, the judge saw only the beginning of {listed(seen)}."
    lengths = [side["words"] for side in sides.values() if side.get("words")]
    if len(lengths) == len(sides) and max(lengths) > LONGER * min(lengths):
        yield (
            f"answers of role have {lengths[0]:.0f} words on average, those of {against} {lengths[1]:.0f}. Judges "
            f"often prefer the longer answer (Dubois et al. 2024); {_length_controlled(summary)}."
        )


def _length_controlled(summary: Metrics) -> str:
    controlled = summary.get("length_controlled", {})
    if controlled.get("win_rate") is None:
        return f"there is no length-controlled win rate: {controlled.get('reason', 'nothing was judged')}"
    return "see the length-controlled win rate"
