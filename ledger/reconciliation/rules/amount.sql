-- Loan: principal against the face that was disbursed (or what is still owed, once part of it is paid or passed on),
-- then proceeds and interest against the opened quote; the first that differs. Statement: the entries under a reference
-- against its payments.
WITH figures AS (
    SELECT b.*,
        abs(b.principal - b.face_at_assertion) <= stated.tolerance
            OR v.state <> 'ended' AND v.face < b.face_at_assertion AND abs(b.principal - v.face) <= stated.tolerance AS principal_agrees,
        q.proceeds AS quoted_proceeds, q.interest AS quoted_interest, stated.tolerance
    FROM booked b
    CROSS JOIN stated
    JOIN chain_voucher v ON v.contract = b.contract AND v.voucher = b.id
    LEFT JOIN opened_quote q ON q.contract = b.contract AND q.voucher = b.id AND q.quote_hash = b.quote_hash
    WHERE b.verdict = 'stands' AND b.disbursement <> 'withdrawn'
), differing AS (
    SELECT *,
        CASE
            WHEN NOT principal_agrees THEN ['principal', face_at_assertion::VARCHAR, principal::VARCHAR]
            WHEN abs(proceeds - quoted_proceeds) > tolerance THEN ['proceeds', quoted_proceeds::VARCHAR, proceeds::VARCHAR]
            WHEN abs(interest - quoted_interest) > tolerance THEN ['interest', quoted_interest::VARCHAR, interest::VARCHAR]
        END AS figure
    FROM figures
)
SELECT [id('loan', loan_no), id('voucher', voucher), id('field', figure[1])] AS ids,
    yuan(figure[2]::HUGEINT) AS expected, yuan(figure[3]::HUGEINT) AS found,
    figure[3]::HUGEINT - figure[2]::HUGEINT AS difference, 'fen' AS unit, booked_on AS since,
    'loan_' || figure[1] AS cause, [id('id', id), id('contract', contract)] AS context
FROM differing
WHERE figure IS NOT NULL
UNION ALL
SELECT [id('entry', e.entry_id) FOR e IN entries] || [id('reference', reference)],
    yuan(abs(all_due)), yuan(net * way), net * way - abs(all_due), 'fen', since, 'entry_amount', []
FROM (
    SELECT r.reference, r.all_due, r.net, CASE WHEN r.all_due < 0 THEN -1 ELSE 1 END AS way, min(e.booked_on) AS since,
        list({'entry_id': e.entry_id} ORDER BY e.entry_id) AS entries
    FROM referenced r
    JOIN entry e USING (reference)
    WHERE r.verdict = 'differs'
    GROUP BY ALL
);
