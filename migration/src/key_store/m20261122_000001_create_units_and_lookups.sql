-- One row: proves the master key, counts every destruction so that caches elsewhere notice.
CREATE TABLE store (
    id integer PRIMARY KEY CHECK (id = 1),
    generation bigint NOT NULL,
    master_key_id bytea NOT NULL,
    master_key_check bytea NOT NULL
);

-- One data key per erasure unit: owner row x data type x calendar year (0 where the period does not start per item).
CREATE TABLE units (
    id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,
    data_type text NOT NULL,
    year bigint NOT NULL,
    subject_id uuid,
    wrapped_key bytea NOT NULL,
    used_at timestamptz NOT NULL,
    UNIQUE (owner_id, data_type, year)
);
CREATE INDEX units_subject ON units (subject_id);
CREATE INDEX units_used ON units (used_at);

-- Keyed blind indexes. They go with the person's last unit.
CREATE TABLE lookups (
    hash bytea PRIMARY KEY,
    kind text NOT NULL,
    target_id uuid NOT NULL,
    subject_id uuid NOT NULL
);
CREATE INDEX lookups_subject ON lookups (subject_id);
CREATE INDEX lookups_target ON lookups (target_id);
