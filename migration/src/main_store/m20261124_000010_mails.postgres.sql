-- Below the code: under a hold no mail is deleted and none of its texts is overwritten with NULL (GDPR Art. 17(3)).

CREATE FUNCTION mails_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
      AND (h.customer_id = OLD.customer_id OR h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id))) THEN
        RAISE EXCEPTION 'row of mails is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER mails_hold_delete BEFORE DELETE ON mails FOR EACH ROW EXECUTE FUNCTION mails_hold();
CREATE TRIGGER mails_hold_clear BEFORE UPDATE ON mails FOR EACH ROW
WHEN ((OLD.recipient IS NOT NULL AND NEW.recipient IS NULL) OR (OLD.subject IS NOT NULL AND NEW.subject IS NULL) OR (OLD.body_text IS NOT NULL AND NEW.body_text IS NULL) OR (OLD.body_html IS NOT NULL AND NEW.body_html IS NULL))
EXECUTE FUNCTION mails_hold();
