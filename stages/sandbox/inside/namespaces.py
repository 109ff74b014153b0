"""A root of its own, in namespaces of its own: for kernels without Landlock, where they may be made.

The process sees the standard library, read-only, and an empty folder in memory; there is no network device.
"""

import os

from stages.sandbox.inside import libc

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 32, 4096, 16384
MS_PRIVATE, MS_RELATIME = 1 << 18, 1 << 21
ST_RELATIME = 4096
KEPT_FLAGS = 2 | 4 | 8 | 1024 | 2048  # nosuid, nodev, noexec, noatime, nodiratime: one value in statvfs and mount


def enter(libraries: list[str], hidden: list[str], folder: str, size: str) -> None:
    """Make ``folder`` the root, with the libraries and a writable folder in the places where they were.

    Args:
        libraries: Folders that stay readable.
        hidden: Folders within them that shall look empty.
        folder: An existing empty folder.
        size: How much the writable folder may hold, as options of tmpfs.

    Raises:
        OSError: Namespaces may not be made here.
    """
    _unshare()
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for library in libraries:
        inside = folder + library
        os.makedirs(inside, exist_ok=True)  # noqa: PTH103
        _mount(library, inside, None, MS_BIND | MS_REC)
        _make_read_only(inside)
    for path in hidden:
        _mount("tmpfs", folder + path, "tmpfs", MS_RDONLY)
    work = folder + folder
    os.makedirs(work)  # noqa: PTH103
    _mount("tmpfs", work, "tmpfs", MS_NOSUID | MS_NODEV, f"{size},mode=700")
    _make_read_only(folder)
    os.chroot(folder)
    os.chdir(folder)


def _unshare() -> None:
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET
    try:
        libc.call("unshare", flags | CLONE_NEWUSER)
    except PermissionError:
        libc.call("unshare", flags)  # root may, where user namespaces are switched off
        return
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    libc.end_with_parent()  # forgotten with the privileges that came and went


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123
        file.write(text)


def _make_read_only(path: str) -> None:
    flags = os.statvfs(path).f_flag
    kept = flags & KEPT_FLAGS | (MS_RELATIME if flags & ST_RELATIME else 0)
    _mount(None, path, None, MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    texts = [text.encode() if text is not None else None for text in (source, target, kind, options)]
    libc.call("mount", *texts[:3], flags, texts[3])
