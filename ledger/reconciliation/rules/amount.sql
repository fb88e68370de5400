-- Loan: principal against the face that was disbursed, or what is still owed once part of it is paid or passed on; loans on
-- a pledge together against the sum that it secures. Statement: the entries under a reference against its payments.
SELECT [id('loan', b.loan_no), id('voucher', b.voucher), id('field', 'principal')] AS ids,
    yuan(b.face_at_assertion) AS expected, yuan(b.principal) AS found, b.principal - b.face_at_assertion AS difference,
    'fen' AS unit, b.booked_on AS since, 'loan_principal' AS cause, [id('id', b.id), id('contract', b.contract)] AS context
FROM booked b
CROSS JOIN stated
WHERE b.verdict = 'stands' AND b.disbursement <> 'withdrawn'
    AND NOT EXISTS (FROM may_be_left m WHERE m.loan = b.loan AND abs(m.fen - b.principal) <= stated.tolerance)
    AND NOT EXISTS (FROM grouped g WHERE g.what = 'loan' AND g.row_id = b.loan::VARCHAR)
UNION ALL
SELECT [id('voucher', any_value(voucher))] || list(id('loan', loan_no) ORDER BY loan_no, loan) || [id('field', 'secured sum')],
    yuan(any_value(secured)), yuan(sum(principal)), sum(principal) - any_value(secured), 'fen', max(booked_on), 'loan_over_secured',
    [id('id', any_value(id)), id('contract', any_value(contract))]
FROM booked, stated
WHERE verdict = 'pledged' AND status <> 'repaid'
GROUP BY pledge
HAVING sum(principal) > any_value(secured) + any_value(stated.tolerance)
UNION ALL
SELECT [id('entry', e.entry_id) FOR e IN entries] || [id('reference', reference)],
    yuan(abs(all_due)), yuan(net * way), net * way - abs(all_due), 'fen', since, 'entry_amount', []
FROM (
    SELECT r.reference, r.all_due, r.net, CASE WHEN r.all_due < 0 THEN -1 ELSE 1 END AS way, min(e.booked_on) AS since,
        list({'entry_id': e.entry_id} ORDER BY e.entry_id) AS entries
    FROM referenced r
    JOIN entry e USING (reference)
    WHERE r.verdict = 'differs' AND NOT EXISTS (FROM grouped g WHERE g.what = 'entry' AND g.row_id = e.entry::VARCHAR)
    GROUP BY ALL
);
