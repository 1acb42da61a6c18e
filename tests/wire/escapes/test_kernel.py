"""System calls and the network."""
import errno
import os

import pytest
from support.attack import ATTACKER, found

# Numbers of x86-64: what is to be refused or not to exist, with arguments that would work for those who may.
CALLS = """
CLONE_NEW = {"ns": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000,
             "pid": 0x20000000, "net": 0x40000000, "time": 0x80}
found = {}
for kind, flag in CLONE_NEW.items():
    found["unshare " + kind] = call(272, flag)
    if kind != "time":
        found["clone " + kind] = call(56, flag | 17, 0, 0, 0, 0)
for kind in os.listdir("/proc/self/ns"):
    fd = os.open("/proc/self/ns/" + kind, os.O_RDONLY)
    found["setns " + kind] = call(308, fd, 0)
    os.close(fd)
others = {"mount": (165, b"tmpfs", b"/tmp", b"tmpfs", 0, 0), "umount": (166, b"/tmp", 2), "pivot_root": (155, b"/tmp", b"/tmp"),
          "chroot": (161, b"/tmp"), "open_tree": (428, -100, b"/", 1), "move_mount": (429, -100, b"/", -100, b"/tmp", 0),
          "fsopen": (430, b"tmpfs", 0), "mount_setattr": (442, -100, b"/", 0, 0, 0), "add_key": (248, b"user", b"k", b"v", 1, -3),
          "keyctl": (250, 0, -3, 1), "request_key": (249, b"user", b"k", 0, -3), "bpf": (321, 5, 0, 0),
          "io_uring_setup": (425, 8, ctypes.create_string_buffer(256)), "userfaultfd": (323, 1), "perf": (298, 0, 0, -1, -1, 0),
          "open_by_handle": (304, -100, ctypes.create_string_buffer(64), 0), "name_to_handle": (303, -100, b"/", 0, 0, 0),
          "init_module": (175, 0, 0, b""), "kexec_load": (246, 0, 0, 0, 0), "reboot": (169, 0xfee1dead, 672274793, 0, 0),
          "swapon": (167, b"/tmp/x", 0), "acct": (163, b"/tmp/x"), "sethostname": (170, b"x", 1), "syslog": (103, 3, 0, 0),
          "settimeofday": (164, 0, 0), "iopl": (172, 3), "quotactl": (179, 0, 0, 0, 0), "fanotify": (300, 0, 0),
          "clone3": (435, ctypes.create_string_buffer(88), 88), "personality": (135, 0x0040000), "landlock": (444, 0, 0, 1),
          "memfd_secret": (447, 0), "lsm": (461, 0, 0, 0), "modify_ldt": (154, 1, 0, 0)}
for name, arguments in others.items():
    found[name] = call(*arguments)
families = {"packet": (17, 3, 0x300), "raw": (2, 3, 1), "raw6": (10, 3, 58), "vsock": (40, 1, 0), "alg": (38, 5, 0),
            "netlink netfilter": (16, 3, 12), "netlink audit": (16, 3, 9), "netlink uevent": (16, 2, 15), "bluetooth": (31, 3, 1),
            "can": (29, 3, 1), "xdp": (44, 3, 0), "key": (15, 3, 2), "tipc": (30, 1, 0), "rds": (21, 5, 0), "kcm": (41, 2, 0)}
for name, arguments in families.items():
    found["socket " + name] = call(41, *arguments)
"""
# What a socket of a family that may be used must refuse still: to change its network.
NETWORK = """
found = {}
SIOCSIFFLAGS, SIOCADDRT, SIOCSIFADDR = 0x8914, 0x890B, 0x8916
import fcntl, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    for name, request in (("flags", SIOCSIFFLAGS), ("route", SIOCADDRT), ("address", SIOCSIFADDR)):
        found[name] = tried(lambda: fcntl.ioctl(s, request, struct.pack("16s48x", b"lo")))
    found["mark"] = tried(lambda: s.setsockopt(socket.SOL_SOCKET, 36, 1))
    found["device"] = tried(lambda: s.setsockopt(socket.SOL_SOCKET, 25, b"eth0"))
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:  # makes a link
    s.bind((0, 0))
    s.send(struct.pack("=IHHIIBBHiII", 32, 16, 0x605, 1, 0, 0, 0, 0, 0, 1, 1))
    found["link"] = -struct.unpack_from("=i", s.recv(4096), 16)[0]
found["interfaces"] = [name for _, name in socket.if_nameindex()]
found["routes"] = len(open("/proc/net/route").read().splitlines()) - 1
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system call numbers of x86-64")
def test_dangerous_system_calls_are_refused(attacker):
    answer = found(attacker(CALLS))
    refused = {-errno.EPERM, -errno.ENOSYS, -errno.EACCES}
    assert {name: result for name, result in answer.items() if result not in refused} == {}
    # From a program that it started, and from one that it brings along: the filter is inherited.
    source = ATTACKER.split("def handler")[0] + CALLS + "print(json.dumps(found))"
    inside = found(attacker("""
done = subprocess.run([sys.executable, "-c", event["source"]], capture_output=True, text=True)
found = json.loads(done.stdout)
""", source=source))
    assert {name: result for name, result in inside.items() if result not in refused} == {}


def test_the_network_cannot_be_changed(attacker):
    answer = found(attacker(NETWORK))
    assert answer.pop("link") == errno.EPERM
    assert answer.pop("interfaces") == ["lo"] and answer.pop("routes") == 0
    assert {name: result for name, result in answer.items() if result not in ("EPERM", "EACCES", "ENODEV")} == {}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="machine code of x86-64")
def test_other_tables_of_system_calls_end_the_function(attacker):
    """int 0x80 reaches the kernel's 32-bit calls, which no filter of numbers for 64 bits understands; x32 has
    numbers of its own."""
    answer = attacker("found = call(0x40000000 + 39)")
    assert answer.get("errorType") == "Runtime.ExitError", answer
    answer = attacker("""
import mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))  # mov eax, 20 (getpid); int 0x80; ret
found = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
""")
    assert answer.get("errorType") == "Runtime.ExitError", answer
