//! Contacts and addresses. They are validated before they are encrypted, and decrypted only for callers who may read
//! them.

use async_graphql::{Context, InputObject, Result, SimpleObject};
use domain::{Address, Contact, Personal, Text};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::input::Parser;
use super::shop::shop;
use crate::graphql_http::error_with_code;

/// The person whom the shop writes to or calls about an order. Personal data: only the buyer and
/// staff can read it.
#[derive(Debug, SimpleObject)]
#[graphql(name = "Contact")]
pub struct ContactView {
    /// The person's full name, as it stands on the parcel.
    name: String,
    /// The e-mail address that gets all messages about the order.
    email: String,
    /// Telephone number for questions about the delivery; null if the buyer gave none.
    phone: Option<String>,
}

impl From<Contact> for ContactView {
    fn from(contact: Contact) -> Self {
        ContactView {
            name: contact.name.to_string(),
            email: contact.email.as_str().to_owned(),
            phone: contact.phone.map(|phone| phone.to_string()),
        }
    }
}

/// A postal address to which an order is sent. Personal data: only the buyer and staff can read it.
#[derive(Debug, SimpleObject)]
#[graphql(name = "Address")]
pub struct AddressView {
    /// Street and house number, at most 200 characters.
    street: String,
    /// Name of the town or city, at most 200 characters.
    city: String,
    /// State, province or county; null if the buyer gave none.
    region: Option<String>,
    /// Postal or ZIP code, such as `94103`; null if the buyer gave none.
    postal_code: Option<String>,
    /// The country as the buyer wrote it, such as `US`. It decided the tax rate of the order.
    country: String,
}

impl From<Address> for AddressView {
    fn from(address: Address) -> Self {
        AddressView {
            street: address.street.to_string(),
            city: address.city.to_string(),
            region: address.region.map(|region| region.to_string()),
            postal_code: address.postal_code.map(|code| code.to_string()),
            country: address.country.to_string(),
        }
    }
}

/// The person whom the shop may write to or call about an order. It is stored encrypted.
#[derive(Debug, InputObject, Serialize)]
pub struct ContactInput {
    /// The person's full name, 1 to 200 characters.
    name: String,
    /// The e-mail address for all messages about the order, at most 254 characters, such as
    /// `ada@example.com`.
    email: String,
    /// Telephone number, 1 to 50 characters, in any notation.
    phone: Option<String>,
}

/// A postal address to which an order is to be sent. It is stored encrypted.
#[derive(Debug, InputObject, Serialize)]
pub struct AddressInput {
    /// Street and house number, 1 to 200 characters.
    street: String,
    /// The town or city, 1 to 200 characters.
    city: String,
    /// State, province or county, 1 to 200 characters, where the country has them.
    region: Option<String>,
    /// Postal or ZIP code, 1 to 200 characters, where the country has them.
    postal_code: Option<String>,
    /// The country, 1 to 200 characters. The shop looks up its tax rate by this text, in any case, so
    /// write it as the shop does: by its code, such as `US`.
    country: String,
}

impl ContactInput {
    pub fn parse(&self, parser: &mut Parser) -> Option<Contact> {
        let name = parser.text(&["contact", "name"], &self.name, Text::SHORT);
        let email = parser.parse(&["contact", "email"], &self.email);
        let phone = parser.optional_text(&["contact", "phone"], self.phone.as_ref(), 50);
        Some(Contact { name: name?, email: email?, phone: phone? })
    }
}

impl AddressInput {
    pub fn parse(&self, parser: &mut Parser) -> Option<Address> {
        let mut text =
            |field: &str, text: &str| parser.text(&["shippingAddress", field], text, Text::SHORT);
        let street = text("street", &self.street);
        let city = text("city", &self.city);
        let country = text("country", &self.country);
        let mut optional = |field: &str, text: Option<&String>| {
            parser.optional_text(&["shippingAddress", field], text, Text::SHORT)
        };
        let region = optional("region", self.region.as_ref());
        let postal_code = optional("postalCode", self.postal_code.as_ref());
        Some(Address {
            street: street?,
            city: city?,
            region: region?,
            postal_code: postal_code?,
            country: country?,
        })
    }
}

/// Decrypts personal data, for a caller who may read it; `None` if the person's data was erased.
pub async fn decrypt<T: DeserializeOwned>(
    ctx: &Context<'_>,
    encrypted: &Personal,
) -> Result<Option<T>> {
    shop(ctx).vault.open(encrypted).await.map_err(|error| {
        tracing::error!(%error, "personal data cannot be decrypted");
        error_with_code("UNAVAILABLE", "personal data cannot be read now; try again")
    })
}
