-- What goes in, and two macros: id makes one identifying pair of a break, yuan writes fen as the books do.

CREATE MACRO id(name, value) AS {'name': name, 'value': value::VARCHAR};

CREATE MACRO yuan(fen) AS
    CASE WHEN fen IS NULL THEN '' ELSE
        CASE WHEN fen < 0 THEN '-' ELSE '' END || format('{:,}', (abs(fen) // 100)::BIGINT)
        || '.' || lpad((abs(fen) % 100)::VARCHAR, 2, '0')
    END;

-- The question: one row.
CREATE TABLE stated (
    bank BIGINT, cut_off DATE, statement_from DATE, tolerance BIGINT
);

-- The chain at the stated block. Amounts are fen; label is the readable number, or the id where there is none.
CREATE TABLE chain_voucher (
    contract VARCHAR, voucher VARCHAR, label VARCHAR, line HUGEINT, bank BIGINT, issuer BIGINT,
    promise VARCHAR, holder BIGINT, face HUGEINT, due_on DATE, state VARCHAR, ended_as VARCHAR, overdue BOOLEAN,
    ended_on DATE
);

-- payment is the place in the chain's order; post_by the last day on which an entry is in time.
CREATE TABLE chain_payment (
    payment BIGINT, contract VARCHAR, voucher VARCHAR, purpose VARCHAR, asserter BIGINT, payee BIGINT,
    amount HUGEINT, value_on DATE, post_by DATE, asserted_on DATE, state VARCHAR, completed_on DATE,
    face_at_assertion HUGEINT, quote_hash VARCHAR
);

CREATE TABLE chain_line (
    place BIGINT, contract VARCHAR, line HUGEINT, label VARCHAR, bank BIGINT, issuer BIGINT,
    parent HUGEINT, "limit" HUGEINT, drawn HUGEINT, expires_on DATE
);

-- pledge is the place in the chain's order; secured as it was pledged; state in force, released, satisfied (paid off).
CREATE TABLE chain_pledge (
    pledge BIGINT, contract VARCHAR, voucher VARCHAR, pledgee BIGINT, pledgor BIGINT, secured HUGEINT,
    pledged_on DATE, state VARCHAR, ended_on DATE
);

-- A voucher that went from one holder to another; move is the place in the chain's order.
CREATE TABLE chain_move (
    move BIGINT, contract VARCHAR, voucher VARCHAR, giver BIGINT, receiver BIGINT, moved_on DATE, overdue BOOLEAN
);

-- What changed the drawn amount of a line: issues count positive, what was settled or cancelled negative.
CREATE TABLE chain_draw (
    contract VARCHAR, line HUGEINT, drawn_on DATE, amount HUGEINT
);

-- What was used of an invoice of one paying party for a promise, less what was given back.
CREATE TABLE invoice_use (
    contract VARCHAR, promise VARCHAR, payer BIGINT, fingerprint VARCHAR, amount HUGEINT, total HUGEINT
);

-- The dossier, as far as each entry has passed its hash; party_name holds every name that a party may appear under.
CREATE TABLE party (
    party BIGINT, name VARCHAR, account_name VARCHAR
);

CREATE TABLE party_name (
    party BIGINT, key VARCHAR
);

CREATE TABLE voucher_number (
    number VARCHAR, contract VARCHAR, id VARCHAR
);

CREATE TABLE opened_quote (
    contract VARCHAR, voucher VARCHAR, quote_hash VARCHAR, due_on DATE, proceeds HUGEINT,
    interest HUGEINT, issuer_interest HUGEINT, rate DECIMAL(9, 4), basis VARCHAR
);

CREATE TABLE opened_reference (
    payment BIGINT, reference VARCHAR
);

-- key is the number without what does not tell invoices apart; its own is the payer's where numbers are not nationwide.
CREATE TABLE opened_invoice (
    fingerprint VARCHAR, number VARCHAR, key VARCHAR
);

CREATE TABLE dossier_problem (
    entry VARCHAR, subject VARCHAR, name VARCHAR, expected VARCHAR, found VARCHAR, since DATE,
    contract VARCHAR, voucher VARCHAR
);

-- The bank's books; *_key is a name without what does not tell parties apart. status open, repaid or written_off, repaid_on
-- the day on which a loan was closed either way; ledger the contract whose voucher is meant, '' where the book does not say.
CREATE TABLE loan (
    loan BIGINT, loan_no VARCHAR, bank VARCHAR, bank_key VARCHAR, voucher VARCHAR, borrower VARCHAR,
    borrower_key VARCHAR, obligor VARCHAR, obligor_key VARCHAR, principal HUGEINT, proceeds HUGEINT,
    interest HUGEINT, rate DECIMAL(9, 4), basis VARCHAR, booked_on DATE, due_on DATE, status VARCHAR, repaid_on DATE,
    ledger VARCHAR
);

CREATE TABLE entry (
    entry BIGINT, entry_id VARCHAR, booked_on DATE, value_on DATE, direction VARCHAR, amount HUGEINT,
    signed HUGEINT, counterparty VARCHAR, counterparty_key VARCHAR, reference VARCHAR
);

CREATE TABLE booked_line (
    line VARCHAR, number HUGEINT, issuer VARCHAR, issuer_key VARCHAR, "limit" HUGEINT, used HUGEINT,
    expires_on DATE
);
