"""The camera of the embedded sample: painted rectangles in space, an endless ground, a sky, and a sensor."""

from dataclasses import dataclass

import cv2
import numpy as np

from realesrgan_arch.data.sample_textures import PIXELS_PER_METRE, Texture, value_noise

WIDTH, HEIGHT = 512, 384
SUPERSAMPLING = 2
"""Drawn this much larger and averaged, so that edges are as soft as those of a lens."""


@dataclass(frozen=True)
class Camera:
    """Position (x right, y up, z away) in metres; looks along +z turned by `yaw` (radians); verticals stay vertical.

    `focal` is in picture widths, `horizon` the height of the horizon from the top in picture heights (a shift lens).
    """

    x: float
    y: float
    z: float
    yaw: float
    focal: float = 1.0
    horizon: float = 0.75

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) in front of the camera -> (N, 2) places on the supersampled canvas."""
        right, up, away = (points - (self.x, self.y, self.z)).T
        depth = away * np.cos(self.yaw) + right * np.sin(self.yaw)
        across = right * np.cos(self.yaw) - away * np.sin(self.yaw)
        focal = self.focal * WIDTH * SUPERSAMPLING
        u = WIDTH * SUPERSAMPLING / 2 + focal * across / depth
        v = HEIGHT * SUPERSAMPLING * self.horizon - focal * up / depth
        return np.stack((u, v), axis=1).astype(np.float32)


def draw_sky(generator: np.random.Generator, *, top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Texture:
    """A gradient with clouds, as a supersampled canvas; soft enough to be drawn small and enlarged."""
    down = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    colors = np.asarray(top, np.float32) * (1 - down) + np.asarray(bottom, np.float32) * down
    clouds = sum(value_noise(generator, height=HEIGHT, width=WIDTH, cell=cell) * cell / 130 for cell in (130, 45, 16))
    cover = np.clip(np.asarray(clouds, np.float32) - 0.35, 0, 1)[..., None] * 0.75
    sky = (colors * (1 - cover) + 244 * cover).astype(np.uint8)
    return np.asarray(cv2.resize(sky, (WIDTH * SUPERSAMPLING, HEIGHT * SUPERSAMPLING)), np.uint8)


def paint_quad(canvas: Texture, texture: Texture, corners: np.ndarray, camera: Camera) -> None:
    """Paint `texture` on the rectangle with corners (4, 3): top left, top right, bottom right, bottom left."""
    height, width = texture.shape[:2]
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    warp = cv2.getPerspectiveTransform(flat, camera.project(corners))
    size = (canvas.shape[1], canvas.shape[0])
    cv2.warpPerspective(
        texture, warp, size, dst=canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )  # fmt: skip


def paint_gable(canvas: Texture, texture: Texture, wall: np.ndarray, camera: Camera, *, rise: float) -> None:
    """Paint the triangle over the wall with corners (4, 3), as `paint_quad`; its tip lies `rise` over the middle."""
    left, right = wall[0], wall[1]
    up = np.array((0.0, rise, 0.0))
    painted = canvas.copy()
    paint_quad(painted, texture, np.stack((left + up, right + up, right, left)), camera)
    triangle = camera.project(np.stack((left, (left + right) / 2 + up, right)))
    inside = np.zeros(canvas.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, np.round(triangle).astype(np.int32), 1)
    canvas[inside == 1] = painted[inside == 1]


def paint_ground(canvas: Texture, texture: Texture, camera: Camera) -> None:
    """Fill everything below the horizon with the texture, repeated without end, and fade it a little far away."""
    focal = camera.focal * WIDTH * SUPERSAMPLING
    first = int(HEIGHT * SUPERSAMPLING * camera.horizon) + 2
    v = np.arange(first, canvas.shape[0], dtype=np.float32)[:, None]
    u = np.arange(canvas.shape[1], dtype=np.float32)[None, :] - canvas.shape[1] / 2
    depth = camera.y * focal / (v - HEIGHT * SUPERSAMPLING * camera.horizon)
    across = depth * u / focal
    east = camera.x + across * np.cos(camera.yaw) + depth * np.sin(camera.yaw)
    north = camera.z + depth * np.cos(camera.yaw) - across * np.sin(camera.yaw)
    column = np.mod(east * PIXELS_PER_METRE, texture.shape[1] - 1).astype(np.float32)
    row = np.mod(north * PIXELS_PER_METRE, texture.shape[0] - 1).astype(np.float32)
    ground = cv2.remap(texture, column, row, cv2.INTER_LINEAR)
    # Far texels are smaller than pixels and would flicker: go over to the mean colour.
    far = np.clip((depth - 9) / 30, 0, 0.92)[..., None]
    canvas[first:] = (ground * (1 - far) + np.asarray(cv2.mean(texture)[:3], np.float32) * far).astype(np.uint8)


def expose(canvas: Texture, generator: np.random.Generator) -> Texture:
    """The canvas as a camera would record it, (HEIGHT, WIDTH, 3): averaged, vignetted, with mild sensor noise."""
    image = np.asarray(cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)).astype(np.float32)
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j].astype(np.float32)
    gain = (1 - 0.09 * (x * x + y * y)) * np.float32(generator.uniform(0.94, 1.06))
    balance = generator.uniform(0.97, 1.03, 3).astype(np.float32)
    image *= gain[..., None] * balance
    image += generator.standard_normal(image.shape, dtype=np.float32) * (1.0 + 0.006 * image)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)
