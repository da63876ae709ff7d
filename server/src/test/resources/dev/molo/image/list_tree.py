"""Prints all that can be seen of a tree, one line for each file: list_tree.py FOLDER

Names, kinds, modes, owners, times in ns, sizes and contents, targets of links, device numbers, extended attributes but for
overlayfs's own, and which names are one file. The number of links is left out: overlayfs counts those that are hidden.
"""

import hashlib
import os
import stat
import sys

first_names = {}


def describe(path, shown):
    s = os.lstat(path)
    facts = [repr(shown), "%o" % s.st_mode, "%d:%d" % (s.st_uid, s.st_gid), str(s.st_mtime_ns)]
    if stat.S_ISREG(s.st_mode):
        with open(path, "rb") as file:
            facts += [str(s.st_size), hashlib.sha256(file.read()).hexdigest()]
    if stat.S_ISLNK(s.st_mode):
        facts.append(repr(os.readlink(path)))
    if stat.S_ISCHR(s.st_mode) or stat.S_ISBLK(s.st_mode):
        facts.append("%d,%d" % (os.major(s.st_rdev), os.minor(s.st_rdev)))
    if not stat.S_ISDIR(s.st_mode):
        facts.append("is " + repr(first_names.setdefault((s.st_dev, s.st_ino), shown)))
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        if not name.startswith("trusted.overlay."):
            facts.append(name + "=" + os.getxattr(path, name, follow_symlinks=False).hex())
    print(*facts)
    if stat.S_ISDIR(s.st_mode):
        for name in sorted(os.listdir(path)):
            describe(os.path.join(path, name), os.path.join(shown, name))


describe(os.fsencode(sys.argv[1]), b".")
