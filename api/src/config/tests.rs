//! What configuration accepts, refuses and hides.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::*;
use crate::secret::MIN_BYTES;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

/// A directory of this test's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("cartulary-config-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn load(
    data_dir: &Path,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> Result<Config, ConfigErrors> {
    let data_dir = data_dir.to_str().unwrap();
    let line = ["test", "--data-dir", data_dir].into_iter().chain(flags.iter().copied());
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    Config::load(&Line::parse_from(line).options, |name| {
        variables.get(name).map(|&value| value.to_owned())
    })
}

fn errors(flags: &[&str], variables: &[(&str, &str)]) -> String {
    let scratch = Scratch::new();
    load(&scratch.0, flags, variables).unwrap_err().to_string()
}

const STRONG: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn development_makes_secrets_once_and_keeps_them_for_their_owner_only() {
    let scratch = Scratch::new();
    let first = load(&scratch.0, &[], &[]).unwrap();
    let second = load(&scratch.0, &[], &[]).unwrap();
    assert_eq!(first.auth.jwt_secret, second.auth.jwt_secret);
    assert_ne!(first.auth.jwt_secret, first.auth.cart_token_secret);
    assert!(first.auth.jwt_secret.expose().len() >= MIN_BYTES);
    let files: Vec<_> =
        std::fs::read_dir(scratch.0.join("secrets")).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3);
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_secret_of_the_environment_wins_over_a_kept_one() {
    let scratch = Scratch::new();
    load(&scratch.0, &[], &[]).unwrap();
    let config = load(&scratch.0, &[], &[("JWT_SECRET", STRONG)]).unwrap();
    assert_eq!(config.auth.jwt_secret.expose(), STRONG);
}

#[test]
fn production_lists_every_missing_and_weak_secret_and_makes_none() {
    let scratch = Scratch::new();
    let variables = [("JWT_SECRET", "short"), ("CARTULARY_CART_TOKEN_SECRET", "")];
    let flags = ["--environment", "production", "--cors-origins", "https://a.example/path,*"];
    let message = load(&scratch.0, &flags, &variables).unwrap_err().to_string();
    assert!(message.contains("JWT_SECRET is weak"), "{message}");
    assert!(message.contains("CARTULARY_CART_TOKEN_SECRET is not set"), "{message}");
    assert!(message.contains("CARTULARY_SIMULATOR_WEBHOOK_SECRET is not set"), "{message}");
    assert!(message.contains("https://a.example/path") && message.contains("\"*\""), "{message}");
    assert!(!message.contains("short"), "{message}");
    assert!(!scratch.0.join("secrets").exists());
}

#[test]
fn production_starts_with_strong_secrets_and_lets_no_page_call() {
    let scratch = Scratch::new();
    let variables =
        ["JWT_SECRET", "CARTULARY_CART_TOKEN_SECRET", "CARTULARY_SIMULATOR_WEBHOOK_SECRET"]
            .map(|name| (name, STRONG));
    let config = load(&scratch.0, &["--environment", "production"], &variables).unwrap();
    assert_eq!(config.cors, Cors::None);
    assert!(!config.introspection && !config.pages);
    let flags = ["--environment", "production", "--pages"];
    assert!(load(&scratch.0, &flags, &variables).unwrap().pages);
}

#[test]
fn stripe_is_configured_as_a_whole_and_every_error_is_listed() {
    let message = errors(&[], &[("STRIPE_SECRET_KEY", "pk_test_hunter2")]);
    assert!(message.contains("STRIPE_WEBHOOK_SECRET is not set"), "{message}");
    assert!(message.contains("STRIPE_SECRET_KEY is not a secret"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
    for base in ["stripe", "ftp://stripe.example", "http://stripe.example", "https://a.example?b"] {
        let message = errors(&[], &[("STRIPE_API_BASE", base)]);
        for name in ["STRIPE_SECRET_KEY is not", "STRIPE_WEBHOOK_SECRET is not", "STRIPE_API_BASE"]
        {
            assert!(message.contains(name), "{message}");
        }
    }
}

#[test]
fn stripe_needs_no_secret_of_the_simulator_and_shows_none_of_its_own() {
    let scratch = Scratch::new();
    let variables = [
        ("JWT_SECRET", STRONG),
        ("CARTULARY_CART_TOKEN_SECRET", STRONG),
        ("STRIPE_SECRET_KEY", "sk_live_hunter2"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_hunter3"),
        ("STRIPE_API_BASE", "https://user:hunter4@stripe.example"),
    ];
    let config = load(&scratch.0, &["--environment", "production"], &variables).unwrap();
    let Payments::Stripe(account) = &config.payments else { panic!("it is simulated") };
    assert_eq!(account.secret_key.expose(), "sk_live_hunter2");
    let printed = format!("{config}{config:?}");
    assert!(!printed.contains("hunter"), "{printed}");
    assert!(printed.contains("STRIPE_API_BASE=https://user:***@stripe.example\n"), "{printed}");
}

#[test]
fn development_simulates_and_production_only_when_it_is_asked_to() {
    let scratch = Scratch::new();
    let simulated = |config: &Config| matches!(config.payments, Payments::Simulated { .. });
    assert!(simulated(&load(&scratch.0, &[], &[]).unwrap()));
    let mut variables = vec![("JWT_SECRET", STRONG), ("CARTULARY_CART_TOKEN_SECRET", STRONG)];
    let flags = ["--environment", "production"];
    let message = load(&scratch.0, &flags, &variables).unwrap_err().to_string();
    assert!(message.contains("there is no payment provider"), "{message}");
    variables.push(("CARTULARY_SIMULATOR_WEBHOOK_SECRET", STRONG));
    assert!(simulated(&load(&scratch.0, &flags, &variables).unwrap()));
}

#[test]
fn a_reservation_is_never_longer_than_its_cap() {
    let message = errors(&["--reservation", "2h", "--reservation-cap", "60m"], &[]);
    assert!(message.contains("CARTULARY_RESERVATION"), "{message}");
}

#[test]
fn a_missing_key_file_and_a_bad_filter_are_named() {
    let message = errors(&["--api-keys-file", "/does/not/exist", "--log", "a=b=c"], &[]);
    assert!(
        message.contains("API_KEYS_FILE /does/not/exist") && message.contains("RUST_LOG"),
        "{message}"
    );
}

#[test]
fn the_printed_configuration_holds_no_secret() {
    let scratch = Scratch::new();
    let url = "postgres://shop:pa@ss/word@db.example:5432/shop?sslpassword=more";
    let config = load(&scratch.0, &["--database-url", url], &[("JWT_SECRET", STRONG)]).unwrap();
    let printed = format!("{config}{config:?}");
    for secret in [STRONG, "word", "more", config.auth.cart_token_secret.expose()] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(
        printed.contains("DATABASE_URL=postgres://shop:***@db.example:5432/shop\n"),
        "{printed}"
    );
}

#[test]
fn development_lets_localhost_call_unless_told_otherwise() {
    let scratch = Scratch::new();
    assert_eq!(load(&scratch.0, &[], &[]).unwrap().cors, Cors::Localhost);
    let config =
        load(&scratch.0, &["--cors-origins", "https://shop.example, http://localhost:3000"], &[])
            .unwrap();
    assert_eq!(config.cors.to_string(), "https://shop.example,http://localhost:3000");
}

#[test]
fn a_cart_lasts_for_whole_seconds() {
    for idle in ["0s", "1500ms", "4000d"] {
        let message = errors(&["--cart-idle", idle], &[]);
        assert!(message.contains("CARTULARY_CART_IDLE"), "{idle}: {message}");
    }
}

#[test]
fn mail_goes_into_a_folder_unless_a_server_is_named() {
    let scratch = Scratch::new();
    assert_eq!(load(&scratch.0, &["--smtp-url", ""], &[]).unwrap().mail, Mail::to_folder());
    let flags = [
        ["--smtp-url", "smtp://shop:hunter2@localhost:2525"],
        ["--mail-from", "Mugs & more <shop@example.com>"],
        ["--staff-mail", "store@example.com"],
        ["--shop-name", "Mugs & more"],
        ["--mail-backoff", "1m"],
    ];
    let config = load(&scratch.0, flags.as_flattened(), &[]).unwrap();
    let printed = config.to_string();
    for line in [
        "SMTP_URL=smtp://shop:***@localhost:2525\n",
        "MAIL_FROM=Mugs & more <shop@example.com>\n",
        "CARTULARY_STAFF_MAIL=store@example.com\n",
        "CARTULARY_SHOP_NAME=Mugs & more\n",
        "CARTULARY_MAIL_BACKOFF=1m\nCARTULARY_MAIL_TIMEOUT=20s\n",
    ] {
        assert!(printed.contains(line), "{printed}");
    }
    assert!(!format!("{printed}{config:?}").contains("hunter2"));
}

#[test]
fn a_mail_server_that_cannot_be_used_and_people_who_have_no_address_are_named() {
    let flags = [
        ["--smtp-url", "smtp://shop:hunter2@mail.example"],
        ["--mail-from", "Shop"],
        ["--staff-mail", "store@"],
        ["--mail-backoff", "2d"],
        ["--mail-timeout", "0s"],
        ["--shop-name", ""],
    ];
    let message = errors(flags.as_flattened(), &[]);
    for part in [
        "SMTP_URL: a password must not cross the network in clear text",
        "MAIL_FROM: \"Shop\"",
        "STAFF_MAIL",
        "BACKOFF",
        "TIMEOUT",
        "SHOP_NAME",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn events_are_published_only_if_a_broker_is_configured() {
    let scratch = Scratch::new();
    let config = load(&scratch.0, &["--nats-url", ""], &[]).unwrap();
    assert_eq!(config.nats, None);
    assert!(config.to_string().contains("NATS_URL=(none)\n"), "{config}");
    let url = "tls://shop:hunter2@one.example:4222,tls://hunter3@two.example";
    let flags = ["--nats-url", url, "--nats-stream", "SHOP-2"];
    let config = load(&scratch.0, &flags, &[]).unwrap();
    let printed = format!("{config}{config:?}");
    let line = "NATS_URL=tls://***@one.example:4222,tls://***@two.example\n";
    assert!(printed.contains(line), "{printed}");
    assert!(printed.contains("CARTULARY_NATS_STREAM=SHOP-2\n"), "{printed}");
    assert!(!printed.contains("hunter"), "{printed}");
}

#[test]
fn a_broker_that_cannot_be_used_is_named_without_its_password() {
    for url in ["nats://shop:hunter2@nats.example", "http://hunter2@nats.example"] {
        let message = errors(&["--nats-url", url], &[]);
        assert!(message.contains("NATS_URL") && !message.contains("hunter2"), "{message}");
    }
    let line = Line::try_parse_from(["test", "--nats-stream", "a.b"]);
    assert!(line.is_err_and(|error| error.to_string().contains("--nats-stream")));
}

#[test]
fn who_collects_traces_is_checked_and_its_password_is_masked() {
    for endpoint in ["collector", "ftp://collector.example", "http://", "https://a.example?key=1"] {
        let message = errors(&["--otlp-endpoint", endpoint, "--otel-service", ""], &[]);
        assert!(message.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{message}");
        assert!(message.contains("OTEL_SERVICE_NAME must not be empty"), "{message}");
    }
    let scratch = Scratch::new();
    let shown = |flags: &[&str]| load(&scratch.0, flags, &[]).unwrap().to_string();
    assert!(shown(&[]).contains("OTEL_EXPORTER_OTLP_ENDPOINT=(none)\n"));
    let config = shown(&["--otlp-endpoint", "https://me:hunter2@collector.example:4318/"]);
    assert!(config.contains("OTLP_ENDPOINT=https://me:***@collector.example:4318\n"), "{config}");
}

#[test]
fn how_many_requests_a_caller_may_send_is_shown() {
    let scratch = Scratch::new();
    let config =
        load(&scratch.0, &["--rate-limit", "0", "--proxies", "2"], &[]).unwrap().to_string();
    for line in ["CARTULARY_RATE_LIMIT=0", "CARTULARY_RATE_BURST=200", "CARTULARY_PROXIES=2"] {
        assert!(config.contains(line), "{config}");
    }
}
