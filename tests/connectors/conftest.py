"""What the tests of connectors share: a channel that keeps an audience, a segment, a clock that can be moved."""

from collections.abc import Iterator

import pytest
import time_machine
from django.utils import timezone
from pytest_httpserver import HTTPServer

from segments.models import Segment
from tests.connectors.channel import Channel
from tests.factories import SegmentFactory


@pytest.fixture
def channel(httpserver: HTTPServer) -> Channel:
    return Channel(httpserver)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=True) as traveller:
        yield traveller


@pytest.fixture
def loyal() -> Segment:
    return SegmentFactory(name="Loyal")
