import zipfile
from pathlib import Path

from layers.archive import write_zip

FILES = {"a.txt": b"", "b/ä.bin": bytes(range(256)) * 100, "b/c/d.py": b"x = 1\n"}


def test_zipfile_reads_what_was_written(tmp_path: Path) -> None:
    for name, data in FILES.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    write_zip(tmp_path / "root", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(FILES)
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_DEFLATED
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.create_system, entry.external_attr >> 16) == (3, 0o100644)
