"""Where the camera's rays meet the body: sphere tracing in tiles, each against the primitives near it only.

Sphere tracing: Hart, "Sphere tracing: a geometric method for the antialiased ray tracing of implicit surfaces" (1996).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline_demo.mannequin.figure import Body, Points
from liftline_demo.mannequin.view import View

TILE_PX = 48
MARGIN_M = 0.06
"""Primitives this near to a tile's rays count: their blends, and the shade they throw, reach that far."""
HIT_PX, MAX_STEPS, CAUTION = np.float32(0.2), 64, np.float32(0.9)
"""A ray this near to the body has hit it; steps are as long as the distance, times the caution its bound needs."""
RIM_PX = np.float32(0.9)
"""Rays that pass the body within this many pixels are partly covered: the soft rim that anti-aliases the outline."""
OCCLUSION_M = np.float32(0.05)
NORMAL_STEP_M = np.float32(0.002)
_TETRAHEDRON = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)


@dataclass(frozen=True)
class Surface:
    """What N pixels see of the body.

    rows, columns (N,); coverage (N,) in 0..1; points_m (N,3) in the world; normals (N,3); materials (N,); openness (N,)
    is 1 where nothing is near, less in folds; sunlight (N,) is 1 where nothing stands between point and light.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    coverage: Points
    points_m: Points
    normals: Points
    materials: NDArray[np.intp]
    openness: Points
    sunlight: Points


def trace(body: Body, view: View, light: NDArray[np.float64]) -> Surface:
    """The visible surface of the body; `light` is a unit vector towards the sun."""
    eye = (view.position_m - body.origin_m).astype(np.float32)
    toward = light.astype(np.float32)
    tiles = [_trace_tile(part, view, eye, toward, box, span) for part, box, span in _tiles(body, view)]
    parts = [tile for tile in tiles if tile is not None]
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in Surface.__dataclass_fields__]
    return Surface(*joined)


def _tiles(body: Body, view: View) -> Iterator[tuple[Body, tuple[int, int, int, int], tuple[float, float]]]:
    """Parts of the body, the pixel box (x0, y0, x1, y1) they may show in, and the depths they lie between, metres."""
    starts = view.to_camera(np.concatenate([body.starts_m, body.centres_m]) + body.origin_m)
    ends = view.to_camera(np.concatenate([body.ends_m, body.centres_m]) + body.origin_m)
    radii_m = np.concatenate([body.radii_m.max(axis=1), body.semi_axes_m.max(axis=1)]) + MARGIN_M
    nearest = np.minimum(starts[:, 2], ends[:, 2]) - radii_m
    farthest = np.maximum(starts[:, 2], ends[:, 2]) + radii_m
    radii_px = view.camera.focal_px * radii_m / nearest
    from_px, to_px = view.camera.project(starts), view.camera.project(ends)
    low = np.floor((np.minimum(from_px, to_px) - radii_px[:, None]).min(axis=0).clip(0) / TILE_PX).astype(int) * TILE_PX
    high = (np.maximum(from_px, to_px) + radii_px[:, None]).max(axis=0)
    width, height = view.camera.width_px, view.camera.height_px
    for y in range(low[1], min(int(high[1]) + 1, height), TILE_PX):
        for x in range(low[0], min(int(high[0]) + 1, width), TILE_PX):
            box = (x, y, min(x + TILE_PX, width), min(y + TILE_PX, height))
            centre = np.array([box[0] + box[2], box[1] + box[3]]) / 2
            half_diagonal = np.hypot(box[2] - box[0], box[3] - box[1]) / 2
            near = _distance_to_segments(centre, from_px, to_px) < radii_px + half_diagonal
            if near.any():
                cones = len(body.starts_m)
                span = float(nearest[near].min()), float(farthest[near].max())
                yield body.part(near[:cones], near[cones:]), box, span


def _distance_to_segments(
    point: NDArray[np.float64], starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(2,) to P segments (P,2) -> (P,)."""
    along = ends - starts
    part = np.clip(((point - starts) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9), 0, 1)
    return np.asarray(np.linalg.norm(starts + part[:, None] * along - point, axis=-1), np.float64)


def _trace_tile(
    body: Body, view: View, eye: Points, light: Points, box: tuple[int, int, int, int], span: tuple[float, float]
) -> Surface | None:
    x0, y0, x1, y1 = box
    rows, columns = (grid.ravel() for grid in np.mgrid[y0:y1, x0:x1])
    rays = view.rays(np.stack([columns, rows], -1) + 0.5).astype(np.float32)
    reach, miss_px = _march(body, eye, rays, span, view.camera.focal_px)
    coverage = np.where(miss_px <= 0, np.float32(1), np.clip(1 - miss_px / RIM_PX, 0, 1) / 2).astype(np.float32)
    seen = np.flatnonzero(coverage > 0.02)
    if not len(seen):
        return None
    points = eye + rays[seen] * reach[seen, None]
    _, materials = body.distance(points)
    normals = _normals(body, points)
    openness = body.distance(points + OCCLUSION_M * normals)[0] / OCCLUSION_M
    toward_light = body.distance(points + np.float32(0.02) * normals + np.float32(0.07) * light)[0]
    return Surface(
        rows[seen],
        columns[seen],
        coverage[seen],
        (points + body.origin_m).astype(np.float32),
        normals,
        materials,
        openness.clip(0.35, 1),
        (0.35 + toward_light / np.float32(0.06)).clip(0.25, 1),
    )


def _march(body: Body, eye: Points, rays: Points, span: tuple[float, float], focal_px: float) -> tuple[Points, Points]:
    """Along unit rays (N,3): how far the hit or nearest pass is (N,), and how many pixels it misses by (N,), 0: hit."""
    depth = np.full(len(rays), span[0], np.float32)
    limit = np.float32(span[1] * 1.2)
    reach, miss_px = depth.copy(), np.full(len(rays), np.inf, np.float32)
    active = np.arange(len(rays))
    for _ in range(MAX_STEPS):
        here = depth[active]
        gap, _ = body.distance(eye + rays[active] * here[:, None])
        pixel_m = here / np.float32(focal_px)
        pixels = np.where(gap < HIT_PX * pixel_m, np.float32(0), gap / pixel_m)
        better = pixels < miss_px[active]
        miss_px[active[better]], reach[active[better]] = pixels[better], here[better]
        depth[active] = here + np.maximum(gap * CAUTION, HIT_PX * pixel_m)
        active = active[(pixels > 0) & (depth[active] < limit)]
        if not len(active):
            break
    return reach, miss_px


def _normals(body: Body, points: Points) -> Points:
    """(N,3) unit gradient of the distance field, from four samples at a tetrahedron's corners."""
    around = (points + NORMAL_STEP_M * _TETRAHEDRON[:, None]).reshape(-1, 3)
    samples = body.distance(around)[0].reshape(4, -1)
    gradient = samples.T @ _TETRAHEDRON
    return np.asarray(gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-9), np.float32)
