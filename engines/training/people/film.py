"""What a real camera does to a clean image: exposure, blur, noise, compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engines.training.people.raster import U8


@dataclass(frozen=True)
class Film:
    """`gain` and `gamma` of the exposure, `blur_px` of the lens, `noise` of the sensor (of 255), `quality` of the JPEG
    compression (100 none), `exposure` share of the frame's time that the shutter is open, `shots` taken in it."""

    gain: float
    gamma: float
    blur_px: float
    noise: float
    quality: int
    exposure: float
    shots: int


def draw_film(random: np.random.Generator) -> Film:
    """A camera from good to poor."""
    moving = random.random() < 0.2
    return Film(
        gain=float(np.exp(random.normal(0.0, 0.15))),
        gamma=float(np.exp(random.normal(-0.1, 0.2))),
        blur_px=float(random.choice((0.0, random.uniform(0.3, 1.3)))),
        noise=float(random.choice((0.0, random.uniform(1.0, 7.0)))),
        quality=int(random.integers(30, 96)),
        exposure=random.uniform(0.2, 0.9) if moving else 0.0,
        shots=3 if moving else 1,
    )


def expose(film: Film, image: U8, random: np.random.Generator) -> U8:
    """`image` [H, W, 3] as the camera hands it out."""
    table = np.clip(255.0 * (np.arange(256) / 255.0) ** film.gamma * film.gain, 0, 255).astype(np.uint8)
    out = cv2.LUT(image, table)
    if film.blur_px > 0.0:
        out = cv2.GaussianBlur(out, (0, 0), film.blur_px)
    if film.noise > 0.0:
        small = random.integers(-128, 128, (97, 89, 3), dtype=np.int16)  # grain, repeated over the picture
        tiles = (out.shape[0] // 97 + 1, out.shape[1] // 89 + 1, 1)
        grain = np.tile(small, tiles)[: out.shape[0], : out.shape[1]]
        out = np.clip(out + grain * np.float32(film.noise / 74.0), 0, 255).astype(np.uint8)
    if film.quality < 100:
        _, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, film.quality])
        out = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.asarray(out)
