"""The content of zip files that somebody else may have made, piece by piece.

`zipfile` reads the table of contents. It does not unpack: of bzip2 it takes whatever a few
kilobytes make, which may be gigabytes, and of LZMA as large a dictionary as the file asks for.
"""

import bz2
import lzma
import os
import struct
import zipfile
import zlib

CHUNK = 2**20  # bytes read and unpacked at once
LARGEST_PART = 2**22  # bytes that zipfile may read at once: a table of 50,000 files
DICTIONARY = 2**26  # bytes that LZMA may ask for
ENCRYPTED = 0x1 | 0x40 | 0x2000
START = struct.Struct("<4s22xHH")  # of a member: signature, lengths of its name and extra field
# Version and length of the properties; of these, three numbers in one and the dictionary.
LZMA_START = struct.Struct("<2xHBL")


class Damaged(Exception):
    """Why a zip file cannot be read: the end of a sentence."""


class Bounded:
    """A file that nobody leaves, and of which nobody reads a large part at once.

    `zipfile` goes where the numbers in the file send it and reads as much as they say.
    """

    def __init__(self, file):
        self._file, self.size = file, os.fstat(file.fileno()).st_size
        self.tell, self.seekable = file.tell, file.seekable

    def seek(self, offset, whence=os.SEEK_SET):
        """As of a file, but for places outside of it."""
        place = offset + (0, self._file.tell(), self.size)[whence]
        if not 0 <= place <= self.size:
            raise Damaged("its table of contents points outside of the file")
        return self._file.seek(place)

    def read(self, size=-1):
        """As of a file, but for large parts of it."""
        left = self.size - self._file.tell()
        if (left if size < 0 else size) > LARGEST_PART:
            raise Damaged("its table of contents is too large")
        return self._file.read(size)


class Content:
    """What a member of a zip file holds, from front to end.

    Parameters
    ----------
    file : Bounded
    member : zipfile.ZipInfo

    Raises
    ------
    Damaged
        If the member cannot be unpacked in a few MB of memory; and from all
        methods if its bytes are not what the file announces.
    """

    def __init__(self, file, member):
        if member.flag_bits & ENCRYPTED:
            raise Damaged("is encrypted")
        file.seek(member.header_offset)
        signature, *lengths = START.unpack(file.read(START.size))
        if signature != b"PK\3\4":
            raise Damaged("is not where the table of contents says")
        file.seek(member.header_offset + START.size + sum(lengths))
        self._file, self._member, self._left = file, member, member.compress_size
        self._unpack = self._unpacker()
        self._ready, self._sum = b"", 0

    def read(self, size):
        """The next `size` bytes."""
        part = bytearray(size)
        self.fill(memoryview(part))
        return bytes(part)

    def fill(self, room):
        """Write the next bytes into a memoryview, as many as it has room for."""
        done = 0
        while done < len(room):
            if not self._ready:
                self._ready = memoryview(self._unpack())
                self._sum = zlib.crc32(self._ready, self._sum)
                if not self._ready:
                    raise Damaged("is truncated")
            part = self._ready[: len(room) - done]
            self._ready = self._ready[len(part) :]
            room[done : done + len(part)] = part
            done += len(part)

    def finish(self):
        """Raise unless all was read and has the right check sum."""
        if self._ready or self._unpack():
            raise Damaged("is longer than announced")
        if self._sum != self._member.CRC:
            raise Damaged("has another check sum than announced")

    def _packed(self):
        """The next bytes of the file; none at the end of the member."""
        part = self._file.read(min(CHUNK, self._left))
        self._left -= len(part)
        return part

    def _unpacker(self):
        """A function that gives the next bytes unpacked, `CHUNK` at most; none at the end."""
        method = self._member.compress_type
        if method == zipfile.ZIP_STORED:
            if self._member.file_size != self._left:
                raise Damaged("announces two sizes")
            return self._packed
        if method == zipfile.ZIP_DEFLATED:
            inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            return lambda: self._unpacked(inflate, lambda: inflate.unconsumed_tail)
        if method == zipfile.ZIP_BZIP2:
            unpacker = bz2.BZ2Decompressor()
        elif method == zipfile.ZIP_LZMA:
            unpacker = self._lzma()
        else:
            raise Damaged("is compressed in an unknown way")
        return lambda: self._unpacked(unpacker, lambda: b"")

    def _unpacked(self, unpacker, tail):
        """The next bytes of a decompressor, which keeps what it has not used, or gives a tail."""
        while not unpacker.eof:
            rest = tail()
            hungry = not rest and getattr(unpacker, "needs_input", True)
            given = rest or (self._packed() if hungry else b"")
            try:
                made = unpacker.decompress(given, CHUNK)
            except (zlib.error, lzma.LZMAError, OSError) as error:  # an OSError is one of bzip2
                raise Damaged(f"cannot be unpacked: {error}") from None
            if made or (hungry and not given):
                return made
        return b""

    def _lzma(self):
        self._left -= LZMA_START.size
        length, numbers, dictionary = LZMA_START.unpack(self._file.read(LZMA_START.size))
        if length != 5 or numbers >= 9 * 5 * 5:
            raise Damaged("cannot be unpacked: damaged properties")
        if dictionary > DICTIONARY:
            raise Damaged(f"takes {dictionary:,} bytes of memory to unpack")
        pb, rest = divmod(numbers, 45)
        lp, lc = divmod(rest, 9)
        filters = {"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}
        try:
            return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])
        except lzma.LZMAError as error:
            raise Damaged(f"cannot be unpacked: {error}") from None
