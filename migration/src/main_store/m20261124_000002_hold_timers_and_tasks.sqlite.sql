-- Below the code: under a hold no timer and no task is deleted.

CREATE TRIGGER timers_hold_delete BEFORE DELETE ON timers
WHEN EXISTS (SELECT 1 FROM holds h LEFT JOIN cases c ON c.id = OLD.case_id WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = c.order_id OR h.customer_id = c.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of timers is under a legal hold'); END;

CREATE TRIGGER tasks_hold_delete BEFORE DELETE ON tasks
WHEN EXISTS (SELECT 1 FROM holds h LEFT JOIN cases c ON c.id = OLD.case_id WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = c.order_id OR h.customer_id = c.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of tasks is under a legal hold'); END;
