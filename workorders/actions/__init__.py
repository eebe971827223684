"""What can happen to work orders and job orders. The only writer of this app's tables."""

from workorders.actions.masters import add_routing, save_routing_operation
from workorders.actions.orders import close_order, create_order, release

__all__ = [
    "add_routing",
    "close_order",
    "create_order",
    "release",
    "save_routing_operation",
]
