"""What the database keeps by itself: ledgers, same-site references, dirty marks."""

from django.db import migrations

from mes import triggers


class Migration(migrations.Migration):
    dependencies = [
        ("workorders", "0001_initial"),
        ("equipment", "0002_what_the_database_keeps"),
        ("materials", "0002_what_the_database_keeps"),
        ("mes", "0002_what_the_database_keeps"),
    ]

    operations = [
        triggers.site_and_id("workorders_routing"),
        triggers.site_and_id("workorders_routingoperation"),
        triggers.site_and_id("workorders_workorder"),
        triggers.site_and_id("workorders_joborder"),
        triggers.site_and_id("workorders_jobmaterial"),
        triggers.site_and_id("workorders_jobresponse"),
        triggers.same_site(
            "workorders_routing",
            ("item_id", "materials_item"),
        ),
        triggers.same_site(
            "workorders_routingoperation",
            ("routing_id", "workorders_routing"),
            ("unit_id", "equipment_equipment"),
        ),
        triggers.same_site(
            "workorders_operationalternate",
            ("operation_id", "workorders_routingoperation"),
            ("unit_id", "equipment_equipment"),
        ),
        triggers.same_site(
            "workorders_workorder",
            ("item_id", "materials_item"),
            ("customer_line_id", "materials_customerline"),
            ("lot_id", "materials_lot"),
        ),
        triggers.same_site(
            "workorders_joborder",
            ("work_order_id", "workorders_workorder"),
            ("unit_id", "equipment_equipment"),
        ),
        triggers.same_site(
            "workorders_joblink",
            ("predecessor_id", "workorders_joborder"),
            ("follower_id", "workorders_joborder"),
        ),
        triggers.same_site(
            "workorders_jobalternate",
            ("job_order_id", "workorders_joborder"),
            ("unit_id", "equipment_equipment"),
        ),
        triggers.same_site(
            "workorders_unitqueue",
            ("unit_id", "equipment_equipment"),
        ),
        triggers.same_site(
            "workorders_jobmaterial",
            ("job_order_id", "workorders_joborder"),
            ("item_id", "materials_item"),
        ),
        triggers.same_site(
            "workorders_jobresponse",
            ("job_order_id", "workorders_joborder"),
            ("unit_id", "equipment_equipment"),
            ("device_id", "mes_device"),
            ("reason_id", "equipment_reason"),
            ("corrects_id", "workorders_jobresponse"),
        ),
        triggers.same_site(
            "workorders_reservation",
            ("lot_id", "materials_lot"),
            ("work_order_id", "workorders_workorder"),
            ("purchase_line_id", "materials_purchaseline"),
            ("job_material_id", "workorders_jobmaterial"),
            ("customer_line_id", "materials_customerline"),
        ),
        triggers.same_site(
            "workorders_unsettled",
            ("job_order_id", "workorders_joborder"),
            ("lot_id", "materials_lot"),
        ),
        triggers.same_site(
            "workorders_genealogyedge",
            ("consumed_id", "materials_lot"),
            ("produced_id", "materials_lot"),
        ),
        triggers.append_only("workorders_jobresponse"),
        triggers.append_only("workorders_genealogyedge"),
        triggers.marks_site_dirty("workorders_workorder"),
        triggers.marks_site_dirty("workorders_joborder"),
        triggers.marks_site_dirty("workorders_joblink"),
        triggers.marks_site_dirty("workorders_jobalternate"),
        triggers.marks_site_dirty("workorders_unitqueue"),
        triggers.marks_site_dirty("workorders_jobmaterial"),
        triggers.marks_site_dirty("workorders_reservation"),
    ]
