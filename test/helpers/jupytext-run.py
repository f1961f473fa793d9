"""Notebooks to percent scripts and back with jupytext: {"notebooks": […], "scripts": […]} on stdin, the other way round on stdout."""
import json
import sys

sys.modules["rfc3987_syntax"] = None  # an optional check of jsonschema's, which takes 2 s to import

import jupytext
import nbformat

asked = json.load(sys.stdin)
json.dump({
    "scripts": [jupytext.writes(nbformat.from_dict(one), "py:percent") for one in asked["notebooks"]],
    "notebooks": [jupytext.reads(one, "py:percent") for one in asked["scripts"]],
}, sys.stdout)
