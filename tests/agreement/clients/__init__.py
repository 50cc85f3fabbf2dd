# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The clients, one a file: how it is started, how its own word is read, and its rows."""
import importlib
import pkgutil

from client import Client


def groups():
    """Every group of rows that share a client and a lab: name -> class."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        for one in vars(importlib.import_module(f"clients.{module.name}")).values():
            if isinstance(one, type) and issubclass(one, Client) and one.group:
                found[one.group] = one
    return dict(sorted(found.items()))
