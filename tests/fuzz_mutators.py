"""Ways to spoil a file: byte by byte, and in the terms of its format."""

import contextlib
import hashlib
import io
import json
import sqlite3
import zipfile

import msgspec
import numpy as np

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
LONG = "9" * 400
# In JSON text; the last ones are no JSON.
ODD_JSON = [
    "null", "true", "-1", "0", "0.5", "1e308", "1e999", LONG, "9" * 5000, '""', '"inf"', '"nan"',
    '"\\u001b[2J\\u202e"', '"\\ud800"', '"' + "x" * 130_000 + '"', "[]", "[[]]", "{}", '{"a": [1]}',
    "[" * 1000 + "]" * 1000, "[" * 100_000, "NaN", "'a'", "01", "[1,]",
]  # fmt: skip
# Pieces that mean something to one reader or another.
PIECES = [
    b"\0", b"\xff" * 4, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\0" * 16, b"PK\1\2", b"PK\3\4",
    b"PK\5\6", b"\x93NUMPY", b"'descr': '|O'", b"(1000000000000,)", b"(", b"[" * 5000, b"-" * 5000,
    b'"', b"\n", b"\r", b",", b";", b"\t", b"nan", b"1e400", b"1_0", b"\x1b[2J", b"\xe2\x80\xae",
    b"\xff\xfe", b"x" * 140_000, LONG.encode(), b"\x1f\x8b", b"BZh9", b"SQLite format 3\0",
    b"\x0c", b"\x0e",
]  # fmt: skip
ODD_TEXTS = [
    "", "(", "{",
    "'" * 3, "None", "1e9", "True", LONG, "(-1,)", "(0, " + LONG + ",)", "()", "(2, 2)",
    "'<U0'", "'|O'", "'<U999999999'", "'M8[x]'", "[('a', 'O')]", "[" * 3000,
]  # fmt: skip
ODD_CELLS = [
    None, "", "x", "inf", b"\xff\0", -1, 0, 2**63 - 1, 1e308, LONG, '{"a": 1}', "[", b"",
]  # fmt: skip
ODD_VALUES = [
    None, True, -1, 0, 1, 2**63 - 1, 0.5, -1e308, float("nan"), float("inf"), "", "x", "\x1b[2J",
    "x" * 5000, b"", b"\xff\0", [], [[]], {}, {"a": [1]},
]  # fmt: skip


def spoil(rng, data, other):
    """Change some bytes; `other` is a file of which a piece may come in."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, len(data) + 1))
        size = int(rng.choice([1, 1, 2, 4, 8, 64, 1000]))
        match int(rng.integers(0, 9)):
            case 0 if at < len(data):
                data[at] ^= 1 << int(rng.integers(0, 8))
            case 1 if at < len(data):
                data[at] = int(rng.integers(0, 256))
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = rng.bytes(size)
            case 4:
                del data[at:]
            case 5:
                data[at:at] = PIECES[rng.integers(0, len(PIECES))]
            case 6:
                piece = PIECES[rng.integers(0, len(PIECES))]
                data[at : at + len(piece)] = piece
            case 7:
                start = int(rng.integers(0, len(other) + 1))
                data[at : at + size] = other[start : start + size]
            case 8:
                data[at:at] = data[at : at + size] * int(rng.integers(1, 20))
    return bytes(data)


def places(value, path=()):
    """The path of every entry of nested dicts and lists, the whole first."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def spoil_json(rng, data, other):
    """Put something else in one or two places, or take it away."""
    value, mark, odd = json.loads(data), "\0here\0", []
    for _ in range(rng.integers(1, 3)):
        paths = list(places(value))
        path = paths[rng.integers(0, len(paths))]
        if not path:
            return ODD_JSON[rng.integers(0, len(ODD_JSON))].encode()
        inside = value
        for key in path[:-1]:
            inside = inside[key]
        if rng.random() < 0.15:
            del inside[path[-1]]
        elif rng.random() < 0.1 and isinstance(inside, dict):
            inside["more\x1b" * int(rng.integers(1, 3))] = inside[path[-1]]
        else:
            inside[path[-1]] = mark + str(len(odd))
            odd.append(ODD_JSON[rng.integers(0, len(ODD_JSON))])
    text = json.dumps(value)
    for k, entry in enumerate(odd):
        text = text.replace(json.dumps(mark + str(k)), entry)
    return text.encode("utf-8", "surrogatepass")


def spoil_zip(rng, data, other):
    """Spoil one array and pack the file anew, so that all check sums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    name = list(members)[rng.integers(0, len(members))]
    content = members[name]
    end = content.index(b"\n") + 1 if b"\n" in content else 10
    match int(rng.integers(0, 6)):
        case 0:
            members[name] = spoil(rng, content[:end], other) + content[end:]
        case 1:
            members[name] = content[:end] + spoil(rng, content[end:], other)
        case 2:
            del members[name]
        case 3:
            members[f"{name}{rng.integers(0, 9)}.npy"] = content
        case 4:  # one entry of the header of the array
            text = content[10:end].decode("latin-1")
            found = ("'<f8'", "False", text[text.index("(") : text.index(")") + 1], "'shape'")
            odd = ODD_TEXTS[rng.integers(0, len(ODD_TEXTS))]
            text = text.replace(str(found[rng.integers(0, len(found))]), odd)
            size = min(len(text), 65535).to_bytes(2, "little")
            members[name] = content[:8] + size + text.encode("latin-1") + content[end:]
        case 5 if "header.npy" in members:
            header = np.load(io.BytesIO(members["header.npy"]))
            text = spoil_json(rng, str(header).encode(), other).decode("utf-8", "replace")
            buffer = io.BytesIO()
            np.save(buffer, np.array(text))
            members["header.npy"] = buffer.getvalue()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", METHODS[rng.integers(0, len(METHODS))]) as file:
        for name, content in members.items():
            # of no date, so that the bytes are the same again
            file.writestr(zipfile.ZipInfo(name), content, compress_type=file.compression)
    return packed.getvalue()


def spoil_members(rng, data, other):
    """Spoil one member of a zip file and pack it anew, so that all check sums are right."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as file, zipfile.ZipFile(packed, "w") as made:
        chosen = rng.integers(0, len(file.namelist()))
        for k, name in enumerate(file.namelist()):
            content = file.read(name)
            spoilt = spoil(rng, content, other) if k == chosen else content
            made.writestr(zipfile.ZipInfo(name), spoilt)
    return packed.getvalue()


# What one change ends in if an earlier one has taken away what it needs.
SPOILED = (sqlite3.Error, ValueError, RecursionError, AttributeError, TypeError)


def spoil_rows(rng, path):
    """Spoil a database through SQL, so that it stays one."""
    connection = sqlite3.connect(path, isolation_level=None)
    with contextlib.closing(connection):
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = OFF")
        loose = rng.random() < 0.5
        for _ in range(rng.integers(1, 4)):
            with contextlib.suppress(*SPOILED):
                _spoil_table(rng, connection.execute, loose)


def _spoil_table(rng, execute, loose):
    """One change; a table that is made anew loses its constraints, and then takes anything."""
    tables = [row[0] for row in execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = tables[rng.integers(0, len(tables))]
    columns = [row[1] for row in execute(f"PRAGMA table_info({table})")]
    column = columns[rng.integers(0, len(columns))]
    odd = ODD_CELLS[rng.integers(0, len(ODD_CELLS))]
    # Every other row, and the same ones in every run.
    some = f"WHERE (length(CAST({columns[-1]} AS TEXT)) + {rng.integers(0, 2)}) % 2 = 0"
    if loose:
        execute(f"CREATE TABLE copy AS SELECT * FROM {table}")
        execute(f"DROP TABLE {table}")
        execute(f"ALTER TABLE copy RENAME TO {table}")
    match int(rng.integers(0, 8)):
        case 0:
            execute(f"DROP TABLE {table}")
        case 1:
            execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        case 2:
            execute(f"DELETE FROM {table} {some}")
        case 3:
            execute(f"INSERT INTO {table} SELECT * FROM {table}")
        case 4:
            execute(f"PRAGMA user_version = {int(rng.choice([0, 1, 3, 2**31 - 1, -1]))}")
        case 5:
            text = execute("SELECT value FROM about").fetchone()[0]
            text = spoil_json(rng, text.encode(), b"").decode("utf-8", "replace")
            execute("UPDATE about SET value = ?", [text])
        case _:
            execute(f"UPDATE {table} SET {column} = ? {some if rng.random() < 0.5 else ''}", [odd])


def spoil_pieces(rng, path):
    """Spoil what is in one or two kept pieces of a run, and compute their digests anew."""
    connection = sqlite3.connect(path, isolation_level=None)
    with contextlib.closing(connection):
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = OFF")
        names = [row[0] for row in connection.execute("SELECT name FROM piece ORDER BY name")]
        # What is spoilt twice may be nothing that NumPy reads.
        for name in rng.choice(names, size=min(len(names), rng.integers(1, 3)), replace=False):
            query = "SELECT content FROM piece WHERE name = ?"
            value = msgspec.msgpack.decode(connection.execute(query, [str(name)]).fetchone()[0])
            content = msgspec.msgpack.encode(_spoil_value(rng, value))
            name, digest = str(name), hashlib.sha256(name.encode() + b"\0" + content).hexdigest()
            connection.execute(
                "UPDATE piece SET content = ?, digest = ? WHERE name = ?", [content, digest, name]
            )


def _spoil_value(rng, value):
    """Put something else in one place of plain values and arrays, or take it away."""
    paths = list(places(value))
    path = paths[rng.integers(0, len(paths))]
    odd = ODD_VALUES[rng.integers(0, len(ODD_VALUES))]
    if not path:
        return _spoil_array(rng, value) if isinstance(value, msgspec.msgpack.Ext) else odd
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    found = inside[path[-1]]
    match int(rng.integers(0, 8)):
        case 0:
            del inside[path[-1]]
        case 1 if isinstance(inside, list):
            inside.insert(path[-1], found)
        case 1:
            inside["more"] = found
        case 2 | 3 | 4 if isinstance(found, int | float):  # of the same type, so that it passes
            kind = int if isinstance(found, int) else float
            inside[path[-1]] = kind(rng.choice([-1, 0, 1, 7, 1e9, 1e18]))
        case 2 | 3 | 4 | 5 if isinstance(found, msgspec.msgpack.Ext):
            inside[path[-1]] = _spoil_array(rng, found)
        case _:
            inside[path[-1]] = odd
    return value


def _spoil_array(rng, packed):
    """An array with other numbers, another shape or type, or none."""
    array = np.load(io.BytesIO(bytes(packed.data)))
    match int(rng.integers(0, 7)):
        case 0:
            array = array[..., None]
        case 1:
            array = array[:0]
        case 2:
            array = array.astype(rng.choice(["f4", "i8", "U3", "c16"]))
        case 3 if array.size:
            array.flat[rng.integers(0, array.size)] = rng.choice([0, -1, 1, 100])
        case 4 if array.size and array.dtype.kind == "f":
            array.flat[rng.integers(0, array.size)] = rng.choice([np.nan, np.inf, -1e308, 1e-320])
        case 5:
            array = array * 0
        case _:
            return msgspec.msgpack.Ext(packed.code, spoil(rng, bytes(packed.data), b""))
    file = io.BytesIO()
    np.save(file, array)
    return msgspec.msgpack.Ext(packed.code, file.getvalue())


def mutant(rng, reader, path, corpus, target):
    """Write a spoiled copy of `path` to `target`."""
    data, other = path.read_bytes(), corpus[rng.integers(0, len(corpus))].read_bytes()
    if reader.startswith("pieces") and rng.random() < 0.7:
        target.write_bytes(data)
        spoil_pieces(rng, target)
        return
    if reader == "study rows" or (reader == "resume: study" and rng.random() < 0.5):
        target.write_bytes(data)
        spoil_rows(rng, target)
        return
    ways = {".json": spoil_json, ".npz": spoil_zip, ".pt": spoil_members}
    way = ways.get(path.suffix, spoil) if rng.random() < 0.6 else spoil
    target.write_bytes(way(rng, data, other))
