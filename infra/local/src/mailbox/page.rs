//! The mailbox over HTTP: JSON for tests and scripts, a page for people.

use std::{io, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Mail, Mailbox,
    view::{self, Tab, View},
};

const STYLE: &str = include_str!("mailbox.css");
const SCRIPT: &str = include_str!("mailbox.js");
const MAILS_PER_PAGE: usize = 100;

const PAGE_CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; connect-src 'self'; frame-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// A mail's HTML is somebody else's: it runs no script, reaches nothing of the mailbox's origin, and its links open in
/// a tab of their own that has all a page may have.
const MAIL_CSP: HeaderValue = HeaderValue::from_static(
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; \
     default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; font-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
);

/// The mailbox's routes, all under `/_local/mail`.
pub fn router(mailbox: Arc<Mailbox>) -> Router {
    Router::new()
        .route("/_local/mail.json", get(list_json))
        .route("/_local/mail", get(list_page).delete(empty))
        .route("/_local/mail/count", get(count))
        .route("/_local/mail/{message_id}", get(mail_page))
        .route("/_local/mail/{message_id}/html", get(mail_html))
        .route("/_local/mail.css", get(style))
        .route("/_local/mail.js", get(script))
        .layer(middleware::map_response(add_security_headers))
        .with_state(mailbox)
}

#[derive(Deserialize)]
struct ListQuery {
    to: Option<String>,
    limit: Option<usize>,
}

async fn list_json(
    State(mailbox): State<Arc<Mailbox>>,
    Query(query): Query<ListQuery>,
) -> Response {
    let mails = mailbox.list(query.to.as_deref());
    let mails = mails.iter().take(query.limit.unwrap_or(usize::MAX));
    Json(mails.map(|mail| &**mail).collect::<Vec<&Mail>>()).into_response()
}

async fn count(State(mailbox): State<Arc<Mailbox>>) -> Response {
    Json(json!({ "count": mailbox.count() })).into_response()
}

async fn empty(State(mailbox): State<Arc<Mailbox>>) -> Response {
    match mailbox.empty() {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => unwritable(&error),
    }
}

fn unwritable(error: &io::Error) -> Response {
    tracing::error!(%error, "the mailbox's file can't be emptied");
    let message = "The mailbox's file can't be emptied: is the disk full, or the file read-only?\n";
    (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
}

/// What the page's address says beyond the mail: where the list is.
#[derive(Deserialize)]
struct PageQuery {
    #[serde(default)]
    to: String,
    before: Option<usize>,
    #[serde(default)]
    tab: Tab,
}

async fn list_page(
    State(mailbox): State<Arc<Mailbox>>,
    Query(query): Query<PageQuery>,
) -> Response {
    page(&mailbox, &query, None)
}

async fn mail_page(
    State(mailbox): State<Arc<Mailbox>>,
    Path(message_id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Response {
    match mailbox.find(&message_id) {
        Some(mail) => page(&mailbox, &query, Some(&mail)),
        None => (StatusCode::NOT_FOUND, page(&mailbox, &query, None)).into_response(),
    }
}

fn page(mailbox: &Mailbox, query: &PageQuery, open: Option<&Mail>) -> Response {
    let search = query.to.trim();
    // One more than is shown tells whether there are older ones.
    let mut mails = mailbox.page(search, query.before, MAILS_PER_PAGE + 1);
    let has_older = mails.len() > MAILS_PER_PAGE;
    mails.truncate(MAILS_PER_PAGE);
    let view = View::new(mailbox.count(), search, query.before, &mails, has_older)
        .opening(open, query.tab);
    match view.render() {
        Ok(html) => ([(header::CONTENT_SECURITY_POLICY, PAGE_CSP)], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the mailbox's page can't be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn mail_html(
    State(mailbox): State<Arc<Mailbox>>,
    Path(message_id): Path<String>,
) -> Response {
    match mailbox.find(&message_id) {
        Some(mail) => {
            let html = view::opening_links_in_tabs(&mail.html);
            ([(header::CONTENT_SECURITY_POLICY, MAIL_CSP)], Html(html)).into_response()
        }
        None => (
            StatusCode::NOT_FOUND,
            "This mail is no longer in the mailbox.\n",
        )
            .into_response(),
    }
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

async fn script() -> Response {
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        SCRIPT,
    )
        .into_response()
}

/// Mails hold live links: nothing of them may stay in a cache or leave in a `Referer`.
async fn add_security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::{Method, Request},
    };
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::mailbox::tests::mail;

    fn mailbox(mails: usize) -> Arc<Mailbox> {
        let mailbox = Mailbox::memory();
        mailbox.deliver((0..mails).map(mail)).unwrap();
        Arc::new(mailbox)
    }

    async fn call(mailbox: &Arc<Mailbox>, method: Method, path: &str) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        router(Arc::clone(mailbox)).oneshot(request).await.unwrap()
    }

    async fn read(mailbox: &Arc<Mailbox>, path: &str) -> String {
        let response = call(mailbox, Method::GET, path).await;
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_json_has_exactly_the_promised_names() {
        let json: Value =
            serde_json::from_str(&read(&mailbox(1), "/_local/mail.json").await).unwrap();
        let expected = json!([{
            "to": "user0@example.org",
            "from": "Usher <invitations@example.org>",
            "subject": "Invitation 0",
            "html": "<p>Hello <a href=\"https://app.example.org/accept#0\">accept</a></p>",
            "text": "https://app.example.org/accept#0",
            "headers": {},
            "tags": { "user": "0" },
            "message_id": "id-0",
            "sent_at": "2026-01-01T00:00:00.123Z",
        }]);
        assert_eq!(json, expected);
    }

    #[tokio::test]
    async fn the_json_is_filtered_by_exact_address_and_limited() {
        let mailbox = mailbox(12);
        let count = async |path| {
            let json: Value = serde_json::from_str(&read(&mailbox, path).await).unwrap();
            json.as_array().unwrap().len()
        };
        assert_eq!(count("/_local/mail.json?to=USER1%40example.org").await, 1);
        assert_eq!(count("/_local/mail.json?to=user1").await, 0);
        assert_eq!(count("/_local/mail.json?limit=5").await, 5);
    }

    #[tokio::test]
    async fn the_page_shows_a_hundred_mails_and_leads_to_the_rest() {
        let mailbox = mailbox(150);
        let first = read(&mailbox, "/_local/mail").await;
        assert_eq!(first.matches("class=\"subject\"").count(), 100);
        assert!(
            first.contains("href=\"/_local/mail?before&#x3D;50\">Older mail"),
            "{first}"
        );
        let second = read(&mailbox, "/_local/mail?before=50").await;
        assert_eq!(second.matches("class=\"subject\"").count(), 50);
        assert!(second.contains("Newest") && !second.contains("Older mail"));
    }

    #[tokio::test]
    async fn the_search_stays_while_a_mail_is_read() {
        let html = read(&mailbox(20), "/_local/mail/id-15?to=user1&tab=text").await;
        assert!(html.contains("value=\"user1\""));
        assert!(
            html.contains("/_local/mail/id-15?to&#x3D;user1&amp;tab&#x3D;details"),
            "{html}"
        );
        assert_eq!(html.matches("class=\"subject\"").count(), 11);
    }

    #[tokio::test]
    async fn a_mails_html_is_sandboxed_and_never_cached() {
        let response = call(&mailbox(1), Method::GET, "/_local/mail/id-0/html").await;
        let header = |name| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-security-policy").starts_with("sandbox allow-popups "));
        assert_eq!(
            (
                header("cache-control").as_str(),
                header("referrer-policy").as_str()
            ),
            ("no-store", "no-referrer")
        );
        let missing = call(&mailbox(1), Method::GET, "/_local/mail/id-9/html").await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn deleting_empties_the_mailbox() {
        let mailbox = mailbox(3);
        assert_eq!(read(&mailbox, "/_local/mail/count").await, "{\"count\":3}");
        let response = call(&mailbox, Method::DELETE, "/_local/mail").await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(read(&mailbox, "/_local/mail.json").await, "[]");
    }
}
