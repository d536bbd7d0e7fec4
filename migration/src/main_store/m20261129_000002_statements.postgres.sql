-- A statement of withdrawal is received once and for all: its content and instant never change (BGB § 355(1)).
CREATE FUNCTION withdrawals_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a statement of withdrawal never changes' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER withdrawals_immutable BEFORE UPDATE ON withdrawals FOR EACH ROW
WHEN ((NEW.name IS NOT NULL AND NEW.name IS DISTINCT FROM OLD.name) OR (NEW.contract IS NOT NULL AND NEW.contract IS DISTINCT FROM OLD.contract) OR (NEW.receipt_to IS NOT NULL AND NEW.receipt_to IS DISTINCT FROM OLD.receipt_to) OR (NEW.statement IS NOT NULL AND NEW.statement IS DISTINCT FROM OLD.statement) OR NEW.received_at IS DISTINCT FROM OLD.received_at)
EXECUTE FUNCTION withdrawals_immutable();
