"""A real server for tests: started on a free port with a data folder of its own."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MILLRACE", str(ROOT / "build/release/millrace"))
RUNTIMES = ROOT / "build/runtimes"
READY_SECONDS = 30


class Server:
    def __init__(self, folder=None, arguments=()):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="millrace-test-"))
        self.data = self.folder / "data"
        self.arguments = list(arguments)
        self.process = None
        self.listen = "127.0.0.1:0"

    def start(self):
        self.log = open(self.folder / "server.log", "ab")
        command = [BINARY, "serve", "--data-dir", str(self.data), "--listen", self.listen,
                   "--runtimes-dir", str(RUNTIMES), *self.arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()  # the ready line, or nothing if it could not start
        if "ready at" not in line:
            self.process.wait()
            raise RuntimeError(f"the server did not start: {line!r}\n{self.log_text()}")
        self.endpoint = line.split("ready at ")[1].split()[0]
        # The same port again after a restart: clients keep their endpoint.
        self.listen = self.endpoint.removeprefix("http://")
        self.environment = self.read_environment()
        return self

    def read_environment(self):
        text = subprocess.run([BINARY, "env", "--data-dir", str(self.data)], check=True,
                              capture_output=True, text=True).stdout
        exports = [line.removeprefix("export ").split("=", 1) for line in text.splitlines()
                   if line.startswith("export ")]
        return dict(exports)

    def log_text(self):
        return (self.folder / "server.log").read_text(errors="replace")[-8000:]

    def kill(self):
        """SIGKILL: nothing is tidied up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return self.process.returncode if self.process else None

    def remove(self):
        with contextlib.suppress(Exception):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, service, key=None, secret=None, token=None, region=None, **config):
        return boto3.client(
            service, endpoint_url=self.endpoint,
            region_name=region or self.environment["AWS_REGION"],
            aws_access_key_id=key or self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=secret or self.environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=token,
            config=botocore.config.Config(retries={"max_attempts": 0}, **config))

    def aws(self, *arguments, environment=None, check=True, **options):
        """The AWS CLI."""
        cli = ROOT / "build/venv/bin/aws"
        command = [str(cli) if cli.exists() else "aws", *map(str, arguments)]
        return subprocess.run(command, env=self.cli_environment() | (environment or {}), check=check,
                              capture_output=True, text=True, **options)

    def start_aws2(self, *arguments, **options):
        """The AWS CLI of version 2, Debian's; left running. It knows no AWS_ENDPOINT_URL yet."""
        command = ["/usr/bin/aws", "--endpoint-url", self.endpoint, *map(str, arguments)]
        return subprocess.Popen(command, env=self.cli_environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)

    def cli_environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return env | self.environment | {"AWS_PAGER": "", "HOME": str(self.folder)}
