"""What the library raises."""


class Error(Exception):
    """Every error of this package."""


class AuthorizationError(Error):
    """The front end refused or could not authorise."""
