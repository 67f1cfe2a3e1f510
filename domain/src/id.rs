//! The ids of streams and of the objects that they are about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{from_stored_name, stored_name};

/// The kinds of aggregates. Their names are stored as `stream_type` and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Product,
    Cart,
    Inventory,
    Order,
    Payment,
    Coupon,
    Notification,
}

impl Kind {
    pub const ALL: [Kind; 7] = [
        Kind::Product,
        Kind::Cart,
        Kind::Inventory,
        Kind::Order,
        Kind::Payment,
        Kind::Coupon,
        Kind::Notification,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        stored_name(&self)
    }

    /// The namespace in which natural keys of this kind become stream ids, as in the event store's
    /// adapter for plain cqrs-es programs. Stored ids are derived from it, so it never changes.
    fn namespace(self) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, self.as_str().as_bytes())
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        from_stored_name(name).ok_or(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The id of a stream: the kind of its aggregate, and the id of the aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId {
    pub kind: Kind,
    pub id: Uuid,
}

impl StreamId {
    pub fn new(kind: Kind, id: Uuid) -> Self {
        StreamId { kind, id }
    }

    /// The stream of an object that has a natural key. The same key always gives the same stream.
    pub fn natural(kind: Kind, key: &str) -> Self {
        StreamId::new(kind, Uuid::new_v5(&kind.namespace(), key.as_bytes()))
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id!(
    /// A cart: a customer's n-th, or a guest's.
    CartId
);
id!(
    /// A customer, derived from issuer and subject of their token; the subject itself is not
    /// stored.
    CustomerId
);
id!(
    /// An order.
    OrderId
);
id!(
    /// One payment of an order; an order can have several.
    PaymentId
);
id!(
    /// One message to one recipient.
    NotificationId
);
id!(
    /// One parcel of an order.
    ShipmentId
);
id!(
    /// The person whose key encrypts personal data: a customer, or the guest of a cart.
    SubjectId
);

impl CartId {
    /// A customer's n-th cart, counted from 1.
    pub fn of_customer(customer: CustomerId, number: u32) -> Self {
        CartId(StreamId::natural(Kind::Cart, &format!("{customer}/{number}")).id)
    }

    pub fn stream(self) -> StreamId {
        StreamId::new(Kind::Cart, self.0)
    }
}

impl CustomerId {
    pub fn new(issuer: &str, subject: &str) -> Self {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, issuer.as_bytes());
        CustomerId(Uuid::new_v5(&namespace, subject.as_bytes()))
    }
}

impl OrderId {
    pub fn stream(self) -> StreamId {
        StreamId::new(Kind::Order, self.0)
    }
}

impl PaymentId {
    pub fn stream(self) -> StreamId {
        StreamId::new(Kind::Payment, self.0)
    }
}

impl NotificationId {
    pub fn stream(self) -> StreamId {
        StreamId::new(Kind::Notification, self.0)
    }
}
