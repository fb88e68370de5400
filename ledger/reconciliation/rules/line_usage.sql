-- A line of the bank's line book differs from the chain, or is in one of the two alone: used amount, limit, last day,
-- issuer; the first that differs. Of what the book may show as used, the nearest is expected. A line that is not drawn
-- need not be in the book.
WITH compared AS (
    SELECT coalesce(p.label, b.line) AS label, p.*, b.line AS booked, b.issuer AS booked_issuer, b."limit" AS booked_limit,
        b.used, b.expires_on AS booked_expires_on, n.name AS issuer_name,
        n.name IS NULL OR EXISTS (FROM party_name a WHERE a.party = p.issuer AND a.key = b.issuer_key) AS issuer_agrees,
        list_sort([{'off': abs(b.used - x), 'used': x} FOR x IN [p.drawn, p.drawn_after_all, p.drawn_after_posted]])[1].used AS nearest,
        stated.tolerance, stated.cut_off
    FROM line_position p
    FULL JOIN booked_line b ON b.number = p.line
    CROSS JOIN stated
    LEFT JOIN party n ON n.party = p.issuer
), differing AS (
    SELECT *,
        CASE
            WHEN booked IS NULL AND drawn = 0 THEN NULL
            WHEN booked IS NULL THEN ['used', yuan(drawn), '', (-drawn)::VARCHAR, 'fen', 'line_not_booked']
            WHEN line IS NULL THEN ['used', '', yuan(used), used::VARCHAR, 'fen', 'line_unknown']
            WHEN abs(used - nearest) > tolerance THEN ['used', yuan(nearest), yuan(used), (used - nearest)::VARCHAR, 'fen', 'line_used']
            WHEN abs(booked_limit - "limit") > tolerance
                THEN ['limit', yuan("limit"), yuan(booked_limit), (booked_limit - "limit")::VARCHAR, 'fen', 'line_terms']
            WHEN booked_expires_on <> expires_on
                THEN ['expires_on', expires_on::VARCHAR, booked_expires_on::VARCHAR, (booked_expires_on - expires_on)::VARCHAR, 'days', 'line_terms']
            WHEN NOT issuer_agrees THEN ['issuer', issuer_name, booked_issuer, NULL, '', 'line_terms']
        END AS f
    FROM compared
)
SELECT [id('line', label), id('field', f[1])] AS ids, f[2] AS expected, f[3] AS found, f[4]::HUGEINT AS difference, f[5] AS unit,
    cut_off AS since, f[6] AS cause, [] AS context
FROM differing
WHERE f IS NOT NULL;
