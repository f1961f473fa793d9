"""Runs notebooks by nbclient, all on one kernel: a JSON list of {notebook, allowErrors, allowErrorNames} on stdin, the executed ones on stdout."""
import json
import logging
import sys

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

logging.disable(logging.CRITICAL)
kernel = KernelManager(kernel_name="python3")
kernel.start_kernel(extra_arguments=["--HistoryManager.enabled=False"])
channels = kernel.client()
channels.start_channels()
channels.wait_for_ready(timeout=60)
channels.allow_stdin = False
done = []
try:
    for fixture in json.load(sys.stdin):
        notebook = nbformat.from_dict(fixture["notebook"])
        allowed = fixture.get("allowErrors", False)
        client = NotebookClient(notebook, km=kernel, allow_errors=allowed, allow_error_names=fixture.get("allowErrorNames", []))
        client.kc = channels  # connecting anew takes a second
        failed = False
        try:
            client.execute()
        except CellExecutionError:
            failed = True
        done.append({"notebook": notebook, "failed": failed})
finally:
    channels.stop_channels()
    kernel.shutdown_kernel(now=True)
json.dump(done, sys.stdout)
