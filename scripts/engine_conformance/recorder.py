"""A socket before the engine's that notes every request which could change something."""
import contextlib
import os
import re
import socket
import threading


class Recorder:
    """Passes everything on to the engine at `target`; `writes` are the requests other than GET and HEAD."""

    def __init__(self, target, path):
        self.target, self.path, self.writes = str(target), str(path), []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def take(self):
        """The writes since the last time."""
        taken, self.writes = self.writes, []
        return taken

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(self.target)
                for work in ((self.requests, client, engine), (self.copy, engine, client)):
                    threading.Thread(target=work[0], args=work[1:], daemon=True).start()

    @staticmethod
    def copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def requests(self, client, engine):
        """Reads request after request, since a connection carries many."""
        with contextlib.suppress(OSError, ValueError):
            stream = client.makefile("rb")
            while first := stream.readline():
                head = [first]
                while (line := stream.readline()) not in (b"\r\n", b""):
                    head.append(line)
                method, path, _ = first.decode().split(" ", 2)
                if method not in ("GET", "HEAD"):
                    self.writes.append(f"{method} {re.sub('^/v[0-9.]+', '', path)}")
                engine.sendall(b"".join(head) + b"\r\n")
                fields = {name.strip().lower(): value.strip()
                          for name, _, value in (line.decode("latin-1").partition(":") for line in head[1:])}
                if "upgrade" in fields:
                    while data := stream.read1(1 << 16):
                        engine.sendall(data)
                elif "chunked" in fields.get("transfer-encoding", ""):
                    self.chunks(stream, engine)
                else:
                    self.body(stream, engine, int(fields.get("content-length", "0")))
        with contextlib.suppress(OSError):
            engine.shutdown(socket.SHUT_WR)

    @staticmethod
    def body(stream, engine, left):
        while left and (data := stream.read1(min(left, 1 << 16))):
            engine.sendall(data)
            left -= len(data)

    def chunks(self, stream, engine):
        while True:
            size = stream.readline()
            engine.sendall(size)
            length = int(size.split(b";")[0], 16)
            self.body(stream, engine, length + 2)
            if length == 0:
                return
