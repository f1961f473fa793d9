"""Handlers that only the proxy in front of the machine reaches: it alone knows the token."""

import hmac

from tornado import web


class Guarded:
    def initialize(self, machine):
        self.machine = machine

    def prepare(self):
        given = self.request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), ("token " + self.machine.spec["token"]).encode()):
            raise web.HTTPError(403)
