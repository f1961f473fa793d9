"""Ports: batches that come once and in order whatever the link does, ends and resets, credit; who listens."""

import json
import os
import random
import socket
import struct
import threading
import unittest

from support import agent, load_part, wait_until

ports = load_part("ports")
listeners = load_part("listeners")


class Client:
    """What the part needs of Control, and the other end of a tunnel, which may lose what it is sent."""

    def __init__(self):
        self.streams = {}
        self.kernel = None
        self.gone = False
        self.pushes = []
        self.frames = []
        self.received = self.sent = 0
        self.lost = False
        self.number = 0
        self.name = "t%d" % random.getrandbits(60)

    def _gone(self):
        return self.gone

    def send(self, data, buffers=None):
        if self.lost or data["id"] != self.number:
            return
        self.pushes.append(data)
        if buffers and data["seq"] == self.received + 1:
            self.received = data["seq"]
            self.frames += [(kind, name, bytes(payload)) for kind, name, payload in ports.frames_of(buffers[0])]

    def attach(self, **more):
        self.number += 1
        number = self.number
        request = dict(more, id=number, tunnel=self.name, received=self.received)
        thread = threading.Thread(target=ports.tunnel, args=(self, request, []), daemon=True)
        thread.start()
        wait_until(lambda: any(push.get("attached") and push["id"] == number for push in self.pushes), what="an attachment")
        return thread

    def say(self, *frames, seq=None):
        self.sent = seq or self.sent + 1
        batch = b"".join(ports.FRAME.pack(kind, name, len(payload)) + payload for kind, name, payload in frames)
        ports.frames(self, {"tunnel": self.name, "seq": self.sent, "ack": self.received}, [batch])

    def open(self, name, port, credit=1 << 20):
        return ports.OPEN, name, json.dumps({"host": "127.0.0.1", "port": port, "credit": credit}).encode()

    def data(self, name):
        return b"".join(payload for kind, one, payload in self.frames if (kind, one) == (ports.DATA, name))

    def has(self, kind, name):
        return [payload for found, one, payload in self.frames if (found, one) == (kind, name)]


class PortCase(unittest.TestCase):
    def setUp(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(10)
        self.port = self.server.getsockname()[1]
        self.client = Client()
        self.client.attach()
        self.opened = [self.server]

    def tearDown(self):
        ports.close(self.client, {"tunnel": self.client.name}, [])
        wait_until(lambda: not ports._tunnels, what="the end of the tunnel")
        for one in self.opened:
            one.close()

    def accept(self):
        served, _ = self.server.accept()
        served.settimeout(10)
        self.opened.append(served)
        return served


class Tunnels(PortCase):
    def test_bytes_pass_both_ways_and_each_side_ends_on_its_own(self):
        self.client.say(self.client.open(1, self.port), (ports.DATA, 1, b"hello"))
        served = self.accept()
        self.assertEqual(served.recv(100), b"hello")
        served.sendall(b"back")
        served.shutdown(socket.SHUT_WR)
        wait_until(lambda: self.client.has(ports.EOF, 1), what="the end")
        self.assertEqual(self.client.data(1), b"back")
        self.client.say((ports.DATA, 1, b"more"), (ports.EOF, 1, b""))
        self.assertEqual(served.recv(100), b"more")
        self.assertEqual(served.recv(100), b"")

    def test_a_batch_that_comes_again_is_dropped_and_a_hole_is_told(self):
        self.client.say(self.client.open(1, self.port))
        served = self.accept()
        for seq, text in ((2, b"a"), (2, b"a"), (1, b"z"), (4, b"c"), (3, b"b"), (4, b"c")):
            self.client.say((ports.DATA, 1, text), seq=seq)
        self.client.say((ports.EOF, 1, b""))
        came = b""
        for piece in iter(lambda: served.recv(100), b""):
            came += piece
        self.assertEqual(came, b"abc")
        wait_until(lambda: any(push.get("hole") for push in self.client.pushes), what="word of the hole")

    def test_what_a_lost_link_swallowed_is_sent_again_to_a_client_that_comes_back(self):
        self.client.say(self.client.open(1, self.port, 100000))
        served = self.accept()
        data = os.urandom(90000)
        for at in range(0, len(data), 9000):
            self.client.lost = random.random() < 0.5
            served.sendall(data[at : at + 9000])
        self.client.lost = True
        served.close()
        self.client.lost = False
        self.client.attach(known=True)
        wait_until(lambda: self.client.has(ports.EOF, 1), what="the end")
        self.assertEqual(self.client.data(1), data)

    def test_no_more_is_read_than_there_is_credit_for(self):
        self.client.say(self.client.open(1, self.port, 1000))
        served = self.accept()
        served.sendall(b"x" * 5000)
        wait_until(lambda: len(self.client.data(1)) == 1000, what="what there is credit for")
        self.client.say((ports.CREDIT, 1, struct.pack("<I", 500)))
        wait_until(lambda: len(self.client.data(1)) == 1500, what="some more")
        self.client.say((ports.DATA, 1, b"y" * 300))
        wait_until(lambda: self.client.has(ports.CREDIT, 1), what="credit that is given back")
        self.assertEqual(struct.unpack("<I", self.client.has(ports.CREDIT, 1)[0]), (300,))

    def test_more_than_there_is_credit_for_breaks_the_connection_off(self):
        self.client.say(self.client.open(1, self.port, 10), (ports.DATA, 1, b"x" * 11))
        wait_until(lambda: self.client.has(ports.RESET, 1), what="a reset")

    def test_why_there_is_no_connection_is_said(self):
        deaf = socket.socket()  # it has the port, so that nobody else listens there, and does not listen
        self.opened.append(deaf)
        deaf.bind(("127.0.0.1", 0))
        self.client.say(self.client.open(1, deaf.getsockname()[1]))
        wait_until(lambda: self.client.has(ports.RESET, 1), what="a reset")
        self.assertEqual(json.loads(self.client.has(ports.RESET, 1)[0].decode())["code"], "REFUSED")

    def test_a_reset_breaks_off_what_the_server_reads(self):
        self.client.say(self.client.open(1, self.port))
        served = self.accept()
        self.client.say((ports.RESET, 1, b""))
        with self.assertRaises(ConnectionResetError):
            served.recv(1)

    def test_a_listener_brings_connections_of_the_machine(self):
        port = ports.listen(self.client, {"tunnel": self.client.name, "listener": "a", "port": 0, "credit": 1000}, [])["port"]
        self.assertEqual(ports.listen(self.client, {"tunnel": self.client.name, "listener": "a", "port": 0, "credit": 1000}, [])["port"], port)
        caller = socket.create_connection(("127.0.0.1", port), 10)
        self.opened.append(caller)
        wait_until(lambda: self.client.frames, what="a connection")
        kind, name, payload = self.client.frames[0]
        self.assertEqual((kind, name & ports.OURS, json.loads(payload.decode())), (ports.OPEN, ports.OURS, {"listener": "a", "credit": 1000}))
        self.client.say((ports.DATA, name, b"hi"), (ports.EOF, name, b""))
        self.assertEqual(caller.recv(100), b"hi")

    def test_a_tunnel_that_is_gone_is_not_taken_for_a_new_one(self):
        with self.assertRaises(agent.Refusal) as caught:
            ports.tunnel(self.client, {"id": 99, "tunnel": "never", "received": 3}, [])
        self.assertEqual(caught.exception.code, "NOT_FOUND")

    def impatient(self):
        """A client that is not waited for from when `KEPT` is set to 0."""
        for name in ("KEPT", "ALIVE"):
            self.addCleanup(setattr, ports, name, getattr(ports, name))
        ports.ALIVE = 0.02
        other = Client()
        return other, other.attach()

    def test_one_that_no_client_comes_back_to_is_ended(self):
        other, thread = self.impatient()
        other.say(other.open(1, self.port))
        served = self.accept()
        other.streams[other.number].stop()
        thread.join(10)
        ports.KEPT = 0.0
        with self.assertRaises(ConnectionResetError):
            served.recv(1)

    def test_one_whose_client_is_attached_and_gives_no_sign_of_life_is_ended(self):
        _, thread = self.impatient()
        ports.KEPT = 0.0
        thread.join(10)
        self.assertFalse(thread.is_alive())

    def test_those_of_an_owner_that_is_gone_are_closed_by_another_and_their_ports_are_free_at_once(self):
        killed, another = Client(), Client()
        killed.attach(owner="aa")
        another.attach(owner="bb")
        port = ports.listen(killed, {"tunnel": killed.name, "listener": "a", "port": 0, "credit": 1000}, [])["port"]
        killed.say(killed.open(1, self.port))
        served = self.accept()
        self.assertEqual(ports.close(another, {"owners": ["aa", "cc"]}, []), {"closed": 1})
        with self.assertRaises(ConnectionResetError):
            served.recv(1)
        self.assertEqual(ports.listen(another, {"tunnel": another.name, "listener": "a", "port": port, "credit": 1000}, [])["port"], port)
        self.assertEqual(set(ports._tunnels), {self.client.name, another.name})
        ports.close(another, {"tunnel": another.name}, [])

    def test_nonsense_ends_the_tunnel_and_nothing_else(self):
        other = Client()
        thread = other.attach()
        ports.frames(other, {"tunnel": other.name, "seq": 1, "ack": 0}, [b"\xff" * 30])
        thread.join(10)
        self.assertFalse(thread.is_alive())
        self.assertIn(self.client.name, ports._tunnels)


class Frames(unittest.TestCase):
    def test_are_whole_or_refused(self):
        batch = ports.FRAME.pack(ports.DATA, 7, 3) + b"abc"
        self.assertEqual([(kind, name, bytes(payload)) for kind, name, payload in ports.frames_of(batch)], [(ports.DATA, 7, b"abc")])
        for wrong in (batch[:-1], batch + b"x", b"\0" * 9, b"\x06" + batch[1:]):
            with self.assertRaises(ValueError):
                list(ports.frames_of(wrong))


class Listeners(unittest.TestCase):
    def test_are_read_from_the_system(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            answer = listeners.listeners(None, {}, [])
            if not answer["known"]:
                self.skipTest("no /proc here")
            found = [one for one in answer["listeners"] if one["port"] == port]
            self.assertEqual([(one["addresses"], one["pid"]) for one in found], [(["127.0.0.1"], os.getpid())])

    def test_of_both_families_are_understood(self):
        head = "  sl  local_address rem_address   st\n"
        four = "   0: 0100007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
        other = "   1: 0100007F:22B9 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n"
        six = "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4713 1\n"
        self.assertEqual(listeners.parse_table(head + four + other, socket.AF_INET), [("127.0.0.1", 8888, "4711")])
        self.assertEqual(listeners.parse_table(head + six, socket.AF_INET6), [("::1", 80, "4713")])

    def test_are_named_without_the_arguments_that_may_be_secret(self):
        for argv, name in (
            (["/usr/bin/python3", "-m", "http.server", "8000"], "python3 -m http.server"),
            (["/usr/bin/python3", "/srv/app.py", "--token", "secret"], "python3 app.py"),
            (["sshd", "--key=secret"], "sshd"),
            ([""], ""),
        ):
            self.assertEqual(listeners.name_of(argv), name)


if __name__ == "__main__":
    unittest.main()
