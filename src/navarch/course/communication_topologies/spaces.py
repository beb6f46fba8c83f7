"""Two leaves of ranks in network namespaces, every link and the one uplink between the leaves shaped by the kernel.

A namespace for each rank, one for both switches (bridges), all gone when left. Needs root and iproute2 on Linux;
NoSpacesError says what is missing.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NETS, HERE = "10.211", 254
"""Where the nets of the namespaces are, and the last byte of this process's own address; ranks count from 1."""
PATIENCE = 20
SHAPE = "burst 256kb latency 400ms"
SWEEP = 'cat > /dev/null; for each in "$@"; do ip netns delete "$each"; done'
NAMESPACE = 0x40000000
"""CLONE_NEWNET of the Linux kernel."""
FOLDER = Path("/run/netns")
VARIABLE = "NAVARCH_RANK_SPACES"
"""Environment variable that tells the ranks how their namespaces are called, but for the number."""


class NoSpacesError(Exception):
    """Namespaces with shaped links cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Spaces:
    """Namespaces that are there. name: of each, but for the rank's number; address: of this process in their net."""

    name: str
    address: str


def why_not() -> str | None:
    """Why this machine cannot, or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "network namespaces need root on Linux"
    missing = [tool for tool in ("ip", "tc") if not shutil.which(tool)]
    return f"{' and '.join(missing)} (iproute2) is not installed" if missing else None


@contextmanager
def spaces(leaf: Sequence[int], rate: float) -> Iterator[Spaces]:
    """Namespaces of ranks on two leaves. leaf: of each rank; rate: of every link, each way [byte/s]."""
    reason = why_not()
    if reason:
        raise NoSpacesError(reason)
    tag = uuid.uuid4().hex[:5]
    name, switch = f"nv-{tag}-", f"nv-{tag}-sw"
    net = f"{NETS}.{int(tag[:2], 16)}"
    made = [switch, *(f"{name}{rank}" for rank in range(len(leaf)))]
    with _swept(made):
        try:
            _do(["ip", "-batch", "-"], [f"netns add {each}" for each in made])
            _do(["ip", "-batch", "-"], list(_links(tag, net, leaf)))
            _do(["ip", "-netns", switch, "-batch", "-"], list(_switches(leaf)))
            for rank in range(len(leaf)):
                _do(["ip", "-netns", f"{name}{rank}", "-batch", "-"], _host(net, rank))
            shaped = f"root tbf rate {8 * rate:.0f}bit {SHAPE}"
            ends = ["u0", "u1", *(f"p{rank}" for rank in range(len(leaf)))]
            _do(["tc", "-netns", switch, "-batch", "-"], [f"qdisc add dev {end} {shaped}" for end in ends])
            for rank in range(len(leaf)):
                _do(["tc", "-netns", f"{name}{rank}", "-batch", "-"], [f"qdisc add dev eth0 {shaped}"])
        except subprocess.SubprocessError as error:
            said = getattr(error, "stderr", "") or str(error)
            why = said.strip().splitlines()[0]
            raise NoSpacesError(f"this machine does not let namespaces be made or links be shaped: {why}") from error
        yield Spaces(name, f"{net}.{HERE}")


@contextmanager
def _swept(names: Sequence[str]) -> Iterator[None]:
    """Namespaces that are gone when this is left, even if this process is killed: a process of its own waits for the
    end of its input."""
    command, none = ["sh", "-c", SWEEP, "sh", *names], subprocess.DEVNULL
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=none, stderr=none, start_new_session=True):
        yield


def _links(tag: str, net: str, leaf: Sequence[int]) -> Iterator[str]:
    """A cable for each rank and one for this process; the uplink is a pair of its own within the switches."""
    name, switch = f"nv-{tag}-", f"nv-{tag}-sw"
    yield f"link add u0 netns {switch} type veth peer name u1 netns {switch}"
    for rank in range(len(leaf)):
        yield f"link add p{rank} netns {switch} type veth peer name eth0 netns {name}{rank}"
    yield f"link add nv{tag} type veth peer name me netns {switch}"
    yield f"address add {net}.{HERE}/24 dev nv{tag}"
    yield f"link set nv{tag} up"


def _switches(leaf: Sequence[int]) -> Iterator[str]:
    for place in range(2):
        yield f"link add b{place} type bridge"
        yield f"link set b{place} up"
        yield f"link set u{place} master b{place}"
        yield f"link set u{place} up"
    for rank, place in enumerate(leaf):
        yield f"link set p{rank} master b{place}"
        yield f"link set p{rank} up"
    yield "link set me master b0"
    yield "link set me up"


def _host(net: str, rank: int) -> list[str]:
    return ["link set lo up", f"address add {net}.{rank + 1}/24 dev eth0", "link set eth0 up"]


def _do(command: list[str], lines: list[str]) -> None:
    subprocess.run(
        command, input="\n".join(lines) + "\n", check=True, capture_output=True, text=True, timeout=PATIENCE
    )  # fmt: skip


def enter(name: str) -> None:
    """Move this process into a namespace."""
    with (FOLDER / name).open("rb") as there:
        if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), NAMESPACE):
            raise OSError(ctypes.get_errno(), f"cannot enter the namespace {name}")
