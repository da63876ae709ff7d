"""Applies layers one upon the other with GNU tar: apply_layers.py FOLDER LAYER ...

What the OCI image-spec (layer.md) says, in order: a layer's whiteouts take away what the layers before it brought, then its
own entries come. GNU tar does all the unpacking.
"""

import os
import shutil
import subprocess
import sys
import tarfile


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


root, *layers = sys.argv[1:]
for layer in layers:
    with tarfile.open(layer) as tar:
        entries = tar.getmembers()
    for entry in entries:
        folder, name = os.path.split(os.path.normpath(entry.name))
        at = os.path.join(root, folder)
        if name == ".wh..wh..opq":
            for child in os.listdir(at) if os.path.isdir(at) else []:
                remove(os.path.join(at, child))
        elif name.startswith(".wh."):
            remove(os.path.join(at, name[len(".wh."):]))
    for entry in entries:
        at = os.path.join(root, os.path.normpath(entry.name))
        # a directory takes no other kind's place by itself, nor the other way round
        if os.path.lexists(at) and entry.isdir() != (os.path.isdir(at) and not os.path.islink(at)):
            remove(at)
        if entry.isdir() and os.path.lexists(at):
            # nor does it lose the attributes that it had
            for attribute in os.listxattr(at):
                os.removexattr(at, attribute)
    subprocess.run(["tar", "--numeric-owner", "--same-owner", "-p", "--xattrs", "--xattrs-include=*", "--exclude=.wh.*",
                    "--delay-directory-restore", "-C", root, "-xf", layer], check=True)
