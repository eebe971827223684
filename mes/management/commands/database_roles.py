from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from mes import roles


class Command(BaseCommand):
    help = (
        "Make the application's role in PostgreSQL, named in DATABASE_URL, and a reader's, and"
        " give them what they may do. Run it as the owner (MIGRATE_DATABASE_URL), after each"
        " migrate."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        application = settings.APPLICATION_DATABASE
        name, password = application.get("USER", ""), application.get("PASSWORD", "")
        if name == connection.settings_dict["USER"]:
            raise CommandError(
                "The application would be the owner of its tables. Name the owner in"
                " MIGRATE_DATABASE_URL and another role in DATABASE_URL."
            )
        if not password:
            raise CommandError("DATABASE_URL names no password for the application's role.")
        reader, reader_password = f"{name}_read", os.environ.get("READ_PASSWORD", "")
        with transaction.atomic(), connection.cursor() as cursor:
            roles.make_login(cursor, name, password)
            roles.grant_application(cursor, name)
            if reader_password:
                roles.make_login(cursor, reader, reader_password)
                roles.grant_reader(cursor, reader)
        if options["verbosity"]:
            said = f"{name} writes rows"
            self.stdout.write(said + (f", {reader} reads" if reader_password else ""))
