"""What flytekit itself says of `kinds.py`, so that the crate can be compared with it.

    python probe.py describe                 its tasks: a list in JSON
    python probe.py decode < questions       for each line, a JSON object {"task": NAME, "inputs": HEX of inputs.pb},
                                             one line {NAME: repr() of the value} as the task would see them
"""

import json
import sys

import kinds
from flyteidl.core.literals_pb2 import LiteralMap as Message
from flytekit import FlyteContextManager
from flytekit.core.base_task import Task
from flytekit.core.context_manager import FlyteEntities
from flytekit.core.type_engine import TypeEngine
from flytekit.models.literals import LiteralMap

TASKS = {entity.name: entity for entity in FlyteEntities.entities if isinstance(entity, Task)}


def describe(task: Task) -> dict:
    secrets = task.security_context.secrets if task.security_context else []
    return {
        "name": task.name,
        "kind": task.task_type,
        "secrets": [
            [s.group or "", s.group_version or "", s.key or "", s.mount_requirement.value, s.env_var or ""]
            for s in secrets
        ],
        "inputs": sorted(task.interface.inputs),
        "outputs": sorted(task.interface.outputs),
    }


def decode(question: dict) -> dict:
    task = TASKS[question["task"]]
    message = Message()
    message.ParseFromString(bytes.fromhex(question["inputs"]))
    values = TypeEngine.literal_map_to_kwargs(
        FlyteContextManager.current_context(),
        LiteralMap.from_flyte_idl(message),
        python_types=task.python_interface.inputs,
    )
    return {name: repr(value) for name, value in values.items()}


if sys.argv[1] == "describe":
    print(json.dumps([describe(task) for task in TASKS.values()]))
else:
    for line in sys.stdin:
        print(json.dumps(decode(json.loads(line))), flush=True)
