//! Who is calling, what their role permits, and the tokens, links and tickets that prove it.
//!
//! The built-in issuer signs with HS256 under a key derived from the master key. Customer tokens can be revoked, a
//! member of staff who has left is refused at once.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use chrono::{DateTime, TimeDelta, Utc};
use entity::codes::ActorKind;
use entity::ids::{CaseId, CustomerId, OrderId, StaffId, TokenId};
use entity::staff::Role;
use entity::{Purpose, customers, staff, tokens};
use hmac::{Hmac, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sea_orm::EntityTrait as _;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::base32;
use crate::error::{Error, Result};
use crate::keys::master::MasterKey;
use crate::state::App;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Register orders and deliveries, and mint and revoke customer tokens.
    RunShop,
    /// See cases, as far as they are visible to the actor.
    ReadCases,
    /// Read what was written and shown: message texts, file names, photos and videos.
    ReadTexts,
    /// Open a case.
    OpenCase,
    /// Write messages and add evidence.
    Correspond,
    /// Renew and end one's own access without an account.
    KeepAccess,
    /// Decide and close.
    Decide,
    /// Count, inspect and send goods.
    HandleGoods,
    /// See what staff has to do, and mark it done.
    ReadTasks,
    /// Grant a refund.
    GrantRefund,
    /// Approve a refund, and mark it submitted, acknowledged, credited or failed.
    MoveRefund,
    /// Ask after a refund that did not arrive.
    AskAfterRefund,
    /// See full contact data, naming a purpose.
    RevealContact,
    /// See what is kept for a duty or a claim alone, naming a reason.
    ReadArchive,
    /// Export, erase, hold, release; see why data is kept.
    ProtectData,
    /// See jobs, runs and rules.
    ReadOperations,
    /// See how well promises are kept, without a word about who.
    ReadQuality,
    /// See the register of product safety.
    ReadSafety,
    /// Keep it: make entries, and record what was done about them.
    KeepSafety,
    /// Manage staff accounts.
    ManageStaff,
}

/// The table of roles, on one screen.
const fn permissions(actor: &Actor) -> &'static [Permission] {
    use Permission as P;
    match actor {
        Actor::Anonymous => &[],
        Actor::Customer(_) => &[P::ReadCases, P::ReadTexts, P::OpenCase, P::Correspond, P::AskAfterRefund],
        Actor::Guest(_) => &[P::ReadCases, P::ReadTexts, P::OpenCase, P::Correspond, P::AskAfterRefund, P::KeepAccess],
        Actor::Staff(_, Role::Agent) => &[
            P::ReadCases,
            P::ReadTexts,
            P::OpenCase,
            P::Correspond,
            P::Decide,
            P::HandleGoods,
            P::ReadTasks,
            P::GrantRefund,
            P::AskAfterRefund,
            P::RevealContact,
            P::ReadQuality,
            P::ReadSafety,
            P::KeepSafety,
        ],
        Actor::Staff(_, Role::Warehouse) => &[P::ReadCases, P::HandleGoods],
        Actor::Staff(_, Role::Finance) => &[
            P::ReadCases,
            P::ReadTexts,
            P::ReadTasks,
            P::GrantRefund,
            P::MoveRefund,
            P::AskAfterRefund,
            P::RevealContact,
            P::ReadArchive,
            P::ReadQuality,
        ],
        Actor::Staff(_, Role::Dpo) => &[P::ProtectData, P::ReadArchive, P::ReadOperations, P::ReadSafety],
        Actor::Staff(_, Role::Admin) => &[P::ReadOperations, P::ManageStaff, P::ReadQuality, P::ReadSafety],
        Actor::Shop => &[P::RunShop],
        Actor::System => &[P::ProtectData, P::ReadOperations, P::ManageStaff, P::RunShop],
    }
}

/// What a guest sees and acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The cases of one order.
    Order(OrderId),
    /// One case, which may have no order.
    Case(CaseId),
}

/// A customer without an account, let in by a link that was sent to the e-mail address of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The token, by which the access is renewed and revoked.
    pub token: TokenId,
    /// Who it is.
    pub customer: CustomerId,
    /// How far it goes.
    pub scope: Scope,
}

/// Who is calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody signed in.
    Anonymous,
    /// A customer: own rows only.
    Customer(CustomerId),
    /// A customer without an account: own rows within a scope only.
    Guest(Guest),
    /// A member of staff.
    Staff(StaffId, Role),
    /// The shop's own backend.
    Shop,
    /// A job or the command line.
    System,
}

impl Actor {
    /// Goes on only if the role permits it.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for nobody, `FORBIDDEN` for everybody else.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            Ok(())
        } else if *self == Self::Anonymous {
            Err(Error::Unauthenticated("sign in first: send a bearer token"))
        } else {
            Err(Error::Forbidden)
        }
    }

    /// Whether the role permits it.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        permissions(self).contains(&permission)
    }

    /// What the actor opens personal data for, where nothing else is named (GDPR Art. 5(1)(b)).
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::Anonymous | Self::Customer(_) | Self::Guest(_) => Purpose::SelfService,
            Self::Staff(_, Role::Agent) | Self::Shop => Purpose::CaseHandling,
            Self::Staff(_, Role::Warehouse) => Purpose::Goods,
            Self::Staff(_, Role::Finance) => Purpose::Refund,
            Self::Staff(_, Role::Dpo) | Self::System => Purpose::DataProtection,
            Self::Staff(_, Role::Admin) => Purpose::StaffAccounts,
        }
    }

    /// What kind of actor, as the audit stores it.
    #[must_use]
    pub const fn kind(&self) -> ActorKind {
        match self {
            Self::Anonymous => ActorKind::Anonymous,
            Self::Customer(_) | Self::Guest(_) => ActorKind::Customer,
            Self::Staff(..) => ActorKind::Staff,
            Self::Shop => ActorKind::Shop,
            Self::System => ActorKind::System,
        }
    }

    /// Who, by id, as the audit stores it.
    #[must_use]
    pub const fn id(&self) -> Option<Uuid> {
        match self {
            Self::Customer(id) | Self::Guest(Guest { customer: id, .. }) => Some(id.0),
            Self::Staff(id, _) => Some(id.0),
            Self::Anonymous | Self::Shop | Self::System => None,
        }
    }

    /// The member of staff, if it is one.
    #[must_use]
    pub const fn staff(&self) -> Option<StaffId> {
        match self {
            Self::Staff(id, _) => Some(*id),
            _ => None,
        }
    }

    /// The customer, if it is one, with an account or without.
    #[must_use]
    pub const fn customer(&self) -> Option<CustomerId> {
        match self {
            Self::Customer(id) | Self::Guest(Guest { customer: id, .. }) => Some(*id),
            _ => None,
        }
    }
}

/// The claims of a bearer token.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    role: String,
    jti: Uuid,
    iat: i64,
    exp: i64,
}

const ISSUER: &str = "aftersales";

/// How long a member of staff's or the shop's token lasts.
pub const STAFF_TOKEN_LASTS: TimeDelta = TimeDelta::hours(12);
/// How long a customer's token lasts before the shop renews it.
pub const CUSTOMER_TOKEN_LASTS: TimeDelta = TimeDelta::hours(1);

/// The keys that sign tokens and links.
pub struct Signing {
    encode: EncodingKey,
    decode: DecodingKey,
    link: Zeroizing<[u8; 32]>,
    case: Zeroizing<[u8; 32]>,
    sealing: Aes256Gcm,
}

/// Bytes of the check in a case's reply address: 80 bits, with which nobody hits one by guessing.
const CASE_CHECK: usize = 10;

impl Signing {
    /// Derives the keys.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        let token = master.derive("aftersales bearer token v1");
        Self {
            encode: EncodingKey::from_secret(token.as_slice()),
            decode: DecodingKey::from_secret(token.as_slice()),
            link: master.derive("aftersales link v1"),
            case: master.derive("aftersales case address v1"),
            sealing: Aes256Gcm::new(&Key::<Aes256Gcm>::from(*master.derive("aftersales sealed token v1"))),
        }
    }

    /// A bearer token for this actor.
    ///
    /// # Errors
    /// Signing fails, or nobody is to be signed in.
    pub fn bearer(&self, actor: &Actor, id: TokenId, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<String> {
        let (sub, role) = match actor {
            Actor::Customer(id) => (id.to_string(), "CUSTOMER"),
            Actor::Guest(guest) => (guest.customer.to_string(), "GUEST"),
            Actor::Staff(id, role) => (id.to_string(), role.code()),
            Actor::Shop => ("shop".to_owned(), "SHOP"),
            Actor::Anonymous | Actor::System => return Err(anyhow::anyhow!("no token for {actor:?}").into()),
        };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub,
            role: role.to_owned(),
            jti: id.0,
            iat: now.timestamp(),
            exp: until.timestamp(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encode)
            .map_err(|e| anyhow::anyhow!("cannot sign a token: {e}").into())
    }

    fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.set_audience(&[ISSUER]);
        validation.set_issuer(&[ISSUER]);
        // The library would ask the system's clock; the one clock decides below.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decode, &validation)
            .map_err(|_| Error::Unauthenticated("the bearer token is not valid"))?
            .claims;
        if claims.exp <= now.timestamp() {
            return Err(Error::Unauthenticated("the bearer token has expired"));
        }
        Ok(claims)
    }

    /// Seals what a client keeps for us between two steps: it can neither be read nor changed nor used for another purpose.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn seal(&self, purpose: &[u8], payload: &[u8]) -> Result<String> {
        use base64::Engine as _;
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
        let sealed = self.sealing.encrypt(&Nonce::from(nonce), Payload { msg: payload, aad: purpose });
        let sealed = sealed.map_err(|_| anyhow::anyhow!("sealing failed"))?;
        Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// What this server has sealed for a purpose.
    #[must_use]
    pub fn unseal(&self, purpose: &[u8], text: &str) -> Option<Vec<u8>> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(12)?;
        let nonce: [u8; 12] = nonce.try_into().ok()?;
        self.sealing.decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: purpose }).ok()
    }

    /// Signs a short-lived link or ticket: `payload` is public, and only this server can have made it.
    #[must_use]
    pub fn sign_link(&self, payload: &[u8]) -> String {
        use base64::Engine as _;
        let mac = mac(&self.link, payload).map(|m| m.finalize().into_bytes().to_vec()).unwrap_or_default();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([payload, &mac].concat())
    }

    /// The payload of a link that this server has signed.
    #[must_use]
    pub fn open_link(&self, text: &str) -> Option<Vec<u8>> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?;
        let (payload, mac) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        self::mac(&self.link, payload)?.verify_slice(mac).ok()?;
        Some(payload.to_vec())
    }

    /// A case as 42 letters and digits that nobody can guess: part of an address to reply to. Case does not matter in it.
    #[must_use]
    pub fn case_token(&self, case: CaseId) -> String {
        let check = mac(&self.case, case.0.as_bytes()).map(|m| m.finalize().into_bytes().to_vec()).unwrap_or_default();
        base32::encode(&[case.0.as_bytes(), check.get(..CASE_CHECK).unwrap_or_default()].concat())
    }

    /// The case of a token that this server has made.
    #[must_use]
    pub fn open_case_token(&self, token: &str) -> Option<CaseId> {
        let bytes = base32::decode(token)?;
        let (id, check) = bytes.split_at_checked(16).filter(|(_, check)| check.len() == CASE_CHECK)?;
        mac(&self.case, id)?.verify_truncated_left(check).ok()?;
        Uuid::from_slice(id).ok().map(CaseId)
    }
}

fn mac(key: &[u8; 32], payload: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(payload);
    Some(mac)
}

/// The actor behind an `Authorization` header; nobody without one.
///
/// # Errors
/// `UNAUTHENTICATED`: another scheme, or a token that is forged, expired or revoked, or whose owner has left.
pub async fn authenticate(app: &App, authorization: Option<&str>) -> Result<Actor> {
    let Some(header) = authorization else { return Ok(Actor::Anonymous) };
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(Error::Unauthenticated("the Authorization header has to be `Bearer <token>`")),
    };
    let claims = app.signing.verify(token, app.clock.now())?;
    let invalid = Error::Unauthenticated("the bearer token is not valid");
    if claims.role == "SHOP" {
        return Ok(Actor::Shop);
    }
    let Ok(subject) = claims.sub.parse::<Uuid>() else { return Err(invalid) };
    if claims.role == "CUSTOMER" {
        let token = tokens::Entity::find_by_id(TokenId(claims.jti)).one(app.db.read()).await?.ok_or(invalid)?;
        if token.revoked_at.is_some() || token.customer_id.0 != subject {
            return Err(Error::Unauthenticated("the bearer token has been revoked"));
        }
        let customer = customers::Entity::find_by_id(token.customer_id).one(app.db.read()).await?;
        return match customer {
            Some(c) if c.erased_at.is_none() => Ok(Actor::Customer(c.id)),
            _ => Err(Error::Unauthenticated("the account has been erased")),
        };
    }
    if claims.role == "GUEST" {
        let guest = guest(app, TokenId(claims.jti)).await?.filter(|guest| guest.customer.0 == subject);
        return guest.map(Actor::Guest).ok_or(Error::Unauthenticated("the bearer token has expired or been revoked"));
    }
    let member = staff::Entity::find_by_id(StaffId(subject)).one(app.db.read()).await?.ok_or(invalid)?;
    if member.left_at.is_some() {
        return Err(Error::Unauthenticated("the account has been closed"));
    }
    Ok(Actor::Staff(member.id, member.role))
}

/// The guest behind a token whose link was redeemed, and which is neither over nor revoked.
///
/// # Errors
/// The database cannot be read.
pub async fn guest(app: &App, id: TokenId) -> Result<Option<Guest>> {
    let token = tokens::Entity::find_by_id(id).one(app.db.read()).await?;
    let live = |t: &tokens::Model| {
        t.kind == tokens::Kind::Guest && t.used_at.is_some() && t.revoked_at.is_none() && t.expires_at > app.clock.now()
    };
    let Some(token) = token.filter(live) else { return Ok(None) };
    let customer = customers::Entity::find_by_id(token.customer_id).one(app.db.read()).await?;
    let known = customer.is_some_and(|c| c.erased_at.is_none());
    let scope = token.order_id.map(Scope::Order).or(token.case_id.map(Scope::Case));
    Ok(scope.filter(|_| known).map(|scope| Guest { token: id, customer: token.customer_id, scope }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::master::Source;
    use base64::Engine as _;

    fn signing(byte: u8) -> Signing {
        let key = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        Signing::new(&MasterKey::load(&Source::Given(Zeroizing::new(key)), false).unwrap())
    }

    #[test]
    fn a_case_token_survives_capitals_and_no_forgery() {
        let case = CaseId(Uuid::from_u128(0x0192_1234_5678_7abc_8def_0123_4567_89ab));
        let token = signing(1).case_token(case);
        assert!("reply+".len() + token.len() < 64, "a local part has at most 64 octets (RFC 5321 § 4.5.3.1.1)");
        assert_eq!(signing(1).open_case_token(&token), Some(case));
        assert_eq!(signing(1).open_case_token(&token.to_uppercase()), Some(case));
        assert_eq!(signing(2).open_case_token(&token), None, "another server's");
        assert_eq!(signing(1).open_case_token(&token[..40]), None, "a shorter check");
        for at in 0..token.len() {
            let mut forged: Vec<char> = token.chars().collect();
            forged[at] = if forged[at] == 'a' { 'b' } else { 'a' };
            assert_eq!(signing(1).open_case_token(&forged.iter().collect::<String>()), None, "letter {at}");
        }
    }
}
