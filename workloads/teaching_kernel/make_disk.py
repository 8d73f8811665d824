"""Writes the teaching kernel's disk: a directory in block 0, the programs, blocks to write to (see abi.h)."""

import argparse
import pathlib
import struct

BLOCK_BYTES = 4096
FREE_BLOCKS = 64
MAGIC = int.from_bytes(b"disk", "little")
MAX_PROGRAMS = (BLOCK_BYTES - 16) // 24


def whole_blocks(data: bytes) -> bytes:
    """The data with zeros up to the end of its last block."""
    return data + bytes(-len(data) % BLOCK_BYTES)


def make_disk(programs: list[pathlib.Path]) -> bytes:
    """The disk with these ELF files, program_NAME.elf as NAME."""
    if len(programs) > MAX_PROGRAMS:
        raise ValueError(f"{len(programs)} programs; the directory has room for {MAX_PROGRAMS}")
    entries, files, block = b"", b"", 1
    for program in programs:
        name, data = program.stem.removeprefix("program_").encode(), program.read_bytes()
        if len(name) > 16:
            raise ValueError(f"{program}: a name has at most 16 characters")
        entries += struct.pack("<16sII", name, block, len(data))
        files += whole_blocks(data)
        block += len(whole_blocks(data)) // BLOCK_BYTES
    header = struct.pack("<IIII", MAGIC, len(programs), block, block + FREE_BLOCKS)
    return whole_blocks(header + entries) + files + bytes(FREE_BLOCKS * BLOCK_BYTES)


def main() -> None:
    """Writes the disk that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("disk", type=pathlib.Path)
    parser.add_argument("programs", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    arguments.disk.write_bytes(make_disk(arguments.programs))


if __name__ == "__main__":
    main()
