"""DataMapSelector: which rows come out of which container, and when."""

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from sklearn_carto import CartographyClassifier, DataMapSelector
from sklearn_carto.datasets import make_cartography

X, y, _ = make_cartography(150, random_state=0)
SGD = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
PROXY = CartographyClassifier(SGD, n_epochs=5)


def make(**params):
    return DataMapSelector(PROXY, **{"random_state": 0, "frac": 0.2, **params})


def test_it_returns_the_rows_of_the_region_and_no_others():
    selector = make(stratify=False)
    selected = selector.fit_transform(X, y)
    by_hand = np.argsort(-PROXY.fit(X, y).variability_)[:30]
    assert_array_equal(selector.sample_indices_, np.sort(by_hand))
    assert_array_equal(selected, X[selector.sample_indices_])
    assert_array_equal(selector.get_support(indices=True), selector.sample_indices_)
    assert_array_equal(np.flatnonzero(selector.get_support()), selector.sample_indices_)


def test_other_rows_pass_through_unchanged():
    selector = make().fit(X, y)
    assert_array_equal(selector.transform(X[:40]), X[:40])
    assert_array_equal(selector.transform(X + 1), X + 1)
    assert_array_equal(selector.transform(X[::-1]), X[::-1])


def test_the_training_set_is_recognized_in_any_memory_layout():
    selector = make().fit(X, y)
    for same in (np.asfortranarray(X), X.copy(), np.hstack([X, X])[:, :8]):
        assert len(selector.transform(same)) == 30


@pytest.mark.parametrize("make_container", [sparse.csr_matrix, sparse.csc_array, np.ndarray.tolist])
def test_containers_come_back_as_they_went_in(make_container):
    rows = make_container(X)
    selected = make().fit_transform(rows, y)
    assert type(selected) is type(make_container(X))
    dense = selected.toarray() if sparse.issparse(selected) else np.asarray(selected)
    assert dense.shape == (30, 8)


def test_a_data_frame_keeps_its_index_and_its_types():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, index=[f"row {i}" for i in range(150)], columns=list("abcdefgh"))
    selected = make().fit_transform(frame, y)
    pd.testing.assert_frame_equal(selected, frame.iloc[make().fit(frame, y).sample_indices_])


@pytest.mark.parametrize("backend", ["pandas", "polars"])
@pytest.mark.parametrize("as_frame", [True, False])
def test_set_output_gives_the_requested_frame(backend, as_frame):
    frames = pytest.importorskip(backend)
    names = {"columns" if backend == "pandas" else "schema": list("abcdefgh")}
    rows = frames.DataFrame(X, **names) if as_frame else X
    selector = make().set_output(transform=backend)
    selected = selector.fit_transform(rows, y)
    assert isinstance(selected, frames.DataFrame)
    assert_array_equal(np.asarray(selected), X[selector.sample_indices_])
    if backend == "pandas" and as_frame:
        assert_array_equal(selected.index, selector.sample_indices_)


def test_further_transformers_may_follow():
    pipeline = make_pipeline(make(), MinMaxScaler())
    assert pipeline.fit_transform(X, y).shape == (30, 8)
    assert pipeline.transform(X[:7]).shape == (7, 8)


def test_a_plain_pipeline_cannot_drop_rows_ahead_of_a_classifier():
    pipeline = make_pipeline(make(), LogisticRegression())
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        pipeline.fit(X, y)


def test_text_goes_through_a_pipeline_as_proxy_and_stays_text():
    texts = [f"{'good fine' if label else 'bad poor'} film {i}" for i, label in enumerate(y > 0)]
    proxy = make_pipeline(TfidfVectorizer(), MLPClassifier((4,), learning_rate_init=0.05))
    selector = DataMapSelector(proxy, frac=0.1, random_state=0)
    selected = selector.fit_transform(texts, y > 0)
    assert selected == [texts[i] for i in selector.sample_indices_]


@pytest.mark.parametrize("kind", ["list", "array"])
def test_text_without_a_pipeline_is_an_error_that_suggests_one(kind):
    rows = [f"word {i}" for i in range(150)]
    if kind == "array":
        rows = np.array(rows)
    with pytest.raises(ValueError, match=r"text .*make_pipeline\(TfidfVectorizer"):
        DataMapSelector().fit(rows, y)


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_text_in_columns_is_an_error_that_names_an_encoder(backend):
    frames = pytest.importorskip(backend)
    frame = frames.DataFrame({"size": X[:, 0], "colour": np.where(X[:, 1] > 0, "red", "blue")})
    with pytest.raises(ValueError, match=r"\(columns colour\).*'category'.*OneHotEncoder"):
        DataMapSelector().fit(frame, y)
    if backend == "pandas":  # the solutions that the error names
        encoded = frame.astype({"colour": "category"})
    else:
        encoded = frame.with_columns(frames.col("colour").cast(frames.Categorical))
    assert DataMapSelector(random_state=0).fit_transform(encoded, y).shape == (50, 2)
    encoder = make_column_transformer((OneHotEncoder(), ["colour"]), remainder=StandardScaler())
    proxy = make_pipeline(encoder, SGD)
    assert DataMapSelector(proxy, random_state=0).fit_transform(frame, y).shape == (50, 2)


def test_rows_of_strings_are_an_error_that_suggests_an_encoder():
    rows = np.where(X > 0, "high", "low")
    with pytest.raises(ValueError, match=r"text .*make_pipeline\(OneHotEncoder"):
        DataMapSelector().fit(rows, y)


def test_the_default_proxy_takes_missing_values_and_sparse_rows():
    holes = np.where(np.random.RandomState(0).uniform(size=X.shape) < 0.1, np.nan, X)
    assert DataMapSelector(random_state=0).fit_transform(holes, y).shape == (50, 8)
    assert DataMapSelector(random_state=0).fit_transform(sparse.csr_array(X), y).shape == (50, 8)


def test_the_same_seed_keeps_the_same_rows_though_the_proxy_has_none():
    selector = DataMapSelector(SGDClassifier(loss="log_loss", alpha=0.01), random_state=4)
    first = selector.fit(X, y).sample_indices_
    assert_array_equal(clone(selector).fit(X, y).sample_indices_, first)
    other = clone(selector).set_params(random_state=5).fit(X, y).sample_indices_
    assert not np.array_equal(first, other)


def test_renaming_the_labels_keeps_the_same_rows():
    expected = make().fit(X, y).sample_indices_
    for names in ([-1, 5, 7], ["a", "b", "c"]):
        assert_array_equal(make().fit(X, np.array(names)[y]).sample_indices_, expected)


def test_a_frozen_map_serves_without_training_again():
    fitted = clone(PROXY).fit(X, y)
    selector = DataMapSelector(FrozenEstimator(fitted), frac=0.2, random_state=0).fit(X, y)
    assert selector.data_map_ is fitted.data_map_
    assert_array_equal(selector.sample_indices_, make().fit(X, y).sample_indices_)


@sklearn.config_context(enable_metadata_routing=True)
def test_a_frozen_map_is_handed_no_metadata():
    frozen = FrozenEstimator(clone(PROXY).fit(X, y))
    selector = DataMapSelector(frozen, frac=0.2, random_state=0)
    pipeline = make_pipeline(selector, SGDClassifier())
    assert [name for name, _ in selector.get_metadata_routing() if name == "estimator"] == []
    assert pipeline.get_metadata_routing().consumes("fit", {"sample_weight"}) == set()
    assert_array_equal(selector.fit(X, y).sample_indices_, make().fit(X, y).sample_indices_)


@pytest.mark.parametrize(("rows", "labels"), [(X[:-1], y[:-1]), (X + 1, y), (X, (y + 1) % 3)])
def test_a_frozen_map_refuses_other_rows_and_other_labels(rows, labels):
    frozen = FrozenEstimator(clone(PROXY).fit(X, y))
    with pytest.raises(
        ValueError, match="valid only for the samples and labels that it was fitted"
    ):
        DataMapSelector(frozen).fit(rows, labels)


def test_a_frozen_model_without_a_map_is_refused():
    with pytest.raises(ValueError, match="LogisticRegression has no data_map_"):
        DataMapSelector(FrozenEstimator(LogisticRegression().fit(X, y))).fit(X, y)


class Counting(SGDClassifier):
    n_calls = 0

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        Counting.n_calls += 1
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)


@pytest.mark.parametrize("as_path", [True, False])
def test_memory_trains_the_proxy_once_for_all_regions_and_fractions(tmp_path, as_path):
    Counting.n_calls = 0
    memory = str(tmp_path) if as_path else joblib.Memory(tmp_path, verbose=0)
    proxy = CartographyClassifier(Counting(loss="log_loss", alpha=0.01), n_epochs=5)
    selector = DataMapSelector(proxy, memory=memory, random_state=0)
    for region in ("easy", "hard"):
        for frac in (0.1, 0.5):
            selector.set_params(region=region, frac=frac).fit(X, y)
    assert Counting.n_calls == 5


def changed_rows(selector):
    return selector.fit(np.vstack([X[:-1], X[-1:] + 1e-9]), y)


def changed_labels(selector):
    return selector.fit(X, np.r_[y[:-1], (y[-1] + 1) % 3])


def changed_weights(selector):
    return selector.fit(X, y, sample_weight=np.linspace(1, 2, 150))


def changed_proxy(selector):
    return selector.set_params(estimator__estimator__alpha=0.011).fit(X, y)


def changed_seed(selector):
    return selector.set_params(random_state=1).fit(X, y)


@pytest.mark.parametrize(
    "change", [changed_rows, changed_labels, changed_weights, changed_proxy, changed_seed]
)
def test_memory_returns_no_map_of_what_has_changed(tmp_path, change):
    proxy = CartographyClassifier(Counting(loss="log_loss", alpha=0.01), n_epochs=2)
    selector = DataMapSelector(proxy, memory=str(tmp_path), random_state=0).fit(X, y)
    Counting.n_calls = 0
    change(selector)
    assert Counting.n_calls == 2


def test_a_generator_as_seed_is_not_cached(tmp_path):
    proxy = CartographyClassifier(Counting(loss="log_loss", alpha=0.01), n_epochs=2)
    for _ in range(2):
        seed = np.random.RandomState(0)
        DataMapSelector(proxy, memory=str(tmp_path), random_state=seed).fit(X, y)
        assert Counting.n_calls % 2 == 0
    Counting.n_calls = 0
    DataMapSelector(proxy, memory=str(tmp_path), random_state=np.random.RandomState(0)).fit(X, y)
    assert Counting.n_calls == 2


def test_weights_reach_the_proxy():
    weight = np.random.RandomState(0).uniform(0, 3, 150)
    expected = clone(PROXY).set_params(random_state=0).fit(X, y, sample_weight=weight).data_map_
    data_map = make().fit(X, y, sample_weight=weight).data_map_
    assert_array_equal(data_map.confidence, expected.confidence)
    with sklearn.config_context(enable_metadata_routing=True):
        learner = clone(SGD).set_partial_fit_request(sample_weight=True)
        proxy = CartographyClassifier(learner, n_epochs=5)
        routed = DataMapSelector(proxy, random_state=0).fit(X, y, sample_weight=weight)
    assert_array_equal(routed.data_map_.confidence, expected.confidence)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"region": "ambigous"},
            "Unknown region 'ambigous'. Did you mean 'ambiguous'.*Selector also takes 'auto'",
        ),
        ({"region": "autos"}, "Unknown region 'autos'. Did you mean 'auto'"),
        ({"region": {"easy": 0.5, "hard": 0.6}}, "must sum to 1"),
        ({"region": {"easy": 0.999, "hard": 0.001}}, "too small for a mixture of easy, hard"),
        ({"region": 3}, "'region' parameter"),
        ({"frac": 0.0}, r"'frac' parameter .* must be a float in the range \(0.*1"),
        ({"frac": 1.1}, "'frac' parameter"),
        ({"noise_cut": 1.0}, "'noise_cut' parameter"),
        ({"noise_cut": {0: 1.5}}, r"'noise_cut' parameter .*Got 1.5 for the class 0"),
        ({"noise_cut": {"x": 0.5}}, "not among the classes"),
        ({"memory": 3}, "'memory' parameter"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        make(**params).fit(X, y)


def test_another_number_of_features_is_refused():
    with pytest.raises(ValueError, match="X has 5 features, but DataMapSelector is expecting 8"):
        make().fit(X, y).transform(X[:, :5])


def test_transform_before_fit_is_scikit_learns_error():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        make().transform(X)


@pytest.mark.parametrize("kind", ["list", "Series", "array", "object"])
def test_text_in_any_container_is_an_error_that_suggests_a_pipeline(kind):
    texts = [f"word {i}" for i in range(len(y))]
    if kind == "Series":
        texts = pytest.importorskip("pandas").Series(texts)
    elif kind != "list":
        texts = np.array(texts, dtype=object if kind == "object" else str)
    with pytest.raises(ValueError, match=r"X holds text .* make_pipeline"):
        DataMapSelector().fit(texts, y)


def test_a_cache_folder_may_be_a_path(tmp_path):
    selector = make(memory=tmp_path / "maps").fit(X, y)
    assert_array_equal(selector.sample_indices_, make().fit(X, y).sample_indices_)
    assert any((tmp_path / "maps").rglob("*.pkl"))


def test_labels_that_are_missing_name_the_selector():
    with pytest.raises(ValueError, match="DataMapSelector requires y"):
        DataMapSelector().fit(X)


def test_a_cache_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ValueError, match=r"The cache folder .*file.* cannot be written"):
        make(memory=tmp_path / "file").fit(X, y)


def test_a_map_from_the_cache_has_the_names_of_its_rows(tmp_path):
    pd = pytest.importorskip("pandas")
    for letter in "pq":
        frame = pd.DataFrame(X, index=[f"{letter}{i}" for i in range(len(X))])
        frame.columns = frame.columns.astype(str)
        assert make(memory=tmp_path).fit(frame, y).data_map_.sample_ids[0] == f"{letter}0"


def test_a_selector_whose_fit_failed_is_not_fitted():
    selector = make().fit(X, y)
    with pytest.raises(ValueError, match="inconsistent"):
        selector.fit(X, y[:-1])
    with pytest.raises(NotFittedError):
        selector.transform(X)
