-- N rows of the books for M of the chain that do not meet one to one, as where books carry one total per due date. Made of
-- what 1_loans and 2_statement have left over on one day, on one side, with one party; a row that meets its own, but for
-- another amount, is taken in where only so the sums agree. At least three rows make a group, and where its sums differ
-- they do so by less than half of what the chain says; else each row is reported by itself.
-- Makes the tables grouped (a row of a group) and book_group; breaks are for rules/ to decide.

CREATE TABLE open_payment AS
SELECT p.payment, p.side, p.value_on, p.post_by, p.amount, p.label, p.reference, coalesce(r.verdict = 'differs', FALSE) AS held
FROM bank_payment p
LEFT JOIN referenced r ON r.reference = p.reference
LEFT JOIN likely_entry l USING (payment)
WHERE p.required AND p.amount IS NOT NULL AND p.side <> 'self' AND l.payment IS NULL
    AND (p.reference IS NULL OR r.verdict IN ('absent', 'differs'));

-- party 0: a total that names nobody, or the bank itself, may be for everybody who is paid that day.
CREATE TABLE open_entry AS
SELECT e.entry, e.entry_id, e.direction AS side, e.amount, e.booked_on, e.value_on, e.verdict = 'differs' AS held,
    coalesce(nullif(a.party, stated.bank), 0) AS party
FROM entry_verdict e
CROSS JOIN stated
LEFT JOIN likely_entry l USING (entry)
LEFT JOIN (SELECT key, min(party) AS party FROM party_name GROUP BY key) a ON a.key = e.counterparty_key
WHERE l.entry IS NULL AND e.booked_on <= stated.cut_off
    AND (e.verdict = 'differs' OR e.verdict = 'stray' AND (e.reference <> '' OR e.counterparty <> ''))
    AND (a.party IS NOT NULL OR e.counterparty = '');

-- Every row that may be of a group: its group, what it is called, its amount.
CREATE TABLE candidate AS
WITH payment_party AS (
    SELECT p.*, o.party FROM open_payment p JOIN other_side o USING (payment)
    UNION ALL
    SELECT *, 0 FROM open_payment
), entry_of AS (
    SELECT e.*, d.value_on AS day
    FROM open_entry e
    JOIN (SELECT DISTINCT side, party, value_on, post_by FROM payment_party) d
        ON d.side = e.side AND d.party = e.party AND (d.value_on = e.value_on OR e.booked_on BETWEEN d.value_on AND d.post_by)
    QUALIFY row_number() OVER (PARTITION BY e.entry ORDER BY d.value_on = e.value_on DESC, d.value_on DESC) = 1
), payment_of AS (
    SELECT p.*
    FROM payment_party p
    JOIN (SELECT DISTINCT side, party, day FROM entry_of) e ON e.side = p.side AND e.party = p.party AND e.day = p.value_on
    QUALIFY row_number() OVER (PARTITION BY p.payment ORDER BY p.party = 0, p.party) = 1
), loose_loan AS (
    SELECT b.loan, b.loan_no, b.due_on, b.principal, b.voucher, b.contract, b.id, b.verdict = 'stands' AS held,
        a.party AS borrower, o.party AS issuer
    FROM booked b
    JOIN party_name a ON a.key = b.borrower_key
    JOIN party_name o ON o.key = b.obligor_key
    LEFT JOIN likely_loan l USING (loan)
    WHERE l.loan IS NULL AND (
        b.verdict = 'unknown' AND b.id IS NULL
        OR b.verdict = 'stands' AND b.status = 'open' AND NOT EXISTS (
            FROM may_be_left m WHERE m.loan = b.loan AND abs(m.fen - b.principal) <= (SELECT tolerance FROM stated)
        )
    )
), loose_voucher AS (
    SELECT v.contract, v.voucher, v.label, v.due_on, v.issuer, v.seller, v.face_at_assertion, FALSE AS held
    FROM lacking v
    WHERE (v.contract, v.voucher) NOT IN (SELECT (contract, voucher) FROM likely_loan)
    UNION ALL
    SELECT p.contract, p.voucher, p.label, p.due_on, p.issuer, p.seller, p.face_at_assertion, TRUE
    FROM loose_loan l
    JOIN position p ON p.contract = l.contract AND p.voucher = l.id
    WHERE l.held
)
SELECT 'entry' AS book, side || ' ' || day || ' ' || party AS group_key, day, 'entry' AS what, entry::VARCHAR AS row_id, entry_id AS name,
    amount, held, FALSE AS of_chain, party = 0 AS anybody
FROM entry_of
UNION ALL
SELECT 'entry', side || ' ' || value_on || ' ' || party, value_on, CASE WHEN reference IS NULL THEN 'voucher' ELSE 'reference' END,
    payment::VARCHAR, coalesce(reference, label), amount, held, TRUE, party = 0
FROM payment_of
UNION ALL
SELECT 'loan', due_on || ' ' || issuer || ' ' || borrower, due_on, 'loan', loan::VARCHAR, loan_no, principal, held, FALSE, FALSE
FROM loose_loan
UNION ALL
SELECT 'loan', due_on || ' ' || issuer || ' ' || party, due_on, 'voucher', contract || ' ' || voucher, label, face_at_assertion, held, TRUE, FALSE
FROM (SELECT *, seller AS party FROM loose_voucher UNION SELECT *, issuer FROM loose_voucher);

CREATE TABLE grouped AS
WITH sums AS (
    SELECT book, group_key, any_value(anybody) AS anybody,
        count(*) FILTER (NOT held AND NOT of_chain) AS rows_found, count(*) FILTER (NOT held AND of_chain) AS rows_expected,
        coalesce(sum(amount) FILTER (NOT held AND NOT of_chain), 0) AS found,
        coalesce(sum(amount) FILTER (NOT held AND of_chain), 0) AS expected,
        count(*) FILTER (NOT of_chain) AS all_found, count(*) FILTER (of_chain) AS all_expected,
        coalesce(sum(amount) FILTER (NOT of_chain), 0) - coalesce(sum(amount) FILTER (of_chain), 0) AS all_off
    FROM candidate
    GROUP BY book, group_key
), judged AS (
    SELECT book, group_key,
        CASE
            WHEN rows_found > 0 AND rows_expected > 0 AND rows_found + rows_expected > 2
                AND abs(found - expected) <= tolerance * rows_expected THEN 'balanced'
            WHEN all_found > 0 AND all_expected > 0 AND all_found <> all_expected
                AND abs(all_off) <= tolerance * all_expected THEN 'balanced, all'
            WHEN rows_found > 0 AND rows_expected > 0 AND rows_found + rows_expected > 2 AND NOT anybody
                AND abs(found - expected) * 2 < expected THEN 'unbalanced'
        END AS verdict
    FROM sums, stated
)
SELECT c.*
FROM candidate c
JOIN judged j USING (book, group_key)
WHERE j.verdict IS NOT NULL AND (NOT c.held OR j.verdict = 'balanced, all')
-- a voucher's seller and its issuer may each have a group: it is of the first
QUALIFY row_number() OVER (PARTITION BY c.book, c.what, c.row_id ORDER BY j.verdict, c.group_key) = 1;

CREATE TABLE book_group AS
SELECT book, group_key, any_value(day) AS day,
    [id('day', any_value(day))] || list(id(what, name) ORDER BY of_chain, name, row_id) AS ids,
    sum(amount) FILTER (of_chain) AS expected, sum(amount) FILTER (NOT of_chain) AS found,
    abs(sum(amount) FILTER (NOT of_chain) - sum(amount) FILTER (of_chain))
        <= (SELECT tolerance FROM stated) * count(*) FILTER (of_chain) AS balanced
FROM grouped
GROUP BY book, group_key
HAVING bool_or(of_chain) AND NOT bool_and(of_chain);

DELETE FROM grouped g WHERE NOT EXISTS (FROM book_group b WHERE b.book = g.book AND b.group_key = g.group_key);
