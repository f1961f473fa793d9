"""What the tests share: the agent as a module, a home of its own, and jobs that are waited for, not slept for."""

import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
import unittest
import uuid

AGENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "python", "cgpu_agent.py")


PARTS = os.path.join(os.path.dirname(AGENT), "parts")


def load_part(name):
    """A part as `load` makes it, with the agent under test."""
    spec = importlib.util.spec_from_file_location("cgpu_part_under_test", os.path.join(PARTS, "%s.py" % name))
    module = importlib.util.module_from_spec(spec)
    module.agent = agent
    spec.loader.exec_module(module)
    return module


def load_agent(name="cgpu_agent_under_test"):
    spec = importlib.util.spec_from_file_location(name, AGENT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


agent = load_agent()


def wait_until(condition, seconds=20, what="condition"):
    """The value of `condition` once it is true; looks again every 5 ms."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("gave up waiting for %s" % what)
        time.sleep(0.005)


def records(path):
    """[(stream, payload)] of a log, failing on anything torn."""
    with open(path, "rb") as file:
        data = file.read()
    found, at = [], 0
    while at < len(data):
        stream, size, _ = agent.HEADER.unpack_from(data, at)
        at += agent.HEADER.size
        assert at + size <= len(data), "a torn record at %d" % at
        found.append((stream, data[at : at + size]))
        at += size
    return found


def text_of(path, stream):
    return b"".join(payload for kind, payload in records(path) if kind == stream)


def notices(path):
    return [json.loads(payload) for kind, payload in records(path) if kind == agent.NOTICE]


def removed(folder):
    """A supervisor whose job is over may still put a last file there."""

    def gone():
        shutil.rmtree(folder, ignore_errors=True)
        return not os.path.exists(folder)

    wait_until(gone, what="the end of what writes to %s" % folder)


class JobCase(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="cgpu-agent-")
        self.work = os.path.join(self.home, "work")
        os.mkdir(self.work)
        self.started = []

    def tearDown(self):
        for run in self.started:
            status = agent.load_status(self.home, run)
            if status.get("pgid") and status["state"] == "running":
                os.killpg(status["pgid"], 9)
                self.wait(run)
        removed(self.home)

    def start(self, *argv, **options):
        run = options.pop("run", None) or uuid.uuid4().hex
        request = dict(options, run=run)
        if "shell" not in options:
            request["argv"] = list(argv)
        answer = agent.start_job(self.home, request, self.work)
        self.assertFalse(answer["attached"])
        self.started.append(run)
        return run

    def python(self, code, **options):
        return self.start(sys.executable, "-c", code, **options)

    def status(self, run):
        return agent.load_status(self.home, run)

    def wait(self, run):
        wait_until(lambda: self.status(run)["state"] not in ("starting", "running"), what="the end of a run")
        return self.status(run)

    def log(self, run):
        return os.path.join(self.home, "runs", run, "log")

    def stdout(self, run):
        return text_of(self.log(run), agent.STDOUT)

    def stderr(self, run):
        return text_of(self.log(run), agent.STDERR)
