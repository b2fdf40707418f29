"""Which lines a learner's C code stands for, which one decided a function's result,
and what a frame of it held.

A frame comes as a copy of a part of the stack (``frames.c``); DWARF, which a
module built with ``-g`` brings along, says where in it each variable lies.
AddressSanitizer moves variables whose address is taken into an area of its own,
which describes itself.  What cannot be decoded is left out.
"""

from __future__ import annotations

import io
import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from grader.trace import layout

if TYPE_CHECKING:
    from elftools.dwarf.die import DIE
    from elftools.dwarf.lineprogram import LineState
    from elftools.elf.elffile import ELFFile

#: A name, or one member of what it names; not a function, nor what is assigned to
#: or has its address taken.
_NAME = re.compile(r"(?<![\w.>&\"'])[A-Za-z_]\w*(?:(?:\.|->)[A-Za-z_]\w*)?\b(?!\s*(?:\(|=(?!=)))")
#: The first word of the area that AddressSanitizer keeps variables in, and how it
#: describes one of them: offset, size, length of the name, name, line.
_ASAN_AREA = 0x41B58AB3
_ASAN_VARIABLE = re.compile(r"(\d+) (\d+) \d+ ([A-Za-z_]\w*)(?::\d+)?")
#: Bytes of variables that nothing has been assigned to (-ftrivial-auto-var-init).
_UNSET = (0xFE, 0xAA)
_FLOAT, _SIGNED, _SIGNED_CHAR, _UNSIGNED_CHAR = 4, 5, 6, 8
#: A symbol of a 64-bit module (elf(5), Elf64_Sym): its name's place, its value.
_SYMBOL = struct.Struct("<I4xQ8x")
#: Characters of a text that are shown.
_LONGEST = 32
#: The frame pointer's number in DWARF, and what lies between it and the canonical
#: frame address, by machine; on aarch64 that depends on the function.
_FRAME_POINTERS = {"EM_X86_64": (6, 16), "EM_AARCH64": (29, None)}


@dataclass(frozen=True)
class Stack:
    """A copy of the stack from a call's frame on.

    Attributes:
        frame: the frame pointer.
        callers: places in the module that the function, and those around it,
            were called at.
        parts: addresses with the bytes from there on.
    """

    frame: int
    callers: tuple[int, ...]
    parts: tuple[tuple[int, bytes], ...]

    @classmethod
    def unpacked(cls, snapshot: bytes) -> Stack | None:
        """What ``frames.c`` has kept; None if it has kept nothing."""
        if len(snapshot) < layout.STACK.size:
            return None
        frame, stack, *callers = layout.STACK.unpack_from(snapshot)
        copied = snapshot[layout.STACK.size :]
        lower = len(copied) // 16 * 8
        parts = ((stack, copied[:lower]), (frame - (len(copied) - lower), copied[lower:]))
        return cls(frame, tuple(filter(None, callers)), parts)

    def read(self, address: int, size: int) -> bytes | None:
        """Memory of the frame; None where it was not copied."""
        for start, data in self.parts:
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        return None

    def find(self, word: int) -> int | None:
        """The address of the first aligned word of that value."""
        for start, data in self.parts:
            for offset in range(0, len(data) - 7, 8):
                if data[offset : offset + 8] == word.to_bytes(8, "little"):
                    return start + offset
        return None


class Frames:
    """The debug information of one module.

    Args:
        module: the shared object.
        source: the learner's file name; only its code is looked at.
        lines: the file's lines.
    """

    def __init__(self, module: Path, source: str, lines: list[str]) -> None:
        from elftools.elf.elffile import ELFFile  # slow to import, and only needed when a check has failed

        self._elf: ELFFile = ELFFile(io.BytesIO(module.read_bytes()))
        self._dwarf = self._elf.get_dwarf_info(relocate_dwarf_sections=False)  # a linked object's are done
        self._source, self._lines = source, lines
        self._unit = next((unit for unit in self._dwarf.iter_CUs() if _name(unit.get_top_DIE()).endswith(source)), None)

    # --- lines ------------------------------------------------------------

    def lines(self, places: set[int]) -> dict[int, int]:
        """The line for each place in the module; those in other files are left out."""
        addresses = [row.address for row, _line in self._table]
        found = {place: bisect_right(addresses, place) for place in places}
        return {place: line for place, after in found.items() if after and (line := self._table[after - 1][1])}

    def decided(self, function: str, blocks: list[int]) -> tuple[int, int] | None:
        """The ``return`` that a function took: its place in the module, its line.

        Args:
            blocks: places in the code that ran last, the latest last.
        """
        found = next((die for die in self._functions if _name(die) == function), None)
        if found is None:
            return None
        low, high = _range(found)
        begins = next(line for address, line in self._rows if address >= low)
        for block in reversed(blocks):
            if low <= block < high:
                place = bisect_right(self._blocks, block)
                start, end = max([low, *self._blocks[:place][-1:]]), min([high, *self._blocks[place : place + 1]])
                lines = [line for address, line in self._rows if start <= address < end]
                # the function's own lines stand for what the compiler does at its beginning and its end
                if told := [line for line in lines if line != begins and self._lines[line - 1].strip() != "}"]:
                    return start, told[-1]
        return None

    @cached_property
    def _rows(self) -> list[tuple[int, int]]:
        """Addresses and lines of the learner's statements, in the order of addresses."""
        return sorted({(row.address, line) for row, line in self._table if row.is_stmt and line})

    @cached_property
    def _table(self) -> list[tuple[LineState, int]]:
        """The line table of the learner's code, in the order of addresses: its rows,
        each with its line; 0 where the code is another file's, or ends."""
        program = self._dwarf.line_program_for_CU(self._unit)
        rows = [entry.state for entry in program.get_entries() if entry.state is not None]
        first = 0 if program["version"] >= 5 else 1  # the number of the first file
        ours = {n for n, file in enumerate(program["file_entry"], first) if _is_named(file.name, self._source)}
        known = range(1, len(self._lines) + 1)
        table = ((r, r.line if r.file in ours and r.line in known and not r.end_sequence else 0) for r in rows)
        return sorted(table, key=lambda row: row[0].address)

    @cached_property
    def _blocks(self) -> list[int]:
        """Where each block of code begins: with the call that says that it runs."""
        text = self._elf.get_section_by_name(".text")
        mark = self._symbol(b"__sanitizer_cov_trace_pc")
        if mark is None or text is None:
            return []
        start, code = text["sh_addr"], text.data()
        return sorted(_calls_of(mark, start, code, self._elf["e_machine"]))

    def _symbol(self, name: bytes) -> int | None:
        """Where a function lies; read from the table as it is, since most of its
        thousands of symbols are not asked for."""
        table = self._elf.get_section_by_name(".symtab")
        if table is None:
            return None
        place = self._elf.get_section(table["sh_link"]).data().find(b"\0" + name + b"\0") + 1
        found = (symbol for symbol in _SYMBOL.iter_unpack(table.data()) if symbol[0] == place)
        return next((value for _name, value in found), None) if place else None

    # --- values -----------------------------------------------------------

    def values(self, place: int, line: int, stack: Stack) -> list[tuple[str, str]]:
        """The variables that a line names, and what they held.

        Args:
            place: of the call, in the module.
        """
        function = next((die for die in self._functions if _range(die)[0] <= place < _range(die)[1]), None)
        if function is None:
            return []
        variables = {_name(die): die for die in _variables(function, place)}
        found = []
        for name in dict.fromkeys(_NAME.findall(self._lines[line - 1].partition("//")[0])):
            first, _, member = re.sub("->", ".", name).partition(".")
            if first in variables and (words := self._value(variables[first], member, function, stack)):
                found.append((name, words))
        return found

    @cached_property
    def _functions(self) -> list[DIE]:
        if self._unit is None:
            return []
        dies = self._unit.get_top_DIE().iter_children()
        return [die for die in dies if die.tag == "DW_TAG_subprogram" and "DW_AT_low_pc" in die.attributes]

    def _value(self, variable: DIE, member: str, function: DIE, stack: Stack) -> str:
        address = self._address(variable, function, stack)
        kind = _plain_type(variable)
        if address is None or kind is None:
            return ""
        if member:
            inner = next((die for die in kind.iter_children() if _name(die) == member), None)
            if inner is None or "DW_AT_data_member_location" not in inner.attributes:
                return ""
            address += inner.attributes["DW_AT_data_member_location"].value
            kind = _plain_type(inner)
        size = _size(kind) if kind is not None else 0
        data = stack.read(address, size) if size else None
        return _words(kind, data) if data else ""

    def _address(self, variable: DIE, function: DIE, stack: Stack) -> int | None:
        """Where a variable lies; None if that cannot be said."""
        location = variable.attributes.get("DW_AT_location")
        code = bytes(location.value) if location is not None and isinstance(location.value, list) else b""
        if code[:1] == b"\x91":  # DW_OP_fbreg
            base = self._frame_base(function, stack)
            return None if base is None else base + _sleb(code[1:])
        return self._in_asan_area(_name(variable), function, stack)

    def _frame_base(self, function: DIE, stack: Stack) -> int | None:
        register, distance = _FRAME_POINTERS.get(self._elf["e_machine"], (None, None))
        code = bytes(function.attributes["DW_AT_frame_base"].value)
        if register is not None and code == bytes([0x50 + register]):  # DW_OP_reg6 and its like: clang's
            return stack.frame
        if code != b"\x9c":  # DW_OP_call_frame_cfa: gcc's
            return None
        if distance is None:
            distance = self._cfa_distance(_range(function)[0], register)
        return None if distance is None else stack.frame + distance

    def _cfa_distance(self, address: int, register: int | None) -> int | None:
        """How far the frame pointer is below the canonical frame address, by the
        unwind table's last row that counts from it."""
        for entry in self._dwarf.EH_CFI_entries() if self._dwarf.has_EH_CFI() else ():
            if getattr(entry, "header", {}).get("initial_location") == address:
                rules = [row["cfa"] for row in entry.get_decoded().table]
                return next((rule.offset for rule in rules if rule.reg == register), None)
        return None

    def _in_asan_area(self, name: str, function: DIE, stack: Stack) -> int | None:
        area = stack.find(_ASAN_AREA)
        words = stack.read(area, 24) if area is not None else None
        if words is None:
            return None
        _magic, description, code = struct.unpack("<QQQ", words)
        text = self._text(description - (code - _range(function)[0]))
        places = {found[3]: int(found[1]) for found in _ASAN_VARIABLE.finditer(text)}
        return area + places[name] if name in places else None

    def _text(self, address: int) -> str:
        """The text at an address of the module."""
        for segment in self._elf.iter_segments("PT_LOAD"):
            offset = address - segment["p_vaddr"]
            if 0 <= offset < segment["p_filesz"]:
                data = segment.data()
                return data[offset : data.index(b"\0", offset)].decode(errors="replace")
        return ""


@lru_cache(maxsize=8)
def frames_of(module: Path, source: str, text: str) -> Frames:
    """The debug information of a module, read once.

    Args:
        module: the shared object.
        source: the learner's file name.
        text: that file's text.
    """
    return Frames(module, source, text.splitlines())


def _calls_of(target: int, start: int, code: bytes, machine: str) -> Iterator[int]:
    """The addresses of all calls of a function in some code."""
    if machine == "EM_X86_64":
        for found in re.finditer(rb"\xe8(?=(....))", code, re.DOTALL):
            call = start + found.start()
            if call + 5 + int.from_bytes(found[1], "little", signed=True) == target:
                yield call
    elif machine == "EM_AARCH64":
        for offset in range(0, len(code) - 3, 4):
            word = int.from_bytes(code[offset : offset + 4], "little")
            distance = (word & 0x3FFFFFF) - (word & 0x2000000) * 2
            if word >> 26 == 0b100101 and start + offset + distance * 4 == target:
                yield start + offset


def _is_named(path: bytes, name: str) -> bool:
    return path.decode(errors="replace").rpartition("/")[2] == name


def _name(die: DIE) -> str:
    name = die.attributes.get("DW_AT_name")
    return name.value.decode(errors="replace") if name is not None else ""


def _range(die: DIE) -> tuple[int, int]:
    low, high = die.attributes["DW_AT_low_pc"].value, die.attributes["DW_AT_high_pc"]
    return low, high.value if high.form == "DW_FORM_addr" else low + high.value


def _variables(scope: DIE, place: int) -> Iterator[DIE]:
    """Parameters and variables that are in scope at a place, the inner ones last."""
    for die in scope.iter_children():
        if die.tag in ("DW_TAG_formal_parameter", "DW_TAG_variable"):
            yield die
    for die in scope.iter_children():
        if die.tag == "DW_TAG_lexical_block" and "DW_AT_low_pc" in die.attributes:
            low, high = _range(die)
            if low <= place < high:
                yield from _variables(die, place)


def _plain_type(die: DIE) -> DIE | None:
    """The type of something, without typedefs and qualifiers; None for void."""
    while "DW_AT_type" in die.attributes:
        die = die.get_DIE_from_attribute("DW_AT_type")
        if die.tag not in ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type"):
            return die
    return None


def _size(kind: DIE) -> int:
    """Bytes of a value that has words; 0 for what has none."""
    if kind.tag == "DW_TAG_pointer_type":
        return 8
    if kind.tag in ("DW_TAG_base_type", "DW_TAG_enumeration_type"):
        return kind.attributes["DW_AT_byte_size"].value
    element = _plain_type(kind) if kind.tag == "DW_TAG_array_type" else None
    if element is not None and _name(element) == "char":
        bound = next((die.attributes.get("DW_AT_upper_bound") for die in kind.iter_children()), None)
        return min(bound.value + 1, _LONGEST) if isinstance(getattr(bound, "value", None), int) else 0
    return 0


def _words(kind: DIE, data: bytes) -> str:
    """A value in a few words; ``""`` for what has none."""
    number = int.from_bytes(data, "little")
    if len(data) > 1 and data[0] in _UNSET and len(set(data)) == 1:
        words = "" if kind.tag == "DW_TAG_array_type" else "unset"
    elif kind.tag == "DW_TAG_pointer_type":
        words = "" if number else "NULL"
    elif kind.tag == "DW_TAG_array_type":
        text, zero, _rest = data.partition(b"\0")
        words = f'"{text.decode()}"' if zero and text.isascii() and text.decode().isprintable() else ""
    elif kind.tag == "DW_TAG_enumeration_type":
        names = (_name(die) for die in kind.iter_children() if die.attributes["DW_AT_const_value"].value == number)
        words = next(names, str(number))
    else:
        words = _number(kind.attributes["DW_AT_encoding"].value, data)
    return words


def _number(encoding: int, data: bytes) -> str:
    """A number, or a character, of one of DWARF's encodings (DW_ATE_)."""
    if encoding == _FLOAT:
        words = f"{struct.unpack('<f' if len(data) == 4 else '<d', data)[0]:.6g}" if len(data) in (4, 8) else ""
        return words + ".0" * words.removeprefix("-").isdigit()
    number = int.from_bytes(data, "little", signed=encoding in (_SIGNED, _SIGNED_CHAR))
    return f"'{chr(number)}'" if encoding in (_SIGNED_CHAR, _UNSIGNED_CHAR) and 32 <= number < 127 else str(number)


def _sleb(code: bytes) -> int:
    """A signed LEB128 number."""
    value = 0
    for place, byte in enumerate(code):
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return value - (1 << 7 * (place + 1)) if byte & 0x40 else value
    return value
