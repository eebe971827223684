"""A lot on hold, rejected, in quarantine or expired cannot be consumed or shipped."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("materials", "0002_what_the_database_keeps")]

    operations = [
        migrations.RunSQL(
            """
            create function materials_barred_lot_is_not_used() returns trigger
            language plpgsql as $$
            declare
                barred boolean;
            begin
                select status in ('HELD', 'REJECTED', 'QUARANTINE')
                       or (expires_at is not null and expires_at <= new.at)
                  into barred from materials_lot where id = new.lot_id;
                if barred then
                    raise exception 'lot % is not free to be used', new.lot_id
                        using errcode = 'check_violation',
                              constraint = 'a_barred_lot_is_not_used';
                end if;
                return new;
            end $$;
            create trigger materials_stockmove_barred_lot before insert on materials_stockmove
                for each row when (new.quantity < 0 and new.reason in ('ISSUE', 'SHIPMENT'))
                execute function materials_barred_lot_is_not_used();
            """,
            """
            drop trigger materials_stockmove_barred_lot on materials_stockmove;
            drop function materials_barred_lot_is_not_used();
            """,
        )
    ]
