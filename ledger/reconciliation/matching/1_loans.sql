-- What the chain says about each voucher that this bank paid for or has as a pledge, and which loan of its book stands
-- for it. Makes the tables disbursement, closing, leaving, position, booked, lacking and likely_loan; breaks are for rules/ to decide.

-- The bank's disbursements, per voucher the standing and newest first. An assertion that another one replaced counts
-- only where nothing else is left: the three-party settlement on the due day that pays the funder.
CREATE TABLE disbursement AS
WITH own AS (
    SELECT p.*,
        bool_or(p.state <> 'replaced') OVER (PARTITION BY p.contract, p.voucher) AS has_standing,
        row_number() OVER (PARTITION BY p.contract, p.voucher ORDER BY p.payment DESC) AS newest,
        min(p.value_on) OVER (PARTITION BY p.contract, p.voucher, p.quote_hash) AS first_value_on,
        EXISTS (
            FROM chain_payment s
            WHERE s.contract = p.contract AND s.voucher = p.voucher AND s.purpose = 'settlement'
                AND s.payee = p.asserter AND s.state NOT IN ('withdrawn', 'replaced')
        ) AS paid_to_funder
    FROM chain_payment p, stated
    WHERE p.purpose = 'disbursement' AND p.asserter = stated.bank
), kept AS (
    SELECT payment, contract, voucher, payee, value_on, first_value_on, post_by, completed_on, face_at_assertion, quote_hash,
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

-- What was asserted after the newest disbursement to pay this bank: the whole of what is owed, or a price by the next
-- funder. A part of what is owed closes nothing.
CREATE TABLE closing AS
SELECT d.contract, d.voucher,
    arg_max(s.state, s.payment) AS state,
    arg_max(s.value_on, s.payment) AS value_on,
    arg_max(s.post_by, s.payment) AS post_by,
    max(s.completed_on) AS completed_on
FROM disbursement d
JOIN chain_voucher v USING (contract, voucher)
JOIN chain_payment s ON s.contract = d.contract AND s.voucher = d.voucher AND s.payment > d.payment
CROSS JOIN stated
WHERE d.place = 1
    AND s.payee = stated.bank
    AND (s.purpose = 'settlement' OR s.asserter <> stated.bank)
    AND CASE
        WHEN s.purpose = 'disbursement' THEN s.state IN ('asserted', 'confirmed', 'completed')
        WHEN s.state = 'completed' THEN v.state = 'ended' AND v.holder = stated.bank
        ELSE s.state IN ('asserted', 'confirmed') AND s.amount >= v.face
    END
GROUP BY d.contract, d.voucher;

-- When a voucher that the bank paid for was passed on, by sale, transfer or recourse, the last time if it came back.
CREATE TABLE leaving AS
SELECT d.contract, d.voucher, max(m.moved_on) AS passed_on, arg_max(m.overdue, m.move) AS by_recourse
FROM disbursement d
JOIN chain_move m USING (contract, voucher)
CROSS JOIN stated
WHERE d.place = 1 AND m.giver = stated.bank AND m.moved_on >= d.value_on
GROUP BY d.contract, d.voucher;

-- Per voucher that the bank paid for: whether its book must show the loan open, must show it closed, or may show either.
CREATE TABLE position AS
SELECT v.*, d.payee AS seller, d.state AS disbursement, d.value_on, d.completed_on, d.face_at_assertion, d.quote_hash,
    d.disbursements, c.state AS closing, c.value_on AS closing_value_on, c.post_by AS closing_post_by, c.completed_on AS closed_on,
    v.holder <> stated.bank AND (l.passed_on IS NOT NULL OR v.state <> 'ended') AS passed, l.passed_on, coalesce(l.by_recourse, v.overdue) AS by_recourse,
    CASE
        WHEN d.state <> 'completed' THEN 'open'
        WHEN c.state IN ('asserted', 'confirmed') THEN 'either' -- books show the pay day, the chain completes later
        WHEN v.ended_as = 'split' THEN 'either' -- the claim lives on in the parts
        WHEN c.completed_on > stated.cut_off THEN 'either'
        WHEN v.holder <> stated.bank AND l.passed_on > stated.cut_off THEN 'either'
        WHEN v.holder = stated.bank AND v.ended_on > stated.cut_off THEN 'either'
        WHEN v.state = 'ended' OR v.holder <> stated.bank THEN 'closed'
        ELSE 'open'
    END AS book
FROM disbursement d
JOIN chain_voucher v USING (contract, voucher)
LEFT JOIN closing c USING (contract, voucher)
LEFT JOIN leaving l USING (contract, voucher)
CROSS JOIN stated
WHERE d.place = 1;

-- Which voucher a loan's number names. Where two ledgers have the number, and the loan does not say which is meant, the
-- one that the bank paid for and whose face and due day are the loan's.
CREATE TABLE named_loan AS
SELECT l.*, n.contract, n.id, p.label, p.disbursements
FROM loan l
LEFT JOIN voucher_number n ON n.number = l.voucher AND l.ledger IN ('', n.contract)
LEFT JOIN position p ON p.contract = n.contract AND p.voucher = n.id
LEFT JOIN chain_voucher v ON v.contract = n.contract AND v.voucher = n.id
QUALIFY row_number() OVER (
    PARTITION BY l.loan ORDER BY p.voucher IS NOT NULL DESC, p.face_at_assertion IS NOT DISTINCT FROM l.principal DESC,
        v.due_on IS NOT DISTINCT FROM l.due_on DESC, n.contract
) = 1;

-- Loans that a pledge to this bank stands behind: booked while it was in force, or before it, which is a matter of timing.
CREATE TABLE pledge_loan AS
SELECT l.loan, p.pledge, p.pledgor, p.secured, p.pledged_on, p.state AS pledge_state, p.ended_on
FROM named_loan l
JOIN chain_pledge p ON p.contract = l.contract AND p.voucher = l.id
CROSS JOIN stated
WHERE p.pledgee = stated.bank AND (p.ended_on IS NULL OR l.booked_on <= p.ended_on)
    AND NOT EXISTS (
        FROM disbursement d
        WHERE d.contract = l.contract AND d.voucher = l.id AND (d.value_on = l.booked_on OR p.pledged_on > l.booked_on)
    )
QUALIFY row_number() OVER (PARTITION BY l.loan ORDER BY p.pledged_on <= l.booked_on DESC, p.pledged_on) = 1;

-- Every loan of the book with the voucher that its number names and the disbursement that it stands for, newest to newest.
-- verdict: pledged (a pledge stands behind it), unknown (the chain has nothing that allows it), surplus (more loans than
-- the voucher bears), stands. Several loans may share one pledge.
CREATE TABLE booked AS
WITH placed AS (
    SELECT l.*, p.* EXCLUDE (loan),
        count(*) OVER on_voucher AS loans,
        count(*) FILTER (l.status = 'open') OVER on_voucher AS open_loans,
        row_number() OVER (on_voucher ORDER BY l.status = 'open' DESC, l.booked_on DESC, l.loan DESC) AS place
    FROM named_loan l
    LEFT JOIN pledge_loan p USING (loan)
    WINDOW on_voucher AS (PARTITION BY coalesce(l.contract, ''), coalesce(l.id, l.voucher), p.pledge IS NULL)
)
SELECT n.*, d.state AS disbursement, coalesce(n.pledgor, d.payee) AS payee, d.value_on, d.first_value_on, d.post_by,
    d.completed_on, d.face_at_assertion, d.quote_hash,
    CASE
        WHEN n.pledge IS NOT NULL THEN 'pledged'
        WHEN n.disbursements IS NULL THEN 'unknown'
        WHEN n.open_loans > 1 OR n.loans > n.disbursements THEN 'surplus'
        WHEN d.state = 'contested' THEN 'unknown'
        WHEN d.state = 'withdrawn' AND n.status <> 'repaid' THEN 'unknown'
        ELSE 'stands'
    END AS verdict
FROM placed n
LEFT JOIN disbursement d ON n.pledge IS NULL AND d.contract = n.contract AND d.voucher = n.id AND d.place = n.place;

-- What may be left of a loan's principal: what was owed at the disbursement, what is owed now, what each settlement of a
-- part leaves, also one that is only asserted, since books show the pay day.
CREATE TABLE may_be_left AS
SELECT b.loan, b.face_at_assertion AS fen FROM booked b WHERE b.verdict = 'stands'
UNION
SELECT b.loan, v.face FROM booked b JOIN chain_voucher v ON v.contract = b.contract AND v.voucher = b.id
WHERE b.verdict = 'stands' AND v.state <> 'ended' AND v.face < b.face_at_assertion
UNION
SELECT b.loan, s.face_at_assertion - s.amount
FROM booked b
JOIN chain_payment s ON s.contract = b.contract AND s.voucher = b.id
CROSS JOIN stated
WHERE b.verdict = 'stands' AND s.purpose = 'settlement' AND s.state IN ('asserted', 'confirmed', 'completed')
    AND s.amount < s.face_at_assertion AND s.face_at_assertion <= b.face_at_assertion AND s.value_on <= stated.cut_off;

-- Vouchers whose loan must be in the book and is not.
CREATE TABLE lacking AS
SELECT p.*
FROM position p, stated
WHERE p.book = 'open' AND p.disbursement = 'completed' AND coalesce(p.completed_on, p.value_on) <= stated.cut_off
    AND NOT EXISTS (FROM booked b WHERE b.contract = p.contract AND b.id = p.voucher AND b.verdict <> 'pledged');

-- A loan under a wrong number and a voucher without its loan are one disagreement, not two: where amount, due day and
-- borrower agree the voucher is not reported as missing, and the loan says what it looks like. Equal ones pair in order.
CREATE TABLE likely_loan AS
WITH pairs AS (
    SELECT DISTINCT b.loan, v.contract, v.voucher, v.label
    FROM booked b
    JOIN lacking v ON abs(b.principal - v.face_at_assertion) <= (SELECT tolerance FROM stated) AND b.due_on = v.due_on
    JOIN party_name a ON a.party = v.seller AND a.key = b.borrower_key
    WHERE b.verdict IN ('unknown', 'surplus')
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY loan ORDER BY contract, voucher) AS voucher_place,
        row_number() OVER (PARTITION BY contract, voucher ORDER BY loan) AS loan_place
    FROM pairs
)
SELECT loan, contract, voucher, label FROM placed WHERE voucher_place = loan_place;
