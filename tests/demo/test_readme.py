"""The README's tour, command for command, in a folder of its own. What shows up a moment later is waited
for; nothing else is changed but the folder and the port."""
import os
import re
import shutil
import signal
import subprocess

import pytest
from support.server import BINARY, ROOT

# A command that starts so has to show this, sooner or later.
EVENTUALLY = {"aws dynamodb scan --table-name words": '"again"',
              "aws logs filter-log-events": "REPORT RequestId:",
              'aws dynamodb scan --table-name "$(out EventDataTable)"': r'"Count": 9[0-9][0-9]'}
HELPERS = r"""
set -euo pipefail
ready() { until grep -q 'ready at' "$1"; do kill -0 $!; sleep 0.05; done; }
eventually() { until "$@" > "$FOLDER/shown" && grep -q "$WANTED" "$FOLDER/shown"; do sleep 0.2; done; }
"""


def tour(folder):
    text = (ROOT / "README.md").read_text()
    part = text[text.index("## Five minutes with the AWS CLI"):text.index("## How it is built")]
    blocks = re.findall(r"^```\n(.*?)^```$", part, re.S | re.M)
    assert len(blocks) == 7
    script = "".join(blocks)
    setup, script = script.split("\n", 1)
    assert setup == "./dev setup && ./dev build release"
    changes = {"--data-dir /tmp/millrace": f"--data-dir {folder}/data", "/tmp/count": f"{folder}/count",
               "--runtimes-dir build/runtimes &":
                   f"--runtimes-dir build/runtimes --listen 127.0.0.1:0 > {folder}/ready &\nready {folder}/ready",
               "$PWD/build/release:": f"{folder}/tools:"}
    for before, after in changes.items():
        assert before in script
        script = script.replace(before, after)
    for command, wanted in EVENTUALLY.items():
        assert script.count("\n" + command) == 1
        script = script.replace("\n" + command, f"\nWANTED='{wanted}' eventually {command}")
    return HELPERS + script + "\necho whole tour\n"


@pytest.mark.timeout(240)
def test_the_readmes_tour_is_true(tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    tools = tmp_path / "tools"  # the binary is called millrace, wherever it was built
    tools.mkdir()
    os.symlink(BINARY, tools / "millrace")
    environment |= {"AWS_PAGER": "", "HOME": str(tmp_path), "FOLDER": str(tmp_path)}
    process = subprocess.Popen(["bash", "-c", tour(tmp_path)], cwd=ROOT, env=environment, start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        with open(tmp_path / "output", "w") as output:
            for line in process.stdout:
                output.write(line)
                if line == "whole tour\n":
                    break
        said = (tmp_path / "output").read_text()
        assert said.endswith("whole tour\n"), said
        assert "arn:aws:iam::000000000000:root" in said and "records=1000" in said
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)
        shutil.rmtree(tmp_path, ignore_errors=True)
