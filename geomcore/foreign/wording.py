"""How text that somebody else wrote stands in a sentence, on a screen and in a picture."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from difflib import get_close_matches
from math import isfinite

ROUNDING = 1e-20  # a loss below is that of residuals of the size of rounding


def printable(text):
    """Return `text` with every character that has no printed form written as its escape.

    Control characters, line ends, marks that turn the direction of writing, and halves of
    surrogate pairs are such; letters of all alphabets are not.

    Examples
    --------
    >>> printable("a\\x1b[2Jb\\u202ec")
    'a\\\\x1b[2Jb\\\\u202ec'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shortened(text, most):
    """Return `text`, or its first and last characters if it has more than `most`.

    Examples
    --------
    >>> shortened("abcdefghijklmno", 11)
    'abcde...mno'
    """
    if len(text) <= most:
        return text
    tail = (most - 3) * 2 // 5
    return f"{text[: most - 3 - tail]}...{text[len(text) - tail :]}"


def quoted(value, most=60):
    """Return how `value` is written in Python, printable and not longer than `most`.

    Examples
    --------
    >>> quoted("x" * 1000, most=15)
    "'xxxxxxx...xxx'"
    >>> quoted([1, 2]), quoted("a  b")
    ('[1, 2]', "'a  b'")
    """
    # What is cut away in the end is not worth writing down: a text may be very long.
    if isinstance(value, str):
        text = repr(shortened(value, most))
    else:
        text = " ".join(repr(value).split())  # arrays stand in several lines
    return shortened(printable(text), most)


def suggestion(given, known):
    """Return a question that names the nearest known word, or nothing if none is near.

    Examples
    --------
    >>> suggestion("sequental", ["auto", "sequential"]), suggestion("x", ["auto"])
    (", did you mean 'sequential'?", '')
    """
    if not isinstance(given, str):
        return ""
    words = {word.lower(): word for word in known}
    near = get_close_matches(given[:100].lower().replace("-", "_"), words, 1)
    return f", did you mean {words[near[0]]!r}?" if near else ""


def counted(number, what):
    """Return a number with the noun that it counts.

    Examples
    --------
    >>> counted(1, "class"), counted(2, "class"), counted(1234, "point"), counted(2, "query")
    ('1 class', '2 classes', '1,234 points', '2 queries')
    """
    if number != 1:
        if what.endswith("s"):
            what += "es"
        elif what.endswith("y") and what[-2] not in "aeiou":
            what = what[:-1] + "ies"
        else:
            what += "s"
    return f"{number:,} {what}"


def rounded(loss, *, up=False, down=False):
    """Return a loss with the digits that tell it from others: four, two where rounding decides.

    Upwards or downwards on demand, so that what is a bound stays one.

    Examples
    --------
    >>> rounded(0.594421), rounded(2.76431e-5), rounded(2.31e-31), rounded(0.0)
    ('0.5944', '2.764e-05', '2.3e-31', '0')
    >>> rounded(0.594421, up=True), rounded(2.31e-31, up=True)
    ('0.5945', '2.4e-31')
    >>> rounded(0.594469, down=True)
    '0.5944'
    """
    digits = 2 if abs(loss) < ROUNDING else 4
    if (up or down) and isfinite(loss):
        towards = ROUND_CEILING if up else ROUND_FLOOR
        loss = float(Context(prec=digits, rounding=towards).create_decimal(loss))
    return f"{loss:.{digits}g}"


def told_apart(low, high):
    """Return two numbers, the first below the second, with the digits that show it: three or more.

    Examples
    --------
    >>> told_apart(0.000842, 0.00416), told_apart(4.7412e-07, 4.7419e-07)
    (('0.000842', '0.00416'), ('4.741e-07', '4.742e-07'))
    """
    for digits in range(3, 18):
        told = f"{low:.{digits}g}", f"{high:.{digits}g}"
        if told[0] != told[1]:
            break
    return told


def named(label, most=60):
    """Return a label as it stands in a line, whatever it is.

    Examples
    --------
    >>> named(7), named("left\\nright")
    ('7', 'left\\\\nright')
    """
    return shortened(printable(str(label)), most)


def one_line(text, most):
    """Return `text` as one printable line of at most `most` characters.

    Examples
    --------
    >>> one_line("bad line\\n  here", 300)
    'bad line here'
    """
    # Ten times as much is enough to fill the line, and quick if there are megabytes.
    return shortened(printable(" ".join(shortened(text, 10 * most).split())), most)
