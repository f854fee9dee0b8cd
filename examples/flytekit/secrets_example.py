"""Three tasks that ask for secrets, each in another way, and a workflow of the three.

Package them, as you would for a cluster:

    pyflyte --pkgs secrets_example package --image my-image:v1

Run all of it in this process, with secrets made up for it:

    python secrets_example.py
"""

import os
from typing import Tuple

from flytekit import Secret, current_context, task, workflow
from flytekit.testing import SecretsManager

GROUP = "user-info"
SECRET = "user_secret"
USERNAME, PASSWORD = "username", "password"
DATABASE = "user_database"


@task(secret_requests=[Secret(group=GROUP, key=SECRET)])
def one_secret() -> str:
    """One secret, however the platform gives it."""
    return current_context().secrets.get(GROUP, SECRET)


@task(secret_requests=[Secret(group=GROUP, key=USERNAME), Secret(group=GROUP, key=PASSWORD)])
def two_keys_of_a_group() -> Tuple[str, str]:
    """Two keys of one group."""
    secrets = current_context().secrets
    return secrets.get(GROUP, USERNAME), secrets.get(GROUP, PASSWORD)


@task(secret_requests=[Secret(group=GROUP, key=DATABASE, mount_requirement=Secret.MountType.ENV_VAR)])
def as_a_variable() -> Tuple[str, str]:
    """A secret that must be a variable: where its file would be, and its value."""
    secrets = current_context().secrets
    return secrets.get_secrets_file(GROUP, DATABASE), secrets.get(GROUP, DATABASE)


@workflow
def all_secrets() -> Tuple[str, str, str, str, str]:
    """What the three tasks return."""
    secret = one_secret()
    username, password = two_keys_of_a_group()
    path, value = as_a_variable()
    return secret, username, password, path, value


if __name__ == "__main__":
    manager = SecretsManager()
    values = {SECRET: "open-sesame", USERNAME: "ali", PASSWORD: "forty", DATABASE: "postgres://cave"}
    for key, value in values.items():
        os.environ[manager.get_secrets_env_var(GROUP, key)] = value

    secret, username, password, path, value = all_secrets()

    assert secret == values[SECRET]
    assert username == values[USERNAME]
    assert password == values[PASSWORD]
    assert path == manager.get_secrets_file(GROUP, DATABASE)
    assert value == values[DATABASE]
    print(f"all five are right; the file would be {path}")
