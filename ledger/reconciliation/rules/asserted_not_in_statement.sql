-- A payment by or to the bank is asserted, and nobody has agreed to it yet, but the statement does not show it though its
-- last posting day is over: it can still be contested, paid or withdrawn.
SELECT CASE WHEN p.reference IS NULL THEN [id('voucher', p.label), id('purpose', p.purpose)] ELSE [id('reference', p.reference)] END AS ids,
    yuan(p.amount) AS expected, '' AS found, -p.amount AS difference, 'fen' AS unit, p.value_on AS since,
    CASE
        WHEN p.side = 'credit' THEN 'asserted_not_received'
        WHEN p.state = 'contested' THEN 'contested_not_sent'
        ELSE 'asserted_not_sent'
    END AS cause,
    [id('voucher', p.label), id('id', p.voucher), id('contract', p.contract)] AS context
FROM bank_payment p
LEFT JOIN referenced r USING (reference)
WHERE p.required AND p.state IN ('asserted', 'contested') AND (p.reference IS NULL OR r.verdict = 'absent')
    AND p.payment NOT IN (SELECT payment FROM likely_entry)
    AND NOT EXISTS (FROM grouped g WHERE g.what IN ('reference', 'voucher') AND g.book = 'entry' AND g.row_id = p.payment::VARCHAR);
