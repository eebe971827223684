"""Sends what people are told by mail; slow or absent mail servers keep nobody else waiting."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from mes.clock import wall_now
from mes.mailing import send_waiting

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Runs until it is told to end. Two at once are safe: each takes its own mails."""

    help = "Send the mails that wait, again and again until they are gone."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then end")
        parser.add_argument("--every", type=float, default=1.0, help="seconds between rounds")

    def handle(self, *args: Any, **options: Any) -> None:
        ending = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: ending.set())
        while not ending.is_set():
            try:
                close_old_connections()
                send_waiting(now=wall_now())
            except (DatabaseError, InterfaceError):
                if options["once"]:
                    raise
                log.warning("the database is away; trying again", exc_info=True)
                connection.close()
            if options["once"]:
                return
            ending.wait(options["every"])
