-- As a balanced group, but the sums differ: a total lacks something, or has something besides.
SELECT ids, yuan(expected) AS expected, yuan(found) AS found, found - expected AS difference, 'fen' AS unit, day AS since,
    CASE WHEN found < expected THEN 'total_lacks' ELSE 'total_exceeds' END AS cause, [id('book', book)] AS context
FROM book_group
WHERE NOT balanced;
