"""Wrong files are described by file, line and column; right ones become rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from planning.adventureworks.reading import MOST_PROBLEMS, read
from tests.adventureworks.company import SMALL, real_folder, write_small


def said(folder: Path) -> list[str]:
    return [str(problem) for problem in read(folder)[1]]


def test_the_small_company_has_no_problem(tmp_path: Path) -> None:
    company, problems = read(write_small(tmp_path))

    assert problems == []
    assert [product.number for product in company.products] == [
        "BK-1",
        "FR-1",
        "TU-1",
        "PA-1",
        "BE-1",
    ]
    assert company.stores[0].name == "Next-Door Bike Store, Inc."


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "WorkOrder",
            "103,1,5,",
            "103,1,five,",
            "WorkOrder.csv, line 4, column 3 (OrderQty): “five” is not a whole number.",
        ),
        (
            "WorkOrder",
            "2013-06-10,2013-06-30,",
            "06/10/2013,2013-06-30,",
            "WorkOrder.csv, line 2, column 6 (StartDate): “06/10/2013” is not a day written"
            " as YYYY-MM-DD.",
        ),
        (
            "WorkOrder",
            "103,1,5,",
            "103,99,5,",
            "WorkOrder.csv, line 4, column 2 (ProductID): 99 is not in Product.csv.",
        ),
        (
            "WorkOrder",
            "104,3,20",
            "103,3,20",
            "WorkOrder.csv, line 5, column 1 (WorkOrderID): 103 was already there in line 4.",
        ),
        (
            "WorkOrder",
            "103,1,5,5,0",
            "103,1,5,4,0",
            "WorkOrder.csv, line 4, column 4 (StockedQty): 4 stocked and 0 scrapped are not the"
            " 5 ordered.",
        ),
        (
            "WorkOrder",
            "2013-07-02,2013-07-05",
            "2013-07-06,2013-07-05",
            "WorkOrder.csv, line 5, column 7 (EndDate): 2013-07-05 is before 2013-07-06.",
        ),
        (
            "WorkOrderRouting",
            "103,1,7,60",
            "103,1,7,7",
            "WorkOrderRouting.csv, line 5, column 4 (LocationID): 7 has no hours in Location.csv.",
        ),
        (
            "WorkOrderRouting",
            "103,1,7,60",
            "103,2,7,60",
            "WorkOrderRouting.csv, line 5, column 2 (ProductID): is 2, but work order 103 makes 1.",
        ),
        (
            "Product",
            "600.00,4,1",
            "600.00,4",
            "Product.csv, line 2: has 7 cells where the header has 8 columns.",
        ),
        ("Product", "ProductNumber", "Number", "Product.csv, line 1: has no column ProductNumber."),
        (
            "Product",
            "Bell,BE-1,0",
            "Bell,,0",
            "Product.csv, line 6, column 3 (ProductNumber): is empty.",
        ),
        (
            "BillOfMaterials",
            "2013-06-21,,OZ",
            "2013-06-20,,OZ",
            "BillOfMaterials.csv, line 5, column 4 (StartDate): overlaps line 4, the same"
            " component of the same product.",
        ),
        (
            "BillOfMaterials",
            "5,2,3,",
            "5,2,1,",
            "BillOfMaterials.csv: products are made of themselves: 1 > 2 > 1.",
        ),
        (
            "BillOfMaterials",
            "2013-06-21,,OZ",
            "2013-06-21,,EA",
            "BillOfMaterials.csv, line 5, column 6 (UnitMeasureCode): is EA, but product 4 is"
            " taken in OZ elsewhere.",
        ),
        (
            "SalesOrderDetail",
            "1000.0000,0.0200",
            "-5,0.0200",
            "SalesOrderDetail.csv, line 2, column 5 (UnitPrice): “-5” is not a number of zero"
            " or more.",
        ),
    ],
)
def test_a_wrong_cell_is_named_by_file_line_and_column(
    tmp_path: Path, file: str, old: str, new: str, problem: str
) -> None:
    assert said(write_small(tmp_path, **{file: (old, new)})) == [problem]


def test_every_wrong_cell_of_a_row_is_named(tmp_path: Path) -> None:
    problems = said(write_small(tmp_path, WorkOrder=("104,3,20,20,0", "104,3,x,y,0")))

    assert [problem.partition(": ")[0] for problem in problems] == [
        "WorkOrder.csv, line 5, column 3 (OrderQty)",
        "WorkOrder.csv, line 5, column 4 (StockedQty)",
    ]


def test_a_line_is_counted_as_an_editor_counts_it(tmp_path: Path) -> None:
    """A quoted cell with a line end makes the next row begin two lines further down."""
    folder = write_small(tmp_path, Product=("1,Bike,", '1,"Bi\nke",'))
    text = (folder / "Product.csv").read_text()
    (folder / "Product.csv").write_text(text.replace("2,Frame,FR-1,1", "2,Frame,FR-1,yes"))

    assert said(folder)[0] == (
        "Product.csv, line 4, column 4 (MakeFlag): “yes” is neither 0 nor 1."
    )


def test_a_missing_file_and_one_that_is_not_text_are_said(tmp_path: Path) -> None:
    folder = write_small(tmp_path)
    (folder / "Shift.csv").unlink()
    (folder / "Vendor.csv").write_bytes(b"BusinessEntityID,AccountNumber,Name\n1500,B,\xff\n")

    problems = said(folder)

    assert "Shift.csv: is missing in the folder." in problems
    assert "Vendor.csv, line 2: is not UTF-8 text." in problems


def test_problems_of_one_file_are_bounded_and_the_rest_is_counted(tmp_path: Path) -> None:
    folder = write_small(tmp_path)
    rows = "".join(f"{n},x,1\n" for n in range(MOST_PROBLEMS + 7))
    (folder / "ProductVendor.csv").write_text("ProductID,BusinessEntityID,AverageLeadTime\n" + rows)

    problems = said(folder)

    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[-1] == "ProductVendor.csv: has 7 more problems that are not listed."


def test_the_fingerprint_follows_the_contents(tmp_path: Path) -> None:
    first = read(write_small(tmp_path))[0].sha256
    again = read(write_small(tmp_path))[0].sha256
    other = read(write_small(tmp_path, Store=("Next-Door", "Far-Away")))[0].sha256

    assert first == again != other


def test_the_real_files_have_no_problem() -> None:
    company, problems = read(real_folder())

    assert problems == []
    assert len(company.products) == 504
    assert len(company.bills) == 2_679
    assert len(company.orders) == 56_502
    assert len(company.operations) == 50_876
    assert len(company.sale_rows) == 51_075


def test_the_small_company_covers_every_file() -> None:
    from planning.adventureworks.reading import FILES

    assert set(SMALL) == set(FILES)
