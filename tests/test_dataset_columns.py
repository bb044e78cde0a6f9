"""Data sets of Hugging Face: labels by the name of their column, and data sets that come back."""

from operator import itemgetter

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_carto import (
    CartographyClassifier,
    DataMap,
    DataMapSelector,
    DistilledClassifier,
    LabelIssueDetector,
    compare_subsets,
    find_label_issues,
)

datasets = pytest.importorskip("datasets")
# two words, and so few rows, are learned at once
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")

N = 40
WORDS = ["bad", "good"]
# the order of the classes is not that of their names
LABELS = ["negative" if i % 2 == 0 else "affirmative" for i in range(N)]
TEXTS = [f"{WORDS[i % 2]} {i % 7}" for i in range(N)]


@pytest.fixture(autouse=True)
def _quiet():
    datasets.disable_progress_bars()


@pytest.fixture
def dataset():
    return make_dataset([i % 2 for i in range(N)])


def make_dataset(numbers):
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["negative", "affirmative"]),
            "length": datasets.Value("int64"),
        }
    )
    columns = {"text": TEXTS[: len(numbers)], "label": numbers, "length": [*range(len(numbers))]}
    return datasets.Dataset.from_dict(columns, features=features)


def model():
    return make_pipeline(
        FunctionTransformer(itemgetter("text")),
        CountVectorizer(),
        SGDClassifier(loss="log_loss", random_state=0),
    )


def test_a_column_of_classes_has_their_names(dataset):
    named = CartographyClassifier(model(), n_epochs=3, random_state=0).fit(dataset, "label")
    by_hand = CartographyClassifier(model(), n_epochs=3, random_state=0).fit(dataset, LABELS)
    assert_array_equal(named.data_map_.labels, LABELS)
    assert_array_equal(named.data_map_.confidence, by_hand.data_map_.confidence)
    assert set(named.predict(dataset)) <= {"negative", "affirmative"}


def test_a_column_of_values_holds_the_labels_themselves(dataset):
    dataset = dataset.map(lambda row: {"sign": -1 if row["label"] == 0 else 1})
    fitted = CartographyClassifier(model(), n_epochs=2, random_state=0).fit(dataset, "sign")
    assert_array_equal(fitted.data_map_.labels, [-1, 1] * (N // 2))


def test_the_labels_do_not_depend_on_the_format_of_the_rows(dataset):
    pytest.importorskip("torch")
    dataset = dataset.with_format("torch", columns=["label"], output_all_columns=True)
    fitted = CartographyClassifier(model(), n_epochs=2, random_state=0).fit(dataset, "label")
    assert_array_equal(fitted.data_map_.labels, LABELS)


def test_the_selected_rows_are_a_data_set(dataset):
    selector = DataMapSelector(model(), frac=0.25, random_state=0)
    kept = selector.fit_transform(dataset, "label")
    assert isinstance(kept, datasets.Dataset)
    assert kept["length"][:] == selector.sample_indices_.tolist()
    assert selector.transform(dataset)["length"][:] == selector.sample_indices_.tolist()
    assert kept.features == dataset.features
    by_map = dataset.select(selector.data_map_.select("ambiguous", 0.25, random_state=0))
    assert len(by_map) == N // 4


def test_label_issues_of_a_data_set_are_suggested_by_name():
    wrong = [i % 2 for i in range(N)]
    wrong[6] = 1
    dataset = make_dataset(wrong)
    issues = find_label_issues(model(), dataset, "label", random_state=0)
    assert issues.ranking[0] == 6
    assert (issues.given_label[6], issues.suggested_label[6]) == ("affirmative", "negative")
    detector = LabelIssueDetector(model(), random_state=0).fit(dataset, "label")
    assert_array_equal(detector.label_issues_.label_quality, issues.label_quality)
    clean = dataset.select(issues.get_support(indices=True))
    assert 6 not in clean["length"][:]
    pytest.importorskip("pandas")
    frame = issues.to_frame(dataset)
    assert frame["text"].iloc[0] == TEXTS[6]
    assert frame["label"].iloc[0] == "affirmative"
    assert frame["length"].dtype.kind == "i"


def test_other_functions_take_the_name_of_the_column(dataset):
    distilled = DistilledClassifier(model(), DataMapSelector(model(), frac=0.5, random_state=0))
    assert set(distilled.fit(dataset, "label").classes_) == {"negative", "affirmative"}
    comparison = compare_subsets(
        model(), dataset, "label", regions=["easy"], cv=2, ood={"other": (dataset, "label")},
        random_state=0,
    )  # fmt: skip
    by_hand = compare_subsets(
        model(), dataset, LABELS, regions=["easy"], cv=2, ood={"other": (dataset, LABELS)},
        random_state=0,
    )  # fmt: skip
    assert_array_equal(comparison.results_["test_score"], by_hand.results_["test_score"])
    assert_array_equal(comparison.results_["other_score"], by_hand.results_["other_score"])
    watched = CartographyClassifier(model(), n_epochs=2, keep_models=True, random_state=0)
    held_out = watched.fit(dataset, "label").score_map(dataset, "label")
    assert_array_equal(held_out.labels, LABELS)


FITS = {
    "classifier": lambda X, y: CartographyClassifier(model(), n_epochs=2).fit(X, y),
    "selector": lambda X, y: DataMapSelector(model()).fit(X, y),
    "distilled": lambda X, y: DistilledClassifier(model()).fit(X, y),
    "issues": lambda X, y: find_label_issues(model(), X, y),
    "comparison": lambda X, y: compare_subsets(model(), X, y),
}


@pytest.mark.parametrize("fit", FITS)
def test_what_names_no_column_is_an_error_that_lists_them(fit, dataset):
    with pytest.raises(ValueError, match="no column 'labels'.*'text', 'label', 'length'"):
        FITS[fit](dataset, "labels")
    with pytest.raises(ValueError, match=r"the splits 'train'\. Pass one .* X\['train'\]"):
        FITS[fit](datasets.DatasetDict(train=dataset), "label")
    with pytest.raises(ValueError, match=r"missing values .* in 2 rows"):
        FITS[fit](make_dataset([-1, None] + [i % 2 for i in range(2, N)]), "label")
    with pytest.raises(ValueError, match="1d array"):
        FITS[fit](np.zeros((4, 2)), "label")


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_the_frame_of_a_map_has_regions_and_the_columns_of_the_samples(backend):
    pytest.importorskip(backend)
    data_map = DataMap(
        confidence=[0.9, 0.5, 0.1], variability=[0.1, 0.4, 0.1], correctness=[1, 0.5, 0],
        n_epochs=6, labels=["x", "y", "x"],
    )  # fmt: skip
    rows = datasets.Dataset.from_dict(
        {"label": [0, 1, 0], "vector": [[1.0, 2.0]] * 3, "text": ["a", None, "<b>"]}
    )
    frame = data_map.to_frame(backend, X=rows, regions=True)
    names = list(frame.columns)
    assert names[:2] == ["label", "region"]
    assert names[-3:] == ["label_", "vector", "text"]
    assert list(frame["region"]) == ["easy-to-learn", "ambiguous", "hard-to-learn"]
    assert list(frame["label_"]) == [0, 1, 0]
    assert [list(one) for one in frame["vector"]] == [[1.0, 2.0]] * 3
    assert "region" not in data_map.to_frame(backend).columns
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        data_map.to_frame(backend, X=["a"])
    with pytest.raises(ValueError, match="'regions' parameter of DataMap.to_frame"):
        data_map.to_frame(backend, regions="yes")
