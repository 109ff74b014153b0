"""Token ids and masks under the tokenizers of real models, held against what is written down."""

import json
import lzma
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from stages.arms import with_role
from stages.chat.rendering import Part, render
from stages.chat.templates import chat_template

FOLDER = Path(__file__).parent / "tokenizers"
GOLDEN = json.loads((FOLDER / "golden.json").read_text(encoding="utf-8"))
ROLE = "From now on, you are a cook who measures in °C."
TURNS = ["How warm\nis a crème brûlée?", "Bake at 150 °C.\n\nThen chill it.", "Why?  Eggs set.", "Yes: at 82."]
SPECIAL = {"smollm2-135m": ("<|im_start|>", "<|im_end|>"), "mistral-7b": ("<s>", "</s>")}


def tokenizer(name: str) -> PreTrainedTokenizerFast:
    begin, end = SPECIAL[name]
    core = Tokenizer.from_str(lzma.decompress((FOLDER / f"{name}.json.xz").read_bytes()).decode())
    loaded = PreTrainedTokenizerFast(tokenizer_object=core, bos_token=begin, eos_token=end)
    own = FOLDER / f"{name}.jinja"
    loaded.chat_template = own.read_text(encoding="utf-8") if own.is_file() else chat_template("plain", None, name)
    return loaded


@pytest.mark.parametrize("arm", ["standard", "role"])
@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("turns", [2, 4])
def test_ids_and_parts(name, arm, turns):
    role = ROLE if arm == "role" else None
    loaded = tokenizer(name)
    rendered = render(loaded, with_role(TURNS[:turns], role), role)
    golden = GOLDEN[name][f"{arm}, {turns} turns"]
    assert rendered.ids == golden["ids"], loaded.convert_ids_to_tokens(rendered.ids)
    assert "".join(str(int(part)) for part in rendered.parts) == golden["parts"]


@pytest.mark.parametrize("name", SPECIAL)
def test_each_learnt_stretch_ends_on_the_stop_and_nothing_else_is_learnt(name):
    loaded = tokenizer(name)
    rendered = render(loaded, with_role(TURNS, ROLE), ROLE)
    learnt = [token for token, part in zip(rendered.ids, rendered.parts, strict=True) if part is not Part.PROMPT]
    end = SPECIAL[name][1]
    assert learnt.count(loaded.eos_token_id) == 2
    assert loaded.bos_token_id not in learnt
    assert loaded.decode(learnt, clean_up_tokenization_spaces=False) == f"{ROLE}\n\n{TURNS[1]}{end}{TURNS[3]}{end}"
