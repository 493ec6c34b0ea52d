"""Pictures in and out, on real files of every kind written here."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from lab.images import PictureError, png_bytes, read_picture, to_picture, to_tensor, write_png


def colours(height=45, width=61):
    """A smooth picture with every corner different, so that no turn or mirror goes unseen."""
    rows, columns = np.mgrid[0:height, 0:width]
    red = 255 * columns / (width - 1)
    green = 255 * rows / (height - 1)
    blue = 255 * (1 - columns / (width - 1)) * (1 - rows / (height - 1))
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def deep(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 65536, shape, dtype=np.uint16)


def rounded(values):
    """16 bits to 8, independently of the lab: to 0..255 as a float, then the nearest."""
    return np.floor(values / 65535 * 255 + 0.5).astype(np.uint8)


def on_white(colour, alpha):
    """Straight alpha (H, W) in 0..1 over white, as floats."""
    return colour * alpha[..., None] + 255 * (1 - alpha[..., None])


def saved(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, format=form, **options)
    return buffer.getvalue()


def tiff(array, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(colour_type, bits, samples, before=b""):
    """A PNG written by hand: `samples` is (H, W) or (H, W, C), of 8 or 16 bits; `before` are chunks before the pixels."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else "u1").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + pixels + chunk(b"IEND", b"")


def linear_profile():
    """An ICC profile with the primaries of sRGB and no gamma: its values are proportional to light."""

    def xyz(x, y, z):
        return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in (x, y, z)))

    gamma_one = b"curv\0\0\0\0" + struct.pack(">I", 0)
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 7) + b"linear\0" + b"\0" * 79,
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.4360747, 0.2225045, 0.0139322),
        b"gXYZ": xyz(0.3850649, 0.7168786, 0.0971045),
        b"bXYZ": xyz(0.1430804, 0.0606169, 0.7141733),
        b"rTRC": gamma_one,
        b"gTRC": gamma_one,
        b"bTRC": gamma_one,
    }
    table, body, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", offset + len(body), len(content))
        body += content
    rest = b"mntrRGB XYZ " + struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    rest += struct.pack(">iii", 63190, 65536, 54061)  # D50
    header = struct.pack(">I", offset + len(body)) + b"\0\0\0\0" + struct.pack(">I", 0x02100000) + rest
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


# Reading what is usual


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {}), ("WEBP", {"lossless": True})],
)
def test_formats_without_loss_come_in_exactly(form, options):
    picture = colours()
    np.testing.assert_array_equal(read_picture(saved(Image.fromarray(picture), form, **options)), picture)


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "GIF"])
def test_formats_with_loss_come_in_close(form):
    picture = colours()
    options = {} if form == "GIF" else {"quality": 95}
    result = read_picture(saved(Image.fromarray(picture), form, **options))
    assert result.shape == picture.shape
    assert result.dtype == np.uint8
    assert np.abs(result.astype(int) - picture).mean() < (12 if form == "GIF" else 4)


def test_a_path_a_text_and_bytes_give_the_same(tmp_path):
    picture = colours()
    path = write_png(picture, tmp_path / "new folder" / "picture.png")
    for source in (path, str(path), path.read_bytes()):
        np.testing.assert_array_equal(read_picture(source), picture)


def test_the_name_of_a_file_does_not_matter(tmp_path):
    path = tmp_path / "holiday.jpg"
    path.write_bytes(png_bytes(colours()))
    np.testing.assert_array_equal(read_picture(path), colours())


# Grey, palettes, CMYK


def test_grey_becomes_three_equal_channels():
    grey = colours()[..., 0]
    np.testing.assert_array_equal(read_picture(saved(Image.fromarray(grey), "PNG")), np.stack([grey] * 3, axis=2))


def test_black_and_white_becomes_0_and_255():
    bits = Image.fromarray(colours()[..., 0] > 100)
    result = read_picture(saved(bits, "PNG"))
    np.testing.assert_array_equal(result[..., 1], np.asarray(bits) * 255)


def test_a_tiff_whose_white_is_zero_is_not_read_as_a_negative():
    grey = colours()[..., 0]
    result = read_picture(tiff(grey, photometric="miniswhite"))
    np.testing.assert_array_equal(result[..., 0], 255 - grey)


def test_a_palette_becomes_its_colours():
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, :20] = (200, 30, 40)
    picture[:, 20:] = (10, 220, 90)
    indexed = Image.fromarray(picture).quantize(4)
    np.testing.assert_array_equal(read_picture(saved(indexed, "PNG")), np.asarray(indexed.convert("RGB")))
    assert np.abs(read_picture(saved(indexed, "PNG")).astype(int) - picture).max() <= 4


def test_a_cmyk_jpeg_keeps_its_colours():
    picture = colours(64, 64)
    result = read_picture(saved(Image.fromarray(picture).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(result.astype(int) - picture).mean() < 3


def test_a_cmyk_tiff_follows_the_ink_formula():
    inks = np.zeros((32, 32, 4), np.uint8)
    inks[..., 0], inks[..., 3] = 255, 51  # all cyan, a fifth of black
    result = read_picture(saved(Image.fromarray(inks, mode="CMYK"), "TIFF"))
    assert (np.abs(result.astype(int) - np.array([0, 204, 204])) <= 1).all()


# More than 8 bits


def test_a_16_bit_grey_png_is_scaled_not_clipped():
    samples = deep((40, 50))
    result = read_picture(png(0, 16, samples))
    np.testing.assert_array_equal(result, np.stack([rounded(samples)] * 3, axis=2))


def test_a_16_bit_rgb_png_is_scaled_and_rounded():
    samples = deep((40, 50, 3))
    result = read_picture(png(2, 16, samples))
    np.testing.assert_array_equal(result, rounded(samples))


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_16_bit_tiffs_are_scaled_and_rounded(byteorder):
    grey, colour = deep((40, 50)), deep((40, 50, 3))
    np.testing.assert_array_equal(read_picture(tiff(grey, byteorder=byteorder))[..., 2], rounded(grey))
    result = read_picture(tiff(colour, photometric="rgb", byteorder=byteorder))
    np.testing.assert_array_equal(result, rounded(colour))


def test_a_16_bit_tiff_with_a_usual_compression_is_scaled_and_rounded():
    import cv2

    colour = deep((40, 50, 3))
    done, encoded = cv2.imencode(".tiff", colour[..., ::-1])  # OpenCV writes LZW
    assert done
    np.testing.assert_array_equal(read_picture(encoded.tobytes()), rounded(colour))


def test_a_16_bit_tiff_whose_white_is_zero_is_not_read_as_a_negative():
    grey = deep((40, 50))
    np.testing.assert_array_equal(read_picture(tiff(grey, photometric="miniswhite"))[..., 0], 255 - rounded(grey))


def test_a_tiff_in_separate_planes_is_read_with_8_bits_and_refused_with_16():
    planes = np.moveaxis(colours(), 2, 0)
    result = read_picture(tiff(planes, photometric="rgb", planarconfig="separate"))
    np.testing.assert_array_equal(result, colours())
    with pytest.raises(PictureError, match="separate planes"):
        read_picture(tiff(planes.astype(np.uint16) * 257, photometric="rgb", planarconfig="separate"))


def test_a_16_bit_tiff_with_premultiplied_alpha_is_composited_once():
    rows, columns = np.mgrid[0:40, 0:50]
    alpha = (columns + 1) / 50
    colour = np.stack([rows / 39, 1 - rows / 39, columns / 49], axis=2)
    stored = np.concatenate([colour * alpha[..., None], alpha[..., None]], axis=2)
    data = tiff((stored * 65535).astype(np.uint16), photometric="rgb", extrasamples=["assocalpha"])
    expected = on_white(colour * 255, alpha)
    assert np.abs(read_picture(data) - expected).max() <= 3


def test_a_float_tiff_in_0_to_1_is_read_and_any_other_is_refused_with_its_range():
    values = np.linspace(0, 1, 40 * 50, dtype=np.float32).reshape(40, 50)
    np.testing.assert_array_equal(read_picture(tiff(values))[..., 0], np.floor(values * 255 + 0.5))
    with pytest.raises(PictureError, match=r"from -1 to 3;.* 0 to 1"):
        read_picture(tiff(values * 4 - 1))
    values[3, 3] = np.nan
    with pytest.raises(PictureError, match="floating-point"):
        read_picture(tiff(values))


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint32])
def test_whole_numbers_without_a_known_white_are_refused(kind):
    with pytest.raises(PictureError, match="white is unknown; save it with 8 or 16 bits"):
        read_picture(tiff(deep((40, 50)).astype(kind)))


def test_a_tiff_of_float_colours_is_refused_with_what_to_do():
    with pytest.raises(PictureError, match="save it with 8 or 16 bits per channel"):
        read_picture(tiff(np.zeros((40, 50, 3), np.float32), photometric="rgb"))


def test_a_lab_tiff_is_refused_with_what_to_do():
    with pytest.raises(PictureError, match="Lab; save it as RGB"):
        read_picture(saved(Image.new("LAB", (40, 40)), "TIFF"))


# Transparency


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_composited_on_white(form):
    colour = colours()
    alpha = np.tile(np.linspace(0, 255, colour.shape[1]).astype(np.uint8), (colour.shape[0], 1))
    image = Image.fromarray(np.dstack([colour, alpha]))
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    result = read_picture(saved(image, form, **options))
    assert np.abs(result - on_white(colour, alpha / 255)).max() <= 0.51
    assert (result[:, 0] == 255).all()
    np.testing.assert_array_equal(result[:, -1], colour[:, -1])


def test_grey_with_alpha_is_composited_on_white():
    grey, alpha = colours()[..., 0], colours()[..., 1]
    result = read_picture(saved(Image.fromarray(np.dstack([grey, alpha])), "PNG"))
    assert np.abs(result - on_white(np.dstack([grey] * 3), alpha / 255)).max() <= 0.51


def test_a_palette_with_transparent_entries_is_composited_on_white():
    indices = np.zeros((40, 40), np.uint8)
    indices[:, 10:20], indices[:, 20:] = 1, 2
    palette = chunk(b"PLTE", bytes([200, 0, 0, 0, 200, 0, 0, 0, 200])) + chunk(b"tRNS", bytes([0, 128]))
    result = read_picture(png(3, 8, indices, palette))
    assert result[0, 0].tolist() == [255, 255, 255]
    assert result[0, 15].tolist() == [127, 227, 127]
    assert result[0, 30].tolist() == [0, 0, 200]


def test_a_transparent_gif_is_composited_on_white():
    indexed = Image.fromarray((np.arange(1600) % 2).astype(np.uint8).reshape(40, 40), mode="P")
    indexed.putpalette([0, 0, 0, 250, 10, 20])
    result = read_picture(saved(indexed, "GIF", transparency=0))
    assert result[0, 0].tolist() == [255, 255, 255]
    assert result[0, 1].tolist() == [250, 10, 20]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("colour_type", [0, 2])
def test_one_colour_declared_transparent_becomes_white_and_only_that_one(bits, colour_type):
    samples = deep((40, 50) if colour_type == 0 else (40, 50, 3)) >> (16 - bits)
    declared = np.atleast_1d(samples[7, 9])
    mark = chunk(b"tRNS", b"".join(struct.pack(">H", int(value)) for value in declared))
    result = read_picture(png(colour_type, bits, samples, mark))
    expected = rounded(samples) if bits == 16 else samples.astype(np.uint8)
    expected = np.stack([expected] * 3, axis=2) if colour_type == 0 else expected.copy()
    transparent = samples == declared if colour_type == 0 else (samples == declared).all(axis=2)
    expected[transparent] = 255
    assert transparent[7, 9]
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(("colour_type", "channels"), [(6, 4), (4, 2)])
def test_16_bit_alpha_is_composited_on_white(colour_type, channels):
    samples = deep((40, 50, channels))
    result = read_picture(png(colour_type, 16, samples))
    colour = samples[..., :-1] / 65535 * 255
    expected = on_white(np.broadcast_to(colour, (40, 50, 3)), samples[..., -1] / 65535)
    assert np.abs(result - expected).max() <= 1.5  # 8-bit colour and 8-bit alpha, each rounded


# Rotation

# Where EXIF puts the stored first pixel and the stored end of the first row: (row, column), 0 first and -1 last.
CORNERS = {
    1: ((0, 0), (0, -1)),
    2: ((0, -1), (0, 0)),
    3: ((-1, -1), (-1, 0)),
    4: ((-1, 0), (-1, -1)),
    5: ((0, 0), (-1, 0)),
    6: ((0, -1), (-1, -1)),
    7: ((-1, -1), (0, -1)),
    8: ((-1, 0), (0, 0)),
}


def rotated_files(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    eight, sixteen = colours(), colours().astype(np.uint16) * 257
    tag = [(274, "H", 1, orientation, True)]
    yield saved(Image.fromarray(eight), "PNG", exif=exif)
    yield saved(Image.fromarray(eight), "WEBP", exif=exif, lossless=True)
    yield saved(Image.fromarray(eight), "JPEG", exif=exif, quality=100, subsampling=0)
    yield png(2, 16, sixteen, chunk(b"eXIf", exif.tobytes()[6:]))
    yield png(0, 16, sixteen[..., 0], chunk(b"eXIf", exif.tobytes()[6:]))
    yield tiff(eight, photometric="rgb", extratags=tag)
    yield tiff(sixteen, photometric="rgb", extratags=tag)
    yield tiff(sixteen[..., 0], extratags=tag)


@pytest.mark.parametrize("orientation", CORNERS)
def test_the_camera_s_rotation_is_applied_in_every_format(orientation):
    picture = colours()
    for data in rotated_files(orientation):
        result = read_picture(data).astype(int)
        height, width = picture.shape[:2] if orientation < 5 else picture.shape[1::-1]
        assert result.shape == (height, width, 3)
        first, end = CORNERS[orientation]
        assert abs(result[first][0] - picture[0, 0, 0]) <= 3
        assert abs(result[end][0] - picture[0, -1, 0]) <= 3
        other = (-1 - first[0], -1 - first[1])
        assert abs(result[other][0] - picture[-1, -1, 0]) <= 3


def test_a_rotation_no_one_defined_leaves_the_picture_as_it_is():
    exif = Image.Exif()
    exif[0x0112] = 9
    np.testing.assert_array_equal(read_picture(saved(Image.fromarray(colours()), "PNG", exif=exif)), colours())


def test_damaged_notes_do_not_cost_the_picture():
    data = png(2, 8, colours(), chunk(b"eXIf", b"no notes at all"))
    np.testing.assert_array_equal(read_picture(data), colours())


# Animations and pages


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_or_page_is_taken(form):
    frames = [Image.new("RGB", (40, 36), colour) for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    options = {"lossless": True} if form == "WEBP" else {}
    data = saved(frames[0], form, save_all=True, append_images=frames[1:], **options)
    result = read_picture(data)
    assert result.shape == (36, 40, 3)
    assert (result == [250, 0, 0]).all()


# Colour profiles


def test_an_srgb_profile_leaves_every_byte_as_it_was():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read_picture(saved(Image.fromarray(picture), "PNG", icc_profile=profile)), picture)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_another_profile_is_converted_to_srgb(form):
    light = np.tile(np.arange(256, dtype=np.uint8), (40, 1))
    options = {"lossless": True} if form == "WEBP" else {}
    image = Image.fromarray(np.dstack([light] * 3))
    result = read_picture(saved(image, form, icc_profile=linear_profile(), **options))
    share = light[0] / 255
    encoded = np.where(share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055) * 255
    assert np.abs(result[0] - encoded[:, None]).max() <= 1.5


def test_a_profile_leaves_the_transparency_alone():
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 128))
    result = read_picture(saved(image, "PNG", icc_profile=linear_profile()))
    assert (result == 127).all()


@pytest.mark.parametrize("profile", [b"broken", linear_profile()[:200]])
def test_a_broken_profile_is_ignored(profile):
    data = saved(Image.fromarray(colours()), "PNG", icc_profile=profile)
    np.testing.assert_array_equal(read_picture(data), colours())


def test_a_profile_of_another_kind_of_image_is_ignored():
    grey = colours()[..., 0]
    data = saved(Image.fromarray(grey), "PNG", icc_profile=linear_profile())
    np.testing.assert_array_equal(read_picture(data)[..., 0], grey)


# What cannot be used


def refusal(source):
    with pytest.raises(PictureError) as caught:
        read_picture(source)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def headers_of(width, height):
    """Files that declare a size and hold no pixels: they can only be refused rightly before decoding."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    yield b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    screen, frame = struct.pack("<HH", width, height), struct.pack("<HHHHB", 0, 0, width, height, 0)
    yield b"GIF89a" + screen + b"\xf0\0\0" + b"\0" * 6 + b"," + frame + b"\x08\0;"
    yield b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)
    yield b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\1\x11\0\2\x11\0\3\x11\0\xff\xda\0\2"


def test_too_many_pixels_are_refused_from_the_header_with_the_size_and_the_limit():
    for data in headers_of(12000, 9000):
        assert "12000x9000 is more than the 40-megapixel limit" in refusal(data)
    for data in headers_of(60000, 60000):
        assert "60000x60000 is more than the 40-megapixel limit" in refusal(data)


def test_exactly_the_limit_is_not_too_many_pixels():
    for data in headers_of(8000, 5000):
        assert "damaged" in refusal(data)


def test_too_small_pictures_are_refused_with_both_sizes():
    assert refusal(png_bytes(np.zeros((31, 40, 3), np.uint8))).startswith("40x31 is smaller than 32x32")
    assert refusal(png_bytes(np.zeros((1, 1, 3), np.uint8))).startswith("1x1 is smaller")
    assert read_picture(png_bytes(np.zeros((32, 32, 3), np.uint8))).shape == (32, 32, 3)


@pytest.mark.parametrize("data", [b"hello", b"\0" * 100, b"PK\3\4" + b"x" * 50, bytes(range(256))])
def test_what_is_not_a_picture_is_refused_with_the_formats_that_are(data):
    assert "not a picture" in refusal(data)
    assert "PNG, JPEG, WebP, TIFF, BMP" in refusal(data)


@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"<!-- drawn by hand -->\n<svg/>",
    ],
)
def test_an_svg_is_refused_by_its_name(data):
    assert "SVG" in refusal(data)


def test_other_well_known_files_are_refused_by_their_names():
    assert "HEIC" in refusal(b"\0\0\0\x18ftypheic" + b"\0" * 40)
    assert "AVIF" in refusal(b"\0\0\0\x18ftypavif" + b"\0" * 40)
    assert "video" in refusal(b"\0\0\0\x18ftypisom" + b"\0" * 40)
    assert "PDF" in refusal(b"%PDF-1.7\n")


def test_an_empty_file_a_missing_one_and_a_folder_are_refused(tmp_path):
    assert "empty" in refusal(b"")
    assert "There is no file" in refusal(tmp_path / "nothing.png")
    assert "folder" in refusal(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    assert "empty" in refusal(str(tmp_path / "empty.png"))


def test_a_file_of_gigabytes_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.tif"
    with path.open("wb") as file:
        file.truncate(3_000_000_000)  # sparse: takes no room
    assert "3000 MB" in refusal(path)


FORMS = [("PNG", {}), ("JPEG", {}), ("WEBP", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {}), ("BMP", {}),
         ("GIF", {})]  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("form", "options"), FORMS)
def test_a_file_cut_in_half_is_refused_as_damaged(form, options):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), form, **options)
    assert "damaged or cut short" in refusal(data[: len(data) // 2])


def test_a_16_bit_png_cut_in_half_is_refused_as_damaged():
    data = png(2, 16, deep((64, 64, 3)))
    assert "damaged or cut short" in refusal(data[: len(data) // 2])


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on damaged tags
@pytest.mark.parametrize(("form", "options"), FORMS)
def test_whatever_is_wrong_with_a_file_it_is_read_or_refused_with_a_sentence(form, options):
    random = np.random.default_rng(1)
    data = np.frombuffer(saved(Image.fromarray(colours()), form, **options), np.uint8)
    for _ in range(60):
        broken = data[: random.integers(1, len(data) + 1)].copy()
        places = random.integers(0, min(len(broken), 400), 4)
        broken[places] = random.integers(0, 256, 4)
        try:
            outcome = read_picture(broken.tobytes())
        except PictureError as refused:
            outcome = str(refused)
        if isinstance(outcome, str):
            assert outcome.endswith(".")
        else:
            assert outcome.dtype == np.uint8
            assert outcome.shape[2] == 3


# Tensors and PNG


def test_a_picture_goes_to_a_tensor_and_back_unchanged():
    picture = colours()
    tensor = to_tensor(picture)
    assert tensor.shape == (1, 3, 45, 61)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert tensor[0, 1, -1, 0] == 1
    np.testing.assert_array_equal(to_picture(tensor), picture)
    np.testing.assert_array_equal(to_picture(tensor[0]), picture)


def test_a_read_only_or_mirrored_array_makes_a_tensor_too():
    picture = colours()
    picture.flags.writeable = False
    torch.testing.assert_close(to_tensor(picture[:, ::-1]), to_tensor(picture).flip(3))


def test_values_outside_are_clamped_and_halves_are_rounded_up():
    values = torch.tensor([-0.5, 0.5 / 255, 1.4999 / 255, 2.5 / 255, 1.7]).reshape(1, 1, 5).expand(3, 1, 5)
    assert to_picture(values)[0, :, 0].tolist() == [0, 1, 1, 3, 255]


def test_a_tensor_of_another_shape_or_without_numbers_is_refused():
    with pytest.raises(ValueError, match=r"not of \(2, 3, 4, 4\)"):
        to_picture(torch.zeros(2, 3, 4, 4))
    with pytest.raises(ValueError, match="not numbers"):
        to_picture(torch.full((3, 4, 4), torch.nan))


def test_png_bytes_decode_to_exactly_the_picture():
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    decoded = np.asarray(Image.open(io.BytesIO(png_bytes(noise))))
    np.testing.assert_array_equal(decoded, noise)
