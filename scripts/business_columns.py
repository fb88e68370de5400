"""The columns of a business's files: how each is called, in Chinese and English, and how its cells are read.

What the rows mean, and whether they know each other's names, is for `business_files.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from ledger.calendar import DayCount, parse_date
from ledger.codes import check_credit_code
from ledger.discount import Bearer, parse_share
from ledger.members import parse_line
from ledger.money import parse_rate, parse_yuan
from ledger.statement import Column, choice, text, whole_number


class RoleWord(Enum):
    """What a party is; the value is its role bits on chain. A registrar has none: it is party 1."""

    REGISTRAR = "registrar"
    BANK = "bank"
    ISSUER = "issuer"
    FUNDER = "funder"
    ARBITER = "arbiter"
    SUPPLIER = "supplier"


class Verb(Enum):
    """What a step does, by its English word."""

    ISSUE = "issue"
    SPLIT = "split"
    TRANSFER = "transfer"
    DISCOUNT = "discount"
    RESCIND = "rescind"
    ASSERT_DISBURSEMENT = "assert disbursement"
    DISBURSE = "disburse jointly"
    ASSERT_SETTLEMENT = "assert settlement"
    SETTLE = "settle jointly"
    SHARE = "settle a share"
    CONFIRM = "confirm"
    CONTEST = "contest"
    WITHDRAW = "withdraw"
    COMPLETE = "complete by silence"
    AWARD_PAID = "award paid"
    AWARD_UNPAID = "award unpaid"
    PLEDGE = "pledge"
    RELEASE = "release"
    OVERDUE = "declare overdue"
    GIVE_BACK = "give back"
    WRITE_OFF = "write off"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    CANCEL = "cancel"
    CANCEL_WHOLE = "cancel whole"


_YES_NO: Final = {"是": True, "否": False, "yes": True, "no": False}
_ROLES: Final = dict(
    zip(("登记方", "银行", "核心企业", "资金方", "仲裁方", "供应商"), RoleWord, strict=True)
) | {word.value: word for word in RoleWord}
_BEARERS: Final = {"供应商": Bearer.SUPPLIER, "核心企业": Bearer.ISSUER, "共担": Bearer.SHARED} | {
    bearer.value: bearer for bearer in Bearer
}
_BASES: Final = {basis.value: basis for basis in DayCount}
VERB_WORDS: Final = {
    "开立": Verb.ISSUE,
    "拆分": Verb.SPLIT,
    "转让": Verb.TRANSFER,
    "贴现": Verb.DISCOUNT,
    "解除贴现": Verb.RESCIND,
    "放款申报": Verb.ASSERT_DISBURSEMENT,
    "共同放款": Verb.DISBURSE,
    "兑付申报": Verb.ASSERT_SETTLEMENT,
    "共同兑付": Verb.SETTLE,
    "按比例兑付": Verb.SHARE,
    "确认": Verb.CONFIRM,
    "异议": Verb.CONTEST,
    "撤回": Verb.WITHDRAW,
    "默认完成": Verb.COMPLETE,
    "裁定已付": Verb.AWARD_PAID,
    "裁定未付": Verb.AWARD_UNPAID,
    "质押": Verb.PLEDGE,
    "解除质押": Verb.RELEASE,
    "逾期宣告": Verb.OVERDUE,
    "追索退回": Verb.GIVE_BACK,
    "核销": Verb.WRITE_OFF,
    "冻结": Verb.FREEZE,
    "解冻": Verb.UNFREEZE,
    "注销": Verb.CANCEL,
    "整单注销": Verb.CANCEL_WHOLE,
}
_VERBS: Final = VERB_WORDS | {verb.value: verb for verb in Verb}
NEEDS: Final[Mapping[Verb, tuple[str, ...]]] = {
    Verb.SPLIT: ("to", "amount", "part"),
    Verb.TRANSFER: ("to",),
    Verb.DISCOUNT: ("to", "quote", "until"),
    Verb.ASSERT_DISBURSEMENT: ("to", "reference", "value_on"),
    Verb.DISBURSE: ("to", "reference", "value_on"),
    Verb.ASSERT_SETTLEMENT: ("to", "amount", "reference", "value_on"),
    Verb.SETTLE: ("to", "amount", "reference", "value_on"),
    Verb.SHARE: ("to", "amount", "reference", "value_on"),
    Verb.CONTEST: ("note",),
    Verb.AWARD_PAID: ("to", "reference"),
    Verb.AWARD_UNPAID: ("to", "reference"),
    Verb.PLEDGE: ("to", "amount", "quote", "reference", "until"),
    Verb.GIVE_BACK: ("to",),
    Verb.FREEZE: ("reference", "until"),
    Verb.UNFREEZE: ("reference",),
    Verb.CANCEL: ("to",),
    Verb.CANCEL_WHOLE: ("to",),
}
"""Cells that a step of this verb cannot do without, besides date, voucher and who acts."""

OFF_CHAIN: Final = frozenset({Verb.WRITE_OFF})
"""What a bank does in its book alone."""

PARTY_COLUMNS: Final = (
    Column("party", "编号", whole_number, unique=True),
    Column("short", "简称", text, unique=True),
    Column("name", "名称", text, unique=True),
    Column("code", "统一社会信用代码", check_credit_code, unique=True),
    Column("account", "账户名", text),
    Column("role", "角色", choice(_ROLES)),
    Column("sponsor", "保荐行", text, optional=True),
)
LEDGER_COLUMNS: Final = (
    Column("ledger", "账本", whole_number, unique=True),
    Column("opened_on", "启用日", parse_date),
    Column("stopped_on", "停止开立日", parse_date, optional=True),
    Column("reason", "停止原因", text, optional=True),
)
LINE_COLUMNS: Final = (
    Column("line", "额度编号", parse_line),
    Column("ledger", "账本", whole_number),
    Column("granted_on", "授予日", parse_date),
    Column("issuer", "核心企业", text),
    Column("parent", "上级额度", parse_line, optional=True),
    Column("limit", "授信额度", parse_yuan),
    Column("expires_on", "到期日", parse_date),
    Column("smallest_part", "最小拆分额", parse_yuan),
    Column("window", "异议期天数", whole_number),
    Column("grace", "宽限期天数", whole_number),
    Column("countersign", "逐笔会签", choice(_YES_NO)),
)
PROMISE_COLUMNS: Final = (
    Column("number", "凭证编号", text, unique=True),
    Column("ledger", "账本", whole_number),
    Column("issued_on", "开立日", parse_date),
    Column("line", "额度编号", parse_line),
    Column("issuer", "核心企业", text),
    Column("supplier", "供应商", text),
    Column("face", "金额", parse_yuan),
    Column("due_on", "到期日", parse_date),
    Column("highest_tier", "最高层级", whole_number),
    Column("smallest_part", "最小拆分额", parse_yuan),
    Column("contract_no", "贸易合同号", text),
    Column("refused_as", "结果", text, optional=True),
)
INVOICE_COLUMNS: Final = (
    Column("number", "发票号码", text),
    Column("dated", "开票日", parse_date),
    Column("buyer", "购买方", text),
    Column("seller", "销售方", text),
    Column("total", "价税合计", parse_yuan),
    Column("voucher", "凭证编号", text),
    Column("amount", "使用金额", parse_yuan),
    Column("opened", "向银行开示", choice(_YES_NO)),
)
QUOTE_COLUMNS: Final = (
    Column("number", "报价编号", text, unique=True),
    Column("voucher", "凭证编号", text),
    Column("funder", "资金方", text),
    Column("recourse", "追索", choice(_YES_NO)),
    Column("rate", "年利率", parse_rate),
    Column("basis", "计息基础", choice(_BASES)),
    Column("value_on", "起息日", parse_date),
    Column("due_on", "到期日", parse_date),
    Column("fee_basis_points", "手续费基点", whole_number),
    Column("fee_minimum", "最低手续费", parse_yuan),
    Column("bearer", "贴息方", choice(_BEARERS)),
    Column("issuer_share", "核心企业承担比例", parse_share, optional=True),
    Column("issuer_ceiling", "核心企业承担上限", parse_yuan, optional=True),
)
STEP_COLUMNS: Final = (
    Column("on", "日期", parse_date),
    Column("verb", "事项", choice(_VERBS)),
    Column("voucher", "凭证编号", text),
    Column("by", "经办方", text),
    Column("to", "对方", text, optional=True),
    Column("amount", "金额", parse_yuan, optional=True),
    Column("part", "子凭证编号", text, optional=True),
    Column("quote", "报价编号", text, optional=True),
    Column("reference", "参考号", text, optional=True),
    Column("value_on", "起息日", parse_date, optional=True),
    Column("until", "期限", parse_date, optional=True),
    Column("refused_as", "结果", text, optional=True),
    Column("note", "说明", text, optional=True),
)
COLUMNS: Final = {
    "parties.csv": PARTY_COLUMNS,
    "ledgers.csv": LEDGER_COLUMNS,
    "lines.csv": LINE_COLUMNS,
    "promises.csv": PROMISE_COLUMNS,
    "invoices.csv": INVOICE_COLUMNS,
    "quotes.csv": QUOTE_COLUMNS,
    "steps.csv": STEP_COLUMNS,
}
