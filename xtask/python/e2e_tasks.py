"""Tasks as a user of flytekit writes them. `flytekit_image.py` puts this file into an image; a cluster starts them."""

from flytekit import Secret, current_context, task

VARIABLE = Secret(group="user-info", key="user_secret", mount_requirement=Secret.MountType.ENV_VAR)
FILE = Secret(group="db", key="ca.crt", mount_requirement=Secret.MountType.FILE)
MISSING = Secret(group="nowhere", key="token", mount_requirement=Secret.MountType.FILE)


@task(secret_requests=[VARIABLE, FILE])
def reads():
    secrets = current_context().secrets
    print("variable:", secrets.get("user-info", "user_secret"))
    print("file:", secrets.get("db", "ca.crt"))


@task(secret_requests=[MISSING])
def misses():
    print("found:", current_context().secrets.get("nowhere", "token"))
