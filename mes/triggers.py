"""What the database keeps by itself: append-only ledgers, same-site references, dirty marks.

Used by migrations only.
"""

from __future__ import annotations

from django.db.migrations import RunSQL

FUNCTIONS = RunSQL(
    """
    create function mes_ledger_is_append_only() returns trigger language plpgsql as $$
    begin
        raise exception '% is append-only: % refused', tg_table_name, tg_op
            using errcode = 'insufficient_privilege';
    end $$;
    create function mes_mark_site_dirty() returns trigger language plpgsql as $$
    begin
        if coalesce(current_setting('mes.command', true), '') <> '1' then
            update mes_siteplan set dirty = true
             where not dirty and site_id in (select site_id from changed);
        end if;
        return null;
    end $$;
    """,
    "drop function mes_mark_site_dirty(); drop function mes_ledger_is_append_only();",
)


def append_only(table: str) -> RunSQL:
    """UPDATE, DELETE and TRUNCATE of a ledger are refused by the database."""
    return RunSQL(
        f"""
        create trigger {table}_append_only before update or delete on {table}
            for each row execute function mes_ledger_is_append_only();
        create trigger {table}_no_truncate before truncate on {table}
            for each statement execute function mes_ledger_is_append_only();
        """,
        f"""
        drop trigger {table}_append_only on {table};
        drop trigger {table}_no_truncate on {table};
        """,
    )


def same_site(table: str, *references: tuple[str, str]) -> RunSQL:
    """(column, referenced table) pairs: the row and what it names belong to one site."""
    forward, backward = [], []
    for column, target in references:
        forward.append(
            f"alter table {table} add constraint {table}_{column}_same_site"
            f" foreign key (site_id, {column}) references {target} (site_id, id)"
            " deferrable initially deferred;"
        )
        backward.append(f"alter table {table} drop constraint {table}_{column}_same_site;")
    return RunSQL("\n".join(forward), "\n".join(backward))


def site_and_id(table: str) -> RunSQL:
    """The unique pair that `same_site` refers to."""
    return RunSQL(
        f"alter table {table} add constraint {table}_site_id_id unique (site_id, id);",
        f"alter table {table} drop constraint {table}_site_id_id;",
    )


def marks_site_dirty(table: str) -> RunSQL:
    """A change that no action made is seen: the site's plan is loaded cold."""
    forward, backward = [], []
    for verb, transition in (
        ("insert", "new table as changed"),
        ("update", "new table as changed"),
        ("delete", "old table as changed"),
    ):
        name = f"{table}_dirty_{verb}"
        forward.append(
            f"create trigger {name} after {verb} on {table} referencing {transition}"
            " for each statement execute function mes_mark_site_dirty();"
        )
        backward.append(f"drop trigger {name} on {table};")
    return RunSQL("\n".join(forward), "\n".join(backward))
