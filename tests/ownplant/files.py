"""Workbooks for tests: a small sound plant, and bytes as nobody should send them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from planning.ownplant.workbook import write_workbook

Sheets = dict[str, list[list[Any]]]


def small() -> Sheets:
    """Two machines in a group and one alone, three orders, their operations."""
    return {
        "Machines": [
            ["Machine", "Group", "Shift"],
            ["M-1", "MILL", "2"],
            ["M-2", "MILL", "2"],
            ["L-1", "", "1"],
        ],
        "Orders": [
            ["Order", "Item", "Quantity", "Due", "Customer", "Value"],
            ["A-1", "P", 100, "2026-12-04", "ACME", 5000],
            ["A-2", "P", 50, "2026-12-02", "ACME", 2500],
            ["A-3", "Q", 10, "2026-12-10", "", ""],
        ],
        "Operations": [
            ["Order or item", "No", "Machine", "Set-up min", "Min a piece", "Done"],
            ["P", 10, "L-1", 20, 1, ""],
            ["P", 20, "MILL", 30, 2, ""],
            ["Q", 10, "M-1", 10, 6, ""],
        ],
    }


def workbook(sheets: Mapping[str, list[list[Any]]]) -> bytes:
    return write_workbook(sheets.items())


def parts(data: bytes) -> dict[str, bytes]:
    """A workbook's parts by name, to be changed and zipped again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(contents: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def sheet_xml(inner: str, *, more: str = "", head: str = "", encoding: str = "utf-8") -> bytes:
    """A workbook whose one sheet, Orders, holds this XML, said to be encoded so."""
    contents = parts(workbook({"Orders": [["Order"]]}))
    contents["xl/worksheets/sheet1.xml"] = (
        f'<?xml version="1.0" encoding="{encoding}"?>{head}<worksheet'
        ' xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{inner}</sheetData>{more}</worksheet>"
    ).encode()
    return zipped(contents)
