"""./dev demo keeps its promise: Ctrl-C, whenever it comes, leaves no process, no cgroup and no folder,
and shows no traceback."""
import hashlib
import os
import pathlib
import selectors
import signal
import subprocess
import sys
import time

import pytest
from support.server import BINARY, ROOT

SECONDS = 120


class Demo:
    """tools/demo.py in a process group of its own, as a shell would start it, with a folder of its own
    for temporary files."""

    def __init__(self, folder, *arguments):
        self.folder, self.text = folder, ""
        environment = os.environ | {"TMPDIR": str(folder), "MILLRACE": BINARY, "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tools/demo.py", *arguments], env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def read_until(self, wanted):
        end = time.monotonic() + SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while wanted not in self.text:
                assert selector.select(max(0, end - time.monotonic())), f"no {wanted!r} in\n{self.text}"
                more = os.read(self.process.stdout.fileno(), 65536).decode(errors="replace")
                assert more, f"ended with {self.process.wait()} before {wanted!r}:\n{self.text}"
                self.text += more

    def interrupt(self):
        os.killpg(self.process.pid, signal.SIGINT)

    def finish(self):
        self.text += self.process.communicate(timeout=SECONDS)[0].decode(errors="replace")
        return self.process.returncode

    def left_behind(self):
        """Processes that know the demo's folder, by their command line or what they have open."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                places = {os.readlink(link) for link in (entry / "fd").iterdir()}
            except OSError:
                continue  # it has just ended
            if str(self.folder) in command or any(p.startswith(str(self.folder)) for p in places):
                found.append(command)
        return found


def cgroups_of(demo):
    """Named after the data folder; others' servers may be at work on this host."""
    data = demo.folder / f"millrace-demo-{demo.process.pid}" / "data"
    mark = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    return [str(path) for path in pathlib.Path("/sys/fs/cgroup").rglob(f"millrace*{mark}")]


@pytest.fixture
def demo(tmp_path):
    made = []

    def start(*arguments):
        made.append(Demo(tmp_path, *arguments))
        return made[-1]
    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)  # it tidies up
            one.process.communicate(timeout=SECONDS)


def check_nothing_is_left(demo):
    assert demo.finish() == 130, demo.text
    assert "Interrupted." in demo.text and "Traceback" not in demo.text, demo.text
    assert demo.left_behind() == []
    assert list(demo.folder.iterdir()) == []
    assert cgroups_of(demo) == []


@pytest.mark.parametrize("moment", [
    "Starting a server", "ready at", "Launching the stack", "Feeding", "records in", "Timing",
    "The newest items", "Cleaning up"])
def test_ctrl_c_leaves_nothing(demo, moment):
    running = demo("--records", "300")
    running.read_until(moment)
    running.interrupt()
    check_nothing_is_left(running)


def modules_of(process):
    """Whether the process has opened anything of botocore's by now: its native parts are mapped."""
    try:
        return pathlib.Path(f"/proc/{process.pid}/maps").read_text()
    except OSError:
        return ""


def test_ctrl_c_while_libraries_are_being_read_is_no_traceback(demo):
    running = demo()
    # _ssl comes with urllib3, in the middle of what boto3 imports; the demo's first line comes after.
    end = time.monotonic() + SECONDS
    while "/_ssl." not in modules_of(running.process) and running.process.poll() is None:
        assert time.monotonic() < end
    running.interrupt()
    check_nothing_is_left(running)
    assert "Starting a server" not in running.text


def test_a_second_ctrl_c_does_not_stop_the_tidying(demo):
    running = demo("--records", "300")
    running.read_until("Feeding")
    for _ in range(20):
        if running.process.poll() is None:
            running.interrupt()
    check_nothing_is_left(running)


def test_keep_leaves_the_server_up_and_says_how_to_look_around(demo):
    running = demo("--records", "50", "--keep")
    running.read_until("To end it")
    assert running.finish() == 0
    lines = [line.strip() for line in running.text.split("To look around:")[1].splitlines() if line.strip()]
    shown, ending = lines[:lines.index("To end it and remove its folder:")], lines[-1]
    try:
        assert len(shown) == 6
        # Each line as a person would paste it; but a follow does not end by itself.
        script = "set -e\n" + "\n".join(line.removesuffix(" --follow") for line in shown)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        done = subprocess.run(["bash", "-c", script], env=environment | {"AWS_PAGER": ""}, capture_output=True,
                              text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stderr
        assert "REPORT RequestId:" in done.stdout and "records=500" in done.stdout + done.stderr
    finally:
        subprocess.run(["bash", "-c", ending], check=True, timeout=SECONDS)
    assert running.left_behind() == []
    assert list(running.folder.iterdir()) == []
