-- The loan is open in the book, but by the cut-off the voucher was settled or cancelled, is no longer the bank's, or its
-- pledge has ended. Or it was written off on a day after the one on which it was paid. What became of a voucher at its next
-- holder does not say why a loan should be closed: that is that it was passed on.
SELECT [id('loan', b.loan_no), id('voucher', b.voucher)] AS ids,
    CASE WHEN p.passed THEN 'passed on' ELSE p.ended_as END AS expected, b.status AS found,
    NULL::HUGEINT AS difference, '' AS unit, coalesce(p.closed_on, p.passed_on, p.ended_on, p.due_on) AS since,
    CASE
        WHEN b.status = 'written_off' THEN 'written_off_after_settled'
        WHEN p.passed AND p.by_recourse THEN 'open_after_recourse'
        WHEN p.passed THEN 'open_after_passing_on'
        ELSE 'open_after_' || p.ended_as
    END AS cause,
    [id('id', b.id), id('contract', b.contract)] AS context
FROM booked b
JOIN position p ON p.contract = b.contract AND p.voucher = b.id
WHERE b.verdict = 'stands' AND b.place = 1 AND p.book = 'closed'
    AND (b.status = 'open' OR b.status = 'written_off' AND b.repaid_on > p.closing_value_on)
UNION ALL
SELECT [id('loan', b.loan_no), id('voucher', b.voucher)], b.pledge_state, 'open', NULL, '', b.ended_on,
    CASE b.pledge_state WHEN 'released' THEN 'open_after_release' ELSE 'open_after_satisfaction' END,
    [id('id', b.id), id('contract', b.contract)]
FROM booked b
CROSS JOIN stated
WHERE b.verdict = 'pledged' AND b.status = 'open' AND b.ended_on <= stated.cut_off;
