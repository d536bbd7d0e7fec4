-- Times are UTC instants, money is minor units, sealed text is bytea. Codes are closed sets, checked here as well.

CREATE TABLE customers (
    id uuid PRIMARY KEY,
    unit_id uuid,
    name bytea,
    email bytea,
    phone bytea,
    address bytea,
    locale text CHECK (locale IN ('DE', 'EN')),
    created_at timestamptz,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz,
    erased_at timestamptz
);
CREATE INDEX customers_due ON customers (start_at, id);
CREATE INDEX customers_unit ON customers (unit_id);

CREATE TABLE orders (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    number bytea,
    ordered_at timestamptz,
    currency text,
    captured_minor bigint CHECK (captured_minor >= 0),
    payment_method text CHECK (payment_method IN ('VISA', 'MASTERCARD')),
    payment_reference bytea,
    delivered_at timestamptz,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz,
    erased_at timestamptz
);
CREATE INDEX orders_due ON orders (start_at, id);
CREATE INDEX orders_unit ON orders (unit_id);
CREATE INDEX orders_customer ON orders (customer_id, id);

CREATE TABLE order_lines (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    unit_id uuid,
    position integer NOT NULL,
    sku text NOT NULL,
    product_group text NOT NULL,
    title bytea,
    quantity integer NOT NULL CHECK (quantity > 0),
    unit_price_minor bigint NOT NULL,
    tax_basis_points integer NOT NULL,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX order_lines_due ON order_lines (start_at, id);
CREATE INDEX order_lines_unit ON order_lines (unit_id);
CREATE INDEX order_lines_order ON order_lines (order_id, id);

CREATE TABLE parcels (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    unit_id uuid,
    carrier text NOT NULL,
    tracking_number bytea,
    dispatched_at timestamptz,
    delivered_at timestamptz,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX parcels_due ON parcels (start_at, id);
CREATE INDEX parcels_unit ON parcels (unit_id);
CREATE INDEX parcels_order ON parcels (order_id, id);

CREATE TABLE cases (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    order_id uuid REFERENCES orders (id),
    number text,
    kind text CHECK (kind IN ('ORDER_ADVICE', 'USAGE_GUIDANCE', 'RETURN', 'EXCHANGE', 'WARRANTY_CLAIM', 'REFUND_TRACKING', 'LOGISTICS_QUERY', 'COMPLAINT')),
    channel text CHECK (channel IN ('PORTAL', 'PHONE', 'EMAIL', 'LETTER')),
    state text NOT NULL CHECK (state IN ('RECEIVED', 'UNDER_REVIEW', 'DECIDED', 'CLOSED', 'ERASED')),
    reason text CHECK (reason IN ('QUALITY_DEFECT', 'NOT_AS_DESCRIBED', 'MISSING_ACCESSORY', 'DAMAGED', 'WRONG_DELIVERY', 'NO_REASON', 'ANSWERED', 'PERIOD_ENDED', 'DEFECT_NOT_CONFIRMED', 'NOT_OUR_PRODUCT')),
    outcome text CHECK (outcome IN ('SOLVED_DIRECTLY', 'ELIGIBLE', 'PARTIALLY_ELIGIBLE', 'NOT_ELIGIBLE')),
    legal_basis text CHECK (legal_basis IN ('WITHDRAWAL', 'SHOP_RETURN', 'WARRANTY', 'NONE')),
    product_group text,
    waiting_for text CHECK (waiting_for IN ('SHOP', 'CUSTOMER', 'BANK', 'NOBODY')),
    opened_at timestamptz,
    decided_at timestamptz,
    decided_by uuid,
    closed_at timestamptz,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz,
    erased_at timestamptz
);
CREATE INDEX cases_due ON cases (start_at, id);
CREATE INDEX cases_customer ON cases (customer_id, id);
CREATE INDEX cases_order ON cases (order_id, id);

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    unit_id uuid,
    data_type text NOT NULL CHECK (data_type IN ('R03', 'R04', 'R06')),
    form text NOT NULL CHECK (form IN ('REQUEST', 'REPLY', 'DECISION', 'INTERNAL_NOTE')),
    author_kind text NOT NULL CHECK (author_kind IN ('ANONYMOUS', 'CUSTOMER', 'STAFF', 'SHOP', 'SYSTEM')),
    author_id uuid,
    body bytea,
    sent_at timestamptz NOT NULL,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX messages_due ON messages (data_type, start_at, id);
CREATE INDEX messages_unit ON messages (unit_id);
CREATE INDEX messages_case ON messages (case_id, id);

CREATE TABLE refunds (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    order_id uuid NOT NULL REFERENCES orders (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    state text NOT NULL CHECK (state IN ('GRANTED', 'SUBMITTED', 'CREDITED', 'FAILED')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    payee bytea,
    reference bytea,
    granted_at timestamptz NOT NULL,
    granted_by uuid NOT NULL,
    submitted_at timestamptz,
    submitted_by uuid,
    credited_at timestamptz,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX refunds_due ON refunds (start_at, id);
CREATE INDEX refunds_unit ON refunds (unit_id);
CREATE INDEX refunds_case ON refunds (case_id, id);
CREATE INDEX refunds_order ON refunds (order_id, id);
CREATE INDEX refunds_customer ON refunds (customer_id, id);

CREATE TABLE attachments (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    unit_id uuid,
    data_type text NOT NULL CHECK (data_type IN ('R09a', 'R09b', 'R27')),
    state text NOT NULL CHECK (state IN ('AWAITING_UPLOAD', 'RECEIVING', 'AVAILABLE')),
    file_name bytea,
    media_type text NOT NULL CHECK (media_type IN ('JPEG', 'PNG', 'WEBP', 'MP4', 'QUICKTIME')),
    byte_size bigint NOT NULL CHECK (byte_size > 0),
    uploaded_by text NOT NULL CHECK (uploaded_by IN ('ANONYMOUS', 'CUSTOMER', 'STAFF', 'SHOP', 'SYSTEM')),
    blob text,
    created_at timestamptz NOT NULL,
    ready_at timestamptz,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX attachments_due ON attachments (data_type, start_at, id);
CREATE INDEX attachments_unit ON attachments (unit_id);
CREATE INDEX attachments_case ON attachments (case_id, id);

CREATE TABLE holds (
    id uuid PRIMARY KEY,
    customer_id uuid REFERENCES customers (id),
    order_id uuid REFERENCES orders (id),
    case_id uuid REFERENCES cases (id),
    unit_id uuid,
    reason text NOT NULL CHECK (reason IN ('LEGAL_CLAIM', 'TAX_AUDIT', 'AUTHORITY_REQUEST')),
    note bytea,
    placed_at timestamptz NOT NULL,
    placed_by uuid,
    review_on date NOT NULL,
    released_at timestamptz,
    released_by uuid,
    start_at timestamptz,
    not_before timestamptz,
    CHECK ((CASE WHEN case_id IS NULL THEN 0 ELSE 1 END)
         + (CASE WHEN order_id IS NULL THEN 0 ELSE 1 END)
         + (CASE WHEN customer_id IS NULL THEN 0 ELSE 1 END) = 1)
);
CREATE INDEX holds_due ON holds (start_at, id);
CREATE INDEX holds_unit ON holds (unit_id);
CREATE INDEX holds_customer ON holds (customer_id, id);
CREATE INDEX holds_order ON holds (order_id, id);
CREATE INDEX holds_case ON holds (case_id, id);

CREATE TABLE access_entries (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('ANONYMOUS', 'CUSTOMER', 'STAFF', 'SHOP', 'SYSTEM')),
    actor_id uuid,
    case_id uuid,
    customer_id uuid,
    attachment_id uuid,
    purpose text NOT NULL CHECK (purpose IN ('CASE_HANDLING', 'REFUND', 'CONTACT', 'DATA_PROTECTION', 'EVIDENCE'))
);
CREATE INDEX access_entries_due ON access_entries (at, id);
CREATE INDEX access_entries_case ON access_entries (case_id, id);
CREATE INDEX access_entries_customer ON access_entries (customer_id, id);

CREATE TABLE tokens (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    kind text NOT NULL CHECK (kind IN ('CUSTOMER_ACCESS', 'UPLOAD')),
    attachment_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    used_at timestamptz
);
CREATE INDEX tokens_due ON tokens (expires_at, id);
CREATE INDEX tokens_customer ON tokens (customer_id, id);

CREATE TABLE idempotency_keys (
    id uuid PRIMARY KEY,
    actor text NOT NULL,
    operation text NOT NULL,
    key_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    results text NOT NULL,
    customer_id uuid,
    created_at timestamptz NOT NULL
);
CREATE INDEX idempotency_keys_due ON idempotency_keys (created_at, id);
CREATE INDEX idempotency_keys_customer ON idempotency_keys (customer_id, id);

CREATE TABLE erasures (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('DEFERRED', 'SETTLED')),
    requested_at timestamptz NOT NULL,
    requested_by uuid,
    report text NOT NULL,
    settled_at timestamptz
);
CREATE INDEX erasures_due ON erasures (settled_at, id);

CREATE TABLE audit_entries (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('ANONYMOUS', 'CUSTOMER', 'STAFF', 'SHOP', 'SYSTEM')),
    actor_id uuid,
    action text NOT NULL,
    table_name text NOT NULL,
    row_id uuid,
    details text NOT NULL
);
CREATE INDEX audit_entries_due ON audit_entries (at, id);

CREATE TABLE outbox_entries (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('DESTROY_KEY', 'DELETE_BLOB')),
    target text NOT NULL,
    state text NOT NULL CHECK (state IN ('PENDING', 'DONE', 'DEAD')),
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL,
    available_at timestamptz NOT NULL,
    claimed_until timestamptz,
    done_at timestamptz
);
CREATE INDEX outbox_entries_due ON outbox_entries (done_at, id);

CREATE TABLE jobs (
    name text PRIMARY KEY,
    next_run_at timestamptz NOT NULL,
    lease_owner uuid,
    lease_until timestamptz,
    fence bigint NOT NULL
);

CREATE TABLE job_runs (
    id uuid PRIMARY KEY,
    job text NOT NULL,
    state text NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    fence bigint NOT NULL,
    report text NOT NULL
);
CREATE INDEX job_runs_due ON job_runs (finished_at, id);

CREATE TABLE staff (
    id uuid PRIMARY KEY,
    unit_id uuid,
    name bytea,
    email bytea,
    role text NOT NULL CHECK (role IN ('AGENT', 'WAREHOUSE', 'FINANCE', 'DPO', 'ADMIN')),
    created_at timestamptz NOT NULL,
    left_at timestamptz,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX staff_due ON staff (start_at, id);
CREATE INDEX staff_unit ON staff (unit_id);

CREATE TABLE retention_rules (
    id uuid PRIMARY KEY,
    data_type text NOT NULL,
    version integer NOT NULL,
    start_event text NOT NULL,
    period_count integer NOT NULL,
    period_unit text NOT NULL CHECK (period_unit IN ('DAY', 'MONTH', 'YEAR')),
    year_end boolean NOT NULL,
    action text NOT NULL CHECK (action IN ('DELETE', 'ANONYMISE')),
    norm text NOT NULL,
    purpose text NOT NULL,
    basis text NOT NULL,
    valid_from timestamptz NOT NULL,
    superseded_at timestamptz
);
CREATE INDEX retention_rules_due ON retention_rules (superseded_at, id);

CREATE TABLE suppressions (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX suppressions_due ON suppressions (created_at, id);

CREATE TABLE case_statistics (
    kind text NOT NULL,
    product_group text NOT NULL,
    reason text NOT NULL,
    outcome text NOT NULL,
    opened_month text NOT NULL,
    closed_month text NOT NULL,
    duration_bucket text NOT NULL,
    refund_bucket text NOT NULL,
    cases bigint NOT NULL,
    PRIMARY KEY (kind, product_group, reason, outcome, opened_month, closed_month, duration_bucket, refund_bucket)
);

CREATE TABLE order_line_statistics (
    product_group text NOT NULL,
    month text NOT NULL,
    quantity bigint NOT NULL,
    PRIMARY KEY (product_group, month)
);

CREATE UNIQUE INDEX cases_number ON cases (number);
CREATE INDEX cases_state ON cases (state, id);
CREATE INDEX refunds_state ON refunds (state, id);
CREATE UNIQUE INDEX idempotency_keys_key ON idempotency_keys (actor, operation, key_hash);
CREATE UNIQUE INDEX access_entries_hour ON access_entries (case_id, actor_id, at, purpose) WHERE attachment_id IS NULL;
CREATE INDEX outbox_entries_ready ON outbox_entries (state, available_at, id);
CREATE INDEX erasures_state ON erasures (state, id);
CREATE INDEX audit_entries_row ON audit_entries (row_id, id);
CREATE INDEX job_runs_job ON job_runs (job, id);
CREATE UNIQUE INDEX suppressions_hash ON suppressions (hash);
CREATE UNIQUE INDEX retention_rules_version ON retention_rules (data_type, version);
