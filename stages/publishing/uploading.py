"""Uploading folders to the Hub."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

from stages.core.errors import InputError

logger = logging.getLogger("publish")

LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token that may write"


@dataclass(frozen=True)
class Repository:
    """A folder and what it becomes on the Hub."""

    name: str
    kind: Literal["model", "dataset"]
    folder: Path


def upload(repositories: list[Repository], owner: str, *, private: bool) -> None:
    """Make or update ``owner/<name>`` for each; nothing is made unless there is a login.

    Raises:
        InputError: No login, no network, or the Hub refuses; what was uploaded before that stays.
    """
    api = HfApi()
    try:
        user = api.whoami()["name"]
        logger.info("logged in as %s", user)
        for repository in repositories:
            name = f"{owner}/{repository.name}"
            api.create_repo(name, repo_type=repository.kind, private=private, exist_ok=True)
            done = api.upload_folder(repo_id=name, repo_type=repository.kind, folder_path=repository.folder)
            logger.info("%s", done.commit_url)
    except LocalTokenNotFoundError as error:
        raise InputError(f"--upload {owner}: no login to the Hub is known here: {LOGIN}") from error
    except HFValidationError as error:
        raise InputError(f"--upload {owner}: not a name on the Hub: {error}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        remedy = f": {LOGIN}" if status in {401, 403} else ""
        raise InputError(f"--upload {owner}: the Hub refused ({error}){remedy}") from error
    except (httpx2.TransportError, OSError) as error:
        raise InputError(f"--upload {owner}: the Hub cannot be reached ({error}): the folders are whole") from error
