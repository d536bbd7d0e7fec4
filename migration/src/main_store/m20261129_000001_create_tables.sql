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
    archived_at timestamptz,
    erased_at timestamptz
);
CREATE INDEX customers_due ON customers (start_at, id);
CREATE INDEX customers_unit ON customers (unit_id);
CREATE INDEX customers_bare ON customers (id) WHERE erased_at IS NOT NULL;

CREATE TABLE orders (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    number bytea,
    ordered_at timestamptz,
    currency text,
    captured_minor bigint CHECK (captured_minor >= 0),
    charged_back_minor bigint CHECK (charged_back_minor >= 0),
    shipping_minor bigint CHECK (shipping_minor >= 0),
    standard_shipping_minor bigint CHECK (standard_shipping_minor >= 0),
    shipping_tax_basis_points integer,
    payment_method text CHECK (payment_method IN ('VISA', 'MASTERCARD')),
    payment_reference bytea,
    delivered_at timestamptz,
    land text,
    withdrawal_instructed boolean,
    return_cost_told boolean,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz,
    archived_at timestamptz,
    erased_at timestamptz
);
CREATE INDEX orders_due ON orders (start_at, id);
CREATE INDEX orders_unit ON orders (unit_id);
CREATE INDEX orders_bare ON orders (id) WHERE erased_at IS NOT NULL;
CREATE INDEX orders_customer ON orders (customer_id, id);

CREATE TABLE order_lines (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    unit_id uuid,
    position integer NOT NULL,
    sku text NOT NULL,
    product_group text NOT NULL,
    title bytea,
    serial_number bytea,
    quantity integer NOT NULL CHECK (quantity > 0),
    unit_price_minor bigint NOT NULL,
    tax_basis_points integer NOT NULL,
    withdrawal_exclusion text CHECK (withdrawal_exclusion IN ('CUSTOM_MADE', 'PERISHABLE', 'HYGIENE_SEALED', 'MIXED', 'ALCOHOL_AT_MARKET_PRICE', 'MEDIA_SEALED', 'PRESS', 'FINANCIAL_MARKET_PRICE')),
    guarantee_months integer CHECK (guarantee_months > 0),
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX order_lines_due ON order_lines (start_at, id);
CREATE INDEX order_lines_unit ON order_lines (unit_id);
CREATE INDEX order_lines_order ON order_lines (order_id, id);

CREATE TABLE cases (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    order_id uuid REFERENCES orders (id),
    number text,
    kind text CHECK (kind IN ('ORDER_ADVICE', 'USAGE_GUIDANCE', 'RETURN', 'EXCHANGE', 'WARRANTY_CLAIM', 'REFUND_TRACKING', 'LOGISTICS_QUERY', 'COMPLAINT', 'WITHDRAWAL', 'ORDER_CANCELLATION', 'FEEDBACK')),
    channel text CHECK (channel IN ('PORTAL', 'PHONE', 'EMAIL', 'LETTER', 'WEB_FORM')),
    state text NOT NULL CHECK (state IN ('RECEIVED', 'UNDER_REVIEW', 'NEEDS_INFO', 'EXTENDED', 'SOLVED_DIRECTLY', 'RETURN_INSTRUCTED', 'RESOLVED_WITHOUT_RETURN', 'NOT_ELIGIBLE', 'IN_TRANSIT', 'RETURN_EXPIRED', 'LOST_IN_TRANSIT', 'RETURN_RECEIVED', 'INSPECTING', 'ELIGIBLE', 'PARTIALLY_ELIGIBLE', 'REPAIR', 'REPLACEMENT', 'REFUND', 'PRICE_REDUCTION', 'SENT_BACK', 'RESULT_NOTIFIED', 'CLOSED', 'REOPENED', 'RE_EXAMINATION', 'DISPUTE_OPEN', 'SETTLED', 'ADR', 'COURT', 'DISPUTE_CLOSED', 'CANCELLED', 'MERGED', 'ERASED')),
    reason text CHECK (reason IN ('QUALITY_DEFECT', 'NOT_AS_DESCRIBED', 'MISSING_ACCESSORY', 'DAMAGED', 'WRONG_DELIVERY', 'WRONG_LABELLING', 'NO_REASON', 'ANSWERED', 'PERIOD_ENDED', 'RIGHT_EXCLUDED', 'DEFECT_NOT_CONFIRMED', 'NOT_OUR_PRODUCT', 'GOODS_NOT_RETURNED', 'CAUSED_BY_USE')),
    outcome text CHECK (outcome IN ('SOLVED_DIRECTLY', 'ELIGIBLE', 'PARTIALLY_ELIGIBLE', 'NOT_ELIGIBLE')),
    legal_basis text CHECK (legal_basis IN ('WITHDRAWAL', 'SHOP_RETURN', 'WARRANTY', 'NONE')),
    product_group text,
    waiting_for text CHECK (waiting_for IN ('SHOP', 'CUSTOMER', 'BANK', 'NOBODY')),
    asked_for text,
    assigned_to uuid,
    reexamined_by uuid,
    merged_into uuid,
    notified_at timestamptz,
    notified_by text CHECK (notified_by IN ('EMAIL', 'PHONE')),
    reopenings integer NOT NULL,
    opened_at timestamptz,
    decided_at timestamptz,
    decided_by uuid,
    closed_at timestamptz,
    first_response text CHECK (first_response IN ('WITHIN', 'OVER')),
    review text CHECK (review IN ('WITHIN', 'OVER')),
    refunded_minor bigint,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz,
    archived_at timestamptz,
    erased_at timestamptz
);
CREATE INDEX cases_due ON cases (start_at, id);
CREATE INDEX cases_bare ON cases (id) WHERE erased_at IS NOT NULL;
CREATE INDEX cases_customer ON cases (customer_id, id);
CREATE INDEX cases_order ON cases (order_id, id);
CREATE INDEX cases_open ON cases (customer_id) WHERE state NOT IN ('CLOSED', 'CANCELLED', 'MERGED', 'ERASED');

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    unit_id uuid,
    data_type text NOT NULL CHECK (data_type IN ('R03', 'R04', 'R06')),
    form text NOT NULL CHECK (form IN ('REQUEST', 'REPLY', 'DECISION', 'INFO_REQUEST', 'RETURN_INSTRUCTION', 'DELAY_NOTICE', 'RESULT_NOTICE', 'CALL', 'OBJECTION', 'DISPUTE_NOTICE', 'INTERNAL_NOTE')),
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

CREATE TABLE mails (
    id uuid PRIMARY KEY,
    case_id uuid REFERENCES cases (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    data_type text NOT NULL CHECK (data_type IN ('R03', 'R04', 'R05', 'R06', 'R14', 'R30')),
    template text NOT NULL CHECK (template IN ('ACKNOWLEDGEMENT', 'WITHDRAWAL_RECEIPT', 'MESSAGE', 'INFO_REQUEST', 'DELAY_NOTICE', 'RETURN_INSTRUCTION', 'DECISION', 'RESULT_NOTICE', 'REFUND_UPDATE', 'DISPUTE_NOTICE', 'GUEST_LINK', 'ERASURE_ANSWER', 'ERASURE_CLOSING', 'RECIPIENT_NOTICE', 'RESTRICTION_NOTICE')),
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

CREATE TABLE parcels (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id),
    unit_id uuid,
    case_id uuid REFERENCES cases (id),
    return_id uuid,
    purpose text NOT NULL CHECK (purpose IN ('ORDER', 'RETURN', 'REPLACEMENT', 'SENT_BACK')),
    state text NOT NULL CHECK (state IN ('ANNOUNCED', 'IN_TRANSIT', 'LOST', 'DELIVERED')),
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
CREATE INDEX parcels_case ON parcels (case_id, id);

CREATE TABLE refunds (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    order_id uuid NOT NULL REFERENCES orders (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    state text NOT NULL CHECK (state IN ('GRANTED', 'SUBMITTED', 'PENDING_AT_PROVIDER', 'OVERDUE', 'CLARIFICATION', 'CREDITED', 'FAILED', 'ALTERNATIVE_AGREED')),
    kind text NOT NULL CHECK (kind IN ('GOODS', 'PRICE_REDUCTION', 'GOODWILL')),
    means text NOT NULL CHECK (means IN ('ORIGINAL', 'BANK_TRANSFER')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    calculation text,
    payee bytea,
    reference bytea,
    granted_at timestamptz NOT NULL,
    granted_by uuid NOT NULL,
    approval_needed boolean NOT NULL,
    approved_at timestamptz,
    approved_by uuid,
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
CREATE INDEX refunds_running ON refunds (customer_id)
    WHERE state IN ('GRANTED', 'SUBMITTED', 'PENDING_AT_PROVIDER', 'OVERDUE', 'CLARIFICATION', 'ALTERNATIVE_AGREED');

CREATE TABLE attachments (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    return_id uuid,
    content_hash bytea,
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

CREATE TABLE case_transitions (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    position bigint NOT NULL,
    from_state text CHECK (from_state IN ('RECEIVED', 'UNDER_REVIEW', 'NEEDS_INFO', 'EXTENDED', 'SOLVED_DIRECTLY', 'RETURN_INSTRUCTED', 'RESOLVED_WITHOUT_RETURN', 'NOT_ELIGIBLE', 'IN_TRANSIT', 'RETURN_EXPIRED', 'LOST_IN_TRANSIT', 'RETURN_RECEIVED', 'INSPECTING', 'ELIGIBLE', 'PARTIALLY_ELIGIBLE', 'REPAIR', 'REPLACEMENT', 'REFUND', 'PRICE_REDUCTION', 'SENT_BACK', 'RESULT_NOTIFIED', 'CLOSED', 'REOPENED', 'RE_EXAMINATION', 'DISPUTE_OPEN', 'SETTLED', 'ADR', 'COURT', 'DISPUTE_CLOSED', 'CANCELLED', 'MERGED', 'ERASED')),
    to_state text NOT NULL CHECK (to_state IN ('RECEIVED', 'UNDER_REVIEW', 'NEEDS_INFO', 'EXTENDED', 'SOLVED_DIRECTLY', 'RETURN_INSTRUCTED', 'RESOLVED_WITHOUT_RETURN', 'NOT_ELIGIBLE', 'IN_TRANSIT', 'RETURN_EXPIRED', 'LOST_IN_TRANSIT', 'RETURN_RECEIVED', 'INSPECTING', 'ELIGIBLE', 'PARTIALLY_ELIGIBLE', 'REPAIR', 'REPLACEMENT', 'REFUND', 'PRICE_REDUCTION', 'SENT_BACK', 'RESULT_NOTIFIED', 'CLOSED', 'REOPENED', 'RE_EXAMINATION', 'DISPUTE_OPEN', 'SETTLED', 'ADR', 'COURT', 'DISPUTE_CLOSED', 'CANCELLED', 'MERGED', 'ERASED')),
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('ANONYMOUS', 'CUSTOMER', 'STAFF', 'SHOP', 'SYSTEM')),
    actor_id uuid,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX case_transitions_due ON case_transitions (start_at, id);
CREATE UNIQUE INDEX case_transitions_case ON case_transitions (case_id, position);

CREATE TABLE withdrawals (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    order_id uuid REFERENCES orders (id),
    case_id uuid REFERENCES cases (id),
    unit_id uuid,
    name bytea,
    contract bytea,
    receipt_to bytea,
    statement bytea,
    received_at timestamptz NOT NULL,
    dispatched_at timestamptz,
    receipt_id uuid,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX withdrawals_due ON withdrawals (start_at, id);
CREATE INDEX withdrawals_unit ON withdrawals (unit_id);
CREATE INDEX withdrawals_case ON withdrawals (case_id, id);
CREATE INDEX withdrawals_order ON withdrawals (order_id, id);
CREATE INDEX withdrawals_customer ON withdrawals (customer_id, id);

CREATE TABLE returns (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    order_id uuid NOT NULL REFERENCES orders (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    data_type text NOT NULL CHECK (data_type IN ('R02a', 'R02b')),
    number text NOT NULL,
    state text NOT NULL CHECK (state IN ('INSTRUCTED', 'IN_TRANSIT', 'EXPIRED', 'LOST', 'RECEIVED', 'INSPECTING', 'INSPECTED')),
    bearer text NOT NULL CHECK (bearer IN ('CUSTOMER', 'SHOP')),
    address text NOT NULL,
    notes bytea,
    label bytea,
    instructed_at timestamptz NOT NULL,
    return_by timestamptz NOT NULL,
    dispatched_at timestamptz,
    dispatch_proof bytea,
    received_at timestamptz,
    received_by uuid,
    inspected_at timestamptz,
    inspected_by uuid,
    finding bytea,
    booked_at timestamptz,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX returns_due ON returns (data_type, start_at, id);
CREATE INDEX returns_unit ON returns (unit_id);
CREATE INDEX returns_case ON returns (case_id, id);
CREATE INDEX returns_order ON returns (order_id, id);
CREATE INDEX returns_customer ON returns (customer_id, id);
CREATE UNIQUE INDEX returns_number ON returns (number);

CREATE TABLE return_lines (
    id uuid PRIMARY KEY,
    return_id uuid NOT NULL REFERENCES returns (id),
    order_line_id uuid NOT NULL,
    unit_id uuid,
    data_type text NOT NULL CHECK (data_type IN ('R02a', 'R02b')),
    quantity integer NOT NULL CHECK (quantity > 0),
    reason text CHECK (reason IN ('QUALITY_DEFECT', 'NOT_AS_DESCRIBED', 'MISSING_ACCESSORY', 'DAMAGED', 'WRONG_DELIVERY', 'WRONG_LABELLING', 'NO_REASON', 'ANSWERED', 'PERIOD_ENDED', 'RIGHT_EXCLUDED', 'DEFECT_NOT_CONFIRMED', 'NOT_OUR_PRODUCT', 'GOODS_NOT_RETURNED', 'CAUSED_BY_USE')),
    detail text,
    received integer,
    wrong integer NOT NULL,
    accepted integer,
    grade text CHECK (grade IN ('NEW', 'OPENED', 'USED', 'DEFECTIVE', 'UNUSABLE')),
    finding bytea,
    disposition text CHECK (disposition IN ('RESTOCK', 'REFURBISH', 'DESTROY', 'SEND_BACK', 'TO_SUPPLIER')),
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX return_lines_due ON return_lines (data_type, start_at, id);
CREATE INDEX return_lines_unit ON return_lines (unit_id);
CREATE INDEX return_lines_return ON return_lines (return_id, id);

CREATE TABLE carrier_events (
    id uuid PRIMARY KEY,
    parcel_id uuid NOT NULL REFERENCES parcels (id),
    unit_id uuid,
    dedup_key bytea NOT NULL,
    status text NOT NULL CHECK (status IN ('ANNOUNCED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED', 'EXCEPTION', 'LOST')),
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    detail bytea,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX carrier_events_due ON carrier_events (start_at, id);
CREATE INDEX carrier_events_unit ON carrier_events (unit_id);
CREATE INDEX carrier_events_parcel ON carrier_events (parcel_id, id);
CREATE UNIQUE INDEX carrier_events_key ON carrier_events (dedup_key);

CREATE TABLE remedies (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    order_id uuid NOT NULL REFERENCES orders (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    order_line_id uuid NOT NULL,
    unit_id uuid,
    kind text NOT NULL CHECK (kind IN ('REPAIR', 'REPLACEMENT', 'EXCHANGE')),
    state text NOT NULL CHECK (state IN ('ORDERED', 'SHIPPED', 'DELIVERED', 'CANCELLED')),
    quantity integer NOT NULL CHECK (quantity > 0),
    sku text,
    title bytea,
    price_difference_minor bigint,
    currency text,
    difference_settled_at timestamptz,
    parcel_id uuid,
    ordered_at timestamptz NOT NULL,
    ordered_by uuid,
    shipped_at timestamptz,
    delivered_at timestamptz,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX remedies_due ON remedies (start_at, id);
CREATE INDEX remedies_unit ON remedies (unit_id);
CREATE INDEX remedies_case ON remedies (case_id, id);
CREATE INDEX remedies_order ON remedies (order_id, id);
CREATE INDEX remedies_customer ON remedies (customer_id, id);
CREATE INDEX remedies_parcel ON remedies (parcel_id, id);

CREATE TABLE inquiry_entries (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    refund_id uuid NOT NULL,
    unit_id uuid,
    party text NOT NULL CHECK (party IN ('CUSTOMER', 'BANK', 'PROVIDER', 'SHOP')),
    text bytea,
    arn bytea,
    at timestamptz NOT NULL,
    author_kind text NOT NULL CHECK (author_kind IN ('ANONYMOUS', 'CUSTOMER', 'STAFF', 'SHOP', 'SYSTEM')),
    author_id uuid,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX inquiry_entries_due ON inquiry_entries (start_at, id);
CREATE INDEX inquiry_entries_unit ON inquiry_entries (unit_id);
CREATE INDEX inquiry_entries_case ON inquiry_entries (case_id, id);
CREATE INDEX inquiry_entries_refund ON inquiry_entries (refund_id, id);

CREATE TABLE consents (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    case_id uuid REFERENCES cases (id),
    refund_id uuid,
    unit_id uuid,
    kind text NOT NULL CHECK (kind IN ('OTHER_PAYMENT_MEANS', 'CONTACT_BY_PHONE')),
    text bytea,
    given_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    recorded_by text NOT NULL CHECK (recorded_by IN ('ANONYMOUS', 'CUSTOMER', 'STAFF', 'SHOP', 'SYSTEM')),
    recorded_by_id uuid,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX consents_due ON consents (start_at, id);
CREATE INDEX consents_unit ON consents (unit_id);
CREATE INDEX consents_case ON consents (case_id, id);
CREATE INDEX consents_customer ON consents (customer_id, id);

CREATE TABLE disputes (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    state text NOT NULL CHECK (state IN ('OPEN', 'SETTLED', 'CONCILIATION', 'COURT', 'CLOSED')),
    outcome text CHECK (outcome IN ('SETTLEMENT', 'FOR_CUSTOMER', 'FOR_SHOP', 'WITHDRAWN', 'NO_AGREEMENT')),
    body bytea,
    reference bytea,
    summary bytea,
    opened_at timestamptz NOT NULL,
    opened_by uuid,
    proceeding_at timestamptz,
    closed_at timestamptz,
    limitation_until timestamptz,
    hold_id uuid,
    version bigint NOT NULL,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX disputes_due ON disputes (start_at, id);
CREATE INDEX disputes_unit ON disputes (unit_id);
CREATE INDEX disputes_case ON disputes (case_id, id);
CREATE INDEX disputes_customer ON disputes (customer_id, id);
CREATE INDEX disputes_hold ON disputes (hold_id, id);

CREATE TABLE proposals (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    unit_id uuid,
    state text NOT NULL CHECK (state IN ('OFFERED', 'ACCEPTED', 'DECLINED')),
    text bytea,
    amount_minor bigint,
    currency text,
    offered_by text NOT NULL CHECK (offered_by IN ('ANONYMOUS', 'CUSTOMER', 'STAFF', 'SHOP', 'SYSTEM')),
    offered_by_id uuid,
    offered_at timestamptz NOT NULL,
    answered_at timestamptz,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX proposals_due ON proposals (start_at, id);
CREATE INDEX proposals_unit ON proposals (unit_id);
CREATE INDEX proposals_case ON proposals (case_id, id);

CREATE TABLE disclosures (
    id uuid PRIMARY KEY,
    case_id uuid REFERENCES cases (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    recipient_kind text NOT NULL CHECK (recipient_kind IN ('CARRIER', 'PAYMENT_PROVIDER', 'REPAIR_SHOP', 'CONCILIATION_BOARD', 'COURT', 'LAWYER', 'AUTHORITY')),
    recipient text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('DELIVERY', 'PAYMENT', 'CURE', 'LEGAL_CLAIM')),
    what text NOT NULL,
    at timestamptz NOT NULL,
    by_staff uuid,
    notice_id uuid,
    not_before timestamptz
);
CREATE INDEX disclosures_due ON disclosures (at, id);
CREATE INDEX disclosures_case ON disclosures (case_id, id);
CREATE INDEX disclosures_customer ON disclosures (customer_id, id);

CREATE TABLE inbound_mails (
    id uuid PRIMARY KEY,
    case_id uuid REFERENCES cases (id),
    customer_id uuid REFERENCES customers (id),
    unit_id uuid,
    state text NOT NULL CHECK (state IN ('FILED', 'AUTOMATIC', 'BOUNCE', 'UNREADABLE')),
    dedup_key bytea NOT NULL,
    blob text,
    byte_size bigint NOT NULL,
    received_at timestamptz NOT NULL,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX inbound_mails_due ON inbound_mails (start_at, id);
CREATE INDEX inbound_mails_unit ON inbound_mails (unit_id);
CREATE INDEX inbound_mails_case ON inbound_mails (case_id, id);
CREATE INDEX inbound_mails_customer ON inbound_mails (customer_id, id);
CREATE UNIQUE INDEX inbound_mails_key ON inbound_mails (dedup_key);

CREATE TABLE timers (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    refund_id uuid,
    rule text NOT NULL,
    state text NOT NULL CHECK (state IN ('RUNNING', 'PAUSED', 'MET', 'BREACHED', 'SUPERSEDED')),
    started_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    announced boolean NOT NULL,
    pauses text NOT NULL,
    settled_at timestamptz,
    breached_at timestamptz,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX timers_due ON timers (start_at, id);
CREATE INDEX timers_case ON timers (case_id, id);
CREATE INDEX timers_refund ON timers (refund_id, id);
CREATE INDEX timers_end ON timers (state, ends_at, id);

CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases (id),
    timer_id uuid,
    kind text NOT NULL CHECK (kind IN ('DEADLINE_MISSED', 'REFUND_NOT_CREDITED', 'INSPECT_GOODS', 'ARRANGE_REMEDY', 'SEND_GOODS_BACK', 'MATCH_WITHDRAWAL', 'REFUND_WITHDRAWAL', 'TRACE_PARCEL', 'APPROVE_REFUND', 'REEXAMINE_CASE', 'MAIL_BOUNCED', 'READ_MAIL', 'REVIEW_DISPUTE', 'REFUND_FAILED')),
    created_at timestamptz NOT NULL,
    done_at timestamptz,
    done_by uuid,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX tasks_due ON tasks (start_at, id);
CREATE INDEX tasks_case ON tasks (case_id, id);
CREATE INDEX tasks_open ON tasks (done_at, id);

CREATE TABLE holds (
    id uuid PRIMARY KEY,
    customer_id uuid REFERENCES customers (id),
    order_id uuid REFERENCES orders (id),
    case_id uuid REFERENCES cases (id),
    data_type text,
    year integer,
    from_at timestamptz,
    to_at timestamptz,
    unit_id uuid,
    reason text NOT NULL CHECK (reason IN ('LEGAL_CLAIM', 'TAX_AUDIT', 'AUTHORITY_REQUEST', 'ACCESS_REQUEST')),
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
         + (CASE WHEN customer_id IS NULL THEN 0 ELSE 1 END)
         + (CASE WHEN data_type IS NULL THEN 0 ELSE 1 END) = 1),
    CHECK ((data_type IS NULL) = (year IS NULL) AND (year IS NULL) = (from_at IS NULL) AND (from_at IS NULL) = (to_at IS NULL))
);
CREATE INDEX holds_due ON holds (start_at, id);
CREATE INDEX holds_unit ON holds (unit_id);
CREATE INDEX holds_customer ON holds (customer_id, id);
CREATE INDEX holds_order ON holds (order_id, id);
CREATE INDEX holds_case ON holds (case_id, id);
-- What stands is asked at every deletion, and is little.
CREATE INDEX holds_standing_customer ON holds (customer_id) WHERE released_at IS NULL;
CREATE INDEX holds_standing_order ON holds (order_id) WHERE released_at IS NULL;
CREATE INDEX holds_standing_case ON holds (case_id) WHERE released_at IS NULL;
CREATE INDEX holds_standing_records ON holds (data_type, from_at) WHERE released_at IS NULL;

CREATE TABLE restrictions (
    id uuid PRIMARY KEY,
    customer_id uuid REFERENCES customers (id),
    case_id uuid REFERENCES cases (id),
    unit_id uuid,
    ground text NOT NULL CHECK (ground IN ('ACCURACY_CONTESTED', 'UNLAWFUL_PROCESSING', 'NEEDED_FOR_CLAIMS', 'OBJECTION_PENDING')),
    note bytea,
    placed_at timestamptz NOT NULL,
    placed_by uuid,
    review_on date NOT NULL,
    told_at timestamptz,
    told_by text CHECK (told_by IN ('EMAIL', 'LETTER', 'PHONE')),
    mail_id uuid,
    lift_on date,
    lifted_at timestamptz,
    lifted_by uuid,
    start_at timestamptz,
    not_before timestamptz,
    CHECK ((customer_id IS NULL) <> (case_id IS NULL)),
    -- GDPR Art. 18(3): the person is told before it is lifted.
    CHECK (lifted_at IS NULL OR (told_at IS NOT NULL AND told_at <= lifted_at))
);
CREATE INDEX restrictions_due ON restrictions (start_at, id);
CREATE INDEX restrictions_unit ON restrictions (unit_id);
CREATE INDEX restrictions_customer ON restrictions (customer_id, id);
CREATE INDEX restrictions_case ON restrictions (case_id, id);
CREATE INDEX restrictions_standing_customer ON restrictions (customer_id) WHERE lifted_at IS NULL;
CREATE INDEX restrictions_standing_case ON restrictions (case_id) WHERE lifted_at IS NULL;

CREATE TABLE retention_plans (
    id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('PLANNED', 'APPROVED', 'EXECUTED', 'EXPIRED', 'CANCELLED')),
    due_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    made_by uuid,
    approved_at timestamptz,
    approved_by uuid,
    finished_at timestamptz,
    planned bigint NOT NULL,
    lines text NOT NULL
);
CREATE INDEX retention_plans_due ON retention_plans (finished_at, id);

CREATE TABLE retention_plan_rows (
    id uuid PRIMARY KEY,
    plan_id uuid NOT NULL REFERENCES retention_plans (id),
    position bigint NOT NULL,
    table_name text NOT NULL,
    row_id uuid NOT NULL,
    data_type text NOT NULL,
    rule_version integer NOT NULL,
    row_start timestamptz NOT NULL,
    row_version bigint,
    outcome text CHECK (outcome IN ('DELETED', 'ANONYMISED', 'HELD', 'RESTRICTED', 'OPEN', 'NOT_DUE', 'CHANGED', 'GONE')),
    made_at timestamptz NOT NULL
);
CREATE INDEX retention_plan_rows_due ON retention_plan_rows (made_at, id);
CREATE UNIQUE INDEX retention_plan_rows_plan ON retention_plan_rows (plan_id, position);

CREATE TABLE retention_runs (
    id uuid PRIMARY KEY,
    plan_id uuid,
    state text NOT NULL CHECK (state IN ('RUNNING', 'DONE', 'CAPPED', 'SURPLUS', 'PAUSED', 'CANCELLED', 'FAILED')),
    started_at timestamptz NOT NULL,
    started_by uuid,
    finished_at timestamptz,
    due bigint NOT NULL,
    done bigint NOT NULL,
    forecast bigint,
    surplus bigint NOT NULL,
    confirmed_at timestamptz,
    confirmed_by uuid,
    cancelled_at timestamptz,
    cancelled_by uuid
);
CREATE INDEX retention_runs_due ON retention_runs (finished_at, id);

-- One row: whether the sweep may run, and what the last one foresaw for the next.
CREATE TABLE retention_control (
    id integer PRIMARY KEY CHECK (id = 1),
    paused_at timestamptz,
    paused_by uuid,
    forecast_at timestamptz,
    forecast text,
    ledger_chain text
);
INSERT INTO retention_control (id) VALUES (1);

CREATE TABLE access_entries (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('ANONYMOUS', 'CUSTOMER', 'STAFF', 'SHOP', 'SYSTEM')),
    actor_id uuid,
    case_id uuid,
    customer_id uuid,
    attachment_id uuid,
    purpose text NOT NULL CHECK (purpose IN ('CASE_HANDLING', 'GOODS', 'REFUND', 'CONTACT', 'DATA_PROTECTION', 'EVIDENCE', 'SELF_SERVICE', 'BOOKKEEPING', 'LEGAL_CLAIM', 'STAFF_ACCOUNTS'))
);
CREATE INDEX access_entries_due ON access_entries (at, id);
CREATE INDEX access_entries_case ON access_entries (case_id, id);
CREATE INDEX access_entries_customer ON access_entries (customer_id, id);

CREATE TABLE tokens (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    kind text NOT NULL CHECK (kind IN ('CUSTOMER_ACCESS', 'GUEST', 'UPLOAD')),
    attachment_id uuid,
    order_id uuid,
    case_id uuid,
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
    state text NOT NULL CHECK (state IN ('RUNNING', 'DEFERRED', 'SETTLED')),
    requested_at timestamptz NOT NULL,
    requested_by uuid,
    report text NOT NULL,
    wake_at timestamptz,
    unit_id uuid,
    identifiers bytea,
    scan_state text CHECK (scan_state IN ('PENDING', 'PASSED', 'FAILED')),
    scan text,
    scanned_at timestamptz,
    certificate text,
    certificate_hash text,
    settled_at timestamptz
);
CREATE INDEX erasures_due ON erasures (settled_at, id);
CREATE INDEX erasures_unit ON erasures (unit_id);
CREATE INDEX erasures_customer ON erasures (customer_id, id);
CREATE INDEX erasures_scan ON erasures (scan_state, id);

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

CREATE TABLE policy_versions (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    document text NOT NULL,
    valid_from timestamptz NOT NULL,
    superseded_at timestamptz
);
CREATE INDEX policy_versions_due ON policy_versions (superseded_at, id);
CREATE UNIQUE INDEX policy_versions_version ON policy_versions (version);

CREATE TABLE suppressions (
    id uuid PRIMARY KEY,
    hash bytea NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX suppressions_due ON suppressions (created_at, id);

CREATE UNIQUE INDEX cases_number ON cases (number);
CREATE INDEX cases_state ON cases (state, id);
CREATE INDEX cases_kind ON cases (kind, id);
CREATE INDEX cases_assigned_to ON cases (assigned_to, id);
CREATE INDEX refunds_state ON refunds (state, id);
CREATE UNIQUE INDEX idempotency_keys_key ON idempotency_keys (actor, operation, key_hash);
CREATE UNIQUE INDEX access_entries_hour ON access_entries (case_id, actor_id, at, purpose) WHERE attachment_id IS NULL;
CREATE INDEX outbox_entries_ready ON outbox_entries (state, available_at, id);
CREATE INDEX erasures_state ON erasures (state, id);
CREATE INDEX audit_entries_row ON audit_entries (row_id, id);
CREATE INDEX job_runs_job ON job_runs (job, id);
CREATE UNIQUE INDEX suppressions_hash ON suppressions (hash);
CREATE UNIQUE INDEX retention_rules_version ON retention_rules (data_type, version);
CREATE INDEX orders_ordered_at ON orders (ordered_at, id);

CREATE TABLE service_statistics (
    counted text NOT NULL CHECK (counted IN ('CASES', 'ORDER_LINES')),
    year integer NOT NULL,
    property text NOT NULL,
    value text NOT NULL,
    other_property text NOT NULL,
    other_value text NOT NULL,
    settled boolean NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (counted, year, property, other_property, value, other_value)
);

CREATE TABLE safety_entries (
    id uuid PRIMARY KEY,
    case_id uuid,
    customer_id uuid,
    unit_id uuid,
    sku text NOT NULL,
    product_group text NOT NULL,
    harm text NOT NULL CHECK (harm IN ('NONE', 'MINOR', 'SERIOUS', 'FATAL')),
    happened_on date,
    account bytea,
    contact bytea,
    measures bytea,
    reported_at timestamptz,
    entered_at timestamptz NOT NULL,
    entered_by uuid,
    version bigint NOT NULL
);
CREATE INDEX safety_entries_due ON safety_entries (entered_at, id);
CREATE INDEX safety_entries_case ON safety_entries (case_id, id);
CREATE INDEX safety_entries_customer ON safety_entries (customer_id, id);
CREATE INDEX safety_entries_unit ON safety_entries (unit_id);
CREATE INDEX safety_entries_sku ON safety_entries (sku, id);

CREATE TABLE recipient_notices (
    id uuid PRIMARY KEY,
    erasure_id uuid NOT NULL,
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    recipient_kind text NOT NULL CHECK (recipient_kind IN ('CARRIER', 'PAYMENT_PROVIDER', 'REPAIR_SHOP', 'CONCILIATION_BOARD', 'COURT', 'LAWYER', 'AUTHORITY')),
    recipient text NOT NULL,
    reference bytea,
    mail_id uuid,
    created_at timestamptz NOT NULL,
    told_at timestamptz,
    told_by uuid,
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    not_before timestamptz
);
CREATE INDEX recipient_notices_due ON recipient_notices (created_at, id);
CREATE INDEX recipient_notices_unit ON recipient_notices (unit_id);
CREATE INDEX recipient_notices_erasure ON recipient_notices (erasure_id, id);
CREATE INDEX recipient_notices_customer ON recipient_notices (customer_id, id);

CREATE TABLE subject_requests (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    unit_id uuid,
    kind text NOT NULL CHECK (kind IN ('ERASURE')),
    erasure_id uuid,
    received_at timestamptz NOT NULL,
    locale text NOT NULL CHECK (locale IN ('DE', 'EN')),
    recipient bytea,
    name bytea,
    answer bytea,
    mail_id uuid,
    answered_at timestamptz,
    closing bytea,
    closing_mail_id uuid,
    closed_at timestamptz,
    not_before timestamptz
);
CREATE INDEX subject_requests_due ON subject_requests (closed_at, id);
CREATE INDEX subject_requests_unit ON subject_requests (unit_id);
CREATE INDEX subject_requests_erasure ON subject_requests (erasure_id, id);
CREATE INDEX subject_requests_customer ON subject_requests (customer_id, id);
