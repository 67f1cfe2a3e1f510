//! How the pages are served.

use axum::http::{Method, StatusCode};

use crate::support::{setup, start};

#[tokio::test]
async fn pages_may_run_nothing_but_their_own_files() {
    let server = start().await;
    for page in ["/shop", "/console"] {
        let answer = server.get(page).await;
        assert_eq!(answer.status, StatusCode::OK);
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let server = start().await;
    let first = server.get("/shop/shop.js").await;
    assert_eq!(first.header("content-type"), "text/javascript; charset=utf-8");
    let tags = format!("\"other\", W/{}", first.header("etag"));
    let again = async |tags| {
        server.request(Method::GET, "/shop/shop.js", &[("if-none-match", tags)], "").await
    };
    let known = again(&*tags).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again("\"other\"").await.status, StatusCode::OK);
}

#[tokio::test]
async fn pages_that_nobody_asked_for_are_not_served() {
    let mut setup = setup();
    setup.config.pages = false;
    let server = setup.start().await;
    for path in ["/shop", "/console", "/pages/graphql.js"] {
        assert_eq!(server.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
