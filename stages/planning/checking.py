"""All of ``params.yaml`` checked before any work starts."""

import importlib
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from stages.base_models.preset import FolderModel, Itself, ModelPreset
from stages.chat_models.preset import ChatPreset, OpenAIPreset, refuse_keys
from stages.core import command_line, parameters
from stages.core.errors import InputError
from stages.core.parameters import PATH, Key, Section
from stages.corpora.preset import CorpusPreset, SplitParameters
from stages.corpora.roots import Source
from stages.decoding.parameters import Generate, OpenEnded, ReferenceLikelihoods
from stages.judging.pairs import Judging
from stages.planning.run_choice import Run
from stages.records.systems import Arm
from stages.sandbox.runner import Limits
from stages.scoring.comparison import Statistics
from stages.scoring.domains import Domains
from stages.servers.local import Local
from stages.servers.preset import OpenAI
from stages.training.recipe import Recipe

BENCHMARKS = Path("stages/benchmarks")
CORPORA = Path("data/corpora")
MODEL_FOLDERS = Path("data/model_folders")
TEMPLATES = sorted(file.stem for file in (Path(__file__).parents[1] / "chat/jinja").glob("*.jinja"))
ANSWER_KINDS = command_line.modules("stages/answers", "READING")
logger = logging.getLogger("plan")

TAKEN = {"base", "official", "tie", *get_args(Arm)}
"""Names of variants and verdicts, which a rival's key must not be confused with."""
MOST = {
    "epochs": 10_000, "learning_rate": 1, "final_learning_rate": 1, "weight_decay": 10, "max_gradient_norm": 1e6,
    "temperature": 100, "repetition_penalty": 100, "processes": 4096, "threads": 4096, "layers": 1000, "tries": 1000,
}  # fmt: skip
"""The largest sensible values of keys whose sections set no limit; 2**32 for all other numbers."""
FREE = {"origin", "license", "command"}
"""Keys of free text, for people or for a shell."""
NAMES = {"file", "member", "repository", "revision", "config", "split"}
"""Keys of names inside a repository or a wheel."""


def _free(name: str) -> str:
    if name in TAKEN:
        raise ValueError(f"{name!r} means something else among systems: choose another key")
    return name


def _known_places(preset: OpenAI) -> OpenAI:
    if unknown := set(re.findall(r"\{(.*?)\}", preset.model)) - {"folder", "name"}:
        raise ValueError(f"model: {preset.model!r}: expected {{folder}} or {{name}}, found {{{min(unknown)}}}")
    return preset


class Servers(Section):
    local: Local
    openai: Annotated[OpenAI, BeforeValidator(refuse_keys), AfterValidator(_known_places)]


_optional: dict[str, Any] = {
    key: (Annotated[field.annotation, field], None) for key, field in Recipe.model_fields.items()
}
Overrides = create_model("Overrides", __base__=Section, **_optional)
"""``models.<model>.finetune``, checked alone, since a run trains few of the models."""


class Preference(Section):
    decoding: OpenEnded
    judging: Judging


class Scale(Section):
    """``scales.<scale>``: how much of everything."""

    split: SplitParameters
    finetune: Recipe
    generate: Generate
    likelihood: ReferenceLikelihoods
    preference: Preference


class Study(Section):
    """``studies.<study>``: where the paper of a frozen study is written."""

    page: Annotated[str, Field(pattern=r"docs/[a-z0-9_-]+\.md")]


class Parameters(Section):
    seed: int = Field(ge=0, lt=2**32)
    run: Run
    models: dict[Key, ModelPreset] = Field(min_length=1)
    corpora: dict[Key, CorpusPreset] = Field(min_length=1)
    annotators: dict[Key, ChatPreset] = Field(min_length=1)
    judges: dict[Key, ChatPreset] = Field(min_length=1)
    rivals: dict[Annotated[Key, AfterValidator(_free)], ChatPreset]
    scales: dict[Key, Scale] = Field(min_length=1)
    servers: Servers
    statistics: Statistics
    sandbox: Limits
    studies: dict[Key, Study]
    mmlu_domains: Domains


def checked(content: dict[str, Any] | None = None) -> Parameters:
    """The parameters, those of the file unless given: every section valid, every name in ``run`` a preset that exists.

    Raises:
        InputError: Something is wrong; the key is named, and what is allowed.
    """
    content = content or parameters.read(PATH)
    for place, value in leaves(content):
        if fault := odd(place, value):
            raise InputError(f"{PATH}: {'.'.join(place)}: {fault}")  # a text may be a key, which is not repeated
    found = parameters.validate(content, Parameters, "", PATH)
    run = found.run
    for key, names, known in (
        ("models", run.models, found.models),
        ("corpus", [run.corpus], found.corpora),
        ("annotator", [run.annotator], found.annotators),
        ("judge", [run.judge], found.judges),
        ("rivals", run.rivals, found.rivals),
        ("scale", [run.scale], found.scales),
        ("benchmarks", run.benchmarks, _benchmarks()),
    ):
        if unknown := [name for name in names if name not in known]:
            raise InputError(f"{PATH}: run.{key}: {unknown[0]!r} is none of {', '.join(sorted(known))}")
    for name in run.benchmarks:
        if name not in found.scales[run.scale].generate.benchmarks:
            raise InputError(f"{PATH}: scales.{run.scale}.generate.benchmarks has no entry for {name!r}: add one")
        _check_benchmark(name)
    for name, model in found.models.items():
        _check_model(name, model, run)
        if name in run.models:
            if "finetune" not in model.model_fields_set:  # DVC would ask for it only when training is due
                raise InputError(f"{PATH}: models.{name}.finetune is not given: add it, as finetune: {{}}")
            recipe = content["scales"][run.scale]["finetune"] | model.finetune
            parameters.validate(recipe, Recipe, f"models.{name}.finetune", PATH)
    _check_corpus(run, found.corpora[run.corpus])
    return found


def leaves(value: Any, key: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*key, str(name)))
    else:
        yield key, value


def odd(key: tuple[str, ...], value: Any) -> str | None:
    """What is wrong with a value, apart from the rules of its section."""
    most = MOST.get(key[-1], 2**32)
    if isinstance(value, int | float) and abs(value) > most:
        return f"expected at most {most:,}, found {value}"
    if not isinstance(value, str) or key[-1] in FREE or "extra" in key:
        return None
    if not value.strip() or not value.isprintable():
        return "expected a text on one line, that is not empty (null is none)"
    if value.startswith("-"):
        return "expected no text that begins with -, which programs take for an option"
    if key[-1] in NAMES and (value.startswith("/") or ".." in value.split("/")):
        return "expected a name inside the repository or wheel, without .."
    return None


def _check_model(name: str, model: ModelPreset, run: Run) -> None:
    """A model's changes to the recipe, its chat templates, and its official version where that is asked for."""
    parameters.validate(model.finetune, Overrides, f"models.{name}.finetune", PATH)
    if name in run.official and model.official is None:
        raise InputError(f"{PATH}: run.official: models.{name}.official is not given: add it, as an entry of `models`")
    if name in run.official and isinstance(model.official, Itself):
        raise InputError(
            f"{PATH}: run.official: {name} is its own official chat version: set run.baselines to [base], which "
            f"compares with it, and take {name} out of run.official"
        )
    for key, preset, asked in ((name, model, run.models), (f"{name}.official", model.official, run.official)):
        if preset is None or isinstance(preset, Itself):
            continue
        if preset.chat_template not in (None, *TEMPLATES):
            known = ", ".join(TEMPLATES)
            raise InputError(f"{PATH}: models.{key}.chat_template: {preset.chat_template!r} is none of {known}")
        if name in asked and isinstance(preset, FolderModel) and not _is_in(preset.path, MODEL_FOLDERS):
            unseen = "DVC will not see when the model changes. Put or link its files there (`cp -rs`)"
            logger.warning("models.%s.path: %s is not in %s: %s", key, preset.path, MODEL_FOLDERS, unseen)


def _is_in(path: str, folder: Path) -> bool:
    """Also behind links: DVC does not watch what a link to a folder leads to."""
    return Path(path).resolve().is_relative_to(folder.resolve())


def missing_keys(found: Parameters) -> Iterator[str]:
    """API keys that are not set, hours before they are used; no error, since the request cache may have all replies."""
    run = found.run
    asked: dict[str, ChatPreset | OpenAI] = {
        f"annotators.{run.annotator}": found.annotators[run.annotator],
        f"judges.{run.judge}": found.judges[run.judge],
        **{f"rivals.{name}": found.rivals[name] for name in run.rivals},
        **({"servers.openai": found.servers.openai} if run.server == "openai" else {}),
    }
    for key, preset in asked.items():
        variable = preset.key_variable if isinstance(preset, OpenAIPreset | OpenAI) else None
        if variable and not os.environ.get(variable):
            yield (
                f"{key} names the environment variable {variable}, which is not set: only what the request cache holds "
                "can be had of that server. Set it now, or the stage that asks will stop"
            )


def _check_corpus(run: Run, corpus: CorpusPreset) -> None:
    """Missing data are an error now, not only after a model was downloaded."""
    Source(run.data)
    place = f"{PATH}: corpora.{run.corpus}.path: {corpus.path}"
    if corpus.path is None:
        Source(corpus.root_under(run.data, run.corpus))
    elif not _is_in(corpus.path, CORPORA):
        raise InputError(f"{place} is not in {CORPORA}, the folder that DVC watches: move it there")
    elif not Path(corpus.path).is_file():
        raise InputError(f"{place} does not exist: name a JSONL file")


def _benchmarks() -> set[str]:
    """The files of stages/benchmarks that name a kind of answer; open_ended is not among them."""
    return {*command_line.modules(str(BENCHMARKS), "ANSWER_KIND")} - {"open_ended"}


def _check_benchmark(name: str) -> None:
    """Check that a benchmark's file has everything that later stages need."""
    benchmark, file = importlib.import_module(f"stages.benchmarks.{name}"), f"{BENCHMARKS}/{name}.py"
    for needed in ("TRIGGER", "questions", "show"):
        if not hasattr(benchmark, needed):
            raise InputError(f"{file} lacks {needed}: the other files there have it")
    if (kind := benchmark.ANSWER_KIND) not in ANSWER_KINDS:
        raise InputError(f"{file}: ANSWER_KIND: {kind!r} is none of {', '.join(ANSWER_KINDS)} (stages/answers)")
