-- A loan whose principal is right was booked with other proceeds or another interest than its opened quote gives; the
-- first that differs. Rate and day count of the loan are not compared, but tell what it looks like.
WITH figures AS (
    SELECT b.*, q.proceeds AS quoted_proceeds, q.interest AS quoted_interest, stated.tolerance,
        q.rate <> b.rate OR q.basis <> b.basis AS at_another_rate, q.rate AS quoted_rate, q.basis AS quoted_basis
    FROM booked b
    CROSS JOIN stated
    JOIN opened_quote q ON q.contract = b.contract AND q.voucher = b.id AND q.quote_hash = b.quote_hash
    WHERE b.verdict = 'stands' AND b.disbursement <> 'withdrawn'
        AND EXISTS (FROM may_be_left m WHERE m.loan = b.loan AND abs(m.fen - b.principal) <= stated.tolerance)
), differing AS (
    SELECT *,
        CASE
            WHEN abs(proceeds - quoted_proceeds) > tolerance THEN ['proceeds', quoted_proceeds::VARCHAR, proceeds::VARCHAR]
            WHEN abs(interest - quoted_interest) > tolerance THEN ['interest', quoted_interest::VARCHAR, interest::VARCHAR]
        END AS figure
    FROM figures
)
SELECT [id('loan', loan_no), id('voucher', voucher), id('field', figure[1])] AS ids,
    yuan(figure[2]::HUGEINT) AS expected, yuan(figure[3]::HUGEINT) AS found,
    figure[3]::HUGEINT - figure[2]::HUGEINT AS difference, 'fen' AS unit, booked_on AS since,
    CASE WHEN at_another_rate THEN 'loan_rate' ELSE 'loan_' || figure[1] END AS cause,
    [id('id', id), id('contract', contract)]
        || CASE WHEN at_another_rate THEN [id('quoted', quoted_rate || ' ' || quoted_basis), id('booked', rate || ' ' || basis)] ELSE [] END
        AS context
FROM differing
WHERE figure IS NOT NULL;
