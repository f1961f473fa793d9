"""JSON as Jupyter writes it: one space of indent, keys sorted, multi-line strings as lists of lines."""
import json
from json.encoder import encode_basestring as json_text

# Where the lines of a stream end in a notebook's file, and where the data of a display stands.
STREAM_MARGIN = "\n" + " " * 5
MIME_MARGIN = "\n" + " " * 6


def encode(text):
    """What no UTF-8 can say, half a surrogate pair, is escaped."""
    return text.encode("utf-8", "backslashreplace")


def json_pieces(value, margin):
    """The text of a value, and of what is kept as it is written its parts. `margin`: a newline and the indent of the value itself."""
    if hasattr(value, "parts"):
        yield from value.parts()
    elif value and isinstance(value, dict):
        inner = margin + " "
        before = "{" + inner
        for key in sorted(value):
            yield before + json_text(key) + ": "
            yield from json_pieces(value[key], inner)
            before = "," + inner
        yield margin + "}"
    elif value and isinstance(value, list):
        inner = margin + " "
        if all(isinstance(one, str) for one in value):
            yield "[" + inner + ("," + inner).join(map(json_text, value)) + margin + "]"
            return
        before = "[" + inner
        for one in value:
            yield before
            yield from json_pieces(one, inner)
            before = "," + inner
        yield margin + "]"
    else:
        yield json_text(value) if isinstance(value, str) else json.dumps(value)


def data_for_file(mime, value):
    """The data of a type as the file has it."""
    return value.splitlines(True) if isinstance(value, str) and not _is_json(mime) else value


def _is_json(mime):
    return mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))
