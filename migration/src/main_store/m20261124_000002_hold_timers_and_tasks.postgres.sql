-- Below the code: under a hold no timer and no task is deleted.

CREATE FUNCTION timers_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h LEFT JOIN cases c ON c.id = OLD.case_id WHERE h.released_at IS NULL
      AND (h.case_id = OLD.case_id OR h.order_id = c.order_id OR h.customer_id = c.customer_id)) THEN
        RAISE EXCEPTION 'row of timers is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER timers_hold_delete BEFORE DELETE ON timers FOR EACH ROW EXECUTE FUNCTION timers_hold();

CREATE FUNCTION tasks_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM holds h LEFT JOIN cases c ON c.id = OLD.case_id WHERE h.released_at IS NULL
      AND (h.case_id = OLD.case_id OR h.order_id = c.order_id OR h.customer_id = c.customer_id)) THEN
        RAISE EXCEPTION 'row of tasks is under a legal hold' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER tasks_hold_delete BEFORE DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION tasks_hold();
