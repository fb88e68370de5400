-- The book has a loan that the chain does not allow: voucher unknown, no disbursement by this bank, or one that is
-- contested, withdrawn, or asserted with a later value day than the loan's.
SELECT [id('loan', b.loan_no), id('voucher', b.voucher)] AS ids, '' AS expected, yuan(b.principal) AS found,
    b.principal AS difference, 'fen' AS unit, b.booked_on AS since,
    CASE
        WHEN l.loan IS NOT NULL THEN 'loan_under_wrong_number'
        WHEN b.id IS NULL THEN 'voucher_unknown'
        WHEN b.disbursement = 'contested' THEN 'disbursement_contested'
        WHEN b.disbursement = 'withdrawn' THEN 'disbursement_withdrawn'
        WHEN b.disbursement IN ('asserted', 'confirmed') THEN 'loan_before_value_day'
        ELSE 'not_disbursed'
    END AS cause,
    CASE
        WHEN l.loan IS NOT NULL THEN [id('looks like', l.label)]
        WHEN b.id IS NOT NULL THEN [id('id', b.id), id('contract', b.contract)]
        ELSE []
    END AS context
FROM booked b
LEFT JOIN likely_loan l USING (loan)
WHERE b.verdict = 'unknown';
