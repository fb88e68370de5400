-- The loan is repaid in the book, but the voucher is still owed to the bank and no uncontested settlement (or sale) is
-- asserted. A loan that is written off says nothing of the claim, which lives on; a borrower may pay back a loan on a
-- pledge by itself.
SELECT [id('loan', b.loan_no), id('voucher', b.voucher)] AS ids, 'live' AS expected, 'repaid' AS found,
    NULL::HUGEINT AS difference, '' AS unit, coalesce(b.repaid_on, b.booked_on) AS since,
    'repaid_without_settlement' AS cause, [id('id', b.id), id('contract', b.contract)] AS context
FROM booked b
JOIN position p ON p.contract = b.contract AND p.voucher = b.id
WHERE b.verdict = 'stands' AND b.place = 1 AND b.status = 'repaid' AND b.disbursement <> 'withdrawn'
    AND p.book = 'open' AND coalesce(b.repaid_on <= (SELECT cut_off FROM stated), TRUE);
