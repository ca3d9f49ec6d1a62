# SPDX-License-Identifier: GPL-2.0
"""A QEMU machine that is driven from outside: booted, stopped, looked at and saved.

Machine starts QEMU and owns it: leaving its `with` block ends QEMU, whatever happened. It talks QMP for
commands and the gdb protocol for the one thing QMP can't do, loading a control register. Both run over
socket pairs, so no name in the file system is left behind.
"""

import json
import socket
import subprocess
import time


class MachineError(Exception):
    """QEMU, or the guest in it, did not do what was asked; the text tells what, and what to look at."""


class Gdb:
    """The little of the gdb remote protocol that reads and writes one register."""

    # Register numbers of QEMU's x86-64 target description: 16 general, rip, eflags, 9 segments and bases, cr0...
    NUMBERS = {"CR0": 27, "CR3": 29, "CR4": 30}

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.described = False

    def _byte(self):
        if not self.buffer:
            self.buffer = self.sock.recv(4096)
            if not self.buffer:
                raise MachineError("QEMU closed the gdb connection")
        byte, self.buffer = self.buffer[:1], self.buffer[1:]
        return byte

    def _packet(self):
        while self._byte() != b"$":
            pass
        body = b""
        while (byte := self._byte()) != b"#":
            body += byte
        self._byte(), self._byte()
        self.sock.sendall(b"+")
        return body.decode()

    def _call(self, text):
        body = text.encode()
        self.sock.sendall(b"$%s#%02x" % (body, sum(body) & 0xff))
        # Whenever the machine stopped, a packet T... was sent unasked.
        while (reply := self._packet()).startswith("T"):
            pass
        return reply

    def _register(self, command, name, rest=""):
        if not self.described:
            # QEMU serves single registers only to those who have asked for their description.
            self._call("qXfer:features:read:target.xml:0,ff0")
            self.described = True
        return self._call(f"{command}{self.NUMBERS[name]:x}{rest}")

    def read(self, name):
        """The value of a control register."""
        reply = self._register("p", name)
        if not reply or reply.startswith("E"):
            raise MachineError(f"QEMU's gdb server does not tell {name} ({reply!r})")
        return int.from_bytes(bytes.fromhex(reply), "little")

    def write(self, name, value):
        """Load a control register of the stopped machine, and see that it took."""
        data = value.to_bytes(8, "little").hex()
        reply = self._register("P", name, f"={data}")
        if reply != "OK" or self.read(name) != value:
            raise MachineError(f"QEMU's gdb server did not load {name} with {value:#x} ({reply!r}); "
                               "does this QEMU number its registers differently?")


class Machine:
    """One QEMU process; use it in a `with` block."""

    def __init__(self, arguments, console):
        """Start qemu-system-x86_64 with ARGUMENTS; what the first serial port prints goes to the file CONSOLE."""
        self.console = console
        open(console, "w", encoding="utf-8").close()
        self.messages = console + ".qemu"
        qmp, qmp_end = socket.socketpair()
        gdb, gdb_end = socket.socketpair()
        fds = (qmp_end.fileno(), gdb_end.fileno())
        with open(self.messages, "w", encoding="utf-8") as messages:
            self.process = subprocess.Popen(
                # setpriv ends QEMU with this process, however that ends.
                ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config",
                 "-display", "none", "-accel", "tcg", "-S", "-no-reboot", "-serial", f"file:{console}",
                 "-chardev", f"socket,id=qmp,fd={fds[0]}", "-mon", "chardev=qmp,mode=control",
                 "-chardev", f"socket,id=gdb,fd={fds[1]}", "-gdb", "chardev:gdb", *arguments],
                stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, pass_fds=fds)
        qmp_end.close()
        gdb_end.close()
        self.stream = qmp.makefile("rw", encoding="utf-8")
        qmp.close()
        self.gdb = Gdb(gdb)

    def __enter__(self):
        try:
            self._reply("QMP")
            self.qmp("qmp_capabilities")
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Kill QEMU. Safe to call twice."""
        self.process.kill()
        self.process.wait()

    def _reply(self, *keys):
        """Read messages until one has one of KEYS, or tells of an error; events are dropped."""
        for line in self.stream:
            message = json.loads(line)
            if "error" in message or any(key in message for key in keys):
                return message
        raise self._ended()

    def _ended(self):
        """The error for a QEMU that ended by itself."""
        status = self.process.wait()
        with open(self.messages, encoding="utf-8", errors="replace") as file:
            messages = file.read().strip() or "it said nothing"
        return MachineError(f"QEMU ended with status {status}: {messages}; the guest's console is in {self.console}")

    def qmp(self, command, **arguments):
        """Run a QMP command and give back what it returns."""
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        reply = self._reply("return")
        if "error" in reply:
            raise MachineError(f"QEMU refused {command}: {reply['error']['desc']}")
        return reply["return"]

    def monitor(self, line):
        """Run a command of the human monitor and give back the text."""
        return self.qmp("human-monitor-command", **{"command-line": line}).replace("\r", "")

    def wait_console(self, word, seconds):
        """Wait until the guest prints WORD; give back all it printed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with open(self.console, encoding="utf-8", errors="replace") as file:
                text = file.read()
            if word in text:
                return text
            if self.process.poll() is not None:
                raise self._ended()
            time.sleep(0.1)
        raise MachineError(f"the guest did not say {word!r} within {seconds} s; its console is in {self.console}. "
                           "Is the host very busy? --boot-timeout allows more")

    def stop_at(self, cpl, tries=100):
        """Stop the machine while it runs at privilege level CPL; give back `info registers`."""
        for _ in range(tries):
            self.qmp("stop")
            text = self.monitor("info registers")
            if f"CPL={cpl} " in text:
                return text
            self.qmp("cont")
            time.sleep(0.05)
        raise MachineError(f"the guest was never seen at CPL {cpl} in {tries} tries; its console is in {self.console}")
