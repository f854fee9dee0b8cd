#!/usr/bin/env python3
"""Asks the real flytekit how it finds secrets, so that our runtime can be compared with it.

Run it with an interpreter that has flytekit (`cargo xtask test` names one in KEYBEARER_TEST_PYTHON):

    $KEYBEARER_TEST_PYTHON xtask/python/flytekit_names.py < questions.jsonl > answers.jsonl

One JSON object per line goes in, one comes out, in the same order; empty lines are skipped. The process answers
until its standard input ends, and flushes after each answer, so it can be asked in bulk or one by one.

A question, with all its fields optional:

    {"group": "user-info",          name parts, as given to flytekit; null (or left out) is None
     "key": "user_secret",
     "group_version": null,
     "encode_mode": "r",            "r" (text) or "rb" (bytes), for `get`
     "env": {"NAME": "value"},      the whole environment, besides HOME; "{dir}" in a value is the directory below
     "files": {"user-info/user_secret": "value", "x": {"base64": "/w=="}},
                                    files to put there first; paths are relative to the directory
     "dir": "/some/where",          a directory to use as it stands; without it each question gets a fresh, empty
                                    one, and answers spell it "{dir}"
     "mode": "LOCAL_TASK_EXECUTION"}
                                    a name of flytekit's ExecutionState.Mode; null: outside of any execution, as
                                    `import flytekit` leaves things (not a local execution for flytekit: names
                                    without the prefix don't count); "NO_STATE": a context without a state

FLYTE_SECRETS_DEFAULT_DIR is set to the directory unless `env` has it.

Its answer:

    {"env_var": OUTCOME,            SecretsManager.get_secrets_env_var(group, key, group_version)
     "file": OUTCOME,               SecretsManager.get_secrets_file(group, key, group_version)
     "get": OUTCOME}                SecretsManager.get(group, key, group_version, encode_mode)

OUTCOME is one of

    {"ok": "text"}                  what it returned
    {"ok_base64": "/w=="}           the same, where it returned bytes
    {"error": "ValueError", "message": "..."}   what it raised

A question that can't be asked is answered {"invalid": "why"}, such as a variable whose name holds "=".

Text travels as JSON strings. An environment value that is not UTF-8 can't be asked for; a file's can, by base64.
"""

import base64
import dataclasses
import json
import os
import pathlib
import sys
import tempfile

from flytekit.core.context_manager import ExecutionState, FlyteContextManager, SecretsManager

PLACEHOLDER = "{dir}"


def main():
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answer(line)), flush=True)


def answer(line):
    try:
        question = json.loads(line)
        directory = question.get("dir")
        if directory is not None:
            return ask(question, directory)
        with tempfile.TemporaryDirectory() as fresh:
            fresh = os.path.realpath(fresh)
            return spelled(ask(question, fresh), fresh)
    except (AttributeError, OSError, TypeError, ValueError) as error:
        return {"invalid": f"{type(error).__name__}: {error}"}


def ask(question, directory):
    for path, content in question.get("files", {}).items():
        write(directory, path, content)
    names = {part: question.get(part) for part in ("group", "key", "group_version")}
    mode = question.get("encode_mode", "r")
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "FLYTE_SECRETS_DEFAULT_DIR": directory}
        given = {name: value.replace(PLACEHOLDER, directory) for name, value in question.get("env", {}).items()}
        before = dict(os.environ)
        os.environ.clear()
        try:
            os.environ.update(environment | given)
            with execution(question.get("mode")):
                manager = SecretsManager()
                return {
                    "env_var": outcome(lambda: manager.get_secrets_env_var(**names)),
                    "file": outcome(lambda: manager.get_secrets_file(**names)),
                    "get": outcome(lambda: manager.get(**names, encode_mode=mode)),
                }
        finally:
            os.environ.clear()
            os.environ.update(before)


def write(directory, name, content):
    path = pathlib.Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"a file outside of the directory: {name}")
    path = pathlib.Path(directory, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(content["base64"]) if isinstance(content, dict) else content.encode())


def execution(mode):
    context = FlyteContextManager.current_context()
    if mode is None:
        return FlyteContextManager.with_context(context.new_builder())
    if mode == "NO_STATE":
        return FlyteContextManager.with_context(dataclasses.replace(context.new_builder(), execution_state=None))
    if mode not in ExecutionState.Mode.__members__:
        raise ValueError(f"flytekit has no mode {mode}")
    state = context.new_execution_state().with_params(mode=ExecutionState.Mode[mode])
    return FlyteContextManager.with_context(context.with_execution_state(state))


def outcome(call):
    try:
        value = call()
    except Exception as error:  # whatever flytekit raises is its answer
        return {"error": type(error).__name__, "message": str(error)}
    if isinstance(value, bytes):
        return {"ok_base64": base64.b64encode(value).decode()}
    return {"ok": value}


def spelled(value, directory):
    """The same answer, with the directory's placeholder in place of its name."""
    if isinstance(value, dict):
        return {name: spelled(part, directory) for name, part in value.items()}
    return value.replace(directory, PLACEHOLDER) if isinstance(value, str) else value


if __name__ == "__main__":
    main()
