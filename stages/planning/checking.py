"""All of ``params.yaml`` checked before any work starts."""

import logging
from pathlib import Path
from typing import Annotated, get_args

from pydantic import AfterValidator, Field

from stages import parameters
from stages.base_models.preset import FolderModel, Itself, ModelPreset
from stages.chat_models.preset import ChatPreset
from stages.corpora.preset import CorpusPreset
from stages.corpora.split_parameters import SplitParameters
from stages.decoding.parameters import Asking, Decoding, OpenEnded
from stages.errors import InputError
from stages.judging.parameters import Judging
from stages.parameters import Section
from stages.planning.run_choice import Run
from stages.sandbox.limits import Limits
from stages.scoring.domains import Domains
from stages.servers.parameters import Servers
from stages.sources.roots import Source
from stages.systems import Arm
from stages.training.recipe import Recipe

BENCHMARKS = Path("stages/benchmarks")
CORPORA = Path("data/corpora")
MODEL_FOLDERS = Path("data/model_folders")

logger = logging.getLogger(__name__)

TAKEN = {"base", "official", "tie", *get_args(Arm)}
"""Variants and verdicts, beside which a rival's key stands and for none of which it may be mistaken."""


def _free(name: str) -> str:
    if name in TAKEN:
        raise ValueError(f"{name!r} means something else among systems: choose another key")
    return name


RivalName = Annotated[str, Field(pattern=r"^[\w-]+$"), AfterValidator(_free)]


class Generate(Section):
    """``scales.<scale>.generate``."""

    decoding: Decoding
    benchmarks: dict[str, Asking]


class Preference(Section):
    """``scales.<scale>.preference``."""

    decoding: OpenEnded
    judging: Judging


class Scale(Section):
    """``scales.<scale>``: how much of everything."""

    split: SplitParameters
    finetune: Recipe
    generate: Generate
    preference: Preference


class Parameters(Section):
    """The whole file."""

    seed: int
    run: Run
    models: dict[str, ModelPreset] = Field(min_length=1)
    corpora: dict[str, CorpusPreset] = Field(min_length=1)
    annotators: dict[str, ChatPreset] = Field(min_length=1)
    judges: dict[str, ChatPreset] = Field(min_length=1)
    rivals: dict[RivalName, ChatPreset]
    scales: dict[str, Scale] = Field(min_length=1)
    servers: Servers
    sandbox: Limits
    mmlu_domains: Domains


def checked(path: Path = parameters.PATH) -> Parameters:
    """The parameters, every section valid and every name in ``run`` a preset that exists.

    Raises:
        InputError: Something is wrong; the key is named, and what is allowed.
    """
    found = parameters.validate(parameters.read(path), Parameters, "", path)
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
    for name in run.official:
        _check_official(found.models[name], name, path)
    for name in run.models:
        _warn_unwatched(f"models.{name}", found.models[name])
        _warn_unwatched(f"models.{name}.official", found.models[name].official if name in run.official else None)
    _require_data(run, found.corpora[run.corpus], path)
    return found


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
    """A model may lie anywhere, but outside of the watched folder, or behind a link to a folder, DVC sees no change."""
    if isinstance(preset, FolderModel) and not Path(preset.path).resolve().is_relative_to(MODEL_FOLDERS.resolve()):
        logger.warning(
            "%s.path: %s is not in %s, the folder that DVC watches: that the model changed will go unnoticed. Put or "
            "link its files there (`cp -rs`), or after a change `dvc repro --force --single-item` its base_model",
            key,
            preset.path,
            MODEL_FOLDERS,
        )


def _require_data(run: Run, corpus: CorpusPreset, path: Path) -> None:
    """Data that lie nowhere are an error now, not after a model was fetched."""
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
    """Files of stages/benchmarks that say how their answers are read; open_ended runs by itself."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in BENCHMARKS.glob("*.py")}
    return {name for name, text in texts.items() if "\nANSWER_KIND = " in text and name != "open_ended"}
