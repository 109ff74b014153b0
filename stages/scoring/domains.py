"""MMLU by domain: which subjects a domain has, and each variant's score in it."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator

from stages.core.errors import InputError
from stages.records.results import Scored
from stages.records.systems import derive_seed
from stages.scoring import comparison
from stages.scoring.summary import score_and_interval
from stages.scoring.tables import tabulate

SUBJECTS = frozenset(
    """
    abstract_algebra anatomy astronomy business_ethics clinical_knowledge college_biology college_chemistry
    college_computer_science college_mathematics college_medicine college_physics computer_security conceptual_physics
    econometrics electrical_engineering elementary_mathematics formal_logic global_facts high_school_biology
    high_school_chemistry high_school_computer_science high_school_european_history high_school_geography
    high_school_government_and_politics high_school_macroeconomics high_school_mathematics high_school_microeconomics
    high_school_physics high_school_psychology high_school_statistics high_school_us_history high_school_world_history
    human_aging human_sexuality international_law jurisprudence logical_fallacies machine_learning management marketing
    medical_genetics miscellaneous moral_disputes moral_scenarios nutrition philosophy prehistory
    professional_accounting professional_law professional_medicine professional_psychology public_relations
    security_studies sociology us_foreign_policy virology world_religions
    """.split()  # noqa: SIM905  a list would take 57 lines
)


def _each_subject_once(domains: dict[str, list[str]]) -> dict[str, list[str]]:
    counts = Counter(subject for subjects in domains.values() for subject in subjects)
    faults = {
        "subjects that MMLU does not have": sorted(counts.keys() - SUBJECTS),
        "subjects in no domain": sorted(SUBJECTS - counts.keys()),
        "subjects named more than once": sorted(subject for subject, count in counts.items() if count > 1),
    }
    found = "; ".join(f"{fault}: {', '.join(subjects)}" for fault, subjects in faults.items() if subjects)
    if found:
        raise ValueError(f"expected each of MMLU's 57 subjects in one domain; {found}")
    return domains


# ``mmlu_domains`` of params.yaml: each domain with its subjects.
Domains = Annotated[dict[str, list[str]], AfterValidator(_each_subject_once)]

COLUMNS = ["model", "domain", "variant", "score", "ci_low", "ci_high", "n"]

Metrics = dict[str, dict[str, dict[str, Any]]]


def by_domain(items: Iterable[Scored], domains: Domains, seed: int, margin: float) -> Metrics:
    """Model → domain → each variant's score, and "role - standard" with its test, after Holm over the domains.

    All subjects of a domain are asked, not a sample of them, so intervals and tests treat items as independent. Domains
    without questions are absent; without MMLU the result is empty.

    Raises:
        InputError: A question has a subject that MMLU does not have.
    """
    domain_of = {subject: domain for domain, subjects in domains.items() for subject in subjects}
    of_mmlu = [item for item in items if item.benchmark == "mmlu" and item.group is not None]
    if strange := [item for item in of_mmlu if item.group not in domain_of]:
        raise InputError(
            f"data/scored.jsonl: id {strange[0].id!r}: its subject {strange[0].group!r} is none of MMLU's 57, which "
            "mmlu_domains in params.yaml puts into domains: give a set with other subjects a benchmark of its own"
        )
    tables = tabulate(item.model_copy(update={"benchmark": domain_of[item.group or ""]}) for item in of_mmlu)
    result: Metrics = {}
    for model in dict.fromkeys(key[0] for key in tables):
        differences: dict[str, dict[str, Any]] = {}
        result[model] = {}
        for domain in domains:
            mine = {key[1]: table for key, table in tables.items() if key[0] == model and key[2] == domain}
            if mine:
                result[model][domain] = {
                    variant: score_and_interval(table, grouped=False) for variant, table in mine.items()
                }
            if {"role", "standard"} <= mine.keys():
                own_seed = derive_seed(seed, "mmlu_domains", model, domain)
                differences[domain] = comparison.entry(mine["role"], mine["standard"], own_seed, grouped=False)
        for domain, entry in comparison.with_holm(differences, margin).items():
            result[model][domain]["role - standard"] = entry
    return result
