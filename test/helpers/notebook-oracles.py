"""Runs notebooks by nbclient or papermill (the first argument), each on a kernel of its own: a JSON list of fixtures on stdin, [{notebook, failed}] on stdout."""
import json
import logging
import os
import sys
import tempfile

from fresh_kernels import fork_kernels


def by_nbclient(fixture):
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError

    notebook = nbformat.reads(json.dumps(fixture["notebook"]), as_version=nbformat.NO_CONVERT)
    client = NotebookClient(notebook, **options(fixture))
    try:
        client.execute()
    except (CellControlSignal, CellExecutionError, DeadKernelError):
        return {"notebook": notebook, "failed": True}
    return {"notebook": notebook, "failed": False}


def by_papermill(fixture):
    import papermill
    import yaml
    from nbclient.exceptions import CellControlSignal, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    folder = tempfile.mkdtemp(dir=os.environ["IPYTHONDIR"])
    source, target = os.path.join(folder, "in.ipynb"), os.path.join(folder, "out.ipynb")
    with open(source, "w", encoding="utf-8") as file:
        json.dump(fixture["notebook"], file)
    given = options(fixture)
    failed = False
    try:
        papermill.execute_notebook(
            source, target, parameters=yaml.safe_load(fixture.get("parameters", "")), progress_bar=False, execution_timeout=given.pop("timeout", None), **given)
    except (CellControlSignal, DeadKernelError, PapermillExecutionError):
        failed = True
    with open(target, encoding="utf-8") as file:
        # numbers that JSON lacks, or that others' floats cannot hold
        return {"notebook": json.load(file, parse_constant=str, parse_int=lambda digits: int(digits) if len(digits) < 16 else digits), "failed": failed}


def options(fixture):
    from traitlets.config import Config

    # ports that were free a moment ago may be another's by now
    config = Config({"KernelManager": {"transport": "ipc", "ip": os.path.join(os.environ["IPYTHONDIR"], "k")}} if sys.platform == "linux" else {})
    given = {"config": config, "allow_errors": fixture.get("allowErrors", False), "allow_error_names": fixture.get("allowErrorNames", [])}
    if "cellTimeout" in fixture:
        given.update(timeout=fixture["cellTimeout"], interrupt_on_timeout=True)
    return given


if __name__ == "__main__":
    fork_kernels()
    logging.disable(logging.CRITICAL)
    run = {"nbclient": by_nbclient, "papermill": by_papermill}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as home:
        os.environ["IPYTHONDIR"] = home
        json.dump([run(one) for one in json.load(sys.stdin)], sys.stdout)
