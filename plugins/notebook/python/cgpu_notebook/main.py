"""The job: reads the plan, runs the notebook, tells events as lines of JSON on stdout, and ends with the status of the run."""
import contextlib
import itertools
import json
import os
import signal
import sys
import time
import zipfile

from .carried import unpack
from .cells import Run, Stop, executable
from .kernel import Died, Failed, Kernel
from .markers import add_markers
from .records import Records
from .save import Saver


class Interrupted(Exception):
    pass


def main(packed):
    """`packed`: the zip file that this runs from. The exit status."""
    with zipfile.ZipFile(packed) as archive:
        # what is imported later is Python's own
        with contextlib.suppress(OSError):
            os.unlink(packed)
        return _job(archive)


def _job(archive):
    plan = json.loads(archive.read("plan.json").decode("utf-8"))
    tell = _events()
    stop = Stop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: _on_signal(stop, number))
    started = time.monotonic()
    try:
        unpack(archive, plan["included"])
        end = _run(plan, stop, tell)
    except Failed as error:
        end = {"type": "failed", "exitStatus": error.exit_status, "error": {"code": error.code, "message": str(error), "fix": error.fix}}
    except Interrupted:
        end = {"type": "failed", "exitStatus": 130, "error": {"code": "INTERRUPTED", "message": "interrupted before the notebook ran", "fix": "run it again"}}
    except OSError as error:
        end = {"type": "failed", "exitStatus": 71, "error": {"code": "COPY_NOT_WRITTEN", "message": "the executed copy could not be written on the runtime: %s" % error, "fix": "see whether its disk is full: cgpu exec '!df -h'"}}
    if stop.signal and end["exitStatus"] == 130:
        end["exitStatus"] = 128 + stop.signal
    tell(dict(end, durationSeconds=time.monotonic() - started))
    return end["exitStatus"]


def _run(plan, stop, tell):
    notebook = plan["notebook"]
    saver = Saver(plan["copy"], notebook)
    saver.finish()  # what cannot be written is noticed before anything runs
    kernel = Kernel(plan["kernel"])
    ended = False

    def tick():
        if stop.reason:
            raise Interrupted()

    try:
        try:
            kernel.start(plan["startTimeoutMs"] / 1000, tick)
        except Died:
            raise Failed("KERNEL_DIED", "the kernel %s ended while it started" % kernel.name, "see what it said: cgpu logs ID --stream stderr", 71) from None
        _name_kernel(notebook, kernel)
        due = executable(notebook, plan)
        records = Records(notebook, due)
        tell({"type": "started", "kernel": kernel.name, "total": len(due), "limits": plan["limits"]})

        def told(event):
            records.hear(event)
            tell(event)

        end = Run(notebook, kernel, plan, stop, told, saver).run()
        records.ended(end.get("failed"))
        ended = end["status"] in ("ok", "exited", "error")
        if end["status"] == "error" and plan["errorMarkers"]:
            add_markers(notebook, end["failed"])
        saver.finish()
        return dict(end, type="finished")
    finally:
        kernel.end(now=not ended)


def _name_kernel(notebook, kernel):
    """What the copy says of its kernel: what it said before, where that ran it."""
    before = notebook["metadata"].get("kernelspec")
    before = before if isinstance(before, dict) else {}
    if before.get("name") != kernel.name:
        before = dict(before, name=kernel.name, language=kernel.language, display_name=kernel.name)
    notebook["metadata"]["kernelspec"] = before


def _on_signal(stop, number):
    again = stop.signal is not None
    stop.signal = stop.signal or number
    stop.ask("interrupt")
    # the first Ctrl-C interrupts the cell; everything else leaves it
    stop.leave = stop.leave or again or number != signal.SIGINT


def _events():
    """Their stream is this job's stdout, which nobody else writes to: what the kernel's process itself prints goes to stderr."""
    stream = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    sys.stdout.flush()
    os.dup2(2, 1)

    told = itertools.count(1)

    def tell(event):
        # the number comes first: it is found also in a line that is read in part
        stream.write(json.dumps(dict({"seq": next(told)}, **event), separators=(",", ":")) + "\n")
        stream.flush()

    return tell
