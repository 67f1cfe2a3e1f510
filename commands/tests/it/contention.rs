//! Two nodes write the same stream all the time, and both make progress.

use std::collections::BTreeSet;
use std::time::Duration;

use commands::{AggregateCommand, Bus, Command, Receipt};
use domain::inventory::{AdjustmentKind, InventoryCommand};
use domain::{CartId, State};
use uuid::Uuid;

use crate::support::*;

/// The number of writers at each node, and of the commands that each sends one after the other; so
/// the nodes conflict again and again.
const WRITERS: usize = 8;
const COMMANDS: i64 = 25;
const ALL: i64 = 2 * WRITERS as i64 * COMMANDS;

/// Sends the command from all writers at both nodes. Returns every receipt.
async fn contend<C: Command + Clone>(a: &Bus, b: &Bus, command: C) -> Vec<Receipt> {
    let writers = (0..2 * WRITERS).map(|writer| {
        let (node, command) =
            (if writer % 2 == 0 { a.clone() } else { b.clone() }, command.clone());
        async move {
            let mut receipts = Vec::new();
            for n in 0..COMMANDS {
                let context = keyed(&format!("{writer}/{n}"), "");
                receipts.push(node.execute(command.clone(), context).await.unwrap());
            }
            receipts
        }
    });
    let receipts: Vec<_> = all(writers).await.into_iter().flatten().collect();
    let positions: BTreeSet<_> = receipts.iter().map(|receipt| receipt.position).collect();
    assert_eq!(positions.len() as i64, ALL, "two commands share a position");
    receipts
}

fn one_more() -> AggregateCommand<InventoryCommand> {
    let (kind, reason) = (AdjustmentKind::Adjustment, Some(text("counted")));
    let command = InventoryCommand::Adjust { kind, quantity: 1, reason, reference: None };
    AggregateCommand { name: "test", id: mug(), command }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_400_deliveries_at_two_nodes_are_recorded() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    contend(&a, &b, one_more()).await;
    assert_eq!(shop.stock(&mug()).await.on_hand, 1 + ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_400_additions_to_one_line_are_counted() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    let cart = CartId(Uuid::now_v7());
    contend(&a, &b, add(cart, &mug(), 1)).await;
    let State::Cart(cart) = shop.state(cart.stream()).await else { panic!("no cart") };
    assert_eq!(cart.details().unwrap().lines[0].quantity.units(), ALL);
}

/// A command whose answer was lost is found in the log; no command takes effect twice.
#[tokio::test(flavor = "multi_thread")]
async fn contention_over_bad_connections_counts_everything_once() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    let contention = tokio::spawn(async move { contend(&a, &b, one_more()).await });
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()
                  and (query like '%append_events%' or query like '%lock_log%')";
    let mut killed = 0;
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    while !contention.is_finished() {
        killed += sqlx::query_scalar::<_, i64>(kill).fetch_one(shop.database.pool()).await.unwrap();
        pause.tick().await;
    }
    assert!(killed > 0, "no connection was ended, so the test proves nothing");
    within(contention).await.unwrap();
    assert_eq!(shop.stock(&mug()).await.on_hand, 1 + ALL);
}

/// Each order reserves two stocks; some carts list them in the other order.
#[tokio::test(flavor = "multi_thread")]
async fn orders_over_the_same_two_stocks_do_not_deadlock() {
    let tea: domain::Sku = "TEA".parse().unwrap();
    let (shop, a, b) = Shop::selling(&mug(), 100).await;
    stock(&a, &tea, 100).await;
    let mut orders = Vec::new();
    for n in 0..60 {
        let node = if n % 2 == 0 { a.clone() } else { b.clone() };
        let (one, other) = if n % 3 == 0 { (mug(), tea.clone()) } else { (tea.clone(), mug()) };
        let cart = filled_cart(&node, &one, 1).await;
        node.execute(add(cart, &other, 1), once()).await.unwrap();
        orders.push(async move { node.execute(place(cart), once()).await });
    }
    for result in all(orders).await {
        result.unwrap();
    }
    assert_eq!((shop.stock(&mug()).await.reserved, shop.stock(&tea).await.reserved), (60, 60));
}
