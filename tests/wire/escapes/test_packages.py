"""Packages that lead out of their folder."""
import io
import pathlib
import zipfile

import pytest
from botocore.exceptions import ClientError
from support.attack import ATTACKER, found


def zipped(*entries):
    """Entries of (name, bytes, mode)."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data, mode in [("code.py", ATTACKER.encode(), 0o100644), *entries]:
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.create_system = mode << 16, 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return made.getvalue()


LINK, FILE = 0o120777, 0o100644
HOSTILE = {
    "above": [("../escaped", b"x", FILE)],
    "absolute": [("/tmp/escaped", b"x", FILE)],
    "deep above": [("a/b/../../../escaped", b"x", FILE)],
    "link to the root": [("link", b"/", LINK)],
    "link above": [("a/link", b"../../../..", LINK)],
    "link behind a link": [("a", b".", LINK), ("b", b"a/..", LINK)],
    "through a link": [("link", b"/tmp", LINK), ("link/escaped", b"x", FILE)],
    "twice": [("a", b"/tmp", LINK), ("a", b"x", FILE)],
    "a bomb": [("big", b"\0" * (300 << 20), FILE)],
    "very deep": [("d/" * 2000 + "x", b"x", FILE)],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_packages_that_lead_out_are_refused(world, what):
    package, before = zipped(*HOSTILE[what]), set(pathlib.Path("/tmp").glob("escaped*"))
    for refused in (lambda: world.api.create_function(
            FunctionName="hostile", Runtime="python3.12", Handler="code.handler", Role=world.functions.role,
            Code={"ZipFile": package}),
            lambda: world.api.publish_layer_version(LayerName="hostile", Content={"ZipFile": package})):
        with pytest.raises(ClientError) as caught:
            refused()
        assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert set(pathlib.Path("/tmp").glob("escaped*")) == before


def test_odd_entries_of_packages_become_harmless(world):
    """Devices, sockets, setuid bits: plain files and no more; links within a layer and the code lead no further."""
    odd = [("program", b"#!/bin/sh\nid -u\n", 0o104755), ("device", b"", 0o060666), ("fifo", b"", 0o010666),
           ("inside", b"code.py", LINK), ("dangling", b"nowhere", LINK), ("data", b"x", 0o100000)]
    layer = world.api.publish_layer_version(LayerName="odd", Content={"ZipFile": zipped(*odd)})["LayerVersionArn"]
    world.api.create_function(FunctionName="odd", Runtime="python3.12", Handler="code.handler",
                              Role=world.functions.role, Code={"ZipFile": zipped(*odd)}, Layers=[layer])
    world.functions.made.append("odd")
    answer = found(world.attack("""
import stat
found = {}
for folder in ("/var/task", "/opt"):
    for name in os.listdir(folder):
        about = os.lstat(os.path.join(folder, name))
        found[folder + "/" + name] = [stat.S_IFMT(about.st_mode), bool(about.st_mode & 0o7022), about.st_nlink]
    found[folder] = subprocess.run([folder + "/program"], capture_output=True, text=True).stdout
""", name="odd"))
    for folder in ("/var/task", "/opt"):
        assert answer.pop(folder) == "993\n"
    plain, link = 0o100000, 0o120000
    for path, (kind, writable, links) in answer.items():
        assert kind == (link if path.rsplit("/")[-1] in ("inside", "dangling") else plain), path
        assert kind == link or (not writable and links == 1), path
    world.api.delete_layer_version(LayerName="odd", VersionNumber=1)
