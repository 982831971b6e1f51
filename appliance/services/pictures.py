"""An untrusted photo becomes a clean JPEG: decoded whole, turned upright, stripped of all metadata. Pure."""

import io
import warnings
from typing import Final, NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from appliance.errors import PhotoRefused, TooLarge

FORMATS: Final = ("JPEG", "PNG", "WEBP")
MIN_SIDE: Final = 200
"""A face must have about 80 pixels between the eyes to be compared; below this it cannot."""

MAX_PIXELS: Final = 50_000_000
"""A phone's 48 megapixels; a picture that claims more is a decompression bomb (150 MB of memory at this size)."""

KEPT_SIDE: Final = 2560
"""Longer sides are scaled down: a passport's print stays readable."""

QUALITY: Final = 90


class Photo(NamedTuple):
    """A clean JPEG and its size in pixels."""

    content: bytes
    width: int
    height: int


def clean(content: bytes, max_bytes: int) -> Photo:
    """Return the photo re-encoded; raise ``TooLarge`` or ``PhotoRefused`` that says what is wrong with it."""
    if len(content) > max_bytes:
        limit = max_bytes // (1024 * 1024) or 1
        raise TooLarge(f"The photo is too large; at most {limit} MB are accepted.", limit=max_bytes)
    if not content:
        raise PhotoRefused("The photo is empty; take it again.", reason="empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS below is stricter
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                return _re_encoded(image)
    except UnidentifiedImageError as error:
        raise PhotoRefused("This is not a photo; JPEG, PNG and WebP are accepted.", reason="format") from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow's decoders raise all of these for damaged files
        raise PhotoRefused("The photo is damaged; take it again.", reason="damaged") from error


def _re_encoded(image: Image.Image) -> Photo:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if min(width, height) < MIN_SIDE:
        message = f"The photo is too small ({width} × {height}); each side needs at least {MIN_SIDE} pixels."
        raise PhotoRefused(message, reason="too_small", width=width, height=height)
    image.draft("RGB", (KEPT_SIDE, KEPT_SIDE))  # lets the JPEG decoder scale while it reads
    upright = ImageOps.exif_transpose(image)
    plain = _on_white(upright)
    plain.thumbnail((KEPT_SIDE, KEPT_SIDE))
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY)
    return Photo(out.getvalue(), plain.width, plain.height)


def _on_white(image: Image.Image) -> Image.Image:
    """Return pixels alone, in RGB: a new image, so that no metadata comes along."""
    rgba = image.convert("RGBA") if image.has_transparency_data else image.convert("RGB")
    plain = Image.new("RGB", rgba.size, "white")
    plain.paste(rgba, mask=rgba if rgba.mode == "RGBA" else None)
    return plain


def _too_many_pixels() -> PhotoRefused:
    return PhotoRefused(f"The photo has more than {MAX_PIXELS // 1_000_000} megapixels.", reason="too_many_pixels")
