//! Who may use which root field, as a table.
//!
//! The HTTP handler checks every root field of an operation before anything is executed. In a row with `Own`
//! the resolver checks the object itself. An object of another person and a missing one get the same answer.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

use crate::auth::{Caller, Role};

/// The root types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    Query,
    Mutation,
    Subscription,
}

/// Which of the objects that a root field gives access to a caller may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    None,
    /// The caller's own objects. A guest owns one cart and the order placed with it; a customer owns their carts,
    /// orders, payments and notifications.
    Own,
    All,
}

/// One row of the table: a root field, and what each kind of caller reaches through it.
#[derive(Debug)]
pub struct Row {
    root: Root,
    field: &'static str,
    /// Callers without a role: anonymous ones, and guests with a cart.
    anonymous: Reach,
    customer: Reach,
    support: Reach,
    admin: Reach,
}

const fn row(
    root: Root,
    field: &'static str,
    [anonymous, customer, support, admin]: [Reach; 4],
) -> Row {
    Row { root, field, anonymous, customer, support, admin }
}

use Reach::{All, None as No, Own};
use Root::{Mutation, Query};

/// The columns: anonymous, customer, support, admin.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(Query, "me",                     [All, All, All, All]),
    row(Query, "node",                   [Own, Own, All, All]),
    row(Query, "nodes",                  [Own, Own, All, All]),
    // The catalogue, with the availability of stock.
    row(Query, "product",                [All, All, All, All]),
    row(Query, "products",               [All, All, All, All]),
    row(Mutation, "productCreate",       [No,  No,  No,  All]),
    row(Mutation, "productUpdate",       [No,  No,  No,  All]),
    row(Mutation, "productReprice",      [No,  No,  No,  All]),
    row(Mutation, "productDiscontinue",  [No,  No,  No,  All]),
    row(Mutation, "productReinstate",    [No,  No,  No,  All]),
    // Carts, orders and payments.
    row(Query, "cart",                   [Own, Own, All, All]),
    row(Query, "order",                  [Own, Own, All, All]),
    row(Query, "orders",                 [Own, Own, All, All]),
    row(Query, "orderStats",             [No,  No,  All, All]),
    row(Query, "payment",                [Own, Own, All, All]),
    row(Query, "payments",               [Own, Own, All, All]),
    row(Mutation, "cartCreate",          [Own, Own, No,  All]),
    row(Mutation, "cartLinesAdd",        [Own, Own, No,  All]),
    row(Mutation, "cartLinesUpdate",     [Own, Own, No,  All]),
    row(Mutation, "cartLinesRemove",     [Own, Own, No,  All]),
    row(Mutation, "cartClear",           [Own, Own, No,  All]),
    row(Mutation, "cartMerge",           [No,  Own, No,  No ]),
    row(Mutation, "cartCouponApply",     [Own, Own, No,  All]),
    row(Mutation, "cartCouponRemove",    [Own, Own, No,  All]),
    row(Query, "coupon",                 [No,  No,  All, All]),
    row(Query, "coupons",                [No,  No,  All, All]),
    row(Mutation, "couponCreate",        [No,  No,  No,  All]),
    row(Mutation, "couponDisable",       [No,  No,  No,  All]),
    row(Mutation, "orderPlace",          [Own, Own, No,  All]),
    row(Mutation, "orderUpdate",         [Own, Own, All, All]),
    row(Mutation, "orderCancel",         [Own, Own, All, All]),
    row(Mutation, "orderProcessingStart",[No,  No,  All, All]),
    row(Mutation, "orderShip",           [No,  No,  All, All]),
    row(Mutation, "orderDeliver",        [No,  No,  All, All]),
    row(Mutation, "orderReturnRequest",  [No,  Own, All, All]),
    row(Mutation, "orderReturnAccept",   [No,  No,  All, All]),
    row(Mutation, "orderNoteAdd",        [No,  No,  All, All]),
    row(Mutation, "paymentStart",        [Own, Own, No,  All]),
    row(Mutation, "paymentCapture",      [No,  No,  All, All]),
    row(Mutation, "paymentVoid",         [No,  No,  All, All]),
    row(Mutation, "paymentRefund",       [No,  No,  All, All]),
    row(Query, "notification",           [No,  Own, All, All]),
    row(Query, "notifications",          [No,  Own, All, All]),
    row(Mutation, "paymentAttentionResolve", [No, No, All, All]),
    // Figures of the inventory.
    row(Query, "inventoryItem",          [No,  No,  All, All]),
    row(Query, "inventoryItems",         [No,  No,  All, All]),
    row(Query, "inventoryLedger",        [No,  No,  All, All]),
    row(Mutation, "inventoryRegister",   [No,  No,  No,  All]),
    row(Mutation, "inventoryAdjust",     [No,  No,  No,  All]),
    row(Mutation, "inventoryReorderLevelSet", [No, No, No, All]),
    // Audit and operations.
    row(Query, "events",                 [No,  No,  All, All]),
    row(Query, "history",                [No,  Own, All, All]),
    row(Query, "why",                    [No,  No,  All, All]),
    row(Query, "projections",            [No,  No,  All, All]),
];

/// Why a caller may not use a root field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("{0} needs a signed-in caller; send a token or an API key")]
    SignInFirst(String),
    #[error("the caller's role may not use {0}")]
    Forbidden(String),
}

/// Returns what the caller reaches through this field.
///
/// # Errors
/// If the caller may not use the field at all. A field without a row is denied to every caller.
pub fn check(root: Root, field: &str, caller: &Caller) -> Result<Reach, Denied> {
    let row = TABLE.iter().find(|row| row.root == root && row.field == field);
    let reach = row.map_or(Reach::None, |row| row.reach(caller.role()));
    match (reach, caller.role()) {
        (Reach::None, None) => Err(Denied::SignInFirst(field.to_owned())),
        (Reach::None, Some(_)) => Err(Denied::Forbidden(field.to_owned())),
        (reach, _) => Ok(reach),
    }
}

impl Row {
    fn reach(&self, role: Option<Role>) -> Reach {
        match role {
            None => self.anonymous,
            Some(Role::Customer) => self.customer,
            Some(Role::Support) => self.support,
            Some(Role::Admin) => self.admin,
        }
    }
}

/// The root fields that a schema has.
#[derive(Debug)]
pub struct RootFields(Vec<(Root, String)>);

impl RootFields {
    /// # Errors
    /// If the text is not a schema.
    pub fn from_sdl(sdl: &str) -> Result<Self, async_graphql::parser::Error> {
        Ok(RootFields(root_fields(sdl)?))
    }

    pub fn contains(&self, root: Root, field: &str) -> bool {
        self.0.iter().any(|(other, name)| *other == root && name == field)
    }
}

fn root_fields(sdl: &str) -> Result<Vec<(Root, String)>, async_graphql::parser::Error> {
    let mut found = Vec::new();
    for definition in parse_schema(sdl)?.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let root = match definition.node.name.node.as_str() {
            "Query" => Root::Query,
            "Mutation" => Root::Mutation,
            "Subscription" => Root::Subscription,
            _ => continue,
        };
        if let TypeKind::Object(object) = definition.node.kind {
            found
                .extend(object.fields.iter().map(|field| (root, field.node.name.node.to_string())));
        }
    }
    Ok(found)
}

/// Lists the differences between the table and a schema. A test checks that there are none.
///
/// # Errors
/// If the text is not a schema.
pub fn differences(sdl: &str) -> Result<Vec<String>, async_graphql::parser::Error> {
    let RootFields(fields) = &RootFields::from_sdl(sdl)?;
    let mut differences = Vec::new();
    for (root, field) in fields {
        if !TABLE.iter().any(|row| row.root == *root && row.field == field) {
            differences.push(format!("{root:?}.{field} has no row in the access table"));
        }
    }
    for (at, row) in TABLE.iter().enumerate() {
        if !fields.iter().any(|(root, field)| row.root == *root && row.field == field) {
            differences
                .push(format!("{:?}.{} has a row but is not in the schema", row.root, row.field));
        }
        if TABLE[..at].iter().any(|other| other.root == row.root && other.field == row.field) {
            differences.push(format!("{:?}.{} has two rows", row.root, row.field));
        }
    }
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use domain::{CartId, CustomerId};
    use uuid::Uuid;

    use super::*;

    fn callers() -> [Caller; 5] {
        let id = Uuid::from_u128(1);
        [
            Caller::Anonymous,
            Caller::Guest { cart: CartId(id) },
            Caller::Customer { id: CustomerId(id) },
            Caller::Support { id },
            Caller::Key { name: "erp".into(), role: Role::Admin },
        ]
    }

    fn reaches(root: Root, field: &str) -> Vec<Option<Reach>> {
        callers().iter().map(|caller| check(root, field, caller).ok()).collect()
    }

    #[test]
    fn the_catalogue_is_read_by_all_and_written_by_admins() {
        assert_eq!(reaches(Query, "products"), [Some(All); 5]);
        assert_eq!(reaches(Mutation, "productReprice"), [None, None, None, None, Some(All)]);
    }

    #[test]
    fn shoppers_reach_their_own_and_staff_reach_all() {
        assert_eq!(
            reaches(Query, "order"),
            [Some(Own), Some(Own), Some(Own), Some(All), Some(All)]
        );
        assert_eq!(reaches(Mutation, "orderShip"), [None, None, None, Some(All), Some(All)]);
        assert_eq!(reaches(Query, "history"), [None, None, Some(Own), Some(All), Some(All)]);
    }

    #[test]
    fn a_field_without_a_row_is_denied_to_every_caller() {
        assert_eq!(reaches(Query, "secrets"), [None; 5]);
        assert_eq!(reaches(Root::Subscription, "events"), [None; 5]);
    }

    #[test]
    fn anonymous_callers_must_sign_in_and_others_are_refused() {
        let [stranger, _, customer, ..] = callers();
        assert_eq!(check(Query, "events", &stranger), Err(Denied::SignInFirst("events".into())));
        assert_eq!(check(Query, "events", &customer), Err(Denied::Forbidden("events".into())));
    }

    #[test]
    fn an_admin_reaches_at_least_what_support_reaches() {
        for row in TABLE {
            assert!(row.support == Reach::None || row.admin == row.support, "{}", row.field);
        }
    }

    fn sdl_of_the_table() -> String {
        let fields = |root| {
            let names = TABLE
                .iter()
                .filter(|row| row.root == root)
                .map(|row| format!("{}: Int\n", row.field));
            format!("type {root:?} {{ {} }}\n", names.collect::<String>())
        };
        fields(Query) + &fields(Mutation)
    }

    #[test]
    fn a_field_without_a_row_and_a_row_without_a_field_are_differences() {
        let sdl = sdl_of_the_table();
        assert_eq!(differences(&sdl).unwrap(), Vec::<String>::new());
        let more = sdl.replace("type Query {", "type Query { secrets: Int");
        assert_eq!(differences(&more).unwrap(), ["Query.secrets has no row in the access table"]);
        let fewer = sdl.replace("orderShip: Int\n", "");
        assert_eq!(
            differences(&fewer).unwrap(),
            ["Mutation.orderShip has a row but is not in the schema"]
        );
    }
}
