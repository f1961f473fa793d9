"""The machine's backend, at the address that the environment names."""

import json
import os
import urllib.error
import urllib.request

# the address is on the machine itself, whatever proxy its programs use
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(Exception):
    """The backend said no, and why."""


def ask(method, variable, path):
    """The backend's answer. `variable` names the environment variable that holds its host and port."""
    address = os.environ.get(variable)
    if not address:
        raise Refused("%s is not set: this is no machine of Colab's" % variable)
    request = urllib.request.Request("http://%s%s" % (address, path), method=method, data=b"" if method == "POST" else None)
    try:
        with _opener.open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        try:
            raise Refused(json.loads(error.read()).get("error", error.reason))
        except ValueError:
            raise Refused(error.reason)
    except OSError as error:
        raise Refused(str(error))
