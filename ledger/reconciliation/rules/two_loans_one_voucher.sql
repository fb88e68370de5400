-- The book has more open loans than one, or more loans than disbursements, on one voucher.
SELECT [id('voucher', voucher)] || list(id('loan', loan_no) ORDER BY loan_no, loan) AS ids,
    CASE WHEN count(*) > any_value(disbursements) THEN any_value(disbursements) ELSE 1 END::VARCHAR AS expected,
    CASE WHEN count(*) > any_value(disbursements) THEN count(*) ELSE count(*) FILTER (status = 'open') END::VARCHAR AS found,
    NULL::HUGEINT AS difference, '' AS unit, max(booked_on) AS since, 'loan_twice' AS cause,
    [id('id', any_value(id)), id('contract', any_value(contract))] AS context
FROM booked
WHERE verdict = 'surplus'
GROUP BY voucher, contract, id;
