//! The steps that sequences are made of. A step names people and links by number, so it means something in any world, and
//! others can be left out before it.

use crate::world::weather::Weather;

/// Who signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Has all scopes.
    Boss,
    /// May see and invite, not revoke.
    Clerk,
    /// Has all scopes in another tenant.
    Stranger,
}

impl Who {
    pub(crate) fn tenant(self) -> usize {
        usize::from(self == Self::Stranger)
    }
}

/// One person of one tenant.
pub(crate) type Place = (usize, usize);

/// What somebody calls their request, if they give it a name.
pub(crate) type Key = Option<u8>;

/// Which link somebody holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Held {
    Newest,
    Older(usize),
    Forged,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum LinkUse {
    LookUp,
    Accept,
    Decline,
    Renew,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Invite {
        who: Who,
        person: usize,
        shouting: bool,
        notify: bool,
    },
    Resend {
        who: Who,
        place: Place,
        reactivate: bool,
        key: Key,
    },
    Revoke {
        who: Who,
        place: Place,
    },
    Restore {
        who: Who,
        place: Place,
    },
    ShowLink {
        who: Who,
        place: Place,
    },
    /// Everybody of theirs by their ids, or those in a state.
    ResendMany {
        who: Who,
        state: Option<&'static str>,
        key: Key,
    },
    /// To the address that this person is invited at, or to another one of theirs.
    Correct {
        who: Who,
        place: Place,
        to: usize,
        other: bool,
    },
    Erase {
        who: Who,
        place: Place,
    },
    Get {
        who: Who,
        place: Place,
    },
    List {
        who: Who,
    },
    Link {
        place: Place,
        held: Held,
        what: LinkUse,
    },
    Pass {
        seconds: u64,
    },
    Sweep,
    Mail,
}

/// People per tenant.
pub(crate) const PEOPLE: usize = 2;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;
/// Around every limit there is, and between them.
const TIMES: [u64; 12] = [
    1,
    30,
    59,
    60,
    61,
    61,
    2 * MINUTE,
    10 * MINUTE,
    DAY - 9 * 61,
    2 * DAY,
    7 * DAY - 1,
    7 * DAY,
];

const KEYS: [Key; 4] = [None, Some(1), Some(1), Some(2)];

/// Mostly whoever may do everything.
const WHO: [Who; 8] = [
    Who::Boss,
    Who::Boss,
    Who::Boss,
    Who::Boss,
    Who::Boss,
    Who::Clerk,
    Who::Clerk,
    Who::Stranger,
];

/// A sequence of this seed.
pub(crate) fn sequence(weather: &mut Weather) -> Vec<Step> {
    let length = 3 + weather.below(14);
    // Some sequences ask for mail again and again, up to the daily limit; others are of one person only.
    let people = 1 + weather.below(PEOPLE);
    let mut steps = vec![Step::Invite {
        who: Who::Boss,
        person: 0,
        shouting: false,
        notify: true,
    }];
    let insists = weather.percent(4);
    // Or go about it another way.
    if weather.percent(3) {
        steps.extend((0..11).flat_map(|_| harry()));
    }
    // In others, links expire before anything is done with them.
    let lingers = weather.percent(20);
    for _ in 0..length {
        if lingers && weather.percent(40) {
            steps.extend([Step::Mail, Step::Pass { seconds: 7 * DAY }]);
        }
        if insists {
            let (who, place) = (Who::Boss, (0, 0));
            steps.push(Step::Pass { seconds: 61 });
            steps.push(Step::Resend {
                who,
                place,
                reactivate: true,
                key: None,
            });
        }
        steps.push(step(weather, people));
    }
    steps
}

/// What mails somebody anew without sending anything again.
fn harry() -> [Step; 6] {
    let (who, place) = (Who::Boss, (0, 0));
    let correct = |other| Step::Correct {
        who,
        place,
        to: 0,
        other,
    };
    [
        Step::Pass { seconds: 1 },
        Step::Revoke { who, place },
        correct(true),
        correct(false),
        Step::Restore { who, place },
        Step::Mail,
    ]
}

fn step(weather: &mut Weather, people: usize) -> Step {
    let who = weather.pick(&WHO);
    let person = weather.below(people);
    // Mostly somebody of the own tenant.
    let tenant = if weather.percent(90) {
        who.tenant()
    } else {
        1 - who.tenant()
    };
    let place = (tenant, person);
    match weather.below(120) {
        100..104 => Step::Restore { who, place },
        104..107 => Step::ShowLink { who, place },
        110..117 => Step::Correct {
            who,
            place,
            to: weather.below(people),
            other: weather.percent(60),
        },
        117.. => Step::Erase { who, place },
        107..110 => Step::ResendMany {
            who,
            state: weather.pick(&[None, Some("pending"), Some("expired")]),
            key: weather.pick(&KEYS),
        },
        0..14 => Step::Invite {
            who,
            person,
            shouting: weather.percent(30),
            notify: !weather.percent(15),
        },
        14..26 => Step::Resend {
            who,
            place,
            reactivate: weather.percent(50),
            key: weather.pick(&KEYS),
        },
        26..32 => Step::Revoke { who, place },
        32..36 => Step::Get { who, place },
        36..38 => Step::List { who },
        38..63 => Step::Link {
            place,
            held: match weather.below(10) {
                0..7 => Held::Newest,
                7..9 => Held::Older(weather.below(4)),
                _ => Held::Forged,
            },
            what: weather.pick(&[
                LinkUse::LookUp,
                LinkUse::Accept,
                LinkUse::Decline,
                LinkUse::Renew,
                LinkUse::Renew,
            ]),
        },
        63..79 => Step::Pass {
            seconds: weather.pick(&TIMES),
        },
        79..83 => Step::Sweep,
        83..100 => Step::Mail,
    }
}
