import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from stages.core.errors import InputError
from stages.scoring.domains import COLUMNS, SUBJECTS, Domains, by_domain
from stages.scoring.items import score_plan
from stages.scoring.tables import rows
from tests.scoring import synthetic

TWO_DOMAINS = {"first": sorted(SUBJECTS)[:30], "second": sorted(SUBJECTS)[30:]}


def validated(domains):
    return TypeAdapter(Domains).validate_python(domains)


def test_mmlu_has_57_subjects():
    assert len(SUBJECTS) == 57


def test_params_yaml_maps_every_subject_to_one_of_ten_domains():
    with open("params.yaml", encoding="utf-8") as file:  # noqa: PTH123
        domains = yaml.safe_load(file)["mmlu_domains"]
    assert len(validated(domains)) == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": [*TWO_DOMAINS["first"], "alchemy"]}, "does not have: alchemy"),
        ({"first": TWO_DOMAINS["first"][1:]}, "in no domain: abstract_algebra"),
        ({"second": [*TWO_DOMAINS["second"], "abstract_algebra"]}, "more than once: abstract_algebra"),
    ],
)
def test_a_faulty_mapping_is_refused_by_name(change, message):
    with pytest.raises(ValidationError, match=message):
        validated(TWO_DOMAINS | change)


def test_each_domain_has_scores_and_a_difference_with_its_test(tmp_path):
    plan = synthetic.plan(synthetic.systems(), ["mmlu", "gsm8k"])
    synthetic.write_run(tmp_path, plan, {"mmlu": 228, "gsm8k": 5})
    items = score_plan(plan, "cloze", tmp_path / "data")
    metrics = by_domain(items, TWO_DOMAINS, seed=17, margin=0.03)["tiny"]
    assert list(metrics) == ["first", "second"]
    assert metrics["first"]["role"]["n"] == 120
    assert metrics["second"]["standard"]["n"] == 108
    right = [item.score for item in items if item.variant == "role" and item.group in TWO_DOMAINS["first"]]
    assert metrics["first"]["role"]["score"] == pytest.approx(sum(right) / 120, abs=1e-6)
    for domain in metrics.values():
        difference = domain["role - standard"]
        assert difference["delta"] == pytest.approx(domain["role"]["score"] - domain["standard"]["score"], abs=2e-6)
        assert difference["test"] == "mcnemar_exact"
        assert difference["p"] <= difference["p_holm"]
    assert ["tiny", "first", "role"] in [row[:3] for row in rows({"tiny": metrics}, COLUMNS)]


def test_without_mmlu_all_is_empty(tmp_path):
    plan = synthetic.plan(synthetic.systems(), ["gsm8k"])
    synthetic.write_run(tmp_path, plan, {"gsm8k": 5})
    assert by_domain(score_plan(plan, "cloze", tmp_path / "data"), TWO_DOMAINS, seed=17, margin=0.03) == {}
    assert rows({}, COLUMNS) == []


def test_domains_of_which_nothing_was_asked_are_absent(tmp_path):
    plan = synthetic.plan(synthetic.systems(), ["mmlu"])
    synthetic.write_run(tmp_path, plan, {"mmlu": 3})
    assert list(by_domain(score_plan(plan, "cloze", tmp_path / "data"), TWO_DOMAINS, seed=17, margin=0.03)["tiny"]) == [
        "first"
    ]


def test_a_subject_that_mmlu_does_not_have_is_named(tmp_path):
    plan = synthetic.plan(synthetic.systems(), ["mmlu"])
    synthetic.write_run(tmp_path, plan, {"mmlu": 57})
    items = score_plan(plan, "cloze", tmp_path / "data")
    items[3] = items[3].model_copy(update={"group": "alchemy"})
    with pytest.raises(InputError, match=rf"id '{items[3].id}': its subject 'alchemy' is none of MMLU's 57"):
        by_domain(items, TWO_DOMAINS, seed=17, margin=0.03)
