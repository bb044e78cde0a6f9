"""Images of any kind, and the block of bytes of their thumbnails."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from names import name_of

Image = pytest.importorskip("PIL.Image")

from sklearn_carto._explorer._thumbnails import encode_thumbnails
from sklearn_carto._utils._images import ImageRows
from sklearn_carto.exceptions import NotShownWarning

GRAY = np.array([[[0, 1], [1, 0]], [[1, 1], [0, 0]]])  # two images of 2 x 2 pixels
PIXELS = 255 * GRAY


def decode(thumbnails):
    """Images of a block of bytes, by row."""
    starts = [0, *thumbnails.ends.tolist()]
    parts = [thumbnails.data[a:b] for a, b in zip(starts, starts[1:], strict=False)]
    images = (Image.open(BytesIO(part)).convert("RGBA") for part in parts)
    return dict(zip(thumbnails.rows.tolist(), images, strict=True))


def grays(images, row=0):
    """Pixels of an image of a row, which is gray."""
    image = ImageRows(images, "f").open(row)
    assert image.mode == "L"
    return np.asarray(image)


def as_tensor(array):
    return pytest.importorskip("torch").as_tensor(array)


SAME = {
    "float": lambda: GRAY.astype(float),
    "float32 with one channel": lambda: GRAY.astype(np.float32)[..., None],
    "whole numbers": lambda: GRAY,
    "whole numbers to 16": lambda: 16 * GRAY,
    "negative numbers": lambda: GRAY - 3.0,
    "booleans": lambda: GRAY == 1,
    "bytes": lambda: PIXELS.astype(np.uint8),
    "numbers to 255": lambda: PIXELS.astype(np.int64),
    "huge numbers": lambda: np.where(GRAY == 1, 1.5e308, -1.5e308),
    "infinite numbers": lambda: np.where(GRAY == 1, np.inf, 0.0),
    "list of lists": lambda: GRAY.tolist(),
    "list of arrays": lambda: list(GRAY.astype(float)),
    "tuple": lambda: tuple(GRAY),
    "objects": lambda: _objects(list(GRAY)),
    "series": lambda: pytest.importorskip("pandas").Series(list(GRAY), index=[7, 3]),
    "polars": lambda: pytest.importorskip("polars").Series([*GRAY.tolist()]),
    "pillow": lambda: [Image.fromarray(image.astype(np.uint8)) for image in PIXELS],
    "pillow of one bit": lambda: [Image.fromarray(image == 1) for image in GRAY],
    "pillow of 16 bits": lambda: [Image.fromarray((65535 * i).astype(np.uint16)) for i in GRAY],
    "pillow of floats": lambda: [Image.fromarray((7 * i).astype(np.float32)) for i in GRAY],
    "tensor": lambda: as_tensor(GRAY.astype(np.float32))[:, None],
    "tensor of bytes": lambda: as_tensor(PIXELS.astype(np.uint8)),
    "list of tensors": lambda: [as_tensor(image)[None] for image in GRAY],
    "encoded": lambda: [encoded(image) for image in PIXELS],
    "encoded in mappings": lambda: [{"bytes": encoded(i), "path": None} for i in PIXELS],
}


def encoded(pixels):
    buffer = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _objects(values):
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


@pytest.mark.parametrize("kind", SAME)
def test_the_same_images_of_any_kind_have_the_same_pixels(kind):
    images = SAME[kind]()
    assert_array_equal(grays(images, 0), PIXELS[0])
    assert_array_equal(grays(images, 1), PIXELS[1])


def test_numbers_of_all_images_are_scaled_by_one_rule():
    images = [np.array([[0.0, 8.0]]), np.array([[16.0], [4.0]])]  # of different sizes
    assert grays(images, 0).tolist() == [[0, 128]]  # 127.5, rounded to even
    assert grays(images, 1).tolist() == [[255], [64]]


def test_numbers_between_0_and_1_are_not_stretched_and_nan_is_black():
    assert grays(np.array([[[0.2, 0.4], [np.nan, 0.2]]])).tolist() == [[51, 102], [0, 51]]


@pytest.mark.parametrize("n_channels", [3, 4])
def test_channels_stand_last_in_arrays_and_first_in_tensors(n_channels):
    pixels = np.arange(24 * n_channels, dtype=np.uint8).reshape(1, 4, 6, n_channels)
    first = np.moveaxis(pixels, -1, 1)
    for images in (pixels, first, as_tensor(first), list(pixels), [as_tensor(first[0])]):
        assert_array_equal(np.asarray(ImageRows(images, "f").open(0)), pixels[0])


def test_missing_images_have_no_thumbnail():
    pandas = pytest.importorskip("pandas")
    image = np.ones((3, 3))
    missing = [None, image, float("nan"), "", b"", pandas.NA, {"bytes": None, "path": None}, image]
    thumbnails = encode_thumbnails(missing)
    assert thumbnails.rows.tolist() == [1, 7]
    assert thumbnails.n_rows == 8
    assert thumbnails.ends.dtype == np.uint32
    assert thumbnails.rows.dtype == np.int64
    assert thumbnails.ends[-1] == len(thumbnails.data)


@pytest.mark.parametrize("images", [[], [None, None], np.zeros((0, 8, 8))], ids=name_of)
def test_without_images_there_are_no_bytes(images):
    thumbnails = encode_thumbnails(images)
    assert (thumbnails.data, len(thumbnails.ends), thumbnails.n_rows) == (b"", 0, len(images))


def test_the_longest_side_is_the_size_and_small_images_are_not_enlarged():
    wide, high, small, thin = np.ones((60, 120)), np.ones((300, 100, 3)), np.ones((5, 4)), (500, 1)
    decoded = decode(encode_thumbnails([wide, high, small, np.ones(thin)], size=30))
    assert [image.size for image in decoded.values()] == [(30, 15), (10, 30), (4, 5), (1, 30)]


def test_small_images_keep_every_pixel():
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    decoded = decode(encode_thumbnails(images))
    for row, pixels in enumerate(images):
        assert_array_equal(np.asarray(decoded[row].convert("RGB")), pixels)


def test_transparent_pixels_stay_transparent():
    pixels = np.zeros((1, 8, 8, 4), dtype=np.uint8)
    pixels[0, :4, :, 3] = 255
    decoded = decode(encode_thumbnails(pixels))
    assert_array_equal(np.asarray(decoded[0])[..., 3], pixels[0, ..., 3])


def test_a_cut_keeps_the_rows_that_the_order_names_first():
    images = np.random.default_rng(0).integers(0, 256, (10, 16, 16)).astype(np.uint8)
    whole = encode_thumbnails(images)
    sizes = np.diff([0, *whole.ends.tolist()])
    limit = int(sizes[[9, 2, 5]].sum())
    match = r"Thumbnails of 3 of 10 rows are shown.*Raise the limit"
    with pytest.warns(NotShownWarning, match=match):
        cut = encode_thumbnails(images, max_bytes=limit, order=[9, 2, 5, 0, 1, 3, 4, 6, 7, 8])
    assert cut.rows.tolist() == [2, 5, 9]
    assert cut.n_rows == 10
    assert len(cut.data) == limit
    every = decode(whole)
    for row, image in decode(cut).items():
        assert_array_equal(np.asarray(image), np.asarray(every[row]))


def test_rows_that_the_order_does_not_name_are_not_encoded():
    thumbnails = encode_thumbnails(np.ones((5, 3, 3)), order=[4, 1])
    assert thumbnails.rows.tolist() == [1, 4]


def test_files_of_all_modes_are_read_and_turned_upright(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 4)).astype(np.uint8)
    colours = Image.fromarray(noise[..., :3])
    colours.save(tmp_path / "a.jpg")
    colours.convert("P").save(tmp_path / "b.gif")
    colours.convert("CMYK").save(tmp_path / "c.tif")
    Image.fromarray(noise).save(tmp_path / "d.png")
    lying = Image.new("RGB", (30, 20), "red")
    exif = lying.getexif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    exif[0x010E] = "a secret"
    lying.save(tmp_path / "e.jpg", exif=exif)
    paths = sorted(tmp_path.iterdir())
    thumbnails = encode_thumbnails([str(paths[0]), *paths[1:]])
    sizes = [image.size for image in decode(thumbnails).values()]
    assert sizes == [(30, 20)] * 4 + [(20, 30)]
    assert b"secret" not in thumbnails.data


def test_images_of_pillow_are_not_changed():
    image = Image.new("RGB", (300, 200), "blue")
    encode_thumbnails([image])
    assert image.size == (300, 200)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, r"row 1 .*cannot be read: the file '.*bad\.png' does not exist.*None"),
        (b"", r"row 1 .*cannot be read: the file '.*bad\.png' is damaged"),
        (b"no image", r"row 1 .*the file '.*bad\.png' is damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", r"row 1 .*no image of a known"),
        (encoded(np.ones((90, 90)))[:60], r"row 1 .*the file '.*bad\.png' is damaged"),
    ],
    ids=["absent", "empty", "text", "postscript", "torn"],
)
def test_a_file_that_is_no_image_is_named_with_its_row(tmp_path, content, match):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(encoded(PIXELS[0]))
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(FileNotFoundError if content is None else ValueError, match=match):
        encode_thumbnails([good, bad])


def test_a_folder_is_no_image(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a regular file"):
        encode_thumbnails([tmp_path])


@pytest.mark.parametrize(
    ("images", "match"),
    [
        (None, "one image for each row"),
        ("a.png", "one image for each row"),
        (Path("a.png"), "one image for each row"),
        ({0: "a.png"}, "one image for each row"),
        ({"a.png"}, "one image for each row"),
        (3, "one image for each row"),
        (np.float64(3), "one image for each row"),
        (iter(()), "one image for each row"),
        (list, "one image for each row"),
        (np.zeros((5, 64)), r"shape \(5, 64\)\. Reshape.*reshape\(-1, 8, 8\)"),
        (np.zeros((5, 60)), r"reshape\(-1, height, width\)"),
        (np.zeros(5), r"shape \(5,\)"),
        (np.zeros((5, 8, 8, 2)), r"1, 3 or 4 channels.*shape \(5, 8, 8, 2\)"),
        (np.zeros((5, 0, 8)), "at least one pixel"),
        (np.zeros((2, 8, 8), dtype=complex), "images of numbers"),
        ([np.zeros(4)], r"row 0 .*shape \(4,\)"),
        ([np.ones((4, 4)), np.ones((6, 6, 5))], r"row 1 .*shape \(6, 6, 5\)"),
        ([1, 2], "Got 1 in row 0"),
        ([True], "Got True in row 0"),
        ([[[1, 2], [3]]], "in row 0"),
        ([(np.ones((4, 4)), 1)], "in row 0"),
        ([{"image": 1}], "in row 0"),
        ([b"abc"], "row 0 .*it is damaged"),
    ],
    ids=name_of,
)
def test_what_is_no_image_is_an_error(images, match):
    with pytest.raises(ValueError, match=f"(?s)f.*{match}"):
        encode_thumbnails(images, owner="f")


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"size": 0}, "'size' parameter of f must be an int"),
        ({"size": True}, "'size' parameter of f"),
        ({"max_bytes": 2**32}, "'max_bytes' parameter of f"),
        ({"max_bytes": 0}, "'max_bytes' parameter of f"),
        ({"order": [5]}, "'order' parameter of f must hold positions from 0 to 1"),
        ({"order": [0, 0]}, "'order' parameter of f must not contain a row twice"),
        ({"n_samples": 3}, "each of the 3 rows. Got 2 images"),
    ],
    ids=name_of,
)
def test_arguments_of_thumbnails_are_checked(wrong, match):
    with pytest.raises(ValueError, match=match):
        encode_thumbnails(GRAY, owner="f", **wrong)


def test_without_pillow_the_error_says_what_to_install(without):
    without("PIL")
    with pytest.raises(ImportError, match=r"(?s)requires PIL.*sklearn-carto\[explorer\]"):
        encode_thumbnails(GRAY)


def test_without_webp_thumbnails_are_png(monkeypatch):
    monkeypatch.setattr("PIL.features.check", lambda name: False)
    thumbnails = encode_thumbnails(PIXELS.astype(np.uint8))
    assert thumbnails.mime == "image/png"
    assert_array_equal(np.asarray(decode(thumbnails)[0].convert("L")), PIXELS[0])
