-- What legal tracks need to know of an order, the shop's policy by version, timers and tasks of a case.

ALTER TABLE orders ADD COLUMN land text;
ALTER TABLE orders ADD COLUMN withdrawal_instructed boolean;
ALTER TABLE orders ADD COLUMN return_cost_told boolean;
ALTER TABLE order_lines ADD COLUMN withdrawal_exclusion text CHECK (withdrawal_exclusion IN ('CUSTOM_MADE', 'PERISHABLE', 'HYGIENE_SEALED', 'MIXED', 'ALCOHOL_AT_MARKET_PRICE', 'MEDIA_SEALED', 'PRESS', 'FINANCIAL_MARKET_PRICE'));
ALTER TABLE order_lines ADD COLUMN guarantee_months integer CHECK (guarantee_months > 0);

CREATE TABLE policy_versions (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    document text NOT NULL,
    valid_from timestamptz NOT NULL,
    superseded_at timestamptz
);
CREATE INDEX policy_versions_due ON policy_versions (superseded_at, id);
CREATE UNIQUE INDEX policy_versions_version ON policy_versions (version);

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
    kind text NOT NULL CHECK (kind IN ('DEADLINE_MISSED', 'REFUND_NOT_CREDITED')),
    created_at timestamptz NOT NULL,
    done_at timestamptz,
    done_by uuid,
    start_at timestamptz,
    not_before timestamptz
);
CREATE INDEX tasks_due ON tasks (start_at, id);
CREATE INDEX tasks_case ON tasks (case_id, id);
CREATE INDEX tasks_open ON tasks (done_at, id);
