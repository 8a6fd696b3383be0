"""Dresses a body: which faces are skin, hair, shirt, trousers, shoes; colours, patterns, width of the cloth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.training.people.bodies import F64, I32, Body
from engines.training.people.raster import BLOTCHES, CHECKS, PLAIN, STRIPES_ACROSS, STRIPES_ALONG

SKIN, HAIR, SHIRT, TROUSERS, SHOES, SOCKS, EYES = range(7)
MATERIALS: Final = 7

_SKIN_TONES: Final = ((0.95, 0.78, 0.69), (0.88, 0.67, 0.54), (0.72, 0.5, 0.36), (0.5, 0.33, 0.23), (0.32, 0.2, 0.15))
_HAIR_TONES: Final = ((0.06, 0.05, 0.05), (0.22, 0.14, 0.08), (0.45, 0.3, 0.15), (0.75, 0.6, 0.35), (0.6, 0.6, 0.6))
_LEGS: Final = ("upperleg", "lowerleg")

PATTERNS: Final = (PLAIN,) * 6 + (STRIPES_ACROSS, STRIPES_ALONG, CHECKS, BLOTCHES)
LOUD_PATTERNS: Final = (PLAIN,) * 3 + (STRIPES_ACROSS, STRIPES_ALONG, CHECKS, BLOTCHES, BLOTCHES, BLOTCHES)


@dataclass(frozen=True)
class Dress:
    """`vertices` [V, 3] of the dressed body at rest, `material` [F] per face, `colours` [M, 2, 3], `pattern` [M, 3] as
    `raster.shade` takes them."""

    vertices: F64
    material: I32
    colours: F64
    pattern: F64


def dress(body: Body, random: np.random.Generator, patterns: tuple[int, ...] = PATTERNS) -> Dress:
    """Clothes for `body`: any length of sleeve and leg, tight to loose, each of one of `patterns`."""
    of_vertex, cloth = _regions(body, random)
    swelling = _swelling(body, of_vertex, cloth, random)
    colours = np.zeros((MATERIALS, 2, 3))
    colours[:] = random.uniform(0.03, 0.97, (MATERIALS, 2, 3))
    dull = np.sqrt(random.uniform(0.0, 1.0, (MATERIALS, 1, 1)))  # most clothes are not gaudy
    colours = dull * colours.mean(axis=2, keepdims=True) + (1.0 - dull) * colours
    colours[SKIN] = np.array(_SKIN_TONES[random.integers(len(_SKIN_TONES))]) * random.uniform(0.9, 1.05)
    colours[HAIR] = np.array(_HAIR_TONES[random.integers(len(_HAIR_TONES))])
    colours[EYES] = 0.08
    pattern = np.zeros((MATERIALS, 3))
    for garment in (SHIRT, TROUSERS, SHOES):
        pattern[garment] = random.choice(patterns), random.uniform(6.0, 40.0), random.uniform(0.0, 0.6)
    pattern[SKIN, 2] = 0.1
    pattern[HAIR, 2] = 0.5
    return Dress(body.vertices + swelling, of_vertex[body.faces[:, 0]], colours, pattern)


def _regions(body: Body, random: np.random.Generator) -> tuple[I32, F64]:
    """Material of each vertex [V] and how far from an edge of cloth it is [V], 0..1."""
    names = np.array(body.bones)
    owner = names[body.weight_bones[np.arange(len(body.weights)), body.weights.argmax(axis=1)]]
    part = np.array([name.split(".")[0] for name in owner])
    y, x = body.vertices[:, 1], body.vertices[:, 0]
    knee, ankle, hip = (body.head(f"{name}.R")[1] for name in ("lowerleg01", "foot", "upperleg01"))
    material = np.full(len(y), SKIN, np.int32)
    waist = hip + random.uniform(0.02, 0.16)
    hem = float(random.choice((ankle + 0.01, ankle + 0.06, ankle + 0.15, knee - 0.04, knee + 0.08, knee + 0.2)))
    leg = np.char.startswith(part, _LEGS[0]) | np.char.startswith(part, _LEGS[1])
    spine = np.char.startswith(part, "spine") | np.isin(part, ("root", "pelvis"))
    material[(spine | leg | (part == "foot")) & (y < waist) & (y > hem)] = TROUSERS
    trunk = spine | np.isin(part, ("clavicle", "shoulder01", "neck01")) | np.char.startswith(part, "breast")
    material[trunk & (y >= waist - (random.random() < 0.5) * 0.1)] = SHIRT
    sleeves = (("upperarm01",), ("upperarm01", "upperarm02"), ("upperarm01", "upperarm02", "lowerarm01", "lowerarm02"))
    material[np.isin(part, sleeves[random.integers(len(sleeves))])] = SHIRT
    top = ankle + random.uniform(-0.02, 0.05)
    foot = np.char.startswith(part, "foot") | np.char.startswith(part, "toe")
    socks = ankle + random.uniform(0.0, 0.18)
    material[(leg | foot) & (y < socks) & (material == SKIN)] = SOCKS if random.random() < 0.6 else SKIN
    material[(foot | leg) & (y < top)] = SHOES if random.random() < 0.85 else SKIN
    head, top_y = body.head("head"), body.stature_m
    behind = x < head[0] + random.uniform(-0.02, 0.05)
    high = y > top_y - random.uniform(0.05, 0.09)
    face_height = y > head[1] + random.uniform(-0.08, 0.04)
    material[np.isin(part, ("head", "neck03", "neck02")) & (high | (behind & face_height))] = HAIR
    material[part == "eye"] = EYES
    below = np.clip((y - hem) / 0.05, 0.2, 1.0)
    return material, np.asarray(np.where(material == TROUSERS, below, 1.0))


def _swelling(body: Body, material: I32, edge: F64, random: np.random.Generator) -> F64:
    """Offset [V, 3] (m) of loose cloth along the normals, uneven, and of shoes."""
    wide = np.zeros(MATERIALS)
    wide[SHIRT], wide[TROUSERS] = random.gamma(1.5, 0.006, 2)
    wide[HAIR], wide[SHOES] = random.uniform(0.0, 0.025), random.uniform(0.002, 0.01)
    wave = random.normal(0.0, 12.0, (4, 3)), random.uniform(0.0, 2 * np.pi, 4)
    uneven = np.sin(body.vertices @ wave[0].T + wave[1]).mean(axis=1)
    amount = np.minimum(wide[material], 0.035) * edge * (1.0 + 0.6 * uneven)
    return np.asarray(amount[:, None] * body.normals)
