//! The program at a terminal: what it prints, and how it ends.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use api::cli::Cli;
use clap::CommandFactory;
use local_postgres::testing::{Scratch, database};
use sqlx::migrate::Migrator;

/// How a run of the program ended.
#[derive(Debug)]
struct FinishedProcess {
    code: i32,
    out: String,
    err: String,
}

/// The program without any setting of this environment, in a directory of its own.
fn program(directory: &Scratch) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cartulary"));
    let cli = Cli::command();
    let variables = cli.get_arguments().filter_map(|option| option.get_env());
    for variable in variables {
        command.env_remove(variable);
    }
    for variable in ["JWT_SECRET", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE"]
    {
        command.env_remove(variable);
    }
    command.current_dir(directory.path()).stdin(Stdio::null());
    command
}

fn run(directory: &Scratch, arguments: &[&str]) -> FinishedProcess {
    ended(program(directory).args(arguments))
}

fn ended(command: &mut Command) -> FinishedProcess {
    let output = command.output().expect("the program runs");
    FinishedProcess {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Checks that an error of a person's making is one line that has these parts.
#[track_caller]
fn refuses(ended: &FinishedProcess, code: i32, parts: &[&str]) {
    assert_eq!((ended.code, ended.err.trim_end().lines().count()), (code, 1), "{ended:?}");
    assert!(ended.err.starts_with("cartulary: "), "{ended:?}");
    for part in parts {
        assert!(ended.err.contains(part), "{part}: {ended:?}");
    }
}

/// A value that the option of this name cannot have.
fn nonsense(option: &str) -> &'static str {
    match option {
        // Any other text is a name.
        "jwt-issuer" | "jwt-audience" | "shop-name" | "otel-service" => "",
        "data-dir" => "/dev/null/data",
        "log" => "a=b=c",
        _ => "§",
    }
}

#[test]
fn a_nonsense_value_of_any_option_is_one_sentence_that_names_the_option() {
    let directory = Scratch::new();
    let cli = Cli::command();
    let options: Vec<_> =
        cli.get_arguments().filter(|option| option.get_action().takes_values()).collect();
    assert!(options.len() > 40, "{}", options.len());
    for option in options {
        let name = option.get_long().expect("every option has a long name");
        let variable = option.get_env().and_then(|name| name.to_str()).expect("a variable");
        let value = nonsense(name);
        let flag = run(&directory, &["config", &format!("--{name}={value}")]);
        assert_eq!((flag.code, &*flag.out), (2, ""), "--{name}={value}: {flag:?}");
        refuses(&flag, 2, &[variable]);
        if !value.is_empty() {
            let environment = ended(program(&directory).arg("config").env(variable, value));
            refuses(&environment, 2, &[variable]);
        }
    }
    assert!(!directory.path().join("data").exists(), "a start that fails has made something");
}

#[test]
fn an_unknown_option_or_command_is_one_sentence() {
    let directory = Scratch::new();
    refuses(&run(&directory, &["--liste", "x"]), 2, &["--liste", "help"]);
    refuses(&run(&directory, &["sing"]), 2, &["sing", "help"]);
    refuses(&run(&directory, &["token", "--sub", "ada"]), 2, &["--role"]);
    refuses(&run(&directory, &["token", "--sub", "", "--role", "admin"]), 2, &["--sub"]);
    refuses(
        &run(&directory, &["token", "--sub", "a", "--role", "king"]),
        2,
        &["--role", "support"],
    );
}

#[test]
fn a_data_directory_that_cannot_be_used_is_one_error() {
    let directory = Scratch::new();
    std::fs::write(directory.path().join("file"), "").unwrap();
    refuses(&run(&directory, &["config", "--data-dir", "file"]), 2, &["CARTULARY_DATA_DIR file"]);
}

#[test]
fn several_errors_are_listed_at_once() {
    let directory = Scratch::new();
    let ended = run(&directory, &["config", "--cart-idle", "0s", "--database-url", "mysql://x/y"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    for part in ["2 settings", "\n  - DATABASE_URL: it must begin with postgres://", "CART_IDLE"] {
        assert!(ended.err.contains(part), "{part}: {ended:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let directory = Scratch::new();
    for arguments in [&["config"][..], &["token", "--sub", "ada", "--role", "customer"]] {
        let mut child = program(&directory)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Closed before anything is written, as `head` may.
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert!(child.wait().unwrap().success() && err.is_empty(), "{arguments:?}: {err}");
    }
}

#[test]
fn an_address_that_cannot_be_used_is_noticed_before_anything_is_made() {
    let directory = Scratch::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refuses(&run(&directory, &["--listen", &address]), 1, &[&address, "another port"]);
    assert!(!directory.path().join("data/postgres").exists());
    for (address, part) in [("foo", "port"), (":80", "host"), ("127.0.0.1:99999", "65535")] {
        refuses(&run(&directory, &["--listen", address]), 2, &["CARTULARY_LISTEN", part]);
    }
}

#[test]
fn a_closed_port_of_the_database_is_told_at_once() {
    let directory = Scratch::new();
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("postgres://shop:hunter2@127.0.0.1:{port}/shop");
    let began = std::time::Instant::now();
    for command in ["serve", "migrate"] {
        let ended = run(&directory, &[command, "--listen", "127.0.0.1:0", "--database-url", &url]);
        refuses(&ended, 1, &["DATABASE_URL postgres://shop:***@127.0.0.1", "refused", "start the"]);
        assert!(!ended.err.contains("hunter2"), "{ended:?}");
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[tokio::test]
async fn migrate_says_what_it_has_done() {
    let directory = Scratch::new();
    static NONE: Migrator = Migrator::DEFAULT;
    let database = database(&NONE).await;
    let url = database.url().to_owned();
    let migrate = || run(&directory, &["migrate", "--database-url", &url]);
    let first = migrate();
    assert!(first.code == 0 && first.out.starts_with("applied "), "{first:?}");
    assert!(first.out.contains("from 0001 events to 00"), "{first:?}");
    let second = migrate();
    assert_eq!(second.out, "nothing to do: the database is up to date\n", "{second:?}");
    let newer =
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9999, 'of a newer release', true, '', 0)";
    sqlx::query(newer).execute(database.pool()).await.unwrap();
    refuses(&migrate(), 1, &["migration 9999", "newer release"]);
}
