//! The notice after a dispute that could not be settled, in text form (VSBG § 37): which board is competent, where it is,
//! and whether the shop takes part.

use crate::error::Language;
use crate::mail::letter::DisputeNotice;
use crate::policy::shop::Policy;

/// The notice as a letter.
pub(super) fn letter(policy: &Policy) -> DisputeNotice {
    DisputeNotice {
        board: policy.dispute.board.clone(),
        address: policy.dispute.address.clone(),
        url: policy.dispute.url.clone(),
        takes_part: policy.dispute.takes_part,
        text: None,
    }
}

/// The notice in the customer's language.
#[must_use]
pub(super) fn text(policy: &Policy, number: &str, language: Language) -> String {
    let (board, url) = (&policy.dispute.board, &policy.dispute.url);
    let address = policy.dispute.address.join("\n");
    let shop = &policy.shop.name;
    match language {
        Language::De => {
            let part = if policy.dispute.takes_part {
                format!("{shop} nimmt an einem Streitbeilegungsverfahren vor dieser Stelle teil.")
            } else {
                format!(
                    "{shop} ist zur Teilnahme an einem Streitbeilegungsverfahren vor dieser Stelle weder bereit noch \
                     verpflichtet."
                )
            };
            format!(
                "In Ihrem Vorgang {number} konnten wir die Streitigkeit nicht miteinander beilegen. Nach § 37 des \
                 Verbraucherstreitbeilegungsgesetzes nennen wir Ihnen die zuständige \
                 Verbraucherschlichtungsstelle:\n\n{board}\n{address}\n{url}\n\n{part}\n\nDer Rechtsweg zu den \
                 ordentlichen Gerichten steht Ihnen offen."
            )
        }
        Language::En => {
            let part = if policy.dispute.takes_part {
                format!("{shop} takes part in dispute resolution proceedings before this board.")
            } else {
                format!(
                    "{shop} is neither willing nor obliged to take part in dispute resolution proceedings before this \
                     board."
                )
            };
            format!(
                "We could not settle the dispute about your case {number} between us. Under section 37 of the German \
                 Consumer Dispute Resolution Act (VSBG) we name the competent consumer conciliation \
                 board:\n\n{board}\n{address}\n{url}\n\n{part}\n\nYou may also take the matter to the ordinary courts."
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// VSBG § 37(1): name, address and page of the board, and whether the shop is obliged or willing.
    #[test]
    fn the_notice_says_everything_that_the_act_asks_for() {
        let mut policy = Policy::shipped().clone();
        for takes_part in [false, true] {
            policy.dispute.takes_part = takes_part;
            for (language, refuses) in [(Language::De, "weder bereit noch"), (Language::En, "neither willing nor")] {
                let text = text(&policy, "AS-1", language);
                for part in policy.dispute.address.iter().chain([&policy.dispute.board, &policy.dispute.url]) {
                    assert!(text.contains(part), "{part} is missing in {text}");
                }
                assert!(text.contains("AS-1") && text.contains("37"), "{text}");
                assert_eq!(text.contains(refuses), !takes_part, "{text}");
            }
        }
    }
}
