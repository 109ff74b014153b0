"""Check all parameters, write down what `run` asks for, and take away what an earlier choice left.

Every stage that starts the pipeline waits for this one, so that a wrong parameter is an error before any work.
"""

import logging
from pathlib import Path

from stages.core import command_line
from stages.records import files

logger = logging.getLogger("plan")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    # The types of all parameters take a second to import.
    from stages.planning.checking import checked, missing_keys
    from stages.planning.run_choice import plan, tidy

    parameters = checked()
    here = Path.cwd()
    if not any((folder / ".git").exists() for folder in (here, *here.parents)):
        logger.warning("%s is in no Git repository, which DVC needs: clone the project, or run `git init` here", here)
    for text in missing_keys(parameters):
        logger.warning(text)
    chosen = plan(parameters.run)
    files.write_json(Path("data/plan.json"), chosen.model_dump())
    files.write_text(Path("data/parameters_valid"), "All parameters are valid.\n")
    tidy(parameters.run, chosen)


if __name__ == "__main__":
    command_line.run(main)
