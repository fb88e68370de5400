-- A dossier entry has not the hash that is on chain, its figures do not follow from its quote, or it is not there. An
-- opened reference that no payment has, but an unmatched entry of the statement, is reported as that entry instead.
SELECT [id(d.subject, d.name), id('dossier', d.entry)] AS ids, d.expected, d.found, NULL::HUGEINT AS difference, '' AS unit,
    d.since, CASE WHEN d.found = '' THEN 'dossier_lacks' WHEN d.expected = '' THEN 'dossier_not_on_chain' ELSE 'dossier_changed' END AS cause,
    CASE WHEN d.voucher = '' THEN [] ELSE [id('id', d.voucher), id('contract', d.contract)] END AS context
FROM dossier_problem d
WHERE NOT (
    d.entry = 'reference' AND d.expected = '' AND EXISTS (
        FROM entry_verdict e LEFT JOIN likely_entry l USING (entry)
        WHERE e.reference = d.name AND e.verdict = 'stray' AND l.entry IS NULL
    )
);
