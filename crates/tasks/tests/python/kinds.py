"""Tasks of every kind that the tests need, packaged by the real `pyflyte`."""

import datetime
import enum
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple, Union

from flytekit import ContainerTask, Resources, Secret, current_context, kwtypes, task, workflow
from flytekit.configuration import SerializationSettings
from flytekit.core.python_function_task import PythonFunctionTask
from flytekit.extend import TaskPlugins
from flytekit.models.task import K8sObjectMetadata, K8sPod
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


@dataclass
class Point:
    x: int
    y: float
    name: str = "here"


@task(
    secret_requests=[
        Secret(group="db", key="password"),
        Secret(group="db", group_version="2", key="ca.crt", mount_requirement=Secret.MountType.FILE, env_var="CA"),
        Secret(group="arn:aws:x/y", mount_requirement=Secret.MountType.ENV_VAR),
    ],
    environment={"MODE": "fast", "FLYTE_ATTEMPT_NUMBER": "mine"},
    requests=Resources(cpu="500m", mem="1Gi"),
    limits=Resources(mem="2Gi", gpu="1"),
    shared_memory=True,
    labels={"team": "a", "project": "mine"},
    annotations={"note": "b"},
    retries=2,
    interruptible=True,
)
def everything(
    whole: int,
    real: float,
    text: str,
    yes: bool,
    at: datetime.datetime,
    long: datetime.timedelta,
    colour: Colour,
    maybe: Optional[str],
    either: Union[int, str],
    numbers: List[int],
    nested: Dict[str, List[float]],
    times: List[datetime.datetime],
    optional_numbers: Optional[List[int]],
    point: Point,
    points: List[Point],
    free: dict,
    file: FlyteFile,
    folder: FlyteDirectory,
) -> Tuple[
    int,
    float,
    str,
    bool,
    datetime.datetime,
    datetime.timedelta,
    Colour,
    Optional[str],
    Union[int, str],
    List[int],
    Dict[str, List[float]],
    Point,
    dict,
]:
    return whole, real, text, yes, at, long, colour, maybe, either, numbers, nested, point, free


@task
def context(greeting: str = "hello") -> Dict[str, str]:
    """What flytekit made of the variables and arguments."""
    of = current_context()
    return {
        "greeting": greeting,
        "execution": f"{of.execution_id.project}:{of.execution_id.domain}:{of.execution_id.name}",
        "task": f"{of.task_id.project}:{of.task_id.domain}:{of.task_id.name}:{of.task_id.version}",
        "raw": of.raw_output_prefix,
    }


@task
def failing(why: str) -> int:
    if why:
        raise ValueError(why)
    return 0


@task
def forgetful() -> str:
    return current_context().secrets.get("db", "password")


@task
def writes_a_file(content: str) -> Tuple[FlyteFile, None]:
    path = f"{current_context().working_directory}/written.txt"
    with open(path, "w") as file:
        file.write(content)
    return FlyteFile(path), None


class OwnPod:
    pass


class PodTask(PythonFunctionTask):
    """A pod as `PodTemplate` makes it, without the Kubernetes client that it needs."""

    def __init__(self, task_config: OwnPod, task_function, **kwargs):
        super().__init__(task_config, task_function, task_type="python-task", **kwargs)

    def get_container(self, settings: SerializationSettings):
        return None

    def get_k8s_pod(self, settings: SerializationSettings) -> K8sPod:
        container = super().get_container(settings)
        main = {
            "name": "main",
            "image": container.image,
            "args": container.args,
            "command": [],
            "env": [{"name": "OWN", "value": "1"}],
            "ports": [{"containerPort": 8080}],
        }
        beside = {"name": "beside", "image": "busybox:1", "command": ["echo", "{{.outputPrefix}}"]}
        first = {"name": "first", "image": "busybox:1", "resources": {"requests": {"cpu": 1.5}}}
        spec = {"initContainers": [first], "containers": [beside, main], "nodeSelector": {"disk": "fast"}}
        metadata = K8sObjectMetadata(labels={"team": "pods"}, annotations={"note": "own"})
        return K8sPod(metadata=metadata, pod_spec=spec)

    def get_config(self, settings: SerializationSettings) -> Dict[str, str]:
        return {"primary_container_name": "main"}


TaskPlugins.register_pythontask_plugin(OwnPod, PodTask)


@task(task_config=OwnPod(), secret_requests=[Secret(group="db", key="password")])
def in_a_pod(number: int) -> int:
    return number + 1


raw = ContainerTask(
    name="raw",
    image="alpine:3",
    command=["sh", "-c", "echo {{.inputs.number}} {{.Inputs.name}} $(printf '{{.State}}') > /var/outputs/sum"],
    inputs=kwtypes(number=int, name=str),
    outputs=kwtypes(sum=str),
    input_data_dir="/var/inputs",
    output_data_dir="/var/outputs",
    pod_template_name="of-the-cluster",
    secret_requests=[Secret(group="db", key="password")],
)


@workflow
def both(number: int) -> int:
    return in_a_pod(number=number)
