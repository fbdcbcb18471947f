"""What tests of a class share."""

import pytest
from a_class import CHAPTER, HOSTILE


@pytest.fixture
def chapter():
    return CHAPTER


@pytest.fixture(params=HOSTILE)
def hostile(request):
    return HOSTILE[request.param]
