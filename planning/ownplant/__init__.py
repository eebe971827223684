"""One's own plant from a workbook: read, mapped, checked by cell, stored whole or not at all."""
