"""Bytes put aside on the disk, in a file without a name that goes with this process."""
import tempfile
import threading

PLACE = 1 << 16


class Spool:
    """Where there is no disk for them, they stay in memory. Threads may read what others put."""

    def __init__(self):
        self._file = None
        self._lock = threading.RLock()
        self._places, self._free = 0, []

    def put(self, data):
        """What has `read()`: these bytes. Their places are used again when nobody has it any more."""
        places = []
        with self._lock:
            try:
                if self._file is None:
                    self._file = tempfile.TemporaryFile(buffering=0)
                for at in range(0, len(data), PLACE):
                    places.append(self._place())
                    self._write(places[-1] * PLACE, memoryview(data)[at:at + PLACE])
            except OSError:
                self._free += places
                return InMemory(data)
        return InFile(self, places, len(data))

    def get(self, places, length):
        data = bytearray()
        with self._lock:
            for place in places:
                self._file.seek(place * PLACE)
                end = min(len(data) + PLACE, length)
                while len(data) < end:
                    got = self._file.read(end - len(data))
                    if not got:
                        raise OSError("what was put aside on the disk is gone")
                    data += got
        return bytes(data)

    def drop(self, places):
        self._free += places

    def _place(self):
        if self._free:
            return self._free.pop()
        self._places += 1
        return self._places - 1

    def _write(self, at, data):
        self._file.seek(at)
        while data:
            data = data[self._file.write(data):]


class InMemory:
    def __init__(self, data):
        self._data = data

    def read(self):
        return self._data


class InFile:
    def __init__(self, spool, places, length):
        self._spool, self._places, self._length = spool, places, length

    def read(self):
        return self._spool.get(self._places, self._length)

    def __del__(self):
        self._spool.drop(self._places)
