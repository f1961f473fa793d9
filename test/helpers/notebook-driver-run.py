"""Runs notebooks by the driver of detached runs, all on one kernel: a JSON list of {notebook, allowErrors, allowErrorNames, cellTimeout} on stdin, what it made of them on stdout."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../plugins/notebook/python"))
from cgpu_notebook.cells import Run, Stop
from cgpu_notebook.kernel import Kernel
from cgpu_notebook.save import pieces, snapshot


class NoSaver:
    def changed(self, when):
        pass

    def tick(self):
        pass


kernel = Kernel("python3")
done = []
try:
    kernel.start(60, lambda: None)
    for fixture in json.load(sys.stdin):
        notebook = fixture["notebook"]
        plan = {
            "allowErrors": fixture["allowErrors"] or fixture["allowErrorNames"], "skipTag": "skip-execution", "timing": True,
            "cellTimeoutMs": fixture["cellTimeout"] and fixture["cellTimeout"] * 1000, "timeoutMs": None, "selected": None, "keepWidgets": False,
        }
        end = Run(notebook, kernel, plan, Stop(), lambda event: None, NoSaver()).run()
        text = b"".join(pieces(snapshot(notebook))).decode("utf-8")
        done.append({"notebook": text, "failed": end["status"] not in ("ok", "exited")})
finally:
    kernel.end(now=True)
json.dump(done, sys.stdout)
