"""Files and directories for a while."""

import re
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from unittest.mock import patch

import pytest

import lwt
import lwt_unix
from lwt_unix import _system as system
from lwt_unix import lwt_io, lwt_main

pytestmark = [
    pytest.mark.usefixtures("nothing_left_behind"),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def few_names() -> Iterator[None]:
    """Draw the same name three times, then others."""
    names = chain(repeat(b"abc", 3), (b"%03d" % number for number in range(100)))
    with patch.object(system, "urandom", side_effect=lambda _: next(names)):
        yield


def test_a_temporary_file_is_there_until_the_function_is_done(folder: Path) -> None:
    async def use(file: tuple[str, lwt_io.OutputChannel]) -> Path:
        name, oc = file
        await lwt_io.write(oc, "content")
        await lwt_io.flush(oc)
        assert Path(name).read_text() == "content"
        return Path(name)

    path = lwt_main.run(lwt_io.with_temp_file(use))
    assert path.parent == folder
    assert re.fullmatch("lwt_io_temp_file_[0-9a-f]{6}", path.name)
    assert not path.exists()


def test_a_temporary_file_goes_when_the_function_fails(folder: Path) -> None:
    def fail(_: object) -> lwt.Promise[None]:
        assert len(list(folder.iterdir())) == 1
        raise LookupError

    with pytest.raises(LookupError):
        lwt_main.run(lwt_io.with_temp_file(fail))
    assert list(folder.iterdir()) == []


def test_a_temporary_file_has_the_name_place_and_permissions_that_were_asked_for(
    folder: Path,
) -> None:
    (folder / "sub").mkdir()
    name, oc = lwt_main.run(
        lwt_io.open_temp_file(temp_dir=folder / "sub", prefix="a", suffix=".txt", perm=0o600)
    )
    lwt_main.run(lwt_io.close(oc))
    path = Path(name)
    assert path.parent == folder / "sub"
    assert re.fullmatch(r"a[0-9a-f]{6}\.txt", path.name)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("few_names")
def test_a_name_that_is_taken_is_not_taken_again() -> None:
    async def make() -> tuple[str, str, str]:
        first, oc = await lwt_io.open_temp_file()
        await lwt_io.close(oc)
        second, oc = await lwt_io.open_temp_file()
        await lwt_io.close(oc)
        return first, second, await lwt_io.create_temp_dir()

    names = lwt_main.run(make())
    assert len({name[-6:] for name in names}) == 3


def test_where_nothing_can_be_made_the_error_comes_at_once(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        lwt_main.run(lwt_io.open_temp_file(temp_dir=folder / "none"))
    with pytest.raises(FileNotFoundError):
        lwt_main.run(lwt_io.create_temp_dir(parent=folder / "none"))


def test_a_temporary_directory_is_there_until_the_function_is_done(folder: Path) -> None:
    (folder / "outside").mkdir()
    (folder / "outside" / "file").write_text("stays")

    def use(name: str) -> lwt.Promise[Path]:
        path = Path(name)
        (path / "a" / "b").mkdir(parents=True)
        (path / "a" / "b" / "c").write_text("goes")
        (path / "link").symlink_to(folder / "outside")
        return lwt.return_(path)

    path = lwt_main.run(lwt_io.with_temp_dir(use))
    assert re.fullmatch("lwt_io_temp_dir_[0-9a-f]{6}", path.name)
    assert [entry.name for entry in folder.iterdir()] == ["outside"]
    assert (folder / "outside" / "file").read_text() == "stays"


def test_a_temporary_directory_goes_when_the_function_fails(folder: Path) -> None:
    def fail(_: str) -> lwt.Promise[None]:
        raise LookupError

    with pytest.raises(LookupError):
        lwt_main.run(lwt_io.with_temp_dir(fail, prefix="a", suffix="z", perm=0o700, parent=folder))
    assert list(folder.iterdir()) == []


def test_a_directory_of_many_is_removed_with_all(folder: Path) -> None:
    (folder / "many").mkdir()
    for number in range(1500):
        (folder / "many" / str(number)).touch()
    lwt_main.run(lwt_io.delete_recursively(folder / "many"))
    assert list(folder.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        lwt_main.run(lwt_io.delete_recursively(folder / "many"))


def test_the_parts_of_a_name_are_strings() -> None:
    for wrong in {"prefix": 3}, {"suffix": b"x"}:
        with pytest.raises(TypeError, match=r"^lwt_io\.open_temp_file: expected a str, got"):
            lwt_io.open_temp_file(**wrong)
        with pytest.raises(TypeError, match=r"^lwt_io\.create_temp_dir: expected a str, got"):
            lwt_io.create_temp_dir(**wrong)
    assert lwt_unix.thread_count() == 0
