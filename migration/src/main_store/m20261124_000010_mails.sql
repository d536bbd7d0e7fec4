-- E-mails to customers: written and sealed with what causes them, sent later.

CREATE TABLE mails (
    id uuid PRIMARY KEY,
    case_id uuid REFERENCES cases (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    data_type text NOT NULL CHECK (data_type IN ('R03', 'R04', 'R05', 'R06', 'R14', 'R30')),
    template text NOT NULL CHECK (template IN ('ACKNOWLEDGEMENT', 'WITHDRAWAL_RECEIPT', 'MESSAGE', 'INFO_REQUEST', 'DELAY_NOTICE', 'RETURN_INSTRUCTION', 'DECISION', 'RESULT_NOTICE', 'REFUND_UPDATE', 'DISPUTE_NOTICE', 'GUEST_LINK', 'ERASURE_ANSWER', 'RECIPIENT_NOTICE')),
    template_version integer NOT NULL,
    locale text NOT NULL CHECK (locale IN ('DE', 'EN')),
    recipient bytea,
    subject bytea,
    body_text bytea,
    body_html bytea,
    content_hash bytea,
    message_id text,
    state text NOT NULL CHECK (state IN ('QUEUED', 'SENT', 'BOUNCED', 'DEAD')),
    attempts integer NOT NULL,
    queued_at timestamptz NOT NULL,
    available_at timestamptz NOT NULL,
    claimed_until timestamptz,
    sent_at timestamptz,
    bounced_at timestamptz,
    response text,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX mails_due ON mails (data_type, start_at, id);
CREATE INDEX mails_unit ON mails (unit_id);
CREATE INDEX mails_case ON mails (case_id, id);
CREATE INDEX mails_customer ON mails (customer_id, id);
CREATE INDEX mails_waiting ON mails (state, available_at, id);
CREATE INDEX mails_message_id ON mails (message_id);
