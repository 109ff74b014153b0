"""How numbers, benchmarks, variants and domains are written for readers."""

from stages.figures import style

MINUS = "\u2212"
NOTHING = "n/a"
FEW = 30
"""Shares of at most this many answers are written as counts."""

BENCHMARKS = {
    "mmlu": "MMLU", "strategyqa": "StrategyQA", "commonsenseqa": "CommonsenseQA", "openbookqa": "OpenBookQA",
    "truthfulqa": "TruthfulQA (MC1)", "hotpotqa": "HotpotQA (closed book)", "gsm8k": "GSM8K", "humaneval": "HumanEval",
    "open_ended": "Open-ended",
}  # fmt: skip
READINGS = {"cloze": "likeliest text", "letter": "likeliest letter", "written": "what was written",
            "exact_match": "exact match"}  # fmt: skip
TESTS = {
    "mcnemar_exact": "McNemar, exact", "permutation_by_group": "permutation by subject",
    "permutation": "permutation by item", "seeds_and_items_t": "t over seeds and items",
    "sign_exact": "sign test, exact",
}  # fmt: skip


def percent(value: float | None, digits: int = 1) -> str:
    """A share in per cent, without the sign: the column's head has it."""
    return NOTHING if value is None else f"{100 * value:.{digits}f}"


def points(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return NOTHING if value is None else signed(100 * value, 1)


def signed(value: float, digits: int) -> str:
    """With a sign, unless it is zero as it is written."""
    text = f"{abs(value):.{digits}f}"
    sign = "+" if value > 0 else MINUS
    return text if float(text) == 0 else f"{sign}{text}"


def nats(value: float) -> str:
    """Nats a token, with three digits."""
    return f"{value:.3f}".replace("-", MINUS)


def number(value: float, digits: int = 2) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}".replace("-", MINUS)


def p_value(value: float | None) -> str:
    return NOTHING if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def p_phrase(value: float | None) -> str:
    """``p = 0.041``, ``p < 0.001``."""
    return "no test" if value is None else "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def listed(words: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def counted(count: int, unit: str) -> str:
    """``1 question``, ``2,850 questions``."""
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"


def share(rate: float, n: int) -> str:
    """``all 8``, ``5 of 6``, ``37.2%``: a count of few, a percentage of many."""
    count = round(rate * n)
    if count == n and rate == 1:
        return f"all {n:,}"
    return f"{count} of {n}" if n <= FEW and abs(count - rate * n) < 0.01 else f"{percent(rate)}%"


def out_of(count: int, total: int, unit: str) -> str:
    """``all 9 sets``, ``both sets``, ``3 of the 9 sets``, ``none of the 9 sets``."""
    if total == 1:
        return f"the only {unit}" if count else f"not the only {unit}"
    if count == total == 2:
        return f"both {unit}s"
    return f"all {counted(total, unit)}" if count == total else f"{count or 'none'} of the {counted(total, unit)}"


def sentence(subject: str, text: str) -> str:
    """``subject: text``, or the text alone with a capital where there is no subject."""
    return f"{subject}: {text}" if subject else text[0].upper() + text[1:]


def benchmark(name: str) -> str:
    return BENCHMARKS.get(name, name)


def variant(name: str) -> str:
    return style.title(name)


def rival(pair: str) -> str:
    """The right side of a pair, as a sentence calls it."""
    right = pair.removeprefix("role - ")
    return {"base": "the model before fine-tuning", "official": "the official chat version"}.get(right, variant(right))


def domain(name: str) -> str:
    return name.replace("_", " ")
