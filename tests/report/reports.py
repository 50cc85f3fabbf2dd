# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Reports of cases: what hctrace makes of a file of tests/cases in each format."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
# those that are no whole case are refused (tests/cases/broken-*), or reported in part
CASES = sorted(path.stem for path in (ROOT / "tests/cases").glob("*.case")
               if not path.stem.startswith("broken-"))
BROKEN = sorted(path.stem for path in (ROOT / "tests/cases").glob("broken-*.case"))
TIMEOUT_S = 60


class Reports:
    """Runs one hctrace; keeps what it made, so that tests can share it."""

    def __init__(self, hctrace, folder):
        self.hctrace = hctrace
        self.folder = pathlib.Path(folder)
        self._objects = {}

    def run(self, *arguments, **kwargs):
        """hctrace with ARGUMENTS, in the folder of the cases."""
        env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", COLUMNS="100")
        return subprocess.run([self.hctrace, *arguments], cwd=ROOT / "tests/cases", env=env,
                              capture_output=True, timeout=TIMEOUT_S, **kwargs)

    def file(self, case, form):
        """The path of CASE's report in FORM."""
        path = self.folder / f"{case}.{form}"
        if not path.exists():
            done = self.run("report", "--format", form, "-o", str(path), f"{case}.case")
            assert done.returncode in (0, 1, 4) and not done.stderr, done
        return path

    def objects(self, case):
        """The objects of CASE's JSON report."""
        if case not in self._objects:
            lines = self.file(case, "json").read_text().splitlines()
            self._objects[case] = [json.loads(line) for line in lines]
        return self._objects[case]

    def probes(self, case):
        return [o for o in self.objects(case) if o["type"] == "probe"]
