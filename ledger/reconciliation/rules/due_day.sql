-- The loan falls due on another day than the voucher, and not on the day that its quote names (a due day rolled to a
-- working day may be quoted).
SELECT [id('loan', b.loan_no), id('voucher', b.voucher)] AS ids, v.due_on::VARCHAR AS expected, b.due_on::VARCHAR AS found,
    b.due_on - v.due_on AS difference, 'days' AS unit, b.booked_on AS since, 'loan_due_day' AS cause,
    [id('id', b.id), id('contract', b.contract)] AS context
FROM booked b
JOIN chain_voucher v ON v.contract = b.contract AND v.voucher = b.id
LEFT JOIN opened_quote q ON q.contract = b.contract AND q.voucher = b.id AND q.quote_hash = b.quote_hash
WHERE b.verdict = 'stands' AND b.disbursement <> 'withdrawn' AND b.due_on <> v.due_on
    AND b.due_on IS DISTINCT FROM q.due_on;
