"""CSV files of a bank: whatever is wrong is named all at once, and then nothing is imported."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.discount import DayCount
from ledger.errors import FileError
from ledger.money import parse_yuan
from ledger.statement import (
    LOAN_COLUMNS,
    STATEMENT_COLUMNS,
    BookedLine,
    BookedLoan,
    Column,
    Direction,
    LoanStatus,
    StatementEntry,
    choice,
    read_line_book,
    read_loan_book,
    read_statement,
    read_table,
    text,
    whole_number,
)

HEADER = "entry_id,booked_on,value_on,direction,amount,counterparty,reference\n"
ENTRY = "S-1,2026-04-15,2026-04-15,debit,986500.00,East Bearing,D-1\n"
HEADER_ZH = "流水号,记账日,起息日,借贷,金额,对方户名,附言\n"
ENTRY_ZH = "S-1,2026-04-15,2026-04-15,借,986500.00,东方轴承有限公司,D-1\n"
THE_ENTRY = StatementEntry(
    entry_id="S-1",
    booked_on=date(2026, 4, 15),
    value_on=date(2026, 4, 15),
    direction=Direction.DEBIT,
    amount=parse_yuan("986,500.00"),
    counterparty="东方轴承有限公司",
    reference="D-1",
)


def problems(content: str | bytes) -> list[str]:
    with pytest.raises(FileError) as refused:
        read_statement(content if isinstance(content, bytes) else content.encode(), name="bank.csv")
    assert "bank.csv" in str(refused.value)
    assert "nothing was imported" in str(refused.value)
    return [str(problem) for problem in refused.value.problems]


# The file as a whole


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be opened: No such file"):
        read_statement(tmp_path / "absent.csv")
    with pytest.raises(FileError, match="cannot be opened: Is a directory"):
        read_statement(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_refused(content: bytes) -> None:
    assert problems(content) == ["the file is empty; a header row is the least it must have"]


def test_bytes_that_are_text_in_neither_encoding_are_refused_and_both_are_named() -> None:
    (problem,) = problems(HEADER.encode() + b"caf\xe9,\xff")
    assert "as UTF-8 (fails at byte 72) nor as GB18030 (fails at byte 72)" in problem


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_damaged_utf8_is_not_read_as_gb18030(mark: bytes) -> None:
    damaged = mark + (HEADER_ZH + ENTRY_ZH).encode().replace("轴".encode(), "轴".encode()[:2])
    (problem,) = problems(damaged)
    assert "by its other bytes it is UTF-8: it is damaged" in problem


def test_a_file_that_begins_as_utf8_is_not_read_as_gb18030() -> None:
    (problem,) = problems(b"\xef\xbb\xbf" + HEADER.encode() + ENTRY.replace("East", "东").encode("gb18030"))
    assert "it is UTF-8" in problem


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf16_is_refused(encoding: str) -> None:
    (problem,) = problems((HEADER_ZH + ENTRY_ZH).encode(encoding))
    assert "save it as CSV in UTF-8" in problem


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ufffd", "\ue000"])
def test_a_character_that_is_no_text_is_refused(character: str) -> None:
    (problem,) = problems(HEADER + ENTRY.replace("East", character))
    assert f"the file was read as UTF-8, and there it holds {character!a}" in problem


def test_broken_quoting_is_refused_with_its_line() -> None:
    (problem,) = problems(HEADER + ENTRY + 'S-2,"2026-04-15"x,\n')
    assert "the quoting of cells is broken near line 3" in problem
    (problem,) = problems(HEADER + ENTRY + 'S-2,"2026-04-15')
    assert "the quoting of cells is broken near line 3" in problem


# The header


def test_missing_extra_duplicate_and_nameless_columns_are_all_named_at_once() -> None:
    found = problems("entry_id,entry_id,booked_on,value_on,direction,memo,counterparty,reference,对方户名,\n")
    assert [line.split(";")[0] for line in found] == [
        "row 1, column entry_id: the file has this column twice",
        "row 1, column memo: extra column",
        "row 1, column 对方户名: the file has the column counterparty (对方户名) twice",
        "row 1: column 10 has no name",
        "row 1, column amount: missing column amount (金额)",
        "row 1: the table has " + ", ".join(f"{each.name} ({each.zh})" for each in STATEMENT_COLUMNS),
    ]


@pytest.mark.parametrize("head", ["sep=,\n", "line,issuer,limit,used,expires_on\n", "日期;摘要;金额\n"])
def test_a_file_of_another_kind_is_refused_in_one_line_that_lists_the_columns_once(head: str) -> None:
    (problem,) = problems(head + HEADER + ENTRY * 20)
    assert problem.startswith(
        f"row 1: {head.strip()!r} is no header of this table, which has entry_id (流水号), "
    )
    assert problem.count("counterparty (对方户名)") == 1


def test_under_a_wrong_header_no_cell_is_looked_at() -> None:
    found = problems(HEADER.replace("amount", "sum") + ENTRY.replace("2026-04-15", "yesterday"))
    assert [line.split(";")[0][:30] for line in found][:2] == [
        "row 1, column sum: extra colum",
        "row 1, column amount: missing ",
    ]
    assert not [line for line in found if "yesterday" in line]


@pytest.mark.parametrize("wrong", ["0x123", "账本一", "0x" + "g" * 40, "ab" * 20, "0x" + "ab" * 21])
def test_a_ledger_that_is_no_address_is_refused(wrong: str) -> None:
    header = ",".join(column.name for column in LOAN_COLUMNS)
    row = "L-1,东海银行,V-1,甲,乙,1.00,1.00,0.00,3.60,ACT/360,2026-04-15,2026-08-28,未结清,"
    with pytest.raises(FileError, match=r"row 2, column 账本合约: .* is no address of a contract"):
        read_loan_book(f"{header},账本合约\n{row},{wrong}\n".encode())


def test_a_column_may_not_be_left_out_even_if_its_cells_may_be_empty() -> None:
    content = HEADER.replace(",reference", "") + ENTRY.replace(",D-1", "")
    assert problems(content) == ["row 1, column reference: missing column reference (附言)"]


# Rows and cells


def test_every_bad_cell_of_every_row_is_named_and_nothing_is_imported() -> None:
    found = problems(
        HEADER
        + ENTRY
        + 'S-2,2026-02-30,15.04.2026,Debit,"1,000.005",West Mill,D-2\n'
        + ",2026-04-15,2026-04-15,credit,1e5,West Mill,D-3\n"
        + "S-1,2026-04-15,2026-04-15,credit,1.00,West Mill,D-4\n"
    )
    assert [line.split(":")[0] for line in found] == [
        "row 3, column booked_on",
        "row 3, column value_on",
        "row 3, column direction",
        "row 3, column amount",
        "row 4, column entry_id",
        "row 4, column amount",
        "row 5, column entry_id",
    ]
    assert "'Debit' is none of debit, credit, 借, 贷" in found[2]
    assert "'1,000.005'" in found[3]
    assert found[4].endswith("the cell is empty")
    assert found[6].endswith("S-1 is already in row 2")


@pytest.mark.parametrize(
    "amount",
    ['"1,000.005"', "-1", "1e5", "NaN", "\uff11\uff12", '"1,00"', "1 000", "", "10000000000000000.00"],
)
def test_a_bad_amount_is_named_with_its_row_and_the_heading_in_the_file(amount: str) -> None:
    (problem,) = problems(HEADER_ZH + ENTRY_ZH.replace("986500.00", amount))
    assert problem.startswith("row 2, column 金额: ")


@pytest.mark.parametrize("row", [ENTRY.replace(",D-1", ""), ENTRY.replace("\n", ",\n"), "S-1\n", " \n"])
def test_a_short_or_long_row_is_refused_with_both_counts(row: str) -> None:
    (problem,) = problems(HEADER + row)
    assert problem == f"row 2: {row.count(',') + 1} cells, the header has 7"


def test_rows_are_counted_as_a_spreadsheet_does_empty_lines_and_line_breaks_in_cells_included() -> None:
    broken = ENTRY.replace("East Bearing", '"East\nBearing"')
    found = problems(HEADER + "\n" + broken + ENTRY.replace("986500.00", "x").replace("S-1", "S-2"))
    assert [line.split(":")[0] for line in found] == ["row 3, column counterparty", "row 4, column amount"]


@pytest.mark.parametrize("cell", ["-1", "1.0", "\u0663", "1 0", "1e3", "9" * 19])
def test_a_number_that_is_not_plain_digits_is_refused(cell: str) -> None:
    with pytest.raises(FileError, match="row 2, column count"):
        read_table(f"count\n{cell}\n".encode(), [Column("count", "数量", whole_number)])


# Good files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_statement_in_chinese_is_read_in_every_accepted_encoding(encoding: str, line_end: str) -> None:
    content = (HEADER_ZH + ENTRY_ZH).replace("\n", line_end).encode(encoding)
    assert read_statement(content) == [THE_ENTRY]


def test_a_statement_is_read_from_its_path_with_english_headings_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text(
        "amount,direction,业务参考号,entry_id,counterparty,value_on,booked_on\n"
        '"986,500.00",debit,D-1,S-1,东方轴承有限公司,2026-04-15,2026-04-15\n',
        encoding="utf-8",
    )
    assert read_statement(path) == [THE_ENTRY]


def test_padding_that_banks_put_around_cells_is_taken_off_and_empty_lines_are_passed_over() -> None:
    padded = (
        HEADER_ZH.replace("金额", " 金额\t") + "\n" + ENTRY_ZH.replace("986500.00", " 986500.00\t") + "\n\n"
    )
    assert read_statement(padded.encode()) == [THE_ENTRY]


def test_a_row_that_a_spreadsheet_left_as_commas_is_passed_over_and_counted() -> None:
    head = ",".join(column.name for column in STATEMENT_COLUMNS)
    row = "E1,2026-08-31,2026-08-31,debit,1.00,,"
    emptied = f"{head}\n,,,,,,\n{row}\n" + ",,,,,,\n" * 1_000
    assert [each.entry_id for each in read_statement(emptied.encode())] == ["E1"]
    with pytest.raises(FileError, match="row 3, column amount"):
        read_statement(emptied.replace("1.00", "x").encode())


def test_a_statement_without_entries_is_a_statement() -> None:
    assert read_statement(HEADER.encode()) == []


def test_a_bank_charge_without_counterparty_and_reference_is_read() -> None:
    (entry,) = read_statement((HEADER + "S-9,2026-04-15,2026-04-15,借,5.00,,\n").encode())
    assert (entry.counterparty, entry.reference, entry.amount) == ("", "", 500)


def test_a_loan_book_is_read_with_open_and_repaid_loans() -> None:
    content = (
        "借据号,银行,凭证编号,借款人,付款人,本金,放款净额,利息,年利率,计息基础,放款日,到期日,状态,结清日\n"
        'L-1,北岸银行,0xab,东方轴承,海川重工,"1,000,000.00",986500.00,13500.00,3.60,ACT/360,'
        "2026-04-15,2026-08-28,未结清,\n"
        "L-2,北岸银行,0xcd,东方轴承,海川重工,1.00,0.99,0.01,3.60,30/360,2026-04-15,2026-08-28,repaid,2026-08-31\n"
    )
    first, second = read_loan_book(content.encode("gb18030"))
    assert first == BookedLoan(
        loan_no="L-1",
        bank="北岸银行",
        voucher="0xab",
        borrower="东方轴承",
        obligor="海川重工",
        principal=parse_yuan("1,000,000.00"),
        proceeds=parse_yuan("986,500.00"),
        interest=parse_yuan("13,500.00"),
        rate=first.rate,
        basis=DayCount.ACT_360,
        booked_on=date(2026, 4, 15),
        due_on=date(2026, 8, 28),
        status=LoanStatus.OPEN,
        repaid_on=None,
    )
    assert first.rate == Decimal("3.60")
    assert (second.status, second.repaid_on) == (LoanStatus.REPAID, date(2026, 8, 31))
    assert second.basis is DayCount.THIRTY_360


def test_a_loan_book_names_its_bad_cells() -> None:
    content = (
        "loan_no,bank,voucher,borrower,obligor,principal,proceeds,interest,rate,basis,booked_on,due_on,status,repaid_on\n"
        "L-1,B,V,S,I,1.00,1.00,0.00,3.60%,actual,2026-04-15,2026-08-28,closed,soon\n"
    )
    with pytest.raises(FileError) as refused:
        read_loan_book(content.encode())
    assert [problem.column for problem in refused.value.problems] == ["rate", "basis", "status", "repaid_on"]


def test_a_line_book_is_read_and_a_line_in_it_twice_is_refused() -> None:
    row = 'CL-1,海川重工,"5,000,000.00",1000000.00,2026-12-31\n'
    header = "额度编号,核心企业,授信额度,已用额度,到期日\n"
    assert read_line_book((header + row).encode()) == [
        BookedLine("CL-1", "海川重工", parse_yuan("5,000,000"), parse_yuan("1,000,000"), date(2026, 12, 31))
    ]
    with pytest.raises(FileError, match="row 3, column 额度编号: CL-1 is already in row 2"):
        read_line_book((header + row + row).encode())


def test_an_own_table_has_typed_cells() -> None:
    columns = [
        Column("name", "名称", text),
        Column("count", "数量", whole_number, optional=True),
        Column("kind", "种类", choice({"a": 1, "b": 2})),
    ]
    assert read_table("名称,kind,数量\nx,b,7\ny,a,\n".encode(), columns) == [
        {"name": "x", "kind": 2, "count": 7},
        {"name": "y", "kind": 1, "count": None},
    ]
