"""What can happen to what we make it of, and to what we promised. Writes this app's tables."""

from materials.actions.deliveries import (
    add_customer_order,
    add_purchase_line,
    expect_purchase,
    set_promise,
    ship,
)
from materials.actions.masters import (
    add_bill_line,
    add_customer,
    add_item,
    add_location,
    add_supplier,
    save_bill_line,
)
from materials.actions.stock import (
    Moves,
    Usable,
    bring_in,
    free_lot,
    hold_lot,
    lock_lots,
    move,
    receive,
    take_out,
    usable_stock,
)

__all__ = [
    "Moves",
    "Usable",
    "add_bill_line",
    "add_customer",
    "add_customer_order",
    "add_item",
    "add_location",
    "add_purchase_line",
    "add_supplier",
    "bring_in",
    "expect_purchase",
    "free_lot",
    "hold_lot",
    "lock_lots",
    "move",
    "receive",
    "save_bill_line",
    "set_promise",
    "ship",
    "take_out",
    "usable_stock",
]
