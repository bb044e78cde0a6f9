"""The page and the widget of a data map: what they hold, and arguments that do not fit."""

import base64
import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from explorer_pages import HOSTILE, as_map, record, thumbnails_of
from names import name_of
from sklearn_carto import DataMap, LabelIssues
from sklearn_carto._explorer._columns import MAX_CHARACTERS, add_column, add_text
from sklearn_carto._explorer._container import pack, unpack
from sklearn_carto._explorer._page import to_characters
from sklearn_carto._explorer._payload import Shown, build_payload
from sklearn_carto._maps._explore import what_is_shown

N, EPOCHS = 60, 5


@pytest.fixture
def dynamics():
    return record(N, EPOCHS)


@pytest.fixture
def data_map(dynamics):
    return DataMap.from_dynamics(dynamics)


def payload_of(data_map, **given):
    """Header and blocks of what explore would show."""
    names = (
        "X", "text", "images", "label_names", "issues", "dynamics", "compare", "compare_dynamics",
        "regions", "title",
    )  # fmt: skip
    arguments = {**dict.fromkeys(names), "thumbnail_size": 48, "thumbnail_bytes": 10**6, **given}
    return unpack(build_payload(what_is_shown(data_map, **arguments)))


def text_at(header, blocks, key, entry):
    """Read a column of text as the page does."""
    lengths, letters = blocks[f"{key}:lengths"].astype(int), blocks[f"{key}:text"].tobytes()
    ends = np.cumsum(np.maximum(lengths - 1, 0))
    strings = [
        None if n == 0 else letters[end - n + 1 : end].decode()
        for n, end in zip(lengths, ends, strict=True)
    ]
    if f"{key}:words" in blocks:
        words, counts = blocks[f"{key}:words"], blocks[f"{key}:counts"].astype(int)
        ends = np.cumsum(np.maximum(counts - 1, 0))
        strings = [
            None if n == 0 else " ".join(strings[i] for i in words[end - n + 1 : end])
            for n, end in zip(counts, ends, strict=True)
        ]
    for row, value in entry["patch"]:
        strings[row] = value
    return strings


# what the page holds


@pytest.mark.parametrize("dtype", ["u1", "i2", "<u4", ">f4", "f8", "i8", "?"])
def test_arrays_come_back_from_the_container(dtype):
    values = np.random.RandomState(0).randint(0, 2 if dtype == "?" else 100, 1000).astype(dtype)
    if dtype == "?":
        values = values.astype("u1")
    header, blocks = unpack(pack({"a": "\ud800</script>"}, {"x": values, "raw": b"abc"}))
    np.testing.assert_array_equal(blocks["x"], values)
    assert (header["a"], blocks["raw"]) == ("\ud800</script>", b"abc")


def test_the_container_refuses_other_bytes():
    with pytest.raises(ValueError, match="not made for the explorer"):
        unpack(b"PK\x03\x04abcdefgh")


@pytest.mark.parametrize("n", [0, 1, 12, 13, 14, 1000])
def test_characters_hold_the_bytes_without_markup(n):
    data = np.random.RandomState(n).bytes(n)
    text = to_characters(data)
    places = [code for code in range(0x21, 0x7F) if chr(code) not in "<>&"]
    digits = [places.index(ord(sign)) for sign in text]
    bits = sum(
        (low + 91 * high) << (13 * i)
        for i, (low, high) in enumerate(zip(digits[::2], digits[1::2], strict=True))
    )
    assert bits.to_bytes(len(text) * 13 // 16, "little")[:n] == data
    assert not set(text) & set("<>& \n")


def test_statistics_and_regions_are_exact(data_map):
    header, blocks = payload_of(data_map)
    for one in header["statistics"]:
        if "derived" not in one:
            expected = getattr(data_map, one["name"]).astype("f4")
            np.testing.assert_array_equal(blocks[f"statistic:{one['name']}"], expected)
    names = np.array(header["regions"])
    assert names[blocks["region"]].tolist() == data_map.region_labels().tolist()
    keys = [key for key, _ in header["classes"]]
    assert [keys[code] for code in blocks["label"]] == data_map.labels.tolist()


def test_other_statistics_of_large_maps_have_three_digits():
    n = 20_001
    p = np.random.RandomState(0).random_sample(n)
    aum = np.where(p < 0.1, np.inf, -np.log(p))
    statistics = {"confidence": p, "variability": p / 2, "correctness": p, "aum": aum}
    shown = Shown(title="", n_epochs=3, statistics=statistics, regions=np.repeat("a", n))
    header, blocks = unpack(build_payload(shown))
    np.testing.assert_array_equal(blocks["statistic:confidence"], p.astype("f4"))
    assert not np.array_equal(blocks["statistic:aum"], aum.astype("f4"))
    np.testing.assert_allclose(blocks["statistic:aum"], aum, rtol=5e-4)
    assert {one["name"]: one["exact"] for one in header["statistics"]} == {
        "confidence": True, "variability": True, "correctness": True, "aum": False,
    }  # fmt: skip


def test_the_history_is_within_half_a_step(data_map, dynamics):
    header, blocks = payload_of(data_map, dynamics=dynamics)
    assert header["frames"] == list(range(EPOCHS))
    changes = blocks["frames:proba"].reshape(EPOCHS, N)
    proba = np.cumsum(changes, axis=0, dtype=np.uint8) / 254
    np.testing.assert_allclose(proba, dynamics.true_proba.T, atol=0.5 / 254 + 1e-6)
    correct = np.unpackbits(blocks["frames:correct"].reshape(EPOCHS, -1), axis=1, bitorder="little")
    np.testing.assert_array_equal(correct[:, :N], dynamics.correct.T)


def test_rows_that_an_epoch_lacks_are_marked():
    from sklearn_carto import TrainingDynamics

    dynamics = TrainingDynamics(["a", "b"])
    dynamics.update(0, np.array([[0.5, 0.5], [1.0, 0.0]]))
    dynamics.update(1, np.array([[0.0, 1.0]]), rows=[1])
    _, blocks = payload_of(DataMap.from_dynamics(dynamics), dynamics=dynamics)
    proba = np.cumsum(blocks["frames:proba"].reshape(2, 2), axis=0, dtype=np.uint8)
    assert proba.tolist() == [[127, 0], [255, 254]]


def test_many_epochs_are_shown_evenly_spaced():
    dynamics = record(4, 200)
    header, blocks = payload_of(DataMap.from_dynamics(dynamics), dynamics=dynamics)
    assert (len(header["frames"]), header["frames"][0], header["frames"][-1]) == (64, 0, 199)
    assert set(np.diff(header["frames"])) <= {3, 4}
    assert any("64 of 200 epochs" in note for note in header["notes"])


@pytest.mark.parametrize("given", [None, "kept"])
def test_without_a_history_the_page_says_why_there_is_no_slider(data_map, given):
    dynamics = None if given is None else record(N, EPOCHS, keep_history=False)
    header, _ = payload_of(data_map, dynamics=dynamics)
    assert "frames" not in header
    assert any("no slider of epochs" in note for note in header["notes"])


def test_the_second_map_has_a_history_of_its_own(data_map, dynamics):
    second = record(N, EPOCHS + 2, seed=3)
    given = {"compare": DataMap.from_dynamics(second), "compare_dynamics": second}
    header, blocks = payload_of(data_map, dynamics=dynamics, **given)
    assert header["compare"]["frames"] == list(range(EPOCHS + 2))
    proba = np.cumsum(blocks["compare:frames:proba"].reshape(-1, N), axis=0, dtype=np.uint8) / 254
    np.testing.assert_allclose(proba, second.true_proba.T, atol=0.5 / 254 + 1e-6)
    assert header["notes"] == []
    header, _ = payload_of(data_map, compare=given["compare"], dynamics=dynamics)
    assert header["notes"] == [
        "The slider of epochs leaves the second map as it is: the history of its training was not "
        "given."
    ]
    header, _ = payload_of(data_map, **given)
    assert "leaves the first map as it is" in header["notes"][0]
    header, _ = payload_of(data_map, compare=given["compare"])
    assert "no slider of epochs" in header["notes"][0]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("repeated", [True, False], ids=["words", "letters"])
def test_text_comes_back_as_it_is(name, repeated):
    value = HOSTILE[name]
    values = [value, None, "", float("nan"), np.nan, f"{value} {value}"]
    values += [value] * 50 if repeated else [f"{value}{i}" for i in range(50)]
    blocks = {}
    entry = add_text(blocks, "t", np.array(values, dtype=object), cut_at=None)
    expected = [v if isinstance(v, str) else None for v in values]
    assert text_at({}, blocks, "t", entry) == expected


def test_long_text_is_cut_and_says_so():
    blocks = {}
    entry = add_text(blocks, "t", ["a" * (MAX_CHARACTERS + 1234), "b"])
    first, second = text_at({}, blocks, "t", entry)
    assert first == "a" * MAX_CHARACTERS + "… (1,234 more characters)"
    assert (second, entry["n_cut"]) == ("b", 1)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1, 2, 3], "i1"), ([1, -300], "i2"), ([2**40], "f8"), ([0.5, np.nan], "f4"), ([0.1], "f8"),
     ([np.inf, 1e300], "f8"), ([2**53 + 1], "f8")],
    ids=name_of,
)  # fmt: skip
def test_numbers_take_the_smallest_type_that_holds_them(values, dtype):
    blocks = {}
    entry = add_column(blocks, "c", np.array(values))
    if entry["kind"] == "text":
        assert text_at({}, blocks, "c", entry) == [str(v) for v in values]
        return
    assert blocks["c"].dtype == dtype
    np.testing.assert_array_equal(blocks["c"], values)


def test_names_of_labels_that_are_the_same_are_told_apart():
    y = np.array([0, 1, 2])
    p = np.array([0.1, 0.2, 0.3])
    data_map = DataMap(confidence=p, variability=p, correctness=p, n_epochs=2, labels=y)
    header, _ = payload_of(data_map, label_names=["a", "b", "a"])
    assert header["classes"] == [["0", "a (0)"], ["1", "b"], ["2", "a (2)"]]
    header, _ = payload_of(data_map, label_names={1: "one"})
    assert header["classes"] == [["0", "0"], ["1", "one"], ["2", "2"]]
    header, _ = payload_of(data_map, label_names=["a", "a", "a (0)"])
    assert len({name for _, name in header["classes"]}) == 3


@pytest.mark.parametrize("labels", [[-1, 1, 1], [0.5, 1.5, 1.5], ["no", "yes", "yes"],
    [True, False, False], np.array(["2020-01-01", "2021-01-01", "2021-01-01"], "M8[D]"),
    np.array(["2020-01-01", "2021-01-01", "2021-01-01"], "M8[ns]")], ids=name_of)  # fmt: skip
def test_labels_are_held_as_their_strings(labels):
    p = np.array([0.1, 0.2, 0.3])
    data_map = DataMap(confidence=p, variability=p, correctness=p, n_epochs=2, labels=labels)
    header, blocks = payload_of(data_map)
    keys = [key for key, _ in header["classes"]]
    assert [keys[code] for code in blocks["label"]] == [str(v) for v in data_map.labels]


@pytest.mark.parametrize("n_regions", [1, 256, 300, 70_000])
def test_regions_of_any_number_are_held_as_they_are(n_regions):
    regions = [f"region {i}\0" for i in range(n_regions)]
    p = np.linspace(0, 1, n_regions)
    data_map = DataMap(confidence=p, variability=p / 2, correctness=p, n_epochs=2)
    header, blocks = payload_of(data_map, regions=regions)
    assert [header["regions"][code] for code in blocks["region"]] == regions


def test_issues_add_suggested_labels_and_their_quality(data_map):
    issues = issues_of(data_map)
    header, blocks = payload_of(data_map, issues=issues)
    keys = [key for key, _ in header["classes"]]
    assert [keys[code] for code in blocks["suggested"]] == issues.suggested_label.tolist()
    np.testing.assert_array_equal(blocks["suspect"], issues.is_label_issue)
    assert "label_quality" in [one["name"] for one in header["statistics"]]


def issues_of(data_map, **given):
    n = data_map.n_samples
    fields = {
        "label_quality": np.linspace(0, 1, n),
        "is_label_issue": np.arange(n) < 5,
        "given_label": data_map.labels,
        "suggested_label": np.resize(np.array(["cat", "cow"], dtype=object), n),
        "predicted_label": data_map.labels,
        "ranking": np.arange(n),
        "classes": data_map.classes,
    }
    others = ("suggested_proba", "given_proba", "sharpened_proba", "planted_ranks")
    return LabelIssues(**{**fields, **dict.fromkeys(others, np.zeros(n)), **given})


COLUMNS = {
    "array": lambda: np.arange(N * 3).reshape(N, 3),
    "list of rows": lambda: [[i, 2 * i, 0.5] for i in range(N)],
    "dict": lambda: {"x0": range(N), "x1": ["a"] * N, "x2": np.zeros(N)},
    "pandas": lambda: frame_of("pandas"),
    "polars": lambda: frame_of("polars"),
}


def frame_of(library):
    library = pytest.importorskip(library)
    return library.DataFrame({"x0": range(N), "x1": ["a", None] * (N // 2), "x2": [0.5] * N})


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_rows_are_shown(data_map, name):
    header, blocks = payload_of(data_map, X=COLUMNS[name]())
    assert [one["name"] for one in header["columns"]] == ["x0", "x1", "x2"]
    first = blocks["column0"]
    np.testing.assert_array_equal(np.diff(first.astype(float)), np.diff(first.astype(float))[0])


def test_columns_of_one_name_and_those_beyond_fifty(data_map):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.zeros((N, 60)), columns=["same"] * 60)
    header, _ = payload_of(data_map, X=frame)
    assert [one["name"] for one in header["columns"]] == ["same"] * 50
    assert any("first 50 of 60 columns" in note for note in header["notes"])


def test_a_list_of_texts_as_X_is_the_text(data_map):
    header, blocks = payload_of(data_map, X=[f"text {i}" for i in range(N)])
    assert text_at(header, blocks, "text", header["text"])[7] == "text 7"
    header, blocks = payload_of(data_map, X=["a"] * N, text=["b"] * N)
    assert header["columns"][0]["name"] == "x"
    assert text_at(header, blocks, "text", header["text"]) == ["b"] * N


def test_thumbnails_are_held_as_they_are(data_map):
    shown = what_is_shown(
        data_map, X=None, text=None, images=None, label_names=None, issues=None, dynamics=None,
        compare=None, compare_dynamics=None, regions=None, title=None, thumbnail_size=48,
        thumbnail_bytes=1,
    )  # fmt: skip
    shown.thumbnails = thumbnails_of([3, 8], N)
    header, blocks = unpack(build_payload(shown))
    assert header["thumbnails"] == {"mime": "image/png", "n_rows": N}
    assert blocks["thumbnail:rows"].tolist() == [3, 8]
    assert blocks["thumbnail:data"] == shown.thumbnails.data


def test_images_become_thumbnails(data_map, tmp_path):
    pytest.importorskip("PIL")
    images = np.random.RandomState(0).random_sample((N, 8, 8))
    header, blocks = payload_of(data_map, images=images)
    assert blocks["thumbnail:rows"].tolist() == list(range(N))


def test_the_digest_is_that_of_the_map_and_not_of_what_is_shown_beside_it(data_map, dynamics):
    digest = payload_of(data_map)[0]["digest"]
    assert payload_of(data_map, text=["a"] * N, dynamics=dynamics)[0]["digest"] == digest
    other = as_map(dynamics, labels=data_map.labels[::-1])
    assert payload_of(other)[0]["digest"] != digest


def test_the_same_page_is_written_twice(data_map, dynamics, tmp_path):
    one, two = (
        data_map.explore(tmp_path / f"{i}.html", text=["a b"] * N, dynamics=dynamics).read_bytes()
        for i in range(2)
    )
    assert one == two


# the file


class Page(HTMLParser):
    """Elements and their attributes, and the text of each kind."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.inner = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inner = tag

    def handle_data(self, data):
        self.texts.setdefault(self.inner, []).append(data)


def page_of(data_map, tmp_path, **given):
    path = data_map.explore(tmp_path / "map.html", **given)
    assert path == tmp_path / "map.html"
    text = path.read_text(encoding="utf-8")
    return Page(text), text


def policy_of(page):
    (policy,) = (
        dict(attrs)["content"] for tag, attrs in page.elements
        if tag == "meta" and dict(attrs).get("http-equiv") == "Content-Security-Policy"
    )  # fmt: skip
    return dict(part.strip().split(" ", 1) for part in policy.split(";"))


def test_the_policy_allows_one_script_and_style_and_no_request(data_map, tmp_path):
    page, text = page_of(data_map, tmp_path)
    policy = policy_of(page)
    assert policy["default-src"] == policy["connect-src"] == policy["form-action"] == "'none'"
    assert policy["img-src"] == "blob: data:"
    assert "unsafe" not in str(policy)
    assert "http" not in str(policy)
    for kind, name in (("script", "script-src"), ("style", "style-src")):
        inner = re.findall(rf"<{kind}>(.*?)</{kind}>", text, flags=re.DOTALL)
        (only,) = inner
        digest = base64.b64encode(hashlib.sha256(only.encode()).digest()).decode()
        assert policy[name] == f"'sha256-{digest}'"


def test_the_page_names_no_address(data_map, tmp_path):
    page, _ = page_of(data_map, tmp_path)
    for tag, attrs in page.elements:
        assert "src" not in attrs
        assert attrs.get("href", "data:,") == "data:,", tag


def test_the_scripts_write_no_markup():
    from sklearn_carto._explorer._page import bundle

    for name in ("page.js", "widget.js"):
        script = bundle(name)
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                     "new Function", "XMLHttpRequest", "fetch(", "WebSocket", "sendBeacon",
                     "</script", "<!--"):  # fmt: skip
            assert word not in script, (name, word)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_strings_are_nowhere_in_the_file_but_in_the_title(name, tmp_path):
    value = HOSTILE[name]
    p = np.array([0.2, 0.8])
    data_map = DataMap(
        confidence=p, variability=p / 4, correctness=p, n_epochs=5,
        labels=np.array([value, "other"], dtype=object),
        sample_ids=np.array([value, 1], dtype=object),
    )  # fmt: skip
    page, text = page_of(
        data_map, tmp_path, text=[value] * 2, X={value: [value] * 2}, title=value,
        regions=[value] * 2, label_names={value: value},
    )  # fmt: skip
    clean, _ = page_of(data_map, tmp_path)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in clean.elements]
    title = value.encode("utf-8", "replace").decode()
    assert f"<title>{html.escape(title)}</title>" in text.replace("\r\n", "\n") or "\r" in value
    if len(value) > 20:
        body = text.split("</title>", 1)[1]
        assert value not in body


def test_an_old_file_is_replaced_and_no_part_is_left(data_map, tmp_path):
    path = tmp_path / "map.html"
    path.write_text("old")
    data_map.explore(str(path))
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [one.name for one in tmp_path.iterdir()] == ["map.html"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(data_map, tmp_path):
    with pytest.raises(FileNotFoundError, match="its folder does not exist"):
        data_map.explore(tmp_path / "none" / "map.html")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ValueError, match="not a regular file"):
        data_map.explore(tmp_path / "folder.html")


def test_braces_in_what_is_shown_are_no_fields_of_the_page(data_map, tmp_path):
    _, text = page_of(data_map, tmp_path, title="{payload} {0} {{x}}")
    assert "<title>{payload} {0} {{x}}</title>" in text


# arguments that do not fit

WRONG = {
    "path": [3, 1.5, [], {}, b"map.html", "map", "map.txt", "map.html.gz", object()],
    "text": ["abc", 3, ["a"], ["a"] * (N + 1), {}, {1}, object(), np.zeros((N, 2)), b"abc"],
    "X": ["abc", 3, ["a"], [], object(), np.zeros((N, 2, 2)), np.zeros((N + 1, 2)), {"a": [1]},
          {"a": 3}, [[1, 2], [3]], {1}],
    "label_names": ["abc", 3, ["a"], {"cow": "Cow"}, {3}, object(), ["a"] * 4],
    "issues": [3, "a", [], {}, object(), np.zeros(N)],
    "dynamics": [3, "a", [], {}, object(), np.zeros((N, 3)), "other rows"],
    "compare": [3, "a", [], {}, object(), "other rows", "other ids"],
    "compare_dynamics": [3, "a", [], {}, object(), "other rows"],
    "regions": ["abc", 3, ["a"], {}, {1}, object(), np.zeros((N, 3))],
    "title": [3, [], object(), b"a"],
    "thumbnail_size": [0, 7, 257, 3.5, "a", None, True, []],
    "thumbnail_bytes": [0, -1, 3.5, "a", None, True],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wrong"), [(name, one) for name, many in WRONG.items() for one in many], ids=name_of
)
def test_wrong_arguments_are_named(dynamics, tmp_path, name, wrong):
    data_map = as_map(dynamics, sample_ids=np.arange(N))
    if isinstance(wrong, str) and wrong == "other rows":
        other = record(N + 1, EPOCHS)
        wrong = DataMap.from_dynamics(other) if name == "compare" else other
    if isinstance(wrong, str) and wrong == "other ids":
        wrong = as_map(dynamics, sample_ids=np.arange(N) + 1)
    given = {"path": tmp_path / "map.html", name: wrong}
    if name == "compare_dynamics":
        given["compare"] = data_map
    with pytest.raises((ValueError, TypeError), match=name) as caught:
        data_map.explore(**given)
    assert "DataMap.explore" in str(caught.value)
    assert not (tmp_path / "map.html").exists()


def test_other_labels_than_those_of_the_map_are_refused(data_map, tmp_path):
    with pytest.raises(ValueError, match="'dynamics' parameter .* labels differ"):
        data_map.explore(tmp_path / "map.html", dynamics=record(N, EPOCHS, seed=5))
    issues = issues_of(data_map, given_label=data_map.labels[::-1])
    with pytest.raises(ValueError, match="'issues' parameter .* labels differ"):
        data_map.explore(tmp_path / "map.html", issues=issues)


def test_a_second_history_needs_a_second_map_of_its_labels(data_map, tmp_path):
    path, other = tmp_path / "map.html", record(N, EPOCHS, seed=5)
    with pytest.raises(ValueError, match="'compare_dynamics' parameter .* needs a second map"):
        data_map.explore(path, compare_dynamics=other)
    with pytest.raises(ValueError, match="'compare_dynamics' parameter .* labels differ"):
        data_map.explore(path, compare=data_map, compare_dynamics=other)
    second = DataMap.from_dynamics(other)  # labels of its own
    assert data_map.explore(path, compare=second, compare_dynamics=other).is_file()


def test_label_names_need_labels(tmp_path):
    data_map = DataMap(confidence=[0.5], variability=[0.1], correctness=[1], n_epochs=2)
    with pytest.raises(ValueError, match="needs labels, which this map does not hold"):
        data_map.explore(tmp_path / "map.html", label_names=["a"])


@pytest.mark.parametrize("n", [1, 2])
def test_maps_of_few_rows_and_of_no_recorded_row(n, tmp_path):
    for value in (0.5, np.nan):
        p = np.full(n, value)
        data_map = DataMap(confidence=p, variability=p / 2, correctness=p, n_epochs=1)
        header, _ = payload_of(data_map, text=["a"] * n)
        assert header["n_samples"] == n
        assert data_map.explore(tmp_path / "map.html").is_file()


# the widget


def test_the_widget_holds_the_payload_and_checks_its_indices(data_map):
    pytest.importorskip("anywidget")
    from traitlets import TraitError

    widget = data_map.explore(text=["a"] * N)
    header, _ = unpack(widget._payload)
    assert header["n_samples"] == widget.n_samples == N
    widget.indices = [5, 3, 3]
    assert widget.indices == [3, 5]
    with pytest.raises(TraitError, match=f"positions from 0 to {N - 1}"):
        widget.indices = [N]
    widget.set_state({"indices": [9, 8]})  # as the browser does
    assert widget.indices == [8, 9]
    state = widget.get_state()
    assert bytes(state["_payload"]) == widget._payload
    assert "render" in widget._esm


@pytest.mark.parametrize(
    "rows",
    [np.array([5, 3, 3]), np.array([3, 5], dtype=np.uint8), (5, 3), {3, 5}, range(3, 6, 2)],
    ids=name_of,
)
def test_indices_are_positions_of_any_container(data_map, rows):
    pytest.importorskip("anywidget")
    widget = data_map.explore()
    widget.indices = rows
    assert widget.indices == [3, 5]
    assert {type(row) for row in widget.indices} == {int}
    widget.indices = np.array([])
    assert widget.indices == []


@pytest.mark.parametrize(
    "wrong",
    [[True] * N, np.ones(N, dtype=bool), [1.0], ["1"], "1", None, 3, [[1, 2]], [-1], [2**70],
     [np.nan], [None], {"a": 1}],
    ids=name_of,
)  # fmt: skip
def test_what_are_no_positions_is_refused(data_map, wrong):
    pytest.importorskip("anywidget")
    from traitlets import TraitError

    widget = data_map.explore()
    widget.indices = [4]
    with pytest.raises(TraitError, match="indices"):
        widget.indices = wrong
    assert widget.indices == [4]


def test_the_widget_has_a_picture_where_no_widget_is_shown(data_map):
    pytest.importorskip("anywidget")
    widget = data_map.explore(text=[HOSTILE["script"]] * N)
    widget.indices = [1, 2]
    bundle, _ = widget._repr_mimebundle_()
    assert set(bundle) == {
        "application/vnd.jupyter.widget-view+json", "text/html", "text/plain",
    }  # fmt: skip
    assert bundle["text/html"].startswith(data_map._repr_html_())
    assert "<script" not in bundle["text/html"]
    assert repr(widget) == bundle["text/plain"] == f"MapExplorer({N} rows, 2 chosen)"


def test_without_anywidget_the_error_says_what_to_install(data_map, without):
    from sklearn_carto._explorer import _widget

    _widget._widget_class.cache_clear()
    without("anywidget")
    with pytest.raises(ImportError, match=r"sklearn-carto\[widget\]"):
        data_map.explore()


def test_the_built_files_are_up_to_date():
    import shutil
    import subprocess
    import sys

    build = Path(__file__).parent.parent / "explorer" / "build.py"
    if not build.is_file() or not (build.parent / "node_modules").is_dir():
        pytest.skip("needs the sources of the explorer, and what npm ci installs there")
    if shutil.which("node") is None:
        pytest.skip("needs node")
    run = subprocess.run([sys.executable, build, "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
