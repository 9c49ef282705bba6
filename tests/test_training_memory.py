"""Memory during training: kept while a network learns, given back afterwards."""

import pytest

from skandi.training import loop, memory


class Allocator:
    """Writes down what is asked of it."""

    def __init__(self):
        self.settings, self.trimmed = {}, 0

    def mallopt(self, what, value):
        self.settings[what] = value

    def malloc_trim(self, _):
        self.trimmed += 1


KEEPING = {memory._MMAP_MAX: 0, memory._TRIM_THRESHOLD: -1}
USUAL = {
    memory._MMAP_MAX: 65_536,
    memory._MMAP_THRESHOLD: 32 << 20,
    memory._TRIM_THRESHOLD: 64 << 20,
}


@pytest.fixture
def allocator(monkeypatch):
    made = Allocator()
    monkeypatch.setattr(memory, "_glibc", lambda: made)
    return made


def test_kept_memory__one_inside_another__is_given_back_after_the_last(allocator):
    with memory.kept_memory():
        assert allocator.settings == KEEPING
        with memory.kept_memory():
            pass
        assert allocator.settings == KEEPING
        assert allocator.trimmed == 0
    assert allocator.settings == USUAL
    assert allocator.trimmed == 1


def test_kept_memory__an_error_inside__leaves_the_usual_settings(allocator):
    with pytest.raises(ZeroDivisionError), memory.kept_memory():
        raise ZeroDivisionError
    assert allocator.settings == USUAL


def test_kept_memory__settings_of_the_environment__are_respected(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    assert memory._glibc.__wrapped__() is None


def test_train__of_an_estimator__keeps_memory(monkeypatch):
    from skandi import AlphaRegressor
    from skandi.simulate import make_andi

    entered = []
    monkeypatch.setattr(loop, "kept_memory", lambda: entered.append(True) or memory.kept_memory())
    X, y = make_andi(4, length=10, random_state=0)
    AlphaRegressor(max_epochs=1, validation_fraction=0, random_state=0).fit(X, y)
    assert entered == [True]
