"""Lets the machine act for the user."""

import os

from google.colab import _message, errors, output


def authenticate_user(clear_output=True, project_id=None):
    """Asks the front end to authorise; for ever, as Colab does."""
    if os.environ.get("USE_AUTH_EPHEM", "0") == "1":
        try:
            _message.blocking_request("request_auth", request={"authType": "auth_user_ephemeral"}, timeout_sec=None)
        except _message.MessageError as error:
            raise errors.AuthorizationError(str(error)) from None
    elif not input("Enter verification code: ").strip():
        raise errors.AuthorizationError("Failed to fetch user credentials")
    if project_id:
        os.environ["GOOGLE_CLOUD_PROJECT"] = project_id
    if clear_output:
        output.clear()
