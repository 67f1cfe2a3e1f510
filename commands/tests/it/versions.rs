//! A caller may name the version that it expects.

use commands::{CommandError, Context};

use crate::support::*;

fn seen(version: i32) -> Context {
    Context { expected_version: Some(version), ..once() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_expected_version_is_refused_with_the_present_one() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    let version = a.load(mug().inventory()).await.unwrap().1;
    adjust(&b, &mug(), 1).await.unwrap();
    // A's cached version is the expected one; the log has a newer one.
    let refused = adjust_as(&a, &mug(), 1, seen(version)).await;
    let expected = |actual| matches!(refused, Err(CommandError::VersionConflict { actual: is, .. }) if is == actual);
    assert!(expected(version + 1), "{refused:?}");
    assert_eq!(shop.stock(&mug()).await.on_hand, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_the_node_has_not_loaded_yet_is_accepted() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    let version = a.load(mug().inventory()).await.unwrap().1;
    adjust(&b, &mug(), 1).await.unwrap();
    adjust_as(&a, &mug(), 1, seen(version + 1)).await.expect("the version is right");
    assert_eq!(shop.stock(&mug()).await.on_hand, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_commands_with_the_same_expected_version_one_is_executed() {
    let (shop, a, b) = Shop::selling(&mug(), 1).await;
    let version = a.load(mug().inventory()).await.unwrap().1;
    let asking = (0..50).map(|n| {
        let node = if n % 2 == 0 { &a } else { &b };
        adjust_as(node, &mug(), 1, seen(version))
    });
    let results = all(asking).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(error, CommandError::VersionConflict { .. }), "{error}");
    }
    assert_eq!(shop.stock(&mug()).await.on_hand, 2);
}
