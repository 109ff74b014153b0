from pathlib import Path

from pydantic import TypeAdapter

from stages.chat_models.preset import ChatPreset
from stages.judging.asking import describe_judge, judges_itself


def preset(**fields):
    return TypeAdapter(ChatPreset).validate_python(fields)


def test_a_local_preset_without_a_model_is_the_compared_model_itself():
    itself, other = preset(kind="local"), preset(kind="local", model="owner/judge")
    assert judges_itself(itself)
    assert not judges_itself(other)
    assert not judges_itself(preset(kind="openai", model="gpt"))
    assert describe_judge(itself, "tiny", None) == "tiny itself, before fine-tuning"
    assert describe_judge(other, "tiny", None) == "owner/judge"


def test_the_instruction_holds_a_place_for_each_part_and_nothing_else_in_braces():
    text = (Path(__file__).parents[2] / "stages/judging/instruction.md").read_text()
    filled = text.format(request="1", first="2", second="3")
    assert "{" not in filled
    assert text.count("{") == 3
