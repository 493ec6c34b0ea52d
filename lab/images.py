"""Pictures in and out: any usual picture file becomes checked RGB bytes, and back into a tensor or a PNG without loss.

What `read_picture` does, in this order, and why:

1. The size in the header is checked before a pixel is decoded, so a small file cannot unpack into gigabytes.
2. Of an animation or a file of several pages the first is taken.
3. 16-bit samples are rounded to 8 bits over their whole range (65535 becomes 255); nothing is clipped.
4. CMYK, grey, palette and black-and-white become RGB.
5. An embedded colour profile is applied, so that the colours are those the picture was made with once the profile is gone;
   a profile that amounts to sRGB is left alone, and the bytes stay exactly as they were.
6. Transparency is composited on white.
7. The rotation that a camera notes in EXIF is applied.
"""

import io
import struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lab.errors import LabError

MAX_PIXELS = 40_000_000
MIN_SIDE = 32
MAX_SIDE = 16384  # beyond it no browser shows a picture, and JPEG and WebP end at 65535 and 16383
MAX_BYTES = 500_000_000  # 40 million pixels of four uncompressed 16-bit samples are 320 MB

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
EXIF_ORIENTATION = 0x0112
TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_PLANES, TIFF_SAMPLE_FORMAT = 258, 262, 284, 339


class PictureError(LabError):
    """A picture that cannot be used; its text is the sentence for the visitor."""


class TooManyPixelsError(PictureError):
    """A picture beyond the limit that the caller has set; others may take it."""


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Raise PictureError for a size the lab does not work with.

    Args:
        width, height: in pixels.
        max_pixels: how many there may be in all.
    """
    if width * height > max_pixels:
        limit = f"{max_pixels / 1e6:g}-megapixel limit"
        raise TooManyPixelsError(f"{width}x{height} is more than the {limit}; make the picture smaller first.")
    if max(width, height) > MAX_SIDE:
        raise PictureError(f"{width}x{height} has a side of more than {MAX_SIDE} pixels; cut the picture into parts first.")
    if min(width, height) < MIN_SIDE:
        raise PictureError(f"{width}x{height} is smaller than {MIN_SIDE}x{MIN_SIDE}, the least the lab works with.")


def read_picture(source: str | Path | bytes, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read a PNG, JPEG, WebP, TIFF, BMP or GIF file as 8-bit RGB, upright and without transparency.

    Args:
        source: the path of a file, or the bytes of one.
        max_pixels: larger pictures are refused, before they are decoded.

    Returns:
        uint8 (H, W, 3) RGB in sRGB, each side from MIN_SIDE to MAX_SIDE, at most `max_pixels` pixels.

    Raises:
        PictureError: the file is missing, empty, not a picture, damaged, too large, too small, or of a kind that has no
            one reading as RGB; the text says which.
    """
    data = source if isinstance(source, bytes) else _read_bytes(Path(source))
    image = _open_header(data)
    check_size(*image.size, max_pixels)
    try:
        image.load()
        orientation = _orientation(image)
        profile = image.info.get("icc_profile")
        colour, alpha = _split_alpha(_to_eight_bits(image, data))
        picture = np.asarray(_apply_profile(colour, profile).convert("RGB"))
    except (PictureError, MemoryError):
        raise
    except Exception as problem:  # damaged files make decoders raise nearly anything
        raise _damaged(image.format) from problem
    if alpha is not None:
        picture = _on_white(picture, np.asarray(alpha))
    return _upright(picture, orientation)


def read_named(path: str | Path) -> np.ndarray:
    """`read_picture` of one file among many: its name stands in front of any complaint."""
    try:
        return read_picture(path)
    except PictureError as error:
        raise type(error)(f"{Path(path).name}: {error}") from None


def to_tensor(picture: np.ndarray) -> Tensor:
    """Turn a uint8 (H, W, 3) RGB picture into a float32 tensor (1, 3, H, W) in [0, 1]."""
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).unsqueeze(0)
    return pixels.contiguous().to(torch.float32) / 255


def to_picture(tensor: Tensor) -> np.ndarray:
    """Turn a tensor (3, H, W) or (1, 3, H, W) in [0, 1] into a uint8 (H, W, 3) RGB picture.

    Values outside are clamped; halves are rounded up, as MATLAB does.

    Raises:
        ValueError: the tensor has another shape, or holds values that are not numbers.
    """
    if tensor.ndim == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3 or tensor.shape[0] != 3:
        raise ValueError(f"A picture is made of a (3, H, W) or (1, 3, H, W) tensor, not of {tuple(tensor.shape)}.")
    if torch.isnan(tensor).any():
        raise ValueError("The result holds values that are not numbers (NaN), so there is no picture to show.")
    steps = (tensor.detach().to(torch.float32).clamp(0, 1) * 255 + 0.5).floor()
    return steps.to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()


def png_bytes(picture: np.ndarray) -> bytes:
    """Encode a uint8 (H, W, 3) picture as PNG: without loss, for speed rather than for the smallest file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def write_png(picture: np.ndarray, path: str | Path) -> Path:
    """Write a uint8 (H, W, 3) picture as PNG without loss; folders on the way are made. Returns the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_bytes(picture))
    return path


def _read_bytes(path: Path) -> bytes:
    """The bytes of a file, refused with a sentence when there is none or it is beyond any picture in the limit."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise PictureError(f"{path} is a folder, not a picture file.")
        if size > MAX_BYTES:
            raise PictureError(f"{path.name} has {size / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f}-MB limit.")
        return path.read_bytes()
    except FileNotFoundError:
        raise PictureError(f"There is no file {path}.") from None
    except OSError as problem:
        raise PictureError(f"{path} cannot be read: {problem.strerror or problem}.") from problem


def _open_header(data: bytes) -> Image.Image:
    """Read the header of a picture file; no pixel is decoded.

    Pillow's own `Image.open` refuses or warns by a limit of its own before it tells the size, so the reader of the format
    is called directly.
    """
    if not data:
        raise PictureError("The file is empty.")
    Image.init()
    for name in FORMATS:
        reader, accepts = Image.OPEN[name]
        if accepts(data[:16]) is not True:  # some return a text when they know the format but were built without it
            continue
        try:
            return reader(io.BytesIO(data), None)
        except Exception as problem:  # damaged headers make readers raise nearly anything
            if name == "TIFF" and "unknown pixel mode" in str(problem):
                raise PictureError(
                    "This TIFF stores its samples in a way the lab does not read; save it with 8 or 16 bits per channel."
                ) from problem
            raise _damaged(name) from problem
    raise PictureError(_what_it_is_instead(data))


def _what_it_is_instead(data: bytes) -> str:
    """The sentence for bytes that are none of the formats."""
    takes = "the lab takes PNG, JPEG, WebP, TIFF, BMP and GIF"
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<svg") or (start.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in start):
        return "This is an SVG drawing, which has no pixels of its own; export it as PNG and use that."
    if data[4:8] == b"ftyp":
        kind = {b"he": "HEIC picture", b"mi": "HEIC picture", b"av": "AVIF picture"}.get(data[8:10], "video")
        return f"This is a {kind}; {takes}. Save it as PNG or JPEG first."
    if start.startswith(b"%pdf"):
        return f"This is a PDF document; {takes}. Save the page as PNG first."
    return f"This is not a picture that can be read; {takes}."


def _damaged(name: str | None) -> PictureError:
    """The sentence for a file that starts as a picture and does not go on as one."""
    return PictureError(f"The {name or 'picture'} file is damaged or cut short; try the original file.")


def _to_eight_bits(image: Image.Image, data: bytes) -> Image.Image:
    """Bring a loaded image to 8 bits per sample: deep ones are rounded over their whole range."""
    if image.format == "TIFF" and 2 in image.tag_v2.get(TIFF_SAMPLE_FORMAT, ()):
        raise PictureError("This TIFF holds signed whole numbers, whose white is unknown; save it with 8 or 16 bits.")
    if image.mode == "F":
        return _from_float(np.asarray(image))
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):  # "I": before Pillow 11
        return _from_deep_grey(image)
    if image.mode == "I":
        raise PictureError("This picture holds 32-bit whole numbers, whose white is unknown; save it with 8 or 16 bits.")
    if image.mode == "LAB":
        raise PictureError("This picture stores its colours as CIE Lab; save it as RGB.")
    if image.mode in ("RGB", "RGBA") and image.format in ("PNG", "TIFF"):
        return _from_deep_colour(image, data)
    return image


def _from_float(values: np.ndarray) -> Image.Image:
    """A grey image from floating-point values, which must lie in 0..1."""
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        raise PictureError(
            f"This picture holds floating-point values from {low:.4g} to {high:.4g}; the lab reads them from 0 to 1. "
            "Save it with 8 or 16 bits."
        )
    return Image.fromarray(np.floor(values * 255 + 0.5).astype(np.uint8))


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """An 8-bit grey image, with alpha where one grey is declared transparent, from 16-bit grey."""
    bits = image.tag_v2.get(TIFF_BITS, (16,))[0] if image.format == "TIFF" else 16
    if bits != 16:  # Pillow hands 12 bits over as if they were 16, nearly black
        raise PictureError(f"This TIFF holds {bits} bits a sample; save it with 8 or 16.")
    deep = np.asarray(image).astype(np.uint32)
    grey = _round_deep(deep)
    if image.format == "TIFF" and image.tag_v2.get(TIFF_PHOTOMETRIC) == 0:  # white is zero; Pillow leaves that be
        grey = 255 - grey
    transparent = image.info.get("transparency")
    if transparent is None:
        return Image.fromarray(grey)
    alpha = np.where(deep == transparent, 0, 255).astype(np.uint8)
    return Image.fromarray(np.stack([grey, alpha], axis=2))


def _from_deep_colour(image: Image.Image, data: bytes) -> Image.Image:
    """An 8-bit image rounded from the 16 bits that Pillow cuts to their high bytes; other images come back unchanged.

    OpenCV keeps the 16 bits, but has its own ways with rotated TIFFs and premultiplied alpha. Where its high bytes are
    not Pillow's picture, Pillow's 8 bits stand.
    """
    bits = data[24] if image.format == "PNG" else max(image.tag_v2.get(TIFF_BITS, (1,)))
    if bits != 16:
        return image
    if image.format == "TIFF" and image.tag_v2.get(TIFF_PLANES) == 2:  # neither Pillow nor OpenCV reads these rightly
        raise PictureError("This 16-bit TIFF keeps its colours in separate planes; save it with interleaved channels.")
    import cv2

    deep = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    cut = np.asarray(image)
    if deep is None or deep.dtype != np.uint16 or deep.ndim != 3 or deep.shape[:2] != cut.shape[:2]:
        return image
    order = [2, 1, 0, 3][: deep.shape[2]]
    deep = deep[..., order]
    if deep.shape[2] < cut.shape[2] or not np.array_equal(deep[..., : cut.shape[2]] >> 8, cut):
        return image
    return Image.fromarray(_round_deep(deep.astype(np.uint32)))


def _round_deep(deep: np.ndarray) -> np.ndarray:
    """uint32 values in 0..65535 to uint8: v / 257, rounded."""
    return ((deep + 128) // 257).astype(np.uint8)


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colour of an 8-bit image (mode L, RGB, CMYK or one that converts to RGB) and its alpha (mode L) if it has one."""
    if image.mode in ("P", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("RGBA", "LA"):
        colour = image.convert(image.mode[:-1])
        return colour, image.getchannel("A")
    return image, None


def _apply_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Bring a grey, RGB or CMYK image to sRGB by its embedded colour profile.

    A profile that moves no colour by more than two steps is sRGB under one of its many names: the image is left alone, for
    rounding would change bytes and gain nothing. A profile that is broken or made for another kind of image is ignored,
    as browsers do.
    """
    if not profile or image.mode not in ("L", "RGB", "CMYK"):
        return image
    from PIL import ImageCms

    try:
        to_srgb = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, struct.error):
        return image
    if image.mode != "CMYK":
        sample = _sample_colours(image.mode)
        moved = np.asarray(ImageCms.applyTransform(sample, to_srgb)).astype(int) - np.asarray(sample.convert("RGB"))
        if np.abs(moved).max() <= 2:
            return image
    return ImageCms.applyTransform(image, to_srgb)


def _sample_colours(mode: str) -> Image.Image:
    """A small image with every grey ("L") or an even grid of colours ("RGB")."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    return Image.fromarray(grid.reshape(9, 81, 3))


def _on_white(picture: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Composite uint8 (H, W, 3) with straight uint8 alpha (H, W) on white, rounded."""
    weight = alpha[..., None].astype(np.uint32)
    return ((picture * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation of a loaded image, 1 (as it is) where there is none that can be read."""
    try:
        return image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # damaged notes are no reason to refuse a picture that is whole
        return 1


def _upright(picture: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror (H, W, 3) as the EXIF orientation says; unknown values leave it as it is."""
    if orientation == 2:
        picture = picture[:, ::-1]
    elif orientation == 3:
        picture = picture[::-1, ::-1]
    elif orientation == 4:
        picture = picture[::-1]
    elif orientation == 5:
        picture = picture.transpose(1, 0, 2)
    elif orientation == 6:
        picture = picture.transpose(1, 0, 2)[:, ::-1]
    elif orientation == 7:
        picture = picture[::-1, ::-1].transpose(1, 0, 2)
    elif orientation == 8:
        picture = picture.transpose(1, 0, 2)[::-1]
    return np.array(picture, order="C")  # a copy of its own: what Pillow hands out is read-only
