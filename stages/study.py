"""Figures, tables and the paper of a frozen study, from its metrics and records: neither model nor data is needed."""

from pathlib import Path

from stages.core import command_line


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--study", required=True, help="a folder of data/studies")
    parser.add_argument("--page", required=True, type=Path, help="where the paper is written")
    arguments = parser.parse_args()
    from stages.studies.paper import make

    make(arguments.study, arguments.page)


if __name__ == "__main__":
    command_line.run(main)
