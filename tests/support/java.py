"""The programs of tests/java: started against a server, heard line by line."""
import json
import queue
import subprocess
import threading
import time

from support.server import ROOT

BUILT = ROOT / "build/java"
STORE_PASSWORD = "changeit"
LINE_SECONDS = 200  # of a busy machine; the client library waits up to 30 s before its first look


def trust_store(server):
    """A key store that holds the server's own authority and nothing else."""
    store = server.folder / "trust.p12"
    if not store.exists():
        subprocess.run(["keytool", "-importcert", "-noprompt", "-storetype", "PKCS12", "-alias", "millrace",
                        "-storepass", STORE_PASSWORD, "-keystore", store, "-file", server.data / "authority.pem"],
                       check=True, capture_output=True)
    return store


def secure_endpoint(server):
    return server.endpoint.replace("http://127.0.0.1", "https://localhost")


class Program:
    """A running one. Its lines of JSON are kept in the order in which they came."""

    def __init__(self, server, name, *arguments, tls):
        self.name = name
        self.lines = []
        self.log = open(server.folder / f"{name}.log", "a+")
        self.log_start = self.log.seek(0, 2)
        endpoint = secure_endpoint(server) if tls else server.endpoint
        self.process = subprocess.Popen(
            ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             f"-Djavax.net.ssl.trustStore={trust_store(server)}",
             f"-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}",
             "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
             "-cp", f"{BUILT}/classes:{(BUILT / 'classpath').read_text()}", f"millrace.clients.{name}", *map(str, arguments)],
            env=server.cli_environment() | {"AWS_ENDPOINT_URL": endpoint},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.arriving = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            if line.endswith("\n"):  # and is not what was left of one when the program was killed
                self.arriving.put(json.loads(line))
        self.arriving.put(None)

    def hear(self, enough, seconds=LINE_SECONDS):
        """Waits until what was heard is enough: enough(lines) is asked after each line."""
        deadline = time.monotonic() + seconds
        while not enough(self.lines):
            try:
                line = self.arriving.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.name} did not say enough in {seconds} s\n{self.said()}") from None
            if line is None:
                raise AssertionError(f"{self.name} ended too soon\n{self.said()}")
            self.lines.append(line)

    def finish(self, seconds=LINE_SECONDS):
        """Ends its input, and waits for the rest and for a good end."""
        self.process.stdin.close()
        deadline = time.monotonic() + seconds
        while (line := self.arriving.get(timeout=max(0, deadline - time.monotonic()))) is not None:
            self.lines.append(line)
        assert self.process.wait(timeout=10) == 0, self.said()
        self.close()
        return self.lines

    def kill(self):
        """SIGKILL. What it had said by then is kept."""
        self.process.kill()
        while (line := self.arriving.get(timeout=LINE_SECONDS)) is not None:
            self.lines.append(line)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def said(self):
        self.log.seek(self.log_start)
        return "\n".join(map(str, self.lines[-40:])) + "\n" + self.log.read()[-8000:]

    def of(self, name):
        """The lines that have this name."""
        return [line for line in self.lines if name in line]
