"""Executes the notebook of plan.json, which is packed beside this file. `cgpu notebook run --detach` sends it as a job."""
import sys

from cgpu_notebook.main import main

sys.exit(main(sys.path[0]))
