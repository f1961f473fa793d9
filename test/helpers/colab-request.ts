/**
 * A cell that asks its front end as Colab's own library does: a `colab_request` on iopub, then its stdin socket polled for the
 * reply (google.colab `_message.py`; see docs of `RuntimeEndpoint.answerKernel`). Prints the reply as JSON, or `timeout`.
 */
export function colabRequest(type: string, request: object, {seconds = 10, parent = 'get_ipython().kernel.get_parent()', id = 1} = {}): string {
  return `
import json, time, zmq
def ask():
    kernel = get_ipython().kernel
    kernel.session.send(kernel.iopub_socket, 'colab_request', {'request': json.loads(${JSON.stringify(JSON.stringify(request))})},
        parent=${parent}, metadata={'colab_request_type': ${JSON.stringify(type)}, 'colab_msg_id': ${id}})
    end = time.monotonic() + ${seconds}
    while time.monotonic() < end:
        try:
            _, message = kernel.session.recv(kernel.stdin_socket, zmq.NOBLOCK)
        except zmq.ZMQError:
            message = None
        value = message and message['content'].get('value')
        if isinstance(value, dict) and value.get('type') == 'colab_reply' and value.get('colab_msg_id') == ${id}:
            return json.dumps(value, sort_keys=True)
        time.sleep(0.025)
    return 'timeout'
print(ask())
`
}
