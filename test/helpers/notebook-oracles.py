"""
Runs notebooks by nbclient or papermill (the first argument): a JSON list of fixtures on stdin, [{notebook, failed}] on stdout. Those that
want no kernel of their own share one, which counts from 1 again for each.
"""
import json
import logging
import os
import signal
import sys
import tempfile

sys.modules["rfc3987_syntax"] = None  # an optional check of jsonschema's, which takes 2 s to import


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


shared = []
PATIENCE = 25  # seconds for a fixture: what waits for longer is tried once more


class Stuck(Exception):
    pass


def hear_what_came_meanwhile():
    """
    jupyter_client sends past asyncio, which takes the word away that something has come: where nbclient sent a widget's outputs just
    when a cell's reply came, it waited for that for ever. Here asyncio looks again after each send.
    """
    import zmq.asyncio
    from jupyter_client.session import Session

    plain = Session.send

    def send(self, stream, *args, **more):
        sent = plain(self, stream, *args, **more)
        if isinstance(stream, zmq.asyncio.Socket):
            stream._schedule_remaining_events()
        return sent

    Session.send = send


def shared_kernel():
    from jupyter_client.blocking import BlockingKernelClient
    from jupyter_client.manager import KernelManager

    if not shared:
        # by sockets in a folder: whoever was connected to another kernel's port goes on to call there, which may be this kernel's next
        address = os.path.join(tempfile.mkdtemp(dir=os.environ["IPYTHONDIR"]), "k")
        manager = KernelManager(kernel_name="python3", client_class="jupyter_client.asynchronous.AsyncKernelClient", transport="ipc", ip=address)
        manager.start_kernel()
        shared.append(manager)
        own = BlockingKernelClient(parent=manager)  # alive while its process is: without it a kernel slow to beat counts as dead
        own.load_connection_info(manager.get_connection_info())
        shared.append(own)
        own.start_channels()
        own.wait_for_ready(timeout=60)
    again = "get_ipython().history_manager.enabled = False; get_ipython().history_manager.reset(new_session=False); get_ipython().execution_count = 1"
    shared[1].execute_interactive(again, silent=True, store_history=False, timeout=60)
    return shared[0]


def end_shared():
    for client in shared[1:]:
        client.stop_channels()
    for manager in shared[:1]:
        manager.shutdown_kernel(now=True)
    shared.clear()


def options(fixture):
    given = {"km": None if "own" in fixture else shared_kernel(), "allow_errors": fixture.get("allowErrors", False), "allow_error_names": fixture.get("allowErrorNames", [])}
    if "cellTimeout" in fixture:
        given.update(timeout=fixture["cellTimeout"], interrupt_on_timeout=True)
    return given


def give_up(*_):
    raise Stuck


def patiently(run, fixture):
    for _ in range(3):
        signal.alarm(PATIENCE)
        try:
            return run(fixture)
        except Stuck:
            end_shared()
        except RuntimeError as error:
            if "kernel_info" not in str(error):
                raise
            # it did not start: ports that jupyter_client finds free may be taken before the kernel has them
            end_shared()
        finally:
            signal.alarm(0)
    raise Stuck(fixture["name"])


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    hear_what_came_meanwhile()
    run = {"nbclient": by_nbclient, "papermill": by_papermill}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as home:
        os.environ["IPYTHONDIR"] = home
        signal.signal(signal.SIGALRM, give_up)
        try:
            json.dump([patiently(run, one) for one in json.load(sys.stdin)], sys.stdout)
        finally:
            end_shared()
