"""Large outputs, kept as they will be written, on the disk. As src/format/kept.ts, long-stream.ts and large-data.ts have it."""
from .spool import Spool
from .text import MIME_MARGIN, STREAM_MARGIN, data_for_file, encode, json_pieces, json_text

# Characters from which on an output is large, and that are put aside at once.
LARGE = 1 << 15
PIECE = 1 << 16

spool = Spool()


class Kept:
    """Text of the file. It only grows."""

    def __init__(self):
        self._pieces, self._tail, self._size = [], [], 0

    def add(self, text):
        self._tail.append(text)
        self._size += len(text)
        if self._size >= PIECE:
            self._pieces.append(spool.put(encode("".join(self._tail))))
            self._tail, self._size = [], 0

    def parts(self):
        """What there is now, as text and as what has `read()`: its bytes."""
        return self._pieces + ["".join(self._tail)]


class LongText:
    """A stream's list of lines as it will be written, of which the last may go on."""

    def __init__(self, text):
        self._kept = Kept()
        self._before = "["
        self._open = False
        self._held = ""  # what the next text may make another line end of
        self.add(text)

    def add(self, text):
        for at in range(0, len(text), PIECE):
            self._add(self._held + text[at:at + PIECE])

    def _add(self, text):
        whole = len(text) - 1 if text.endswith("\r") else len(text)
        self._held = text[whole:]
        self._open, written = self._written(text[:whole])
        if written:
            self._before = ","
            self._kept.add(written)

    def _written(self, text):
        """Whether the last line goes on, and what these lines add."""
        lines = text.splitlines(True)
        if not lines:
            return self._open, ""
        inner = STREAM_MARGIN + " "
        quoted = [json_text(line) for line in lines]
        quoted[0] = quoted[0][1:] if self._open else self._before + inner + quoted[0]
        goes_on = lines[-1].splitlines()[0] == lines[-1]
        return goes_on, ("," + inner).join(quoted)[:-1 if goes_on else None]

    def parts(self):
        goes_on, written = self._written(self._held)
        return self._kept.parts() + [written + ('"' if goes_on else "") + STREAM_MARGIN + "]"]


def joined(text, more):
    """What a stream has, and what comes to it: the text of a short one, else a LongText."""
    if isinstance(text, LongText):
        text.add(more)
        return text
    return text + more if len(text) + len(more) < LARGE else LongText(text + more)


def kept_data(data):
    """The same data, of which what is large is kept as it will be written."""
    return {mime: _kept(data_for_file(mime, value), value) for mime, value in data.items()}


def _kept(for_file, value):
    if not isinstance(value, (dict, list)) and not (isinstance(value, str) and len(value) >= LARGE):
        return value
    kept, size = Kept(), 0
    for piece in json_pieces(for_file, MIME_MARGIN):
        kept.add(piece)
        size += len(piece)
    return kept if size >= LARGE else value
