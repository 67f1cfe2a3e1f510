//! The demo catalogue of an empty shop.

use commands::{AggregateCommand, Bus, CommandError, Context};
use domain::inventory::InventoryCommand;
use domain::product::ProductCommand;
use domain::{Currency, Invalid, Money, Sku, Text};
use uuid::Uuid;

/// Each product's SKU, name, description, price in US cents, and units on hand.
const PRODUCTS: [(&str, &str, &str, i64, u32); 6] = [
    ("INK-BLACK", "Iron gall ink, black", "50 ml of ink that outlasts its reader.", 1_249, 500),
    ("PEN-OAK", "Oak fountain pen", "Turned from one piece, with a steel nib.", 6_900, 120),
    ("NOTEBOOK-A5", "Notebook, A5", "192 numbered pages, thread-bound.", 2_499, 300),
    ("SEAL-WAX", "Sealing wax, red", "Four sticks and a wick.", 899, 250),
    ("VELLUM-10", "Vellum, ten sheets", "Calfskin, cut to A4.", 14_500, 40),
    ("QUILL-GOOSE", "Goose quill", "Hand-cut; comes with a knife.", 644, 15),
];

/// Creates the products and registers their stock. The commands have fixed ids, so that two nodes that start on one
/// empty database create them once.
pub async fn create_catalogue(bus: &Bus) -> Result<(), CommandError> {
    for product in PRODUCTS {
        let Ok((sku, create, register)) = build_commands(product) else { continue };
        let create = AggregateCommand { name: "productCreate", id: sku.clone(), command: create };
        let register =
            AggregateCommand { name: "inventoryRegister", id: sku.clone(), command: register };
        bus.execute(create, build_context(&sku, "create")).await?;
        bus.execute(register, build_context(&sku, "register")).await?;
    }
    tracing::info!(
        products = PRODUCTS.len(),
        "created the demo catalogue, because the log is empty"
    );
    Ok(())
}

fn build_commands(
    (sku, name, description, cents, on_hand): (&str, &str, &str, i64, u32),
) -> Result<(Sku, ProductCommand, InventoryCommand), Invalid> {
    let sku: Sku = sku.parse()?;
    let create = ProductCommand::Create {
        sku: sku.clone(),
        name: Text::new(name, Text::SHORT)?,
        description: Some(Text::new(description, Text::LONG)?),
        image_url: None,
        price: Money::new(cents, Currency::USD),
    };
    let (reorder_level, reorder_quantity) = (10, 50);
    let register =
        InventoryCommand::Register { sku: sku.clone(), on_hand, reorder_level, reorder_quantity };
    Ok((sku, create, register))
}

fn build_context(sku: &Sku, step: &str) -> Context {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/demo");
    let id = Uuid::new_v5(&namespace, format!("{sku}/{step}").as_bytes());
    Context::reaction("demo", id, None)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_demo_product_is_valid() {
        for product in super::PRODUCTS {
            assert!(super::build_commands(product).is_ok(), "{product:?}");
        }
    }
}
