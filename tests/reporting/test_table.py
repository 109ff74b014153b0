from dataclasses import replace

from stages.decoding.conditions import CONDITIONS
from stages.reporting import table
from stages.reporting.inputs import load
from tests.reporting.test_cautions import inputs


def test_every_control_and_condition_is_explained():
    conditions = {f"{arm}.{condition}" for arm, found in CONDITIONS.items() for condition in found}
    assert set(table.VARIANTS) == {"base", "shuffled", "constant", "restated", "brief", *conditions}


def test_what_is_compared_is_explained_and_nothing_else(finished):
    told = table.of_variants(load(finished))
    assert told.startswith("base: the model before fine-tuning; shuffled: trained with the role prompts of other items")
    assert "constant" not in told
    assert table.of_variants(inputs()) == ""


def test_intervals_say_what_widens_them():
    once, twice = run_of("scores"), run_of("scores", (1, 2))
    assert once.endswith("widened on MMLU because questions of one subject may be alike.")
    assert run_of("scores_of_domains") == "Intervals are at 95%: Wilson's."
    assert "everywhere because scores differ between training seeds" in twice


def run_of(note, seeds=(1,)):
    run = replace(inputs(seeds), parameters={"statistics": {"margin": 0.03}})
    (text,) = table.filled(run, [f"{{{note}}}", "{own_chat_versions}"])
    return text


def test_a_table_of_the_projects_own_questions_says_so():
    run = inputs()
    assert table.of_questions(run)[0].startswith("No score here is on a published benchmark")
    run.plan.benchmarks.append("humaneval")
    assert table.of_questions(run)[0].startswith("Only HumanEval is a published benchmark")
    run.plan.data = "hub"
    assert table.of_questions(run) == []
