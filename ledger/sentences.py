"""An agreement as sentences, in Chinese and in English: what you sign is what you read.

Every member appears: those that a verb is about in its first sentence, the others in one sentence each, every
part and every invoice in one of its own, in the order in which they are signed. Ids and signers are written
whole; 32-byte hashes as 0x1234…abcd, because nobody compares more and nothing can be read out of them. A name
only ever stands beside the party's number. Nothing is looked up: a voucher's holder or face is for the caller
to show beside this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from string import Formatter
from typing import Any, Final

from ledger.agreements import Agreement, PartyNumber
from ledger.calendar import CHINA_OFFSET_SECONDS, date_of_day
from ledger.members import Form, Member, Purpose, Struct, line_text, members_of, promise_text, voucher_text
from ledger.money import yuan

CHINA_TIME: Final = timezone(timedelta(seconds=CHINA_OFFSET_SECONDS))
LAST_SECOND: Final = int(datetime(9999, 12, 31, tzinfo=CHINA_TIME).timestamp())


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in both languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"


# Chinese, English. What stands in braces is a member of the agreement.
FIRST: Final[Mapping[str, tuple[str, str]]] = {
    "Admit": (
        "登记机构接纳{party}，由{sponsor}保荐，签名人为 {signer}。",
        "the registrar admits {party}, sponsored by {sponsor}, with the signer {signer}.",
    ),
    "Suspend": (
        "登记机构暂停{party}：不得再开立、受让和转出凭证。",
        "the registrar suspends {party}: it can no longer issue, receive or pass on vouchers.",
    ),
    "Reinstate": ("登记机构恢复{party}的资格。", "the registrar ends the suspension of {party}."),
    "Rekey": (
        "{party}立即更换签名人，新签名人为 {signer}。",
        "{party} replaces its signer at once; the new signer is {signer}.",
    ),
    "ProposeRekey": (
        "登记机构与保荐银行为{party}启动丢失密钥的恢复，新签名人为 {signer}。",
        "registrar and sponsor bank start the recovery of a lost key of {party}; new signer: {signer}.",
    ),
    "VetoRekey": (
        "{party}以原签名人身份反对正在进行的密钥恢复。",
        "{party}, by its old signer, objects to the recovery under way.",
    ),
    "WithdrawRekey": (
        "登记机构与保荐银行撤回{party}的密钥恢复。",
        "registrar and sponsor bank take back the recovery of {party}.",
    ),
    "FinishRekey": (
        "完成{party}的密钥恢复，仲裁人：{arbiter}。",
        "the recovery of {party} is finished; arbiter: {arbiter}.",
    ),
    "GrantLine": (
        "银行授予{issuer}信用额度 {line}，限额 {limit} 元。",
        "the bank grants {issuer} credit line {line} with a limit of {limit} yuan.",
    ),
    "ResizeLine": (
        "银行将信用额度 {line} 的限额改为 {limit} 元。",
        "the bank changes the limit of credit line {line} to {limit} yuan.",
    ),
    "FreezeLine": (
        "银行设定信用额度 {line} 是否停止开立：{frozen}。",
        "the bank sets whether issue under credit line {line} is stopped: {frozen}.",
    ),
    "Issue": (
        "{issuer}承诺于 {due_day} 向{supplier}支付 {face} 元，占用信用额度 {line}。",
        "{issuer} promises to pay {supplier} {face} yuan on {due_day}, drawn on credit line {line}.",
    ),
    "Split": (
        "持有人从凭证 {voucher} 转出下列各份，其余留在原凭证。",
        "the holder passes on the parts below of voucher {voucher}; the rest stays in it.",
    ),
    "Transfer": (
        "持有人将凭证 {voucher} 整张转让给{recipient}。",
        "the holder passes the whole voucher {voucher} on to {recipient}.",
    ),
    "Discount": (
        "持有人将凭证 {voucher} 贴现给{funder}，最迟放款日 {pay_by}，其间凭证锁定。",
        "the holder sells voucher {voucher} to {funder}, to be paid by {pay_by}; it is locked meanwhile.",
    ),
    "Rescind": (
        "{by}撤销凭证 {voucher} 尚未放款的贴现。",
        "{by} ends the discount of voucher {voucher}, which was not paid.",
    ),
    "AssertPayment": (
        "付款人声明已就凭证 {voucher} 向{payee}付款，用途：{purpose}。",
        "who paid asserts the payment for voucher {voucher} to {payee}; purpose: {purpose}.",
    ),
    "ConfirmPayment": (
        "收款人确认已收到凭证 {voucher} 的款项。",
        "the payee confirms that the money for voucher {voucher} has arrived.",
    ),
    "ContestPayment": (
        "{by}表示未收到凭证 {voucher} 的款项，提出异议。",
        "{by} contests the payment for voucher {voucher}: the money has not arrived.",
    ),
    "WithdrawPayment": (
        "付款人撤回就凭证 {voucher} 作出的付款声明。",
        "who asserted the payment for voucher {voucher} takes it back.",
    ),
    "Freeze": (
        "登记机构依法院命令冻结凭证 {voucher} 至 {until}（含当日）。",
        "the registrar freezes voucher {voucher} by court order, up to and including {until}.",
    ),
    "Unfreeze": (
        "登记机构提前解除凭证 {voucher} 的冻结。",
        "the registrar ends the freeze of voucher {voucher}.",
    ),
    "Cancel": (
        "核心企业与持有人注销凭证 {voucher}，债权就此消灭。",
        "issuer and holder cancel voucher {voucher}: the claim ends unpaid.",
    ),
    "CancelWhole": (
        "核心企业与持有人注销未拆分的凭证 {voucher}，债权就此消灭，其发票额度恢复。",
        "issuer and holder cancel the undivided voucher {voucher}: the claim ends unpaid, its invoices are free again.",
    ),
    "Revoke": (
        "持有人作废此前就凭证 {voucher} 当前序号签署的一切协议。",
        "the holder voids whatever was signed for the present sequence of voucher {voucher}.",
    ),
    "RevokeIssue": (
        "{by}作废尚未上链的开立协议，承诺编号 {promise_id}。",
        "{by} voids an issue before it lands, promise {promise_id}.",
    ),
    "Invoice": (
        "发票 {at}：指纹 {fingerprint}，本次使用 {amount} 元，发票总额 {total} 元。",
        "invoice {at}: fingerprint {fingerprint}, {amount} yuan used now of a total of {total} yuan.",
    ),
    "Part": ("第 {at} 份：{face} 元转给{recipient}。", "part {at}: {face} yuan to {recipient}."),
}

OTHERS: Final[Mapping[str, tuple[str, str]]] = {
    "roles": ("角色：{}。", "roles: {}."),
    "signature_gas": (
        "签名校验的 gas 上限：{}（0 为普通密钥）。",
        "gas cap of its signature check: {} (0: a wallet key).",
    ),
    "profile": ("主体资料的哈希：{}。", "hash of its profile: {}."),
    "deadline": ("逾 {} 未上链即作废。", "void unless it lands by {}."),
    "sequence": ("仅在其序号为 {} 时有效。", "valid only while its sequence is {}."),
    "reason": ("理由的哈希：{}。", "hash of the reason: {}."),
    "parent": ("上级额度：{}。", "parent line: {}."),
    "expiry": ("额度最后可用日：{}。", "last day for issue under the line: {}."),
    "smallest_part": ("最小拆分金额：{} 元。", "smallest part: {} yuan."),
    "window": ("付款异议期：{} 天。", "window to contest a payment: {} days."),
    "grace": ("到期宽限期：{} 天。", "grace after the due day: {} days."),
    "countersign": ("每次开立须银行会签：{}。", "the bank signs each issue too: {}."),
    "highest_tier": ("最高流转层级：{}。", "highest tier: {}."),
    "terms": ("条款的哈希：{}。", "hash of the terms: {}."),
    "tenor_reason": ("超期限理由的哈希：{}。", "hash of the reason for a long tenor: {}."),
    "issuer_reference": ("核心企业自有编号：{}。", "the issuer's own reference: {}."),
    "overdue": ("接受已逾期的凭证（追索）：{}。", "an overdue voucher is accepted (recourse): {}."),
    "quote": ("报价的哈希：{}。", "hash of the quote: {}."),
    "amount": ("清偿面额：{} 元（放款为 0.00）。", "face extinguished: {} yuan (0.00 for a disbursement)."),
    "value_day": ("起息日：{}。", "value day: {}."),
    "payment_reference": ("付款参考号的哈希：{}。", "hash of the payment reference: {}."),
    "order": ("法院命令的哈希：{}。", "hash of the court order: {}."),
}

EMPTY: Final[Mapping[str, tuple[str, str]]] = {
    "parts": ("没有转出任何一份。", "no part."),
    "invoices": ("不附发票。", "no invoice."),
}

QUOTES: Final = "“”「」"
REPLACED: Final = "\ufffd"
NONE: Final = ("无", "none")
YES_NO: Final = (("否", "no"), ("是", "yes"))
PURPOSES: Final = {
    Purpose.DISBURSEMENT: ("贴现放款", "disbursement of a discount"),
    Purpose.SETTLEMENT: ("到期清偿", "settlement of the promise"),
}
ROLES: Final = {
    1: ("核心企业", "issuer"),
    2: ("银行", "bank"),
    4: ("资金方", "funder"),
    8: ("仲裁人", "arbiter"),
}


def sentences(
    agreement: Agreement, *, names: Mapping[PartyNumber, str] | None = None
) -> tuple[Sentence, ...]:
    """The agreement, one sentence each; `names` gives the names of parties that are known to the reader."""
    known = names or {}
    said = _first(agreement, known, at=0)
    others = [
        sentence
        for member in members_of(type(agreement))
        if member.name not in _told(type(agreement).__name__)
        for sentence in _other(member, getattr(agreement, member.name), known)
    ]
    return (said, *others)


def _told(kind: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(FIRST[kind][1]) if name}


def _first(struct: Struct, names: Mapping[PartyNumber, str], *, at: int) -> Sentence:
    values = {
        m.name: _read(m, getattr(struct, m.name), names) for m in members_of(type(struct)) if not m.item
    }
    zh, en = FIRST[type(struct).__name__]
    return _sentence(
        zh.format(at=at, **{name: value[0] for name, value in values.items()}),
        en.format(at=at, **{name: value[1] for name, value in values.items()}),
    )


def _other(member: Member, value: Any, names: Mapping[PartyNumber, str]) -> Iterator[Sentence]:
    if member.form is Form.LIST:
        if not value:
            yield _sentence(*EMPTY[member.name])
        yield from (_first(item, names, at=at) for at, item in enumerate(value, start=1))
        return
    (zh, en), (value_zh, value_en) = OTHERS[member.name], _read(member, value, names)
    yield _sentence(zh.format(value_zh), en.format(value_en))


def _sentence(zh: str, en: str) -> Sentence:
    return Sentence(zh, en[0].upper() + en[1:])


def _read(member: Member, value: Any, names: Mapping[PartyNumber, str]) -> tuple[str, str]:
    """A member's value in Chinese and in English; two different values never read the same, hashes apart."""
    match member.form:
        case Form.PARTY:
            return _party(value, names)
        case Form.ROLES:
            return _roles(value)
        case Form.FLAG:
            return YES_NO[value]
        case Form.PURPOSE:
            return PURPOSES[value]
        case Form.LINE if value == 0:
            return NONE
        case Form.HASH if not any(value):
            return NONE
    text = _plain(member.form, value)
    return text, text


def _plain(form: Form, value: Any) -> str:
    match form:
        case Form.LINE:
            return line_text(value)
        case Form.VOUCHER:
            return voucher_text(value)
        case Form.PROMISE:
            return promise_text(value)
        case Form.AMOUNT:
            return yuan(value)
        case Form.DAY:
            return date_of_day(value).isoformat()
        case Form.TIME:
            return _moment(value)
        case Form.HASH:
            return f"0x{value.hex()[:4]}…{value.hex()[-4:]}"
        case Form.BYTES:
            return "0x" + bytes(value).hex()
    return str(int(value))


def _party(party: PartyNumber, names: Mapping[PartyNumber, str]) -> tuple[str, str]:
    if party == 0:
        return NONE
    # A name with a line break, a closing quote or a change of writing direction could add words of its own.
    given = names.get(party, "")
    name = "".join(sign if sign.isprintable() and sign not in QUOTES else REPLACED for sign in given)
    return (
        (f"{party} 号参与方「{name}」", f"party {party} “{name}”")
        if name
        else (f"{party} 号参与方", f"party {party}")
    )


def _roles(roles: int) -> tuple[str, str]:
    bits = [1 << bit for bit in range(16) if roles >> bit & 1]
    words = [ROLES.get(bit, (f"未知角色 {bit}", f"unknown role {bit}")) for bit in bits]
    if not words:
        return NONE
    return "、".join(zh for zh, _ in words), ", ".join(en for _, en in words)


def _moment(second: int) -> str:
    if second > LAST_SECOND:
        return f"{second} s (Unix, > 9999-12-31)"
    return datetime.fromtimestamp(second, CHINA_TIME).strftime("%Y-%m-%d %H:%M:%S (UTC+8)")
