"""Widgets that the kernel's code made: their state for the file, and those that capture outputs. As src/run/widgets.ts has it."""
import base64
import json

MIME = "application/vnd.jupyter.widget-state+json"


class OutputWidget:
    """Captures what an execution prints while its `msg_id` names it, and tells the kernel what it shows."""

    def __init__(self, state, sync):
        self.msg_id = ""
        self._state, self._sync = state, sync
        self._outputs = []
        self._clear_next = False

    def append(self, output):
        if self._clear_next:
            self._outputs = []
        self._clear_next = False
        last = self._outputs[-1] if self._outputs else None
        if last and last["output_type"] == output["output_type"] == "stream" and last["name"] == output["name"]:
            last["text"] += output["text"]
        else:
            self._outputs.append(output)
        self._changed()

    def clear(self, wait):
        if wait:
            self._clear_next = True
            return
        self._outputs = []
        self._changed()

    def _changed(self):
        self._state["outputs"] = self._outputs
        self._sync({"outputs": self._outputs})


class Widgets:
    def __init__(self, send):
        self._send = send
        self._models = {}  # id -> (state, buffers by their path)
        self._captures = {}
        self._hooks = {}  # by the execution that they capture; the last one wins

    def handle(self, kind, content, buffers):
        comm, data = content.get("comm_id"), content.get("data")
        if not isinstance(comm, str) or not isinstance(data, dict):
            return
        state = data.get("state") if isinstance(data.get("state"), dict) else None
        if state is not None:
            self._keep(comm, state, data.get("buffer_paths"), buffers)
        if kind == "comm_open" and content.get("target_name") == "jupyter.widget" and state is not None:
            self._open(comm, state)
        widget = self._captures.get(comm)
        if kind == "comm_msg" and widget and state is not None and "msg_id" in state:
            self._capture(widget, state["msg_id"])

    def target_of(self, execution):
        hooks = self._hooks.get(execution)
        return hooks[-1] if hooks else None

    def metadata(self):
        """For `metadata.widgets`; None where no widget was made."""
        if not self._models:
            return None
        states = {comm: _saved(*model) for comm, model in self._models.items() if "_model_name" in model[0]}
        return {MIME: {"state": states, "version_major": 2, "version_minor": 0}}

    def _keep(self, comm, state, paths, buffers):
        known, kept = self._models.setdefault(comm, ({}, {}))
        known.update(state)
        for path, buffer in zip(paths if isinstance(paths, list) else [], buffers):
            data = base64.b64encode(bytes(buffer)).decode("ascii")
            kept[json.dumps(path)] = {"data": data, "encoding": "base64", "path": path}

    def _open(self, comm, state):
        if state.get("_model_module") != "@jupyter-widgets/output" or state.get("_model_name") != "OutputModel":
            return

        def sync(changed):
            self._send("comm_msg", {"comm_id": comm, "data": {"method": "update", "state": changed, "buffer_paths": []}})

        self._captures[comm] = OutputWidget(self._models[comm][0], sync)

    def _capture(self, widget, msg_id):
        if isinstance(msg_id, str) and msg_id:
            self._hooks.setdefault(msg_id, []).append(widget)
            widget.msg_id = msg_id
            return
        hooks = self._hooks.get(widget.msg_id, [])
        if widget in hooks:
            del hooks[len(hooks) - 1 - hooks[::-1].index(widget)]
        widget.msg_id = ""


def _saved(state, buffers):
    named = {
        "model_name": state.get("_model_name"),
        "model_module": state.get("_model_module"),
        "model_module_version": state.get("_model_module_version"),
        "state": state,
    }
    named = {key: value for key, value in named.items() if value is not None}
    return dict(named, buffers=list(buffers.values())) if buffers else named


def keep_states(fresh, before):
    """Adds to `metadata.widgets` what an earlier run left, of widgets that this one did not make."""
    bundle = before.get(MIME) if isinstance(before, dict) else None
    states = bundle.get("state") if isinstance(bundle, dict) else None
    for comm, state in (states if isinstance(states, dict) else {}).items():
        fresh[MIME]["state"].setdefault(comm, state)
