"""What the tests of connectors share: a channel that keeps an audience, a segment, a clock that can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import time_machine
from pytest_httpserver import HTTPServer

if TYPE_CHECKING:
    # This file may be read before Django is set up, so models are met only inside the fixtures.
    from segments.models import Segment
    from tests.connectors.channel import Channel


@pytest.fixture
def channel(httpserver: HTTPServer) -> Channel:
    from tests.connectors.channel import Channel

    return Channel(httpserver)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    from django.utils import timezone

    with time_machine.travel(timezone.now(), tick=True) as traveller:
        yield traveller


@pytest.fixture
def loyal() -> Segment:
    from tests.factories import SegmentFactory

    return SegmentFactory(name="Loyal")
