-- A payment by or to the bank that payer and payee, or a window that went by, have settled between them: the statement
-- should show it, and there is no entry.
SELECT CASE WHEN p.reference IS NULL THEN [id('voucher', p.label), id('purpose', p.purpose)] ELSE [id('reference', p.reference)] END AS ids,
    yuan(p.amount) AS expected, '' AS found, -p.amount AS difference, 'fen' AS unit, p.value_on AS since,
    CASE WHEN p.side = 'credit' THEN 'money_not_received' ELSE 'money_not_sent' END AS cause,
    [id('voucher', p.label), id('id', p.voucher), id('contract', p.contract)] AS context
FROM bank_payment p
LEFT JOIN referenced r USING (reference)
WHERE p.required AND p.state NOT IN ('asserted', 'contested') AND (p.reference IS NULL OR r.verdict = 'absent')
    AND p.payment NOT IN (SELECT payment FROM likely_entry)
    AND NOT EXISTS (FROM grouped g WHERE g.what IN ('reference', 'voucher') AND g.book = 'entry' AND g.row_id = p.payment::VARCHAR);
