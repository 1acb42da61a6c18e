"""Programs that drive the server with the JavaScript modules of build/clients-node."""
import subprocess

from support.server import ROOT

PROGRAM_SECONDS = 120


def run(server, program, *arguments, endpoint):
    """Runs one of this folder's programs to its end, which has to be a good one."""
    environment = server.cli_environment() | {"MILLRACE_NODE_MODULES": str(ROOT / "build/clients-node"),
                                              "NODE_EXTRA_CA_CERTS": str(server.data / "authority.pem")}
    done = subprocess.run(["node", str(ROOT / "tests/support" / program), *map(str, arguments)],
                          env=environment | {"AWS_ENDPOINT_URL": endpoint}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PROGRAM_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
