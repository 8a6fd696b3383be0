"""The clip camera against real little videos, broken ones and things that are no video."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.errors import UserError

WIDTH, HEIGHT, FRAMES, FPS = 64, 48, 12, 25.0


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twelve frames; frame i is grey 20 * i, with a red right half."""
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    for i in range(FRAMES):
        picture = np.full((HEIGHT, WIDTH, 3), 20 * i, np.uint8)
        picture[:, WIDTH // 2 :] = (0, 0, 255)  # BGR
        writer.write(picture)
    writer.release()
    return path


def atoms(blob: bytes) -> dict[bytes, int]:
    """Offsets of the top-level atoms of an mp4."""
    found, at = {}, 0
    while at < len(blob):
        found[blob[at + 4 : at + 8]] = at
        at += int.from_bytes(blob[at : at + 4], "big")
    return found


def one_line(error: pytest.ExceptionInfo[UserError], path: Path) -> str:
    line = str(error.value)
    assert "\n" not in line and str(path) in line
    return line


def test_delivers_the_whole_clip_as_rgb(clip: Path) -> None:
    source = ClipSource(ClipSpec(clip))
    assert source.frames.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert source.frames.dtype == np.uint8
    assert source.fps == pytest.approx(FPS)
    assert source.truncated is None
    red = source.frames[3, :, 48:].reshape(-1, 3).mean(axis=0)
    assert red[0] > 200 and red[1] < 40 and red[2] < 40


def test_range_includes_both_ends(clip: Path) -> None:
    source = ClipSource(ClipSpec(clip, first=3, last=5))
    assert source.frames[:, :, :20].mean(axis=(1, 2, 3)) == pytest.approx([60, 80, 100], abs=4)


def test_crop_keeps_the_named_pixels(clip: Path) -> None:
    whole = ClipSource(ClipSpec(clip)).frames
    part = ClipSource(ClipSpec(clip, crop=(20, 8, 30, 40))).frames
    np.testing.assert_array_equal(part, whole[:, 8:48, 20:50])


def test_every_pass_starts_with_a_cut_and_time_runs_on(clip: Path) -> None:
    source = ClipSource(ClipSpec(clip, first=0, last=3), passes=3)
    frames = [source.frame_at(k, 40_000_000, 7) for k in range(len(source))]
    assert [k for k, frame in enumerate(frames) if frame.cut] == [0, 4, 8]
    assert [frame.t_capture_ns for frame in frames] == [7 + k * 40_000_000 for k in range(12)]
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_array_equal(frames[5].rgb, source.frames[1])


@pytest.mark.parametrize("k", [-1, FRAMES])
def test_nothing_before_the_first_or_after_the_last_frame(clip: Path, k: int) -> None:
    with pytest.raises(IndexError):
        ClipSource(ClipSpec(clip)).frame_at(k, 1, 0)


def test_frames_cannot_be_written(clip: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        ClipSource(ClipSpec(clip)).frame_at(0, 1, 0).rgb[0, 0, 0] = 1


@pytest.mark.parametrize(("first", "last"), [(0, FRAMES), (FRAMES, None), (5, 4), (-1, 3)])
def test_range_outside_the_clip_is_named(clip: Path, first: int, last: int | None) -> None:
    with pytest.raises(UserError) as error:
        ClipSource(ClipSpec(clip, first, last))
    assert f"0 to {FRAMES - 1}" in one_line(error, clip)


@pytest.mark.parametrize("crop", [(-1, 0, 8, 8), (0, 0, WIDTH + 1, 8), (60, 0, 8, 8), (0, 0, 0, 8), (0, 41, 8, 8)])
def test_crop_outside_the_picture_is_named(clip: Path, crop: tuple[int, int, int, int]) -> None:
    with pytest.raises(UserError) as error:
        ClipSource(ClipSpec(clip, crop=crop))
    assert "64 x 48" in one_line(error, clip)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        ClipSource(ClipSpec(tmp_path / "none.mp4"))
    assert "does not exist" in one_line(error, tmp_path / "none.mp4")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        ClipSource(ClipSpec(tmp_path))
    assert "folder" in one_line(error, tmp_path)


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4"])
@pytest.mark.parametrize("content", [b"walk\n" * 500, b"", b"\0\1\2\3" * 2000])
def test_no_video(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        ClipSource(ClipSpec(path))
    assert "no video" in one_line(error, path)


def test_file_cut_off_before_its_index_is_one_line_and_nothing_else_on_the_terminal(clip: Path) -> None:
    blob = clip.read_bytes()
    clip.write_bytes(blob[: atoms(blob)[b"moov"]])
    code = "import sys; from pathlib import Path; from edge_runtime.camera import *\n"
    code += "try: ClipSource(ClipSpec(Path(sys.argv[1])))\nexcept UserError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", code, str(clip)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "cut off" in done.stdout and done.stdout.count("\n") == 1


@pytest.mark.parametrize("keep", [4, 7, FRAMES - 1])
def test_clip_that_ends_before_its_header_says_is_delivered_with_a_warning(clip: Path, keep: int) -> None:
    cut_samples(clip, keep)
    source = ClipSource(ClipSpec(clip, first=2))
    assert source.truncated is not None and f"{keep} of 12 frames" in source.truncated
    assert len(source) == keep - 2
    assert source.frames[0, :, :20].mean() == pytest.approx(40, abs=4)


def test_clip_that_ends_before_the_first_wanted_frame(clip: Path) -> None:
    cut_samples(clip, keep=3)
    with pytest.raises(UserError) as error:
        ClipSource(ClipSpec(clip, first=10))
    assert "cut short" in one_line(error, clip)


def cut_samples(clip: Path, keep: int) -> None:
    """Put the index (moov) first, as cameras do, and drop the bytes of all frames after `keep`."""
    blob = clip.read_bytes()
    at = atoms(blob)
    size = int.from_bytes(blob[at[b"moov"] : at[b"moov"] + 4], "big")
    moov = bytearray(blob[at[b"moov"] : at[b"moov"] + size])
    stco = moov.index(b"stco") + 12
    count = int.from_bytes(moov[stco - 4 : stco], "big")
    stsz = moov.index(b"stsz") + 16
    sizes = [int.from_bytes(moov[stsz + 4 * i : stsz + 4 * i + 4], "big") for i in range(keep)]
    first = int.from_bytes(moov[stco : stco + 4], "big")
    for i in range(count):
        offset = int.from_bytes(moov[stco + 4 * i : stco + 4 * i + 4], "big") + size
        moov[stco + 4 * i : stco + 4 * i + 4] = offset.to_bytes(4, "big")
    head = blob[: at[b"mdat"]]
    clip.write_bytes(head + moov + blob[at[b"mdat"] : first + sum(sizes)])
