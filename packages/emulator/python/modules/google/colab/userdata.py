"""Secrets that the user keeps with the front end."""

from google.colab import _message, errors

TIMEOUT_S = 10


class SecretNotFoundError(errors.Error):
    def __init__(self, key):
        super().__init__("Secret %s does not exist." % key)


class NotebookAccessError(errors.Error):
    def __init__(self, key):
        super().__init__("Notebook does not have access to secret %s" % key)


class TimeoutException(errors.Error):
    def __init__(self, key):
        super().__init__("Requesting secret %s timed out. Secrets can only be fetched when the front end answers." % key)


def get(key):
    """The secret's text. SecretNotFoundError, NotebookAccessError or TimeoutException."""
    answer = _message.blocking_request("GetSecret", request={"key": key}, timeout_sec=TIMEOUT_S)
    if answer is None:
        raise TimeoutException(key)
    if not answer.get("exists", False):
        raise SecretNotFoundError(key)
    if not answer.get("access", False):
        raise NotebookAccessError(key)
    return answer.get("payload", "")
