"""A real company's orders for Downstream: the AdventureWorks sample, read, mapped, loaded."""
