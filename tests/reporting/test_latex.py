"""What can be told without LaTeX; tests/latex/tables_compile.py compiles the tables."""

from stages.reporting.table import Cell, Table
from stages.reporting.table_files import latex, tex
from tests.reporting.test_table_files import TABLE


def test_latex_is_a_booktabs_table():
    text = latex(TABLE)
    assert r"\caption{A \& B in 50\% of cases. See \#1.}" in text
    assert r"\begin{tabular}{@{}lrl@{}}" in text
    assert r"a\_b|c & \textbf{$-$3.0} & $<$i$>$ \tabularnewline" in text
    assert [rule for rule in (r"\toprule", r"\midrule", r"\bottomrule") if rule not in text] == []


def test_latex_escapes_every_special_character():
    assert tex("\\{}~^") == r"\textbackslash{}\{\}\textasciitilde{}\textasciicircum{}"


def test_a_head_wider_than_its_column_is_broken_between_words():
    text = latex(Table("t", "T", ["Name", "Shorter than 8", "Win rate"], [[Cell("a"), Cell("1"), Cell("0.1 to 0.2")]]))
    assert r"\begin{tabular}[b]{@{}r@{}}Shorter \\ than \\ 8\end{tabular} & Win rate \\" in text


def test_a_column_of_long_words_is_set_as_a_paragraph():
    text = latex(Table("t", "T", ["Name", "Most frequent"], [[Cell("a"), Cell("historian (3), " * 3)]], words=[1]))
    assert r"\begin{tabular}{@{}lp{0.34\linewidth}@{}}" in text
    assert r"a & \raggedright historian (3), historian (3), historian (3),  \tabularnewline" in text
