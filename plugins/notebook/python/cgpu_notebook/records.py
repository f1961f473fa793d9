"""What the copy keeps of a run for the next one (--changed, --resume), as src/again/record.ts writes it for a kernel that is not kept."""
import hashlib

KEY = "cgpu"


class Records:
    def __init__(self, notebook, due):
        """`due`: indices of the cells that are about to run: until then an earlier record says nothing"""
        self._cells = notebook["cells"]
        self._last = None
        noted = notebook["metadata"].get(KEY)
        if isinstance(noted, dict):
            noted.pop("kernel", None)
        if KEY in notebook["metadata"] and not noted:
            del notebook["metadata"][KEY]
        for index in due:
            self._cells[index]["metadata"].pop(KEY, None)

    def hear(self, event):
        """An event of the run."""
        if event["type"] == "begin":
            self._allow()  # the run went on: that error ended nothing
            self._last = event["index"]
            source = self._cells[self._last]["source"]
            self._cells[self._last]["metadata"][KEY] = {"hash": hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:16], "status": "begun"}
        elif event["type"] == "end":
            self._cells[event["index"]]["metadata"][KEY]["status"] = event["result"]["status"]

    def ended(self, failed):
        """`failed`: the index of the cell that ended it, or None"""
        if self._last != failed:
            self._allow()

    def _allow(self):
        record = self._cells[self._last]["metadata"][KEY] if self._last is not None else None
        if record and record["status"] == "error":
            record["status"] = "allowed"
