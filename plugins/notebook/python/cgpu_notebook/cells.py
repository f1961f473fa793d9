"""Cell by cell, as src/run/run-notebook.ts and run-cell.ts do it."""
import time
from datetime import timezone

from .kernel import Died
from .outputs import Recorder

# How long code may go on that was interrupted, in seconds; then it is left.
GRACE = 10.0
# How long what is left of a cell's messages may take after its reply, in seconds.
IDLE_WAIT = 60.0


def executable(notebook, plan):
    """Indices of the cells that a run executes: code that is not blank, not skipped by its tag, and selected."""
    selected = plan["selected"]
    return [
        index for index, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code" and cell["source"].strip() and plan["skipTag"] not in tags_of(cell) and (selected is None or index in selected)
    ]


def tags_of(cell):
    tags = cell["metadata"].get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def exit_status(error):
    """As CPython would end with it."""
    if not error or error["name"] != "SystemExit":
        return 1
    value = error["message"]
    if value in ("", "None", "False"):
        return 0
    try:
        return int(value) & 0xFF
    except ValueError:
        return 1


class Stop:
    """Who ended the run: signals, and the time limits."""

    def __init__(self):
        self.reason = None
        self.leave = False
        self.signal = None

    def ask(self, reason):
        self.reason = self.reason or reason


class Run:
    """Executes a notebook on a kernel, in place. What was executed stays recorded however it ends."""

    def __init__(self, notebook, kernel, plan, stop, tell, saver):
        """`plan`: see src/detach/plan.ts; `tell(event)`: see src/detach/events.ts"""
        self._notebook, self._kernel, self._plan, self._stop, self._tell, self._saver = notebook, kernel, plan, stop, tell, saver
        self._recorder = Recorder(kernel.send)
        self._deadline = _after(plan["timeoutMs"])

    def run(self):
        """How it ended: {status, exitStatus, failed? (the index of the cell), stopped?, error?}."""
        language = self._kernel.info.get("language_info")
        if isinstance(language, dict):
            self._notebook["metadata"]["language_info"] = language
        try:
            return self._cells()
        finally:
            widgets = self._recorder.widgets.metadata()
            if widgets:
                self._notebook["metadata"]["widgets"] = widgets

    def _cells(self):
        due = executable(self._notebook, self._plan)
        for position, index in enumerate(due, 1):
            self._look_at_time()
            if self._stop.reason:
                return {"status": "interrupted", "exitStatus": 130, "stopped": self._stop.reason}
            place = {"index": index, "position": position, "total": len(due)}
            self._tell(dict(place, type="begin"))
            result, end = self._cell(self._notebook["cells"][index], place)
            self._tell(dict(place, type="end", result=result))
            self._saver.changed("cell")
            if end:
                return end if end["status"] == "exited" else dict(end, failed=index)
        return {"status": "ok", "exitStatus": 0}

    def _cell(self, cell, place):
        started = time.monotonic()

        def result(status, error=None):
            told = {"index": place["index"], "id": cell["id"], "status": status, "executionCount": cell["execution_count"], "durationSeconds": time.monotonic() - started}
            return dict(told, error=error) if error else told

        try:
            reply = self._execute(cell, place["index"])
        except Died:
            if self._stop.signal:  # whoever ended this ended the kernel, too
                return result("interrupted"), {"status": "interrupted", "exitStatus": 130, "stopped": "interrupt"}
            gone = {"code": "KERNEL_DIED", "message": "the kernel died", "fix": "run it with more memory, or find the cell that ends its process"}
            return result("lost", {"name": "KERNEL_DIED", "message": "the kernel died", "traceback": []}), {"status": "lost", "exitStatus": 71, "error": gone}
        cell["execution_count"] = place["position"]
        error = _error_of(reply)
        stopped = self._cell_stopped
        if stopped:
            return result("interrupted", error), {"status": "interrupted", "exitStatus": 130, "stopped": stopped}
        if reply.get("status") == "ok":
            return result("ok"), None
        if self._may_fail(cell, error):
            return result("error", error), None
        status = exit_status(error)
        return result("error", error), {"status": "exited" if status == 0 else "error", "exitStatus": status}

    def _execute(self, cell, index):
        """Its reply. Raises Died."""
        timing = self._plan["timing"]
        if timing:
            cell["metadata"]["execution"] = {}
        self._recorder.begin(cell)
        self._cell_stopped = None
        cell_deadline, left_at = _after(self._plan["cellTimeoutMs"]), None
        asked = self._kernel.execute(cell["source"])
        reply, idle, replied_at = None, False, 0.0
        while not (reply and idle):
            for channel, message in self._kernel.messages():
                if message["parent_header"].get("msg_id") != asked:
                    continue
                kind, content = message["header"]["msg_type"], message["content"]
                if timing:
                    _note(cell["metadata"]["execution"], channel, message)
                if channel == "shell" and kind == "execute_reply":
                    reply, replied_at = content, time.monotonic()
                elif channel == "iopub":
                    idle = idle or (kind == "status" and content.get("execution_state") == "idle")
                    if self._recorder.record(cell, message):
                        self._saver.changed("output")
                    self._tell_message(index, kind, content)
            self._saver.tick()
            self._look_at_time()
            now = time.monotonic()
            if cell_deadline and now > cell_deadline and not self._stop.reason:
                self._stop.ask("cell-timeout")
            if self._stop.reason and not self._cell_stopped:
                self._cell_stopped = self._stop.reason
                if not self._stop.leave:
                    self._kernel.interrupt()
                left_at = now + GRACE
            if self._stop.leave or (left_at and now > left_at):
                return {"status": "error", "ename": "KeyboardInterrupt", "evalue": "the code did not stop when it was interrupted", "traceback": []}
            if reply and now > replied_at + IDLE_WAIT:
                break
        return reply

    def _look_at_time(self):
        if self._deadline and time.monotonic() > self._deadline:
            self._stop.ask("timeout")

    def _may_fail(self, cell, error):
        allowed = self._plan["allowErrors"]
        return allowed is True or "raises-exception" in tags_of(cell) or bool(error and error["name"] in allowed)

    def _tell_message(self, index, kind, content):
        if kind == "stream":
            self._tell({"type": "message", "index": index, "kind": kind, "content": {"name": content.get("name"), "text": content.get("text")}})
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self._tell({"type": "message", "index": index, "kind": kind, "content": {"data": content.get("data"), "metadata": content.get("metadata")}})


def _error_of(reply):
    if reply.get("status") != "error":
        return None
    return {"name": str(reply.get("ename", "")), "message": str(reply.get("evalue", "")), "traceback": [line for line in reply.get("traceback") or [] if isinstance(line, str)]}


def _after(milliseconds):
    return None if milliseconds is None else time.monotonic() + milliseconds / 1000


def _note(times, channel, message):
    """When what happened to a cell, by the kernel's clock, as Jupyter's own clients note it."""
    kind, state = message["header"]["msg_type"], message["content"].get("execution_state")
    key = None
    if channel == "shell" and kind == "execute_reply":
        key = "shell.execute_reply"
    elif channel == "iopub" and kind == "execute_input":
        key = "iopub.execute_input"
    elif channel == "iopub" and kind == "status" and state in ("busy", "idle"):
        key = "iopub.status.%s" % state
    date = message["header"].get("date")
    if key and hasattr(date, "astimezone"):
        times[key] = date.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
