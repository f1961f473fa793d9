"""Writes the executed copy as Jupyter does: one space of indent, keys sorted, multi-line strings as lists of lines."""
import json
import os
import time

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
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)

    def changed(self, when):
        """`when`: cell, or output while one prints"""
        soonest = time.monotonic() + (WHILE_PRINTING if when == "output" else 0.0)
        self._wanted = soonest if self._wanted is None else min(soonest, self._wanted)
        self.tick()

    def tick(self):
        """Writes what is due. What fails may succeed later: the disk may have been full."""
        now = time.monotonic()
        if self._wanted is None or now < max(self._wanted, self._due):
            return
        try:
            self._write()
        except OSError:
            self._wanted = time.monotonic() + WHILE_PRINTING

    def finish(self):
        """Raises OSError."""
        self._write()

    def _write(self):
        started = time.monotonic()
        self._wanted = None
        temporary = "%s.%d.new" % (self._path, os.getpid())
        try:
            with open(temporary, "wb") as file:
                for piece in pieces(self._notebook):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise
        finally:
            ended = time.monotonic()
            self._due = ended + (ended - started) * PAUSE_FACTOR


def pieces(notebook):
    """The file's bytes. What no UTF-8 can say, half a surrogate pair, is escaped."""
    metadata = _without(notebook["metadata"], "orig_nbformat", "orig_nbformat_minor", "signature")
    whole = dict(notebook, metadata=metadata, cells=[_cell(cell) for cell in notebook["cells"]])
    held, size = [], 0
    for text in json.JSONEncoder(indent=1, sort_keys=True, ensure_ascii=False).iterencode(whole):
        held.append(text)
        size += len(text)
        if size > 1 << 16:
            yield "".join(held).encode("utf-8", "backslashreplace")
            held, size = [], 0
    held.append("\n")
    yield "".join(held).encode("utf-8", "backslashreplace")


def _cell(cell):
    shown = dict(cell, metadata=_without(cell["metadata"], "trusted"), source=_lines(cell["source"]))
    if cell["cell_type"] == "code":
        shown["outputs"] = [_output(output) for output in cell["outputs"]]
    elif "attachments" in cell:
        shown["attachments"] = {name: _bundle(data) for name, data in cell["attachments"].items()}
    return shown


def _output(output):
    if output["output_type"] == "stream":
        text = output["text"]
        if isinstance(text, list):
            text = "".join(text)
            # a long output is not in memory twice while it is written
            output["text"] = [text]
        return dict(output, text=_lines(text))
    return output if output["output_type"] == "error" else dict(output, data=_bundle(output["data"]))


def _bundle(data):
    return {mime: value if _is_json(mime) or not isinstance(value, str) else _lines(value) for mime, value in data.items()}


def _is_json(mime):
    return mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))


def _lines(text):
    return text.splitlines(True)


def _without(metadata, *keys):
    return {key: value for key, value in metadata.items() if key not in keys}
