//! The table, on every engine there is.

use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::{AtomicU32, Ordering},
};

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, test_runner::TestRunner};
use tokio::runtime::Runtime;
use usher::{
    domain::{
        Accept, ChangeUser, ClaimMail, Decline, DeliveryStatus, Erase, Feedback, Group,
        IdempotencyKey, Lifetime, MailClaim, MailKind, NewAddress, Nonce, PersonName, Renew,
        Requirement, Resend, ResendRequest, Restore, Revoke, State, StateName, Suppression,
        SuppressionReason, TenantId, User, UserId,
    },
    store::{Attempt, Changed, ErasureWritten, Position, Selection, Store, StoreError, Written},
};

use crate::engine::{administrator, engines, hash, key, start, user};

/// Users around every boundary that the rules have, with the numbers small so that coincidences are common.
fn any_user() -> impl Strategy<Value = User> {
    let states = prop::sample::select(vec![
        State::Pending,
        State::Pending,
        State::Accepted {
            accepted_at: start(),
        },
        State::Revoked {
            revoked_at: start(),
        },
        State::Declined {
            declined_at: start(),
        },
    ]);
    let near = || {
        prop::sample::select(vec![
            -86_400_001_i64,
            -86_400_000,
            -60_001,
            -60_000,
            -59_999,
            -1,
            0,
            1,
        ])
    };
    let requests = prop::collection::vec(near(), 0..12);
    let claim = prop::option::of(1_u64..3);
    let few_of_them = || prop::option::of(0_u8..3);
    let hashes = (few_of_them(), few_of_them(), few_of_them());
    let few = || prop::option::weighted(0.3, 1_u64..3);
    let reported = (few(), few(), prop::bool::weighted(0.2), any::<bool>());
    (
        any::<u32>(),
        states,
        near(),
        requests,
        claim,
        hashes,
        (1_u64..3, any::<bool>()),
        reported,
    )
        .prop_map(
            |(
                n,
                state,
                expires,
                mut requests,
                claim,
                (token, renewed, sent_by),
                (version, outbox),
                (tried, reported, suppressed, uncounted),
            )| {
                let now = start().as_millisecond();
                requests.sort_unstable_by(|a, b| b.cmp(a));
                let mut user = user(n, start());
                if n % 2 == 0 {
                    user.groups.push(Group::administrators());
                }
                user.state = state;
                user.expires_at = Timestamp::from_millisecond(now + expires).unwrap();
                user.mail_requests = requests.into_iter().map(|at| now + at).collect();
                user.claim = claim.map(|record| MailClaim {
                    record,
                    doubted: None,
                });
                user.token_hash = token.map(hash);
                user.renewed_hash = renewed.map(hash);
                user.resend_request = sent_by.map(named);
                user.version = version;
                user.outbox = outbox.then_some(MailKind::Invitation);
                user.delivery.attempt = tried;
                user.delivery.uncounted = uncounted;
                user.feedback = reported.map(|attempt| Feedback {
                    attempt,
                    status: DeliveryStatus::Sent,
                    at: start(),
                    reason: None,
                });
                user.suppressed = suppressed.then_some(Suppression {
                    reason: SuppressionReason::Bounced,
                    at: start(),
                });
                user
            },
        )
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Resend {
        reactivate: bool,
        appoints: bool,
        other_tenant: bool,
        request: Option<u8>,
    },
    Revoke {
        other_tenant: bool,
    },
    Restore {
        appoints: bool,
        other_tenant: bool,
        stale: bool,
    },
    Accept(u8),
    Decline(u8),
    Renew(u8),
    Claim(u64),
    Change {
        email: bool,
        administrator: Option<bool>,
        appoints: bool,
        other_tenant: bool,
        stale: bool,
    },
    Erase {
        appoints: bool,
        other_tenant: bool,
        stale: bool,
    },
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.1)
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (any::<(bool, bool)>(), rarely(), prop::option::of(0_u8..3)).prop_map(
            |((reactivate, appoints), other_tenant, request)| {
                Operation::Resend {
                    reactivate,
                    appoints,
                    other_tenant,
                    request,
                }
            }
        ),
        prop::bool::weighted(0.1).prop_map(|other_tenant| Operation::Revoke { other_tenant }),
        (any::<bool>(), rarely(), rarely()).prop_map(|(appoints, other_tenant, stale)| {
            Operation::Restore {
                appoints,
                other_tenant,
                stale,
            }
        }),
        (0_u8..3).prop_map(Operation::Accept),
        (0_u8..3).prop_map(Operation::Decline),
        (0_u8..3).prop_map(Operation::Renew),
        (1_u64..3).prop_map(Operation::Claim),
        (any::<(bool, Option<bool>, bool)>(), rarely(), rarely()).prop_map(
            |((email, administrator, appoints), other_tenant, stale)| Operation::Change {
                email,
                administrator,
                appoints,
                other_tenant,
                stale,
            }
        ),
        (any::<bool>(), rarely(), rarely()).prop_map(|(appoints, other_tenant, stale)| {
            Operation::Erase {
                appoints,
                other_tenant,
                stale,
            }
        }),
    ]
}

/// One of few requests: two of the same name are not one, if two people made them.
fn named(n: u8) -> ResendRequest {
    ResendRequest {
        key: IdempotencyKey::parse("again").unwrap(),
        by: format!("administrator {n}"),
    }
}

#[expect(clippy::too_many_lines, reason = "nine operations, each told whole")]
/// Does the operation, and says by what the domain makes of a user whether it is to be refused.
async fn attempt(
    store: &Store,
    user: &User,
    operation: Operation,
) -> (Attempt, Box<dyn Fn(&User) -> bool>) {
    let now = start();
    let nonce = Nonce::new([9; 16]);
    let tenant = |other: bool| {
        if other {
            "other".parse().unwrap()
        } else {
            TenantId::default()
        }
    };
    match operation {
        Operation::Resend {
            reactivate,
            appoints,
            other_tenant,
            request,
        } => {
            let token = key().issue(&TenantId::default(), user.id, nonce);
            let tenant = tenant(other_tenant);
            let lifetime = Lifetime::default();
            let resend = Resend {
                tenant,
                now,
                reactivate,
                appoints,
                locale: None,
                message: None,
                lifetime,
                nonce,
                token,
                by: administrator(),
                request: request.map(named),
            };
            let attempt = store.resend(user.id, &resend).await.unwrap();
            if let (true, Attempt::Done(after)) = (resend.is_repeated(user), &attempt) {
                assert_eq!(**after, *user, "a repeated request does nothing");
            }
            (
                attempt,
                Box::new(move |user| resend.refusal(Some(user)).is_some()),
            )
        }
        Operation::Revoke { other_tenant } => {
            let revoke = Revoke {
                tenant: tenant(other_tenant),
                now,
                by: administrator(),
            };
            let attempt = store.revoke(user.id, &revoke).await.unwrap();
            (
                attempt,
                Box::new(move |user| revoke.refusal(Some(user)).is_some()),
            )
        }
        Operation::Restore {
            appoints,
            other_tenant,
            stale,
        } => {
            let read = read_as(user, stale);
            let restore = Restore {
                tenant: tenant(other_tenant),
                by: administrator(),
                now,
                appoints,
            };
            let attempt = store.restore(&read, &restore).await.unwrap();
            if let Attempt::Done(after) = &attempt {
                let mails = restore.mails(user);
                let asked = if mails {
                    restore.mail_requests(user)
                } else {
                    user.mail_requests.clone()
                };
                assert_eq!(after.mail_requests, asked);
                assert!(!(mails && after.delivery.uncounted));
                assert!(after.outbox.is_some() || !restore.mails(user));
            }
            let requirements = restore.requirements(&read);
            (
                attempt,
                broken(requirements, stale, move |user| {
                    restore.refusal(Some(user)).is_some()
                }),
            )
        }
        Operation::Accept(n) => {
            let accept = Accept {
                token: hash(n),
                now,
                name: PersonName::parse("Ann").unwrap(),
                locale: None,
                administrator: Some(user.groups.iter().any(Group::is_administrators)),
            };
            let attempt = store.accept(user.id, &accept).await.unwrap();
            (
                attempt,
                Box::new(move |user| Accept::refusal(hash(n), now, Some(user)).is_some()),
            )
        }
        Operation::Decline(n) => {
            let decline = Decline {
                token: hash(n),
                now,
            };
            let attempt = store.decline(user, &decline).await.unwrap();
            (
                attempt,
                Box::new(move |user| decline.refusal(Some(user)).is_some()),
            )
        }
        Operation::Renew(n) => {
            let renew = Renew {
                lifetime: Lifetime::default(),
                token: hash(n),
                now,
                nonce,
            };
            let attempt = store.renew(user, &renew).await.unwrap();
            (
                attempt,
                Box::new(move |user| renew.refusal(Some(user)).is_some()),
            )
        }
        Operation::Claim(record) => {
            let until = now.saturating_add(SignedDuration::from_secs(9)).unwrap();
            let claim = ClaimMail {
                user_id: user.id,
                record,
                doubted: None,
                now,
                until,
                token: hash(9),
            };
            let attempt = store.claim_mail(&claim).await.unwrap();
            let refused = move |user: &User| {
                !claim
                    .requirements()
                    .iter()
                    .all(|requirement| requirement.holds(user))
            };
            (attempt, Box::new(refused))
        }
        Operation::Change {
            email,
            administrator,
            appoints,
            other_tenant,
            stale,
        } => {
            let read = read_as(user, stale);
            let change = ChangeUser {
                tenant: tenant(other_tenant),
                by: crate::engine::administrator(),
                now,
                appoints,
                email: email.then(|| NewAddress {
                    email: format!("new-{}", user.email.as_str()).parse().unwrap(),
                    lifetime: Lifetime::default(),
                    nonce,
                    token: key().issue(&TenantId::default(), user.id, nonce),
                }),
                name: Some(PersonName::parse("Ann").ok()),
                locale: None,
                groups: administrator.map(|is| {
                    if is {
                        vec![Group::administrators()]
                    } else {
                        vec![]
                    }
                }),
                external_id: Some(None),
                metadata: None,
            };
            let attempt = match store.change_user(&read, &change).await.unwrap() {
                Changed::Done(after) => {
                    assert_eq!(*after, change.applied(user));
                    Attempt::Done(after)
                }
                Changed::Overtaken => {
                    Attempt::Refused(store.user(user.id).await.unwrap().map(Box::new))
                }
                other => panic!("the address is free: {other:?}"),
            };
            let requirements = change.requirements(&read);
            (
                attempt,
                broken(requirements, stale, move |user| {
                    change.refusal(Some(user)).is_some()
                }),
            )
        }
        Operation::Erase {
            appoints,
            other_tenant,
            stale,
        } => {
            let read = read_as(user, stale);
            let erase = Erase {
                tenant: tenant(other_tenant),
                by: crate::engine::administrator(),
                oneself: None,
                now,
                appoints,
            };
            let erased = store.erase(&read, &erase, &key()).await.unwrap();
            let after = store.user(user.id).await.unwrap().map(Box::new);
            let attempt = match (erased, after) {
                (ErasureWritten::Done { suppression_kept }, None) => {
                    assert_eq!(suppression_kept, user.suppressed.is_some());
                    let kept = store.erased(user.id).await.unwrap();
                    assert_eq!(kept, Some(erase.remains(user, &key())));
                    Attempt::Done(Box::new(user.clone()))
                }
                (ErasureWritten::Overtaken, after) => Attempt::Refused(after),
                (erased, after) => panic!("{erased:?}, and there is {after:?}"),
            };
            let requirements = erase.requirements(&read);
            (
                attempt,
                broken(requirements, stale, move |user| {
                    erase.refusal(Some(user)).is_some()
                }),
            )
        }
    }
}

/// The user as an operation has read them: before their last change, if that was long ago.
fn read_as(user: &User, stale: bool) -> User {
    User {
        version: user.version - u64::from(stale),
        ..user.clone()
    }
}

/// Whether the operation is to be refused; what the domain says of the user as they are must be the same, if that is what was read.
fn broken(
    requirements: Vec<Requirement>,
    stale: bool,
    refuses: impl Fn(&User) -> bool + 'static,
) -> Box<dyn Fn(&User) -> bool> {
    Box::new(move |user| {
        let broken = !requirements
            .iter()
            .all(|requirement| requirement.holds(user));
        assert!(stale || broken == refuses(user));
        broken
    })
}

#[test]
fn the_database_refuses_exactly_what_the_domain_refuses() {
    let runtime = Runtime::new().unwrap();
    let engines = runtime.block_on(engines());
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&(any_user(), any_operation()), |(mut user, operation)| {
            for engine in &engines {
                // A user of its own for every case, on every engine.
                static CASES: AtomicU32 = AtomicU32::new(0);
                let case = CASES.fetch_add(1, Ordering::Relaxed);
                user.id = UserId::new(start(), u128::from(case).to_be_bytes());
                user.email = format!("case{case}@example.com").parse().unwrap();
                runtime.block_on(async {
                    assert_eq!(
                        engine
                            .store
                            .invite(std::slice::from_ref(&user))
                            .await
                            .unwrap(),
                        [Written::Created]
                    );
                    let (attempt, refuses) = attempt(&engine.store, &user, operation).await;
                    let (changed, expected) = match &attempt {
                        Attempt::Done(after) => {
                            if matches!(operation, Operation::Erase { .. }) {
                                assert!(
                                    !refuses(&user),
                                    "{}: {operation:?} on {user:?}",
                                    engine.name
                                );
                                return;
                            }
                            // Everything that was said of the user is there again when it is read.
                            let read = engine.store.user(user.id).await.unwrap().unwrap();
                            if !matches!(operation, Operation::Decline(_)) {
                                assert_eq!(**after, read);
                            }
                            assert_eq!((read.id, read.invited_at), (user.id, user.invited_at));
                            if !matches!(operation, Operation::Change { .. }) {
                                assert_eq!(read.email, user.email);
                            }
                            (true, !refuses(&user))
                        }
                        Attempt::Refused(found) => {
                            assert_eq!(
                                found.as_deref(),
                                Some(&user),
                                "a refusal shows the user as it is"
                            );
                            (false, !refuses(&user))
                        }
                    };
                    assert_eq!(
                        changed, expected,
                        "{}: {operation:?} on {user:?}",
                        engine.name
                    );
                });
            }
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn an_operation_on_nobody_is_refused() {
    for engine in engines().await {
        let nobody = user(1, start());
        for operation in [
            Operation::Revoke {
                other_tenant: false,
            },
            Operation::Accept(1),
            Operation::Claim(1),
        ] {
            let (attempt, _) = attempt(&engine.store, &nobody, operation).await;
            assert!(
                matches!(attempt, Attempt::Refused(None)),
                "{}: {operation:?}",
                engine.name
            );
        }
        assert!(engine.store.user(nobody.id).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_address_is_never_taken_twice_and_the_answer_names_whose_it_is() {
    for engine in engines().await {
        let first: Vec<User> = (0..50).map(|n| user(n, start())).collect();
        assert!(
            engine
                .store
                .invite(&first)
                .await
                .unwrap()
                .iter()
                .all(|written| *written == Written::Created)
        );
        // The same call again, as after a lost answer, finds its own users.
        assert!(
            engine
                .store
                .invite(&first)
                .await
                .unwrap()
                .iter()
                .all(|written| *written == Written::Created)
        );
        let later = start()
            .saturating_add(SignedDuration::from_secs(1))
            .unwrap();
        let mixed: Vec<User> = (45..55).map(|n| user(n, later)).collect();
        let written = engine.store.invite(&mixed).await.unwrap();
        for (position, written) in written.iter().enumerate() {
            match written {
                Written::Taken {
                    user_id,
                    suppressed: None,
                } => assert_eq!(*user_id, Some(first[45 + position].id)),
                Written::Undone => assert!(position >= 5),
                other => panic!("{}: {other:?}", engine.name),
            }
        }
        assert!(
            engine.store.user(mixed[9].id).await.unwrap().is_none(),
            "nothing of a refused call is written"
        );
        let ids: Vec<UserId> = first.iter().chain(&mixed).map(|user| user.id).collect();
        assert_eq!(engine.store.users(&ids).await.unwrap().len(), 50);
    }
}

#[tokio::test]
async fn of_racing_accepts_one_wins_on_every_engine() {
    for engine in engines().await {
        let user = user(1, start());
        engine
            .store
            .invite(std::slice::from_ref(&user))
            .await
            .unwrap();
        let accept = Accept {
            token: user.token_hash.unwrap(),
            now: start(),
            name: PersonName::parse("Ann").unwrap(),
            locale: None,
            administrator: None,
        };
        let attempts = join_all((0..50).map(|_| engine.store.accept(user.id, &accept))).await;
        let won = attempts
            .iter()
            .filter(|attempt| matches!(attempt, Ok(Attempt::Done(_))))
            .count();
        assert_eq!(won, 1, "{}", engine.name);
    }
}

fn selection(state: Option<StateName>, after: Option<Position>, limit: usize) -> Selection {
    Selection {
        tenant: TenantId::default(),
        state,
        after,
        limit,
        now: start(),
    }
}

#[tokio::test]
async fn pages_together_are_the_whole_list_newest_first() {
    for engine in engines().await {
        let mut expected: BTreeMap<&str, Vec<UserId>> = BTreeMap::new();
        let mut all = Vec::new();
        for n in 0..70_u32 {
            // Two days back, some in the same millisecond, and every second pending one expired.
            let at = start()
                .saturating_sub(SignedDuration::from_millis(172_800_000 + i64::from(n / 2)))
                .unwrap();
            let mut user = user(n, at);
            user.expires_at = if n % 2 == 0 {
                start()
            } else {
                Lifetime::default().end(start())
            };
            user.state = match n % 5 {
                0 => State::Accepted { accepted_at: at },
                1 => State::Revoked { revoked_at: at },
                2 => State::Declined { declined_at: at },
                _ => State::Pending,
            };
            engine
                .store
                .invite(std::slice::from_ref(&user))
                .await
                .unwrap();
            expected
                .entry(user.state_at(start()).as_str())
                .or_default()
                .push(user.id);
            all.push((at, user.id));
        }
        all.sort_by_key(|(at, id)| std::cmp::Reverse((*at, id.to_string())));
        for limit in [1, 7, 100] {
            let ids = every_page(&engine.store, None, limit).await;
            assert_eq!(
                ids,
                all.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
                "{} by {limit}",
                engine.name
            );
            for state in StateName::ALL {
                let found: HashSet<_> = every_page(&engine.store, Some(state), limit)
                    .await
                    .into_iter()
                    .collect();
                assert_eq!(
                    found,
                    expected[state.as_str()].iter().copied().collect(),
                    "{} {state}",
                    engine.name
                );
            }
        }
        let found = engine
            .store
            .search(&selection(None, None, 5), "p1")
            .await
            .unwrap();
        let addresses: Vec<_> = found.users.iter().map(|user| user.email.as_str()).collect();
        assert_eq!(
            addresses,
            [
                "p10@example.com",
                "p11@example.com",
                "p12@example.com",
                "p13@example.com",
                "p14@example.com"
            ]
        );
        let rest = engine
            .store
            .search(&selection(None, found.after, 100), "p1")
            .await
            .unwrap();
        assert_eq!((rest.users.len(), rest.after), (6, None));
    }
}

async fn every_page(store: &Store, state: Option<StateName>, limit: usize) -> Vec<UserId> {
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(&selection(state, after, limit)).await.unwrap();
        assert!(page.users.len() <= limit);
        ids.extend(page.users.iter().map(|user| user.id));
        after = page.after;
        if after.is_none() {
            return ids;
        }
    }
}

#[tokio::test]
async fn a_corrupt_row_is_named_and_does_not_hide_the_others() {
    for engine in engines().await {
        let users: Vec<User> = (0..3).map(|n| user(n, start())).collect();
        engine.store.invite(&users).await.unwrap();
        let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
        let corrupt = ids[1];
        engine
            .client
            .update_item()
            .table_name(&engine.table)
            .key("pk", AttributeValue::S(format!("USER#{corrupt}")))
            .key("sk", AttributeValue::S("USER".into()))
            .update_expression("SET email = :bad")
            .expression_attribute_values(":bad", AttributeValue::S("ann.lee@@example.com".into()))
            .send()
            .await
            .unwrap();
        let error = engine.store.user(corrupt).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::CorruptRow { row, .. } if row.contains(&corrupt.to_string())),
            "{error}"
        );
        assert!(!error.to_string().contains("ann.lee"), "{error}");
        let page = engine.store.list(&selection(None, None, 10)).await.unwrap();
        assert_eq!(page.users.len(), 2, "{}", engine.name);
        assert_eq!(engine.store.users(&ids).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named_as_the_operators_problem() {
    for engine in engines().await {
        let store = Store::new(engine.client.clone(), "no-such-table");
        let error = store.warm_up().await.unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("no-such-table that TABLE_NAME names"),
            "{}: {said}",
            engine.name
        );
        assert!(said.contains("ResourceNotFoundException"), "{error}");
    }
}
