//! Closed sets of codes, stored as upper-case text on both engines.

/// Declares an enum stored as its SCREAMING_SNAKE_CASE name.
#[macro_export]
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            sea_orm::EnumIter, sea_orm::DeriveActiveEnum, serde::Serialize, serde::Deserialize,
        )]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name {
            $($(#[$vdoc])* #[sea_orm(string_value = $code)] #[serde(rename = $code)] $variant,)+
        }

        impl $name {
            /// The stored code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The value of a stored code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    /// Who did a thing. People appear by id only.
    ActorKind {
        /// Nobody signed in.
        Anonymous = "ANONYMOUS",
        /// A customer, in person.
        Customer = "CUSTOMER",
        /// A member of staff.
        Staff = "STAFF",
        /// The shop's own backend.
        Shop = "SHOP",
        /// A job or the command line.
        System = "SYSTEM",
    }
}

codes! {
    /// The language that a customer is written to in.
    Locale {
        /// German.
        De = "DE",
        /// English.
        En = "EN",
    }
}
