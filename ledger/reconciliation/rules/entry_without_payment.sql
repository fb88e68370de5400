-- The statement has an entry for which no payment is on chain: unknown reference, one entry too many under a known one,
-- or money of a withdrawn payment that has not come back. The bank's own charges (no reference, no other side) are not
-- looked at, nor what was posted after the cut-off, nor money of a loan that moves outside the chain (matching/2_statement.sql).
SELECT [id('entry', e.entry_id), id('reference', e.reference)] AS ids, '' AS expected, yuan(e.amount) AS found,
    e.amount AS difference, 'fen' AS unit, e.booked_on AS since,
    CASE
        WHEN l.entry IS NOT NULL THEN 'entry_under_wrong_reference'
        WHEN e.verdict = 'stray' THEN 'entry_unknown'
        WHEN e.payments = 0 THEN 'entry_of_withdrawn'
        ELSE 'entry_twice'
    END AS cause,
    CASE WHEN l.entry IS NOT NULL THEN [id('looks like', l.wanted)] ELSE [] END AS context
FROM entry_verdict e
CROSS JOIN stated
LEFT JOIN likely_entry l USING (entry)
WHERE e.verdict IN ('stray', 'loose') AND e.booked_on <= stated.cut_off
    AND (e.reference <> '' OR e.counterparty <> '') AND l.silent IS NOT TRUE
    AND NOT EXISTS (FROM grouped g WHERE g.what = 'entry' AND g.row_id = e.entry::VARCHAR);
