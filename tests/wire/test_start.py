"""A server that cannot start says why, in a line, and leaves nothing behind."""
import subprocess

import pytest
from support.server import BINARY


def start(folder, listen="127.0.0.1:0"):
    ended = subprocess.run([BINARY, "serve", "--data-dir", folder, "--listen", listen],
                           capture_output=True, text=True, timeout=60)
    complaints = [line for line in ended.stderr.splitlines() if line.startswith("millrace: ")]
    return ended.returncode, complaints


def test_on_a_port_that_is_taken(server, tmp_path):
    port = server.endpoint.rpartition(":")[2]
    assert start(tmp_path, f"127.0.0.1:{port}") == (
        1, [f"millrace: cannot start: bind 127.0.0.1 port {port}: Address already in use"])
    assert start(tmp_path, f"127.0.0.1:{port}")[0] == 1  # the folder is free again


def test_in_a_folder_that_another_server_uses(server):
    code, complaints = start(server.data)
    assert code == 1
    assert complaints == [f"millrace: cannot start: the data folder {server.data}/store is in use by another process"]


@pytest.mark.parametrize("inside", ["functions", "objects"])
def test_in_a_folder_that_is_not_its_own(tmp_path, inside):
    (tmp_path / inside).write_text("not a folder")
    code, complaints = start(tmp_path)
    assert code == 1
    assert complaints == [f"millrace: cannot start: {tmp_path}/{inside} is not a folder"]
