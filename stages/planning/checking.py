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
from stages.core.parameters import Key, Section
from stages.corpora.preset import CorpusPreset, SplitParameters
from stages.corpora.roots import Source
from stages.decoding.parameters import Generate, OpenEnded, ReferenceLikelihoods
from stages.judging.pairs import Judging
from stages.planning.run_choice import Run
from stages.planning.values import leaves, odd
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
logger = logging.getLogger(__name__)

TAKEN = {"base", "official", "tie", *get_args(Arm)}
"""Names of variants and verdicts, which a rival's key must not be confused with."""


def _free(name: str) -> str:
    if name in TAKEN:
        raise ValueError(f"{name!r} means something else among systems: choose another key")
    return name


RivalName = Annotated[Key, AfterValidator(_free)]


def _known_places(preset: OpenAI) -> OpenAI:
    if unknown := set(re.findall(r"\{(.*?)\}", preset.model)) - {"folder", "name"}:
        raise ValueError(f"model: {preset.model!r}: expected {{folder}} or {{name}}, found {{{min(unknown)}}}")
    return preset


class Servers(Section):
    """``servers``."""

    local: Local
    openai: Annotated[OpenAI, BeforeValidator(refuse_keys), AfterValidator(_known_places)]


_OPTIONAL: dict[str, Any] = {
    name: (Annotated[field.annotation, field], None) for name, field in Recipe.model_fields.items()
}
Overrides = create_model("Overrides", __base__=Section, **_OPTIONAL)
"""``models.<model>.finetune``, checked alone, since a run trains few of the models."""


class Preference(Section):
    """``scales.<scale>.preference``."""

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
    """The whole file."""

    seed: int = Field(ge=0, lt=2**32)
    run: Run
    models: dict[Key, ModelPreset] = Field(min_length=1)
    corpora: dict[Key, CorpusPreset] = Field(min_length=1)
    annotators: dict[Key, ChatPreset] = Field(min_length=1)
    judges: dict[Key, ChatPreset] = Field(min_length=1)
    rivals: dict[RivalName, ChatPreset]
    scales: dict[Key, Scale] = Field(min_length=1)
    servers: Servers
    statistics: Statistics
    sandbox: Limits
    studies: dict[Key, Study]
    mmlu_domains: Domains


def checked(path: Path = parameters.PATH) -> Parameters:
    """The parameters, every section valid and every name in ``run`` a preset that exists.

    Raises:
        InputError: Something is wrong; the key is named, and what is allowed.
    """
    return check(parameters.read(path), path)


def check(content: dict[str, Any], path: Path = parameters.PATH) -> Parameters:
    """Like :func:`checked`, for the content of the file."""
    for place, value in leaves(content):
        if fault := odd(place, value):
            raise InputError(f"{path}: {'.'.join(place)}: {fault}")  # a text may be a key, which is not repeated
    found = parameters.validate(content, Parameters, "", path)
    for name, model in found.models.items():
        _check_model(name, model, path)
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
        for name in names:
            if name not in known:
                raise InputError(f"{path}: run.{key}: {name!r} is none of {', '.join(sorted(known))}")
    asked = found.scales[run.scale].generate.benchmarks
    for name in run.benchmarks:
        if name not in asked:
            raise InputError(f"{path}: scales.{run.scale}.generate.benchmarks has no entry for {name!r}: add one")
        _check_benchmark(name)
    for name in run.official:
        _check_official(found.models[name], name, path)
    for name in run.models:
        recipe = content["scales"][run.scale]["finetune"] | found.models[name].finetune
        parameters.validate(recipe, Recipe, f"models.{name}.finetune", path)
        _warn_unwatched(f"models.{name}", found.models[name])
        _warn_unwatched(f"models.{name}.official", found.models[name].official if name in run.official else None)
    _require_data(run, found.corpora[run.corpus], path)
    return found


def _check_model(name: str, model: ModelPreset, path: Path) -> None:
    """A model's changes to the recipe, and its chat templates."""
    parameters.validate(model.finetune, Overrides, f"models.{name}.finetune", path)
    for key, preset in ((name, model), (f"{name}.official", model.official)):
        template = None if preset is None or isinstance(preset, Itself) else preset.chat_template
        if template is not None and template not in TEMPLATES:
            raise InputError(f"{path}: models.{key}.chat_template: {template!r} is none of {', '.join(TEMPLATES)}")


def missing_keys(found: Parameters) -> Iterator[str]:
    """API keys that are not set, hours before they are used; no error, since the request cache may have all replies."""
    run = found.run
    asked: dict[str, ChatPreset | OpenAI] = {
        f"annotators.{run.annotator}": found.annotators[run.annotator],
        f"judges.{run.judge}": found.judges[run.judge],
        **{f"rivals.{name}": found.rivals[name] for name in run.rivals},
    }
    if run.server == "openai":
        asked["servers.openai"] = found.servers.openai
    for key, preset in asked.items():
        variable = preset.key_variable if isinstance(preset, OpenAIPreset | OpenAI) else None
        if variable and not os.environ.get(variable):
            yield (
                f"{key} names the environment variable {variable}, which is not set: only what the request cache holds "
                "can be had of that server. Set it now, or the stage that asks will stop"
            )


def _check_official(preset: ModelPreset, name: str, path: Path) -> None:
    if isinstance(preset.official, Itself):
        raise InputError(
            f"{path}: run.official: {name} is its own official chat version: set run.baselines to [base], which "
            f"compares with it, and take {name} out of run.official"
        )
    if preset.official is None:
        raise InputError(
            f"{path}: run.official: models.{name}.official is not given: add it, in the form of an entry of `models`"
        )


def _warn_unwatched(key: str, preset: ModelPreset | Itself | None) -> None:
    """Warn of models outside the watched folder, or behind a link to a folder, where DVC sees no change."""
    if isinstance(preset, FolderModel) and not Path(preset.path).resolve().is_relative_to(MODEL_FOLDERS.resolve()):
        logger.warning(
            "%s.path: %s is not in %s, the folder that DVC watches: that the model changed will go unnoticed. Put or "
            "link its files there (`cp -rs`), or after a change `dvc repro --force --single-item` its base_model",
            key,
            preset.path,
            MODEL_FOLDERS,
        )


def _require_data(run: Run, corpus: CorpusPreset, path: Path) -> None:
    """Missing data are an error now, not only after a model was downloaded."""
    Source(run.data)
    if corpus.path is None:
        Source(corpus.root_under(run.data, run.corpus))
    elif not Path(corpus.path).resolve().is_relative_to(CORPORA.resolve()):
        raise InputError(
            f"{path}: corpora.{run.corpus}.path: {corpus.path} is not in {CORPORA}, the folder that DVC watches for "
            "the stage `corpus`: move it there"
        )
    elif not Path(corpus.path).is_file():
        raise InputError(f"{path}: corpora.{run.corpus}.path: {corpus.path} does not exist: name a JSONL file")


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
