-- Below the code: under a hold no row is deleted and no value is overwritten with NULL (GDPR Art. 17(3)).

CREATE TRIGGER customers_hold_delete BEFORE DELETE ON customers
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.customer_id = OLD.id))
BEGIN SELECT RAISE(ABORT, 'row of customers is under a legal hold'); END;

CREATE TRIGGER customers_hold_clear BEFORE UPDATE ON customers
WHEN ((OLD.name IS NOT NULL AND NEW.name IS NULL) OR (OLD.email IS NOT NULL AND NEW.email IS NULL) OR (OLD.phone IS NOT NULL AND NEW.phone IS NULL) OR (OLD.address IS NOT NULL AND NEW.address IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.customer_id = OLD.id))
BEGIN SELECT RAISE(ABORT, 'row of customers is under a legal hold'); END;

CREATE TRIGGER orders_hold_delete BEFORE DELETE ON orders
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.order_id = OLD.id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of orders is under a legal hold'); END;

CREATE TRIGGER orders_hold_clear BEFORE UPDATE ON orders
WHEN ((OLD.number IS NOT NULL AND NEW.number IS NULL) OR (OLD.payment_reference IS NOT NULL AND NEW.payment_reference IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.order_id = OLD.id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of orders is under a legal hold'); END;

CREATE TRIGGER order_lines_hold_delete BEFORE DELETE ON order_lines
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id)))
BEGIN SELECT RAISE(ABORT, 'row of order_lines is under a legal hold'); END;

CREATE TRIGGER order_lines_hold_clear BEFORE UPDATE ON order_lines
WHEN ((OLD.title IS NOT NULL AND NEW.title IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id)))
BEGIN SELECT RAISE(ABORT, 'row of order_lines is under a legal hold'); END;

CREATE TRIGGER parcels_hold_delete BEFORE DELETE ON parcels
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id)))
BEGIN SELECT RAISE(ABORT, 'row of parcels is under a legal hold'); END;

CREATE TRIGGER parcels_hold_clear BEFORE UPDATE ON parcels
WHEN ((OLD.tracking_number IS NOT NULL AND NEW.tracking_number IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id)))
BEGIN SELECT RAISE(ABORT, 'row of parcels is under a legal hold'); END;

CREATE TRIGGER cases_hold_delete BEFORE DELETE ON cases
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of cases is under a legal hold'); END;

CREATE TRIGGER cases_hold_clear BEFORE UPDATE ON cases
WHEN ((OLD.number IS NOT NULL AND NEW.number IS NULL) OR (OLD.kind IS NOT NULL AND NEW.kind IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of cases is under a legal hold'); END;

CREATE TRIGGER messages_hold_delete BEFORE DELETE ON messages
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of messages is under a legal hold'); END;

CREATE TRIGGER messages_hold_clear BEFORE UPDATE ON messages
WHEN ((OLD.body IS NOT NULL AND NEW.body IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of messages is under a legal hold'); END;

CREATE TRIGGER refunds_hold_delete BEFORE DELETE ON refunds
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of refunds is under a legal hold'); END;

CREATE TRIGGER refunds_hold_clear BEFORE UPDATE ON refunds
WHEN ((OLD.payee IS NOT NULL AND NEW.payee IS NULL) OR (OLD.reference IS NOT NULL AND NEW.reference IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of refunds is under a legal hold'); END;

CREATE TRIGGER attachments_hold_delete BEFORE DELETE ON attachments
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of attachments is under a legal hold'); END;

CREATE TRIGGER attachments_hold_clear BEFORE UPDATE ON attachments
WHEN ((OLD.file_name IS NOT NULL AND NEW.file_name IS NULL) OR (OLD.blob IS NOT NULL AND NEW.blob IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of attachments is under a legal hold'); END;
