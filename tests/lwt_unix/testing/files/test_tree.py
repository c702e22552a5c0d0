"""The file system of a simulated host; `test_file_calls` compares it with Linux."""

from __future__ import annotations

import os
import stat

import pytest

from lwt_unix import testing
from lwt_unix.testing._files.tree import Directory, Regular_file, Symbolic_link, Tree
from lwt_unix.testing._world.world import World


@pytest.fixture(name="tree")
def _tree() -> Tree:
    return Tree(World(testing.lwt_choices()), lambda: 1_000)


def directory(tree: Tree, path: str) -> Directory:
    """Make a directory."""
    place = tree.find_name(path, tree.root)
    return tree.add(place, Directory(tree.world, 0o755, place.parent))


def test_the_path_of_a_directory_follows_its_names(tree: Tree) -> None:
    directory(tree, "/tmp/a")
    inner = directory(tree, "/tmp/a/b")
    assert tree.path_of(inner) == "/tmp/a/b"
    tree.rename(tree.find_name("/tmp/a", tree.root), tree.find_name("/home/c", tree.root))
    assert tree.path_of(inner) == "/home/c/b"
    assert tree.find("..", inner).inode is tree.find("/home/c", tree.root).inode
    assert tree.path_of(tree.root) == "/"


def test_a_directory_that_is_removed_has_no_path(tree: Tree) -> None:
    removed = directory(tree, "/tmp/a")
    tree.rmdir(tree.find_name("/tmp/a", tree.root))
    with pytest.raises(FileNotFoundError):
        tree.path_of(removed)


def test_no_name_is_too_long_in_a_directory_that_is_removed(tree: Tree) -> None:
    removed = directory(tree, "/tmp/a")
    with pytest.raises(OSError, match="File name too long"):
        tree.find("x" * 256, removed)
    tree.rmdir(tree.find_name("/tmp/a", tree.root))
    with pytest.raises(FileNotFoundError):
        tree.find("x" * 256, removed)


def test_a_directory_that_moves_to_another_one_is_written_to(tree: Tree) -> None:
    moved = directory(tree, "/tmp/a")
    moved.mode = stat.S_IFDIR | 0o500
    tree.rename(tree.find_name("/tmp/a", tree.root), tree.find_name("/tmp/b", tree.root))
    with pytest.raises(PermissionError):
        tree.rename(tree.find_name("/tmp/b", tree.root), tree.find_name("/home/b", tree.root))


def test_who_may_not_take_names_away_is_told_that_first(tree: Tree) -> None:
    outer = directory(tree, "/tmp/outer")
    directory(tree, "/tmp/outer/a")
    outer.put("file", Regular_file(tree.world, 0o644, tree.space))
    outer.mode = stat.S_IFDIR | 0o500
    with pytest.raises(PermissionError):
        tree.unlink(tree.find_name("a", outer))
    with pytest.raises(PermissionError):
        tree.rmdir(tree.find_name("file", outer))
    with pytest.raises(IsADirectoryError):
        tree.unlink(tree.find_name("a/", outer))


def test_links_are_followed_forty_times(tree: Tree) -> None:
    tmp = tree.directory("/tmp", tree.root)
    tmp.put("0", directory(tree, "/home/end"))
    for number in range(1, 42):
        tmp.put(str(number), Symbolic_link(tree.world, str(number - 1)))
    assert isinstance(tree.find("40", tmp).inode, Directory)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        tree.find("41", tmp)


def test_what_is_behind_the_end_takes_no_space(tree: Tree) -> None:
    file = Regular_file(tree.world, 0o644, tree.space)
    file.truncate(1 << 50)
    assert (tree.space.used, file.size) == (0, 1 << 50)
    view = memoryview(bytearray(b"xyz"))
    assert file.read(view, 1 << 49) == 3
    assert bytes(view) == bytes(3)
    file.write(memoryview(b"hello"), 10)
    assert (tree.space.used, file.size) == (15, 1 << 50)
    file.truncate(3)
    assert tree.space.used == 3
    file.links = 0
    file.release()
    assert tree.space.used == 0


def test_reading_is_noted_as_by_relatime(tree: Tree) -> None:
    file = Regular_file(tree.world, 0o644, tree.space)
    file.write(memoryview(b"hello"), 0)
    times = []
    for now in (1.0, 2.0):
        tree.world.now = now
        file.read(memoryview(bytearray(1)), 0)
        times.append(file.accessed)
    assert times == [1.0, 1.0]


def test_permissions_are_those_of_the_owner(tree: Tree) -> None:
    file = Regular_file(tree.world, 0o477, tree.space)
    assert file.may(os.R_OK)
    assert not file.may(os.R_OK | os.W_OK)
