"""Draws a triangle mesh into an image: depth buffer, solid textures, one light. Plain code, same pixels anywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from engines.training.people.bodies import F64, I32

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

_BIAS_M = 0.03  # a surface does not shade itself

PLAIN, STRIPES_ACROSS, STRIPES_ALONG, CHECKS, BLOTCHES = range(5)


@njit(cache=True, nogil=True)
def cover(points: F64, faces: I32, depth: F32, owner: I32) -> None:
    """Depth test of all faces: `points` [V, 3] are x, y in px and distance in m; fills `depth` (m) and `owner` [H, W],
    the face nearest to the camera in each pixel. Both keep what was there and is nearer."""
    height, width = depth.shape
    for f in range(len(faces)):
        a, b, c = faces[f]
        xa, ya, za = points[a]
        xb, yb, zb = points[b]
        xc, yc, zc = points[c]
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if area >= 0.0 or min(za, zb, zc) < 0.05:  # seen from inside, or behind the camera
            continue
        x0, x1 = max(0, int(np.ceil(min(xa, xb, xc)))), min(width - 1, int(np.floor(max(xa, xb, xc))))
        y0, y1 = max(0, int(np.ceil(min(ya, yb, yc)))), min(height - 1, int(np.floor(max(ya, yb, yc))))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                wa = ((xb - x) * (yc - y) - (xc - x) * (yb - y)) / area
                wb = ((xc - x) * (ya - y) - (xa - x) * (yc - y)) / area
                wc = 1.0 - wa - wb
                if wa < 0.0 or wb < 0.0 or wc < 0.0:
                    continue
                z = wa * za + wb * zb + wc * zc
                if z < depth[y, x]:
                    depth[y, x] = z
                    owner[y, x] = f


@njit(cache=True, nogil=True)
def _noise(x: float, y: float, z: float) -> float:
    """Smooth noise 0..1 of a point, from hashed corners of the unit cell around it."""
    ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    fx, fy, fz = x - ix, y - iy, z - iz
    fx, fy, fz = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy), fz * fz * (3 - 2 * fz)
    total = 0.0
    for corner in range(8):
        dx, dy, dz = corner & 1, (corner >> 1) & 1, corner >> 2
        h = ((ix + dx) * 374761393 + (iy + dy) * 668265263 + (iz + dz) * 1274126177) & 0x7FFFFFFF
        h = ((h ^ (h >> 13)) * 1103515245) & 0x7FFFFFFF
        value = ((h ^ (h >> 16)) & 0xFFFF) / 65535.0
        total += value * (fx if dx else 1 - fx) * (fy if dy else 1 - fy) * (fz if dz else 1 - fz)
    return total


@njit(cache=True, nogil=True)
def _pattern(kind: int, x: float, y: float, z: float, scale: float) -> float:
    """How much of the second colour, 0..1, at a point of the body at rest."""
    if kind == STRIPES_ACROSS:
        return 1.0 if (y * scale) % 1.0 < 0.5 else 0.0
    if kind == STRIPES_ALONG:
        return 1.0 if ((x + z) * scale) % 1.0 < 0.5 else 0.0
    if kind == CHECKS:
        across = 0.5 if (y * scale) % 1.0 < 0.5 else 0.0
        return across + (0.5 if ((x + z) * scale) % 1.0 < 0.5 else 0.0)
    if kind == BLOTCHES:
        return 1.0 if _noise(x * scale, y * scale, z * scale) > 0.55 else 0.0
    return 0.0


@njit(cache=True, nogil=True)
def _in_shadow(x: float, y: float, distance: float, depth: F32) -> bool:
    column, row = int(x + 0.5), int(y + 0.5)
    if column < 0 or row < 0 or row >= depth.shape[0] or column >= depth.shape[1]:
        return False
    return distance > depth[row, column] + _BIAS_M


@njit(cache=True, nogil=True)
def shade(
    image: U8, owner: I32, points: F64, faces: I32, normals: F64, rest: F64, material: I32, colours: F64, pattern: F64,
    light: F64, lit_points: F64, lit_depth: F32
) -> None:  # fmt: skip
    """Colour the pixels of `image` [H, W, 3] that a face owns.

    `normals`, `rest` [V, 3] in the world and at rest; `material` [F] row of `colours` [M, 2, 3] (0..1) and `pattern`
    [M, 3] (kind, scale 1/m, roughness of the grain); `light` [3, 3]: direction to it, colour of it, of the ambience.
    `lit_points` [V, 3] are the vertices as the light sees them (px of `lit_depth` [S, S], distance in m): what lies
    behind the depth there is in shadow.
    """
    height, width = owner.shape
    for y in range(height):
        for x in range(width):
            f = owner[y, x]
            if f < 0:
                continue
            a, b, c = faces[f]
            xa, ya, xb, yb = points[a, 0], points[a, 1], points[b, 0], points[b, 1]
            xc, yc = points[c, 0], points[c, 1]
            area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
            wa = ((xb - x) * (yc - y) - (xc - x) * (yb - y)) / area
            wb = ((xc - x) * (ya - y) - (xa - x) * (yc - y)) / area
            wc = 1.0 - wa - wb
            facing = length = 0.0
            up = wa * normals[a, 1] + wb * normals[b, 1] + wc * normals[c, 1]
            for i in range(3):
                n = wa * normals[a, i] + wb * normals[b, i] + wc * normals[c, i]
                facing += n * light[0, i]
                length += n * n
            facing = max(0.0, facing / np.sqrt(length + 1e-12))
            if _in_shadow(
                wa * lit_points[a, 0] + wb * lit_points[b, 0] + wc * lit_points[c, 0],
                wa * lit_points[a, 1] + wb * lit_points[b, 1] + wc * lit_points[c, 1],
                wa * lit_points[a, 2] + wb * lit_points[b, 2] + wc * lit_points[c, 2],
                lit_depth,
            ):
                facing = 0.0
            px, py, pz = (
                wa * rest[a, 0] + wb * rest[b, 0] + wc * rest[c, 0],
                wa * rest[a, 1] + wb * rest[b, 1] + wc * rest[c, 1],
                wa * rest[a, 2] + wb * rest[b, 2] + wc * rest[c, 2],
            )
            m = material[f]
            second = _pattern(int(pattern[m, 0]), px, py, pz, pattern[m, 1])
            fold = 1.0 + pattern[m, 2] * (_noise(px * 35.0, py * 14.0, pz * 35.0) - 0.5)
            for i in range(3):
                albedo = colours[m, 0, i] + second * (colours[m, 1, i] - colours[m, 0, i])
                lit = light[2, i] * (0.75 + 0.25 * up) + light[1, i] * facing
                image[y, x, i] = min(255.0, 255.0 * albedo * fold * lit)
