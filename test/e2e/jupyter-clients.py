"""Runs a notebook by nbclient on kernels of another server, through jupyter_server's gateway client: neither is cgpu's.

Usage: jupyter-clients.py URL TOKEN; prints the outputs of the cells as JSON.
"""
import json
import sys

sys.modules["rfc3987_syntax"] = None  # an optional check of jsonschema's, which takes 2 s to import

import nbformat
import websocket
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayKernelManager
from nbclient import NotebookClient

url, token = sys.argv[1:]
gateway = GatewayClient.instance()
gateway.url = url
gateway.auth_scheme = "token"
gateway.auth_token = token
gateway.init_connection_args()

# its kernel client opens WebSockets without the token that all its other requests have
connect = websocket.create_connection
websocket.create_connection = lambda *args, **options: connect(*args, header=["Authorization: token " + token], **options)

cells = ["import os; a = 6 * 7; print(a)", "import sys; print('to stderr', file=sys.stderr); a", "print('x' * 200000)", "os.environ.get('CGPU_MARK')"]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
NotebookClient(notebook, kernel_name="python3", kernel_manager_class=GatewayKernelManager, timeout=60).execute()
print(json.dumps([cell["outputs"] for cell in notebook.cells]))
