"""What benchmarks, variants and domains are called for people."""

from stages.figures import style

BENCHMARKS = {
    "mmlu": "MMLU",
    "strategyqa": "StrategyQA",
    "commonsenseqa": "CommonsenseQA",
    "openbookqa": "OpenBookQA",
    "truthfulqa": "TruthfulQA (MC1)",
    "hotpotqa": "HotpotQA (closed book)",
    "gsm8k": "GSM8K",
    "humaneval": "HumanEval",
    "open_ended": "Open-ended",
}
READINGS = {
    "loglikelihood": "likeliest choice",
    "written": "what was written",
    "exact_match": "exact match",
    "pass@1": "pass@1",
}
TESTS = {
    "mcnemar_exact": "McNemar, exact",
    "permutation_by_group": "permutation by subject",
    "seeds_and_items_t": "t over seeds and items",
    "sign_exact": "sign test, exact",
}


def benchmark(name: str) -> str:
    return BENCHMARKS.get(name, name)


def variant(name: str) -> str:
    return style.title(name)


def rival(pair: str) -> str:
    """What stands on the right of a pair, as it is called within a sentence."""
    right = pair.removeprefix("role - ")
    return {"base": "the model before fine-tuning", "official": "the official chat version"}.get(right, variant(right))


def domain(name: str) -> str:
    return name.replace("_", " ")
