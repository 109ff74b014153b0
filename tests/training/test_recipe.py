"""A scale's recipe, and what one model sets otherwise."""

import pytest
import yaml

from stages.core.errors import InputError
from stages.training.recipe import load
from tests.import_graph import ROOT


@pytest.fixture
def parameters(tmp_path):
    """A function that writes params.yaml with a model's overrides, and gives its path."""

    def written(overrides):
        content = yaml.safe_load((ROOT / "params.yaml").read_text())
        content["models"]["tiny"]["finetune"] = overrides
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        return tmp_path / "params.yaml"

    return written


def test_without_overrides_the_scale_decides(parameters):
    path = parameters({})
    assert load("paper", "tiny", path) == load("paper", "llama-2-7b", path)


def test_an_override_counts_for_one_model_alone(parameters):
    path = parameters({"learning_rate": "5e-6"})
    recipe = load("paper", "tiny", path)
    assert recipe.learning_rate == 5e-6
    assert load("paper", "llama-2-7b", path) == recipe.model_copy(update={"learning_rate": 1e-5})


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"learning_rat": 1e-6}, r"models\.tiny\.finetune\.learning_rat: .*the keys here are: epochs"),
        ({"epochs": "many"}, r"models\.tiny\.finetune\.epochs: "),
        ({"learning_rate": 1e-9}, r"models\.tiny\.finetune: final_learning_rate is above learning_rate"),
        ([1], r"models\.tiny\.finetune: "),
    ],
)
def test_a_wrong_override_is_named_by_its_key(parameters, overrides, told):
    with pytest.raises(InputError, match=told):
        load("paper", "tiny", parameters(overrides))
