"""Marks where a run failed, for whoever opens the copy. As src/run/markers.ts has it."""

TAG = "papermill-error-cell-tag"
ANCHOR = "papermill-error-cell"
STYLE = "color:red; font-family:Helvetica Neue, Helvetica, Arial, sans-serif; font-size:2em;"


def add_markers(notebook, failed):
    """`failed`: the index of the cell"""
    cells = notebook["cells"]
    count = cells[failed]["execution_count"]
    prompt = "In [%s]" % (" " if count is None else count)
    cells.insert(failed, _marker(ANCHOR + "-here", '<span id="%s" style="%s">The run met an exception here and stopped:</span>' % (ANCHOR, STYLE)))
    cells.insert(0, _marker(ANCHOR + "-top", '<span style="%s">The run stopped with an exception at \'<a href="#%s">%s</a>\'.</span>' % (STYLE, ANCHOR, prompt)))


def _marker(name, source):
    return {"cell_type": "markdown", "id": name, "source": source, "metadata": {"tags": [TAG]}}
