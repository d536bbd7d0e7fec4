//! One letter of each template, with every value filled: what templates are tried with before any is sent.

use chrono::NaiveDate;
use entity::DataType;
use entity::codes::Locale;
use entity::ids::CustomerId;
use entity::mails::Template;
use uuid::Uuid;

use super::letter::{
    Acknowledgement, Amount, Content, Decision, DelayNotice, DisputeNotice, ErasureAnswer, ErasureClosing, GuestLink,
    InfoRequest, Kept, Letter, Message, RecipientNotice, RefundUpdate, RestrictionNotice, ResultNotice,
    ReturnInstruction, Waiting, WithdrawalReceipt,
};

/// A letter of this template to `name`, in which every free text is `text`.
#[must_use]
pub fn sample(template: Template, locale: Locale, name: &str, text: &str) -> Letter {
    Letter {
        content: content(template, text),
        locale,
        recipient: "erika.mustermann@example.com".to_owned(),
        name: Some(name.to_owned()),
        case: None,
        customer: CustomerId(Uuid::nil()),
        data_type: DataType::R03,
        number: Some("AS-2026-7XKQ2MD".to_owned()),
        link: Some("https://service.example.com/cases/7XKQ2MD".to_owned()),
    }
}

fn content(template: Template, text: &str) -> Content {
    let said = || text.to_owned();
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap_or_default();
    let received_at = day(11, 24).and_hms_opt(13, 5, 0).unwrap_or_default().and_utc();
    match template {
        Template::Acknowledgement => Content::Acknowledgement(Acknowledgement {
            kind_label: said(),
            received_at,
            next_steps: vec![said(), said()],
            needed: vec![said()],
        }),
        Template::WithdrawalReceipt => Content::WithdrawalReceipt(WithdrawalReceipt { statement: said(), received_at }),
        Template::Message => Content::Message(Message { body: said() }),
        Template::InfoRequest => Content::InfoRequest(InfoRequest { body: said(), needed: vec![said(), said()] }),
        Template::DelayNotice => Content::DelayNotice(DelayNotice { situation: said(), until: day(12, 1) }),
        Template::ReturnInstruction => Content::ReturnInstruction(ReturnInstruction {
            rma: "R-7XKQ2MD-1".to_owned(),
            address: vec![said(), said()],
            return_by: Some(day(12, 31)),
            bearer_text: said(),
            notes: vec![said()],
            lines: vec![said(), said()],
        }),
        Template::Decision => Content::Decision(Decision {
            outcome_label: said(),
            reasons: vec![said()],
            basis_label: Some(said()),
            text: said(),
        }),
        Template::ResultNotice => Content::ResultNotice(ResultNotice {
            decision: said(),
            shipping: Some(said()),
            refund: Some(said()),
            text: Some(said()),
        }),
        Template::RefundUpdate => Content::RefundUpdate(RefundUpdate {
            amount: Amount { minor: 123_456, currency: "EUR".to_owned() },
            state_label: said(),
            reference: Some(said()),
            expected_from: Some(day(12, 5)),
            expected_to: Some(day(12, 11)),
            duty_until: Some(day(12, 8)),
        }),
        Template::DisputeNotice => Content::DisputeNotice(DisputeNotice {
            board: said(),
            address: vec![said(), said()],
            url: "https://www.verbraucher-schlichter.de".to_owned(),
            takes_part: false,
            text: Some(said()),
        }),
        Template::GuestLink => Content::GuestLink(GuestLink {
            link: "https://service.example.com/guest/abc".to_owned(),
            until: received_at,
        }),
        Template::ErasureAnswer => Content::ErasureAnswer(ErasureAnswer {
            decided_at: received_at,
            erased: vec![said(), said()],
            anonymised: vec![said()],
            kept: vec![kept(text, Some(day(12, 31))), kept(text, None)],
            in_use: vec![said()],
            waiting: vec![
                Waiting { what: said(), why: said(), until: Some(day(12, 24)) },
                Waiting { what: said(), why: said(), until: None },
            ],
            recipients: vec![said()],
            traces: vec![kept(text, Some(day(12, 31)))],
            backups_unreadable_from: day(12, 29),
        }),
        Template::ErasureClosing => Content::ErasureClosing(ErasureClosing {
            decided_at: received_at,
            answered_at: received_at,
            erased: vec![said(), said()],
            anonymised: vec![said()],
            kept: vec![kept(text, Some(day(12, 31)))],
            in_use: vec![said()],
            recipients: vec![said()],
            traces: vec![kept(text, Some(day(12, 31)))],
            backups_unreadable_from: day(12, 29),
        }),
        Template::RecipientNotice => {
            Content::RecipientNotice(RecipientNotice { references: vec![said(), said()], erased_on: day(11, 24) })
        }
        Template::RestrictionNotice => Content::RestrictionNotice(RestrictionNotice {
            since: day(11, 24),
            ground: said(),
            lift_on: Some(day(12, 8)),
        }),
    }
}

fn kept(text: &str, until: Option<NaiveDate>) -> Kept {
    Kept {
        what: text.to_owned(),
        until,
        begins_with: text.to_owned(),
        period: text.to_owned(),
        because: text.to_owned(),
    }
}
