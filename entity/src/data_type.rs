//! The data types of the deletion concept. Each has exactly one retention rule (DIN 66398).

crate::codes! {
    /// What kind of data a row is, as far as its life is concerned. Periods and norms are rules, in `aftersales::policy`.
    DataType {
        /// Nothing personal.
        R00 = "R00",
        /// Refund and credit-note record with the voucher's own snapshot of name and address.
        R01 = "R01",
        /// Return record that led to a booking.
        R02a = "R02a",
        /// Any other return record.
        R02b = "R02b",
        /// Correspondence about an order, per message.
        R03 = "R03",
        /// Complaint and follow-up, per message.
        R04 = "R04",
        /// Withdrawal statement and receipt.
        R05 = "R05",
        /// Advice without effect on the deal, per message.
        R06 = "R06",
        /// Parcel: carrier, tracking number, proof of delivery.
        R07 = "R07",
        /// Raw carrier events.
        R08 = "R08",
        /// Evidence of a case that was fully accepted and settled.
        R09a = "R09a",
        /// Evidence of any other case.
        R09b = "R09b",
        /// Consents.
        R10 = "R10",
        /// Audit of decisions: ids and codes only.
        R11 = "R11",
        /// Log of who opened whose case.
        R12 = "R12",
        /// Deletion log and certificates, without content.
        R13 = "R13",
        /// Data-subject request file.
        R14 = "R14",
        /// Identity documents of a request: gone as soon as they are checked.
        R15 = "R15",
        /// Export archive.
        R16 = "R16",
        /// Breach register.
        R17 = "R17",
        /// Server logs with addresses.
        R18 = "R18",
        /// Dispute file.
        R19 = "R19",
        /// Product-safety entry.
        R20 = "R20",
        /// Contact record: name, addresses, e-mail, telephone.
        R21 = "R21",
        /// Retention rules and other organisational documents.
        R22 = "R22",
        /// Keys of erasure units: destroyed with what they open.
        R23 = "R23",
        /// Case header: kind, reason, outcome, times.
        R24 = "R24",
        /// Order and lines registered for after-sales.
        R25 = "R25",
        /// Tasks and timers.
        R26 = "R26",
        /// Customer tokens and upload tickets.
        R27 = "R27",
        /// Idempotency records.
        R28 = "R28",
        /// Inbound raw mail.
        R29 = "R29",
        /// Disclosure log.
        R30 = "R30",
        /// Staff account.
        R31 = "R31",
        /// Holds.
        R32 = "R32",
        /// Outbox entries.
        R33 = "R33",
        /// Erasure ledger and suppression hashes.
        R34 = "R34",
    }
}
