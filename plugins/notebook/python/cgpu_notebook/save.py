"""Writes the executed copy, while others go on."""
import os
import threading
import time

from .text import data_for_file, encode, json_pieces

# The pause after a write, in times of what it took: a notebook of hundreds of megabytes is not written all the time.
PAUSE_FACTOR = 10
# While a cell goes on printing, in seconds.
WHILE_PRINTING = 5.0


class Saver:
    """After every cell, less often where a write takes long; `finish` always writes the last state. A write is whole or did not happen."""

    def __init__(self, path, notebook):
        self._path, self._notebook = path, notebook
        self._due = 0.0
        self._wanted = None
        self._writing = None
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)

    def changed(self, when):
        """`when`: cell, or output while one prints"""
        soonest = time.monotonic() + (WHILE_PRINTING if when == "output" else 0.0)
        self._wanted = soonest if self._wanted is None else min(soonest, self._wanted)
        self.tick()

    def tick(self):
        """Begins to write what is due: a kernel that prints has to be heard meanwhile, or what it says waits in memory."""
        now = time.monotonic()
        if self._wanted is None or now < max(self._wanted, self._due) or (self._writing and self._writing.is_alive()):
            return
        self._wanted = None
        self._writing = threading.Thread(target=self._try, args=(now, snapshot(self._notebook)))
        self._writing.start()

    def finish(self):
        """Raises OSError."""
        if self._writing:
            self._writing.join()
        self._write(snapshot(self._notebook))

    def _try(self, started, parts):
        """What fails may succeed later: the disk may have been full."""
        try:
            self._write(parts)
        except OSError:
            self._wanted = time.monotonic() + WHILE_PRINTING
        ended = time.monotonic()
        self._due = ended + (ended - started) * PAUSE_FACTOR

    def _write(self, parts):
        temporary = "%s.%d.new" % (self._path, os.getpid())
        try:
            with open(temporary, "wb") as file:
                for piece in pieces(parts):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise


def snapshot(notebook):
    """The file as it is now: bytes, and what has `read()`: bytes."""
    metadata = _without(notebook["metadata"], "orig_nbformat", "orig_nbformat_minor", "signature")
    whole = dict(notebook, metadata=metadata, cells=[_cell(cell) for cell in notebook["cells"]])
    parts, held = [], []
    for piece in json_pieces(whole, "\n"):
        if isinstance(piece, str):
            held.append(piece)
        else:
            parts += [encode("".join(held)), piece]
            held = []
    return parts + [encode("".join(held) + "\n")]


def pieces(parts):
    """The bytes of a snapshot, a part at a time."""
    return (part if isinstance(part, bytes) else part.read() for part in parts)


def _cell(cell):
    shown = dict(cell, metadata=_without(cell["metadata"], "trusted"), source=cell["source"].splitlines(True))
    if cell["cell_type"] == "code":
        shown["outputs"] = [_output(output) for output in cell["outputs"]]
    elif "attachments" in cell:
        shown["attachments"] = {name: _bundle(data) for name, data in cell["attachments"].items()}
    return shown


def _output(output):
    if output["output_type"] == "stream":
        return dict(output, text=data_for_file("text/plain", output["text"]))
    return output if output["output_type"] == "error" else dict(output, data=_bundle(output["data"]))


def _bundle(data):
    return {mime: data_for_file(mime, value) for mime, value in data.items()}


def _without(metadata, *keys):
    return {key: value for key, value in metadata.items() if key not in keys}
