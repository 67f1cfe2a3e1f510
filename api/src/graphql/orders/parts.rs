//! The parts of an order: its lines, its shipments and the notes of staff.

use async_graphql::{Description, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::order::{LineQuantity, OrderLine, SentShipment};

use crate::graphql::money::Money;

/// A product of an order as it was bought. Later changes of the product do not show here.
#[derive(Debug, Description)]
pub struct Line<'o>(pub(super) &'o OrderLine);

#[Object(name = "OrderLine", use_type_description)]
impl Line<'_> {
    /// SKU of the product that was bought.
    async fn sku(&self) -> &str {
        self.0.ordered.sku.as_str()
    }

    /// The product's name when the order was placed.
    async fn name(&self) -> &str {
        self.0.ordered.name.as_str()
    }

    /// Number of units bought, 1 to 10,000.
    async fn quantity(&self) -> u32 {
        self.0.ordered.quantity.get()
    }

    /// Price charged for one unit.
    async fn unit_price(&self) -> Money {
        Money(self.0.ordered.unit_price)
    }

    /// The `unitPrice` times the `quantity`, before discount and exclusive tax.
    async fn total(&self) -> Money {
        Money(self.0.ordered.total)
    }

    /// This line's share of the order's discount. The shares of all lines add up to it exactly.
    async fn discount(&self) -> Money {
        Money(self.0.ordered.discount)
    }

    /// Tax on the line after its discount: added to the total or included in it, by `Order.taxMode`.
    async fn tax(&self) -> Money {
        Money(self.0.ordered.tax)
    }

    /// Number of units that were shipped, delivered ones included.
    async fn shipped(&self) -> i64 {
        self.0.shipped
    }

    /// Number of units that were delivered, returned ones included.
    async fn delivered(&self) -> i64 {
        self.0.delivered
    }

    /// Number of units that the buyer wants to return and the shop has not taken back yet.
    async fn return_requested(&self) -> i64 {
        self.0.return_requested
    }

    /// Number of units that the shop has taken back.
    async fn returned(&self) -> i64 {
        self.0.returned
    }
}

/// A parcel that was sent to the buyer.
#[derive(Debug, SimpleObject)]
pub struct Shipment {
    /// The parcel's own UUID. It is not a `Node`.
    id: ID,
    /// The units in the parcel.
    lines: Vec<ShipmentLine>,
    /// Name of the company that carries the parcel; null if staff named none.
    carrier: Option<String>,
    /// Number by which the carrier tracks the parcel; null if staff named none.
    tracking_number: Option<String>,
    /// Time at which the parcel should arrive; null if staff named none.
    estimated_delivery: Option<DateTime<Utc>>,
    /// Time at which staff recorded the shipment.
    shipped_at: DateTime<Utc>,
}

/// A product in a parcel, and how many units of it.
#[derive(Debug, SimpleObject)]
pub struct ShipmentLine {
    /// SKU of the product in the parcel.
    sku: String,
    /// Number of units in the parcel, at least 1.
    quantity: u32,
}

/// A note about an order, written by staff for staff.
#[derive(Debug, SimpleObject)]
pub struct Note {
    /// What was noted; null once the buyer's data was erased.
    pub(super) text: Option<String>,
    /// Time at which the note was added.
    pub(super) at: DateTime<Utc>,
}

impl From<&SentShipment> for Shipment {
    fn from(sent: &SentShipment) -> Self {
        let shipment = sent.shipment.clone();
        Shipment {
            id: shipment.id.0.into(),
            lines: shipment.lines.iter().map(ShipmentLine::from).collect(),
            carrier: shipment.carrier.map(|carrier| carrier.to_string()),
            tracking_number: shipment.tracking_number.map(|number| number.to_string()),
            estimated_delivery: shipment.estimated_delivery,
            shipped_at: sent.at,
        }
    }
}

impl From<&LineQuantity> for ShipmentLine {
    fn from(part: &LineQuantity) -> Self {
        ShipmentLine { sku: part.sku.to_string(), quantity: part.quantity.get() }
    }
}
