"""Layers and images made from files: what a tar layer holds, and an OCI image layout that collects images.

Output depends on the inputs only: entries are sorted, owned by who they say, and have mtime 0.
Only the standard library is used, and the program zstd for layers of that kind.
"""

import gzip
import hashlib
import io
import json
import os
import stat
import subprocess
import tarfile
import zlib

MEDIA_TYPES = {
    "oci": {
        "index": "application/vnd.oci.image.index.v1+json",
        "manifest": "application/vnd.oci.image.manifest.v1+json",
        "config": "application/vnd.oci.image.config.v1+json",
        "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
        "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
    },
    "docker": {
        "index": "application/vnd.docker.distribution.manifest.list.v2+json",
        "manifest": "application/vnd.docker.distribution.manifest.v2+json",
        "config": "application/vnd.docker.container.image.v1+json",
        "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    },
}
REF_NAME = "org.opencontainers.image.ref.name"
EPOCH = "1970-01-01T00:00:00Z"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical(document):
    return json.dumps(document, sort_keys=True).encode()


class Layer:
    """A tar layer assembled in memory."""

    def __init__(self):
        self.entries = {}
        self._tar = None
        self._built = {}

    def add(self, path, data=b"", mode=0o644, uid=0, gid=0, kind=tarfile.REGTYPE, link=""):
        path = path.lstrip("/")
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.dir(parent)
        self.entries[path] = (kind, mode, uid, gid, data, link)
        return self

    def dir(self, path, mode=0o755, uid=0, gid=0):
        return self.add(path, mode=mode, uid=uid, gid=gid, kind=tarfile.DIRTYPE)

    def symlink(self, path, target):
        return self.add(path, mode=0o777, kind=tarfile.SYMTYPE, link=target)

    def hardlink(self, path, target):
        return self.add(path, mode=0o755, kind=tarfile.LNKTYPE, link=target.lstrip("/"))

    def host_file(self, source, path, mode=None):
        with open(source, "rb") as f:
            data = f.read()
        return self.add(path, data, stat.S_IMODE(os.stat(source).st_mode) if mode is None else mode)

    def host_tree(self, source, path):
        for base, dirs, files in os.walk(source):
            dirs.sort()
            at = os.path.normpath(os.path.join(path, os.path.relpath(base, source)))
            self.dir(at)
            for name in sorted(files):
                file = os.path.join(base, name)
                if os.path.islink(file):
                    self.symlink(os.path.join(at, name), os.readlink(file))
                elif os.path.isfile(file):
                    self.host_file(file, os.path.join(at, name))
        return self

    def build(self, compression="layer"):
        """Returns (diffID, compressed bytes, size of the tar)."""
        if compression not in self._built:
            tar_bytes = self.tar()
            if compression == "zstd":
                packed = subprocess.run(["zstd", "-3", "-q", "-c"], input=tar_bytes, check=True, capture_output=True).stdout
            else:
                packed = gzip.compress(tar_bytes, 6, mtime=0)
            self._built[compression] = sha256(tar_bytes), packed, len(tar_bytes)
        return self._built[compression]

    def tar(self):
        if self._tar is None:
            raw = io.BytesIO()
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
                # hard links last, so that their targets exist
                for path in sorted(self.entries, key=lambda p: (self.entries[p][0] == tarfile.LNKTYPE, p)):
                    kind, mode, uid, gid, data, link = self.entries[path]
                    entry = tarfile.TarInfo(path)
                    entry.type, entry.mode, entry.uid, entry.gid, entry.mtime = kind, mode, uid, gid, 0
                    entry.linkname = link
                    entry.size = len(data) if kind == tarfile.REGTYPE else 0
                    tar.addfile(entry, io.BytesIO(data) if entry.size else None)
            self._tar = raw.getvalue()
        return self._tar


def spread(layers, count):
    """The files of some layers dealt out to so many others."""
    dealt = [Layer() for _ in range(count)]
    files = sorted((path, entry) for layer in layers for path, entry in layer.entries.items() if entry[0] != tarfile.DIRTYPE)
    for i, (path, (kind, mode, uid, gid, data, link)) in enumerate(files):
        dealt[i % count].add(path, data, mode, uid, gid, kind, link)
    return dealt


class GiantLayer:
    """One file that is too big to be held: written as it is made, by pieces."""

    def __init__(self, name, pieces, piece_bytes, piece, level):
        self.name, self.pieces, self.piece_bytes, self.piece, self.level = name, pieces, piece_bytes, piece, level

    def write(self, file):
        """Writes the gzip stream; returns (diffID, digest, bytes written, size of the tar)."""
        packer = zlib.compressobj(self.level, zlib.DEFLATED, 31)
        plain, packed, counts = hashlib.sha256(), hashlib.sha256(), [0, 0]

        def out(data):
            file.write(data)
            packed.update(data)
            counts[1] += len(data)

        def put(data):
            plain.update(data)
            counts[0] += len(data)
            out(packer.compress(data))

        entry = tarfile.TarInfo(self.name)
        entry.size, entry.mode = self.pieces * self.piece_bytes, 0o644
        put(entry.tobuf(tarfile.PAX_FORMAT))
        for i in range(self.pieces):
            put(self.piece(i))
        put(bytes(1024))
        out(packer.flush())
        return "sha256:" + plain.hexdigest(), "sha256:" + packed.hexdigest(), counts[1], counts[0]


class Layout:
    """An OCI image layout on disk. Its index names each image REPOSITORY:TAG, without a registry's host."""

    def __init__(self, path):
        self.path = path
        self.manifests = []
        os.makedirs(os.path.join(path, "blobs", "sha256"), exist_ok=True)

    def blob(self, data, media_type):
        digest = sha256(data)
        with open(os.path.join(self.path, "blobs", *digest.split(":")), "wb") as f:
            f.write(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def image(self, repository, tags, layers, config, dialect="docker", index=True, compression="layer"):
        """Adds one image under several tags; behind an index for amd64 and arm64, or as a plain manifest."""
        types = MEDIA_TYPES[dialect]
        built = [layer.build(compression) for layer in layers]
        descriptors = [self.blob(data, types[compression]) for _, data, _ in built]
        return self.described(repository, tags, [(diff_id, size) for diff_id, _, size in built], descriptors, config, types, index)

    def giant_image(self, repository, tags, layer, config):
        """Adds an image of one layer that is never held in memory."""
        types = MEDIA_TYPES["oci"]
        folder = os.path.join(self.path, "blobs", "sha256")
        with open(os.path.join(folder, "giant"), "wb") as f:
            diff_id, digest, packed, size = layer.write(f)
        os.rename(os.path.join(folder, "giant"), os.path.join(folder, digest.split(":")[1]))
        descriptor = {"mediaType": types["layer"], "digest": digest, "size": packed}
        return self.described(repository, tags, [(diff_id, size)], [descriptor], config, types, False)

    def described(self, repository, tags, built, descriptors, config, types, index):
        manifests = []
        for architecture in ("amd64", "arm64") if index else ("amd64",):
            document = canonical({
                "architecture": architecture, "os": "linux", "created": EPOCH, "config": config,
                "rootfs": {"type": "layers", "diff_ids": [diff_id for diff_id, _ in built]},
                "history": [{"created": EPOCH, "created_by": "molo conformance/images"} for _ in built],
            })
            manifest = self.blob(canonical({
                "schemaVersion": 2, "mediaType": types["manifest"],
                "config": self.blob(document, types["config"]), "layers": descriptors,
            }), types["manifest"])
            manifests.append({**manifest, "platform": {"architecture": architecture, "os": "linux"}})
        top = manifests[0]
        if index:
            top = self.blob(canonical({"schemaVersion": 2, "mediaType": types["index"], "manifests": manifests}), types["index"])
        for tag in tags:
            entry = {key: top[key] for key in ("mediaType", "digest", "size")}
            self.manifests.append({**entry, "annotations": {REF_NAME: f"{repository}:{tag}"}})
        compressed, unpacked = sum(d["size"] for d in descriptors), sum(size for _, size in built)
        print(f"{repository}:{','.join(tags)} {top['digest'][:19]} {len(built)} layer(s), "
              f"{compressed / 1e6:.1f} MB, {unpacked / 1e6:.1f} MB unpacked", flush=True)
        return top["digest"]

    def close(self):
        with open(os.path.join(self.path, "index.json"), "wb") as f:
            f.write(canonical({"schemaVersion": 2, "mediaType": MEDIA_TYPES["oci"]["index"], "manifests": self.manifests}))
        with open(os.path.join(self.path, "oci-layout"), "wb") as f:
            f.write(canonical({"imageLayoutVersion": "1.0.0"}))


def read_member(layout, name):
    """A file of a layout, which is a folder or a tar of one."""
    if os.path.isdir(layout):
        with open(os.path.join(layout, name), "rb") as f:
            return f.read()
    with tarfile.open(layout) as tar:
        return tar.extractfile(name).read()


def read_index(layout):
    return json.loads(read_member(layout, "index.json"))["manifests"]


def read_blob(layout, digest):
    data = read_member(layout, "blobs/" + digest.replace(":", "/"))
    if sha256(data) != digest:
        raise ValueError(f"{layout}: what is kept as blob {digest} is something else; delete it and build again")
    return data


def references(manifest):
    """The descriptors that a manifest or an index points to."""
    return manifest.get("manifests", []) + ([manifest["config"]] if "config" in manifest else []) + manifest.get("layers", [])
