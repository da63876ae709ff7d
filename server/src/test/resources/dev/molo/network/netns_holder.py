"""Holds network namespaces for a test, as pod supervisors do, and speaks from inside them.

A line on stdin is a command, a line on stdout its answer: "ok ..." or "no REASON".
  new              a namespace with loopback up: "ok NSFD NETLINKFD"
  connect NS A P S TCP to A port P from inside within S seconds: "ok LOCALADDRESS"
  from NS          who connected to port 4000 inside, one a call: "ok ADDRESS"
  sysctl NS K V    write /proc/sys/K inside
  close NS         let it go
It ends with stdin.
"""
import ctypes, fcntl, os, select, socket, struct, sys

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
held = {}


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def inside(ns, work):
    check(libc.setns(ns, CLONE_NEWNET))
    try:
        return work()
    finally:
        check(libc.setns(home, CLONE_NEWNET))


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 1 | 64))  # SIOCSIFFLAGS


def listener():
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", 4000))
    s.listen(64)
    return s


def new():
    check(libc.unshare(CLONE_NEWNET))
    try:
        loopback_up()
        ns = os.open("/proc/self/ns/net", os.O_RDONLY)
        held[ns] = (socket.socket(16, socket.SOCK_RAW, 0), listener())
        return f"{ns} {held[ns][0].fileno()}"
    finally:
        check(libc.setns(home, CLONE_NEWNET))


def connect(ns, address, port, seconds):
    def work():
        with socket.create_connection((address, int(port)), int(seconds)) as s:
            return s.getsockname()[0]

    return inside(int(ns), work)


def accepted(ns):
    ready, _, _ = select.select([held[int(ns)][1]], [], [], 60.0)
    if not ready:
        raise OSError("nobody connected")
    s, peer = held[int(ns)][1].accept()
    s.close()
    return peer[0].removeprefix("::ffff:")


def sysctl(ns, key, value):
    def work():
        with open("/proc/sys/" + key, "w") as f:
            f.write(value)
        return ""

    return inside(int(ns), work)


def close(ns):
    for s in held.pop(int(ns)):
        s.close()
    os.close(int(ns))
    return ""


verbs = {"new": new, "connect": connect, "from": accepted, "sysctl": sysctl, "close": close}
for line in sys.stdin:
    words = line.split()
    try:
        print("ok", verbs[words[0]](*words[1:]), flush=True)
    except (OSError, KeyError, ValueError) as e:
        print("no", e, flush=True)
