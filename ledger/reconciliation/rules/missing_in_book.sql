-- The bank holds the voucher and its disbursement is completed, but the book has no loan for it.
SELECT [id('voucher', label)] AS ids, yuan(face_at_assertion) AS expected, '' AS found,
    -face_at_assertion AS difference, 'fen' AS unit, value_on AS since, 'loan_not_booked' AS cause,
    [id('id', voucher), id('contract', contract)] AS context
FROM lacking
WHERE (contract, voucher) NOT IN (SELECT (contract, voucher) FROM likely_loan)
    AND NOT EXISTS (FROM grouped g WHERE g.what = 'voucher' AND g.book = 'loan' AND g.row_id = contract || ' ' || voucher);
