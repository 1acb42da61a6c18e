"""The servers that bench compares: how each is installed, started and spoken to.

All but Millrace keep everything in memory, sync nothing and check no signature. nginx answers every
request with an empty 200: what the machine and the load generator can do at most.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "peers"
BINARY = pathlib.Path(os.environ.get("MILLRACE", ROOT / "build" / "release" / "millrace")).resolve()
NPM = ["kinesalite@3", "kinesis-local@0.6", "dynalite@4"]
PYPI = ["moto[server]", "ministack"]


def install():
    """Once, into build/peers. nginx comes from the distribution."""
    stamp = FOLDER / "installed-1"
    if stamp.exists():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER, *NPM], check=True)
    subprocess.run([sys.executable, "-m", "venv", FOLDER / "python"], check=True)
    subprocess.run([FOLDER / "python/bin/pip", "install", "-q", "--disable-pip-version-check", *PYPI], check=True)
    if not shutil.which("nginx") and not pathlib.Path("/usr/sbin/nginx").exists():
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nginx-light"], check=True)
    stamp.touch()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(core, command):
    """On one processor, and ahead of whatever else the machine does where that is allowed."""
    ahead = ["chrt", "-r", "1"] if os.geteuid() == 0 and shutil.which("chrt") else []
    return [*ahead, "taskset", "-c", str(core), *map(str, command)]


def nginx_command(port, folder):
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log crit;\n"
        "events { worker_connections 4096; }\n"
        "http { access_log off; keepalive_requests 1000000000; client_max_body_size 16m;\n"
        f"  client_body_temp_path {folder}/body; client_body_buffer_size 2m; proxy_temp_path {folder}/p;\n"
        f"  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"  server {{ listen 127.0.0.1:{port}; location / {{ return 200; }} }} }}\n")
    return ["/usr/sbin/nginx", "-c", config]


def command_of(name, port, folder):
    """The command line and the environment that it needs."""
    node = FOLDER / "node_modules/.bin"
    python = FOLDER / "python/bin"
    return {
        "millrace": ([BINARY, "serve", "--data-dir", folder, "--listen", f"127.0.0.1:{port}"], {}),
        "kinesalite": ([node / "kinesalite", "--port", port, "--createStreamMs", "0", "--deleteStreamMs", "0",
                        "--shardLimit", "100"], {}),
        "kinesis-mock": ([node / "kinesis-local"], {"KINESIS_MOCK_PLAIN_PORT": str(port),
                                                    "KINESIS_MOCK_TLS_PORT": str(free_port()),
                                                    "KINESIS_MOCK_CERT_PATH":
                                                        str(FOLDER / "node_modules/kinesis-local/server.json"),
                                                    "LOG_LEVEL": "ERROR"}),
        "dynalite": ([node / "dynalite", "--port", port, "--createTableMs", "0", "--deleteTableMs", "0"], {}),
        "moto": ([python / "moto_server", "-H", "127.0.0.1", "-p", port], {}),
        "ministack": ([python / "ministack"], {"GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR"}),
        "nginx": (nginx_command(port, folder), {}),
    }[name]


def wait_until_listening(port, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise RuntimeError("does not listen")


def keys_of(name, folder):
    if name != "millrace":
        return "AKIAIOSFODNN7EXAMPLE", "secret"
    printed = subprocess.run([BINARY, "env", "--data-dir", folder], check=True, capture_output=True, text=True).stdout
    values = dict(line.removeprefix("export ").split("=", 1) for line in printed.splitlines() if "=" in line)
    return values["AWS_ACCESS_KEY_ID"].strip("'\""), values["AWS_SECRET_ACCESS_KEY"].strip("'\"")


@contextlib.contextmanager
def running(name, core):
    """A fresh server on that processor: (process id, endpoint, access key, secret)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-bench-"))
    port = free_port()
    command, extra = command_of(name, port, folder)
    process = subprocess.Popen(pinned(core, command), env={**os.environ, **extra}, cwd=folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until_listening(port, process)
        yield process.pid, f"http://127.0.0.1:{port}", *keys_of(name, folder)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
