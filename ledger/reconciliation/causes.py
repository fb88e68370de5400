"""What each rule's cause means, and what to do about it, in Chinese and English.

A rule names a cause, one of these; that it is likely, and not certain, is what the words say.
"""

from __future__ import annotations

from typing import Final

from ledger.reconciliation.breaks import Words

_BOOK_LOAN = Words("补记该笔贷款并复核放款凭证", "book the loan from the disbursement papers")
_CORRECT_LOAN = Words("按合同与链上记录更正台账", "correct the loan book from the contract and the chain")
_CHECK_LOAN = Words(
    "核对放款凭证；查无付款则冲销该笔", "check the disbursement papers; without a payment reverse the loan"
)
_CHECK_ENTRY = Words(
    "查明款项用途；补报付款或追回", "find out what was paid; assert the payment or recall the money"
)
_CORRECT_LINE = Words("按链上占用更正额度台账", "correct the line book from the chain")
_CORRECT_QUOTE = Words(
    "按报价更正台账；多收利息退还", "correct the loan book from the quote; pay back interest taken too much"
)
_INVOICE = Words(
    "向各融资行核实发票，停止后续放款", "check the invoice with every funder and disburse nothing more on it"
)
_DOSSIER = Words("向出具方重新索取并替换档案条目", "ask whoever opened the entry for it again and replace it")

CAUSES: Final = {
    "loan_not_booked": (Words("放款已完成，但未记账", "disbursed, but not booked"), _BOOK_LOAN),
    "voucher_unknown": (
        Words("凭证编号录错，或为虚构凭证", "a mistyped number, or no such voucher"),
        _CHECK_LOAN,
    ),
    "loan_under_wrong_number": (
        Words(
            "凭证编号录错：金额、到期日、借款人与另一凭证一致",
            "a mistyped number: all else is that of another voucher",
        ),
        Words("更正台账中的凭证编号", "correct the voucher number in the loan book"),
    ),
    "not_disbursed": (
        Words("本行从未就该凭证付款", "this bank has asserted no disbursement for it"),
        _CHECK_LOAN,
    ),
    "disbursement_contested": (
        Words("收款人否认收到放款", "the payee denies having the money"),
        Words("与收款人核对；确认前不得记账", "settle it with the payee; no loan before it is confirmed"),
    ),
    "disbursement_withdrawn": (
        Words("放款退回或撤销", "the disbursement came back and was withdrawn"),
        _CHECK_LOAN,
    ),
    "loan_after_pledge": (
        Words("质押已解除，或不在质押期内放款", "booked after the pledge had ended"),
        Words("补办质押，或更正凭证编号", "have the voucher pledged again, or correct the voucher number"),
    ),
    "loan_before_pledge": (
        Words("放款早于质押登记", "booked before the voucher was pledged"),
        Words("核对放款日；放款不得早于质押", "check the day of the loan; none before the pledge"),
    ),
    "loan_before_value_day": (
        Words("记账早于起息日", "booked before the value day of its payment"),
        _CORRECT_LOAN,
    ),
    "loan_after_cut_off": (
        Words("放款在截止日之前，截止日后才入账", "disbursed before the cut-off, booked after it"),
        Words(
            "并入截止日当日账，或注明次日入账", "book it back to its day, or note that it is the next day's"
        ),
    ),
    "loan_twice": (
        Words("同一笔放款重复记账，或凭证编号录错", "one disbursement booked twice, or a mistyped number"),
        Words("核对借据，冲销多记的一笔", "compare the loan papers and reverse the surplus loan"),
    ),
    "loan_principal": (
        Words("本金录错", "principal mistyped, or net proceeds booked as principal"),
        _CORRECT_LOAN,
    ),
    "loan_over_secured": (
        Words("质押担保的贷款超过担保金额", "loans on the pledge come to more than it secures"),
        Words("补充质押，或收回超出部分", "have more pledged, or call in what is above it"),
    ),
    "loan_proceeds": (
        Words("放款净额录错或手续费漏扣", "proceeds mistyped, or a fee forgotten"),
        _CORRECT_QUOTE,
    ),
    "loan_interest": (Words("利息录错", "interest mistyped"), _CORRECT_QUOTE),
    "loan_rate": (
        Words("台账利率或计息基础与报价不同", "booked at another rate or day count than quoted"),
        _CORRECT_QUOTE,
    ),
    "loan_due_day": (Words("到期日录错或擅自展期", "mistyped, or extended in the book alone"), _CORRECT_LOAN),
    "loan_party": (
        Words("当事人名称录错或更名", "a mistyped or changed name, or the wrong customer"),
        _CORRECT_LOAN,
    ),
    "repaid_without_settlement": (
        Words(
            "已销账，但开证行未在链上申报兑付", "closed in the book, but no settlement is asserted on chain"
        ),
        Words(
            "核对到账；催请开证行申报兑付，或恢复台账",
            "check the receipt; have the settlement asserted, or reopen the loan",
        ),
    ),
    "repaid_before_value_day": (
        Words("销账早于兑付起息日", "closed before the settlement's value day"),
        _CORRECT_LOAN,
    ),
    "repaid_before_passing_on": (
        Words(
            "销账早于凭证退回或转出：当时本行仍为持有人",
            "closed before the voucher was passed on: the bank still held it then",
        ),
        Words(
            "核对对价的到账日；部分兑付不得销账",
            "check the day on which its price was received; a part that was paid closes nothing",
        ),
    ),
    "repaid_after_cut_off": (
        Words("兑付在截止日之前，截止日后才销账", "settled before the cut-off, closed in the book after it"),
        Words(
            "并入截止日当日账，或注明次日销账", "close it back to its day, or note that it is the next day's"
        ),
    ),
    "open_after_settled": (
        Words("链上已兑付，台账未销账", "settled on chain, repayment not booked"),
        Words("核对到账后销账", "check the receipt and close the loan"),
    ),
    "open_after_cancelled": (
        Words("凭证已注销", "the voucher was cancelled by issuer and holder"),
        Words("核对注销依据后处理该笔贷款", "check why it was cancelled and close the loan"),
    ),
    "open_after_passing_on": (
        Words("凭证已转出本行", "the voucher was sold or passed back"),
        Words("核对转让对价后销账", "check what was received for it and close the loan"),
    ),
    "open_after_recourse": (
        Words("逾期凭证已追索退回前手", "the overdue voucher went back to its seller by recourse"),
        Words("核对追索款后销账", "check what the seller paid for it and close the loan"),
    ),
    "open_after_release": (
        Words("质押已解除", "the pledge was released"),
        Words(
            "核对还款后销账，或改为其他担保",
            "check the repayment and close the loan, or name its new security",
        ),
    ),
    "open_after_satisfaction": (
        Words("质押已受偿，台账未销账", "the secured sum was paid to the pledgee, repayment not booked"),
        Words("核对到账后销账", "check the receipt and close the loan"),
    ),
    "written_off_after_settled": (
        Words("兑付之后才核销", "written off though it had been paid"),
        Words("撤销核销，改记结清", "reverse the write-off and book the repayment"),
    ),
    "line_used": (Words("占用或释放漏记", "an issue or a release is not booked"), _CORRECT_LINE),
    "line_terms": (Words("额度变更未同步", "a change of the line reached one side alone"), _CORRECT_LINE),
    "line_not_booked": (Words("额度未入台账", "the line is not in the line book"), _CORRECT_LINE),
    "line_unknown": (Words("链上无此额度", "no such line on chain"), _CORRECT_LINE),
    "entry_unknown": (Words("付款未在链上申报", "paid without being asserted on chain"), _CHECK_ENTRY),
    "entry_twice": (Words("同一付款重复入账", "one payment posted twice"), _CHECK_ENTRY),
    "entry_of_withdrawn": (
        Words("付款已撤销，但款项未退回", "the payment was withdrawn, the money is not back"),
        _CHECK_ENTRY,
    ),
    "entry_under_wrong_reference": (
        Words(
            "附言录错：金额与对方户名与另一付款一致",
            "a mistyped reference: all else is that of another payment",
        ),
        Words("更正流水附言的对应关系", "note the right reference with the entry"),
    ),
    "entry_amount": (
        Words("付款金额与链上申报或报价不符", "paid more or less than asserted or quoted"),
        Words(
            "补付或追回差额，或撤回后重新申报", "pay or recall the difference, or withdraw and assert again"
        ),
    ),
    "entry_party": (
        Words("款项付给了他人，或户名变更", "paid to or by somebody else, or a changed account name"),
        Words("核对收款账户", "check the account"),
    ),
    "money_not_sent": (
        Words("收款人已认可，但款项未从本行账户划出", "the payee has agreed, but nothing left this account"),
        Words("查明由何账户付出；否则立即补付", "find the account that paid it; if none did, pay now"),
    ),
    "money_not_received": (
        Words("已确认或异议期已过，但未到账", "confirmed, or its window went by, but nothing came"),
        Words("向付款行追查并留存证据", "trace it with the paying bank and keep the evidence"),
    ),
    "asserted_not_sent": (
        Words("已申报付款，但未从账户划出", "asserted, but the money did not leave the account"),
        Words("立即付款，或撤回申报", "pay now, or withdraw the assertion"),
    ),
    "contested_not_sent": (
        Words("收款人有异议，流水也未见付款", "the payee contests it, and the statement has no payment"),
        Words("撤回申报，或付款后重新申报", "withdraw the assertion, or pay and assert again"),
    ),
    "asserted_not_received": (
        Words("对方申报已付，但未到账", "asserted by the other bank, but not received"),
        Words("在异议期内提出异议", "contest the payment within its window"),
    ),
    "one_entry_per_due_day": (
        Words("同日款项合并入账", "the payments of one day were posted as one or more totals"),
        Words("按链上付款逐笔核对并注明分配", "note with the entries which payments they are for"),
    ),
    "one_loan_per_due_day": (
        Words("同一到期日的多张凭证合并记账", "vouchers of one due day were booked as one or more totals"),
        Words("按凭证分列台账", "book one loan per voucher"),
    ),
    "total_lacks": (
        Words("合计数少计：漏一笔或扣费", "the total is too small: one was left out, or charges taken off"),
        Words("取得明细，逐笔核对差额", "ask for the list behind the total and find the difference"),
    ),
    "total_exceeds": (
        Words("合计数多计：含其他款项", "the total is too large: something else is in it"),
        Words("取得明细，逐笔核对差额", "ask for the list behind the total and find the difference"),
    ),
    "invoice_twice": (
        Words("同一发票以不同指纹重复使用", "the same invoice was used again under another fingerprint"),
        _INVOICE,
    ),
    "invoice_of_two_payers": (
        Words("同一发票以两个付款人名义使用", "the same invoice was used with two different payers"),
        _INVOICE,
    ),
    "invoice_in_two_ledgers": (
        Words(
            "同一发票在互不相认的两个账本中使用",
            "the same invoice was used in two ledgers that do not know each other",
        ),
        _INVOICE,
    ),
    "posted_outside_window": (
        Words(
            "入账日不在起息日至下一工作日之间", "posted before the value day or after the next working day"
        ),
        Words("核对起息日", "check the value day with the bank"),
    ),
    "dossier_changed": (
        Words("档案条目被改动或取自他处", "the entry was changed, or belongs elsewhere"),
        _DOSSIER,
    ),
    "dossier_lacks": (Words("档案缺少该条目", "the dossier has no such entry"), _DOSSIER),
    "dossier_not_on_chain": (Words("链上无此哈希", "no payment on chain has this hash"), _DOSSIER),
}
"""What each rule's cause means, and what to do about it."""
