"""Put the trained models and the recorded role prompts into a folder laid out like the Hub, and upload it on request.

`python -m stages.tools.publish --out published` needs no network; `--upload OWNER` then makes or updates repositories
OWNER/<model>-<arm>-<seed> and OWNER/lima-role, private unless `--public` is given.
"""

import argparse
import logging
from pathlib import Path

from stages.core import command_line
from stages.core.errors import InputError
from stages.publishing.dataset_folder import lay_out_roles
from stages.publishing.model_folder import lay_out_model
from stages.publishing.results import load
from stages.publishing.uploading import Repository, upload

logger = logging.getLogger("publish")


def main() -> None:
    arguments = parse()
    root = Path.cwd()
    repositories = []
    if not arguments.only_roles:
        results = load(root)
        trained = [system for system in results.inputs.plan.systems if system.arm and not system.condition]
        unknown = set(arguments.models or []) - {system.name for system in trained}
        if unknown:
            names = ", ".join(system.name for system in trained)
            raise InputError(f"--models: {', '.join(sorted(unknown))}: not among {names}, which `run` asks for")
        for system in trained:
            if not arguments.models or system.name in arguments.models:
                folder = lay_out_model(root, arguments.out, system, results)
                repositories.append(Repository(folder.name, "model", folder))
    folder = lay_out_roles(root, arguments.out)
    repositories.append(Repository(folder.name, "dataset", folder))
    for repository in repositories:
        logger.info("%s: %s", repository.kind, repository.folder)
    if arguments.upload:
        upload(repositories, arguments.upload, private=not arguments.public)


def parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder; what is published there is replaced")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="of data/models (all that `run` asks for)")
    parser.add_argument("--only-roles", action="store_true", help="the recorded role prompts without any model")
    parser.add_argument("--upload", metavar="OWNER", help="upload to this user or organization of the Hub")
    parser.add_argument("--public", action="store_true", help="new repositories are public")
    return parser.parse_args()


if __name__ == "__main__":
    command_line.run(main)
