"""What happened to a business, in order and with amounts, as sentences in Chinese and English.

Sentences are made of the rows that were played and of the prices that their quotes give; nothing is asked of a chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from ledger.discount import Bearer, Price, price
from ledger.errors import Refusal
from ledger.members import line_text
from ledger.money import Fen, rate_text, yuan
from ledger.recourse import Hop
from scripts.business_columns import Verb
from scripts.business_default import SETTLES, given_back
from scripts.business_files import Business, LineFile, Step


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence in two languages, of one day."""

    on: date
    zh: str
    en: str


_SAYS: Final[dict[Verb, tuple[str, str]]] = {
    Verb.ISSUE: (
        "{by}向{to}开立 {voucher}，{amount} 元，{until} 到期。",
        "{by} promises {to} {amount}, due {until}: {voucher}.",
    ),
    Verb.SPLIT: (
        "{by}从 {voucher} 拆出 {part}，{amount} 元，交给{to}。",
        "{by} parts {amount} off {voucher} for {to}: {part}.",
    ),
    Verb.TRANSFER: ("{by}将 {voucher} 整张转让给{to}。", "{by} passes the whole of {voucher} on to {to}."),
    Verb.DISCOUNT: (
        "{by}将 {voucher} 贴现给{to}：{price_zh}。",
        "{by} sells {voucher} to {to}: {price_en}.",
    ),
    Verb.RESCIND: ("{by}解除 {voucher} 的贴现。", "{by} rescinds the sale of {voucher}."),
    Verb.ASSERT_DISBURSEMENT: (
        "{by}申报已就 {voucher} 向{to}放款 {proceeds} 元（{reference}）。",
        "{by} asserts that it paid {to} {proceeds} for {voucher} ({reference}).",
    ),
    Verb.ASSERT_SETTLEMENT: (
        "{by}申报已就 {voucher} 向{to}兑付 {amount} 元（{reference}）。",
        "{by} asserts that it paid {to} the {amount} owed under {voucher} ({reference}).",
    ),
    Verb.DISBURSE: (
        "{by}与{to}共同确认已就 {voucher} 放款 {proceeds} 元（{reference}）。",
        "{by} and {to} agree that {proceeds} are paid for {voucher} ({reference}).",
    ),
    Verb.SHARE: (
        "{by}就 {voucher} 按比例向{to}兑付 {amount} 元，尚欠 {left} 元（{reference}）。",
        "{by} pays {to} its share of {amount} on {voucher}; {left} are still owed ({reference}).",
    ),
    Verb.SETTLE: (
        "{by}与{to}共同确认 {voucher} 已兑付 {amount} 元（{reference}）。",
        "{by} and {to} agree that the {amount} of {voucher} are paid ({reference}).",
    ),
    Verb.CONFIRM: ("{by}确认收到 {voucher} 的款项。", "{by} confirms the payment on {voucher}."),
    Verb.CONTEST: (
        "{by}对 {voucher} 的付款提出异议：{note}。",
        "{by} contests the payment on {voucher}: {note}.",
    ),
    Verb.WITHDRAW: (
        "{by}撤回对 {voucher} 的付款申报。",
        "{by} takes its assertion of a payment on {voucher} back.",
    ),
    Verb.COMPLETE: (
        "异议期已过，{voucher} 的付款默认完成。",
        "the window has passed in silence: the payment on {voucher} is complete.",
    ),
    Verb.AWARD_PAID: (
        "{by}与{to}裁定 {voucher} 的款项已付，文号{reference}。",
        "{by} and {to} award that the contested payment on {voucher} was made, by ruling {reference}.",
    ),
    Verb.AWARD_UNPAID: (
        "{by}与{to}裁定 {voucher} 的款项未付，文号{reference}。",
        "{by} and {to} award that the contested payment on {voucher} was not made, by ruling {reference}.",
    ),
    Verb.PLEDGE: (
        "{by}将 {voucher} 质押给{to}，担保 {amount} 元至 {until}（{reference}）。",
        "{by} pledges {voucher} to {to} for {amount} until {until} ({reference}).",
    ),
    Verb.RELEASE: ("{by}解除 {voucher} 的质押。", "{by} releases the pledge of {voucher}."),
    Verb.OVERDUE: (
        "{voucher} 宽限期已过，被宣告逾期，尚欠 {left} 元。",
        "the grace of {voucher} is over: it is declared overdue with {left} still owed.",
    ),
    Verb.GIVE_BACK: (
        "{by}将逾期的 {voucher} 追索退回{to}，{to}支付 {hop} 元（欠款 {left} 元，逾期利息 {late} 元）。",
        "{by} gives the overdue {voucher} back to {to}, who pays {hop}: {left} owed and {late} late interest.",
    ),
    Verb.WRITE_OFF: (
        "{by}在账上核销 {voucher} 的贷款，链上仍欠 {left} 元。",
        "{by} writes its loan on {voucher} off in its book; {left} are still owed on chain.",
    ),
    Verb.FREEZE: (
        "{by}依法院文书{reference}冻结 {voucher} 至 {until}。",
        "{by} freezes {voucher} to {until} by court order {reference}.",
    ),
    Verb.UNFREEZE: (
        "{by}依法院文书{reference}解冻 {voucher}。",
        "{by} ends the freeze of {voucher} by court order {reference}.",
    ),
    Verb.CANCEL: ("{by}与{to}注销 {voucher}。", "{by} and {to} cancel {voucher}."),
    Verb.CANCEL_WHOLE: (
        "{by}与{to}整单注销 {voucher}，发票额度退回。",
        "{by} and {to} cancel the whole of {voucher}; the invoice can be used again.",
    ),
}
_PAYS_ITSELF: Final = (
    "{by}既是开立行又是持有人，{voucher} 的 {amount} 元到期结清（{reference}）。",
    "{by} is both the line's bank and the holder: the {amount} of {voucher} are settled ({reference}).",
)
_BEARERS: Final = {
    Bearer.SUPPLIER: ("利息由供应商承担", "interest borne by the supplier"),
    Bearer.ISSUER: ("利息由核心企业承担", "interest borne by the issuer"),
    Bearer.SHARED: ("利息由供应商与核心企业分担", "interest shared by supplier and issuer"),
}


def told_of(business: Business, refusals: Mapping[Step, Refusal]) -> tuple[Told, ...]:
    """The whole story, from the admission of the parties to the last step; `refusals` by their rows."""
    return tuple(_Teller(business, refusals).tell())


@dataclass
class _Teller:
    business: Business
    refusals: Mapping[Step, Refusal]
    faces: dict[str, Fen] = field(default_factory=dict)
    prices: dict[str, Price] = field(default_factory=dict)
    hops: Mapping[Step, Hop] = field(default_factory=dict)

    def tell(self) -> Iterator[Told]:
        self.hops = given_back(self.business)
        lines = self.business.lines.values()
        told = [*self._ledgers(), *(self._granted(line) for line in lines)]
        count, first = len(self.business.parties), min(line.granted_on for line in lines)
        told.append(
            Told(
                first - timedelta(days=1),
                f"登记中心与银行建立登记簿和账本，{count} 个参与方登记完毕。",
                f"registrar and banks found registry and ledger; {count} parties are in it.",
            )
        )
        for steps in self.business.acts():
            told += [self._step(step) for step in steps]
        yield from sorted(told, key=lambda each: each.on)

    def _ledgers(self) -> Iterator[Told]:
        for row in self.business.ledgers.values():
            if row.ledger > 1:
                yield Told(
                    row.opened_on,
                    f"账本 {row.ledger} 启用，接替账本 {row.ledger - 1}。",
                    f"ledger {row.ledger} opens and takes over from ledger {row.ledger - 1}.",
                )
            if row.stopped_on is not None:
                yield Told(
                    row.stopped_on,
                    f"登记中心永久停止账本 {row.ledger} 的开立（{row.reason}）。",
                    f"the registrar stops issue in ledger {row.ledger} for good; it runs off ({row.reason}).",
                )

    def _granted(self, line: LineFile) -> Told:
        bank = next(each.short for each in self.business.banks() if each.party == line.line >> 32)
        under_zh = f"（{line_text(line.parent)} 项下）" if line.parent else ""
        under_en = f" under {line_text(line.parent)}" if line.parent else ""
        within_zh = f"在账本 {line.ledger} " if line.ledger > 1 else ""
        within_en = f" in ledger {line.ledger}" if line.ledger > 1 else ""
        return Told(
            line.granted_on,
            f"{bank}{within_zh}授予{line.issuer}额度 {line_text(line.line)}{under_zh}，{yuan(line.limit)} 元。",
            f"{bank} grants {line.issuer} line {line_text(line.line)}{under_en}{within_en} of {yuan(line.limit)}.",
        )

    def _step(self, step: Step) -> Told:
        if step.refused_as is None:
            self._reckon(step)
        quote = self.business.quotes.get(step.quote or "") if step.verb is not Verb.PLEDGE else None
        hop = self.hops.get(step)
        if quote is None:
            priced = self.prices.get(step.voucher)
        else:
            priced = price(self.faces[step.voucher], self.business.quote(quote.number))
        price_zh = price_en = ""
        if quote is not None and priced is not None:
            bearer_zh, bearer_en = _BEARERS[quote.bearer]
            rate = f"{rate_text(quote.rate)}% {quote.basis.value}"
            price_zh = (
                f"{rate}，利息 {yuan(priced.interest)} 元，净额 {yuan(priced.proceeds)} 元，{bearer_zh}"
            )
            price_en = (
                f"{rate}, interest {yuan(priced.interest)}, proceeds {yuan(priced.proceeds)}, {bearer_en}"
            )
        values: dict[str, object] = {
            "voucher": step.voucher,
            "by": step.by,
            "to": step.to,
            "amount": yuan(step.amount) if step.amount else "",
            "part": step.part,
            "reference": step.reference,
            "until": step.until,
            "note": step.note,
            "proceeds": yuan(priced.proceeds) if priced else "",
            "left": yuan(self.faces.get(step.voucher, Fen(0))),
            "hop": yuan(hop.amount) if hop else "",
            "late": yuan(hop.interest) if hop else "",
            "price_zh": price_zh,
            "price_en": price_en,
        }
        says = (
            _PAYS_ITSELF if step.verb is Verb.ASSERT_SETTLEMENT and step.by == step.to else _SAYS[step.verb]
        )
        zh, en = (text.format(**values) for text in says)
        if step.note and step.verb is not Verb.CONTEST:
            zh, en = f"{zh[:-1]}（{step.note}）。", f"{en[:-1]} ({step.note})."
        if step.refused_as is not None:
            why_zh, why_en = self._why(step)
            zh, en = f"合约拒绝（{why_zh}）：{zh}", f"refused by the contract ({why_en}): {en}"
        return Told(step.on, zh, en)

    def _why(self, step: Step) -> tuple[str, str]:
        """The refusal's name, and how much was asked and available where it is about an amount."""
        refusal = self.refusals.get(step)
        name = refusal.name if refusal else str(step.refused_as)
        facts = refusal.facts if refusal else {}
        if "overdue" in facts:
            owed = yuan(Fen(int(str(facts["overdue"]))))
            return f"{name}，逾期未付 {owed} 元", f"{name}: {owed} are overdue"
        if not {"asked", "available"} <= facts.keys():
            return name, name
        sums = [yuan(Fen(int(str(facts[fact])))) for fact in ("asked", "available")]
        return "{}，申请 {} 元，可用 {} 元".format(name, *sums), "{}: asked {}, available {}".format(
            name, *sums
        )

    def _reckon(self, step: Step) -> None:
        if step.verb is Verb.ISSUE:
            self.faces[step.voucher] = step.amount or Fen(0)
        elif step.verb is Verb.SPLIT:
            self.faces[step.voucher] = Fen(self.faces[step.voucher] - (step.amount or 0))
            self.faces[step.part or ""] = step.amount or Fen(0)
        elif step.verb in SETTLES:
            self.faces[step.voucher] = Fen(self.faces[step.voucher] - (step.amount or 0))
        elif step.verb is Verb.DISCOUNT:
            self.prices[step.voucher] = price(self.faces[step.voucher], self.business.quote(step.quote or ""))


def as_markdown(told: tuple[Told, ...], *, title: str, closing: tuple[str, ...]) -> str:
    """The story as a file to read: a heading per month, a line per event, and what was found at the end."""
    lines, month = [f"# {title}"], ""
    for each in told:
        if f"{each.on:%Y-%m}" != month:
            month = f"{each.on:%Y-%m}"
            lines += ["", f"## {month}", ""]
        lines.append(f"- {each.on} · {each.zh} {_sentence(each.en)}")
    return "\n".join([*lines, "", "## 结果 Results", "", *(f"- {line}" for line in closing), ""])


def show(told: tuple[Told, ...], say: Callable[[str], None]) -> None:
    """The story line by line, both languages, a blank line between months."""
    month = ""
    for each in told:
        if f"{each.on:%Y-%m}" != month:
            month = f"{each.on:%Y-%m}"
            say("")
        say(f"{each.on}  {each.zh}")
        say(f"            {_sentence(each.en)}")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
