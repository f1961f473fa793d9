"""Requests to the front end, and its replies: protocol note 4.6.

A request is a `colab_request` on iopub with its type and number in the metadata. The reply is an unasked `input_reply` on stdin,
whose value is {"type": "colab_reply", "colab_msg_id", "data"?, "error"?}.
"""

import itertools
import sys
import threading
import time

import zmq
from IPython import get_ipython

from google.colab import errors

POLL_S = 0.025
_numbers = itertools.count(1)
# whoever reads stdin drops what is not meant for it
_one_at_a_time = threading.Lock()


class MessageError(errors.Error):
    """The front end answered with an error."""


def send_request(request_type, request_body, parent=None, expect_reply=True):
    """The number of the request, or None when no reply is expected."""
    kernel = get_ipython().kernel
    metadata = {"colab_request_type": request_type}
    number = next(_numbers) if expect_reply else None
    if number is not None:
        metadata["colab_msg_id"] = number
    # what the cell printed before is shown before
    sys.stdout.flush()
    sys.stderr.flush()
    kernel.session.send(
        kernel.iopub_socket, "colab_request", content={"request": request_body}, metadata=metadata,
        parent=parent or kernel.get_parent("shell"),
    )
    return number


def read_reply_from_input(message_id, timeout_sec=None):
    """The data of the reply; None when it has none, and when none comes in time. All else that arrives on stdin is dropped."""
    kernel = get_ipython().kernel
    deadline = None if timeout_sec is None else time.monotonic() + timeout_sec
    while deadline is None or time.monotonic() < deadline:
        value = _received(kernel)
        if value is None:
            time.sleep(POLL_S)
        elif isinstance(value, dict) and value.get("type") == "colab_reply" and value.get("colab_msg_id") == message_id:
            if "error" in value:
                raise MessageError(value["error"])
            return value.get("data")
    return None


def blocking_request(request_type, request="", timeout_sec=5, parent=None):
    """Asks and waits: the data of the reply, or None without one. MessageError when the front end answers with an error."""
    with _one_at_a_time:
        return read_reply_from_input(send_request(request_type, request, parent=parent), timeout_sec)


def _received(kernel):
    try:
        _, reply = kernel.session.recv(kernel.stdin_socket, zmq.NOBLOCK)
    except (zmq.ZMQError, ValueError):
        return None
    return None if reply is None else reply["content"].get("value", "")
