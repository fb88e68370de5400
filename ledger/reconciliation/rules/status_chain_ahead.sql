-- The loan is open in the book, but by the cut-off the voucher was settled or cancelled, or is no longer the bank's.
SELECT [id('loan', b.loan_no), id('voucher', b.voucher)] AS ids,
    CASE WHEN p.state = 'ended' THEN p.ended_as ELSE 'passed on' END AS expected, 'open' AS found,
    NULL::HUGEINT AS difference, '' AS unit, coalesce(p.closed_on, p.due_on) AS since,
    CASE WHEN p.state = 'ended' THEN 'open_after_' || p.ended_as ELSE 'open_after_passing_on' END AS cause,
    [id('id', b.id), id('contract', b.contract)] AS context
FROM booked b
JOIN position p ON p.contract = b.contract AND p.voucher = b.id
WHERE b.verdict = 'stands' AND b.place = 1 AND b.status = 'open' AND p.book = 'closed';
