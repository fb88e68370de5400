-- What the chain says about each voucher that this bank paid for, and which loan of its book stands for it.
-- Makes the tables disbursement, position, booked, lacking and likely_loan; breaks are for rules/ to decide.

-- The bank's disbursements, per voucher the standing and newest first. An assertion that another one replaced counts
-- only where nothing else is left: the three-party settlement on the due day that pays the funder.
CREATE TABLE disbursement AS
WITH own AS (
    SELECT p.*,
        bool_or(p.state <> 'replaced') OVER (PARTITION BY p.contract, p.voucher) AS has_standing,
        row_number() OVER (PARTITION BY p.contract, p.voucher ORDER BY p.payment DESC) AS newest,
        EXISTS (
            FROM chain_payment s
            WHERE s.contract = p.contract AND s.voucher = p.voucher AND s.purpose = 'settlement'
                AND s.payee = p.asserter AND s.state NOT IN ('withdrawn', 'replaced')
        ) AS paid_to_funder
    FROM chain_payment p, stated
    WHERE p.purpose = 'disbursement' AND p.asserter = stated.bank
), kept AS (
    SELECT payment, contract, voucher, payee, value_on, completed_on, face_at_assertion, quote_hash,
        CASE WHEN state <> 'replaced' THEN state WHEN paid_to_funder THEN 'completed' ELSE 'withdrawn' END AS state
    FROM own
    WHERE state <> 'replaced' OR (NOT has_standing AND newest = 1)
)
SELECT *,
    count(*) OVER (PARTITION BY contract, voucher) AS disbursements,
    row_number() OVER (
        PARTITION BY contract, voucher
        ORDER BY state IN ('asserted', 'confirmed', 'completed') DESC, state = 'contested' DESC, payment DESC
    ) AS place
FROM kept;

-- What was asserted after the newest disbursement to pay this bank: the promise itself, or a price by the next funder.
CREATE TABLE closing AS
SELECT d.contract, d.voucher,
    arg_max(s.state, s.payment) AS state,
    arg_max(s.value_on, s.payment) AS value_on,
    max(s.completed_on) AS completed_on
FROM disbursement d
JOIN chain_voucher v USING (contract, voucher)
JOIN chain_payment s ON s.contract = d.contract AND s.voucher = d.voucher AND s.payment > d.payment
CROSS JOIN stated
WHERE d.place = 1
    AND s.payee = stated.bank
    AND (s.purpose = 'settlement' OR s.asserter <> stated.bank)
    AND (s.state = 'completed' OR s.state IN ('asserted', 'confirmed') AND (s.purpose = 'disbursement' OR s.amount >= v.face))
GROUP BY d.contract, d.voucher;

-- Per voucher that the bank paid for: whether its book must show the loan open, must show it closed, or may show either.
CREATE TABLE position AS
SELECT v.*, d.payee AS seller, d.state AS disbursement, d.value_on, d.completed_on, d.face_at_assertion, d.quote_hash,
    d.disbursements, c.state AS closing, c.value_on AS closing_value_on, c.completed_on AS closed_on,
    CASE
        WHEN d.state <> 'completed' THEN 'open'
        WHEN c.state IN ('asserted', 'confirmed') THEN 'either' -- books show the pay day, the chain completes later
        WHEN v.ended_as = 'split' THEN 'either' -- the claim lives on in the parts
        WHEN c.completed_on > stated.cut_off THEN 'either'
        WHEN v.state = 'ended' OR v.holder <> stated.bank THEN 'closed'
        ELSE 'open'
    END AS book
FROM disbursement d
JOIN chain_voucher v USING (contract, voucher)
LEFT JOIN closing c USING (contract, voucher)
CROSS JOIN stated
WHERE d.place = 1;

-- Every loan of the book with the voucher that its number names and the disbursement that it stands for, newest to newest.
-- verdict: unknown (the chain has nothing that allows it), surplus (more loans than the voucher bears), stands.
CREATE TABLE booked AS
WITH named AS (
    SELECT l.*, n.contract, n.id, p.label, p.disbursements,
        count(*) OVER on_voucher AS loans,
        count(*) FILTER (l.status = 'open') OVER on_voucher AS open_loans,
        row_number() OVER (on_voucher ORDER BY l.status = 'open' DESC, l.booked_on DESC, l.loan DESC) AS place
    FROM loan l
    LEFT JOIN voucher_number n ON n.number = l.voucher
    LEFT JOIN position p ON p.contract = n.contract AND p.voucher = n.id
    WINDOW on_voucher AS (PARTITION BY l.voucher)
)
SELECT n.*, d.state AS disbursement, d.payee, d.value_on, d.completed_on, d.face_at_assertion, d.quote_hash,
    CASE
        WHEN n.disbursements IS NULL THEN 'unknown'
        WHEN n.open_loans > 1 OR n.loans > n.disbursements THEN 'surplus'
        WHEN d.state = 'contested' THEN 'unknown'
        WHEN d.state = 'withdrawn' AND n.status = 'open' THEN 'unknown'
        WHEN d.state IN ('asserted', 'confirmed') AND n.booked_on < d.value_on THEN 'unknown'
        ELSE 'stands'
    END AS verdict
FROM named n
LEFT JOIN disbursement d ON d.contract = n.contract AND d.voucher = n.id AND d.place = n.place;

-- Vouchers whose loan must be in the book and is not.
CREATE TABLE lacking AS
SELECT p.*
FROM position p, stated
WHERE p.book = 'open' AND p.disbursement = 'completed' AND coalesce(p.completed_on, p.value_on) <= stated.cut_off
    AND NOT EXISTS (FROM booked b WHERE b.contract = p.contract AND b.id = p.voucher);

-- A loan under a wrong number and a voucher without its loan are one disagreement, not two: where amount, due day and
-- borrower agree the voucher is not reported as missing, and the loan says what it looks like. Equal ones pair in order.
CREATE TABLE likely_loan AS
WITH pairs AS (
    SELECT DISTINCT b.loan, v.contract, v.voucher, v.label
    FROM booked b
    JOIN lacking v ON abs(b.principal - v.face_at_assertion) <= (SELECT tolerance FROM stated) AND b.due_on = v.due_on
    JOIN party_name a ON a.party = v.seller AND a.key = b.borrower_key
    WHERE b.verdict <> 'stands'
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY loan ORDER BY contract, voucher) AS voucher_place,
        row_number() OVER (PARTITION BY contract, voucher ORDER BY loan) AS loan_place
    FROM pairs
)
SELECT loan, contract, voucher, label FROM placed WHERE voucher_place = loan_place;
