"""Notebooks to percent scripts and back with jupytext: {"notebooks": […], "scripts": […]} on stdin, the other way round on stdout."""
import json
import sys

import jupytext
import nbformat

asked = json.load(sys.stdin)
json.dump({
    "scripts": [jupytext.writes(nbformat.from_dict(one), "py:percent") for one in asked["notebooks"]],
    "notebooks": [jupytext.reads(one, "py:percent") for one in asked["scripts"]],
}, sys.stdout)
