-- A payment by or to the bank that the statement should show: there is no entry, or its only entry was posted outside the
-- window, which is from the value day to the next working day after it.
SELECT CASE WHEN p.reference IS NULL THEN [id('voucher', p.label), id('purpose', p.purpose)] ELSE [id('reference', p.reference)] END AS ids,
    yuan(p.amount) AS expected, '' AS found, -p.amount AS difference, 'fen' AS unit, p.value_on AS since,
    CASE WHEN p.side = 'credit' THEN 'money_not_received' ELSE 'money_not_sent' END AS cause,
    [id('voucher', p.label), id('id', p.voucher), id('contract', p.contract)] AS context
FROM bank_payment p
LEFT JOIN referenced r USING (reference)
WHERE p.required AND (p.reference IS NULL OR r.verdict = 'absent') AND p.payment NOT IN (SELECT payment FROM likely_entry)
UNION ALL
SELECT [id('reference', p.reference)], p.post_by::VARCHAR, e.booked_on::VARCHAR,
    CASE WHEN e.booked_on > p.post_by THEN e.booked_on - p.post_by ELSE e.booked_on - p.value_on END, 'days', p.value_on, 'posted_outside_window',
    [id('entry', e.entry_id), id('voucher', p.label), id('id', p.voucher), id('contract', p.contract)]
FROM entry_verdict e
JOIN bank_payment p ON p.reference = e.reference AND p.required
WHERE e.verdict IN ('agrees', 'differs') AND e.payments = 1 AND e.entries = 1
    AND (e.booked_on > p.post_by OR e.booked_on < p.value_on AND e.value_on <> p.value_on);
