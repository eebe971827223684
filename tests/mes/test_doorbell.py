"""A broker that answers nobody costs one caller one time-out, not everybody one each."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from mes import doorbell, live
from mes.breaker import to_redis


@pytest.fixture
def hung(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A broker that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        app = Celery(broker=f"redis://127.0.0.1:{server.getsockname()[1]}/0", set_as_current=False)
        app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
        monkeypatch.setattr(doorbell, "app", app)
        monkeypatch.setattr(to_redis, "open_until", 0.0)
        yield


def took_s() -> float:
    began = time.perf_counter()
    assert not doorbell.ring(1)
    return time.perf_counter() - began


def test_after_one_time_out_nobody_waits_for_a_hung_broker(hung: None) -> None:
    assert 0.3 < took_s() < 2
    assert took_s() < 0.1


def test_nor_for_a_live_hint_after_the_doorbell_has_waited(hung: None) -> None:
    took_s()
    began = time.perf_counter()

    assert not live.publish(1, ["inbox"])
    assert time.perf_counter() - began < 0.1


def test_when_it_is_time_to_try_again_one_tries_and_the_others_do_not_wait(
    hung: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It failed, ten seconds ago.
    monkeypatch.setattr(to_redis, "open_until", time.monotonic() - 0.001)
    took: list[float] = []
    one = threading.Thread(target=lambda: took.append(took_s()))
    one.start()
    time.sleep(0.1)

    assert took_s() < 0.1
    one.join()
    assert took[0] > 0.3
