//! People and addresses: validated before they are sealed, opened only for an authorised reader.

use async_graphql::{Context, InputObject, Result, SimpleObject};
use domain::{Address, Contact, Personal, Text};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::errors::fault;
use super::input::Parser;
use super::shop::shop;

/// Whom to reach about an order.
#[derive(Debug, SimpleObject)]
#[graphql(name = "Contact")]
pub struct ContactView {
    /// The person's name.
    name: String,
    /// Where mail goes.
    email: String,
    /// Where to call.
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

/// Where goods go.
#[derive(Debug, SimpleObject)]
#[graphql(name = "Address")]
pub struct AddressView {
    /// Street and house.
    street: String,
    /// The town.
    city: String,
    /// State, province or county.
    region: Option<String>,
    /// The postal code.
    postal_code: Option<String>,
    /// The country.
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

/// Whom to reach about an order.
#[derive(Debug, InputObject, Serialize)]
pub struct ContactInput {
    /// The person's name.
    name: String,
    /// Where mail goes.
    email: String,
    /// Where to call.
    phone: Option<String>,
}

/// Where goods go.
#[derive(Debug, InputObject, Serialize)]
pub struct AddressInput {
    /// Street and house.
    street: String,
    /// The town.
    city: String,
    /// State, province or county.
    region: Option<String>,
    /// The postal code.
    postal_code: Option<String>,
    /// The country.
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

/// Personal data for a caller who may see it; nothing, once the person is forgotten.
pub async fn open<T: DeserializeOwned>(ctx: &Context<'_>, sealed: &Personal) -> Result<Option<T>> {
    shop(ctx).vault.open(sealed).await.map_err(|error| {
        tracing::error!(%error, "personal data cannot be opened");
        fault("UNAVAILABLE", "personal data cannot be read now; try again")
    })
}
