"""The report: one self-contained page, its tables as files that a paper can include, the loss curves in one table."""

import shutil
from pathlib import Path

from stages.core import command_line
from stages.records import files
from stages.reporting import inputs, loss_table, page, table_files
from stages.scoring.csv_table import write_csv

PAGE = Path("plots/report.html")
TABLES = Path("plots/tables")
LOSSES = Path("plots/losses.csv")


def main() -> None:
    command_line.parser(__doc__).parse_args()
    read = inputs.load(Path())
    tables = page.tables(read)
    shutil.rmtree(TABLES, ignore_errors=True)
    for table in tables:
        table_files.write(table, TABLES)
    write_csv(LOSSES, loss_table.COLUMNS, loss_table.rows(read))
    files.write_text(PAGE, page.render(read, tables))


if __name__ == "__main__":
    command_line.run(main)
