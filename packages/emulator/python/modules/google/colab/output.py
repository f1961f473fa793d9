"""The cell's output in the browser."""

from IPython import display

from google.colab import _message


def eval_js(script, ignore_result=False, timeout_sec=None):
    """The result of the script, which the front end runs in the cell's output. For ever, unless a time is given."""
    if ignore_result:
        display.display(display.Javascript(script))
        return None
    return _message.blocking_request("cell_javascript_eval", {"script": script}, timeout_sec=timeout_sec)


def clear(wait=False, output_tags=()):
    """Empties the cell's output."""
    display.clear_output(wait=wait)
