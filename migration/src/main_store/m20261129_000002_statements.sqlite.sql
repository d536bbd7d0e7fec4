-- A statement of withdrawal is received once and for all: its content and instant never change (BGB § 355(1)).
CREATE TRIGGER withdrawals_immutable BEFORE UPDATE ON withdrawals
WHEN (NEW.name IS NOT NULL AND NEW.name IS NOT OLD.name) OR (NEW.contract IS NOT NULL AND NEW.contract IS NOT OLD.contract) OR (NEW.receipt_to IS NOT NULL AND NEW.receipt_to IS NOT OLD.receipt_to) OR (NEW.statement IS NOT NULL AND NEW.statement IS NOT OLD.statement) OR NEW.received_at IS NOT OLD.received_at
BEGIN SELECT RAISE(ABORT, 'a statement of withdrawal never changes'); END;
