"""What each number in the report's prose must be, from the files alone and by sums of its own.

A rule is a pattern, whose ``#`` are numbers, and what these should be. A literal is a phrase that no run changes.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from stages.figures import wordclouds
from stages.reporting import names
from tests.reporting.prose import Place

PAIR, ARMS, MANY = "role - standard", ("standard", "role"), 0.2
NAMES = {names.benchmark(name): name for name in names.BENCHMARKS}
NAME = f"(?P<name>{'|'.join(map(re.escape, NAMES))})"
Expected = list[str]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def points(difference: float) -> str:
    text = f"{abs(100 * difference):.1f}"
    return text if text == "0.0" else ("+" if difference > 0 else "\u2212") + text


def p_value(p: float) -> str:
    return "0.001" if p < 0.001 else f"{p:.3f}"


def ends(values: list[float]) -> Expected:
    """Lowest and highest in per cent, one number where they are written alike."""
    return list(dict.fromkeys([percent(min(values)), percent(max(values))]))


def joined(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def tested(place: Place) -> dict[str, Any]:
    """The differences that a finding is of, by what it calls them."""
    metrics, model = place.run.metrics, place.model
    if "MMLU by domain" in place.text:
        found = {names.domain(name): entry[PAIR] for name, entry in metrics["mmlu_domains"][model].items()}
    else:
        found = {names.benchmark(name): entry for name, entry in metrics["comparison"][model][PAIR].items()}
    return {name: entry for name, entry in found.items() if entry["delta"] is not None}


def tally(place: Place) -> Expected:
    deltas = [entry["delta"] for entry in tested(place).values()]
    return [str(sum(d > 0 for d in deltas)), str(len(deltas)), str(sum(d < 0 for d in deltas))]


def equal(place: Place) -> Expected:
    return [str(sum(entry["delta"] == 0 for entry in tested(place).values()))]


def significant(place: Place) -> Expected:
    """All that are, and no others."""
    found = {name: each for name, each in tested(place).items() if each["p_holm"] is not None and each["p_holm"] < 0.05}
    return [joined([f"{name} ({points(entry['delta'])} points)" for name, entry in found.items()])]


def detectable(place: Place) -> Expected:
    return ends([entry["detectable"] for entry in tested(place).values() if entry["detectable"] is not None])


def too_few(place: Place) -> Expected:
    return [str(sum(entry["detectable"] is None for entry in tested(place).values()))]


def scores(place: Place, arm: str) -> Any:
    return place.run.metrics["benchmarks"][place.model][arm]


def role_rates(place: Place) -> Expected:
    return ends([entry["role_rate"] for entry in scores(place, "role").values()])


def role_rate(place: Place) -> Expected:
    return [percent(scores(place, "role")[NAMES[place.named("name")]]["role_rate"])]


def belonging(place: Place) -> Expected:
    found = place.run.metrics["roles"][place.model]["belonging"]
    shares = [percent(found[key]) for key in ("share", "permuted", "held_out_accuracy")]
    return [*shares[:2], p_value(found["p"]), shares[2]]


def judged(place: Place, model: str, rival: str) -> Any:
    """The numbers of a pair, by what the page calls the system on the right."""
    return next(entry for pair, entry in place.run.metrics["preference"][model].items() if names.rival(pair) == rival)


def win_rate(place: Place) -> Expected:
    found = judged(place, place.model, place.named("rival"))
    p = found["sign_test"]["p"]
    return [*(percent(found[key]) for key in ("win_rate", "ci_low", "ci_high")), *([] if p is None else [p_value(p)])]


def outcomes(place: Place) -> Expected:
    found = judged(place, place.named("model"), place.named("rival"))
    p = found["sign_test"]["p"]
    return [*(percent(found[bar]["share"]) for bar in ("win", "tie", "loss")), *([] if p is None else [p_value(p)])]


def flips(place: Place) -> Expected:
    pairs = place.run.metrics["preference"][place.model].items()
    high = {names.rival(pair): entry["flips"]["rate"] for pair, entry in pairs if (entry["flips"]["rate"] or 0) > 0.25}
    return [joined([f"{percent(rate)}% against {rival}" for rival, rate in high.items()])]


def answers(place: Place, rival: str) -> dict[str, Any]:
    """What was counted of both sides' answers, by what the page calls them."""
    role, other = judged(place, place.model, rival)["answers"].values()
    return {"role": role, rival: other}


def of_answers(key: str) -> Callable[[Place], Expected]:
    def expected(place: Place) -> Expected:
        counts = {who: each[key] for who, each in answers(place, place.named("rival")).items() if each[key]}
        return [joined([f"{n} answer{'s' * (n != 1)} of {who}" for who, n in counts.items()])]

    return expected


def words(place: Place) -> Expected:
    return [f"{each['words']:.0f}" for each in answers(place, place.named("rival")).values()]


def training_seeds(place: Place) -> Expected:
    return [str(len(place.run.seeds))]


def items_cut(place: Place) -> Expected:
    run = place.run
    counts = [run.metrics[f"{place.model}-{arm}-{run.seeds[0]}"] for arm in ARMS]
    limit = run.parameters["scales"][run.plan["scale"]]["finetune"]["max_length"]
    return [str(limit), *(str(entry[key]) for entry in counts for key in ("items_truncated", "items"))]


def cut_off(place: Place, arm: str, benchmark: str) -> float | None:
    """The share of the first seed's answers that the limit of tokens ended."""
    run = place.run
    found = run.lines(f"data/generations/{place.model}-{arm}-{run.seeds[0]}/{benchmark}.jsonl")
    return sum(not answer["finished"] for answer in found) / len(found) if found else None


def rates(place: Place) -> dict[str, list[float]]:
    """Benchmark → standard's and role's share of answers cut off, or not read, where there are answers."""
    asked = place.run.plan["benchmarks"]
    if "cut off at" in place.text:
        found = {each: [cut_off(place, arm, each) for arm in ARMS] for each in [*asked, "open_ended"]}
    else:
        found = {each: [scores(place, arm)[each]["unparsed_rate"] for arm in ARMS] for each in asked}
    known = {each: [rate for rate in of if rate is not None] for each, of in found.items()}
    return {each: of for each, of in known.items() if of}


def rates_summed(place: Place) -> Expected:
    found = rates(place)
    high = [of for of in found.values() if max(of) > MANY]
    return [str(len(high)), str(len(found)), *ends([of[0] for of in high]), *ends([of[1] for of in high])]


def rates_named(place: Place) -> Expected:
    return [percent(rate) for rate in rates(place)[NAMES[place.named("name")]]]


def unread(place: Place) -> Expected:
    return [percent(scores(place, arm)[NAMES[place.named("name")]]["unparsed_rate"]) for arm in reversed(ARMS)]


def overlapping(place: Place) -> Expected:
    return [str(place.run.metrics["contamination"][NAMES[place.named("name")]]["ngram_13"]["count"])]


def threshold(place: Place) -> Expected:
    return sorted({str(entry["similar"]["threshold"]) for entry in place.run.metrics["contamination"].values()})


def differences_drawn(place: Place) -> Expected:
    model = re.findall(r"Dot plot for (.+?): ", place.text[: place.match.start(1)])[-1]
    return [points(place.run.metrics["comparison"][model][PAIR][NAMES[place.named("name")]]["delta"])]


def domains_drawn(place: Place) -> Expected:
    found = place.run.metrics["mmlu_domains"][place.named("model")]
    p_values = [entry[PAIR]["p_holm"] for entry in found.values() if PAIR in entry]
    return [str(len(found)), str(sum(p is not None and p < 0.05 for p in p_values))]


def frequent(place: Place) -> Expected:
    domains = place.run.metrics["roles"][place.run.models[0]]["domains"]
    found = next(entry for name, entry in domains.items() if names.domain(name) == place.named("domain"))["frequent"]
    return [joined([f"{each['phrase']} ({each['count']})" for each in found[:3]] or ["no role was written"])]


def validation_items(place: Place) -> Expected:
    return [str(len(place.run.lines("data/split/validation.jsonl")))]


def items_shown(place: Place) -> Expected:
    """200, unless the page holds more of a benchmark."""
    items = json.loads(re.findall(r'id="data-items">(.*?)</script>', place.run.page, re.S)[0])["items"]
    of = [(item["m"], item["b"]) for item in items]
    return [str(max(200, *(of.count(each) for each in set(of))))] * 2


def phrases(_: Place) -> Expected:
    return [str(wordclouds.MOST)]


def models(place: Place) -> Expected:
    return [str(len(place.run.models))]


def origin(place: Place) -> Expected:
    """As the parameters have it, word by word."""
    model, _, official = place.named("model").partition(", ")
    preset = place.run.parameters["models"][model]
    preset = preset["official"] if official else preset
    return [f"{preset['origin']} Licence of the weights: {preset['license']}."]


RULES: list[tuple[str, Callable[[Place], Expected]]] = [
    (r"above standard on # of # (?:benchmarks?|domains?) and below on #", tally),
    (r"\(equal on #\)", equal),
    (r"After Holm's correction (.+?) (?:is|are) significant", significant),
    (r"true difference of #(?: to #)? percentage points", detectable),
    (r"# comparisons? had too few", too_few),
    (r"role arm opened #%(?: \(.+?\) to #% \(.+?\))? of its answers", role_rates),
    (r"domain for #% of MMLU's questions.+random \(#%, p [<=] #\).+not trained on it puts #% right", belonging),
    (
        r"role against (?P<rival>.+?) has a win rate of #% \(# to #\), ties counted half: (?:[^=<]+ p [=<] #|[^=<]+$)",
        win_rate,
    ),
    (r"(?:^|\s)(?P<model>\S+), role against (?P<rival>.+?): won #%, tied #%, lost #%, (?:no test|p [=<] #)", outcomes),
    (r"change places: (.+?)\. A judge", flips),
    (r"between role and (?P<rival>.+?), (\d.+?) had nothing left", of_answers("empty")),
    (r"between role and (?P<rival>.+?), the judge saw only the beginning of (.+?)\.$", of_answers("cut")),
    (r"nswers of role have # words on average, those of (?P<rival>.+?) #\. Judges", words),
    (r"trained with # seeds", training_seeds),
    (r"cut at # tokens: # of # of standard and # of # of role", items_cut),
    (r"on # of # (?:benchmarks|sets of questions) \(standard #(?: to #)?%, role #(?: to #)?%\)", rates_summed),
    (rf"{NAME} \(standard #%, role #%\)", rates_named),
    (rf"{NAME} \(#% unread against #%\)", unread),
    (rf"{NAME} \(#%\)", role_rate),
    (rf"{NAME} \(# questions?\)", overlapping),
    (r"cosine of at least #", threshold),
    (rf"# on {NAME}(?=[;.])", differences_drawn),
    (r"Dot plot for (?P<model>\S+): accuracy.+? in # domains?\. .+?; # differences? significant", domains_drawn),
    (r"^Word cloud for (?P<domain>.+?)\. Most frequent: (.+)\.$", frequent),
    (r"of the # validation items?", validation_items),
    (r"with more than # questions, # evenly spaced", items_shown),
    (r"the # most frequent of a domain", phrases),
    (r"Two copies of each of # models", models),
    (r"^(?P<model>[\w-]+(?:, official chat version)?): (.+Licence of the weights: .+)$", origin),
]
LITERALS = [
    r"\bat 95%|with 95% intervals|its 95% interval|p < 0\.05|is below 0\.05|significant at 5%",
    r"^Figure (?:1\. The first|2\. Scores|3\. MMLU|4\. The roles|5\. Whose)",
    r"\(arXiv 2407\.08995\)|\(Dubois et al\. 2024\)",
    r"where 50 is no bias|would not reach 100 either",
    r"no length-controlled win rate: fewer than 10 prompts",
    r"[Rr]uns? of 13 words|\b8 and 13 words|^(?:8|13) words(?: \(%\))?$|^Shorter than (?:8|13)$",
]
