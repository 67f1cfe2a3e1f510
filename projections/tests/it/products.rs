//! The read model of products.

use domain::product::{Product, ProductEvent};
use projections::products::Filter;
use projections::{Cursor, Page, QueryError};

use crate::support::{Shop, at, items, page, sku, text, usd, walk};

fn created(name: &str, key: &str) -> ProductEvent {
    ProductEvent::Created {
        sku: sku(key),
        name: text(name),
        description: None,
        image_url: None,
        price: usd(2_499),
        at: at(0),
    }
}

async fn shop() -> Shop {
    let shop = Shop::open().await;
    for (name, key) in
        [("Green TEA", "T-2"), ("Straße 7 map", "m-1"), ("Black tea", "T-1"), ("50% off", "Z_1")]
    {
        shop.record(sku(key).product(), [created(name, key)]).await;
    }
    shop
}

fn skus(products: Vec<projections::Row<Product>>) -> Vec<String> {
    products.iter().map(|row| row.state.listing().unwrap().sku.to_string()).collect()
}

#[tokio::test]
async fn a_products_row_is_its_fold_with_version_position_and_times() {
    let shop = shop().await;
    let stream = sku("T-1").product();
    let repriced = ProductEvent::Repriced { price: usd(1_999), at: at(5) };
    let position = shop.record(stream, [repriced]).await;

    let models = shop.projected().await;

    let row = models.product(&sku("T-1")).await.unwrap().unwrap();
    assert_eq!((row.id, row.version, row.position), (stream.id, 2, position));
    assert!(row.created_at < row.updated_at);
    let listing = row.state.listing().unwrap();
    assert_eq!((listing.price, listing.updated_at), (usd(1_999), at(5)));
    assert_eq!(models.product(&sku("none")).await.unwrap(), None);
}

#[tokio::test]
async fn pages_are_ordered_by_the_bytes_of_the_sku() {
    let models = shop().await.projected().await;
    let all = walk(|page| {
        let models = models.clone();
        async move { models.products(&Filter::default(), &page).await.unwrap() }
    });
    assert_eq!(skus(all.await), ["T-1", "T-2", "Z_1", "m-1"]);
}

#[tokio::test]
async fn a_search_matches_name_and_sku_in_any_case_and_has_no_wildcards() {
    let models = shop().await.projected().await;
    for (search, found) in [
        ("tea", vec!["T-1", "T-2"]),
        ("t-2", vec!["T-2"]),
        ("STRASSE", vec![]),
        ("STRAßE", vec!["m-1"]),
        ("50%", vec!["Z_1"]),
        ("%", vec!["Z_1"]),
        ("_", vec!["Z_1"]),
        ("nothing", vec![]),
    ] {
        let filter = Filter { search: Some(search.to_owned()), active: None };
        let products = models.products(&filter, &page(10)).await.unwrap();
        assert_eq!(skus(items(products)), found, "{search}");
    }
}

#[tokio::test]
async fn discontinued_products_can_be_filtered() {
    let shop = shop().await;
    shop.record(sku("T-1").product(), [ProductEvent::Discontinued { at: at(9) }]).await;
    let models = shop.projected().await;
    let active = |active| Filter { active: Some(active), search: None };
    let gone = models.products(&active(false), &page(10)).await.unwrap();
    assert_eq!(skus(items(gone)), ["T-1"]);
    let sold = models.products(&active(true), &page(10)).await.unwrap();
    assert_eq!(skus(items(sold)), ["T-2", "Z_1", "m-1"]);
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let models = shop().await.projected().await;
    let page = Page::new(5, Some(Cursor::new("T-1")));
    let orders = models.orders(&Default::default(), &page).await;
    assert!(matches!(orders, Err(QueryError::BadCursor(_))));
}
