# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rule sets in their tool's own format, and where in them the rule stands that is to be named.

That rule, or the chain whose policy it is, ends with "<<<" in the text.  Its number follows from
its place in the text; its handle and its words are what the tool prints.
"""
import contextlib
import re
from dataclasses import dataclass

MARK = "<<<"
COUNTED = re.compile(r"counter packets \d+ bytes \d+")
# what a rule ends a packet's way with, in nft's syntax or iptables'
ENDS = re.compile(r"-j (DROP|REJECT|NFQUEUE)( --reject-with \S+| --queue-num \d+)?|"
                  r"(?<= :) drop|(^| )(drop|reject( with [^\"]+)?|queue .*)(?=$| comment)")


def _nft_place(text):
    """(family, table, chain, number) of the marked line; number 0: the policy."""
    family = table = chain = None
    number = 0
    for line in map(str.strip, text.splitlines()):
        if line.startswith("table "):
            _, family, table = line.removesuffix("{").split()
        elif line.startswith("chain "):
            chain, number = line.split()[1], 0
        elif line == "}":
            chain = None
        elif chain and line and not line.startswith("#"):
            base = line.startswith("type ")
            number += not base
            if line.endswith(MARK):
                return family, table, chain, 0 if base else number
    return None


def _save_place(text, family):
    table, numbers = None, {}
    for line in map(str.strip, text.splitlines()):
        word = line.split()
        if line.startswith("*"):
            table, numbers = line[1:], {}
        elif line.startswith("-A "):
            numbers[word[1]] = numbers.get(word[1], 0) + 1
            if line.endswith(MARK):
                return family, table, word[1], numbers[word[1]]
        elif line.startswith(":") and line.endswith(MARK):
            return family, table, word[0][1:], 0
    return None


def plain(text):
    """A rule's text without what its counter counted, with single blanks."""
    return " ".join(COUNTED.sub("counter", text).split())


@dataclass
class Rules:
    """What one tool (nft, iptables-nft, ip6tables-legacy, …) is given."""

    tool: str
    text: str

    @property
    def backend(self):
        """As hctrace calls it."""
        return self.tool.replace("ip6tables", "iptables")

    @property
    def family(self):
        return {"ip6": "ip6", "ebt": "bridge"}.get(self.tool[:3], "ip")

    def place(self):
        return (_nft_place(self.text) if self.tool == "nft" else
                _save_place(self.text, self.family))

    def load(self, space):
        text = self.text.replace(MARK, "")
        if self.tool == "nft":
            space.run("nft", "-f", "-", data=text)
            return
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        tables = "\n".join(lines).replace("\n*", "\nCOMMIT\n*") + "\nCOMMIT\n"
        space.run(f"{self.tool}-restore", data=tables)


class Culprit:
    """The rule or policy to be named, in a namespace into which its rule set was loaded."""

    def __init__(self, rules, space):
        self.rules, self.space = rules, space
        self.family, self.table, self.chain, self.number = rules.place()
        self.handle = self.text = None
        if self.number:
            self.handle, self.text = self.find()

    @property
    def policy(self):
        return not self.number

    def _in_table(self, *argv):
        return self.space.run(self.rules.tool, "-t", self.table, *argv)

    def _listed(self):
        """Handles and texts of the chain's rules, as nft prints them."""
        out = self.space.run("nft", "-a", "list", "chain", self.family, self.table, self.chain)
        body = out[re.search(r"chain \S+ \{ # handle \d+\n", out).end():]
        body = re.sub(r"\A\s*type [^\n]*\n", "", body)
        return [(int(handle), " ".join(text.split()))
                for text, handle in re.findall(r"(.*?) # handle (\d+)$", body, re.M | re.S)]

    def find(self):
        """Handle (None: it has none) and text of the rule."""
        handle = None
        if not self.rules.tool.endswith("-legacy"):
            handle, text = self._listed()[self.number - 1]
        if self.rules.tool != "nft":
            start = f"-A {self.chain} "
            saved = self.space.run(f"{self.rules.tool}-save")
            saved = saved[saved.index(f"*{self.table}\n"):].partition("\n*")[0]
            rules = [line for line in saved.splitlines() if line.startswith(start)]
            text = rules[self.number - 1].removeprefix(start)
        return handle, text

    def _nft(self, line):
        self.space.run("nft", "-f", "-", data=line + "\n")

    def _at_its_place(self, text):
        """Replaces the rule by one of TEXT."""
        if self.rules.tool == "nft":
            self._nft(f"replace rule {self.family} {self.table} {self.chain} "
                      f"handle {self.handle} {text}")
        else:
            self._in_table("-D", self.chain, self.number)
            self.space.run("sh", "-c", f"{self.rules.tool} -t {self.table} -I {self.chain} "
                                       f"{self.number} {text}")

    def _set_policy(self, policy):
        if self.rules.tool == "nft":
            self._nft(f"add chain {self.family} {self.table} {self.chain} {{ policy {policy}; }}")
        else:
            self._in_table("-P", self.chain, policy.upper())

    @contextlib.contextmanager
    def accepting(self):
        """Within it the same conditions accept, so that whatever stands behind does not count."""
        if self.policy:
            self._set_policy("accept")
            yield
            self._set_policy("drop")
            return
        accepting = ENDS.sub(" accept" if self.rules.tool == "nft" else "-j ACCEPT", self.text)
        assert accepting != self.text, f"the lab is wrong: how does this end: {self.text}"
        self._at_its_place(accepting)
        self.handle, _ = self.find()
        yield
        self._at_its_place(self.text)
        self.handle, text = self.find()
        assert plain(text) == plain(self.text), f"the lab is wrong: {text}"

    def compare(self, where):
        """Differences between the rule and what WHERE, of a probe's line, says of it."""
        wrong = []

        def same(name, wanted):
            if where.get(name) != wanted:
                wrong.append(f"where.{name} is {where.get(name)!r}, not {wanted!r}")

        same("layer", "netfilter")
        same("backend", self.rules.backend)
        same("family", self.family)
        same("table", self.table)
        same("chain", self.chain)
        same("policy", True if self.policy else None)
        same("rule", self.number or None)
        same("handle", self.handle)
        text = where.get("text") or ""
        if self.policy:
            if text.lower() != "policy drop":
                wrong.append(f"where.text is {text!r}, not the policy")
        elif plain(text) != plain(self.text):
            wrong.append(f"where.text is {text!r}, not {self.text!r}")
        return wrong
