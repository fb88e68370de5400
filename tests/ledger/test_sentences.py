"""What you sign is what you read: every member of every agreement, in both languages."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.agreements import (
    AGREEMENTS,
    Admit,
    Agreement,
    Award,
    ContestPayment,
    GrantLine,
    Invoice,
    ListVerifier,
    Part,
    PartyNumber,
    Pledge,
    SetTenorCap,
    Split,
    StopIssue,
)
from ledger.calendar import Day, Timestamp
from ledger.members import Form, Member, Struct, line_id, members_of, voucher_text
from ledger.money import Fen
from ledger.sentences import Sentence, sentences
from tests.ledger.samples import DEADLINE, DUE, H1, ISSUE, TRANSFER, VOUCHER, few, instances, values


@pytest.mark.parametrize(
    ("kind", "member"),
    [(kind, member) for kind in (*AGREEMENTS, Invoice, Part) for member in members_of(kind)],
    ids=lambda value: value.__name__ if isinstance(value, type) else value.name,
)
@few
@given(data=st.data())
def test_a_change_of_any_member_can_be_read_in_both_languages(
    kind: type[Struct], member: Member, data: st.DataObject
) -> None:
    struct = data.draw(instances(kind))
    other = data.draw(values(member).filter(lambda value: value != getattr(struct, member.name)))
    changed = dataclasses.replace(struct, **{member.name: other})
    before, after = read(struct), read(changed)
    if member.form is not Form.HASH:
        assert all(first != second for first, second in zip(before, after, strict=True))
    elif any(other):
        short = f"0x{other.hex()[:4]}…{other.hex()[-4:]}"
        assert all(short in text for text in after)


def read(struct: Struct) -> tuple[str, str]:
    """All Chinese and all English sentences, of an item inside an agreement that holds it."""
    if isinstance(struct, Invoice):
        struct = dataclasses.replace(TRANSFER, invoices=(struct,))
    if isinstance(struct, Part):
        struct = Split(VOUCHER, 1, False, DEADLINE, (struct,), ())
    assert isinstance(struct, Agreement)
    said = sentences(struct)
    return "\n".join(sentence.zh for sentence in said), "\n".join(sentence.en for sentence in said)


def test_parts_in_another_order_read_differently() -> None:
    parts = (Part(PartyNumber(7), Fen(10_000)), Part(PartyNumber(8), Fen(10_000)))
    split = Split(VOUCHER, 1, False, DEADLINE, parts, ())
    assert read(split) != read(dataclasses.replace(split, parts=parts[::-1]))


def test_a_missing_reason_and_a_hash_read_differently() -> None:
    first, second = ISSUE, dataclasses.replace(ISSUE, tenor_reason=bytes(31) + b"\1")
    assert "Hash of the reason for a long tenor: none." in read(first)[1]
    assert "Hash of the reason for a long tenor: 0x0000…0001." in read(second)[1]


def test_an_issue_reads_as_this() -> None:
    names = {PartyNumber(4): "北辰重工", PartyNumber(6): "Xinghai Parts"}
    assert [sentence.en for sentence in sentences(ISSUE, names=names)] == [
        (
            "Party 4 “北辰重工” promises to pay party 6 “Xinghai Parts” 1,000,000.00 yuan on 2026-08-28, "
            "drawn on credit line 2-17."
        ),
        "Smallest part: 100.00 yuan.",
        "Highest tier: 5.",
        "Hash of the terms: 0x1111…1111.",
        "Hash of the reason for a long tenor: none.",
        "The issuer's own reference: 0x2222…2222.",
        "Void unless it lands by 2026-04-16 00:00:00 (UTC+8).",
        "Invoice 1: fingerprint 0x3333…3333, 600,000.00 yuan used now of a total of 600,000.00 yuan.",
        "Invoice 2: fingerprint 0x4444…4444, 400,000.00 yuan used now of a total of 900,000.00 yuan.",
    ]
    first = sentences(ISSUE, names=names)[0]
    assert first.zh == (
        "4 号参与方「北辰重工」承诺于 2026-08-28 向6 号参与方「Xinghai Parts」支付 1,000,000.00 元，占用信用额度 2-17。"
    )
    assert str(first) == f"{first.zh} / {first.en}"


def test_a_transfer_to_an_unknown_party_reads_by_its_number_alone() -> None:
    assert sentences(TRANSFER)[0].en == (
        f"The holder passes the whole voucher {voucher_text(VOUCHER)} on to party 7."
    )
    assert sentences(TRANSFER)[-1] == Sentence("不附发票。", "No invoice.")


@pytest.mark.parametrize("sign_", ["\n", "\r", "\u2028", "\u202e", "\u200b", "”", "」", "\0"])
def test_a_name_cannot_add_a_line_or_leave_its_quotes(sign_: str) -> None:
    said = sentences(TRANSFER, names={PartyNumber(7): f"A{sign_}on to party 9"})[0]
    assert "party 7 “A\ufffdon to party 9”." in said.en
    assert "7 号参与方「A\ufffdon to party 9」" in said.zh


def test_a_deadline_after_the_calendars_end_and_unknown_roles_are_still_shown() -> None:
    late = dataclasses.replace(TRANSFER, deadline=Timestamp(2**40 - 1))
    assert "1099511627775 s" in read(late)[1]
    admit = Admit(PartyNumber(9), 0b10011, PartyNumber(2), 0, H1, DEADLINE, b"\1" * 20)
    assert "Roles: issuer, bank, unknown role 16." in read(admit)[1]
    assert "0x" + "01" * 20 in read(admit)[0]


def test_yes_and_no_are_words() -> None:
    line = GrantLine(
        *(line_id(2, 17), PartyNumber(4), line_id(0, 0), Fen(5_000_000_000), Day(DUE), Fen(10_000), 5, 10),
        countersign=True,
        deadline=DEADLINE,
    )
    assert "The bank signs each issue too: yes." in read(line)[1]
    assert "每次开立须银行会签：否。" in read(dataclasses.replace(line, countersign=False))[0]
    assert "Parent line: none." in read(line)[1]
    contest = ContestPayment(VOUCHER, 4, PartyNumber(6), H1, DEADLINE)
    assert read(contest)[1].startswith("Party 6 contests the payment")


def test_an_overdue_claim_is_called_one_that_its_recipient_knowingly_takes() -> None:
    assert "It holds only for a voucher that is not overdue." in read(TRANSFER)[1]
    recourse = dataclasses.replace(TRANSFER, overdue=True)
    assert [said.en for said in sentences(recourse) if "overdue" in said.en] == [
        "What is passed on is a claim that is overdue and unpaid: the recipient takes it knowing that, "
        "to collect it from the issuer."
    ]
    assert "所转的是已经逾期、尚未受偿的债权：受让人明知逾期而接受" in read(recourse)[0]
    split = Split(VOUCHER, 1, True, DEADLINE, (Part(PartyNumber(7), Fen(10_000)),), ())
    assert "takes it knowing that" in read(split)[1]


def test_a_pledge_reads_with_its_sum_its_pledgee_its_filing_and_its_last_day() -> None:
    pledge = Pledge(VOUCHER, 3, PartyNumber(2), Fen(60_000_000), H1, DUE, DEADLINE)
    said = sentences(pledge, names={PartyNumber(2): "海州银行"})
    assert said[0].en == (
        f"The holder pledges voucher {voucher_text(VOUCHER)} to party 2 “海州银行” for 600,000.00 yuan, up to and "
        "including 2026-08-28: until released it is locked, and the pledgee is paid first, up to that sum."
    )
    assert said[0].zh == (
        f"持有人将凭证 {voucher_text(VOUCHER)} 质押给2 号参与方「海州银行」，担保 600,000.00 元，"
        "质押至 2026-08-28（含当日）：解除前凭证锁定，款项先付质权人，以担保金额为限。"
    )
    assert said[2] == Sentence(
        "质押登记编号的哈希：0x1111…1111。", "Hash of the pledge's filing number: 0x1111…1111."
    )


def test_a_stop_of_one_issuer_of_all_and_its_end_are_told_apart() -> None:
    def first(issuer: int, stopped: bool) -> Sentence:
        return sentences(StopIssue(0, PartyNumber(issuer), stopped, H1, DEADLINE))[0]

    assert first(4, True).en == "The registrar stops party 4 from issuing, until it is allowed again."
    assert first(4, False).en == "The registrar allows party 4 to issue again."
    assert first(0, True).en == (
        "The registrar stops all issue in this ledger, for good: the ledger is run off."
    )
    assert first(0, True).zh == "登记机构停止本账本的一切开立，永不恢复：本账本转入清退。"
    assert "no contract takes that" in first(0, False).en


def test_an_award_says_whether_the_money_was_paid() -> None:
    def first(paid: bool) -> str:
        return sentences(Award(VOUCHER, 4, PartyNumber(8), paid, H1, DEADLINE))[0].en

    assert first(True).endswith("was made: it completes.")
    assert first(False).endswith("was not made: its assertion is void.")
    assert "arbiter, party 8, rule" in first(True)


def test_a_setting_names_the_sequence_of_the_settings_and_an_address_is_written_whole() -> None:
    verifier = bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
    said = read(ListVerifier(5, verifier, 400_000, H1, DEADLINE))[1]
    assert "verifier 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed on the allow-list" in said
    assert "Valid only while the sequence of that contract's settings is 5." in said
    assert "Gas cap of each of its checks: 400000." in said
    cap = sentences(SetTenorCap(0, 200, DUE, DEADLINE))
    assert cap[0].en == (
        "The registrar rules that from 2026-08-28 on an issue for more than 200 days gives a reason."
    )
