from pathlib import Path

import pytest
import yaml

from stages.chat_models import ChatReply
from stages.chat_models.preset import ChatPreset, LocalPreset, OpenAIPreset, Prices, RecordedPreset
from stages.core import parameters
from stages.core.errors import InputError
from stages.planning.checking import checked


def load(folder: Path, **values: object) -> ChatPreset:
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump({"annotators": {"mine": values}}))
    return parameters.load("annotators.mine", ChatPreset, path)  # type: ignore[arg-type]


def test_each_kind_has_its_own_keys(tmp_path: Path) -> None:
    assert isinstance(load(tmp_path, kind="recorded"), RecordedPreset)
    assert isinstance(load(tmp_path, kind="local", model="x"), LocalPreset)
    assert isinstance(load(tmp_path, kind="openai", model="x"), OpenAIPreset)
    with pytest.raises(
        InputError, match=r"batch_size: Extra inputs .*\(the keys here are: attempts, tolerated_failures, kind\)"
    ):
        load(tmp_path, kind="recorded", batch_size=3)
    with pytest.raises(InputError, match=r"annotators\.mine\.kind: .*'recorded', 'local', 'openai'"):
        load(tmp_path, kind="oracle")
    with pytest.raises(InputError, match=r"annotators\.mine\.model: Field required"):
        load(tmp_path, kind="openai")


def test_numbers_from_the_command_line_are_numbers(tmp_path: Path) -> None:
    preset = load(tmp_path, kind="openai", model="x", max_cost="1e-05", in_flight="8")
    assert isinstance(preset, OpenAIPreset)
    assert (preset.max_cost, preset.in_flight) == (1e-5, 8)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("key_variable", "sk-proj-abc123"),
        ("base_url", "https://user:sk-secret@example.org/v1"),
        ("base_url", "https://example.org/v1?api_key=sk-secret"),
        ("base_url", "sk-secret"),
        ("base_url", "https://@example.org/v1"),
        ("base_url", "https://example.org/v1#sk-secret"),
        ("base_url", "https://example.org/v1#frag"),
        ("api_key", "sk-secret"),
        ("extra", {"api-key": "secret"}),
        ("extra", {"extra_body": [{"Authorization": "secret"}]}),
        ("extra", {"user": "sk-secret"}),
        ("extra", {"proxy": {"auth": "Bearer secret"}}),
        ("model", "sk-proj-abc123"),
    ],
)
def test_a_key_in_the_parameters_is_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(InputError, match=rf"annotators\.mine.*{key}") as caught:
        load(tmp_path, **({"kind": "openai", "model": "x"} | {key: value}))
    assert "secret" not in str(caught.value)
    assert "abc123" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("key_variable", "sk-proj-abc123"),
        ("base_url", "https://user:sk-secret@example.org/v1"),
        ("base_url", "http://127.0.0.1:8000/v1#sk-secret"),
        ("base_url", "http://example.org:{port}/v1?key=x"),
        ("extra", {"return_token_ids": True, "headers": {"x-api-key": "secret"}}),
        ("command", "serve --api-key sk-secret1"),
    ],
)
def test_a_key_in_the_parameters_of_a_server_is_refused(key: str, value: str) -> None:
    found = yaml.safe_load(Path("params.yaml").read_text())
    found["servers"]["openai"][key] = value
    with pytest.raises(InputError, match=rf"servers\.openai: .*{key}") as caught:
        checked(found)
    assert "secret" not in str(caught.value)
    assert "abc123" not in str(caught.value)


def test_what_only_looks_a_little_like_a_key_is_taken(tmp_path: Path) -> None:
    extra = {"return_token_ids": True, "pad_token": "</s>", "stop_token_ids": [2], "keys": 3}
    preset = load(tmp_path, kind="openai", model="hf-internal-testing/tiny", extra=extra)
    assert isinstance(preset, OpenAIPreset)
    assert preset.extra == extra


@pytest.mark.parametrize("kind", [{"a": 1}, ["openai"], None, 7, True])
def test_a_kind_that_is_no_name_is_refused_in_words(tmp_path: Path, kind: object) -> None:
    with pytest.raises(InputError, match=r"annotators\.mine.*kind: "):
        load(tmp_path, kind=kind)


def test_what_a_reply_costs() -> None:
    prices = Prices(input=5.0, cached_input=0.5, output=30.0)
    assert prices.cost(1000, 100) == pytest.approx(0.005 + 0.003)
    assert prices.cost(1000, 100, cached_tokens=800) == pytest.approx(0.001 + 0.0004 + 0.003)
    assert prices.cost(1000, 100, batched=True) == pytest.approx(0.004)
    reply = ChatReply(text="", finish_reason="stop", prompt_tokens=10, completion_tokens=10, model="m")
    assert RecordedPreset(kind="recorded").cost(reply) == 0.0
