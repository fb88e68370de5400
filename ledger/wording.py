"""The words of `sentences.py`, in Chinese and in English, so that they can be read and corrected in one place.

A text is a pair: Chinese, English. What stands in braces is a member of the agreement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ledger.members import Purpose

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
    "ListVerifier": (
        "登记机构将签名校验合约 {verifier} 列入许可名单，七日后生效，不可撤除。",
        "the registrar puts the signature verifier {verifier} on the allow-list, from the seventh day on, for good.",
    ),
    "HandOver": (
        "登记机构将登记职责移交给{to}，七日后可由其接任；写明登记机构自身即为撤回移交。",
        "the registrar offers its office to {to}, to be taken from the seventh day on; "
        "naming itself takes an offer back.",
    ),
    "AcceptHandOver": (
        "受移交的一方接任登记机构，立即生效。",
        "the party that was offered the registrar's office takes it, at once.",
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
    "SetTenorCap": (
        "登记机构规定：自 {in_force_from} 起，开立期限超过 {cap} 天的须写明理由。",
        "the registrar rules that from {in_force_from} on an issue for more than {cap} days gives a reason.",
    ),
    "StopIssue one": (
        "登记机构停止{issuer}开立凭证，直至恢复。",
        "the registrar stops {issuer} from issuing, until it is allowed again.",
    ),
    "StopIssue one again": (
        "登记机构恢复{issuer}开立凭证。",
        "the registrar allows {issuer} to issue again.",
    ),
    "StopIssue all": (
        "登记机构停止本账本的一切开立，永不恢复：本账本转入清退。",
        "the registrar stops all issue in this ledger, for good: the ledger is run off.",
    ),
    "StopIssue all again": (
        "登记机构恢复本账本的开立；合约不接受此项。",
        "the registrar allows issue in this ledger again; no contract takes that.",
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
    "Award paid": (
        "登记机构与{arbiter}裁决：凭证 {voucher} 有异议的付款已经付到，付款就此完成。",
        "registrar and arbiter, {arbiter}, rule that the contested payment for voucher {voucher} was made: "
        "it completes.",
    ),
    "Award unpaid": (
        "登记机构与{arbiter}裁决：凭证 {voucher} 有异议的付款没有付到，付款声明就此撤销。",
        "registrar and arbiter, {arbiter}, rule that the contested payment for voucher {voucher} was not made: "
        "its assertion is void.",
    ),
    "Pledge": (
        "持有人将凭证 {voucher} 质押给{pledgee}，担保 {secured} 元，质押至 {end_day}（含当日）："
        "解除前凭证锁定，款项先付质权人，以担保金额为限。",
        "the holder pledges voucher {voucher} to {pledgee} for {secured} yuan, up to and including {end_day}: "
        "until released it is locked, and the pledgee is paid first, up to that sum.",
    ),
    "Release": ("{by}解除凭证 {voucher} 的质押。", "{by} ends the pledge of voucher {voucher}."),
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

SETTINGS: Final = ("ListVerifier", "HandOver", "AcceptHandOver", "SetTenorCap", "StopIssue")
"""Those whose sequence is that of a contract's settings."""

OTHERS: Final[Mapping[str, tuple[str, str]]] = {
    "roles": ("角色：{}。", "roles: {}."),
    "signature_gas": (
        "签名校验的 gas 上限：{}（0 为普通密钥，或以许可名单为准）。",
        "gas cap of its signature check: {} (0: a wallet key, or as the allow-list says).",
    ),
    "ListVerifier.signature_gas": ("每次校验的 gas 上限：{}。", "gas cap of each of its checks: {}."),
    "code_hash": ("其代码的哈希：{}。", "hash of its code: {}."),
    "profile": ("主体资料的哈希：{}。", "hash of its profile: {}."),
    "deadline": ("逾 {} 未上链即作废。", "void unless it lands by {}."),
    "sequence": ("仅在其序号为 {} 时有效。", "valid only while its sequence is {}."),
    **dict.fromkeys(
        (f"{kind}.sequence" for kind in SETTINGS),
        (
            "仅在该合约的设置序号为 {} 时有效。",
            "valid only while the sequence of that contract's settings is {}.",
        ),
    ),
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
    "quote": ("报价的哈希：{}。", "hash of the quote: {}."),
    "amount": ("清偿面额：{} 元（放款为 0.00）。", "face extinguished: {} yuan (0.00 for a disbursement)."),
    "value_day": ("起息日：{}。", "value day: {}."),
    "payment_reference": ("付款参考号的哈希：{}。", "hash of the payment reference: {}."),
    "ruling": ("裁决书的哈希：{}。", "hash of the ruling: {}."),
    "filing": ("质押登记编号的哈希：{}。", "hash of the pledge's filing number: {}."),
    "order": ("法院命令的哈希：{}。", "hash of the court order: {}."),
}

YES_OR_NO: Final[Mapping[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "overdue": (
        ("只适用于未逾期的凭证。", "it holds only for a voucher that is not overdue."),
        (
            "所转的是已经逾期、尚未受偿的债权：受让人明知逾期而接受该债权，自行向核心企业催收。",
            "what is passed on is a claim that is overdue and unpaid: the recipient takes it knowing that, "
            "to collect it from the issuer.",
        ),
    ),
}
"""What two sentences say better than one with yes or no in it: for no, for yes."""

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
