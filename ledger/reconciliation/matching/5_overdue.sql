-- Loans that are owed at the cut-off and past their due day: the voucher's where the loan stands for one, the loan's own where
-- a pledge stands behind it. A loan that is written off says nothing of the claim, which lives on. What the chain has closed,
-- or never allowed, is a break and not overdue.
-- Makes the table overdue_loan; how many days that are, and which class, is for ledger/overdue_ladder.py to say.
CREATE TABLE overdue_loan AS
SELECT b.loan_no, b.voucher, b.obligor, b.principal, coalesce(p.due_on, b.due_on) AS due_on,
    CASE WHEN b.repaid_on > stated.cut_off THEN 'open' ELSE b.status END AS status
FROM booked b
CROSS JOIN stated
LEFT JOIN position p ON b.verdict = 'stands' AND p.contract = b.contract AND p.voucher = b.id
WHERE b.verdict IN ('stands', 'pledged') AND (b.status <> 'repaid' OR b.repaid_on > stated.cut_off)
    AND b.booked_on <= stated.cut_off AND coalesce(p.due_on, b.due_on) < stated.cut_off AND p.book IS DISTINCT FROM 'closed';
