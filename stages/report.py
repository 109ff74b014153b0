"""The report: one self-contained page, and its tables as files that a paper can include."""

import shutil
from pathlib import Path

from stages import command_line, files
from stages.reporting import inputs, page, table_files

PAGE = Path("plots/report.html")
TABLES = Path("plots/tables")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    read = inputs.load(Path())
    tables = page.tables(read)
    shutil.rmtree(TABLES, ignore_errors=True)
    for table in tables:
        table_files.write(table, TABLES)
    files.write_text(PAGE, page.render(read, tables))


if __name__ == "__main__":
    command_line.run(main)
