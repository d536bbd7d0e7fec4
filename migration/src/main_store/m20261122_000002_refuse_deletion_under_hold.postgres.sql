-- Below the code: under a hold no row is deleted and no value is overwritten with NULL (GDPR Art. 17(3)).

CREATE FUNCTION customers_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
      AND (h.customer_id = OLD.id)) THEN
        RAISE EXCEPTION 'row of customers is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER customers_hold_delete BEFORE DELETE ON customers FOR EACH ROW EXECUTE FUNCTION customers_hold();
CREATE TRIGGER customers_hold_clear BEFORE UPDATE ON customers FOR EACH ROW
WHEN ((OLD.name IS NOT NULL AND NEW.name IS NULL) OR (OLD.email IS NOT NULL AND NEW.email IS NULL) OR (OLD.phone IS NOT NULL AND NEW.phone IS NULL) OR (OLD.address IS NOT NULL AND NEW.address IS NULL))
EXECUTE FUNCTION customers_hold();

CREATE FUNCTION orders_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
      AND (h.order_id = OLD.id OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of orders is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER orders_hold_delete BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION orders_hold();
CREATE TRIGGER orders_hold_clear BEFORE UPDATE ON orders FOR EACH ROW
WHEN ((OLD.number IS NOT NULL AND NEW.number IS NULL) OR (OLD.payment_reference IS NOT NULL AND NEW.payment_reference IS NULL))
EXECUTE FUNCTION orders_hold();

CREATE FUNCTION order_lines_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
      AND (h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id))) THEN
        RAISE EXCEPTION 'row of order_lines is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER order_lines_hold_delete BEFORE DELETE ON order_lines FOR EACH ROW EXECUTE FUNCTION order_lines_hold();
CREATE TRIGGER order_lines_hold_clear BEFORE UPDATE ON order_lines FOR EACH ROW
WHEN ((OLD.title IS NOT NULL AND NEW.title IS NULL))
EXECUTE FUNCTION order_lines_hold();

CREATE FUNCTION parcels_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
      AND (h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id))) THEN
        RAISE EXCEPTION 'row of parcels is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER parcels_hold_delete BEFORE DELETE ON parcels FOR EACH ROW EXECUTE FUNCTION parcels_hold();
CREATE TRIGGER parcels_hold_clear BEFORE UPDATE ON parcels FOR EACH ROW
WHEN ((OLD.tracking_number IS NOT NULL AND NEW.tracking_number IS NULL))
EXECUTE FUNCTION parcels_hold();

CREATE FUNCTION cases_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
      AND (h.case_id = OLD.id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of cases is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER cases_hold_delete BEFORE DELETE ON cases FOR EACH ROW EXECUTE FUNCTION cases_hold();
CREATE TRIGGER cases_hold_clear BEFORE UPDATE ON cases FOR EACH ROW
WHEN ((OLD.number IS NOT NULL AND NEW.number IS NULL) OR (OLD.kind IS NOT NULL AND NEW.kind IS NULL))
EXECUTE FUNCTION cases_hold();

CREATE FUNCTION messages_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
      AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of messages is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER messages_hold_delete BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION messages_hold();
CREATE TRIGGER messages_hold_clear BEFORE UPDATE ON messages FOR EACH ROW
WHEN ((OLD.body IS NOT NULL AND NEW.body IS NULL))
EXECUTE FUNCTION messages_hold();

CREATE FUNCTION refunds_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
      AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id)) THEN
        RAISE EXCEPTION 'row of refunds is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER refunds_hold_delete BEFORE DELETE ON refunds FOR EACH ROW EXECUTE FUNCTION refunds_hold();
CREATE TRIGGER refunds_hold_clear BEFORE UPDATE ON refunds FOR EACH ROW
WHEN ((OLD.payee IS NOT NULL AND NEW.payee IS NULL) OR (OLD.reference IS NOT NULL AND NEW.reference IS NULL))
EXECUTE FUNCTION refunds_hold();

CREATE FUNCTION attachments_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
      AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of attachments is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER attachments_hold_delete BEFORE DELETE ON attachments FOR EACH ROW EXECUTE FUNCTION attachments_hold();
CREATE TRIGGER attachments_hold_clear BEFORE UPDATE ON attachments FOR EACH ROW
WHEN ((OLD.file_name IS NOT NULL AND NEW.file_name IS NULL) OR (OLD.blob IS NOT NULL AND NEW.blob IS NULL))
EXECUTE FUNCTION attachments_hold();
