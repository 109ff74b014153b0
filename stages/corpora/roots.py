"""Where data sets are loaded from: written for this project, the Hugging Face Hub, or a folder laid out like it.

One path for all three: ``datasets.load_dataset(<root>/<repository> or <repository>, config, split, revision)``.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

from stages.core.errors import InputError
from stages.records.files import lines_of
from stages.records.question import LETTERS

Data = Literal["bundled", "hub", "mirror"]
Row = dict[str, Any]

BUNDLED = Path("data/bundled")
MIRROR_VARIABLE = "HUB_MIRROR"


class Fields(Row):
    """A row that names its place, and the fields that it has, when it is asked for one that it lacks."""

    def __init__(self, row: Row, place: str) -> None:
        super().__init__(row)
        self.place = place

    def __missing__(self, name: str) -> Any:
        raise InputError(f"{self.place}: expected a field {name!r}, found {', '.join(self) or 'none'}")

    def letter_of(self, right: object, choices: Sequence[object]) -> str:
        """The letter under which the right choice is shown."""
        if right not in choices:
            known = ", ".join(map(str, choices)) or "none"
            raise InputError(f"{self.place}: the right answer is {right!r}, expected one of the choices: {known}")
        return LETTERS[choices.index(right)]


class Source:
    """One root, and the rows of the repositories in it."""

    def __init__(self, data: Data) -> None:
        """Check that the root is there.

        Raises:
            InputError: ``data`` is no root, or the mirror is asked for and ``HUB_MIRROR`` names no folder.
        """
        if data not in get_args(Data):
            raise InputError(f"params.yaml: run.data: expected one of {', '.join(get_args(Data))}, found {data!r}")
        self.data = data
        self.folder = BUNDLED if data == "bundled" else None
        if data == "mirror":
            self.folder = _mirror()

    def __str__(self) -> str:
        return "the Hub" if self.folder is None else str(self.folder)

    def holds(self, repository: str) -> bool:
        """Whether the repository lies in the root's folder; never so on the Hub itself."""
        return self.folder is not None and (self.folder / repository).is_dir()

    def rows(self, repository: str, config: str | None, split: str, revision: str | None) -> Iterator[Fields]:
        """The rows of one split, in their order; ``revision`` counts on the Hub alone."""
        if self.folder is None:
            return _load(repository, config, split, revision)
        return _load(self._held(repository), config, split, None)

    def json_lines(self, repository: str, file: str, revision: str | None) -> Iterator[Fields]:
        """The rows of one JSONL file, whatever else (a loading script, say) the repository holds."""
        if self.folder is None:
            return read_rows(_hub_file(repository, file, revision))
        return read_rows(Path(self._held(repository), file))

    def _held(self, repository: str) -> str:
        if not self.holds(repository):
            raise InputError(f"{self.folder}/{repository} does not exist: run.data is {self.data}, which needs it")
        return f"{self.folder}/{repository}"


def _mirror() -> Path:
    place = os.environ.get(MIRROR_VARIABLE)
    if not place:
        raise InputError(
            f"run.data is mirror, and the environment variable {MIRROR_VARIABLE} is not set: set it to a folder laid "
            f"out like the Hub (<owner>/<repository>/…), absolute for experiments that run in a temporary copy"
        )
    if not Path(place).is_dir():
        raise InputError(f"{MIRROR_VARIABLE}={place}: there is no such folder (seen from {Path.cwd()})")
    return Path(place)


def _load(path: str, config: str | None, split: str, revision: str | None) -> Iterator[Fields]:
    from datasets import disable_progress_bars, load_dataset
    from huggingface_hub.errors import OfflineModeIsEnabled

    where = f"{path} (configuration {config}, split {split})"
    is_folder = Path(path).is_dir()
    if is_folder:
        disable_progress_bars()
    # What the library prepared of a folder it finds again by the folder's last name and its card, whatever the files
    # hold by then, or in another place of that name: a folder is prepared anew each time.
    with TemporaryDirectory() if is_folder else nullcontext() as prepared:
        try:
            try:
                rows = load_dataset(path, config, split=split, revision=revision, cache_dir=prepared)
            except (OfflineModeIsEnabled, ConnectionError):
                rows = load_dataset(cached_snapshot(path, revision), config, split=split)
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(_gated(path) if "gated" in repr(error).lower() else f"{where}: {error}") from error
        for number, row in enumerate(rows, start=1):
            yield Fields(dict(row), f"{where}, row {number}")


def cached_snapshot(repository: str, revision: str | None) -> str:
    """The folder of the Hub's cache that holds a data set, for machines without the network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return snapshot_download(repository, repo_type="dataset", revision=revision, local_files_only=True)
    except LocalEntryNotFoundError as error:
        raise InputError(
            f"{repository} is not in the Hub's cache, and the Hub is out of reach: fetch it on a machine with the "
            f"network (`hf download --repo-type dataset {repository}`) or use run.data=bundled or mirror"
        ) from error


def _hub_file(repository: str, file: str, revision: str | None) -> Path:
    """A file of a data set on the Hub, fetched into the Hub's own cache."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(repository, file, repo_type="dataset", revision=revision))
    except GatedRepoError as error:
        raise InputError(_gated(repository)) from error
    except (LocalEntryNotFoundError, HfHubHTTPError) as error:
        raise InputError(f"{repository}/{file} is neither in the Hub's cache nor to be had from it: {error}") from error


def _gated(repository: str) -> str:
    return (
        f"{repository} is gated: ask for access at https://huggingface.co/{repository} (data sets: "
        f"https://huggingface.co/datasets/{repository}), then log in with `hf auth login` or set HF_TOKEN"
    )


def read_rows(path: Path) -> Iterator[Fields]:
    """The objects of a JSONL file; a line that is none is an error that names it."""
    if not path.is_file():
        raise InputError(f"{path} does not exist: expected a JSONL file there")
    for number, line in enumerate(lines_of(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if "\\ud" in line.lower():
                json.dumps(row, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:  # an odd number or a lone surrogate is a ValueError too
            raise InputError(
                f"{path}, line {number}: {_fault(error)}: expected one object a line; mend or remove the line"
            ) from None
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number}: expected an object, found {type(row).__name__}")
        yield Fields(row, f"{path}, line {number}")


def _fault(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON ({error.msg}, column {error.colno})"
    if isinstance(error, UnicodeEncodeError):
        return "half of a surrogate pair (\\ud800 to \\udfff), which is no character"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number of thousands of digits"
