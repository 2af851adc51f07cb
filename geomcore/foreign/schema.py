"""JSON that somebody else may have written, read by a schema: as it must be, or one sentence."""

import re

import msgspec

from geomcore.foreign.wording import one_line


class Mismatch(ValueError):
    """Why a text is not what a schema says.

    Attributes
    ----------
    field : str or None
        The field of the outermost object at which the reading ended.
    """

    def __init__(self, reason, field):
        super().__init__(reason)
        self.field = field


def decoded(text, schema):
    """Return what a JSON text holds.

    Parameters
    ----------
    text : str or bytes
    schema : type
        As msgspec takes it: what it does not ask for takes no memory.

    Raises
    ------
    Mismatch
        If the text is no JSON, or not what the schema says.
    """
    if not isinstance(text, (str, bytes)):
        raise Mismatch(f"it must be a text, got {type(text).__name__}", None)
    try:
        return msgspec.json.decode(text, type=schema)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        # msgspec ends its sentences with the place: "... - at `$.layers[...].kind`".
        place = re.search(r" - at `\$\.(\w+)[^ ]*`$", str(error))
        raise Mismatch(one_line(str(error), 160), place and place[1]) from None
