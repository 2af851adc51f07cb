"""How the bytes of a text file become rows of cells: encoding, separator, quotation marks."""

import codecs
import csv
import io
import re
from itertools import chain, islice
from typing import NamedTuple

from geomcore.datasets.table_error import Option, TableError, shown

# A blank stands for runs of blanks and tabs.
SEPARATORS = (",", ";", "\t", "|", " ")
WORDS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins like the one of UTF-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SEPARATOR_LINE = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)
LONGEST_LINE = 2**25  # characters, which are cells of a hundred times their memory
SAMPLE = 100  # rows that show which separators are possible
BLANKS = b" \t\r\n"
MOST_BLANK = 100_000  # lines without anything, each of which is looked at several times
END = "\uffff"  # no character; a row after the last one, which an open quotation swallows


class Text(NamedTuple):
    """A text file.

    Attributes
    ----------
    path : Path
    raw : bytes
        Its text in UTF-8, without a byte order mark, and without the blank
        lines before and after the table.
    skip : int
        Lines before the table.
    separator : str or None
        As a line ``sep=;`` before the table states it.
    blank : int
        Blank lines before the text in `raw`.
    """

    path: object
    raw: bytes
    skip: int
    separator: str | None
    blank: int

    def lines(self, skip):
        """A file of the lines after the first `skip` ones, whatever their ends are."""
        file = io.TextIOWrapper(io.BytesIO(self.raw), encoding="utf-8", newline=None)
        for _ in range(skip - self.blank):
            file.readline()
        return file

    def _checked_lines(self):
        for i, line in enumerate(self.lines(self.skip), start=self.skip + 1):
            if len(line) > LONGEST_LINE:
                what = f", line {i}: it has more than {LONGEST_LINE:,} characters"
                raise TableError(self.path, what)
            yield line if line.endswith("\n") else line + "\n"

    def rows(self, delimiter):
        """Numbered rows of cells, blank ones left out.

        Raises
        ------
        TableError
            If a quotation is not closed, or a cell has more than 131,072 characters.
        """
        lines = chain(self._checked_lines(), [END + "\n"])
        if delimiter == " ":
            lines = (line.replace("\t", " ").strip(" \n") + "\n" for line in lines)
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        line, cells = 0, None
        try:
            for cells in reader:
                line = self.skip + reader.line_num
                if any(map(str.strip, cells)) and cells != [END]:
                    yield line, cells
        except csv.Error as error:
            line = self.skip + reader.line_num
            raise TableError(self.path, f", line {line}: {str(error)[:100]}") from None
        if cells != [END]:
            raise TableError(self.path, f", line {line - 1}: a quotation mark is not closed")


def read_text(path, encoding=None):
    """Return the `Text` in a file.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        Default: what a byte order mark says, else UTF-8.

    Raises
    ------
    TableError
        If the file is not text in this encoding, or is empty.
    OSError
        If it cannot be read.
    """
    raw = path.read_bytes()
    if encoding is None:
        marks = (e for mark, e in BYTE_ORDER_MARKS.items() if raw.startswith(mark))
        encoding = next(marks, "utf-8")
        if encoding.startswith("utf-8") and b"\0" in raw:
            raise TableError(
                path,
                " must be a CSV file of text, it holds binary data, or text for which you must "
                "give ",
                Option("encoding", "utf-16-le"),
            )
    text = _decoded(path, raw, encoding)
    if "\0" in text:
        raise TableError(path, " must be a CSV file of text, it holds binary data")
    if encoding != "utf-8" or text.startswith("\ufeff"):
        raw = text.removeprefix("\ufeff").encode("utf-8", "replace")
    del text  # as large as the file
    raw, blank = _without_blank_lines(raw)
    for end in (b"\n", b"\r\n", b"\r"):
        gap = raw.find((MOST_BLANK + 1) * end)
        if gap >= 0:
            line = blank + raw.count(end, 0, gap) + 2
            raise TableError(path, f", line {line}: {MOST_BLANK:,} blank lines within the table")
    found = Text(path, raw, blank, None, blank)
    for skip, line in enumerate(found.lines(blank), start=blank):
        if line.strip():
            stated = SEPARATOR_LINE.fullmatch(line.rstrip("\n"))
            return found._replace(skip=skip + 1, separator=stated.group(1)) if stated else found
    raise TableError(path, " must hold a table, it is empty")


def _without_blank_lines(raw):
    """The bytes without blank lines before and after the others; how many were before."""
    first = len(raw) - len(raw.lstrip(BLANKS))
    start = max(raw.rfind(b"\n", 0, first), raw.rfind(b"\r", 0, first)) + 1
    ends = raw.count(b"\n", 0, start) + raw.count(b"\r", 0, start)
    last = len(raw.rstrip(BLANKS))
    ends_after = [i + 1 for i in (raw.find(b"\n", last), raw.find(b"\r", last)) if i >= 0]
    end = min(ends_after, default=len(raw))
    return raw[start : max(start, end)], ends - raw.count(b"\r\n", 0, start)


def delimiters(text, delimiter=None):
    """Separators that make the first rows equally wide; if none does, the likeliest.

    Parameters
    ----------
    text : Text
    delimiter : str, optional
        The only one to consider.

    Returns
    -------
    list of str
        At least one.
    """
    if delimiter is not None:
        return [check_delimiter(delimiter)]
    if text.separator is not None:
        return [check_delimiter(text.separator)]
    even = [d for d in SEPARATORS if _is_even(text, d)]
    return sorted(even, key=lambda d: d == " ") or [likeliest(text, SEPARATORS)]


def likeliest(text, among):
    """The separator that is most often in the first line; blanks only if there is no other."""
    first = next((line for line in text.lines(text.skip) if line.strip()), "")
    return max(among, key=lambda d: (d != " " and first.count(d), d == " " and " " in first))


def check_delimiter(delimiter):
    """Return the character that separates columns; a blank stands for runs of blanks."""
    found = WORDS.get(delimiter, delimiter) if isinstance(delimiter, str) else delimiter
    if not isinstance(found, str) or len(found) != 1 or found in '"\n\r\0\ufeff':
        raise TableError(
            Option("delimiter"),
            " must be one character, such as ';', or the word tab or space, got ",
            shown(str(delimiter)),
        )
    return found


def _is_even(text, delimiter):
    try:
        widths = {len(cells) for _, cells in islice(text.rows(delimiter), SAMPLE)}
    except TableError:
        return False
    return len(widths) == 1 and widths != {1}


def _decoded(path, raw, encoding):
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        name = "UTF-8" if encoding.startswith("utf-8") else encoding
        other = "cp1252" if name == "UTF-8" else "utf-8"
        where = f", line {line}: the file is not {name} text; if it is {other} text, give "
        raise TableError(path, where, Option("encoding", other)) from None
    except UnicodeError as error:
        raise TableError(path, f" is not {encoding} text: {str(error)[:100]}") from None
    except (LookupError, TypeError, ValueError):
        # Also codecs that are none of text and make a very large file of a small one.
        raise TableError(
            Option("encoding"),
            " must be the name of an encoding, such as 'utf-16' or 'cp1252', got ",
            shown(str(encoding)),
        ) from None
