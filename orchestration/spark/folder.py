"""The folder that this machine shares with the cluster: a path, or the URL of a store."""

from pathlib import Path
from typing import Any

from orchestration.settings import PREFIX, Settings


class FolderUnusable(Exception):
    """The shared folder can't be read or written from here; the message says why."""


def opened(settings: Settings) -> Any:
    """The shared folder as a file system of its own, whose root it is.

    Raises:
        FolderUnusable: nothing here can speak to the store that the URL names.
    """
    from pyarrow import fs

    location = settings.spark_folder
    try:
        if "://" not in location:
            Path(location).mkdir(parents=True, exist_ok=True)
            return fs.SubTreeFileSystem(location, fs.LocalFileSystem())
        # Spark names Hadoop's driver in the URL of a store, s3a; the store itself is s3.
        store, path = fs.FileSystem.from_uri(location.replace("s3a://", "s3://", 1))
    except Exception as error:
        raise FolderUnusable(
            f"{PREFIX}SPARK_WAREHOUSE is {location!r}, which can't be used from here"
            f" ({' '.join(str(error).split())}): give a shared path, or a URL that both this"
            " machine and the cluster reach."
        ) from error
    return fs.SubTreeFileSystem(path, store)


def url(settings: Settings) -> str:
    """The shared folder as the cluster is told of it."""
    location = settings.spark_folder.rstrip("/")
    if "://" in location:
        # As the cluster's catalogue writes it.
        return location.replace("file:///", "file:/", 1)
    return f"file:{Path(location).absolute()}"


def files(store: Any, folder: str) -> list[str]:
    """The paths of all files under a folder of the store; none where it is missing."""
    from pyarrow import fs

    selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
    return [found.path for found in store.get_file_info(selector) if found.is_file]


def remove(store: Any, folder: str) -> bool:
    """Remove a folder of the store with all that is in it; returns whether there was any."""
    from pyarrow import fs

    if store.get_file_info(folder).type == fs.FileType.NotFound:
        return False
    store.delete_dir(folder)
    return True
