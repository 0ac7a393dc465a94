"""Camera: perspective, blur, sharpening, exposure, colour cast, vignetting, noise and JPEG; the label map follows the geometry."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.synthetic.noise import FloatField, Rng, chance, log_uniform

Labels = NDArray[np.int32]
Image = NDArray[np.uint8]

_LEAST_MIDDLE = 0.2  # of the median brightness: nobody keeps a photo in which half of the stones cannot be seen


def draw_homography(size_px: int, canvas_px: int, scale: float, rng: Rng) -> NDArray[np.float64]:
    """Return the 3x3 homography from canvas pixels to photo pixels: scaling by `scale`, slight rotation and keystone.

    The photo's frame stays inside the canvas as long as the canvas has a twelfth of margin.
    """
    angle = float(np.clip(rng.normal(0, 0.015), -0.03, 0.03))
    centre = canvas_px / 2
    rotate = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    keystone = np.eye(3)
    keystone[2, :2] = np.clip(rng.normal(0, 0.02, 2), -0.05, 0.05) / canvas_px
    to_centre = np.array([[1, 0, -centre], [0, 1, -centre], [0, 0, 1]])
    to_photo = np.array([[scale, 0, size_px / 2], [0, scale, size_px / 2], [0, 0, 1]])
    return np.asarray(to_photo @ keystone @ rotate @ to_centre)


def take_photo(surface: FloatField, labels: Labels, homography: NDArray[np.float64], size_px: int, rng: Rng) -> tuple[Image, Labels]:
    """Return the photo uint8 (size, size, 3) and its label map int32 (size, size)."""
    scale = float(np.sqrt(abs(np.linalg.det(homography[:2, :2]))))
    soft = cv2.GaussianBlur(surface, (0, 0), max(0.3, 0.42 / scale))
    frame = (size_px, size_px)
    photo = cv2.warpPerspective(soft, homography, frame, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    truth = cv2.warpPerspective(
        labels.astype(np.float32), homography, frame, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    ).astype(np.int32)
    return develop(np.asarray(photo, dtype=np.float32), rng), truth


def develop(photo: FloatField, rng: Rng) -> Image:
    """Return uint8 (H, W, 3) of a scene in about 0..1 after lens, sensor and file: blur, tone, cast, noise, sharpening, JPEG."""
    blur = float(rng.choice([0.0, rng.uniform(0.2, 0.7), rng.uniform(0.5, 1.1)], p=[0.45, 0.4, 0.15]))
    if blur > 0:
        photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), blur), dtype=np.float32)
    photo = _tone(_exposed(photo, rng), rng)
    noise = log_uniform(0.002, 0.018, rng)
    photo = photo + np.float32(noise) * rng.standard_normal(photo.shape, dtype=np.float32)
    if chance(0.4, rng):
        halo = cv2.GaussianBlur(photo, (0, 0), float(rng.uniform(0.6, 1.5)))
        photo = photo + np.float32(rng.uniform(0.2, 1.2)) * (photo - halo)
    if chance(0.25, rng):
        photo = _enlarged_from_fewer_pixels(photo, float(rng.uniform(1.15, 1.9)))
    image = np.round(np.clip(photo, 0, 1) * 255).astype(np.uint8)
    return _through_jpeg(image, int(rng.integers(45, 97))) if chance(0.8, rng) else image


def _exposed(photo: FloatField, rng: Rng) -> FloatField:
    """Expose so that the brightest parts lie where a photographer would put them, with the shadows lifted in a dark picture."""
    bright = float(np.percentile(photo[::4, ::4], 97))
    exposed = photo * np.float32(np.clip(rng.uniform(0.6, 1.02) / max(bright, 0.05), 0.6, 2.0))
    middle = float(np.clip(np.median(exposed[::4, ::4]), 0.02, 1))
    if middle >= _LEAST_MIDDLE:
        return np.asarray(exposed)
    return np.asarray(np.clip(exposed, 0, None) ** np.float32(np.log(_LEAST_MIDDLE) / np.log(middle)))


def _tone(photo: FloatField, rng: Rng) -> FloatField:
    height, width = photo.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    vignette = 1 - np.float32(rng.uniform(0, 0.25)) * (x * x + y * y) / 2
    vignette += np.float32(rng.normal(0, 0.08)) * x + np.float32(rng.normal(0, 0.08)) * y
    cast = (1 + rng.normal(0, 0.035, 3)).astype(np.float32)
    gamma = float(np.exp(rng.normal(0, 0.15)))
    contrast, middle = float(np.exp(rng.normal(-0.1, 0.2))), float(rng.uniform(0.35, 0.6))
    toned = np.clip(photo * cast * vignette[..., None], 0, 1.2) ** np.float32(gamma)
    return np.asarray((toned - middle) * contrast + middle + rng.normal(0, 0.04), dtype=np.float32)


def _enlarged_from_fewer_pixels(photo: FloatField, factor: float) -> FloatField:
    """The photo as a picture that was scaled down for a web page and up again."""
    height, width = photo.shape[:2]
    small = cv2.resize(photo, (max(8, round(width / factor)), max(8, round(height / factor))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _through_jpeg(image: Image, quality: int) -> Image:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)[..., ::-1])
