-- Below the code: under a hold no row is deleted and no value is overwritten with NULL (GDPR Art. 17(3)).

CREATE FUNCTION customers_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.customer_id = OLD.id)) THEN
        RAISE EXCEPTION 'row of customers is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER customers_hold_delete BEFORE DELETE ON customers FOR EACH ROW EXECUTE FUNCTION customers_hold();
CREATE TRIGGER customers_hold_clear BEFORE UPDATE ON customers FOR EACH ROW
WHEN ((OLD.name IS NOT NULL AND NEW.name IS NULL) OR (OLD.email IS NOT NULL AND NEW.email IS NULL) OR (OLD.phone IS NOT NULL AND NEW.phone IS NULL) OR (OLD.address IS NOT NULL AND NEW.address IS NULL)) EXECUTE FUNCTION customers_hold();

CREATE FUNCTION orders_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.order_id = OLD.id OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of orders is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER orders_hold_delete BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION orders_hold();
CREATE TRIGGER orders_hold_clear BEFORE UPDATE ON orders FOR EACH ROW
WHEN ((OLD.number IS NOT NULL AND NEW.number IS NULL) OR (OLD.payment_reference IS NOT NULL AND NEW.payment_reference IS NULL)) EXECUTE FUNCTION orders_hold();

CREATE FUNCTION order_lines_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id))) THEN
        RAISE EXCEPTION 'row of order_lines is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER order_lines_hold_delete BEFORE DELETE ON order_lines FOR EACH ROW EXECUTE FUNCTION order_lines_hold();
CREATE TRIGGER order_lines_hold_clear BEFORE UPDATE ON order_lines FOR EACH ROW
WHEN ((OLD.title IS NOT NULL AND NEW.title IS NULL) OR (OLD.serial_number IS NOT NULL AND NEW.serial_number IS NULL)) EXECUTE FUNCTION order_lines_hold();

CREATE FUNCTION cases_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of cases is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cases_hold_delete BEFORE DELETE ON cases FOR EACH ROW EXECUTE FUNCTION cases_hold();
CREATE TRIGGER cases_hold_clear BEFORE UPDATE ON cases FOR EACH ROW
WHEN ((OLD.number IS NOT NULL AND NEW.number IS NULL) OR (OLD.kind IS NOT NULL AND NEW.kind IS NULL)) EXECUTE FUNCTION cases_hold();

CREATE FUNCTION case_transitions_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of case_transitions is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER case_transitions_hold_delete BEFORE DELETE ON case_transitions FOR EACH ROW EXECUTE FUNCTION case_transitions_hold();

CREATE FUNCTION messages_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of messages is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER messages_hold_delete BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION messages_hold();
CREATE TRIGGER messages_hold_clear BEFORE UPDATE ON messages FOR EACH ROW
WHEN ((OLD.body IS NOT NULL AND NEW.body IS NULL)) EXECUTE FUNCTION messages_hold();

CREATE FUNCTION inbound_mails_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of inbound_mails is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER inbound_mails_hold_delete BEFORE DELETE ON inbound_mails FOR EACH ROW EXECUTE FUNCTION inbound_mails_hold();
CREATE TRIGGER inbound_mails_hold_clear BEFORE UPDATE ON inbound_mails FOR EACH ROW
WHEN ((OLD.blob IS NOT NULL AND NEW.blob IS NULL)) EXECUTE FUNCTION inbound_mails_hold();

CREATE FUNCTION withdrawals_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of withdrawals is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER withdrawals_hold_delete BEFORE DELETE ON withdrawals FOR EACH ROW EXECUTE FUNCTION withdrawals_hold();
CREATE TRIGGER withdrawals_hold_clear BEFORE UPDATE ON withdrawals FOR EACH ROW
WHEN ((OLD.name IS NOT NULL AND NEW.name IS NULL) OR (OLD.contract IS NOT NULL AND NEW.contract IS NULL) OR (OLD.receipt_to IS NOT NULL AND NEW.receipt_to IS NULL) OR (OLD.statement IS NOT NULL AND NEW.statement IS NULL)) EXECUTE FUNCTION withdrawals_hold();

CREATE FUNCTION returns_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of returns is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER returns_hold_delete BEFORE DELETE ON returns FOR EACH ROW EXECUTE FUNCTION returns_hold();
CREATE TRIGGER returns_hold_clear BEFORE UPDATE ON returns FOR EACH ROW
WHEN ((OLD.notes IS NOT NULL AND NEW.notes IS NULL) OR (OLD.label IS NOT NULL AND NEW.label IS NULL) OR (OLD.dispatch_proof IS NOT NULL AND NEW.dispatch_proof IS NULL) OR (OLD.finding IS NOT NULL AND NEW.finding IS NULL)) EXECUTE FUNCTION returns_hold();

CREATE FUNCTION return_lines_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (EXISTS (SELECT 1 FROM returns p WHERE p.id = OLD.return_id
       AND (h.case_id = p.case_id OR h.order_id = p.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = p.order_id))))) THEN
        RAISE EXCEPTION 'row of return_lines is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER return_lines_hold_delete BEFORE DELETE ON return_lines FOR EACH ROW EXECUTE FUNCTION return_lines_hold();
CREATE TRIGGER return_lines_hold_clear BEFORE UPDATE ON return_lines FOR EACH ROW
WHEN ((OLD.finding IS NOT NULL AND NEW.finding IS NULL)) EXECUTE FUNCTION return_lines_hold();

CREATE FUNCTION parcels_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id))) THEN
        RAISE EXCEPTION 'row of parcels is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER parcels_hold_delete BEFORE DELETE ON parcels FOR EACH ROW EXECUTE FUNCTION parcels_hold();
CREATE TRIGGER parcels_hold_clear BEFORE UPDATE ON parcels FOR EACH ROW
WHEN ((OLD.tracking_number IS NOT NULL AND NEW.tracking_number IS NULL)) EXECUTE FUNCTION parcels_hold();

CREATE FUNCTION carrier_events_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (EXISTS (SELECT 1 FROM parcels p WHERE p.id = OLD.parcel_id
       AND (h.case_id = p.case_id OR h.order_id = p.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = p.order_id))))) THEN
        RAISE EXCEPTION 'row of carrier_events is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER carrier_events_hold_delete BEFORE DELETE ON carrier_events FOR EACH ROW EXECUTE FUNCTION carrier_events_hold();
CREATE TRIGGER carrier_events_hold_clear BEFORE UPDATE ON carrier_events FOR EACH ROW
WHEN ((OLD.detail IS NOT NULL AND NEW.detail IS NULL)) EXECUTE FUNCTION carrier_events_hold();

CREATE FUNCTION remedies_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of remedies is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER remedies_hold_delete BEFORE DELETE ON remedies FOR EACH ROW EXECUTE FUNCTION remedies_hold();
CREATE TRIGGER remedies_hold_clear BEFORE UPDATE ON remedies FOR EACH ROW
WHEN ((OLD.title IS NOT NULL AND NEW.title IS NULL)) EXECUTE FUNCTION remedies_hold();

CREATE FUNCTION refunds_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of refunds is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_hold_delete BEFORE DELETE ON refunds FOR EACH ROW EXECUTE FUNCTION refunds_hold();
CREATE TRIGGER refunds_hold_clear BEFORE UPDATE ON refunds FOR EACH ROW
WHEN ((OLD.payee IS NOT NULL AND NEW.payee IS NULL) OR (OLD.reference IS NOT NULL AND NEW.reference IS NULL)) EXECUTE FUNCTION refunds_hold();

CREATE FUNCTION inquiry_entries_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of inquiry_entries is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER inquiry_entries_hold_delete BEFORE DELETE ON inquiry_entries FOR EACH ROW EXECUTE FUNCTION inquiry_entries_hold();
CREATE TRIGGER inquiry_entries_hold_clear BEFORE UPDATE ON inquiry_entries FOR EACH ROW
WHEN ((OLD.text IS NOT NULL AND NEW.text IS NULL) OR (OLD.arn IS NOT NULL AND NEW.arn IS NULL)) EXECUTE FUNCTION inquiry_entries_hold();

CREATE FUNCTION consents_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of consents is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consents_hold_delete BEFORE DELETE ON consents FOR EACH ROW EXECUTE FUNCTION consents_hold();
CREATE TRIGGER consents_hold_clear BEFORE UPDATE ON consents FOR EACH ROW
WHEN ((OLD.text IS NOT NULL AND NEW.text IS NULL)) EXECUTE FUNCTION consents_hold();

CREATE FUNCTION proposals_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of proposals is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER proposals_hold_delete BEFORE DELETE ON proposals FOR EACH ROW EXECUTE FUNCTION proposals_hold();
CREATE TRIGGER proposals_hold_clear BEFORE UPDATE ON proposals FOR EACH ROW
WHEN ((OLD.text IS NOT NULL AND NEW.text IS NULL)) EXECUTE FUNCTION proposals_hold();

CREATE FUNCTION disputes_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of disputes is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disputes_hold_delete BEFORE DELETE ON disputes FOR EACH ROW EXECUTE FUNCTION disputes_hold();
CREATE TRIGGER disputes_hold_clear BEFORE UPDATE ON disputes FOR EACH ROW
WHEN ((OLD.body IS NOT NULL AND NEW.body IS NULL) OR (OLD.reference IS NOT NULL AND NEW.reference IS NULL) OR (OLD.summary IS NOT NULL AND NEW.summary IS NULL)) EXECUTE FUNCTION disputes_hold();

CREATE FUNCTION disclosures_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of disclosures is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disclosures_hold_delete BEFORE DELETE ON disclosures FOR EACH ROW EXECUTE FUNCTION disclosures_hold();

CREATE FUNCTION attachments_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of attachments is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attachments_hold_delete BEFORE DELETE ON attachments FOR EACH ROW EXECUTE FUNCTION attachments_hold();
CREATE TRIGGER attachments_hold_clear BEFORE UPDATE ON attachments FOR EACH ROW
WHEN ((OLD.file_name IS NOT NULL AND NEW.file_name IS NULL) OR (OLD.blob IS NOT NULL AND NEW.blob IS NULL)) EXECUTE FUNCTION attachments_hold();

CREATE FUNCTION timers_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of timers is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER timers_hold_delete BEFORE DELETE ON timers FOR EACH ROW EXECUTE FUNCTION timers_hold();

CREATE FUNCTION tasks_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of tasks is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tasks_hold_delete BEFORE DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION tasks_hold();

-- A statement of withdrawal is received once and for all: its content and instant never change (BGB § 355(1)).
CREATE FUNCTION withdrawals_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a statement of withdrawal never changes' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER withdrawals_immutable BEFORE UPDATE ON withdrawals FOR EACH ROW
WHEN ((NEW.name IS NOT NULL AND NEW.name IS DISTINCT FROM OLD.name) OR (NEW.contract IS NOT NULL AND NEW.contract IS DISTINCT FROM OLD.contract) OR (NEW.receipt_to IS NOT NULL AND NEW.receipt_to IS DISTINCT FROM OLD.receipt_to) OR (NEW.statement IS NOT NULL AND NEW.statement IS DISTINCT FROM OLD.statement) OR NEW.received_at IS DISTINCT FROM OLD.received_at)
EXECUTE FUNCTION withdrawals_immutable();
