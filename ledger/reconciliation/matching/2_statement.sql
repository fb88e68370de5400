-- Which entries of the statement stand for which payments. Entries and payments meet under the opened reference, and are
-- compared as sums, since a payment may come in instalments or go back; money out counts positive, money in negative.
-- Makes the tables bank_payment, referenced, loan_entry, entry_verdict and likely_entry; breaks are for rules/ to decide.

-- Payments that this bank made or is to have. Paying itself it may or may not have an entry. `amount` is null where the
-- price is not opened. `standing`: its entry may be there. `required`: it must be, for its last posting day is over.
CREATE TABLE bank_payment AS
WITH effective AS (
    SELECT p.* EXCLUDE (state), coalesce(d.state, p.state) AS state
    FROM chain_payment p LEFT JOIN disbursement d USING (payment)
)
SELECT p.payment, p.contract, p.voucher, v.label, v.issuer, p.purpose, p.asserter, p.payee, p.value_on, p.post_by, p.state,
    CASE WHEN p.asserter = p.payee THEN 'self' WHEN p.asserter = stated.bank THEN 'debit' ELSE 'credit' END AS side,
    CASE WHEN p.purpose = 'settlement' THEN p.amount ELSE q.proceeds END AS amount,
    coalesce(q.issuer_interest, 0) AS issuer_interest,
    r.reference,
    p.state NOT IN ('withdrawn', 'replaced') AS standing,
    (p.state IN ('asserted', 'confirmed', 'completed') OR p.state = 'contested' AND p.asserter = stated.bank)
        AND p.asserter <> p.payee
        AND p.post_by <= stated.cut_off
        AND (stated.statement_from IS NULL OR p.value_on >= stated.statement_from) AS required
FROM effective p
CROSS JOIN stated
JOIN chain_voucher v USING (contract, voucher)
LEFT JOIN opened_reference r USING (payment)
LEFT JOIN opened_quote q
    ON p.purpose = 'disbursement' AND q.contract = p.contract AND q.voucher = p.voucher AND q.quote_hash = p.quote_hash
WHERE stated.bank IN (p.asserter, p.payee);

-- Parties under whose name the other side of an entry may stand: who was paid; for money received also the core
-- enterprise, from whose account it comes.
CREATE TABLE other_side AS
SELECT payment, payee AS party FROM bank_payment WHERE side = 'debit'
UNION SELECT payment, asserter FROM bank_payment WHERE side <> 'debit'
UNION SELECT payment, issuer FROM bank_payment WHERE side <> 'debit';

CREATE TABLE referenced AS
WITH due AS (
    SELECT reference, count(*) FILTER (standing) AS payments, count(*) FILTER (required) AS required,
        coalesce(sum(CASE side WHEN 'debit' THEN amount WHEN 'credit' THEN -amount END) FILTER (standing), 0) AS all_due,
        coalesce(sum(CASE side WHEN 'debit' THEN amount WHEN 'credit' THEN -amount END) FILTER (required), 0) AS required_due,
        coalesce(sum(amount) FILTER (standing AND side = 'self'), 0) AS self_due,
        coalesce(sum(issuer_interest) FILTER (standing), 0) AS issuer_interest,
        coalesce(bool_or(amount IS NULL) FILTER (standing), FALSE) AS unpriced,
        min(value_on) AS value_on, max(post_by) AS post_by
    FROM bank_payment WHERE reference IS NOT NULL GROUP BY reference
), posted AS (
    SELECT reference, count(*) AS entries, sum(signed) AS net FROM entry WHERE reference <> '' GROUP BY reference
), met AS (
    SELECT due.* EXCLUDE (self_due, all_due), coalesce(entries, 0) AS entries, coalesce(net, 0) AS net,
        all_due + self_due * CASE WHEN coalesce(net, 0) < 0 THEN -1 ELSE 1 END AS all_due,
        (SELECT tolerance FROM stated) * greatest(payments, 1) AS tolerance
    FROM due LEFT JOIN posted USING (reference)
)
SELECT *,
    CASE
        WHEN entries = 0 THEN 'absent'
        WHEN payments = 0 AND abs(net) <= tolerance THEN 'agrees' -- paid and come back
        WHEN payments = 0 THEN 'loose'
        WHEN unpriced THEN 'agrees'
        WHEN abs(net - all_due) <= tolerance THEN 'agrees'
        WHEN required > 0 AND abs(net - required_due) <= tolerance THEN 'agrees'
        -- the issuer's part of the interest, collected under the same reference
        WHEN issuer_interest > 0 AND abs(net - all_due + issuer_interest) <= tolerance THEN 'agrees'
        WHEN payments = 1 AND entries > 1 AND EXISTS (
            FROM entry e WHERE e.reference = met.reference AND abs(e.signed - all_due) <= tolerance
        ) THEN 'one of several'
        ELSE 'differs'
    END AS verdict
FROM met;

-- Entries of money that moves outside the chain, which carry the loan's number as their reference and the borrower as
-- their other side: the proceeds of a loan on a pledge and what the borrower pays back of it; the price at which a voucher
-- went back to its seller, by recourse or before the due day.
CREATE TABLE loan_entry AS
SELECT DISTINCT e.entry
FROM entry e
JOIN booked b ON b.loan_no = e.reference
CROSS JOIN stated
LEFT JOIN position p ON p.contract = b.contract AND p.voucher = b.id
WHERE EXISTS (
        FROM party_name mine JOIN party_name its USING (party) WHERE mine.key = b.borrower_key AND its.key = e.counterparty_key
    )
    AND CASE
        WHEN b.verdict = 'pledged' THEN e.direction = 'credit' OR abs(e.amount - b.proceeds) <= stated.tolerance
        WHEN b.verdict = 'stands' THEN e.direction = 'credit' AND p.holder <> stated.bank AND p.closing IS NULL
        ELSE FALSE
    END;

-- Per entry: what its reference says of it. `stray`: no payment has that reference; `of a loan`: none needs to.
CREATE TABLE entry_verdict AS
SELECT e.*, r.required, r.value_on AS due_from, r.post_by, r.payments, r.entries,
    CASE
        WHEN r.reference IS NULL THEN CASE WHEN e.entry IN (SELECT entry FROM loan_entry) THEN 'of a loan' ELSE 'stray' END
        WHEN r.verdict <> 'one of several' THEN r.verdict
        WHEN row_number() OVER (
            PARTITION BY e.reference ORDER BY abs(e.signed - r.all_due) <= r.tolerance DESC, e.booked_on, e.entry
        ) = 1 THEN 'agrees'
        ELSE 'loose'
    END AS verdict
FROM entry e
LEFT JOIN referenced r ON r.reference = e.reference AND e.reference <> '';

-- Entries without a known reference against payments without an entry: same side, amount, other party, posted in time.
-- Equal ones are paired in order. One that lacks a reference, on either side, is taken for the payment's entry; under a
-- wrong reference it is reported, and the payment then is not, for the two are one disagreement.
CREATE TABLE likely_entry AS
WITH pairs AS (
    SELECT DISTINCT e.entry, p.payment, p.label, p.reference AS wanted, e.reference = '' OR p.reference IS NULL AS silent
    FROM entry_verdict e
    JOIN bank_payment p
        ON (p.side = 'self' OR p.side = e.direction)
        AND (p.amount IS NULL OR abs(e.amount - p.amount) <= (SELECT tolerance FROM stated))
        AND e.booked_on <= p.post_by AND (e.booked_on >= p.value_on OR e.value_on = p.value_on)
    JOIN other_side o USING (payment)
    JOIN party_name a ON a.party = o.party AND a.key = e.counterparty_key
    LEFT JOIN referenced r ON r.reference = p.reference
    WHERE e.verdict = 'stray' AND p.standing AND (p.reference IS NULL OR r.verdict = 'absent')
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY entry ORDER BY payment) AS payment_place,
        row_number() OVER (PARTITION BY payment ORDER BY entry) AS entry_place
    FROM pairs
)
SELECT entry, payment, label, wanted, silent FROM placed WHERE payment_place = entry_place;
