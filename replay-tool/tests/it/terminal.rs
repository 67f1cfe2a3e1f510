//! The output at a terminal.
#![cfg(target_os = "linux")]

use projections::ReadModel;
use tokio::io::AsyncReadExt;
use tokio::process::Child;

use crate::support::{RunOutput, Shop, command, shell, within};

/// Runs the tool in a terminal with this many columns, and returns everything that was written to it.
async fn on_a_terminal(columns: usize, arguments: &str) -> RunOutput {
    let inside = format!("stty rows 24 cols {columns}; \\\"$TOOL\\\" {arguments}");
    shell(&format!("script -qec \"{inside}\" /dev/null")).await
}

/// The widest line on the terminal, in characters. Escape sequences have no width, and the one that
/// erases a line starts it again.
fn widest(written: &str) -> usize {
    let mut shown = String::new();
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            shown.push(character);
        } else if characters.by_ref().find(char::is_ascii_alphabetic) == Some('K') {
            shown.push('\n');
        }
    }
    shown.split(['\r', '\n']).map(|line| line.chars().count()).max().unwrap_or_default()
}

#[tokio::test]
async fn progress_says_what_is_done_and_fits_the_terminal() {
    let shop = Shop::projected().await;
    for columns in [80, 40] {
        let arguments = format!("verify --json --database-url {}", shop.database.url());
        let answer = on_a_terminal(columns, &arguments).await.expect(0);
        let written = answer.out.split('{').next().unwrap();
        assert!(written.contains("verifying 11 read models"), "{}", answer.all());
        assert!(!written.contains("rebuilding"), "{}", answer.all());
        assert!(widest(written) <= columns, "{}", answer.all());
    }
}

#[tokio::test]
async fn an_empty_log_has_no_full_bar() {
    let shop = Shop::recorded().await;
    shop.tamper("truncate events").await;
    let arguments = format!("verify --database-url {}", shop.database.url());
    let answer = on_a_terminal(80, &arguments).await.expect(0);
    assert!(!answer.out.contains('█') && !answer.out.contains("0/0"), "{}", answer.all());
}

#[tokio::test]
async fn without_a_terminal_there_is_no_colour() {
    let shop = Shop::projected().await;
    let mut child = command(&["verify", "--database-url", shop.database.url()]);
    let child = child.env("RUST_LOG", "debug").stderr(std::process::Stdio::piped());
    let output = within(child.output()).await.unwrap();
    assert!(!output.stderr.is_empty() && !output.stderr.contains(&0x1b));
}

/// Starts a rebuild that waits for a lock on `orders`, and presses Ctrl-C.
async fn interrupted(shop: &Shop, arguments: &[&str], replaced: i64) -> RunOutput {
    let mut holder = shop.database.pool().begin().await.unwrap();
    sqlx::query("lock table orders in access exclusive mode").execute(&mut *holder).await.unwrap();
    let arguments = [arguments, &["--database-url", shop.database.url()]].concat();
    let mut child = command(&arguments).spawn().unwrap();
    let is_waiting = "select exists (select from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'
           and query like '%create schema rebuild_orders%')
         and (select count(*) from leases where name like 'projection:%' and epoch > 1) = $1";
    within(async {
        while !sqlx::query_scalar::<_, bool>(is_waiting)
            .bind(replaced)
            .fetch_one(shop.database.pool())
            .await
            .unwrap()
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let answer = ended(&mut child).await;
    holder.rollback().await.unwrap();
    let left = "select count(*) from pg_namespace where nspname like 'rebuild%'";
    let left: i64 = sqlx::query_scalar(left).fetch_one(shop.database.pool()).await.unwrap();
    assert_eq!(left, 0, "no shadow table is left");
    answer
}

async fn ended(child: &mut Child) -> RunOutput {
    let (mut out, mut err) = (String::new(), String::new());
    let status = within(child.wait()).await.unwrap();
    child.stdout.take().unwrap().read_to_string(&mut out).await.unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).await.unwrap();
    let code = status.code().unwrap_or_else(|| panic!("{status}: {out}{err}"));
    RunOutput { code, out, err }
}

#[tokio::test]
async fn an_interrupted_rebuild_says_that_nothing_was_replaced_and_leaves_nothing() {
    let shop = Shop::projected().await;
    let answer = interrupted(&shop, &["rebuild", "orders"], 0).await.expect(2);
    assert_eq!(
        answer.err,
        "replay-tool: interrupted: no live table was replaced, and the half-built shadow tables are \
         dropped\n"
    );
    shop.run(&["verify"]).await.expect(0);
}

#[tokio::test]
async fn an_interrupted_rebuild_of_all_says_which_were_replaced() {
    let shop = Shop::projected().await;
    let others = ReadModel::ALL.len() as i64 - 1;
    let answer = interrupted(&shop, &["rebuild", "--all"], others).await.expect(2);
    assert_eq!(
        answer.err,
        "replay-tool: interrupted: the live tables of orders were not replaced, those printed above \
         were, and the half-built shadow tables are dropped\n"
    );
    assert_eq!(answer.out.matches("the new table is the live one").count(), 10, "{}", answer.all());
}

#[tokio::test]
async fn an_interrupted_comparison_says_that_nothing_was_changed() {
    let shop = Shop::projected().await;
    let answer = interrupted(&shop, &["rebuild", "orders", "--verify-only"], 0).await.expect(2);
    assert!(answer.err.contains("no live table was changed"), "{}", answer.all());
    let answer = interrupted(&shop, &["verify"], 0).await.expect(2);
    assert_eq!(answer.err, "replay-tool: interrupted; nothing was changed\n");
}
