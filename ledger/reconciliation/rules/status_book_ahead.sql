-- The loan is repaid in the book, but the voucher is still owed to the bank and no uncontested settlement (or sale) with
-- that value day or an earlier one is asserted.
SELECT [id('loan', b.loan_no), id('voucher', b.voucher)] AS ids, 'live' AS expected, 'repaid' AS found,
    NULL::HUGEINT AS difference, '' AS unit, coalesce(b.repaid_on, b.booked_on) AS since,
    CASE WHEN p.closing IS NULL THEN 'repaid_without_settlement' ELSE 'repaid_before_value_day' END AS cause,
    [id('id', b.id), id('contract', b.contract)] AS context
FROM booked b
JOIN position p ON p.contract = b.contract AND p.voucher = b.id
WHERE b.verdict = 'stands' AND b.place = 1 AND b.status = 'repaid' AND b.disbursement <> 'withdrawn'
    AND (p.book = 'open' OR p.book = 'either' AND p.closing IN ('asserted', 'confirmed') AND b.repaid_on < p.closing_value_on);
