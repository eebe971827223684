"""Who may do what in PostgreSQL: the owner changes tables, the application writes rows, a reader
reads them.

The ledgers refuse UPDATE, DELETE and TRUNCATE by trigger; that the application has not even the
right to try is the second lock on the same door.
"""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

# A reader is for reports: whom a password, a session or a token belongs to is not its business.
SECRETS = ("auth_user", "django_session", "mes_device", "mes_persontoken", "mes_failedsignin")

LEDGERS = """
select c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid
 where not t.tgisinternal and t.tgname = c.relname || '_append_only' order by 1
"""


def make_login(cursor: Any, role: str, password: str) -> None:
    """Make a role that may sign in, or give it this password."""
    cursor.execute("select 1 from pg_roles where rolname = %s", [role])
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
    cursor.execute(
        sql.SQL("alter role {} login password %s").format(sql.Identifier(role)), [password]
    )


def grant_application(cursor: Any, role: str) -> None:
    """Rows may be written, tables not changed or emptied, what a ledger holds not touched."""
    for statement in (
        "grant usage on schema public to {}",
        "grant select, insert, update, delete on all tables in schema public to {}",
        "grant usage, select, update on all sequences in schema public to {}",
        "alter default privileges in schema public"
        " grant select, insert, update, delete on tables to {}",
        "alter default privileges in schema public grant usage, select, update on sequences to {}",
    ):
        cursor.execute(sql.SQL(statement).format(sql.Identifier(role)))
    for table in _existing(cursor, LEDGERS):
        cursor.execute(
            sql.SQL("revoke update, delete on {} from {}").format(
                sql.Identifier(table), sql.Identifier(role)
            )
        )


def grant_reader(cursor: Any, role: str) -> None:
    """Everything may be read but secrets; nothing may be written."""
    for statement in (
        "grant usage on schema public to {}",
        "grant select on all tables in schema public to {}",
        "alter default privileges in schema public grant select on tables to {}",
    ):
        cursor.execute(sql.SQL(statement).format(sql.Identifier(role)))
    for table in SECRETS:
        cursor.execute("select to_regclass(%s)", [table])
        if cursor.fetchone()[0] is not None:
            cursor.execute(
                sql.SQL("revoke all on {} from {}").format(
                    sql.Identifier(table), sql.Identifier(role)
                )
            )


def _existing(cursor: Any, query: str) -> list[str]:
    cursor.execute(query)
    return [name for (name,) in cursor.fetchall()]
