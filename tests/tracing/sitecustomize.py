"""Put on PYTHONPATH, it writes down which keys of params.yaml each DVC stage's process reads."""

import importlib.abc
import importlib.machinery
import json
import os
import sys


class Traced(dict):
    """A mapping that tells which of its leaves are asked for, and itself where it is gone through whole."""

    def __init__(self, content, key, record):
        super().__init__(content)
        self._key, self._record = key, record

    def _child(self, name, value):
        key = f"{self._key}.{name}" if self._key else str(name)
        if isinstance(value, dict) and name in self:
            return Traced(value, key, self._record)
        self._record(key)
        return value

    def __getitem__(self, name):
        return self._child(name, super().__getitem__(name))

    def get(self, name, default=None):
        return self._child(name, super().get(name, default))  # to find a key absent is to read it, too

    def _whole(self):
        self._record(self._key)

    def __iter__(self):
        self._whole()
        return super().__iter__()

    def items(self):
        self._whole()
        return super().items()

    def values(self):
        self._whole()
        return super().values()

    def keys(self):
        self._whole()
        return super().keys()


def record(key):
    line = json.dumps({"stage": os.environ["DVC_STAGE"], "key": key}) + "\n"
    with open(os.environ["PARAMS_TRACE"], "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(line)


def instrument(module):
    read, validate = module.read, module.validate

    def traced_read(path):
        content = read(path)
        return Traced(content, "", record) if path.name == "params.yaml" else content

    def traced_validate(value, kind, key, path):
        if isinstance(value, Traced):  # pydantic reads a mapping below Python, past what Traced can see
            record(key)
        return validate(value, kind, key, path)

    module.read, module.validate = traced_read, traced_validate


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname != "stages.core.parameters":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            instrument(module)

        spec.loader.exec_module = exec_module
        return spec


if os.environ.get("PARAMS_TRACE") and os.environ.get("DVC_STAGE"):
    sys.meta_path.insert(0, Finder())
