"""Metadata that lands beside a recording brings the recording up again."""

from __future__ import annotations

from pathlib import Path

import h5py

from jobs.intake import recordings_of


def test_the_json_of_any_format_belongs_to_the_recording_beside_it(tmp_path: Path) -> None:
    for name in ("a.hdf5", "b.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            file["action"] = [[0.0]]
    (tmp_path / "u.zarr").mkdir()
    for name in ("a.hdf5.json", "b.json", "u.zarr.json", "c.json", "mapping.json"):
        (tmp_path / name).write_text("{}")

    def belonging(name: str) -> list[str]:
        return sorted(path.name for path in recordings_of(tmp_path / name, [tmp_path]))

    assert belonging("a.hdf5.json") == ["a.hdf5"]
    assert belonging("b.json") == ["b.h5"]
    assert belonging("u.zarr.json") == ["u.zarr"]
    assert belonging("c.json") == []
    assert belonging("mapping.json") == ["a.hdf5", "b.h5", "u.zarr"]
