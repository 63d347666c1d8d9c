"""Lists of clips: csv files read as text, whose errors name the file and the line."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass
class Table:
    """The rows of a csv file.

    Attributes
    ----------
    path : Path
    rows : DataFrame of str
        Its index is the number of the line in the file; an empty cell is "".
    """

    path: Path
    rows: pd.DataFrame

    def __len__(self):
        return len(self.rows)

    def text(self, column):
        """Return a column as an array of str."""
        return self.rows[column].to_numpy(dtype=str)

    def integers(self, column):
        """Return a column as an array of int."""
        self.refuse(
            ~self.rows[column].str.fullmatch("[0-9]+").to_numpy(bool),
            f"{column} is {{{column}!r}} and not a number",
        )
        return self.rows[column].astype(int).to_numpy()

    def refuse(self, bad, complaint):
        """Raise an error for the first bad row.

        Parameters
        ----------
        bad : array-like of bool, one per row
        complaint : str
            What is wrong; names of columns in braces stand for their values.

        Raises
        ------
        ValueError
        """
        where = np.flatnonzero(np.asarray(bad, dtype=bool))
        if where.size:
            row = self.rows.iloc[where[0]]
            raise ValueError(f"{self.place(row.name)}: {complaint.format_map(row.to_dict())}")

    def place(self, line):
        """Say where a line is."""
        return f"{self.path}, line {line}"

    def refuse_duplicates(self, column):
        """Raise an error if a value stands in two rows."""
        again = self.rows[column].duplicated().to_numpy()
        if again.any():
            value = self.rows[column].to_numpy()[again][0]
            first = self.rows.index[self.rows[column] == value][0]
            self.refuse(again, f"{column} {{{column}!r}} is listed already, in line {first}")

    def refuse_shared(self, other, column):
        """Raise an error if a value stands in another table too."""
        shared = self.rows[column].isin(other.rows[column])
        self.refuse(shared, f"{column} {{{column}!r}} is listed in {other.path} too")

    def order_classes(self, label, number):
        """List the classes in the order of their official numbers.

        Raises
        ------
        ValueError
            If a class has two numbers, or two classes have one.
        """
        numbers = pd.Series(self.integers(number), self.rows.index)
        labels = self.rows[label]
        for known, given, what in ((labels, numbers, number), (numbers, labels, label)):
            odd = given != given.groupby(known).transform("first")
            self.refuse(odd, f"{{{label}}} with {number} {{{number}}}: it had another {what} above")
        return list(labels[numbers.sort_values(kind="stable").index].unique())


def read_table(path, columns, *, header=True, delimiter=",", encoding="utf-8-sig", may_be_empty=()):
    """Read a csv file.

    Parameters
    ----------
    path : Path
    columns : list of str
        Columns that it must have; without a header, all columns in their order.
    header : bool, default=True
        Whether the first row names the columns.
    delimiter : str, default=","
    encoding : str, default="utf-8-sig"
        The default is UTF-8, with a byte order mark or without.
    may_be_empty : collection of str, default=()
        Those of ``columns`` in which a cell may be empty.

    Returns
    -------
    Table

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If a column is missing, or the first broken row: a wrong number of fields, an empty
        cell, an unclosed quotation mark.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    lines, rows = _split(path, delimiter, encoding)
    names = rows.pop(0) if header and rows else columns
    lines = lines[1:] if header else lines
    missing = [column for column in columns if column not in names]
    if missing:
        raise ValueError(
            f"{path} lacks the columns {', '.join(missing)}; it has: {', '.join(names)}"
        )
    if not rows:
        raise ValueError(f"{path} lists nothing")
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(names):
            raise ValueError(
                f"{path}, line {line}: {len(row)} fields where {len(names)} are expected "
                f"({', '.join(names)})"
            )
    table = Table(path, pd.DataFrame(rows, index=lines, columns=names, dtype=object))
    for column in columns:
        if column not in may_be_empty:
            table.refuse(table.rows[column].str.strip() == "", f"{column} is empty")
    return table


def _split(path, delimiter, encoding):
    """Split the file into rows; also give the line in which each begins."""
    lines, rows = [], []
    with open(path, encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return lines, rows
            except csv.Error as exc:
                raise ValueError(f"{path}, line {line}: {exc}") from exc
            except UnicodeDecodeError as exc:
                raise ValueError(f"{path} is not in {encoding}: {exc}") from exc
            if row:
                lines.append(line)
                rows.append(row)
