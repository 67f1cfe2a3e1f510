//! Two nodes want the same stream all the time, and both get ahead.

use std::collections::BTreeSet;
use std::time::Duration;

use commands::{AggregateCommand, Bus, Command, Receipt};
use domain::inventory::{AdjustmentKind, InventoryCommand};
use domain::{CartId, State};
use uuid::Uuid;

use crate::support::*;

/// Writers at each node, and what each does one after the other: so the nodes take turns, and collide
/// again and again.
const WRITERS: usize = 8;
const COMMANDS: i64 = 25;
const ALL: i64 = 2 * WRITERS as i64 * COMMANDS;

/// Every receipt; whatever was not carried out is sent again under its key.
async fn fight<C: Command + Clone>(a: &Bus, b: &Bus, command: C) -> Vec<Receipt> {
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
async fn four_hundred_deliveries_at_two_nodes_all_arrive() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    fight(&a, &b, one_more()).await;
    assert_eq!(shop.stock(&mug()).await.on_hand, 1 + ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_additions_to_one_line_all_count() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    let cart = CartId(Uuid::now_v7());
    fight(&a, &b, add(cart, &mug(), 1)).await;
    let State::Cart(cart) = shop.state(cart.stream()).await else { panic!("no cart") };
    assert_eq!(cart.details().unwrap().lines[0].quantity.units(), ALL);
}

/// An answer that got lost is found again; nothing counts twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_fight_over_bad_connections_counts_everything_once() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    let fight = tokio::spawn(async move { fight(&a, &b, one_more()).await });
    let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()
                  and (query like '%append_events%' or query like '%lock_log%')";
    let mut killed = 0;
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    while !fight.is_finished() {
        killed += sqlx::query_scalar::<_, i64>(kill).fetch_one(shop.database.pool()).await.unwrap();
        pause.tick().await;
    }
    assert!(killed > 0, "nothing was tested");
    within(fight).await.unwrap();
    assert_eq!(shop.stock(&mug()).await.on_hand, 1 + ALL);
}

/// Streams that cross: each order takes two stocks, named in either order.
#[tokio::test(flavor = "multi_thread")]
async fn orders_over_crossing_streams_do_not_wait_in_a_circle() {
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
