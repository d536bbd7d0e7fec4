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
WHEN ((OLD.title IS NOT NULL AND NEW.title IS NULL) OR (OLD.serial_number IS NOT NULL AND NEW.serial_number IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id)))
BEGIN SELECT RAISE(ABORT, 'row of order_lines is under a legal hold'); END;

CREATE TRIGGER cases_hold_delete BEFORE DELETE ON cases
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of cases is under a legal hold'); END;

CREATE TRIGGER cases_hold_clear BEFORE UPDATE ON cases
WHEN ((OLD.number IS NOT NULL AND NEW.number IS NULL) OR (OLD.kind IS NOT NULL AND NEW.kind IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of cases is under a legal hold'); END;

CREATE TRIGGER case_transitions_hold_delete BEFORE DELETE ON case_transitions
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of case_transitions is under a legal hold'); END;

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

CREATE TRIGGER inbound_mails_hold_delete BEFORE DELETE ON inbound_mails
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of inbound_mails is under a legal hold'); END;

CREATE TRIGGER inbound_mails_hold_clear BEFORE UPDATE ON inbound_mails
WHEN ((OLD.blob IS NOT NULL AND NEW.blob IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of inbound_mails is under a legal hold'); END;

CREATE TRIGGER withdrawals_hold_delete BEFORE DELETE ON withdrawals
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of withdrawals is under a legal hold'); END;

CREATE TRIGGER withdrawals_hold_clear BEFORE UPDATE ON withdrawals
WHEN ((OLD.name IS NOT NULL AND NEW.name IS NULL) OR (OLD.contract IS NOT NULL AND NEW.contract IS NULL) OR (OLD.receipt_to IS NOT NULL AND NEW.receipt_to IS NULL) OR (OLD.statement IS NOT NULL AND NEW.statement IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of withdrawals is under a legal hold'); END;

CREATE TRIGGER returns_hold_delete BEFORE DELETE ON returns
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of returns is under a legal hold'); END;

CREATE TRIGGER returns_hold_clear BEFORE UPDATE ON returns
WHEN ((OLD.notes IS NOT NULL AND NEW.notes IS NULL) OR (OLD.label IS NOT NULL AND NEW.label IS NULL) OR (OLD.dispatch_proof IS NOT NULL AND NEW.dispatch_proof IS NULL) OR (OLD.finding IS NOT NULL AND NEW.finding IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of returns is under a legal hold'); END;

CREATE TRIGGER return_lines_hold_delete BEFORE DELETE ON return_lines
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (EXISTS (SELECT 1 FROM returns p WHERE p.id = OLD.return_id
       AND (h.case_id = p.case_id OR h.order_id = p.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = p.order_id)))))
BEGIN SELECT RAISE(ABORT, 'row of return_lines is under a legal hold'); END;

CREATE TRIGGER return_lines_hold_clear BEFORE UPDATE ON return_lines
WHEN ((OLD.finding IS NOT NULL AND NEW.finding IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (EXISTS (SELECT 1 FROM returns p WHERE p.id = OLD.return_id
       AND (h.case_id = p.case_id OR h.order_id = p.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = p.order_id)))))
BEGIN SELECT RAISE(ABORT, 'row of return_lines is under a legal hold'); END;

CREATE TRIGGER parcels_hold_delete BEFORE DELETE ON parcels
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id)))
BEGIN SELECT RAISE(ABORT, 'row of parcels is under a legal hold'); END;

CREATE TRIGGER parcels_hold_clear BEFORE UPDATE ON parcels
WHEN ((OLD.tracking_number IS NOT NULL AND NEW.tracking_number IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = OLD.order_id)))
BEGIN SELECT RAISE(ABORT, 'row of parcels is under a legal hold'); END;

CREATE TRIGGER carrier_events_hold_delete BEFORE DELETE ON carrier_events
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (EXISTS (SELECT 1 FROM parcels p WHERE p.id = OLD.parcel_id
       AND (h.case_id = p.case_id OR h.order_id = p.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = p.order_id)))))
BEGIN SELECT RAISE(ABORT, 'row of carrier_events is under a legal hold'); END;

CREATE TRIGGER carrier_events_hold_clear BEFORE UPDATE ON carrier_events
WHEN ((OLD.detail IS NOT NULL AND NEW.detail IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (EXISTS (SELECT 1 FROM parcels p WHERE p.id = OLD.parcel_id
       AND (h.case_id = p.case_id OR h.order_id = p.order_id OR h.customer_id = (SELECT o.customer_id FROM orders o WHERE o.id = p.order_id)))))
BEGIN SELECT RAISE(ABORT, 'row of carrier_events is under a legal hold'); END;

CREATE TRIGGER remedies_hold_delete BEFORE DELETE ON remedies
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of remedies is under a legal hold'); END;

CREATE TRIGGER remedies_hold_clear BEFORE UPDATE ON remedies
WHEN ((OLD.title IS NOT NULL AND NEW.title IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of remedies is under a legal hold'); END;

CREATE TRIGGER refunds_hold_delete BEFORE DELETE ON refunds
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of refunds is under a legal hold'); END;

CREATE TRIGGER refunds_hold_clear BEFORE UPDATE ON refunds
WHEN ((OLD.payee IS NOT NULL AND NEW.payee IS NULL) OR (OLD.reference IS NOT NULL AND NEW.reference IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id OR h.order_id = OLD.order_id OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of refunds is under a legal hold'); END;

CREATE TRIGGER inquiry_entries_hold_delete BEFORE DELETE ON inquiry_entries
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of inquiry_entries is under a legal hold'); END;

CREATE TRIGGER inquiry_entries_hold_clear BEFORE UPDATE ON inquiry_entries
WHEN ((OLD.text IS NOT NULL AND NEW.text IS NULL) OR (OLD.arn IS NOT NULL AND NEW.arn IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of inquiry_entries is under a legal hold'); END;

CREATE TRIGGER consents_hold_delete BEFORE DELETE ON consents
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of consents is under a legal hold'); END;

CREATE TRIGGER consents_hold_clear BEFORE UPDATE ON consents
WHEN ((OLD.text IS NOT NULL AND NEW.text IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of consents is under a legal hold'); END;

CREATE TRIGGER proposals_hold_delete BEFORE DELETE ON proposals
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of proposals is under a legal hold'); END;

CREATE TRIGGER proposals_hold_clear BEFORE UPDATE ON proposals
WHEN ((OLD.text IS NOT NULL AND NEW.text IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of proposals is under a legal hold'); END;

CREATE TRIGGER disputes_hold_delete BEFORE DELETE ON disputes
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of disputes is under a legal hold'); END;

CREATE TRIGGER disputes_hold_clear BEFORE UPDATE ON disputes
WHEN ((OLD.body IS NOT NULL AND NEW.body IS NULL) OR (OLD.reference IS NOT NULL AND NEW.reference IS NULL) OR (OLD.summary IS NOT NULL AND NEW.summary IS NULL))
 AND EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of disputes is under a legal hold'); END;

CREATE TRIGGER disclosures_hold_delete BEFORE DELETE ON disclosures
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = OLD.customer_id))
BEGIN SELECT RAISE(ABORT, 'row of disclosures is under a legal hold'); END;

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

CREATE TRIGGER timers_hold_delete BEFORE DELETE ON timers
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of timers is under a legal hold'); END;

CREATE TRIGGER tasks_hold_delete BEFORE DELETE ON tasks
WHEN EXISTS (SELECT 1 FROM holds h WHERE h.released_at IS NULL
  AND (h.case_id = OLD.case_id
       OR h.order_id = (SELECT c.order_id FROM cases c WHERE c.id = OLD.case_id)
       OR h.customer_id = (SELECT c.customer_id FROM cases c WHERE c.id = OLD.case_id)))
BEGIN SELECT RAISE(ABORT, 'row of tasks is under a legal hold'); END;

-- A statement of withdrawal is received once and for all: its content and instant never change (BGB § 355(1)).
CREATE TRIGGER withdrawals_immutable BEFORE UPDATE ON withdrawals
WHEN (NEW.name IS NOT NULL AND NEW.name IS NOT OLD.name) OR (NEW.contract IS NOT NULL AND NEW.contract IS NOT OLD.contract) OR (NEW.receipt_to IS NOT NULL AND NEW.receipt_to IS NOT OLD.receipt_to) OR (NEW.statement IS NOT NULL AND NEW.statement IS NOT OLD.statement) OR NEW.received_at IS NOT OLD.received_at
BEGIN SELECT RAISE(ABORT, 'a statement of withdrawal never changes'); END;
