"""A network switch in user space that delivers each frame after a delay, for kernels without netem.

`python delayed_switch.py SECONDS PORT …` connects network interfaces of the namespace that it runs in, prints a line
when it is ready, and runs until it is killed. `python delayed_switch.py INTERFACE` disables the offloads of an
interface, so that its frames have checksums and fit into a packet.
"""

import array
import fcntl
import select
import socket
import struct
import sys
import time
from collections import deque

_ETH_P_ALL, _SOL_PACKET, _PACKET_IGNORE_OUTGOING, _SO_RCVBUFFORCE = 3, 263, 23, 33  # of Linux's headers
_SIOCETHTOOL = 0x8946
_OFFLOADS = (0x17, 0x1F, 0x24)  # ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO
_BUFFER = 16 * 2**20  # bytes that the kernel keeps for a port
_LONGEST = 65_536  # bytes of a frame
_GROUP = 1  # bit of the first byte of an address that several hosts listen to


def disable_offloads(interface: str) -> None:
    """Let the kernel, and not the network card, compute checksums and split data into packets."""
    with socket.socket() as control:
        for command in _OFFLOADS:
            value = array.array("B", struct.pack("II", command, 0))
            request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
            fcntl.ioctl(control, _SIOCETHTOOL, request)


def _port(interface: str) -> socket.socket:
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    found.setblocking(False)
    found.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    found.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    found.bind((interface, 0))
    return found


def forward(delay: float, interfaces: list[str]) -> None:
    """Deliver each frame after `delay` seconds to the port of its destination, or to all ports if it is unknown."""
    ports = [_port(interface) for interface in interfaces]
    known: dict[bytes, socket.socket] = {}
    frames: deque[tuple[float, socket.socket, bytes]] = deque()
    print("ready", flush=True)
    while True:
        wait = max(0.0, frames[0][0] - time.monotonic()) if frames else None
        for port in select.select(ports, [], [], wait)[0]:
            frame = port.recv(_LONGEST)
            known[frame[6:12]] = port
            frames.append((time.monotonic() + delay, port, frame))
        while frames and frames[0][0] <= time.monotonic():
            _, source, frame = frames.popleft()
            target = None if frame[0] & _GROUP else known.get(frame[:6])
            for port in [target] if target else ports:
                if port is not source:
                    port.send(frame)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        disable_offloads(sys.argv[1])
    else:
        forward(float(sys.argv[1]), sys.argv[2:])
