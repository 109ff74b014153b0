"""Judgements made in code."""

from stages.records.files import write_jsonl
from stages.records.results import Generation, Judgement


def judgement(
    prompt, first, second, verdict, *, seed=1, words=(10, 10), shown=None, model="tiny", judge="a judge", odds=None
):
    shown = shown or words
    return Judgement(
        id=prompt,
        model=model,
        seed=seed,
        judge=judge,
        first=first,
        second=second,
        first_words=words[0],
        second_words=words[1],
        first_words_shown=shown[0],
        second_words_shown=shown[1],
        verdict=verdict,
        reply=verdict or "?",
        log_odds=odds,
    )


def both_orders(prompt, when_first, when_second, *, right="standard", words=(10, 10), shown=None, **fields):
    """One prompt in both orders; verdicts are ``role``, the right system's name, ``tie`` or None."""
    shown = shown or words
    return [
        judgement(prompt, "role", right, when_first, words=words, shown=shown, **fields),
        judgement(prompt, right, "role", when_second, words=words[::-1], shown=shown[::-1], **fields),
    ]


def outcomes(pattern, *, right="standard", **fields):
    """A comparison for each letter: W, T, L, F (always the first), M (a win, then a tie), U (one unreadable)."""
    meaning = {
        "W": ("role", "role"),
        "T": ("tie", "tie"),
        "L": (right, right),
        "F": ("role", right),
        "M": ("role", "tie"),
        "U": ("role", None),
    }
    return [
        each
        for number, letter in enumerate(pattern)
        for each in both_orders(f"open_ended-{number}", *meaning[letter], right=right, **fields)
    ]


def generation(prompt, output):
    role = output.split("\n\n")[0] if output.startswith("From now on, you are") else None
    return Generation(id=prompt, prompt="", role=role, output=output, output_tokens=1, finished=True)


def write_answers(folder, system, outputs):
    """``outputs``: prompt → the whole turn; as ``data/generations/<system>/open_ended.jsonl``."""
    records = [generation(prompt, output) for prompt, output in outputs.items()]
    write_jsonl(folder / system.name / "open_ended.jsonl", records)
