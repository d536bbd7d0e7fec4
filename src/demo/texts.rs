//! What customers and service staff write, in German and in the shop's formal tone. `{ware}` and `{nr}` stand for the
//! article and the order number.

use entity::cases::{Kind, Outcome, Reason};

/// A letter of the shop.
pub(super) fn letter(salutation: &str, text: &str) -> String {
    format!("{salutation}\n\n{text}\n\nMit freundlichen Grüßen\nIhr Sofioma-Kundenservice")
}

/// The problem in the customer's words, where something is wrong with the goods.
pub(super) fn problem(reason: Reason, group: &str) -> &'static [&'static str] {
    match (reason, group) {
        (Reason::QualityDefect, "ELECTRONICS" | "LIGHTING") => &[
            "Das Gerät „{ware}“ lässt sich seit gestern nicht mehr einschalten, auch nicht an einer anderen Steckdose.",
            "Bei „{ware}“ flackert die Anzeige, und nach wenigen Minuten schaltet sich das Gerät von selbst aus.",
            "Der Akku bzw. das Netzteil von „{ware}“ wird sehr heiß und riecht verschmort. Ich benutze es nicht mehr.",
        ],
        (Reason::QualityDefect, "GARDEN" | "TOOLS") => &[
            "„{ware}“: Der Motor stottert unter Last und bleibt dann stehen.",
            "An „{ware}“ ist nach kurzer Zeit eine Halterung gebrochen, obwohl ich alles nach Anleitung montiert habe.",
            "Bei „{ware}“ löst sich die Beschichtung, darunter ist schon Rost zu sehen.",
        ],
        (Reason::QualityDefect, _) => &[
            "„{ware}“ ist undicht, unter dem Gerät steht nach jedem Gebrauch Wasser.",
            "An „{ware}“ ist der Griff abgebrochen. Das kann bei normalem Gebrauch nicht sein.",
            "„{ware}“ macht seit ein paar Tagen ein lautes Geräusch und wird nicht mehr richtig warm.",
        ],
        (Reason::NotAsDescribed, _) => &[
            "Der Artikel „{ware}“ hat andere Maße, als in Ihrem Shop angegeben ist.",
            "Laut Beschreibung sollte „{ware}“ eine andere Farbe und mehr Leistung haben. Auf dem Typenschild steht etwas anderes.",
        ],
        (Reason::MissingAccessory, _) => &[
            "Bei „{ware}“ fehlt der Beutel mit den Schrauben, ohne den ich nichts aufbauen kann.",
            "In der Packung von „{ware}“ fehlen Netzteil und Anleitung.",
        ],
        (Reason::Damaged, _) => &[
            "Der Karton war an einer Ecke eingedrückt, und „{ware}“ hat einen Riss im Gehäuse. Ein Foto lade ich hoch.",
            "„{ware}“ kam zerkratzt und mit einer Delle an. Der Paketbote war schon weg, als ich es bemerkt habe.",
            "Beim Auspacken von „{ware}“ ist mir ein gesprungenes Teil entgegengefallen.",
        ],
        (Reason::WrongDelivery, _) => &[
            "Bestellt hatte ich „{ware}“, im Paket lag aber ein anderes Modell.",
            "Sie haben mir statt „{ware}“ den Artikel eines anderen Kunden geschickt.",
        ],
        _ => &[
            "„{ware}“ gefällt mir leider nicht so gut wie auf den Bildern. Die Ware ist unbenutzt.",
            "„{ware}“ habe ich inzwischen geschenkt bekommen und brauche die Bestellung nicht mehr.",
            "„{ware}“ passt bei mir leider nicht an den vorgesehenen Platz.",
        ],
    }
}

/// What the customer asks for.
pub(super) fn wish(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Return => &[
            "Ich möchte den Artikel aus der Bestellung {nr} zurückgeben und bitte um Erstattung des Kaufpreises.",
            "Bitte senden Sie mir die Rücksendeadresse zur Bestellung {nr} und erstatten Sie den Betrag auf meine Karte.",
        ],
        Kind::Withdrawal => &["Hiermit widerrufe ich den Vertrag zur Bestellung {nr}."],
        Kind::OrderCancellation => &["Bitte stornieren Sie die Bestellung {nr}, sie ist noch nicht versandt."],
        Kind::Feedback => &["Der Kontakt war freundlich und schnell. Schön wäre eine Auskunft am Samstag."],
        Kind::Exchange => &[
            "Ich bitte um Umtausch. Die Bestellnummer lautet {nr}.",
            "Können Sie mir zur Bestellung {nr} bitte Ersatz schicken?",
        ],
        Kind::WarrantyClaim => &[
            "Ich mache Gewährleistung geltend und bitte um Reparatur oder Ersatz. Bestellnummer: {nr}.",
            "Die Bestellung {nr} ist noch keine zwei Jahre her. Wie gehen wir nun vor?",
        ],
        Kind::UsageGuidance => &[
            "Guten Tag, wie reinige ich „{ware}“ richtig, ohne die Oberfläche anzugreifen?",
            "Guten Tag, in der Anleitung zu „{ware}“ finde ich die Grundeinstellung nicht. Wie setze ich das Gerät zurück?",
            "Guten Tag, welches Zubehör passt zu „{ware}“, und darf man es auch draußen benutzen?",
            "Guten Tag, „{ware}“ zeigt beim ersten Einschalten eine Meldung, die ich nicht verstehe. Was muss ich einstellen?",
        ],
        Kind::OrderAdvice => &[
            "Guten Tag, kann ich „{ware}“ auch auf Rechnung bestellen, und wie lange dauert die Lieferung?",
            "Guten Tag, ich brauche für meine Unterlagen eine Rechnung mit anderer Anschrift. Geht das noch?",
            "Guten Tag, ist „{ware}“ auch in einer anderen Ausführung lieferbar?",
        ],
        Kind::LogisticsQuery => &[
            "Guten Tag, die Sendungsverfolgung zur Bestellung {nr} hat sich seit zwei Tagen nicht geändert. Wo ist mein Paket?",
            "Guten Tag, ich bin am Liefertag nicht zu Hause. Kann das Paket zur Bestellung {nr} zu einem Nachbarn?",
            "Guten Tag, von der Bestellung {nr} mit „{ware}“ ist noch nichts angekommen. Wann darf ich damit rechnen?",
        ],
        Kind::RefundTracking => &[
            "Guten Tag, Sie haben mir zur Bestellung {nr} eine Rückerstattung zugesagt. Auf meiner Karte sehe ich sie noch nicht.",
            "Guten Tag, wann wird die Erstattung zur Bestellung {nr} gebucht? Meine Bank weiß von nichts.",
        ],
        Kind::Complaint => &[
            "Ich bin mit der Bearbeitung meines Anliegens nicht zufrieden: Auf zwei E-Mails kam tagelang keine Antwort.",
            "Am Telefon wurde mir ein Rückruf zugesagt, den es nie gab. Ich bitte um eine Stellungnahme.",
            "Die Auskünfte Ihres Kundenservice haben sich widersprochen. So möchte ich nicht behandelt werden.",
        ],
    }
}

/// The first answer.
pub(super) fn reply(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Return | Kind::Exchange | Kind::WarrantyClaim | Kind::Withdrawal => &[
            "vielen Dank für Ihre Nachricht. Wir prüfen Ihr Anliegen innerhalb von 1 bis 3 Werktagen. Bitte teilen Sie uns noch \
             mit, ob die Originalverpackung vorhanden ist, und laden Sie nach Möglichkeit ein Foto hoch.",
            "wir bedauern, dass mit Ihrer Bestellung {nr} nicht alles in Ordnung ist. Die Rücksendeadresse und die Hinweise zur \
             Verpackung finden Sie in Ihrem Kundenportal. Nach Eingang prüfen wir den Artikel unverzüglich.",
            "danke für die Schilderung. Damit wir den Sachverhalt bestätigen können, benötigen wir bitte die Seriennummer vom \
             Typenschild und eine kurze Beschreibung, seit wann der Fehler auftritt.",
        ],
        Kind::UsageGuidance | Kind::OrderAdvice | Kind::OrderCancellation | Kind::Feedback => &[
            "vielen Dank für Ihre Frage. Wir haben bei der Fachabteilung nachgefragt und melden uns kurzfristig mit einer Lösung.",
            "danke, dass Sie sich an uns wenden. Können Sie uns bitte sagen, welche Ausführung Sie meinen?",
        ],
        Kind::LogisticsQuery | Kind::RefundTracking => &[
            "vielen Dank für Ihre Nachricht. Wir haben eine Nachfrage gestellt und rechnen bis zum nächsten Werktag mit einer \
             Auskunft.",
            "wir bedauern die Verzögerung und kümmern uns darum. Sobald uns eine Rückmeldung vorliegt, informieren wir Sie.",
        ],
        Kind::Complaint => &[
            "vielen Dank für Ihre offenen Worte. Wir bedauern, dass Sie Anlass zur Beschwerde haben, und klären den Ablauf intern.",
        ],
    }
}

/// What the customer answers to it.
pub(super) fn follow_up(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Return | Kind::Exchange | Kind::WarrantyClaim | Kind::Withdrawal => &[
            "Danke für die schnelle Antwort. Die Verpackung ist noch da, das Paket gebe ich morgen auf.",
            "Die Seriennummer kann ich leider kaum lesen, auf dem Typenschild steht am Ende 4711. Der Fehler trat gleich am \
             ersten Tag auf.",
            "Ich habe das Paket heute abgegeben, der Beleg liegt mir vor.",
        ],
        Kind::UsageGuidance | Kind::OrderAdvice | Kind::OrderCancellation | Kind::Feedback => &[
            "Es geht um die Ausführung, die ich im Betreff genannt habe.",
            "Vielen Dank, das hat Zeit bis nächste Woche.",
        ],
        Kind::LogisticsQuery | Kind::RefundTracking => {
            &["Bisher hat sich nichts getan. Bitte bleiben Sie dran.", "Danke, dann warte ich noch bis morgen."]
        }
        Kind::Complaint => &["Danke für die Rückmeldung. Ich erwarte Ihre Stellungnahme."],
    }
}

/// The text of the decision.
pub(super) fn decision(kind: Kind, outcome: Outcome, reason: Reason, with_refund: bool) -> &'static [&'static str] {
    match (kind, outcome) {
        (Kind::Return | Kind::Exchange | Kind::WarrantyClaim, Outcome::Eligible) if with_refund => &[
            "wir haben Ihren Antrag geprüft und erkennen ihn an. Den Betrag erstatten wir über den ursprünglichen Zahlungsweg; \
             bitte rechnen Sie mit einer Gutschrift innerhalb von 10 bis 15 Werktagen.",
            "Ihre Rücksendung ist eingegangen und geprüft. Wir leiten die Rückerstattung auf die bei der Bestellung {nr} \
             verwendete Karte unmittelbar ein.",
        ],
        (Kind::Return | Kind::Exchange | Kind::WarrantyClaim, Outcome::Eligible) => &[
            "wir haben den Mangel bestätigt und senden Ihnen „{ware}“ kostenfrei neu zu. Die Kosten von Rücksendung und Versand \
             übernehmen wir.",
            "wir erkennen Ihren Antrag an. Ein Ersatzartikel ist auf dem Weg, die Sendungsnummer erhalten Sie per E-Mail.",
        ],
        (_, Outcome::PartiallyEligible) if with_refund => &[
            "nach unserer Prüfung ist Ihr Anliegen teilweise berechtigt. Wir erstatten Ihnen einen Teil des Kaufpreises; den \
             Artikel behalten Sie.",
            "wir erkennen Ihren Antrag zum Teil an: Der Artikel zeigt Gebrauchsspuren, die über eine Prüfung hinausgehen. Den \
             verbleibenden Wert erstatten wir auf Ihre Karte.",
        ],
        (_, Outcome::PartiallyEligible) => &[
            "Ihr Anliegen ist teilweise berechtigt. Das fehlende Teil senden wir Ihnen kostenfrei zu; für die weiteren Punkte \
             konnten wir keinen Mangel feststellen.",
        ],
        (_, Outcome::NotEligible) => refusal(reason),
        (Kind::UsageGuidance, _) => &[
            "bitte halten Sie die Taste auf der Rückseite zehn Sekunden gedrückt; danach gilt wieder die Grundeinstellung. Die \
             vollständige Anleitung finden Sie auf der Seite des Artikels.",
            "für „{ware}“ genügt ein weiches Tuch mit lauwarmem Wasser. Scheuermittel und Verdünner greifen die Oberfläche an.",
            "das passende Zubehör steht auf der Seite des Artikels unter „Dazu passt“. Im Freien ist der Betrieb nur an trockenen \
             Tagen vorgesehen.",
        ],
        (Kind::OrderAdvice, _) => &[
            "die Lieferung dauert in der Regel drei bis fünf Werktage. Bezahlen können Sie mit Visa oder Mastercard.",
            "die geänderte Rechnung liegt in Ihrem Kundenportal bereit.",
        ],
        (Kind::LogisticsQuery, _) => &[
            "Ihr Paket ist im Verteilzentrum aufgehalten worden und wird spätestens übermorgen zugestellt.",
            "wir haben den Zustelldienst um Abgabe beim Nachbarn gebeten. Die Bestätigung sehen Sie in der Sendungsverfolgung.",
        ],
        (Kind::RefundTracking, _) => &[
            "die Rückerstattung wurde von uns angewiesen. Je nach Bank dauert die Gutschrift 10 bis 15 Werktage. Bleibt sie aus, \
             nennen wir Ihnen gern die Referenz für Ihre Bank.",
        ],
        _ => &[
            "wir haben den Ablauf geprüft und bitten um Entschuldigung. Ihr Anliegen hätte früher beantwortet werden müssen; wir \
             haben die Zuständigkeit neu geregelt.",
        ],
    }
}

const fn refusal(reason: Reason) -> &'static [&'static str] {
    match reason {
        Reason::PeriodEnded => &[
            "Ihr Antrag ist nach Ablauf der Frist eingegangen. Eine Rückgabe ohne Angabe von Gründen ist innerhalb von 45 Tagen \
             nach Erhalt der Ware möglich. Ihre gesetzlichen Rechte bei Mängeln bleiben unberührt.",
        ],
        Reason::NotOurProduct => &[
            "der eingesandte Artikel trägt eine Seriennummer, die wir nicht geliefert haben. Unser Service gilt für Originalprodukte \
             aus unserem Online-Shop; den Artikel senden wir an Sie zurück.",
        ],
        _ => &[
            "wir haben Ihren Antrag sorgfältig geprüft und können ihn leider nicht anerkennen: Der beschriebene Fehler ließ sich \
             nicht feststellen. Den Artikel senden wir an Sie zurück. Sind Sie damit nicht einverstanden, prüfen wir erneut.",
        ],
    }
}

/// What customers say at the end, or when they do not agree.
pub(super) const THANKS: &[&str] = &[
    "Vielen Dank, damit ist alles geklärt.",
    "Herzlichen Dank für die freundliche Hilfe!",
    "Danke, das Ersatzteil passt.",
];

/// An objection to a refusal.
pub(super) const OBJECTIONS: &[&str] = &[
    "Mit dem Ergebnis bin ich nicht einverstanden. Bitte prüfen Sie noch einmal, der Fehler tritt nur im warmen Zustand auf.",
    "Das sehe ich anders und behalte mir vor, die Schlichtungsstelle anzurufen.",
];

/// The answer to an objection.
pub(super) const AFTER_OBJECTION: &str = "wir haben den Sachverhalt auf Ihre Rückmeldung hin erneut geprüft und kommen zu demselben Ergebnis. Selbstverständlich \
     steht es Ihnen frei, eine Schlichtung zu beantragen.";

/// What is told when the bank has sent a refund back.
pub(super) const REFUND_FAILED: &str = "die Rückerstattung wurde von der Bank zurückgewiesen. Bitte prüfen Sie, ob Ihre Karte noch gültig ist; wir weisen den \
     Betrag danach erneut an.";

/// Notes between members of staff.
pub(super) const NOTES: &[&str] = &[
    "Anruf zum Vorgang erhalten, bitte zügig antworten.",
    "Rücksendung beim Lager angekündigt, Prüfung abwarten.",
    "Gleicher Fehler wie in zwei anderen Vorgängen dieser Produktgruppe.",
    "Seriennummer mit Lieferschein verglichen, stimmt überein.",
    "Kulanz mit Teamleitung abgesprochen.",
];

/// The result.
pub(super) const RESULT: &str = "Ihr Vorgang ist nun abgeschlossen. Das Ergebnis steht unten.";
