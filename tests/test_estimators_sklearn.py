"""scikit-learn's own checks, all of them, really run."""

from collections import Counter

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from small_estimators import SMALL_MULTISCALE, TINY_WADNET

from skandi import AlphaRegressor, AnomalyDetector, ModelClassifier, TrajectoryNormalizer

# Narrower than this, matrix products round by the place in the batch (1e-8), which
# check_methods_sample_order_invariance does not forgive.
SMALL = {**SMALL_MULTISCALE, "hidden_size": 32}
# AlphaRegressor("multiscale") takes targets in (0, 2] only, scikit-learn's toy targets are any.
ESTIMATORS = [
    AlphaRegressor(network_params=TINY_WADNET, max_epochs=2),
    ModelClassifier(network_params=TINY_WADNET, max_epochs=2),
    ModelClassifier("multiscale", network_params=SMALL, max_epochs=2),
    AnomalyDetector(max_epochs=1),
    TrajectoryNormalizer(),
]
EXPECTED_FAILURES: dict[str, dict[str, str]] = {
    # "estimator": {"check": "reason"}
}


def expected_failures(estimator):
    return EXPECTED_FAILURES.get(type(estimator).__name__, {})


# The warning is scikit-learn's own: are infinite labels whole numbers?
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_scikit_learn__every_check__passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_scikit_learn__checks__are_many_and_cover_what_the_estimator_is(estimator):
    # With the wrong tags a single check is yielded, and passes, and proves nothing.
    names = Counter(
        getattr(check, "func", check).__name__
        for _, check in estimator_checks_generator(clone(estimator))
    )
    assert names.total() >= 45
    wanted = {"check_n_features_in", "check_fit2d_predict1d", "check_estimators_pickle"}
    wanted |= {"check_methods_subset_invariance", "check_methods_sample_order_invariance"}
    if isinstance(estimator, AnomalyDetector):
        wanted |= {"check_outliers_train", "check_outliers_fit_predict"}
        wanted |= {"check_outlier_contamination"}
    else:
        wanted |= {"check_transformer_general"}
    if isinstance(estimator, AlphaRegressor):
        wanted |= {"check_regressors_train", "check_regressors_no_decision_function"}
    if isinstance(estimator, ModelClassifier):
        wanted |= {"check_classifiers_train", "check_classifiers_classes"}
    assert wanted <= set(names)


def test_scikit_learn__expected_failures__have_reasons_and_name_real_estimators():
    assert set(EXPECTED_FAILURES) <= {type(estimator).__name__ for estimator in ESTIMATORS}
    for reasons in EXPECTED_FAILURES.values():
        assert all(len(reason) > 20 for reason in reasons.values())
