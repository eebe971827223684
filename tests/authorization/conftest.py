import logging
from collections.abc import Iterator

import pytest

from tests.plant import built, data_dir, northfield_site

__all__ = ["built", "data_dir", "northfield_site"]


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of refusals on purpose: their tracebacks would take longer than they do."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
