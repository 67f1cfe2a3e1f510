//! The page about this tool: its commands are run as they are written.

use crate::support::Shop;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/replay.md");

#[tokio::test]
async fn the_commands_of_the_page_run() {
    let shop = Shop::projected().await;
    let page = std::fs::read_to_string(PAGE).unwrap();
    let commands = page.lines().filter_map(|line| line.split_once("-p replay-tool -- "));
    let mut ran = 0;
    for (_, command) in commands {
        let command = command.split('#').next().unwrap_or_default().trim();
        // This test's order has another number than the one on the page.
        let command = command.replace("C-10001", "10001");
        let arguments: Vec<&str> = command.split(' ').collect();
        shop.run(&arguments).await.expect(0);
        ran += 1;
    }
    assert_eq!(ran, 4);
}
