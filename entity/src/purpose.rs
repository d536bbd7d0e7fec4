//! What personal data may be opened for (GDPR Art. 5(1)(b)), and which data type serves what.

use crate::DataType;

crate::codes! {
    /// What somebody opens personal data for.
    Purpose {
        /// Working on the case.
        CaseHandling = "CASE_HANDLING",
        /// Counting, inspecting and sending goods.
        Goods = "GOODS",
        /// Paying a refund.
        Refund = "REFUND",
        /// Reaching the customer.
        Contact = "CONTACT",
        /// Answering the data subject or checking privacy.
        DataProtection = "DATA_PROTECTION",
        /// Looking at evidence.
        Evidence = "EVIDENCE",
        /// The person's own access.
        SelfService = "SELF_SERVICE",
        /// Keeping books, and showing them to the tax office (AO §§ 146, 147).
        Bookkeeping = "BOOKKEEPING",
        /// Establishing or defending a claim.
        LegalClaim = "LEGAL_CLAIM",
        /// Managing staff accounts.
        StaffAccounts = "STAFF_ACCOUNTS",
    }
}

impl DataType {
    /// What data of this type may be opened for. Everything else is refused.
    #[must_use]
    pub const fn purposes(self) -> &'static [Purpose] {
        use Purpose as P;
        match self {
            Self::R01 => {
                &[P::CaseHandling, P::Refund, P::SelfService, P::Bookkeeping, P::LegalClaim, P::DataProtection]
            }
            Self::R02a | Self::R02b => &[
                P::CaseHandling,
                P::Goods,
                P::Refund,
                P::SelfService,
                P::Bookkeeping,
                P::LegalClaim,
                P::DataProtection,
            ],
            Self::R03 | Self::R04 | Self::R05 => &[
                P::CaseHandling,
                P::Refund,
                P::Contact,
                P::SelfService,
                P::Bookkeeping,
                P::LegalClaim,
                P::DataProtection,
            ],
            Self::R06 => &[P::CaseHandling, P::Refund, P::Contact, P::SelfService, P::DataProtection],
            Self::R07 => &[P::CaseHandling, P::Goods, P::Refund, P::SelfService, P::LegalClaim, P::DataProtection],
            Self::R08 => &[P::CaseHandling, P::Goods, P::SelfService, P::LegalClaim, P::DataProtection],
            Self::R09a => &[P::CaseHandling, P::Evidence, P::SelfService, P::DataProtection],
            Self::R09b => &[P::CaseHandling, P::Evidence, P::SelfService, P::LegalClaim, P::DataProtection],
            Self::R10 => &[P::CaseHandling, P::Refund, P::SelfService, P::LegalClaim, P::DataProtection],
            Self::R19 => &[P::CaseHandling, P::SelfService, P::LegalClaim, P::DataProtection],
            // Administrators keep the register, too.
            Self::R20 => &[P::CaseHandling, P::StaffAccounts, P::DataProtection],
            Self::R21 => {
                &[P::CaseHandling, P::Goods, P::Refund, P::Contact, P::SelfService, P::LegalClaim, P::DataProtection]
            }
            Self::R24 | Self::R25 | Self::R26 => {
                &[P::CaseHandling, P::Goods, P::Refund, P::Contact, P::SelfService, P::LegalClaim, P::DataProtection]
            }
            // An upload that waits is sealed as what it will be; the ticket itself has nothing to open.
            Self::R27 => &[P::CaseHandling, P::Evidence, P::SelfService, P::DataProtection],
            // Answers and notices are sent (GDPR Art. 12(3), 19).
            Self::R14 | Self::R30 => &[P::Contact, P::DataProtection],
            Self::R29 => &[P::CaseHandling, P::Contact, P::DataProtection],
            Self::R31 => &[P::StaffAccounts, P::DataProtection],
            Self::R00
            | Self::R11
            | Self::R12
            | Self::R13
            | Self::R15
            | Self::R16
            | Self::R17
            | Self::R18
            | Self::R22
            | Self::R23
            | Self::R28
            | Self::R32
            | Self::R33
            | Self::R34 => &[P::DataProtection],
        }
    }

    /// Whether data of this type may be opened for `purpose`.
    #[must_use]
    pub fn serves(self, purpose: Purpose) -> bool {
        self.purposes().contains(&purpose)
    }
}
