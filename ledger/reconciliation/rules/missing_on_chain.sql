-- The book has a loan that the chain does not allow: voucher unknown, no disbursement by this bank and no pledge to it while
-- the loan was booked, or a disbursement that is contested or withdrawn.
SELECT [id('loan', b.loan_no), id('voucher', b.voucher)] AS ids, '' AS expected, yuan(b.principal) AS found,
    b.principal AS difference, 'fen' AS unit, b.booked_on AS since,
    CASE
        WHEN l.loan IS NOT NULL THEN 'loan_under_wrong_number'
        WHEN b.id IS NULL THEN 'voucher_unknown'
        WHEN b.disbursement = 'contested' THEN 'disbursement_contested'
        WHEN b.disbursement = 'withdrawn' THEN 'disbursement_withdrawn'
        WHEN EXISTS (FROM chain_pledge p, stated WHERE p.contract = b.contract AND p.voucher = b.id AND p.pledgee = stated.bank)
            THEN 'loan_after_pledge'
        ELSE 'not_disbursed'
    END AS cause,
    CASE
        WHEN l.loan IS NOT NULL THEN [id('looks like', l.label)]
        WHEN b.id IS NOT NULL THEN [id('id', b.id), id('contract', b.contract)]
        ELSE []
    END AS context
FROM booked b
LEFT JOIN likely_loan l USING (loan)
WHERE b.verdict = 'unknown' AND NOT EXISTS (FROM grouped g WHERE g.what = 'loan' AND g.row_id = b.loan::VARCHAR);
