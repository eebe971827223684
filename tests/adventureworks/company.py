"""A company of a few rows in the sample's files, and where the real one is looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planning.adventureworks.reading import FILES

# A frame is formed and welded from two tubes, a bike assembled from a frame and paint; a bell
# is bought. On 2013-07-03 a frame order, a bike order and a tube order without routing are open;
# one of each begins in the days after it, more bells are bought and a new customer orders bikes.
SMALL: dict[str, str] = {
    "UnitMeasure.csv": """\
UnitMeasureCode,Name
EA,Each
OZ,Ounces
""",
    "ProductSubcategory.csv": """\
ProductSubcategoryID,ProductCategoryID,Name
1,1,Bikes
""",
    "Product.csv": """\
ProductID,Name,ProductNumber,MakeFlag,SafetyStockLevel,StandardCost,DaysToManufacture,ProductSubcategoryID
1,Bike,BK-1,1,4,600.00,4,1
2,Frame,FR-1,1,10,200.00,1,
3,Tube,TU-1,1,50,10.00,0,
4,Paint,PA-1,0,60,2.50,0,
5,Bell,BE-1,0,5,4.00,0,
""",
    "BillOfMaterials.csv": """\
BillOfMaterialsID,ProductAssemblyID,ComponentID,StartDate,EndDate,UnitMeasureCode,BOMLevel,PerAssemblyQty
1,,1,2010-01-01,,EA,0,1.00
2,1,2,2010-01-01,,EA,1,1.00
3,1,4,2010-01-01,2013-06-20,OZ,1,9.00
4,1,4,2013-06-21,,OZ,1,8.00
5,2,3,2010-01-01,,EA,2,2.00
""",
    "Location.csv": """\
LocationID,Name,CostRate,Availability
6,Miscellaneous Storage,0,.00
7,Finished Goods Storage,0,.00
10,Frame Forming,22.5,96.00
20,Frame Welding,25,108.00
60,Final Assembly,12.25,120.00
""",
    "Shift.csv": """\
ShiftID,Name,StartTime,EndTime
1,Day,07:00:00.0000000,15:00:00.0000000
""",
    "ProductInventory.csv": """\
ProductID,LocationID,Shelf,Bin,Quantity
4,6,A,1,30
1,7,A,1,500
""",
    "ScrapReason.csv": """\
ScrapReasonID,Name
4,Drill size too large
""",
    "WorkOrder.csv": """\
WorkOrderID,ProductID,OrderQty,StockedQty,ScrappedQty,StartDate,EndDate,DueDate,ScrapReasonID
101,1,4,4,0,2013-06-10,2013-06-30,2013-06-21,
102,2,6,5,1,2013-06-20,2013-07-04,2013-07-01,4
103,1,5,5,0,2013-07-01,2013-07-05,2013-07-12,
104,3,20,20,0,2013-07-02,2013-07-05,2013-07-13,
105,1,9,9,0,2013-07-04,2013-07-14,2013-07-15,
106,3,8,7,1,2013-07-05,2013-07-09,2013-07-16,4
107,2,2,2,0,2013-07-05,2013-07-09,2013-07-16,
""",
    "WorkOrderRouting.csv": """\
WorkOrderID,ProductID,OperationSequence,LocationID,ActualStartDate,ActualEndDate,ActualResourceHrs
101,1,7,60,2013-06-10,2013-06-30,4.0000
102,2,1,10,2013-06-20,2013-07-04,4.1000
102,2,2,20,2013-06-20,2013-07-04,3.5000
103,1,7,60,2013-07-01,2013-07-05,4.0000
105,1,7,60,2013-07-04,2013-07-14,4.0000
107,2,1,10,2013-07-05,2013-07-09,4.1000
107,2,2,20,2013-07-05,2013-07-09,3.5000
""",
    "Vendor.csv": """\
BusinessEntityID,AccountNumber,Name
1500,BELLS0001,Bells and more
""",
    "ProductVendor.csv": """\
ProductID,BusinessEntityID,AverageLeadTime
5,1500,17
4,1500,9
""",
    "PurchaseOrderHeader.csv": """\
PurchaseOrderID,RevisionNumber,VendorID,OrderDate
70,4,1500,2013-06-25
71,4,1500,2013-05-01
72,4,1500,2013-07-05
""",
    "PurchaseOrderDetail.csv": """\
PurchaseOrderID,PurchaseOrderDetailID,DueDate,OrderQty,ProductID,ReceivedQty,RejectedQty
70,700,2013-07-09,40,5,39.00,3.00
71,701,2013-05-15,40,5,40.00,.00
72,702,2013-07-19,10,5,10.00,.00
""",
    "Store.csv": """\
BusinessEntityID,Name
292,"Next-Door Bike Store, Inc."
""",
    "Customer.csv": """\
CustomerID,PersonID,StoreID,TerritoryID,AccountNumber
29,,292,1,AW00000029
30,,,1,AW00000030
""",
    "SalesOrderHeader.csv": """\
SalesOrderID,OrderDate,DueDate,ShipDate,CustomerID
800,2013-06-30,2013-07-12,2013-07-07,29
801,2013-05-31,2013-06-12,2013-06-07,29
802,2013-07-08,2013-07-20,2013-07-15,30
""",
    "SalesOrderDetail.csv": """\
SalesOrderID,SalesOrderDetailID,OrderQty,ProductID,UnitPrice,UnitPriceDiscount
800,9001,3,1,1000.0000,0.0200
800,9000,2,5,8.0000,0.0000
801,8000,1,1,1000.0000,0.0000
802,9100,2,1,1000.0000,0.0000
""",
}


def write_small(folder: Path, **changed: tuple[str, str]) -> Path:
    """Write the small company; `Product=("old", "new")` replaces text in Product.csv.

    :raises ValueError: if the old text is not there exactly once.
    """
    for name in FILES:
        content = SMALL[name]
        if name.removesuffix(".csv") in changed:
            old, new = changed[name.removesuffix(".csv")]
            if content.count(old) != 1:
                raise ValueError(f"{old!r} is {content.count(old)} times in {name}")
            content = content.replace(old, new)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def real_folder() -> Path:
    """The AdventureWorks files; without them the test is skipped, saying where it looked."""
    given = os.environ.get("MES_TEST_DATA")
    root = Path(given) if given else Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = root / "adventureworks"
    if not (folder / "WorkOrder.csv").is_file():
        pytest.skip(f"NO ADVENTUREWORKS FILES in {folder.resolve()}: name them in MES_TEST_DATA")
    return folder
