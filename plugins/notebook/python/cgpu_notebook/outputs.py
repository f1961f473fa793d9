"""What cells print, recorded as src/run/outputs.ts of this plugin does it; test/contract/notebook-detached.test.ts compares the two."""
from .kept import joined, kept_data
from .widgets import Widgets

DISPLAYS = ("display_data", "execute_result", "update_display_data")


def output_of(kind, content):
    """The message as an output of a notebook; None for what is none."""
    data, metadata = _dict(content.get("data")), _dict(content.get("metadata"))
    if kind == "stream":
        return {"output_type": "stream", "name": _text(content.get("name")), "text": _text(content.get("text"))}
    if kind in ("display_data", "update_display_data"):
        return {"output_type": "display_data", "data": data, "metadata": metadata}
    if kind == "execute_result":
        count = content.get("execution_count")
        return {"output_type": "execute_result", "data": data, "metadata": metadata, "execution_count": count if _number(count) else None}
    if kind != "error":
        return None
    traceback = content.get("traceback")
    lines = [line for line in traceback if isinstance(line, str)] if isinstance(traceback, list) else []
    return {"output_type": "error", "ename": _text(content.get("ename")), "evalue": _text(content.get("evalue")), "traceback": lines}


def append(outputs, output):
    """Adds to the end; a stream goes on in the last output where that is of the same stream."""
    last = outputs[-1] if outputs else None
    if not last or not last["output_type"] == output["output_type"] == "stream" or last.get("name") != output["name"]:
        outputs.append(output)
        if output["output_type"] == "stream":
            output["text"] = joined("", output["text"])
    else:
        last["text"] = joined(last["text"], output["text"])


class Recorder:
    """Of a whole run: updates by display id reach all earlier outputs of that id in any cell."""

    def __init__(self, send):
        """`send(type, content)`: to the kernel, by the shell channel"""
        self.widgets = Widgets(send)
        self._displays = {}
        self._shown_by = {}  # by the id() of a cell, displays that it shows: of ten thousand cells each is cleared when it begins
        self._clear_next = False

    def begin(self, cell):
        """The cell is about to run: its former outputs go."""
        self._clear(cell)
        self._clear_next = False

    def record(self, cell, message):
        """A message of the iopub channel about the cell. True where the cell's, or another cell's, outputs changed."""
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "status":
            return False
        updated = self._update(kind, content)
        if _number(content.get("execution_count")):
            cell["execution_count"] = content["execution_count"]
        if kind.startswith("comm_"):
            self.widgets.handle(kind, content, message.get("buffers") or [])
            return False
        target = self.widgets.target_of(message["parent_header"].get("msg_id"))
        if kind == "clear_output":
            wait = content.get("wait") is True
            if target:
                target.clear(wait)
            elif wait:
                self._clear_next = True
            else:
                self._clear(cell)
            return True
        if kind == "update_display_data":
            return updated
        output = output_of(kind, content)
        if output is None:
            return False
        if target:
            target.append(output)
        else:
            self._append(cell, output, _display_id(kind, content))
        return True

    def _append(self, cell, output, display):
        if self._clear_next:
            self._clear(cell)
        self._clear_next = False
        append(cell["outputs"], output)
        if "data" in output:
            output["data"] = kept_data(output["data"])
        if display is not None and output["output_type"] in DISPLAYS:
            self._displays.setdefault(display, []).append((cell, output))
            self._shown_by.setdefault(id(cell), set()).add(display)

    def _update(self, kind, content):
        shown = self._displays.get(_display_id(kind, content))
        fresh = output_of(kind, content) if shown else None
        if not fresh or "data" not in fresh:
            return False
        data = kept_data(fresh["data"])
        for _, output in shown:
            output.update(data=data, metadata=fresh["metadata"])
        return True

    def _clear(self, cell):
        cell["outputs"] = []
        for display in self._shown_by.pop(id(cell), ()):
            left = [one for one in self._displays[display] if one[0] is not cell]
            if left:
                self._displays[display] = left
            else:
                del self._displays[display]


def _display_id(kind, content):
    if kind not in DISPLAYS:
        return None
    display = _dict(content.get("transient")).get("display_id")
    return display if isinstance(display, str) and display else None


def _dict(value):
    return value if isinstance(value, dict) else {}


def _text(value):
    return value if isinstance(value, str) else ""


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
