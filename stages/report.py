"""The report: one self-contained page, its tables as files that a paper can include, the loss curves in one table."""

import shutil
from pathlib import Path

from stages.core import command_line

PAGE = Path("plots/report.html")
TABLES = Path("plots/tables")
LOSSES = Path("plots/losses.csv")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    from stages.records import files
    from stages.reporting import inputs, page, table_files

    read = inputs.load(Path())
    tables = page.tables(read)
    shutil.rmtree(TABLES, ignore_errors=True)
    for each in tables:
        table_files.write(each, TABLES)
    files.write_csv(LOSSES, inputs.LOSS_COLUMNS, inputs.loss_rows(read))
    files.write_text(PAGE, page.render(read, tables))


if __name__ == "__main__":
    command_line.run(main)
