"""What a function can see of the host and of others."""
import errno
import os
import pathlib

from support import effects
from support.attack import found, NEIGHBOUR

READ = """
def opened(path):
    try:
        if os.path.isdir(path):
            return os.listdir(path)
        with open(path, "rb") as file:
            file.read(1)
        return "read"
    except OSError:
        return None
found = {path: opened(path) for path in event["paths"] if opened(path) not in (None, [])}
"""


def test_files_of_the_host_are_not_there(world, attacker):
    data, pid = world.server.data, world.pid
    files = [data, *data.iterdir(), world.server.folder, pathlib.Path(__file__), "/root", "/home", "/boot", "/srv",
             "/mnt", "/media", "/run", "/var/lib", "/var/log", "/etc/shadow", "/etc/ssh", "/etc/ssl/private", "/.host",
             "/sys", "/sys/fs/cgroup", "/dev/mem", "/dev/kmem", "/dev/vda", "/dev/sda", "/dev/kmsg", "/dev/fuse",
             "/dev/net/tun", "/proc/kcore", "/proc/kallsyms", "/proc/1/mem", "/proc/1/environ", "/proc/1/maps",
             "/proc/1/cwd", "/proc/1/fd", f"/proc/{pid}", f"/proc/{os.getpid()}"]
    # The same seen through every name that a process has for its root, and above it.
    roots = ["/proc/self/root", "/proc/self/cwd/../../../..", "/proc/1/root", "/../../..", "/tmp/../..",
             "/proc/thread-self/root", f"/proc/{pid}/root"]
    paths = [str(path) for path in files] + [root + str(path) for root in roots for path in (data, "/root", "/home")]
    seen = found(attacker(READ, paths=paths))
    # What is shown there is empty by construction: a null device, as the mask of kernel files.
    assert {path: what for path, what in seen.items() if not path.startswith(("/proc/kcore", "/proc/kallsyms"))} == {}


def test_nothing_of_the_host_can_be_found_by_looking_everywhere(world, attacker):
    secrets = {path.name for path in world.server.data.iterdir()} - {"authority.pem"}  # a certificate, for all
    answer = found(attacker("""
found, skip = [], ("/proc", "/usr")
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if not os.path.join(folder, f).startswith(skip)]
    found += [os.path.join(folder, f) for f in [*folders, *files]]
"""))
    assert len(answer) > 50
    assert [path for path in answer if pathlib.PurePath(path).name in secrets] == []
    assert [path for path in answer if path.startswith("/var/task/")] == ["/var/task/code.py"]


def test_descriptors_lead_nowhere(attacker):
    """Whatever was open when the sandbox was made: only pipes, sockets of our own, and the null device."""
    answer = found(attacker("""
found = {}
for fd in os.listdir("/proc/self/fd"):
    try:
        found[fd] = os.readlink("/proc/self/fd/" + fd)
    except OSError:
        pass
"""))
    kinds = {where.split(":")[0] for where in answer.values()}
    assert kinds <= {"pipe", "socket", "/dev/null", "/proc/1/fd", "/proc/2/fd"} | {
        where for where in answer.values() if where.startswith("/proc/")}, answer


def test_kernel_settings_cgroups_and_devices_cannot_be_written(attacker):
    """The classic ways out of a container: a core pattern, a release agent, a helper program, a disk of its own."""
    answer = found(attacker("""
found = {}
def write(path):
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, b"0 0 1")
    finally:
        os.close(fd)
for path in event["paths"]:
    found[path] = tried(lambda: write(path))
found["mknod"] = tried(lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0)))
found["cgroup"] = open("/proc/self/cgroup").read()
""", paths=["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger",
            "/proc/1/oom_score_adj", "/proc/sys/vm/drop_caches", "/proc/self/uid_map", "/proc/self/gid_map",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cgroup.procs",
            "/sys/kernel/uevent_helper", "/dev/mem"]))
    groups = answer.pop("cgroup")
    assert {path: result for path, result in answer.items()
            if result not in ("EACCES", "EROFS", "ENOENT", "EPERM")} == {}
    # Its place in the host's tree of groups is hidden, where cgroup namespaces exist.
    assert all(line.split(":")[2] in ("/", "") for line in groups.split()), groups


def test_processes_of_others_are_not_there_and_cannot_be_signalled(world, attacker):
    pids = [world.pid, os.getpid(), *effects.descendants(world.pid)]
    answer = found(attacker("""
own = {int(p) for p in os.listdir("/proc") if p.isdigit()}
hit = []
for pid in [*event["pids"], *range(2, 40000, 1)]:
    if pid in own or pid == os.getpid():
        continue
    try:
        os.kill(pid, signal.SIGKILL)
        hit.append(pid)
    except OSError as failure:
        assert failure.errno == errno.ESRCH, failure
os.kill(1, signal.SIGKILL)
os.kill(1, signal.SIGSTOP)
libc.kill(-1, signal.SIGKILL)
found = {"own": sorted(own), "hit": hit, "me": os.getpid()}
""", pids=pids))
    assert answer == {"own": [1, 2], "hit": [], "me": 2}


def test_memory_of_others_cannot_be_read(attacker):
    """Not even of a child of its own, which leaves no reason to try harder."""
    answer = found(attacker("""
child = subprocess.Popen(["/bin/sleep", "60"])
buffer = ctypes.create_string_buffer(64)
class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
part = Part(ctypes.addressof(buffer), 64)
PTRACE, VM_READ, VM_WRITE, PIDFD_OPEN, PIDFD_GETFD, KCMP, MADVISE = 101, 310, 311, 434, 438, 312, 440
found = {}
for name, pid in (("init", 1), ("child", child.pid), ("server", event["pid"])):
    for kind, request in (("attach", 16), ("seize", 0x4206)):
        found[f"{kind} {name}"] = call(PTRACE, request, pid, 0, 0)
    for kind, number in (("read", VM_READ), ("write", VM_WRITE)):
        found[f"{kind} {name}"] = call(number, pid, ctypes.byref(part), 1, ctypes.byref(part), 1, 0)
    found[f"compare {name}"] = call(KCMP, os.getpid(), pid, 0, 1, 1)
found["traceme"] = call(PTRACE, 0, 0, 0, 0)
pidfd = call(PIDFD_OPEN, child.pid, 0)
found["getfd"] = call(PIDFD_GETFD, pidfd, 1, 0)
found["init memory"] = tried(lambda: open("/proc/1/mem", "rb").read(1).hex())
found["init descriptors"] = tried(lambda: os.listdir("/proc/1/fd"))
found["init environment"] = tried(lambda: open("/proc/1/environ").read())
child.kill()
""", pid=1))
    assert {name: result for name, result in answer.items() if result not in (-errno.EPERM, "EACCES", "EPERM")} == {}


def test_what_a_neighbour_hides_is_not_found(world, attacker):
    """Files, shared memory, abstract and other sockets of the neighbour; then what an instance before left."""
    hide = """
import ctypes, os, socket
for path in ("/tmp/hidden", "/dev/shm/hidden"):
    open(path, "w").write("hidden")
libc = ctypes.CDLL(None)
libc.shmget(4711, 4096, 0o1666)
libc.msgget(4711, 0o1666)
kept = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET)]
kept[0].bind("\\0hidden")
kept[0].listen()
kept[1].bind(("0.0.0.0", 4711))
kept[1].listen()
"""
    look = """
def connects(family, address):
    with socket.socket(family) as s:
        s.connect(address)
        return "connected"
found = {"tmp": os.listdir("/tmp"), "shm": os.listdir("/dev/shm"), "code": os.listdir("/var/task"),
         "shared": libc.shmget(4711, 4096, 0), "messages": libc.msgget(4711, 0),
         "abstract": tried(lambda: connects(socket.AF_UNIX, "\\0hidden")),
         "port": tried(lambda: connects(socket.AF_INET, ("127.0.0.1", 4711))),
         "sockets": open("/proc/net/unix").read().count("@hidden")}
"""
    nothing = {"tmp": [], "shm": [], "code": ["code.py"], "shared": -1, "messages": -1, "abstract": "ECONNREFUSED",
               "port": "ECONNREFUSED", "sockets": 0}
    world.create("hider", NEIGHBOUR)
    world.functions.invoke("hider", {"hide": hide})
    assert found(attacker(look)) == nothing
    # The same function later: another instance finds nothing of the one before.
    found(attacker(hide + "\nfound = 1"))
    assert found(attacker(look))["tmp"] == ["hidden"]
    world.api.update_function_configuration(FunctionName="attacker", Environment={"Variables": {"ROUND": "2"}})
    world.api.get_waiter("function_updated_v2").wait(FunctionName="attacker")
    assert found(attacker(look)) == nothing


def test_a_function_cannot_change_its_own_code_nor_what_others_share_with_it(world, attacker):
    answer = found(attacker("""
found = {}
for path in ("/var/task/code.py", "/var/runtime/bootstrap.py", "/etc/passwd", "/etc/resolv.conf",
             "/usr/bin/python3", "/etc/ssl/certs/ca-certificates.crt", os.environ.get("AWS_CA_BUNDLE", "/etc/hosts")):
    found["write " + path] = tried(lambda: os.close(os.open(path, os.O_WRONLY)))
    found["chmod " + path] = tried(lambda: os.chmod(path, 0o777))
    found["unlink " + path] = tried(lambda: os.unlink(path))
    found["new beside " + path] = tried(lambda: os.close(os.open(path + ".new", os.O_CREAT | os.O_WRONLY)))
found["link"] = tried(lambda: os.link("/usr/bin/python3", "/tmp/linked"))
"""))
    assert {what: result for what, result in answer.items()
            if result not in ("EROFS", "EACCES", "EPERM", "EXDEV", "ENOENT")} == {}
