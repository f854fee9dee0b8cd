"""Tasks that go well, and tasks that go wrong, for the tests of `keybearer run PACKAGE`."""

import os
import subprocess
import sys
import time
from typing import List, Tuple

from flytekit import PodTemplate, Secret, current_context, task
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile
from kubernetes.client import V1Container, V1EnvVar, V1PodSpec


@task
def plus(a: int, b: int = 4) -> int:
    """Adds, and prints to both streams."""
    print("printed to stdout")
    print("printed to stderr", file=sys.stderr)
    return a + b


@task
def several(names: List[str], real: float) -> dict:
    return {"names": names, "real": real, "folder": os.getcwd(), "temporary": os.environ["TMPDIR"]}


@task
def nothing():
    pass


@task
def writes(text: str) -> FlyteFile:
    path = os.path.join(current_context().working_directory, "text.txt")
    with open(path, "w") as file:
        file.write(text)
    return FlyteFile(path)


@task
def reads(files: List[FlyteFile], folder: FlyteDirectory) -> str:
    return ", ".join([open(file).read() for file in files] + sorted(os.listdir(folder)))


@task
def ten() -> Tuple[int, int, int, int, int, int, int, int, int, int, int]:
    return 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10


@task
def forgetful() -> str:
    """It did not ask for the secret."""
    return current_context().secrets.get("group", "key")


@task(secret_requests=[Secret(group="group", key="key")])
def tells(how: str) -> str:
    """Does with its secret what it should not."""
    value = current_context().secrets.get("group", "key")
    if how == "print":
        print("it is", value)
    if how == "raise":
        raise ValueError("it is " + value)
    if how == "return":
        return value
    return str(len(value))


@task
def exits(code: int) -> str:
    os._exit(code)
    return ""


PRIMARY = V1Container(name="primary", env=[V1EnvVar(name="OWN", value="its own")])


@task(
    secret_requests=[Secret(group="group", key="key", mount_requirement=Secret.MountType.FILE)],
    pod_template=PodTemplate(primary_container_name="primary", pod_spec=V1PodSpec(containers=[PRIMARY])),
)
def in_a_pod() -> str:
    return os.environ["OWN"] + " " + current_context().secrets.get("group", "key")


@task(secret_requests=[Secret(group="group", key="key", mount_requirement=Secret.MountType.FILE)])
def hangs() -> str:
    """Leaves what it could leave: a process, a temporary file with the secret in it, and no end."""
    value = current_context().secrets.get("group", "key")
    with open(os.path.join(os.environ["TMPDIR"], "copy"), "w") as file:
        file.write(value)
    subprocess.Popen(["sleep", "1000"], env={"MARK": os.environ["PYTHONPATH"]}, start_new_session=True)
    print("hanging")
    time.sleep(1000)
    return ""
