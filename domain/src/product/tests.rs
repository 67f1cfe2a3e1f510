//! The rules of a product.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::{Listing, Offer, Product, ProductCommand, ProductError, ProductEvent};
use crate::fixtures::{eur, minute, sku, text, usd};
use crate::{Decide, ErrorCode, State, Timestamp};

fn now() -> Timestamp {
    minute(10)
}

fn given<const N: usize>(events: [ProductEvent; N]) -> AggregateTestExecutor<Product> {
    TestFramework::with(now()).given(events.into())
}

fn create() -> ProductCommand {
    ProductCommand::Create {
        sku: sku("MUG"),
        name: text("Mug"),
        description: Some(text("Holds tea.")),
        image_url: None,
        price: usd(1250),
    }
}

fn created(at: Timestamp) -> ProductEvent {
    ProductEvent::Created {
        sku: sku("MUG"),
        name: text("Mug"),
        description: Some(text("Holds tea.")),
        image_url: None,
        price: usd(1250),
        at,
    }
}

fn discontinued() -> ProductEvent {
    ProductEvent::Discontinued { at: minute(5) }
}

fn product<const N: usize>(events: [ProductEvent; N]) -> Product {
    let mut state = State::absent(crate::Kind::Product);
    events.into_iter().for_each(|event| state.apply(event.into()));
    let State::Product(product) = state else { panic!("a product stays a product") };
    product
}

fn other_currency() -> ProductError {
    ProductError::OtherCurrency { own: usd(0).currency, other: eur(0).currency }
}

#[test]
fn a_product_is_created_once() {
    given([]).when(create()).then_expect_events(vec![created(now())]);
    given([created(minute(0))]).when(create()).then_expect_error(ProductError::Exists(sku("MUG")));
}

#[test]
fn a_price_must_be_positive() {
    for cents in [0, -1, i64::MIN] {
        let mut create = create();
        let ProductCommand::Create { price, .. } = &mut create else { unreachable!() };
        *price = usd(cents);
        given([]).when(create).then_expect_error(ProductError::PriceNotPositive(usd(cents)));
        given([created(minute(0))])
            .when(ProductCommand::Reprice { price: usd(cents) })
            .then_expect_error(ProductError::PriceNotPositive(usd(cents)));
    }
}

#[test]
fn commands_to_a_product_that_does_not_exist_are_refused() {
    for command in [
        ProductCommand::Update { name: Some(text("Cup")), description: None, image_url: None },
        ProductCommand::Reprice { price: usd(1) },
        ProductCommand::Discontinue,
        ProductCommand::Reinstate,
    ] {
        given([]).when(command).then_expect_error(ProductError::Missing);
    }
}

#[test]
fn an_update_has_all_fields_with_their_new_values() {
    given([created(minute(0))])
        .when(ProductCommand::Update {
            name: None,
            description: None,
            image_url: Some(text("https://shop.example/mug.webp")),
        })
        .then_expect_events(vec![ProductEvent::Updated {
            name: text("Mug"),
            description: Some(text("Holds tea.")),
            image_url: Some(text("https://shop.example/mug.webp")),
            at: now(),
        }]);
}

#[test]
fn a_command_that_changes_nothing_gives_no_event() {
    for command in [
        ProductCommand::Update { name: None, description: None, image_url: None },
        ProductCommand::Update { name: Some(text("Mug")), description: None, image_url: None },
        ProductCommand::Reprice { price: usd(1250) },
        ProductCommand::Reinstate,
    ] {
        given([created(minute(0))]).when(command).then_expect_events(vec![]);
    }
    given([created(minute(0)), discontinued()])
        .when(ProductCommand::Discontinue)
        .then_expect_events(vec![]);
}

#[test]
fn a_product_keeps_its_currency() {
    given([created(minute(0))])
        .when(ProductCommand::Reprice { price: usd(990) })
        .then_expect_events(vec![ProductEvent::Repriced { price: usd(990), at: now() }]);
    given([created(minute(0))])
        .when(ProductCommand::Reprice { price: eur(990) })
        .then_expect_error(other_currency());
}

#[test]
fn a_discontinued_product_can_be_reinstated() {
    given([created(minute(0))])
        .when(ProductCommand::Discontinue)
        .then_expect_events(vec![ProductEvent::Discontinued { at: now() }]);
    given([created(minute(0)), discontinued()])
        .when(ProductCommand::Reinstate)
        .then_expect_events(vec![ProductEvent::Reinstated { at: now() }]);
}

#[test]
fn a_discontinued_product_can_still_be_described_and_priced() {
    let product = product([created(minute(0)), discontinued()]);
    let reprice = ProductCommand::Reprice { price: usd(990) };
    let events = product.decide(&reprice, now()).unwrap();
    assert_eq!(events, [ProductEvent::Repriced { price: usd(990), at: now() }]);
}

#[test]
fn only_a_product_that_is_sold_makes_an_offer() {
    let mug = sku("MUG");
    assert_eq!(Product::default().offer(&mug), Err(ProductError::NotFound(mug.clone())));

    let repriced = ProductEvent::Repriced { price: usd(990), at: minute(1) };
    let active = product([created(minute(0)), repriced.clone()]);
    assert!(active.is_active());
    let offer = Offer { sku: mug.clone(), name: text("Mug"), price: usd(990) };
    assert_eq!(active.offer(&mug), Ok(offer));

    let gone = product([created(minute(0)), repriced, discontinued()]);
    assert!(!gone.is_active());
    assert_eq!(gone.offer(&mug), Err(ProductError::Discontinued(mug)));
}

#[test]
fn the_listing_is_folded_from_the_events() {
    let listing = Listing {
        sku: sku("MUG"),
        name: text("Cup"),
        description: None,
        image_url: None,
        price: usd(990),
        created_at: minute(0),
        updated_at: minute(7),
    };
    let updated = ProductEvent::Updated {
        name: text("Cup"),
        description: None,
        image_url: None,
        at: minute(1),
    };
    let repriced = ProductEvent::Repriced { price: usd(990), at: minute(2) };
    let reinstated = ProductEvent::Reinstated { at: minute(7) };
    let product = product([created(minute(0)), updated, repriced, discontinued(), reinstated]);
    assert_eq!(product, Product::Active(listing));
}

#[test]
fn a_refusal_has_a_code_and_names_its_field() {
    for (error, code, field) in [
        (ProductError::Exists(sku("MUG")), ErrorCode::ProductExists, "sku"),
        (ProductError::Missing, ErrorCode::ProductNotFound, "sku"),
        (ProductError::NotFound(sku("MUG")), ErrorCode::ProductNotFound, "sku"),
        (ProductError::Discontinued(sku("MUG")), ErrorCode::ProductDiscontinued, "sku"),
        (ProductError::PriceNotPositive(usd(0)), ErrorCode::InvalidAmount, "price"),
        (other_currency(), ErrorCode::CurrencyMismatch, "price"),
    ] {
        let refusal = crate::Refusal::from(error);
        assert_eq!((refusal.code(), refusal.field()), (code, field), "{refusal}");
    }
}
