#!/usr/bin/env python3
"""Builds one set of images into an OCI image layout. Called by ./build, which brings the inputs.

    make_images.py SET --out LAYOUT [--busybox PATH] --tree DIR

SET is quickstart, conformance, kubelet, examples, big or giant. The tree holds unpacked Debian packages;
that of the set kubelet holds what ../kubelet/workload/build made.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile

from layers import GiantLayer, Layer, Layout, spread

HERE = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
SHELL = {**ENVIRONMENT, "Cmd": ["sh"]}
PASSWD = """root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nginx:x:101:101:nginx:/var/cache/nginx:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""
GROUP = """root:x:0:
daemon:x:1:
www-data:x:33:
nginx:x:101:
nogroup:x:65534:
"""
# what the specs of critest run
APPLETS = "sh ls top sleep pgrep pidof ipcs ping netstat brctl id hostname mount touch seq cat chmod grep httpd true".split()
PAGE = b"""<!doctype html>
<title>molo</title>
<p>nginx in a pod that molo runs says hello.</p>
"""


def busybox_layer(path, required=()):
    applets = subprocess.run([path, "--list"], check=True, capture_output=True, text=True).stdout.split()
    missing = sorted(set(required) - set(applets))
    if missing:
        sys.exit(f"make_images.py: {path} lacks the applets {' '.join(missing)}, which the suite runs")
    layer = Layer()
    for d in "bin dev etc home proc run sbin sys usr/bin usr/sbin var/lib var/run var/spool var/www".split():
        layer.dir(d)
    layer.dir("root", 0o700).dir("tmp", 0o1777)
    layer.host_file(path, "bin/busybox", 0o755)
    for applet in sorted(set(applets) - {"busybox"}):
        layer.hardlink("bin/" + applet, "bin/busybox")
    layer.add("etc/passwd", PASSWD.encode()).add("etc/group", GROUP.encode())
    layer.add("etc/shadow", b"root:*:::::::\n", 0o640).add("etc/nsswitch.conf", b"passwd: files\ngroup: files\n")
    return layer


def compile_c(name, *flags):
    out = os.path.join(tempfile.mkdtemp(), name)
    subprocess.run(["cc", *flags, "-Os", "-s", "-o", out, os.path.join(HERE, name + ".c")], check=True)
    return out


def shared_libraries(tree, program):
    """(name, file) of the loader and of each library that a program of the tree needs, asked of the tree's own loader."""
    loader = os.path.realpath(os.path.join(tree, "lib64/ld-linux-x86-64.so.2"))
    folders = [os.path.join(tree, d, "x86_64-linux-gnu") for d in ("lib", "usr/lib")]
    text = subprocess.run([loader, "--library-path", ":".join(folders), "--list", os.path.join(tree, program)],
                          check=True, capture_output=True, text=True).stdout
    yield "lib64/ld-linux-x86-64.so.2", loader
    for line in text.splitlines():
        if " => " in line:
            name, file = line.split(" => ")
            yield "usr/lib/x86_64-linux-gnu/" + name.strip(), os.path.realpath(file.rsplit(" (", 1)[0])


def program_layer(tree, *programs):
    """Programs of the tree with the loader and the libraries that they need."""
    layer = Layer()
    for program in programs:
        layer.host_file(os.path.join(tree, program), program, 0o755)
        for path, file in shared_libraries(tree, program):
            layer.host_file(file, path, 0o755)
    return layer


def nginx_layer(tree, port):
    layer = program_layer(tree, "usr/sbin/nginx")
    for d in ("var/lib/nginx", "var/log/nginx", "var/cache/nginx"):
        layer.dir(d)
    layer.symlink("var/log/nginx/access.log", "/dev/stdout").symlink("var/log/nginx/error.log", "/dev/stderr")
    layer.add("usr/share/nginx/html/index.html", PAGE)
    layer.add("etc/nginx/nginx.conf", f"""user nginx;
worker_processes 1;
error_log /dev/stderr notice;
pid /var/run/nginx.pid;
events {{ worker_connections 64; }}
http {{
  access_log /dev/stdout;
  default_type text/html;
  include /etc/nginx/conf.d/*.conf;
}}
""".encode())
    layer.add("etc/nginx/conf.d/default.conf",
              f"server {{ listen {port}; location / {{ root /usr/share/nginx/html; index index.html; }} }}\n".encode())
    return layer


def nginx_config(port):
    return {**ENVIRONMENT, "Cmd": ["nginx", "-g", "daemon off;"], "ExposedPorts": {f"{port}/tcp": {}}, "StopSignal": "SIGQUIT"}


def quickstart_images(layout, busybox, tree):
    layout.image("library/nginx", ["stable", "latest"], [busybox_layer(busybox), nginx_layer(tree, 80)], nginx_config(80), "oci", index=False)


def conformance_images(layout, busybox, tree):
    """Stand-ins for what critest pulls, and the benchmark's workload. The README says what each must contain."""
    e2e, staging = "e2e-test-images/", "k8s-staging-cri-tools/"
    base = busybox_layer(busybox, APPLETS)
    pause = compile_c("pause", "-static", "-nostdlib", "-fno-stack-protector", "-fno-asynchronous-unwind-tables")

    # 3.9 is the one that specs pull and delete, so it must not be a runtime's own sandbox image
    for tag in ("3.9", "3.10", "3.10.1", "3.10.2"):
        layout.image("pause", [tag], [Layer().host_file(pause, "pause", 0o755)],
                     {**ENVIRONMENT, "Entrypoint": ["/pause"], "User": "65535:65535", "Labels": {"stand-in": tag}})
    layout.image(e2e + "busybox", ["1.29-2"], [base], SHELL)
    layout.image("library/busybox", ["latest"], [base], SHELL, "oci")
    layout.image(e2e + "nginx", ["1.14-2"], [base, nginx_layer(tree, 80)], nginx_config(80))
    layout.image("library/nginx", ["stable", "latest"], [base, nginx_layer(tree, 80)], nginx_config(80), "oci")
    layout.image(staging + "hostnet-nginx-amd64", ["latest"], [base, nginx_layer(tree, 12003)], nginx_config(12003))
    layout.image(e2e + "httpd", ["2.4.39-4"], [base, Layer().add("www/index.html", b"<p>ok</p>\n")],
                 {**ENVIRONMENT, "Cmd": ["sh", "-c", "echo httpd: serving on port 80; exec httpd -f -p 80 -h /www"],
                  "ExposedPorts": {"80/tcp": {}}})
    layout.image(e2e + "nonewprivs", ["1.3"], [Layer().host_file(compile_c("nnp", "-static"), "nnp", 0o4755)],
                 {**ENVIRONMENT, "Entrypoint": ["/nnp"]})

    for name, user in (("uid", "1002"), ("username", "www-data"), ("uid-group", "1003:1004"), ("username-group", "www-data:1004")):
        layout.image(staging + "test-image-user-" + name, ["latest"], [base], {**SHELL, "User": user}, "oci")
    grouped = Layer().add("etc/passwd", (PASSWD + "default-user:x:1000:1000::/home/default-user:/bin/sh\n").encode())
    grouped.add("etc/group", (GROUP + "default-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n").encode())
    layout.image(staging + "test-image-predefined-group", ["latest"], [base, grouped], {**SHELL, "User": "1000"}, "oci")
    for name in ("test-image-1", "test-image-2", "test-image-3", "test-image-latest"):
        layout.image(staging + name, ["latest"], [base, Layer().add(name)], SHELL, "oci")
    # pulled by a digest: a plain manifest has just one
    layout.image(staging + "test-image-digest", ["latest"], [base, Layer().add("test-image-digest")], SHELL, "oci", index=False)
    layout.image(staging + "test-image-tags", ["1", "2", "3"], [base, Layer().add("same-image")], SHELL, "oci")
    for tag in ("test", "all"):
        layout.image(staging + "test-image-tag", [tag], [base, Layer().add(tag)], SHELL, "oci")

    # the benchmark's workload obeys SIGTERM at once, so that StopContainer measures the runtime
    layout.image("bench/work", ["1"], [base, Layer().host_file(pause, "work", 0o755)], {**ENVIRONMENT, "Cmd": ["/work"]}, "oci", index=False)


def kubelet_images(layout, busybox, tree):
    """What the pods of the kubelet suite run."""
    base = busybox_layer(busybox, APPLETS)
    # tags other than latest: the kubelet asks the registry each time for that one
    layout.image("library/busybox", ["1.35"], [base], SHELL, "oci", index=False)
    layout.image("conformance/workload", ["1"], [base, Layer().host_file(os.path.join(tree, "workload"), "usr/bin/workload", 0o755)],
                 {**ENVIRONMENT, "Entrypoint": ["/usr/bin/workload"]}, "oci", index=False)
    # nobody runs it for long: for the garbage collection of images
    layout.image("conformance/unused", ["1"], [base, Layer().add("unused", b"x" * 4096)], SHELL, "oci", index=False)


def mariadb_layer(tree):
    layer = program_layer(tree, "usr/sbin/mariadbd", "usr/bin/mariadb", "usr/bin/mariadb-admin", "usr/bin/mariadb-slap",
                          "usr/bin/my_print_defaults", "usr/bin/resolveip")
    layer.host_file(os.path.join(tree, "usr/bin/mariadb-install-db"), "usr/bin/mariadb-install-db", 0o755)
    layer.host_tree(os.path.join(tree, "usr/share/mysql"), "usr/share/mysql")
    layer.host_file(os.path.join(HERE, "mariadb-entrypoint"), "usr/local/bin/docker-entrypoint.sh", 0o755)
    layer.add("etc/passwd", (PASSWD + "mysql:x:999:999::/var/lib/mysql:/bin/false\n").encode())
    layer.add("etc/group", (GROUP + "mysql:x:999:\n").encode())
    # 50 clients who come at once to a machine that stands still for ten seconds are not hung up on;
    # it reserves addresses for the largest buffer pool it may ever have: 8 TiB, which the guest's kernel has not
    layer.dir("etc/mysql/conf.d").add("etc/mysql/my.cnf", b"[mysqld]\nbind-address = *\nskip-name-resolve\nconnect-timeout = 120\nloose-innodb-buffer-pool-size-max = 1G\n"
                                      b"!includedir /etc/mysql/conf.d/\n")
    return layer.dir("var/lib/mysql", 0o755, 999, 999).dir("run/mysqld", 0o755, 999, 999)


def examples_images(layout, busybox, tree):
    """What docs/examples run, under the names that the public images have, and with their contract."""
    base = busybox_layer(busybox, APPLETS)
    layout.image("library/busybox", ["1.35"], [base], SHELL, "oci", index=False)
    layout.image("library/nginx", ["stable"], [base, nginx_layer(tree, 80)], nginx_config(80), "oci", index=False)
    layout.image("library/mariadb", ["10.11"], [base, mariadb_layer(tree)],
                 {**ENVIRONMENT, "Entrypoint": ["docker-entrypoint.sh"], "Cmd": ["mariadbd"], "Volumes": {"/var/lib/mysql": {}},
                  "ExposedPorts": {"3306/tcp": {}}}, "oci", index=False)
    perl = program_layer(tree, "usr/bin/perl")
    perl.host_tree(os.path.join(tree, "usr/lib/x86_64-linux-gnu/perl-base"), "usr/lib/x86_64-linux-gnu/perl-base")
    layout.image("library/perl", ["5.36-slim"], [base, perl], {**ENVIRONMENT, "Cmd": ["perl", "-de0"]}, "oci", index=False)


def big_images(layout, busybox, tree):
    """Ordinary distribution files, many small ones and some large, in six layers: for pulls."""
    parts = ("usr/share/go-1.19/src", "usr/lib/go-1.19", "usr/bin", "usr/lib/x86_64-linux-gnu",
             "usr/lib/gcc usr/include usr/libexec", "usr/share/perl usr/share/go-1.19/test")
    layers = []
    for part in parts:
        layer = Layer()
        for path in part.split():
            if os.path.isdir(os.path.join(tree, path)):
                layer.host_tree(os.path.join(tree, path), "data/" + path)
        if not layer.entries:
            sys.exit(f"make_images.py: {tree} has none of {part}")
        layers.append(layer)
    layout.image("bench/big", ["1"], layers, SHELL, "oci", index=False)
    layout.image("bench/big", ["zstd"], layers, SHELL, "oci", index=False, compression="zstd")
    # shares all but its last layer with the first
    last = Layer().add("data/changed", b"the only difference")
    last.entries.update(layers[-1].entries)
    layout.image("bench/big", ["2"], [*layers[:-1], last], SHELL, "oci", index=False)
    layout.image("bench/small", ["1"], spread(layers[:2], 40), SHELL, "oci", index=False)
    for i, part in enumerate(spread(layers, 8)):
        layout.image("bench/part", [str(i + 1)], [part], SHELL, "oci", index=False)


def giant_images(layout, busybox, tree):
    """One file of 4 GB of zeros, one of 2 GB that nothing can compress: for the daemon's memory."""
    zeros = bytes(1 << 24)
    layout.giant_image("bench/zeros", ["1"], GiantLayer("zeros", 256, 1 << 24, lambda i: zeros, 1), SHELL)

    def noise(i):
        return hashlib.shake_128(b"noise %d" % i).digest(1 << 24)

    layout.giant_image("bench/noise", ["1"], GiantLayer("noise", 128, 1 << 24, noise, 0), SHELL)


SETS = {"quickstart": quickstart_images, "conformance": conformance_images, "kubelet": kubelet_images,
        "examples": examples_images, "big": big_images, "giant": giant_images}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("set", choices=sorted(SETS))
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--busybox")
    arguments.add_argument("--tree", required=True)
    given = arguments.parse_args()
    layout = Layout(given.out)
    SETS[given.set](layout, given.busybox, given.tree)
    layout.close()


if __name__ == "__main__":
    main()
