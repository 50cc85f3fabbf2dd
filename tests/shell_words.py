# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A shell line taken apart without a shell: what run-commands holds real shells against.

It knows what hctrace prints: words of bare characters, '…' and $'…' with octal escapes; &&, ;, |,
<FILE, >FILE and >>FILE.  Anything else is an error, above all what a shell would expand.
"""
import re

TOKEN = re.compile(r"(?P<space>[ ]+)|(?P<join>&&|;|\|)|(?P<redirect>>>|>|<)"
                   r"|(?P<bare>[A-Za-z0-9_.+:/@,=%-]+)|'(?P<single>[^']*)'|\\(?P<quote>')"
                   r"|\$'(?P<octal>(?:[A-Za-z0-9_.+:/@,-]|\\[0-7]{3})*)'")


def parse(line):
    """(commands, files): of each command its words, as bytes; of each redirection the place."""
    commands, files = [[]], []
    word = redirected = None
    start = at = 0

    def end_word():
        nonlocal word, redirected
        if word is not None and redirected:
            files.append((start, at))
            redirected = None
        elif word is not None:
            commands[-1].append(word)
        word = None

    while at < len(line):
        match = TOKEN.match(line, at)
        if not match:
            raise ValueError(f"{line[at:]!r} is no word of a command")
        kind, text = match.lastgroup, match.group(match.lastgroup)
        if kind in ("space", "join", "redirect"):
            end_word()
            if kind == "join":
                commands.append([])
            redirected = text if kind == "redirect" else redirected
        else:
            start = at if word is None else start
            piece = text.encode()
            if kind == "octal":
                piece = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m.group(1), 8)]), piece)
            word = (word or b"") + piece
        at = match.end()
    end_word()
    if not all(commands):
        raise ValueError("a command without a word")
    return commands, files
