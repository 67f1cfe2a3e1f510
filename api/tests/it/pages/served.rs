//! How the pages are served.

use api::config::Environment;
use axum::http::{Method, Request, StatusCode};
use http_body_util::Full;

use crate::support::{Answer, Running, setup, start};

#[tokio::test]
async fn pages_run_only_their_own_scripts() {
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
async fn the_start_page_leads_browsers_and_programs_on() {
    let server = start().await;
    let accept = |value| [("accept", value)];
    let html = "text/html,application/xhtml+xml,*/*;q=0.8";
    let page = server.request(Method::GET, "/", &accept(html), "").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let text = String::from_utf8_lossy(&page.body).into_owned();
    for path in ["/shop", "/console", "/graphql/schema", "/health"] {
        assert!(text.contains(&format!("href=\"{path}\"")), "{path}: {text}");
    }
    let program = server.get("/").await;
    assert_eq!(program.status, StatusCode::OK);
    assert_eq!(program.json()["links"]["graphql"], "/graphql");
    assert_eq!(program.json()["links"]["console"], "/console");

    let mut setup = setup();
    (setup.config.pages, setup.config.introspection) = (false, false);
    let server = setup.start().await;
    let bare = server.request(Method::GET, "/", &accept(html), "").await;
    assert_eq!(bare.json()["links"]["health"], "/health", "{bare:?}");
    assert!(
        bare.json()["links"].get("shop").is_none() && bare.json()["links"].get("schema").is_none()
    );
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_makes_no_difference() {
    let server = start().await;
    for path in ["/shop/", "/console/", "/graphql/schema/", "/health/", "/health/live/", "//"] {
        let answer = server.get(path).await;
        let expected = if path == "//" { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(answer.status, expected, "{path}");
    }
    let query = "/graphql/?query=%7B__typename%7D";
    assert_eq!(server.get(query).await.json()["data"]["__typename"], "Query");
    assert_eq!(server.get("/nothing/").await.status, StatusCode::NOT_FOUND);
}

/// How a server answers a page of its own, or one that differs in one header.
async fn sign_in(server: &Running, header: &str, value: &str) -> Answer {
    let host = server.address.to_string();
    let origin = format!("http://{host}");
    let own = [("host", &*host), ("origin", &origin), ("sec-fetch-site", "same-origin")];
    let mut request = Request::builder().method(Method::POST).uri("/console/sign-in/support");
    for (name, own) in own {
        request = request.header(name, if name == header { value } else { own });
    }
    if !own.iter().any(|(name, _)| *name == header) {
        request = request.header(header, value);
    }
    server.send(request.body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn only_a_page_of_a_development_server_on_this_machine_signs_in_by_a_click() {
    let server = start().await;
    let answer = sign_in(&server, "accept", "*/*").await;
    let token = answer.json()["token"].as_str().unwrap_or_default().to_owned();
    let bearer = format!("Bearer {token}");
    let me = server.query_with("{ __typename }", &[("authorization", &bearer)]).await;
    assert_eq!(me.status, StatusCode::OK, "{answer:?}");
    for (name, value) in [
        ("host", "shop.example"),
        ("origin", "http://localhost:3000"),
        ("sec-fetch-site", "cross-site"),
        ("x-forwarded-for", "203.0.113.7"),
    ] {
        let answer = sign_in(&server, name, value).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}: {value}");
    }
    let customer = server.request(
        Method::POST,
        "/console/sign-in/customer",
        &[("sec-fetch-site", "same-origin")],
        "",
    );
    assert_eq!(customer.await.status, StatusCode::NOT_FOUND);

    let mut setup = setup();
    setup.config.environment = Environment::Production;
    let server = setup.start().await;
    assert_eq!(sign_in(&server, "accept", "*/*").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_that_the_browser_has_cached_is_not_sent_again() {
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
async fn pages_that_are_not_enabled_are_not_served() {
    let mut setup = setup();
    setup.config.pages = false;
    let server = setup.start().await;
    for path in ["/shop", "/console", "/pages/graphql.js"] {
        assert_eq!(server.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
